/* The head of a BSD's top: "bsd.cpu" by state in tenths of a percent, "bsd.memory" in bytes. */
#include "analyzers/formats/bsd_source.h"

#define COMMAND "top -b"

static int bsd_top_open(void *state, const void *conf, struct sq_sample *s, struct sq_err *err)
{
	return sq_bsd_open(state, conf, COMMAND, sq_bsd_top, s, err);
}

static const struct sq_opt bsd_top_opts[] = {
	SQ_STATS_COMMAND_OPTS(COMMAND),
	{ 0 },
};

const struct sq_source sq_source_bsd_top = {
	.kind = {
		.name = "bsd_top",
		.summary = "a BSD's load, processor time and memory (top -b)",
		.opts = bsd_top_opts,
		.conf_size = sizeof(struct sq_stats_command_conf),
		.programs = true,
	},
	.state_size = sizeof(struct sq_stats_source),
	.blocking = true,
	.remote = true,
	.open = bsd_top_open,
	.sample = sq_stats_source_sample,
	.close = sq_stats_source_close,
};
