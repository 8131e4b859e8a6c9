/* A lane's queries over TCP and TLS: each message behind its length, many on a connection, answers
 * in any order.
 *
 * Connections take bursts of due queries in turn, those that have room standing in a list.  A burst
 * is written at once; one is made when its turn comes and it is not there, and the query that wanted
 * it tells of its handshakes.  It is closed, by a reset, when it has carried as many queries as it
 * may and the last has its outcome; or when it is empty and seems dead: a query timed out, and nothing
 * came for most of that one's time.  One that is not made within the time of the query that wanted it is made
 * anew for those behind that one.  A connection that breaks ends what is on it.  When nothing is, it is no
 * failure: a server may close what is idle.
 *
 * Every query first stands in a line, and leaves it at once where there is room (waiting.h).
 *
 * Memory, all of it there before the run: a connection has room for the bytes of as many queries as
 * it may carry at a time, of which the kernel gives what is touched, and for the head of one answer:
 * enough for its header and question, the rest is passed over.
 *
 * What a reader would get wrong: a failed write is not yet the end.  The server may have answered,
 * closed, and reset because of what came after; its answers are read first. */
#include "loadgen/dns/stream.h"

#include <sys/epoll.h>

#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/mem.h"
#include "loadgen/dns/stream_private.h"
#include "loadgen/dns/transport.h"
#include "loadgen/engine/client.h"

enum {
	BURST = 16,
	BURSTS = 64, /* at a time */
	FRAME_MAX = SQ_DNS_PREFIX + SQ_DNS_QUERY_MAX,
	PLACES_MIN = 16,
	INDEX_BITS = 15, /* of a token; above them the connection's generation */
	INDEX_MASK = (1 << INDEX_BITS) - 1,
};

/* One that was idle for less has just been read. */
#define FRESH_NS SQ_MS

/* ---- those with room ---- */

static void list_add(struct sq_dns_stream_lane *l, struct sq_dns_conn *c)
{
	c->next = NULL;
	c->prev = l->tail;
	*(l->tail ? &l->tail->next : &l->head) = c;
	l->tail = c;
	c->roomy = true;
}

static void list_remove(struct sq_dns_stream_lane *l, struct sq_dns_conn *c)
{
	*(c->prev ? &c->prev->next : &l->head) = c->next;
	*(c->next ? &c->next->prev : &l->tail) = c->prev;
	c->roomy = false;
}

static bool is_spent(const struct sq_dns_stream_lane *l, const struct sq_dns_conn *c)
{
	return l->spec->per_connection && c->asked >= (uint64_t)l->spec->per_connection;
}

static bool has_room(const struct sq_dns_stream_lane *l, const struct sq_dns_conn *c)
{
	return !is_spent(l, c) && !c->silent && c->flight.n < l->spec->pipeline &&
	       c->out_n + FRAME_MAX <= l->out_size;
}

static void list_update(struct sq_dns_stream_lane *l, struct sq_dns_conn *c)
{
	bool room = has_room(l, c);

	if (room && !c->roomy)
		list_add(l, c);
	else if (!room && c->roomy)
		list_remove(l, c);
}

/* ---- the end of queries and connections ---- */

static enum sq_dns_phase phase_of(const struct sq_dns_conn *c)
{
	switch (c->stream.state) {
	case SQ_STREAM_OPEN:
		return SQ_DNS_PHASE_QUERY;
	case SQ_STREAM_HANDSHAKE:
		return SQ_DNS_PHASE_TLS;
	default:
		return SQ_DNS_PHASE_CONNECT;
	}
}

static void fail_place(struct sq_dns_stream_lane *l, struct sq_dns_conn *c,
		       struct sq_dns_place *place, uint16_t code, enum sq_dns_phase phase)
{
	struct sq_op *op = place->op;

	sq_dns_flight_end(&c->flight, place, SQ_DNS_GIVEN_UP, sq_dns_query_of(op)->number);
	if (c->opener == op)
		c->opener = NULL;
	sq_dns_query_of(op)->port = sq_client_port(c->stream.fd);
	sq_dns_query_fail(l->lane, op, code, phase);
}

static void set_silent(struct sq_dns_stream_lane *l, struct sq_dns_conn *c, bool silent)
{
	sq_dns_waiting_silence(&l->waiting, &c->silent, silent);
}

/* What it was, apart from its socket. */
static void forget(struct sq_dns_stream_lane *l, struct sq_dns_conn *c)
{
	c->opener = NULL;
	c->asked = 0;
	set_silent(l, c, false);
	c->seen = SQ_STREAM_CLOSED;
	c->out_at = c->out_n = c->in_n = 0;
	list_update(l, c);
}

static void close_conn(struct sq_dns_stream_lane *l, struct sq_dns_conn *c)
{
	sq_stream_reset(&c->stream);
	c->generation++;
	forget(l, c);
}

