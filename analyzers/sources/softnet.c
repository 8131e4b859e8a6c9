/* What each processor took from the network, and dropped for a full backlog: "softnet.dropped" of
 * "cpu0".  Of the whole machine, in every namespace.  The kernel counts with 32 bits. */
#include "analyzers/formats/nettext.h"

static int softnet_open(void *state, const void *conf, struct sq_sample *s, struct sq_err *err)
{
	(void)conf;
	return sq_nettext_file_open(state, sq_sample_place(s), "/proc/thread-self/net/softnet_stat",
				    err);
}

static int softnet_sample(void *state, struct sq_sample *s)
{
	return sq_nettext_file_sample(state, sq_nettext_softnet, s);
}

const struct sq_source sq_source_softnet = {
	.kind = {
		.name = "softnet",
		.summary = "packets taken, dropped and left over by each processor (/proc/net/softnet_stat)",
	},
	.group = "linux",
	.state_size = sizeof(struct sq_nettext_file),
	.remote = true,
	.open = softnet_open,
	.sample = softnet_sample,
	.close = sq_nettext_file_close,
};
