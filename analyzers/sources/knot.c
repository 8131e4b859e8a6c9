/* Knot DNS's own counters: "knot.mod-stats.response-code" by rcode, by what knotc calls them.
 *
 * What a reader would get wrong: Knot counts queries only where its module mod-stats is on (in the
 * template default for the server, or for a zone).  "-f" lists what is 0 too. */
#include "analyzers/formats/stats_source.h"

static int knot_open(void *state, const void *conf, struct sq_sample *s, struct sq_err *err)
{
	return sq_stats_command_open(state, conf, sq_stats_knot, s, err);
}

static const struct sq_opt knot_opts[] = {
	SQ_STATS_COMMAND_OPTS("knotc -f stats"),
	{ 0 },
};

const struct sq_source sq_source_knot = {
	.kind = {
		.name = "knot",
		.summary = "what knotc says: answers by rcode, operations (takes mod-stats)",
		.opts = knot_opts,
		.conf_size = sizeof(struct sq_stats_command_conf),
		.programs = true,
	},
	.state_size = sizeof(struct sq_stats_source),
	.blocking = true,
	.remote = true,
	.open = knot_open,
	.sample = sq_stats_source_sample,
	.close = sq_stats_source_close,
};
