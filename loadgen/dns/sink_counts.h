/* What a DNS sink saw and did, counted by its one serving thread and read by any.
 *
 * queries = answered + dropped + waiting + the send_errors of first answers: all but what was
 * malformed is accounted for.  (A second answer that duplicate_percent asked for and that failed is
 * in send_errors alone.) */
#ifndef SQ_LOADGEN_DNS_SINK_COUNTS_H
#define SQ_LOADGEN_DNS_SINK_COUNTS_H

#include <stdatomic.h>
#include <stdint.h>

#include <jansson.h>

#include "loadgen/dns/wire.h"

enum {
	SQ_DNS_COUNT_ERRNOS = 256,
	SQ_DNS_COUNT_TYPES = 258, /* by number, up to CAA; the last is all others */
};

struct sq_dns_sink_counts {
	_Atomic int64_t queries, malformed;
	_Atomic int64_t answered; /* first answers that the kernel took */
	_Atomic int64_t waiting;  /* delayed, not yet sent */
	_Atomic int64_t dropped, delayed, truncated, mismatched, wrong_id, duplicated;
	_Atomic int64_t garbage; /* of answered */
	_Atomic int64_t bytes_received, bytes_sent;
	_Atomic int64_t rcodes[SQ_DNS_RCODES]; /* of answered, less garbage */
	_Atomic int64_t qtypes[SQ_DNS_COUNT_TYPES + 1];
	_Atomic int64_t send_errors[SQ_DNS_COUNT_ERRNOS];
	_Atomic int64_t icmp_errors[SQ_DNS_COUNT_ERRNOS]; /* with recverr */
};

static inline void sq_dns_count_add(_Atomic int64_t *count, int64_t n)
{
	/* One writer: no need of a locked instruction. */
	atomic_store_explicit(count, atomic_load_explicit(count, memory_order_relaxed) + n,
			      memory_order_relaxed);
}

static inline int64_t sq_dns_count_get(const _Atomic int64_t *count)
{
	return atomic_load_explicit(count, memory_order_relaxed);
}

static inline _Atomic int64_t *sq_dns_count_errno(_Atomic int64_t *errors, int code)
{
	return &errors[code > 0 && code < SQ_DNS_COUNT_ERRNOS ? code : 0];
}

/* New reference. */
json_t *sq_dns_sink_counts_json(const struct sq_dns_sink_counts *counts);

#endif
