/* A BSD's settings and what its kernel counts in them: "bsd.sysctl.kern.ipc.somaxconn". */
#include "analyzers/formats/bsd_source.h"

#define COMMAND "sysctl net.inet kern.ipc kern.somaxconn 2>/dev/null; true"

static int bsd_sysctl_open(void *state, const void *conf, struct sq_sample *s, struct sq_err *err)
{
	return sq_bsd_open(state, conf, COMMAND, sq_bsd_sysctl, s, err);
}

static const struct sq_opt bsd_sysctl_opts[] = {
	SQ_STATS_COMMAND_OPTS(COMMAND),
	{ 0 },
};

const struct sq_source sq_source_bsd_sysctl = {
	.kind = {
		.name = "bsd_sysctl",
		.summary = "a BSD's settings of its network (sysctl)",
		.opts = bsd_sysctl_opts,
		.conf_size = sizeof(struct sq_stats_command_conf),
		.programs = true,
	},
	.state_size = sizeof(struct sq_stats_source),
	.blocking = true,
	.remote = true,
	.open = bsd_sysctl_open,
	.sample = sq_stats_source_sample,
	.close = sq_stats_source_close,
};
