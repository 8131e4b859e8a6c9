/* How a thread of the TCP sink accepts: at once, slowly, not for a while, or never. */
#ifndef SQ_LOADGEN_TCP_SINK_ACCEPT_H
#define SQ_LOADGEN_TCP_SINK_ACCEPT_H

#include <stdbool.h>
#include <stdint.h>

#include "loadgen/engine/noise.h"
#include "loadgen/tcp/sink_conn.h"

struct sq_tcpd_acceptor {
	struct sq_tcpd_conns *conns;
	int fd;         /* the listener, the caller's */
	bool listening; /* it is under watch */
	struct sq_noise noise;
	int64_t due_ns; /* of the next accept, while it is not; SQ_NEVER: no accept is */
};

/* Watches the listener; an epoll event that has the acceptor as its data goes to
 * sq_tcpd_accept_event.  0 or -errno. */
int sq_tcpd_acceptor_init(struct sq_tcpd_acceptor *a, struct sq_tcpd_conns *conns, int listen_fd);
void sq_tcpd_accept_event(struct sq_tcpd_acceptor *a);

/* To be called when due_ns is over; before it does nothing. */
void sq_tcpd_accept_due(struct sq_tcpd_acceptor *a, int64_t now_ns);

#endif
