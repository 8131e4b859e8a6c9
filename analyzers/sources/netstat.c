/* Linux's counters beyond the MIBs: "TcpExt.ListenOverflows", "IpExt.InOctets".  Of the network
 * namespace. */
#include "analyzers/formats/nettext.h"

static int netstat_open(void *state, const void *conf, struct sq_sample *s, struct sq_err *err)
{
	(void)conf;
	return sq_nettext_file_open(state, sq_sample_place(s), "/proc/thread-self/net/netstat",
				    err);
}

static int netstat_sample(void *state, struct sq_sample *s)
{
	return sq_nettext_file_sample(state, sq_nettext_tables, s);
}

const struct sq_source sq_source_netstat = {
	.kind = {
		.name = "netstat",
		.summary = "Linux's own counters: TcpExt, IpExt, MPTcpExt (/proc/net/netstat)",
	},
	.group = "linux",
	.state_size = sizeof(struct sq_nettext_file),
	.remote = true,
	.open = netstat_open,
	.sample = netstat_sample,
	.close = sq_nettext_file_close,
};
