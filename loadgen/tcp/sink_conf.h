/* What a TCP sink is told: its options. */
#ifndef SQ_LOADGEN_TCP_SINK_CONF_H
#define SQ_LOADGEN_TCP_SINK_CONF_H

#include <stdbool.h>
#include <stdint.h>

#include "base/err.h"
#include "base/opt.h"

enum sq_tcpd_read { SQ_TCPD_READ_FAST, SQ_TCPD_READ_SLOW, SQ_TCPD_READ_NEVER };
enum sq_tcpd_close { SQ_TCPD_CLOSE_PEER, SQ_TCPD_CLOSE_NOW };

struct sq_tcpd_conf {
	char *listen;
	int64_t backlog, threads;
	int64_t files; /* SQ_OPT_UNSET: as many as the system allows; as all that follows */
	int64_t receive_buffer;

	int64_t accept_delay_ns, work_ns;
	double accept_noise; /* percent */
	int64_t noise_seed;
	bool never_accept;
	int64_t pause_at_ns, pause_for_ns;

	int read; /* enum sq_tcpd_read */
	int64_t read_bytes, read_every_ns;

	char *greeting;
	bool echo;
	int64_t request_bytes, reply_bytes;
	char *reply; /* instead of reply_bytes */

	int close; /* enum sq_tcpd_close */
	int64_t close_after, reset_after, lose_at_ns;
};

extern const struct sq_opt sq_tcpd_opts[];

/* -EINVAL with err when options ask for what others rule out. */
int sq_tcpd_conf_check(const struct sq_tcpd_conf *conf, struct sq_err *err);

/* A request is answered. */
static inline bool sq_tcpd_replies(const struct sq_tcpd_conf *conf)
{
	return conf->reply || conf->reply_bytes != SQ_OPT_UNSET;
}

#endif
