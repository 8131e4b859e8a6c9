/* Counters that rise because operations fail, whatever they fail of: what a host does after a loss, a
 * refusal or a time-out, and how it puts its sockets away.  They move with failures of every cause,
 * so that they are never named beside any.
 *
 * What a reader would get wrong: TCPAbortOnMemory, PruneCalled or OutNoRoutes are not here.  They sound
 * alike, and are the host's own shortage. */
#include <fnmatch.h>

#include "analyzers/ledger/correlate.h"

static const char *const effects[] = {
	/* resets, and connections that end by one */
	"Tcp.AttemptFails",
	"Tcp.EstabResets",
	"Tcp.OutRsts",
	"TcpExt.EmbryonicRsts",
	"TcpExt.TCPAbortOnClose",
	"TcpExt.TCPAbortOnData",
	"TcpExt.TCPAbortOnLinger",
	"TcpExt.TCPAbortOnTimeout",
	/* sent again, and what the other end makes of it */
	"Tcp.RetransSegs",
	"TcpExt.TCPTimeouts",
	"TcpExt.TCPSynRetrans",
	"TcpExt.TCPLostRetransmit",
	"TcpExt.TCPFastRetrans",
	"TcpExt.TCPSlowStartRetrans",
	"TcpExt.TCPLossProbes",
	"TcpExt.TCPLossProbeRecovery",
	"TcpExt.TCPLossUndo",
	"TcpExt.TCPLossFailures",
	"TcpExt.TCPSpuriousRTOs",
	"TcpExt.TCPSpuriousRtxHostQueues",
	"TcpExt.TCPRenoFailures",
	"TcpExt.TCPRenoRecovery*",
	"TcpExt.TCPSack*",
	"TcpExt.TCPDSACK*",
	"TcpExt.TCPACKSkipped*",
	"TcpExt.TCPChallengeACK",
	"TcpExt.TCPSYNChallenge",
	"TcpExt.TCPReqQFullDoCookies",
	"TcpExt.Syncookies*",
	/* windows that closed, and asking whether they have opened */
	"TcpExt.TCPWinProbe",
	"TcpExt.TCPKeepAlive",
	"TcpExt.TCPFromZeroWindowAdv",
	"TcpExt.TCPToZeroWindowAdv",
	"TcpExt.TCPWantZeroWindowAdv",
	/* sockets that are put away */
	"TcpExt.TW",
	"TcpExt.TWKilled",
	"TcpExt.TWRecycled",
	/* answers to what could not be taken */
	"Icmp.OutMsgs",
	"Icmp.InMsgs",
	"Icmp.OutDestUnreachs",
	"Icmp.InDestUnreachs",
	"IcmpMsg.*",
	"Icmp6OutDestUnreachs",
	"Icmp6InDestUnreachs",
	"Icmp6OutMsgs",
	"Icmp6InMsgs",
	"Icmp6OutType*",
	"Icmp6InType*",
};

bool sq_is_effect(const char *metric)
{
	for (size_t i = 0; i < sizeof(effects) / sizeof(effects[0]); i++) {
		if (fnmatch(effects[i], metric, 0) == 0)
			return true;
	}
	return false;
}
