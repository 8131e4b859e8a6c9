/* What a lane starts, and when: what an open loop's schedule has made due, and what a closed loop has
 * room for.
 *
 * What a reader would get wrong: an open loop's operations are counted as scheduled when they come
 * due, whatever becomes of them; a closed loop's when the driver has taken them. */
#include <assert.h>

#include "base/clock.h"
#include "loadgen/engine/lane_private.h"

/* A closed loop whose driver takes nothing (no room) asks again after this. */
#define RETRY_NS SQ_MS

static int64_t later(int64_t a, int64_t b)
{
	return a > b ? a : b;
}

int64_t sq_lane_next_tick(const struct sq_lane_run *l)
{
	int64_t at_ns = l->pub.load->spec->at_ns;

	if (l->tick_ns == 0)
		return l->now_ns;
	return at_ns + ((l->now_ns - at_ns) / l->tick_ns + 1) * l->tick_ns;
}

/* Calls start for n operations.  The generator's lag is that of each one: a batch of connects
 * takes a millisecond, so they are spread evenly over the time that the call took. */
static unsigned start_batch(struct sq_lane_run *l, const int64_t *due_ns, unsigned n)
{
	int64_t begin = l->now_ns, end, lag = 0;
	unsigned took = l->pub.driver->start(&l->pub, due_ns, n);

	assert(took <= n);
	end = sq_lane_clock(&l->pub);
	for (unsigned i = 0; i < took; i++) {
		lag = begin + (end - begin) * i / took - due_ns[i];
		sq_tally_lag(l->tally, due_ns[i], lag);
	}
	if (took)
		atomic_store_explicit(&l->live->lag_ns, lag, memory_order_relaxed);
	return took;
}

static bool came_due(const struct sq_lane_run *l, int64_t due_ns)
{
	return due_ns <= l->now_ns && due_ns <= l->end_ns;
}

/* At most one call's worth that can start, and all that cannot any more. */
static unsigned collect(struct sq_lane_run *l, int64_t *due_ns)
{
	unsigned n = 0;
	int64_t due;

	while (n < l->starts_a_call && (due = sq_schedule_peek(l->schedule), came_due(l, due))) {
		sq_schedule_next(l->schedule);
		sq_tally_scheduled(l->tally, due);
		sq_live_add(&l->live->scheduled, 1);
		if (l->stopping)
			sq_lane_unstarted(l, due, SQ_CODE_CANCELED);
		else if (l->now_ns - due > l->late_ns)
			sq_lane_unstarted(l, due, SQ_CODE_MISSED);
		else
			due_ns[n++] = due;
	}
	return n;
}

static void start_open(struct sq_lane_run *l)
{
	int64_t due_ns[SQ_STARTS_MAX];
	unsigned n = collect(l, due_ns);

	if (n == 0)
		return;
	for (unsigned i = start_batch(l, due_ns, n); i < n; i++)
		sq_lane_unstarted(l, due_ns[i], SQ_CODE_MISSED);
}

/* When the load is over, whatever there is room for, or held. */
static int64_t load_end(const struct sq_lane_run *l)
{
	const struct sq_load_spec *spec = l->pub.load->spec;

	return sq_earlier(spec->at_ns + spec->duration_ns, l->end_ns + 1);
}

/* How many operations a closed loop may start now; none at its end, or while it keeps as many open as
 * it is to: those that are held are open still. */
static int64_t closed_room(const struct sq_lane_run *l)
{
	int64_t kept = l->flight.n + (int64_t)l->held.n;
	int64_t left = sq_schedule_closed_count(l->schedule) - l->closed_started;

	if (l->now_ns >= load_end(l))
		return 0;
	return sq_earlier(sq_earlier(sq_schedule_closed(l->schedule) - kept, sq_lane_places(l)),
			  left);
}

/* What the driver did not take was never due: the loop closes when it does. */
static void start_closed(struct sq_lane_run *l)
{
	int64_t due_ns[SQ_STARTS_MAX], due = l->now_ns, room = closed_room(l);
	unsigned n = room < l->starts_a_call ? (unsigned)room : l->starts_a_call, took;

	if (room <= 0 || l->now_ns < l->pub.load->spec->at_ns || l->now_ns < l->retry_ns ||
	    l->now_ns < l->tick_at_ns)
		return;
	for (unsigned i = 0; i < n; i++)
		due_ns[i] = due;
	took = start_batch(l, due_ns, n);
	for (unsigned i = 0; i < took; i++)
		sq_tally_scheduled(l->tally, due);
	sq_live_add(&l->live->scheduled, took);
	l->closed_started += took;
	if (took == 0)
		l->retry_ns = l->now_ns + RETRY_NS;
	if (took == room) /* what there is room for later starts together */
		l->tick_at_ns = sq_lane_next_tick(l);
}

void sq_lane_start_due(struct sq_lane_run *l)
{
	start_open(l);
	if (!l->stopping)
		start_closed(l);
}

bool sq_lane_schedule_over(const struct sq_lane_run *l)
{
	int64_t due = sq_schedule_peek(l->schedule);

	if (sq_schedule_closed(l->schedule) == 0)
		return due == SQ_NEVER || due > l->end_ns;
	return l->now_ns >= load_end(l) ||
	       l->closed_started >= sq_schedule_closed_count(l->schedule);
}

bool sq_lane_holds(const struct sq_lane_run *l)
{
	return l->held.n > 0 && !l->stopping && l->now_ns < load_end(l);
}

/* A closed loop that is full starts again at an event, not at a time; but with everything held there
 * may be none before its end. */
int64_t sq_lane_next_start(const struct sq_lane_run *l)
{
	int64_t at_ns = l->pub.load->spec->at_ns;

	if (sq_lane_schedule_over(l))
		return sq_lane_holds(l) ? load_end(l) : SQ_NEVER;
	if (sq_schedule_closed(l->schedule) == 0)
		return sq_schedule_peek(l->schedule);
	if (closed_room(l) <= 0)
		return load_end(l);
	return later(later(at_ns, l->retry_ns), l->tick_at_ns);
}
