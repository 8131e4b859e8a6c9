/* NSD's own counters: "nsd.num.queries", "nsd.num.rcode.SERVFAIL", by what nsd-control calls them.
 *
 * What a reader would get wrong: it must be "stats_noreset"; plain "stats" sets the counters back.  It
 * takes NSD's remote-control, which by itself is off. */
#include "analyzers/formats/stats_source.h"

static int nsd_open(void *state, const void *conf, struct sq_sample *s, struct sq_err *err)
{
	return sq_stats_command_open(state, conf, sq_stats_nsd, s, err);
}

static const struct sq_opt nsd_opts[] = {
	SQ_STATS_COMMAND_OPTS("nsd-control stats_noreset"),
	{ 0 },
};

const struct sq_source sq_source_nsd = {
	.kind = {
		.name = "nsd",
		.summary = "what nsd-control says: queries by type, answers by rcode",
		.opts = nsd_opts,
		.conf_size = sizeof(struct sq_stats_command_conf),
		.programs = true,
	},
	.state_size = sizeof(struct sq_stats_source),
	.blocking = true,
	.remote = true,
	.open = nsd_open,
	.sample = sq_stats_source_sample,
	.close = sq_stats_source_close,
};
