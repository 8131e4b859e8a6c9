/* The words of /proc/net/{snmp,netstat,snmp6}.  The kernel gives no types, so the few rows that
 * are no counters must be known; units are for people, and missing ones do no harm. */
#include "analyzers/mib.h"

#include <stdbool.h>
#include <string.h>

/* RFC 4022 (tcp*), RFC 4293 (ip*), and the kernel's additions. */
static const char *const gauges[] = {
	"Ip.Forwarding", "Ip.DefaultTTL", "Tcp.RtoAlgorithm", "Tcp.RtoMin",
	"Tcp.RtoMax",    "Tcp.MaxConn",   "Tcp.CurrEstab",    "MPTcpExt.MPCurrEstab",
};

struct unit {
	const char *name; /* a whole name; with a final '*' its beginning */
	const char *unit;
};

/* The first that fits. */
static const struct unit units[] = {
	{ "Ip.Forwarding", "" },
	{ "Ip.DefaultTTL", "" },
	{ "Ip.Reasm*", "events" },
	{ "Ip.Frag*", "events" },
	{ "Ip.*", "packets" },
	{ "IpExt.*", "packets" },
	{ "Icmp.*", "packets" },
	{ "IcmpMsg.*", "packets" },
	{ "Udp.*", "packets" },
	{ "UdpLite.*", "packets" },
	{ "Ip6Reasm*", "events" },
	{ "Ip6Frag*", "events" },
	{ "Ip6*", "packets" },
	{ "Icmp6*", "packets" },
	{ "Udp6*", "packets" },
	{ "UdpLite6*", "packets" },
	{ "Tcp.RtoMin", "ms" },
	{ "Tcp.RtoMax", "ms" },
	{ "Tcp.MaxConn", "connections" },
	{ "Tcp.ActiveOpens", "connections" },
	{ "Tcp.PassiveOpens", "connections" },
	{ "Tcp.AttemptFails", "connections" },
	{ "Tcp.EstabResets", "connections" },
	{ "Tcp.CurrEstab", "connections" },
	{ "Tcp.InSegs", "packets" },
	{ "Tcp.OutSegs", "packets" },
	{ "Tcp.RetransSegs", "packets" },
	{ "Tcp.InErrs", "packets" },
	{ "Tcp.OutRsts", "packets" },
	{ "Tcp.InCsumErrors", "packets" },
	{ "TcpExt.Listen*", "connections" },
	{ "TcpExt.TW*", "connections" },
	{ "TcpExt.TCPAbortOn*", "connections" },
	{ "TcpExt.TCPAbortFailed", "connections" },
	{ "TcpExt.TCPTimeWaitOverflow", "connections" },
	{ "TcpExt.TCPReqQFull*", "connections" },
	{ "TcpExt.Syncookies*", "packets" },
	{ "TcpExt.EmbryonicRsts", "connections" },
	{ "TcpExt.TCPSynRetrans", "packets" },
	{ "TcpExt.TCPRetransFail", "packets" },
	{ "TcpExt.TCPLostRetransmit", "packets" },
	{ "TcpExt.TCPFastRetrans", "packets" },
	{ "TcpExt.TCPSlowStartRetrans", "packets" },
	{ "TcpExt.TCPBacklogDrop", "packets" },
	{ "TcpExt.TCPRcvQDrop", "packets" },
	{ "TcpExt.TCPOFODrop", "packets" },
	{ "TcpExt.TCPZeroWindowDrop", "packets" },
	{ "TcpExt.RcvPruned", "packets" },
	{ "TcpExt.OfoPruned", "packets" },
	{ "TcpExt.PruneCalled", "events" },
	{ "TcpExt.TCPTimeouts", "events" },
	{ "TcpExt.TCPLossProbes", "packets" },
	{ "TcpExt.TCPWinProbe", "packets" },
	{ "TcpExt.TCPKeepAlive", "packets" },
	{ "TcpExt.TCPToZeroWindowAdv", "events" },
	{ "TcpExt.TCPFromZeroWindowAdv", "events" },
	{ "TcpExt.TCPWantZeroWindowAdv", "events" },
	{ "TcpExt.TCPMemoryPressures", "events" },
	{ "TcpExt.TCPMemoryPressuresChrono", "ms" },
	{ "TcpExt.DelayedACK*", "packets" },
	{ "TcpExt.OutOfWindowIcmps", "packets" },
	{ "TcpExt.LockDroppedIcmps", "packets" },
	{ "TcpExt.PAWS*", "packets" },
};

static bool fits(const char *pattern, const char *name)
{
	size_t len = strlen(pattern);

	if (len && pattern[len - 1] == '*')
		return strncmp(pattern, name, len - 1) == 0;
	return strcmp(pattern, name) == 0;
}

static const char *unit_of(const char *name)
{
	size_t len = strlen(name);

	if (len >= 6 && strcmp(name + len - 6, "Octets") == 0)
		return "bytes";
	for (size_t i = 0; i < sizeof(units) / sizeof(units[0]); i++)
		if (fits(units[i].name, name))
			return units[i].unit;
	return "";
}

void sq_mib_describe(struct sq_metric *m)
{
	m->kind = SQ_COUNTER;
	m->width = 64;
	m->unit = unit_of(m->name);
	for (size_t i = 0; i < sizeof(gauges) / sizeof(gauges[0]); i++)
		if (strcmp(gauges[i], m->name) == 0)
			m->kind = SQ_GAUGE;
}
