/* Slow connections: each has a beat, a pause after its last, at which it sends or reads a piece.  All
 * of a load have the same pause, so the list in which they wait is in the order of their beats. */
#include "base/clock.h"
#include "loadgen/tcp/conn.h"

static void append(struct sq_tcp_lane *l, struct sq_tcp_conn *c)
{
	uint32_t place = (uint32_t)(c - l->conns);

	c->slow = true;
	c->beat_ns = sq_lane_now(l->lane) + l->conf->pause_ns;
	c->prev = l->slow_last;
	c->next = SQ_TCP_NO_CONN;
	if (c->prev == SQ_TCP_NO_CONN)
		l->slow_first = place;
	else
		l->conns[c->prev].next = place;
	l->slow_last = place;
}

static void take_out(struct sq_tcp_lane *l, struct sq_tcp_conn *c)
{
	if (c->prev == SQ_TCP_NO_CONN)
		l->slow_first = c->next;
	else
		l->conns[c->prev].next = c->next;
	if (c->next == SQ_TCP_NO_CONN)
		l->slow_last = c->prev;
	else
		l->conns[c->next].prev = c->prev;
	c->slow = false;
}

static void on_beats(uv_timer_t *timer);

/* For the first beat; milliseconds are what libuv has, rounded up. */
static void set_timer(struct sq_tcp_lane *l)
{
	int64_t left;

	if (l->slow_first == SQ_TCP_NO_CONN)
		return;
	left = l->conns[l->slow_first].beat_ns - sq_lane_clock(l->lane);
	uv_update_time(l->lane->loop);
	uv_timer_start(&l->beats, on_beats, left > 0 ? (uint64_t)((left + SQ_MS - 1) / SQ_MS) : 0,
		       0);
}

/* As many as there are now, at most: a beat that is late for all of them does not become two. */
static void on_beats(uv_timer_t *timer)
{
	struct sq_tcp_lane *l = timer->data;
	int64_t now_ns = sq_lane_clock(l->lane);

	for (size_t i = 0; i < l->n && l->slow_first != SQ_TCP_NO_CONN; i++) {
		struct sq_tcp_conn *c = &l->conns[l->slow_first];

		if (c->beat_ns > now_ns)
			break;
		take_out(l, c);
		append(l, c);
		if (sq_tcp_of(c->op)->over)
			sq_tcp_held_beat(l, c);
		else
			sq_tcp_talk_beat(l, c);
	}
	set_timer(l);
}

void sq_tcp_slow_begin(struct sq_tcp_lane *l, struct sq_tcp_conn *c)
{
	bool first = l->slow_first == SQ_TCP_NO_CONN;

	if (c->slow)
		return;
	if (!l->timing) {
		uv_timer_init(l->lane->loop, &l->beats);
		l->beats.data = l;
		l->timing = true;
	}
	append(l, c);
	if (first)
		set_timer(l);
}

void sq_tcp_slow_end(struct sq_tcp_lane *l, struct sq_tcp_conn *c)
{
	if (c->slow)
		take_out(l, c);
}
