/* A query of the dns driver as an operation: what it asks, and the one outcome it comes to.  The same
 * over every transport. */
#ifndef SQ_LOADGEN_DNS_QUERY_H
#define SQ_LOADGEN_DNS_QUERY_H

#include <stdint.h>

#include "loadgen/dns/conf.h"
#include "loadgen/engine/lane.h"

/* What stands behind each operation (the driver's op_size). */
struct sq_dns_query {
	uint64_t number; /* of the load, over all its lanes: what may differ from query to query of
			      the same question follows from it */
	struct sq_op *prev, *next; /* in the line of those that wait (loadgen/dns/waiting.h) */
	int64_t waited_ns;         /* there, for a limit of ours */
	uint32_t question;         /* its index in what is asked */
	uint32_t via;              /* the transport's: which socket, which connection */
	uint32_t message;          /* segmented, that it left in, of its lane's; 0: it left alone */
	uint16_t id;
	uint16_t last; /* the ID of the last one in its message */
	uint16_t port; /* the local one; 0: none yet */
	uint16_t odd;  /* the code of a time-out, when a reply came that was no answer; or 0 */
};

static inline struct sq_dns_query *sq_dns_query_of(struct sq_op *op)
{
	return (struct sq_dns_query *)op->priv;
}

/* Whether that is most of the time that a query has. */
static inline bool sq_dns_query_is_most(const struct sq_lane *lane, int64_t ns)
{
	return 2 * ns > lane->load->spec->timeout_ns;
}

/* Chooses what a new operation asks. */
void sq_dns_query_init(struct sq_lane *lane, struct sq_op *op);

/* Books the outcome, and releases the operation; or has a truncated answer asked for again over a
 * connection.  flags: the second 16-bit word of an answer's
 * header; done_ns: when it came. */
void sq_dns_query_answer(struct sq_lane *lane, struct sq_op *op, uint16_t flags, int64_t done_ns);
void sq_dns_query_fail(struct sq_lane *lane, struct sq_op *op, uint16_t code,
		       enum sq_dns_phase phase);

/* One for which nothing that answers it came: a time-out takes the name of what came instead. */
uint16_t sq_dns_query_end_code(struct sq_op *op, uint16_t code);

#endif
