/* IPv6's counters, under the kernel's own names: "Ip6InReceives".  Of the network namespace; not
 * there on a machine without IPv6. */
#include "analyzers/formats/nettext.h"

static int snmp6_open(void *state, const void *conf, struct sq_sample *s, struct sq_err *err)
{
	(void)conf;
	return sq_nettext_file_open(state, sq_sample_place(s), "/proc/thread-self/net/snmp6", err);
}

static int snmp6_sample(void *state, struct sq_sample *s)
{
	return sq_nettext_file_sample(state, sq_nettext_lines, s);
}

const struct sq_source sq_source_snmp6 = {
	.kind = {
		.name = "snmp6",
		.summary = "IPv6's counters: Ip6, Icmp6, Udp6 (/proc/net/snmp6)",
	},
	.group = "linux",
	.state_size = sizeof(struct sq_nettext_file),
	.remote = true,
	.open = snmp6_open,
	.sample = snmp6_sample,
	.close = sq_nettext_file_close,
};
