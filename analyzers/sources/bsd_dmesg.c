/* What a BSD's kernel complains of in its messages: "bsd.icmplim.held_back", "bsd.dmesg" by complaint. */
#include "analyzers/formats/bsd_source.h"

#define COMMAND "dmesg"

static int bsd_dmesg_open(void *state, const void *conf, struct sq_sample *s, struct sq_err *err)
{
	return sq_bsd_open(state, conf, COMMAND, sq_bsd_dmesg, s, err);
}

static const struct sq_opt bsd_dmesg_opts[] = {
	SQ_STATS_COMMAND_OPTS(COMMAND),
	{ 0 },
};

const struct sq_source sq_source_bsd_dmesg = {
	.kind = {
		.name = "bsd_dmesg",
		.summary = "a BSD kernel's complaints: limited RSTs, full listen queues (dmesg)",
		.opts = bsd_dmesg_opts,
		.conf_size = sizeof(struct sq_stats_command_conf),
		.programs = true,
	},
	.state_size = sizeof(struct sq_stats_source),
	.blocking = true,
	.remote = true,
	.open = bsd_dmesg_open,
	.sample = sq_stats_source_sample,
	.close = sq_stats_source_close,
};
