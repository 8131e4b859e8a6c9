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
 * Every query first stands in a line, and leaves it at once where there is room.  When all connections
 * are full it waits, late from its due time on.  One that times out there, or soon after since most of
 * its time went there, does so at phase "send": that names a limit of ours, `connections` times
 * `pipeline`, met by a slow server, and no counter of lost packets or connects may pay for it.
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
#include "loadgen/dns/reply.h"
#include "loadgen/dns/transport.h"
#include "loadgen/dns/waiting.h"
#include "loadgen/engine/client.h"
#include "loadgen/engine/stream.h"

enum {
	BURST = 16,
	BURSTS = 64, /* at a time */
	PREFIX = 2,  /* the length before each message */
	LOOK = 512,  /* bytes of an answer that are looked at */
	FRAME_MAX = PREFIX + SQ_DNS_QUERY_MAX,
	PLACES_MIN = 16,
	INDEX_BITS = 15, /* of a token; above them the connection's generation */
	NOWHERE = (1 << INDEX_BITS) - 1,
};

/* One that was idle for less has just been read. */
#define FRESH_NS SQ_MS

struct conn {
	struct sq_stream stream;
	struct sq_dns_flight flight;
	struct conn *prev, *next; /* in the list of those with room */
	struct sq_op *opener;     /* the query that wanted it; NULL: it has its outcome */
	int64_t since_ns;         /* of the state it is in, when it is being made */
	int64_t quiet_ns;         /* since then nothing came, though something was waited for */
	uint64_t asked;
	uint16_t generation;
	bool roomy;   /* it is in the list */
	bool silent;  /* it seems dead, and gets no more queries unless something comes */
	uint8_t seen; /* its state as far as it was told of */
	uint8_t *out;
	uint32_t out_at, out_n;
	uint32_t in_n; /* bytes of the answer that is coming, with its prefix */
	uint8_t in[PREFIX + LOOK];
};

struct lane_state {
	uint64_t opened; /* connections so far: whose turn it is among sources and targets */
	struct sq_lane *lane;
	const struct sq_dns_stream_spec *spec;
	struct sq_dns_ask *ask;
	struct sq_stream_kind kind;
	struct conn *conns;
	struct sq_dns_place *places;
	uint8_t *out;
	uint32_t n, out_size;
	struct conn *head, *tail;
	struct sq_dns_waiting waiting; /* for room */
	uint8_t bytes[1 << 16];
};

/* ---- those with room ---- */

static void list_add(struct lane_state *l, struct conn *c)
{
	c->next = NULL;
	c->prev = l->tail;
	*(l->tail ? &l->tail->next : &l->head) = c;
	l->tail = c;
	c->roomy = true;
}

static void list_remove(struct lane_state *l, struct conn *c)
{
	*(c->prev ? &c->prev->next : &l->head) = c->next;
	*(c->next ? &c->next->prev : &l->tail) = c->prev;
	c->roomy = false;
}

static bool is_spent(const struct lane_state *l, const struct conn *c)
{
	return l->spec->per_connection && c->asked >= (uint64_t)l->spec->per_connection;
}

static bool has_room(const struct lane_state *l, const struct conn *c)
{
	return !is_spent(l, c) && !c->silent && c->flight.n < l->spec->pipeline &&
	       c->out_n + FRAME_MAX <= l->out_size;
}

static void list_update(struct lane_state *l, struct conn *c)
{
	bool room = has_room(l, c);

	if (room && !c->roomy)
		list_add(l, c);
	else if (!room && c->roomy)
		list_remove(l, c);
}

/* ---- the end of queries and connections ---- */

static enum sq_dns_phase phase_of(const struct conn *c)
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

static void fail_place(struct lane_state *l, struct conn *c, struct sq_dns_place *place,
		       uint16_t code, enum sq_dns_phase phase)
{
	struct sq_op *op = place->op;

	sq_dns_flight_end(&c->flight, place, SQ_DNS_GIVEN_UP, sq_dns_query_of(op)->number);
	if (c->opener == op)
		c->opener = NULL;
	sq_dns_query_of(op)->port = sq_client_port(c->stream.fd);
	sq_dns_query_fail(l->lane, op, code, phase);
}

/* What it was, apart from its socket. */
static void forget(struct lane_state *l, struct conn *c)
{
	c->opener = NULL;
	c->asked = 0;
	c->silent = false;
	c->seen = SQ_STREAM_CLOSED;
	c->out_at = c->out_n = c->in_n = 0;
	list_update(l, c);
}

static void close_conn(struct lane_state *l, struct conn *c)
{
	sq_stream_reset(&c->stream);
	c->generation++;
	forget(l, c);
}