/* It is over, and what is on it with it. */
void sq_dns_conn_die(struct sq_dns_stream_lane *l, struct sq_dns_conn *c, uint16_t code)
{
	if (c->flight.n == 0)
		sq_lane_count(l->lane, SQ_DNS_COUNT_CLOSED_BY_SERVER, 1);
	for (uint32_t i = 0; c->flight.n > 0 && i < c->flight.size; i++)
		if (c->flight.places[i].fate == SQ_DNS_WAITING)
			fail_place(l, c, &c->flight.places[i], code, phase_of(c));
	close_conn(l, c);
}

/* One that has carried all that it may lets the next one have its socket, unless that is to come from
 * another address. */
static void close_spent(struct sq_dns_stream_lane *l, struct sq_dns_conn *c)
{
	if (l->lane->load->sources.count > 1) {
		close_conn(l, c);
		return;
	}
	if (!sq_stream_reset_kept(&c->stream))
		c->generation++;
	forget(l, c);
}

static void settle(struct sq_dns_stream_lane *l, struct sq_dns_conn *c)
{
	bool empty = c->stream.state != SQ_STREAM_CLOSED && c->flight.n == 0;

	if (empty && c->silent)
		close_conn(l, c);
	else if (empty && is_spent(l, c))
		close_spent(l, c);
	else
		list_update(l, c);
}

/* ---- queries ---- */

/* Tells how long the state that is over took. */
static void note_state(struct sq_dns_stream_lane *l, struct sq_dns_conn *c)
{
	uint8_t was = c->seen;
	int64_t now;

	if (was == c->stream.state)
		return;
	c->seen = c->stream.state;
	now = sq_lane_clock(l->lane);
	if (was == SQ_STREAM_CONNECTING)
		sq_lane_count(l->lane, SQ_DNS_COUNT_CONNECTIONS, 1);
	else
		sq_lane_count(l->lane,
			      sq_tls_is_resumed(c->stream.ssl) ? SQ_DNS_COUNT_TLS_RESUMED
							       : SQ_DNS_COUNT_TLS_FULL,
			      1);
	if (c->opener)
		sq_op_phase(l->lane, c->opener,
			    was == SQ_STREAM_CONNECTING ? SQ_DNS_PHASE_CONNECT : SQ_DNS_PHASE_TLS,
			    now - c->since_ns);
	c->since_ns = c->quiet_ns = now;
}

/* Queries that waited for their connection are sent now. */
static void mark_sent(struct sq_dns_stream_lane *l, struct sq_dns_conn *c)
{
	int64_t now = sq_lane_clock(l->lane);

	for (uint32_t i = 0, left = c->flight.n; left > 0; i++) {
		if (c->flight.places[i].fate != SQ_DNS_WAITING)
			continue;
		left--;
		if (c->flight.places[i].op->sent_ns < 0)
			c->flight.places[i].op->sent_ns = now;
	}
}

static bool may_write(const struct sq_dns_conn *c)
{
	return c->stream.state == SQ_STREAM_OPEN ||
	       (c->stream.state == SQ_STREAM_CONNECTING && !c->stream.ssl);
}

/* False when the connection is gone. */
static bool flush(struct sq_dns_stream_lane *l, struct sq_dns_conn *c)
{
	while (c->out_at < c->out_n && may_write(c)) {
		ssize_t n = sq_stream_write(&c->stream, c->out + c->out_at, c->out_n - c->out_at);

		if (n < 0) {
			uint16_t code = c->stream.code;

			if (c->stream.state == SQ_STREAM_OPEN &&
			    !sq_dns_conn_read(l, c, true, code))
				return false;
			sq_dns_conn_die(l, c, code);
			return false;
		}
		if (n == 0)
			return true;
		if (c->seen != c->stream.state) {
			mark_sent(l, c);
			note_state(l, c);
		}
		c->out_at += (uint32_t)n;
	}
	if (c->out_at == c->out_n)
		c->out_at = c->out_n = 0;
	return true;
}

static uint32_t token_of(const struct sq_dns_stream_lane *l, const struct sq_dns_conn *c)
{
	return SQ_DNS_STREAM | (uint32_t)c->generation << INDEX_BITS | (uint32_t)(c - l->conns);
}

/* For a query; false: it cannot be made. */
static bool open_conn(struct sq_dns_stream_lane *l, struct sq_dns_conn *c, struct sq_op *op)
{
	uint64_t number = sq_client_number(l->lane->load, l->lane->index, l->opened++);

	c->since_ns = sq_lane_clock(l->lane);
	if (!sq_stream_open(&c->stream, l->lane, &l->kind, number, token_of(l, c))) {
		c->generation++;
		return false;
	}
	c->opener = op;
	c->seen = SQ_STREAM_CONNECTING;
	return true;
}

