/* A BSD's network memory: "bsd.mbuf.mbuf_cluster_in_use" by current, peak and max, and
 * "bsd.mbuf.request_for_memory_denied" (FreeBSD: "request_for_mbuf_denied" by what was asked for). */
#include "analyzers/formats/bsd_source.h"

#define COMMAND "netstat -m"

static int bsd_netstat_m_open(void *state, const void *conf, struct sq_sample *s,
			      struct sq_err *err)
{
	return sq_bsd_open(state, conf, COMMAND, sq_bsd_netstat_m, s, err);
}

static const struct sq_opt bsd_netstat_m_opts[] = {
	SQ_STATS_COMMAND_OPTS(COMMAND),
	{ 0 },
};

const struct sq_source sq_source_bsd_netstat_m = {
	.kind = {
		.name = "bsd_netstat_m",
		.summary = "a BSD's mbufs and clusters: in use, peak, limit, denied (netstat -m)",
		.opts = bsd_netstat_m_opts,
		.conf_size = sizeof(struct sq_stats_command_conf),
		.programs = true,
	},
	.state_size = sizeof(struct sq_stats_source),
	.blocking = true,
	.remote = true,
	.open = bsd_netstat_m_open,
	.sample = sq_stats_source_sample,
	.close = sq_stats_source_close,
};
