/* pf's state table, counters and limits: "bsd.pf.State_Table.current_entry", "bsd.pf.Counter.memory",
 * "bsd.pf.limit".  What pftop shows of the table is its current entries. */
#include "analyzers/formats/bsd_source.h"

#define COMMAND "pfctl -si; pfctl -sm"

static int bsd_pfctl_open(void *state, const void *conf, struct sq_sample *s, struct sq_err *err)
{
	return sq_bsd_open(state, conf, COMMAND, sq_bsd_pfctl, s, err);
}

static const struct sq_opt bsd_pfctl_opts[] = {
	SQ_STATS_COMMAND_OPTS(COMMAND),
	{ 0 },
};

const struct sq_source sq_source_bsd_pfctl = {
	.kind = {
		.name = "bsd_pfctl",
		.summary = "pf's state table, counters and limits (pfctl -si -sm)",
		.opts = bsd_pfctl_opts,
		.conf_size = sizeof(struct sq_stats_command_conf),
		.programs = true,
	},
	.state_size = sizeof(struct sq_stats_source),
	.blocking = true,
	.remote = true,
	.open = bsd_pfctl_open,
	.sample = sq_stats_source_sample,
	.close = sq_stats_source_close,
};
