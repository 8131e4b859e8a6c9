/* What stands in the queues of a BSD's TCP connections: "tcp.recv_q", "tcp.send_q", summed, and how many
 * connections are established. */
#include "analyzers/formats/bsd_source.h"

#define COMMAND "netstat -an -f inet"

static int bsd_netstat_an_open(void *state, const void *conf, struct sq_sample *s,
			       struct sq_err *err)
{
	return sq_bsd_open(state, conf, COMMAND, sq_bsd_netstat_an, s, err);
}

static const struct sq_opt bsd_netstat_an_opts[] = {
	SQ_STATS_COMMAND_OPTS(COMMAND),
	{ 0 },
};

const struct sq_source sq_source_bsd_netstat_an = {
	.kind = {
		.name = "bsd_netstat_an",
		.summary = "bytes in the queues of a BSD's TCP connections (netstat -an)",
		.opts = bsd_netstat_an_opts,
		.conf_size = sizeof(struct sq_stats_command_conf),
		.programs = true,
	},
	.state_size = sizeof(struct sq_stats_source),
	.blocking = true,
	.remote = true,
	.open = bsd_netstat_an_open,
	.sample = sq_stats_source_sample,
	.close = sq_stats_source_close,
};
