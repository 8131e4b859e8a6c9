/* FreeBSD's accept queues: "listen.queue", "listen.incomplete" and "listen.backlog" by address, as on
 * Linux.  Several sockets of one address are one row, of the last that is listed. */
#include "analyzers/formats/bsd_source.h"

#define COMMAND "netstat -Lan"

static int bsd_netstat_lan_open(void *state, const void *conf, struct sq_sample *s,
				struct sq_err *err)
{
	return sq_bsd_open(state, conf, COMMAND, sq_bsd_netstat_lan, s, err);
}

static const struct sq_opt bsd_netstat_lan_opts[] = {
	SQ_STATS_COMMAND_OPTS(COMMAND),
	{ 0 },
};

const struct sq_source sq_source_bsd_netstat_lan = {
	.kind = {
		.name = "bsd_netstat_lan",
		.summary = "FreeBSD's accept queues against their limits (netstat -Lan)",
		.opts = bsd_netstat_lan_opts,
		.conf_size = sizeof(struct sq_stats_command_conf),
		.programs = true,
	},
	.state_size = sizeof(struct sq_stats_source),
	.blocking = true,
	.remote = true,
	.open = bsd_netstat_lan_open,
	.sample = sq_stats_source_sample,
	.close = sq_stats_source_close,
};
