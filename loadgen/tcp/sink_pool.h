/* Storage of a thread's connections in the TCP sink. */
#ifndef SQ_LOADGEN_TCP_SINK_POOL_H
#define SQ_LOADGEN_TCP_SINK_POOL_H

#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"

struct sq_tcpd_conn {
	struct sq_tcpd_conn *next, *prev; /* among the free ones, or in the slow reader's ring */
	int fd;                           /* -1: free */
	uint32_t events;                  /* under watch */
	int64_t due_ns;                   /* the slow reader's next read */
	int64_t received;
	int64_t replied, owed;  /* bytes of replies: sent, and yet to send */
	size_t greeted, echoed; /* bytes of the greeting and of echo that went out */
	struct sq_buf echo;     /* what the kernel had no room for */
};

struct sq_tcpd_pool {
	struct sq_tcpd_chunk *chunks;
	struct sq_tcpd_conn *free;
};

/* One that stays where it is until it is put back, all zero but for fd -1 and echo's storage. */
struct sq_tcpd_conn *sq_tcpd_pool_take(struct sq_tcpd_pool *pool);
void sq_tcpd_pool_put(struct sq_tcpd_pool *pool, struct sq_tcpd_conn *c);

/* Calls for all that have a descriptor, in any order; it may put them back. */
void sq_tcpd_pool_each(const struct sq_tcpd_pool *pool,
		       void (*call)(void *arg, struct sq_tcpd_conn *c), void *arg);

/* Closes what is open. */
void sq_tcpd_pool_fini(struct sq_tcpd_pool *pool);

#endif
