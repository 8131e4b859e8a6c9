/* DNS over connections (RFC 7766, RFC 7858), and what a query over UDP needs of it when its answer
 * was truncated. */
#ifndef SQ_LOADGEN_DNS_STREAM_H
#define SQ_LOADGEN_DNS_STREAM_H

#include <stdint.h>

#include "loadgen/dns/query.h"

/* Marks a watch's token and a query's `via` as a connection's.  A transport that stands beside it
 * stays below. */
#define SQ_DNS_STREAM UINT32_C(0x80000000)

static inline bool sq_dns_stream_has(struct sq_op *op)
{
	return sq_dns_query_of(op)->via & SQ_DNS_STREAM;
}

/* Takes over an operation that no other transport knows any more, to its outcome.  state: that of
 * sq_dns_stream. */
void sq_dns_stream_take(void *state, struct sq_op *op);

#endif
