/* A binary heap of timers that know their places, so that one can be cleared without a search. */
#include "loadgen/smtp/sink_timer.h"

#include <stdlib.h>

#include "base/clock.h"
#include "base/mem.h"

static void put(struct sq_smtpd_timers *t, size_t place, struct sq_smtpd_timer *timer)
{
	t->heap[place] = timer;
	timer->place = place;
}

/* From an empty place up to where timer may stand. */
static void sift_up(struct sq_smtpd_timers *t, size_t place, struct sq_smtpd_timer *timer)
{
	for (; place > 1 && t->heap[place / 2]->due_ns > timer->due_ns; place /= 2)
		put(t, place, t->heap[place / 2]);
	put(t, place, timer);
}

static void sift_down(struct sq_smtpd_timers *t, size_t place, struct sq_smtpd_timer *timer)
{
	while (2 * place <= t->n) {
		size_t child = 2 * place;

		if (child < t->n && t->heap[child + 1]->due_ns < t->heap[child]->due_ns)
			child++;
		if (t->heap[child]->due_ns >= timer->due_ns)
			break;
		put(t, place, t->heap[child]);
		place = child;
	}
	put(t, place, timer);
}

void sq_smtpd_timer_set(struct sq_smtpd_timers *timers, struct sq_smtpd_timer *timer,
			int64_t due_ns)
{
	sq_smtpd_timer_clear(timers, timer);
	timer->due_ns = due_ns;
	timers->heap = sq_grow(timers->heap, timers->n + 1, &timers->cap, sizeof(*timers->heap));
	sift_up(timers, ++timers->n, timer);
}

void sq_smtpd_timer_clear(struct sq_smtpd_timers *timers, struct sq_smtpd_timer *timer)
{
	size_t place = timer->place;
	struct sq_smtpd_timer *last;

	if (!place)
		return;
	timer->place = 0;
	last = timers->heap[timers->n--];
	if (last == timer)
		return;
	if (place > 1 && timers->heap[place / 2]->due_ns > last->due_ns)
		sift_up(timers, place, last);
	else
		sift_down(timers, place, last);
}

int64_t sq_smtpd_timers_next(const struct sq_smtpd_timers *timers)
{
	return timers->n ? timers->heap[1]->due_ns : SQ_NEVER;
}

struct sq_smtpd_timer *sq_smtpd_timers_take(struct sq_smtpd_timers *timers, int64_t now_ns)
{
	struct sq_smtpd_timer *first = timers->n ? timers->heap[1] : NULL;

	if (!first || first->due_ns > now_ns)
		return NULL;
	sq_smtpd_timer_clear(timers, first);
	return first;
}

void sq_smtpd_timers_fini(struct sq_smtpd_timers *timers)
{
	free(timers->heap);
	*timers = (struct sq_smtpd_timers){ 0 };
}
