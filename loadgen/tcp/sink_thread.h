/* One serving thread of the TCP sink: its listener, its connections, its counts. */
#ifndef SQ_LOADGEN_TCP_SINK_THREAD_H
#define SQ_LOADGEN_TCP_SINK_THREAD_H

#include <pthread.h>
#include <stdint.h>

#include "base/err.h"
#include "loadgen/tcp/sink_accept.h"
#include "loadgen/tcp/sink_conn.h"

struct sq_tcpd_thread {
	pthread_t id; /* the caller's */
	int listen_fd, epoll_fd, timer_fd;
	int64_t timer_ns; /* what the timer is set to; SQ_NEVER: off */
	struct sq_tcpd_counts seen;
	struct sq_tcpd_conns conns;
	struct sq_tcpd_acceptor acceptor;
};

/* Takes listen_fd over, also when it fails.  0, or -errno with err. */
int sq_tcpd_thread_open(struct sq_tcpd_thread *t, struct sq_tcpd *shared, int listen_fd,
			struct sq_err *err);
void sq_tcpd_thread_close(struct sq_tcpd_thread *t);

/* To be told of stop_fd before it serves; it does until stop_fd is readable, on the calling thread. */
int sq_tcpd_thread_watch(struct sq_tcpd_thread *t, int stop_fd, struct sq_err *err);
void sq_tcpd_thread_serve(struct sq_tcpd_thread *t);

#endif
