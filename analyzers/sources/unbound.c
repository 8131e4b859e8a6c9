/* unbound's own counters: "unbound.total.requestlist.exceeded", by what unbound-control calls them.
 *
 * What a reader would get wrong: it must be "stats_noreset"; plain "stats" sets the counters back, for
 * whoever else reads them too.  The counts by rcode and type take unbound's extended-statistics. */
#include "analyzers/formats/stats_source.h"

static int unbound_open(void *state, const void *conf, struct sq_sample *s, struct sq_err *err)
{
	return sq_stats_command_open(state, conf, sq_stats_unbound, s, err);
}

static const struct sq_opt unbound_opts[] = {
	SQ_STATS_COMMAND_OPTS("unbound-control stats_noreset"),
	{ 0 },
};

const struct sq_source sq_source_unbound = {
	.kind = {
		.name = "unbound",
		.summary = "what unbound-control says: queries, cache hits, the request list",
		.opts = unbound_opts,
		.conf_size = sizeof(struct sq_stats_command_conf),
		.programs = true,
	},
	.state_size = sizeof(struct sq_stats_source),
	.blocking = true,
	.remote = true,
	.open = unbound_open,
	.sample = sq_stats_source_sample,
	.close = sq_stats_source_close,
};
