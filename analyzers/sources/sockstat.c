/* Sockets in use, all gauges: "sockstat.TCP.inuse".
 *
 * What a reader would get wrong: inuse and tw are the network namespace's, but TCP's orphan, alloc
 * and mem and UDP's mem are the whole machine's. */
#include "analyzers/formats/nettext.h"

static int sockstat_open(void *state, const void *conf, struct sq_sample *s, struct sq_err *err)
{
	(void)conf;
	return sq_nettext_file_open(state, sq_sample_place(s), "/proc/thread-self/net/sockstat",
				    err);
}

static int sockstat_sample(void *state, struct sq_sample *s)
{
	return sq_nettext_file_sample(state, sq_nettext_sockstat, s);
}

const struct sq_source sq_source_sockstat = {
	.kind = {
		.name = "sockstat",
		.summary = "sockets in use and their memory, for each protocol (/proc/net/sockstat)",
	},
	.group = "linux",
	.state_size = sizeof(struct sq_nettext_file),
	.remote = true,
	.open = sockstat_open,
	.sample = sockstat_sample,
	.close = sq_nettext_file_close,
};
