/* Queries of a lane that wait for room on a connection: a line of operations, linked through
 * themselves.  First come, first served; one whose time is over leaves from anywhere in it.
 *
 * Why they wait decides what a time-out there is called.  Where all connections are full it is a limit
 * of ours, `connections` times `pipeline`: phase "send", and no counter of lost packets or connects may
 * pay for it.  Where one seems dead, it is what made that one so. */
#ifndef SQ_LOADGEN_DNS_WAITING_H
#define SQ_LOADGEN_DNS_WAITING_H

#include "loadgen/dns/query.h"

/* The `via` of a query that waits. */
#define SQ_DNS_NOWHERE UINT32_MAX

struct sq_dns_waiting { /* zeroed but for the lane: nobody */
	struct sq_lane *lane;
	struct sq_op *head, *tail;
	unsigned n;
	unsigned silent;   /* connections that seem dead */
	int64_t silent_ns; /* for how long some did, less the time since when they do now */
};

void sq_dns_waiting_join(struct sq_dns_waiting *w, struct sq_op *op);
/* Whether the first of them may be sent. */
bool sq_dns_waiting_may_send(const struct sq_dns_waiting *w);
struct sq_op *sq_dns_waiting_leave(struct sq_dns_waiting *w);
/* Counts those that still wait of the last `more` that have joined. */
void sq_dns_waiting_count(const struct sq_dns_waiting *w, unsigned more);

/* One that still waits comes to its end. */
void sq_dns_waiting_fail(struct sq_dns_waiting *w, struct sq_op *op, uint16_t code);
/* The phase of one that comes to its end on a connection that is in `phase`: "send" when it waited for
 * most of its time. */
enum sq_dns_phase sq_dns_waiting_phase(const struct sq_dns_waiting *w, struct sq_op *op,
				       uint16_t code, enum sq_dns_phase phase);

/* A connection seems dead, or does so no more; silent: what it tells so by. */
void sq_dns_waiting_silence(struct sq_dns_waiting *w, bool *silent, bool seems);

#endif