/* It is over, and what is on it with it. */
static void die(struct lane_state *l, struct conn *c, uint16_t code)
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
static void close_spent(struct lane_state *l, struct conn *c)
{
	if (l->lane->load->sources.count > 1) {
		close_conn(l, c);
		return;
	}
	if (!sq_stream_reset_kept(&c->stream))
		c->generation++;
	forget(l, c);
}

static void settle(struct lane_state *l, struct conn *c)
{
	bool empty = c->stream.state != SQ_STREAM_CLOSED && c->flight.n == 0;

	if (empty && c->silent)
		close_conn(l, c);
	else if (empty && is_spent(l, c))
		close_spent(l, c);
	else
		list_update(l, c);
}

/* ---- answers ---- */

static uint64_t number_of(const struct sq_dns_place *place)
{
	return place->fate == SQ_DNS_WAITING ? sq_dns_query_of(place->op)->number : place->number;
}

/* For a query that still waits. */
static void reply_to(struct lane_state *l, struct conn *c, struct sq_dns_place *place,
		     const uint8_t *msg, enum sq_dns_verdict verdict)
{
	struct sq_op *op = place->op;

	if (verdict == SQ_DNS_REPLY_ANSWER) {
		if (c->opener == op)
			c->opener = NULL;
		sq_dns_flight_end(&c->flight, place, SQ_DNS_ANSWERED, number_of(place));
		sq_dns_query_answer(l->lane, op, sq_dns_get16(msg + 2), sq_lane_now(l->lane));
	} else if (verdict == SQ_DNS_REPLY_MISMATCH) {
		sq_dns_query_of(op)->odd = SQ_DNS_CODE_MISMATCH;
		sq_lane_count(l->lane, SQ_DNS_COUNT_MISMATCHED, 1);
	} else {
		sq_dns_query_of(op)->odd = SQ_DNS_CODE_GARBLED;
		sq_lane_count(l->lane, SQ_DNS_COUNT_GARBLED, 1);
	}
}

static void take_message(struct lane_state *l, struct conn *c, const uint8_t *msg, size_t len)
{
	struct sq_dns_place *place = sq_dns_flight_find(&c->flight, sq_dns_get16(msg));
	uint8_t scratch[SQ_DNS_QUERY_MAX];
	enum sq_dns_verdict verdict;
	struct sq_dns_asked asked;

	if (!place) {
		sq_lane_count(l->lane, SQ_DNS_COUNT_UNMATCHED, 1);
		return;
	}
	asked = sq_dns_ask_get(l->ask, place->question, number_of(place), scratch);
	verdict = sq_dns_reply_judge(msg, len, &asked);
	if (place->fate == SQ_DNS_WAITING)
		reply_to(l, c, place, msg, verdict);
	else if (verdict != SQ_DNS_REPLY_ANSWER)
		sq_lane_count(l->lane, SQ_DNS_COUNT_UNMATCHED, 1);
	else if (place->fate == SQ_DNS_ANSWERED)
		sq_lane_count(l->lane, SQ_DNS_COUNT_DUPLICATE, 1);
	else
		sq_lane_count(l->lane, SQ_DNS_COUNT_LATE, 1);
}

/* Adds what belongs to the answer that is coming; how many bytes that was. */
static uint32_t take_part(struct conn *c, const uint8_t *bytes, size_t len)
{
	uint32_t whole = PREFIX + (c->in_n < PREFIX ? 0 : sq_dns_get16(c->in));
	uint32_t part = len < whole - c->in_n ? (uint32_t)len : whole - c->in_n;
	uint32_t kept = c->in_n < sizeof(c->in) ? (uint32_t)sizeof(c->in) - c->in_n : 0;

	memcpy(c->in + (kept ? c->in_n : 0), bytes, part < kept ? part : kept);
	c->in_n += part;
	return part;
}

/* False when this is no stream of messages: one that is shorter than a header is none, and where the
 * next begins nobody can say. */
static bool take_bytes(struct lane_state *l, struct conn *c, const uint8_t *bytes, size_t len)
{
	while (len > 0) {
		uint32_t part = take_part(c, bytes, len), message;

		bytes += part;
		len -= part;
		if (c->in_n < PREFIX)
			return true;
		message = sq_dns_get16(c->in);
		if (message < SQ_DNS_HEADER)
			return false;
		if (c->in_n == PREFIX + message) {
			take_message(l, c, c->in + PREFIX, message < LOOK ? message : LOOK);
			c->in_n = 0;
		}
	}
	return true;
}

/* All that is here.  A plain read of less than it asked for took all, unless an end is behind it
 * (`over`).  False when the connection is gone. */
