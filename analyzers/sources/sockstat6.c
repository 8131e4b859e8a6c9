/* IPv6 sockets in use, all gauges: "sockstat.TCP6.inuse".  Of the network namespace. */
#include "analyzers/formats/nettext.h"

static int sockstat6_open(void *state, const void *conf, struct sq_sample *s, struct sq_err *err)
{
	(void)conf;
	return sq_nettext_file_open(state, sq_sample_place(s), "/proc/thread-self/net/sockstat6",
				    err);
}

static int sockstat6_sample(void *state, struct sq_sample *s)
{
	return sq_nettext_file_sample(state, sq_nettext_sockstat, s);
}

const struct sq_source sq_source_sockstat6 = {
	.kind = {
		.name = "sockstat6",
		.summary = "IPv6 sockets in use, for each protocol (/proc/net/sockstat6)",
	},
	.group = "linux",
	.state_size = sizeof(struct sq_nettext_file),
	.remote = true,
	.open = sockstat6_open,
	.sample = sockstat6_sample,
	.close = sq_nettext_file_close,
};
