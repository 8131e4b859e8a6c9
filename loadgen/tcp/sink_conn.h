/* The connections of one thread of the TCP sink. */
#ifndef SQ_LOADGEN_TCP_SINK_CONN_H
#define SQ_LOADGEN_TCP_SINK_CONN_H

#include <stdbool.h>
#include <stdint.h>

#include "loadgen/tcp/sink_counts.h"
#include "loadgen/tcp/sink_owed.h"
#include "loadgen/tcp/sink_pool.h"

struct sq_tcpd_conns {
	struct sq_tcpd *shared;
	struct sq_tcpd_counts *seen;
	int epoll_fd;
	struct sq_tcpd_pool pool;
	struct sq_tcpd_conn slow; /* head of a ring in the order of due_ns */
	int64_t lose_ns;          /* SQ_NEVER: nothing to lose, or it is done */
	bool started;             /* lose_ns is known */
	char *rx;                 /* what is being read */
};

void sq_tcpd_conns_init(struct sq_tcpd_conns *conns, struct sq_tcpd *shared,
			struct sq_tcpd_counts *seen, int epoll_fd);
void sq_tcpd_conns_fini(struct sq_tcpd_conns *conns);

/* Takes fd over, non-blocking.  An epoll event that has the connection as its data goes to
 * sq_tcpd_conn_event. */
void sq_tcpd_conn_open(struct sq_tcpd_conns *conns, int fd);
void sq_tcpd_conn_event(struct sq_tcpd_conns *conns, struct sq_tcpd_conn *c, uint32_t events);

/* When something is due that no event tells of (SQ_NEVER: nothing), and doing what is.  Not while
 * events are left to be handed out: connections may end here. */
int64_t sq_tcpd_conns_next(const struct sq_tcpd_conns *conns);
void sq_tcpd_conns_due(struct sq_tcpd_conns *conns, int64_t now_ns);

#endif