static bool read_all(struct lane_state *l, struct conn *c, bool over)
{
	for (;;) {
		ssize_t n = sq_stream_read(&c->stream, l->bytes, sizeof(l->bytes));

		if (n == 0)
			return true;
		c->quiet_ns = sq_lane_clock(l->lane);
		c->silent = false;
		if (n < 0) {
			die(l, c, c->stream.code);
			return false;
		}
		if (!take_bytes(l, c, l->bytes, (size_t)n)) {
			die(l, c, SQ_DNS_CODE_GARBLED);
			return false;
		}
		if (!l->kind.tls && !over && (size_t)n < sizeof(l->bytes))
			return true;
	}
}

/* ---- queries ---- */

/* Tells how long the state that is over took. */
static void note_state(struct lane_state *l, struct conn *c)
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
static void mark_sent(struct lane_state *l, struct conn *c)
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

static bool may_write(const struct conn *c)
{
	return c->stream.state == SQ_STREAM_OPEN ||
	       (c->stream.state == SQ_STREAM_CONNECTING && !c->stream.ssl);
}

/* False when the connection is gone. */
static bool flush(struct lane_state *l, struct conn *c)
{
	while (c->out_at < c->out_n && may_write(c)) {
		ssize_t n = sq_stream_write(&c->stream, c->out + c->out_at, c->out_n - c->out_at);

		if (n < 0) {
			uint16_t code = c->stream.code;

			if (c->stream.state == SQ_STREAM_OPEN && !read_all(l, c, true))
				return false;
			die(l, c, code);
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

static uint32_t token_of(const struct lane_state *l, const struct conn *c)
{
	return SQ_DNS_STREAM | (uint32_t)c->generation << INDEX_BITS | (uint32_t)(c - l->conns);
}

/* For a query; false: it cannot be made. */
static bool open_conn(struct lane_state *l, struct conn *c, struct sq_op *op)
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

static void write_query(struct lane_state *l, struct conn *c, struct sq_op *op)
{
	const struct sq_dns_query *query = sq_dns_query_of(op);
	uint8_t *frame = c->out + c->out_n;
	struct sq_dns_asked asked;

	asked = sq_dns_ask_get(l->ask, query->question, query->number, frame + PREFIX);
	if (asked.query != frame + PREFIX)
		memcpy(frame + PREFIX, asked.query, asked.len);
	sq_dns_put16(frame, asked.len);
	sq_dns_put16(frame + PREFIX, query->id);
	c->out_n += PREFIX + asked.len;
	c->asked++;
}

/* It has room. */
static void add_query(struct lane_state *l, struct conn *c, struct sq_op *op)
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
static struct conn *next_conn(struct lane_state *l)
{
	struct conn *c = l->head;

	if (c && c->stream.state == SQ_STREAM_OPEN && c->flight.n == 0 &&
	    sq_lane_now(l->lane) - c->quiet_ns > FRESH_NS && sq_stream_is_stale(&c->stream))
		read_all(l, c, true);
	return c;
}

/* ---- the line of those that wait for room ---- */

static void join_line(struct lane_state *l, struct sq_op *op)
{
	struct sq_dns_query *query = sq_dns_query_of(op);

	query->via = SQ_DNS_STREAM | NOWHERE;
	query->waited_ns = -sq_lane_now(l->lane);
	sq_dns_waiting_add(&l->waiting, op);
}

static struct sq_op *leave_line(struct lane_state *l)
{
	struct sq_op *op = l->waiting.head;

	sq_dns_waiting_remove(&l->waiting, op);
	sq_dns_query_of(op)->waited_ns += sq_lane_now(l->lane);
	return op;
}

/* One whose time is over is sent no more, though nobody has ended it yet: it would seem unanswered. */
static bool may_send(const struct lane_state *l)
{
	return l->waiting.head &&
	       l->waiting.head->due_ns + l->lane->load->spec->timeout_ns > sq_lane_now(l->lane);
}

/* Sends what waits, as far as there is room, and passes the turn on.  Bounded, since where every
 * connect is refused at once the whole line would be ended here; what is left comes with the next
 * query that is due, answered or over. */
static void serve(struct lane_state *l)
{
	struct conn *c;

	for (int i = 0; i < BURSTS && may_send(l) && (c = next_conn(l)); i++) {
		for (int n = 0; n < BURST && may_send(l) && has_room(l, c); n++)
			add_query(l, c, leave_line(l));
		if (c->stream.state != SQ_STREAM_CLOSED && !flush(l, c))
			continue;
		if (c->roomy)
			list_remove(l, c);
		list_update(l, c);
	}
}

/* After `more` have joined the line. */
static void serve_new(struct lane_state *l, unsigned more)
{
	serve(l);
	sq_lane_count(l->lane, SQ_DNS_COUNT_WAITED, l->waiting.n < more ? l->waiting.n : more);
}

static unsigned stream_start(void *state, const int64_t *due_ns, unsigned n)
{
	struct lane_state *l = state;
	unsigned taken = 0;
	struct sq_op *op;

	while (taken < n && (op = sq_op_new(l->lane, due_ns[taken]))) {
		sq_dns_query_init(l->lane, op);
		join_line(l, op);
		taken++;
	}
	serve_new(l, taken);
	return taken;
}

void sq_dns_stream_take(void *state, struct sq_op *op)
{
	struct lane_state *l = state;

	join_line(l, op);
	serve_new(l, 1);
}

/* ---- events ---- */

/* False when the connection is gone. */
static bool carry_on(struct lane_state *l, struct conn *c, uint32_t events)
{
	while (c->stream.state != SQ_STREAM_OPEN) {
		if (!sq_stream_step(&c->stream, events)) {
			die(l, c, c->stream.code);
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

static void take_events(struct lane_state *l, struct conn *c, uint32_t events)
{
	const uint32_t over = EPOLLRDHUP | EPOLLHUP | EPOLLERR;

	if (!carry_on(l, c, events) || c->stream.state != SQ_STREAM_OPEN)
		return;
	if (!flush(l, c))
		return;
	if ((events & (EPOLLIN | over) || l->kind.tls) && !read_all(l, c, events & over))
		return;
	settle(l, c);
}

static void stream_input(void *state, uint32_t token, uint32_t events)
{
	struct lane_state *l = state;
	struct conn *c = &l->conns[token & NOWHERE];

	if (token != token_of(l, c) || c->stream.state == SQ_STREAM_CLOSED)
		return;
	take_events(l, c, events);
	serve(l);
}

/* What waits for it was not sent, and goes to a new one with the IDs that it has. */
static void make_anew(struct lane_state *l, struct conn *c)
{
	close_conn(l, c);
	for (uint32_t i = 0; i < c->flight.size; i++) {
		struct sq_dns_place *place = &c->flight.places[i];

		if (place->fate != SQ_DNS_WAITING)
			continue;
		if (c->stream.state == SQ_STREAM_CLOSED && !open_conn(l, c, place->op)) {
			die(l, c, c->stream.code);
			return;
		}
		write_query(l, c, place->op);
	}
	list_update(l, c);
	flush(l, c);
}

/* Whether that is most of the time that a query has. */
static bool is_most(const struct lane_state *l, int64_t ns)
{
	return 2 * ns > l->lane->load->spec->timeout_ns;
}

static void end_on(struct lane_state *l, struct conn *c, struct sq_op *op, uint16_t code)
{
	struct sq_dns_place *place = sq_dns_flight_find(&c->flight, sq_dns_query_of(op)->id);
	bool opener = c->opener == op, timeout = code == SQ_CODE_TIMEOUT;
	enum sq_dns_phase phase = phase_of(c);

	code = sq_dns_query_end_code(op, code);
	if (code == SQ_CODE_TIMEOUT && is_most(l, sq_dns_query_of(op)->waited_ns))
		phase = SQ_DNS_PHASE_SEND;
	fail_place(l, c, place, code, phase);
	if (timeout && c->stream.state == SQ_STREAM_OPEN)
		c->silent = is_most(l, sq_lane_now(l->lane) - c->quiet_ns);
	if (timeout && opener && c->stream.state != SQ_STREAM_OPEN)
		make_anew(l, c);
	else
		settle(l, c);
}

static void stream_end(void *state, struct sq_op *op, uint16_t code)
{
	struct lane_state *l = state;
	uint32_t where = sq_dns_query_of(op)->via & ~SQ_DNS_STREAM;

	if (where == NOWHERE) {
		sq_dns_waiting_remove(&l->waiting, op);
		sq_dns_query_fail(l->lane, op, code, SQ_DNS_PHASE_SEND);
	} else {
		end_on(l, &l->conns[where], op, code);
	}
	if (code == SQ_CODE_TIMEOUT) /* a run that ends sends nothing more */
		serve(l);
}

/* ---- a lane's ---- */

static void stream_fini(void *state)
{
	struct lane_state *l = state;

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
	struct lane_state *l = state;
	uint32_t size = places_for(conf->stream.pipeline);

	if (conf->carrier == SQ_DNS_DOT) {
		l->kind.tls = sq_tls_new(&conf->stream.tls, "\3dot", err);
		if (!l->kind.tls)
			return err->code;
	}
	l->lane = lane;
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
	.state_size = sizeof(struct lane_state),
	.init = stream_init,
	.fini = stream_fini,
	.start = stream_start,
	.input = stream_input,
	.end = stream_end,
};
