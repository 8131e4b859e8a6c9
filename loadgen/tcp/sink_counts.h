/* What the TCP sink saw.  Each thread has counts of its own, which it alone writes; any may read.
 *
 * accepted = open + the sum of ends. */
#ifndef SQ_LOADGEN_TCP_SINK_COUNTS_H
#define SQ_LOADGEN_TCP_SINK_COUNTS_H

#include <stdatomic.h>
#include <stdint.h>

#include <jansson.h>

enum { SQ_TCPD_ERRNOS = 256 };

/* What ended a connection. */
enum sq_tcpd_end {
	SQ_TCPD_END_PEER,       /* its FIN */
	SQ_TCPD_END_PEER_RESET, /* its RST */
	SQ_TCPD_END_SINK,       /* our FIN: close, close_after */
	SQ_TCPD_END_SINK_RESET, /* our RST: reset_after, lose_at */
	SQ_TCPD_END_LOST,       /* any other errno, ETIMEDOUT mostly */
	SQ_TCPD_ENDS,
};

struct sq_tcpd_counts {
	_Atomic int64_t accepted;
	_Atomic int64_t ends[SQ_TCPD_ENDS];
	_Atomic int64_t bytes_received, bytes_sent;
	_Atomic int64_t replies; /* those that the kernel took as a whole */
	_Atomic int64_t accept_errors[SQ_TCPD_ERRNOS];
};

/* One writer: no need of a locked instruction.  Who reads a count and then the count of what came
 * before it (bytes, then connections accepted) does not miss the cause of what he saw. */
static inline void sq_tcpd_count(_Atomic int64_t *count, int64_t n)
{
	atomic_store_explicit(count, atomic_load_explicit(count, memory_order_relaxed) + n,
			      memory_order_release);
}

static inline int64_t sq_tcpd_counted(const _Atomic int64_t *count)
{
	return atomic_load_explicit(count, memory_order_acquire);
}

/* Adds a thread's counts to those of the others, which must be zeroed storage at first. */
void sq_tcpd_counts_add(struct sq_tcpd_counts *sum, const struct sq_tcpd_counts *counts);

/* New reference. */
json_t *sq_tcpd_counts_json(const struct sq_tcpd_counts *counts);

#endif