static void write_query(struct sq_dns_stream_lane *l, struct sq_dns_conn *c, struct sq_op *op)
{
	const struct sq_dns_query *query = sq_dns_query_of(op);
	uint8_t *frame = c->out + c->out_n;
	struct sq_dns_asked asked;

	asked = sq_dns_ask_get(l->ask, query->question, query->number, frame + SQ_DNS_PREFIX);
	if (asked.query != frame + SQ_DNS_PREFIX)
		memcpy(frame + SQ_DNS_PREFIX, asked.query, asked.len);
	sq_dns_put16(frame, asked.len);
	sq_dns_put16(frame + SQ_DNS_PREFIX, query->id);
	c->out_n += SQ_DNS_PREFIX + asked.len;
	c->asked++;
}

/* It has room. */
static void add_query(struct sq_dns_stream_lane *l, struct sq_dns_conn *c, struct sq_op *op)
{
	struct sq_dns_query *query = sq_dns_query_of(op);

	query->via = SQ_DNS_STREAM | (uint32_t)(c - l->conns);
	if (c->stream.state == SQ_STREAM_CLOSED && !open_conn(l, c, op)) {
		sq_dns_query_fail(l->lane, op, c->stream.code, SQ_DNS_PHASE_CONNECT);
		return;
	}
	if (c->flight.n == 0)
		c->quiet_ns = sq_lane_now(l->lane);
	query->id = sq_dns_flight_add(&c->flight, op, query->question)->id;
	write_query(l, c, op);
	if (c->stream.state == SQ_STREAM_OPEN && op->sent_ns < 0)
		op->sent_ns = sq_lane_clock(l->lane);
}

/* The one whose turn it is.  What happened to an idle one since it was read is seen first: an end
 * that is here already must cost no query. */
static struct sq_dns_conn *next_conn(struct sq_dns_stream_lane *l)
{
	struct sq_dns_conn *c = l->head;

	if (c && c->stream.state == SQ_STREAM_OPEN && c->flight.n == 0 &&
	    sq_lane_now(l->lane) - c->quiet_ns > FRESH_NS && sq_stream_is_stale(&c->stream))
		sq_dns_conn_read(l, c, true, 0);
	return c;
}

/* ---- those that wait for room ---- */

/* Sends what waits, as far as there is room, and passes the turn on.  Bounded, since where every
 * connect is refused at once the whole line would be ended here; what is left comes with the next
 * query that is due, answered or over. */
static void serve(struct sq_dns_stream_lane *l)
{
	struct sq_dns_waiting *w = &l->waiting;
	struct sq_dns_conn *c;

	for (int i = 0; i < BURSTS && sq_dns_waiting_may_send(w) && (c = next_conn(l)); i++) {
		for (int n = 0; n < BURST && sq_dns_waiting_may_send(w) && has_room(l, c); n++)
			add_query(l, c, sq_dns_waiting_leave(w));
		if (c->stream.state != SQ_STREAM_CLOSED && !flush(l, c))
			continue;
		if (c->roomy)
			list_remove(l, c);
		list_update(l, c);
	}
}

/* After `more` have joined the line. */
static void serve_new(struct sq_dns_stream_lane *l, unsigned more)
{
	serve(l);
	sq_dns_waiting_count(&l->waiting, more);
}

static unsigned stream_start(void *state, const int64_t *due_ns, unsigned n)
{
	struct sq_dns_stream_lane *l = state;
	unsigned taken = 0;
	struct sq_op *op;

	while (taken < n && (op = sq_op_new(l->lane, due_ns[taken]))) {
		sq_dns_query_init(l->lane, op);
		sq_dns_waiting_join(&l->waiting, op);
		taken++;
	}
	serve_new(l, taken);
	return taken;
}

void sq_dns_stream_take(void *state, struct sq_op *op)
{
	struct sq_dns_stream_lane *l = state;

	sq_dns_waiting_join(&l->waiting, op);
	serve_new(l, 1);
}

/* ---- events ---- */

/* False when the connection is gone. */
static bool carry_on(struct sq_dns_stream_lane *l, struct sq_dns_conn *c, uint32_t events)
{
	while (c->stream.state != SQ_STREAM_OPEN) {
		if (!sq_stream_step(&c->stream, events)) {
			sq_dns_conn_die(l, c, c->stream.code);
			return false;
		}
		if (c->seen == c->stream.state)
			return true;
		note_state(l, c);
		if (c->stream.state == SQ_STREAM_OPEN)
			mark_sent(l, c);
	}
	return true;
}

static void take_events(struct sq_dns_stream_lane *l, struct sq_dns_conn *c, uint32_t events)
{
	const uint32_t over = EPOLLRDHUP | EPOLLHUP | EPOLLERR;

	if (!carry_on(l, c, events) || c->stream.state != SQ_STREAM_OPEN)
		return;
	if (!flush(l, c))
		return;
	if ((events & (EPOLLIN | over) || l->kind.tls) && !sq_dns_conn_read(l, c, events & over, 0))
		return;
	settle(l, c);
}

