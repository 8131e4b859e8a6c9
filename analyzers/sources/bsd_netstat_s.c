/* What a BSD's protocols counted: "bsd.tcp.listen_queue_overflow", "bsd.tcp.syncache_entry_added.dropped",
 * "bsd.udp.dropped_due_to_full_socket_buffer" (analyzers/formats/bsd_lines.c says how names are made). */
#include "analyzers/formats/bsd_source.h"

#define COMMAND "netstat -s"

static int bsd_netstat_s_open(void *state, const void *conf, struct sq_sample *s,
			      struct sq_err *err)
{
	return sq_bsd_open(state, conf, COMMAND, sq_bsd_netstat_s, s, err);
}

static const struct sq_opt bsd_netstat_s_opts[] = {
	SQ_STATS_COMMAND_OPTS(COMMAND),
	{ 0 },
};

const struct sq_source sq_source_bsd_netstat_s = {
	.kind = {
		.name = "bsd_netstat_s",
		.summary = "a BSD's protocol counters (netstat -s)",
		.opts = bsd_netstat_s_opts,
		.conf_size = sizeof(struct sq_stats_command_conf),
		.programs = true,
	},
	.state_size = sizeof(struct sq_stats_source),
	.blocking = true,
	.remote = true,
	.open = bsd_netstat_s_open,
	.sample = sq_stats_source_sample,
	.close = sq_stats_source_close,
};
