/* Queries of a lane that wait for room on a connection: a line of operations, linked through
 * themselves.  First come, first served; one whose time is over leaves from anywhere in it. */
#ifndef SQ_LOADGEN_DNS_WAITING_H
#define SQ_LOADGEN_DNS_WAITING_H

#include "loadgen/dns/query.h"

struct sq_dns_waiting { /* zeroed: nobody */
	struct sq_op *head, *tail;
	unsigned n;
};

static inline void sq_dns_waiting_add(struct sq_dns_waiting *w, struct sq_op *op)
{
	struct sq_dns_query *query = sq_dns_query_of(op);

	query->next = NULL;
	query->prev = w->tail;
	*(w->tail ? &sq_dns_query_of(w->tail)->next : &w->head) = op;
	w->tail = op;
	w->n++;
}

static inline void sq_dns_waiting_remove(struct sq_dns_waiting *w, struct sq_op *op)
{
	const struct sq_dns_query *query = sq_dns_query_of(op);

	*(query->prev ? &sq_dns_query_of(query->prev)->next : &w->head) = query->next;
	*(query->next ? &sq_dns_query_of(query->next)->prev : &w->tail) = query->prev;
	w->n--;
}

#endif
