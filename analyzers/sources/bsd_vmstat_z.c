/* FreeBSD's zones: "bsd.zone.USED" against "bsd.zone.LIMIT", "bsd.zone.FAIL", by zone. */
#include "analyzers/formats/bsd_source.h"

#define COMMAND "vmstat -z"

static int bsd_vmstat_z_open(void *state, const void *conf, struct sq_sample *s, struct sq_err *err)
{
	return sq_bsd_open(state, conf, COMMAND, sq_bsd_vmstat_z, s, err);
}

static const struct sq_opt bsd_vmstat_z_opts[] = {
	SQ_STATS_COMMAND_OPTS(COMMAND),
	{ 0 },
};

const struct sq_source sq_source_bsd_vmstat_z = {
	.kind = {
		.name = "bsd_vmstat_z",
		.summary = "FreeBSD's memory zones: used, limit, fails (vmstat -z)",
		.opts = bsd_vmstat_z_opts,
		.conf_size = sizeof(struct sq_stats_command_conf),
		.programs = true,
	},
	.state_size = sizeof(struct sq_stats_source),
	.blocking = true,
	.remote = true,
	.open = bsd_vmstat_z_open,
	.sample = sq_stats_source_sample,
	.close = sq_stats_source_close,
};
