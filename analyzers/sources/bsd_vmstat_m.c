/* A BSD's kernel memory: "bsd.malloc.MemUse" by type, and OpenBSD's pools, "bsd.pool.Fail" by pool. */
#include "analyzers/formats/bsd_source.h"

#define COMMAND "vmstat -m"

static int bsd_vmstat_m_open(void *state, const void *conf, struct sq_sample *s, struct sq_err *err)
{
	return sq_bsd_open(state, conf, COMMAND, sq_bsd_vmstat_m, s, err);
}

static const struct sq_opt bsd_vmstat_m_opts[] = {
	SQ_STATS_COMMAND_OPTS(COMMAND),
	{ 0 },
};

const struct sq_source sq_source_bsd_vmstat_m = {
	.kind = {
		.name = "bsd_vmstat_m",
		.summary = "a BSD's kernel memory by type, OpenBSD's pools: requests and fails (vmstat -m)",
		.opts = bsd_vmstat_m_opts,
		.conf_size = sizeof(struct sq_stats_command_conf),
		.programs = true,
	},
	.state_size = sizeof(struct sq_stats_source),
	.blocking = true,
	.remote = true,
	.open = bsd_vmstat_m_open,
	.sample = sq_stats_source_sample,
	.close = sq_stats_source_close,
};
