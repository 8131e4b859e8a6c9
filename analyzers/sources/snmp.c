/* The counters of the protocols' MIBs, IPv4 and what both families share: "Tcp.RetransSegs",
 * "Udp.RcvbufErrors".  A few are gauges (the catalogue has their kinds).  Of the network namespace. */
#include "analyzers/formats/nettext.h"

static int snmp_open(void *state, const void *conf, struct sq_sample *s, struct sq_err *err)
{
	(void)conf;
	return sq_nettext_file_open(state, sq_sample_place(s), "/proc/thread-self/net/snmp", err);
}

static int snmp_sample(void *state, struct sq_sample *s)
{
	return sq_nettext_file_sample(state, sq_nettext_tables, s);
}

const struct sq_source sq_source_snmp = {
	.kind = {
		.name = "snmp",
		.summary = "the protocols' standard counters: Ip, Icmp, Tcp, Udp (/proc/net/snmp)",
	},
	.group = "linux",
	.state_size = sizeof(struct sq_nettext_file),
	.remote = true,
	.open = snmp_open,
	.sample = snmp_sample,
	.close = sq_nettext_file_close,
};
