/* The line of those that wait, and how long each did for a limit of ours: the time in which a connection
 * seems dead is not counted.
 *
 * What a reader would get wrong: a query that waited is late from its due time on, so it may be sent
 * with little of its time left.  When it times out then, it is not said to be unanswered. */
#include "loadgen/dns/waiting.h"

/* Runs only while no connection seems dead. */
static int64_t full_clock(const struct sq_dns_waiting *w)
{
	return (w->silent ? 0 : sq_lane_now(w->lane)) - w->silent_ns;
}

static void unlink_op(struct sq_dns_waiting *w, struct sq_op *op)
{
	const struct sq_dns_query *query = sq_dns_query_of(op);

	*(query->prev ? &sq_dns_query_of(query->prev)->next : &w->head) = query->next;
	*(query->next ? &sq_dns_query_of(query->next)->prev : &w->tail) = query->prev;
	w->n--;
}

void sq_dns_waiting_join(struct sq_dns_waiting *w, struct sq_op *op)
{
	struct sq_dns_query *query = sq_dns_query_of(op);

	query->via = SQ_DNS_NOWHERE;
	query->waited_ns = -full_clock(w);
	query->next = NULL;
	query->prev = w->tail;
	*(w->tail ? &sq_dns_query_of(w->tail)->next : &w->head) = op;
	w->tail = op;
	w->n++;
}

/* One whose time is over is sent no more, though nobody has ended it yet: it would seem unanswered. */
bool sq_dns_waiting_may_send(const struct sq_dns_waiting *w)
{
	return w->head && w->head->due_ns + w->lane->load->spec->timeout_ns > sq_lane_now(w->lane);
}

struct sq_op *sq_dns_waiting_leave(struct sq_dns_waiting *w)
{
	struct sq_op *op = w->head;

	unlink_op(w, op);
	sq_dns_query_of(op)->waited_ns += full_clock(w);
	return op;
}

void sq_dns_waiting_count(const struct sq_dns_waiting *w, unsigned more)
{
	sq_lane_count(w->lane, SQ_DNS_COUNT_WAITED, w->n < more ? w->n : more);
}

void sq_dns_waiting_fail(struct sq_dns_waiting *w, struct sq_op *op, uint16_t code)
{
	unlink_op(w, op);
	sq_dns_query_fail(w->lane, op, code, w->silent ? SQ_DNS_PHASE_QUERY : SQ_DNS_PHASE_SEND);
}

enum sq_dns_phase sq_dns_waiting_phase(const struct sq_dns_waiting *w, struct sq_op *op,
				       uint16_t code, enum sq_dns_phase phase)
{
	bool full = sq_dns_query_is_most(w->lane, sq_dns_query_of(op)->waited_ns);

	return code == SQ_CODE_TIMEOUT && full ? SQ_DNS_PHASE_SEND : phase;
}

void sq_dns_waiting_silence(struct sq_dns_waiting *w, bool *silent, bool seems)
{
	unsigned before = w->silent;

	if (*silent == seems)
		return;
	*silent = seems;
	w->silent += seems ? 1U : -1U;
	if (before == 0)
		w->silent_ns -= sq_lane_now(w->lane);
	else if (w->silent == 0)
		w->silent_ns += sq_lane_now(w->lane);
}