static void stream_input(void *state, uint32_t token, uint32_t events)
{
	struct sq_dns_stream_lane *l = state;
	struct sq_dns_conn *c = &l->conns[token & INDEX_MASK];

	if (token != token_of(l, c) || c->stream.state == SQ_STREAM_CLOSED)
		return;
	take_events(l, c, events);
	serve(l);
}

/* What waits for it was not sent, and goes to a new one with the IDs that it has. */
static void make_anew(struct sq_dns_stream_lane *l, struct sq_dns_conn *c)
{
	close_conn(l, c);
	for (uint32_t i = 0; i < c->flight.size; i++) {
		struct sq_dns_place *place = &c->flight.places[i];

		if (place->fate != SQ_DNS_WAITING)
			continue;
		if (c->stream.state == SQ_STREAM_CLOSED && !open_conn(l, c, place->op)) {
			sq_dns_conn_die(l, c, c->stream.code);
			return;
		}
		write_query(l, c, place->op);
	}
	list_update(l, c);
	flush(l, c);
}

static void end_on(struct sq_dns_stream_lane *l, struct sq_dns_conn *c, struct sq_op *op,
		   uint16_t code)
{
	struct sq_dns_place *place = sq_dns_flight_find(&c->flight, sq_dns_query_of(op)->id);
	bool opener = c->opener == op, timeout = code == SQ_CODE_TIMEOUT;

	code = sq_dns_query_end_code(op, code);
	fail_place(l, c, place, code, sq_dns_waiting_phase(&l->waiting, op, code, phase_of(c)));
	if (timeout && c->stream.state == SQ_STREAM_OPEN)
		set_silent(l, c, sq_dns_query_is_most(l->lane, sq_lane_now(l->lane) - c->quiet_ns));
	if (timeout && opener && c->stream.state != SQ_STREAM_OPEN)
		make_anew(l, c);
	else
		settle(l, c);
}

static void stream_end(void *state, struct sq_op *op, uint16_t code)
{
	struct sq_dns_stream_lane *l = state;
	uint32_t via = sq_dns_query_of(op)->via;

	if (via == SQ_DNS_NOWHERE)
		sq_dns_waiting_fail(&l->waiting, op, code);
	else
		end_on(l, &l->conns[via & ~SQ_DNS_STREAM], op, code);
	if (code == SQ_CODE_TIMEOUT) /* a run that ends sends nothing more */
		serve(l);
}

/* ---- a lane's ---- */

static void stream_fini(void *state)
{
	struct sq_dns_stream_lane *l = state;

	for (uint32_t i = 0; i < l->n; i++)
		if (l->conns[i].stream.state != SQ_STREAM_CLOSED || l->conns[i].stream.kept)
			sq_stream_reset(&l->conns[i].stream);
	l->kind.tls = sq_tls_free(l->kind.tls);
	free(l->conns);
	free(l->places);
	free(l->out);
}

static uint32_t places_for(int64_t pipeline)
{
	uint32_t size = PLACES_MIN;

	while (size < pipeline)
		size *= 2;
	return size;
}

static int stream_init(void *state, struct sq_lane *lane, struct sq_err *err)
{
	const struct sq_dns_conf *conf = lane->conf;
	struct sq_dns_stream_lane *l = state;
	uint32_t size = places_for(conf->stream.pipeline);

	if (conf->carrier == SQ_DNS_DOT) {
		l->kind.tls = sq_tls_new(&conf->stream.tls, "\3dot", err);
		if (!l->kind.tls)
			return err->code;
	}
	l->lane = l->waiting.lane = lane;
	l->spec = &conf->stream;
	l->ask = conf->ask;
	l->n = (uint32_t)conf->stream.connections;
	l->out_size = FRAME_MAX * (uint32_t)conf->stream.pipeline;
	l->conns = sq_alloc_n(l->n, sizeof(*l->conns));
	l->places = sq_alloc_n((size_t)l->n * size, sizeof(*l->places));
	l->out = sq_alloc_n(l->n, l->out_size);
	for (uint32_t i = 0; i < l->n; i++) {
		l->conns[i].out = l->out + (size_t)i * l->out_size;
		sq_dns_flight_init(&l->conns[i].flight, l->places + (size_t)i * size, size,
				   (uint16_t)sq_rng_u64(&lane->rng));
		list_add(l, &l->conns[i]);
	}
	return 0;
}

const struct sq_dns_transport sq_dns_stream = {
	.state_size = sizeof(struct sq_dns_stream_lane),
	.init = stream_init,
	.fini = stream_fini,
	.start = stream_start,
	.input = stream_input,
	.end = stream_end,
};
