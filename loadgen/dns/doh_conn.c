/* A connection of DNS over HTTPS from its making to its end, and with it the end of its queries.
 *
 * Its life is that of a connection of stream.c: made for the query that wanted it, which tells of its
 * handshakes; closed, by a reset, when it has carried its share, seems dead (a query timed out, and
 * nothing came for most of that one's time) or may carry no more, as soon as the last on it has its
 * outcome.  It gets no more queries till then.
 *
 * What a reader would get wrong: queries may be asked of one that is still being made.  They wait in
 * its HTTP session, unsent, and so a new connection can take all of them over. */
#include <errno.h>

#include "base/clock.h"
#include "loadgen/dns/doh.h"
#include "loadgen/engine/client.h"

enum { INDEX_BITS = 15 }; /* of a token; above them the connection's generation */

/* One that was idle for less has just been read. */
#define FRESH_NS SQ_MS

bool sq_dns_doh_conn_has_room(const struct sq_dns_doh_conn *c)
{
	const struct sq_dns_stream_spec *spec = &c->lane->conf->stream;

	if (!c->http)
		return true;
	return !c->silent && c->n < spec->pipeline && sq_dns_doh_http_is_open(c) &&
	       (!spec->per_connection || c->asked < (uint64_t)spec->per_connection);
}

/* ---- the end of queries and connections ---- */

/* The phase that a connection is in is that which was told last. */
static enum sq_dns_phase phase_of(const struct sq_dns_doh_conn *c)
{
	switch (c->seen) {
	case SQ_STREAM_OPEN:
		return SQ_DNS_PHASE_QUERY;
	case SQ_STREAM_HANDSHAKE:
		return SQ_DNS_PHASE_TLS;
	default:
		return SQ_DNS_PHASE_CONNECT;
	}
}

struct sq_op *sq_dns_doh_free(struct sq_dns_doh_conn *c, struct sq_dns_doh_exchange *x)
{
	struct sq_op *op = x->op;

	if (c->opener == op)
		c->opener = NULL;
	x->op = NULL;
	x->next = c->free;
	c->free = (uint32_t)(x - c->exchanges) + 1;
	c->n--;
	return op;
}

void sq_dns_doh_break(struct sq_dns_doh_conn *c, struct sq_dns_doh_exchange *x, uint16_t code)
{
	struct sq_op *op = sq_dns_doh_free(c, x);

	sq_dns_query_of(op)->port = sq_client_port(c->stream.fd);
	sq_dns_query_fail(c->lane->lane, op, code,
			  sq_dns_waiting_phase(&c->lane->waiting, op, code, phase_of(c)));
}

static void set_silent(struct sq_dns_doh_conn *c, bool silent)
{
	sq_dns_waiting_silence(&c->lane->waiting, &c->silent, silent);
}

void sq_dns_doh_conn_close(struct sq_dns_doh_conn *c)
{
	sq_dns_doh_http_close(c);
	sq_stream_reset(&c->stream);
	c->generation++;
	c->opener = NULL;
	c->asked = 0;
	c->leaving = false;
	set_silent(c, false);
	c->seen = SQ_STREAM_CLOSED;
}

void sq_dns_doh_conn_leave(struct sq_dns_doh_conn *c)
{
	if (c->n == 0 && !c->leaving)
		sq_lane_count(c->lane->lane, SQ_DNS_COUNT_CLOSED_BY_SERVER, 1);
	c->leaving = true;
}

/* It is over, and what is on it with it. */
static void die(struct sq_dns_doh_conn *c, uint16_t code)
{
	if (c->n == 0 && !c->leaving)
		sq_lane_count(c->lane->lane, SQ_DNS_COUNT_CLOSED_BY_SERVER, 1);
	for (uint32_t i = 0; c->n > 0 && i < c->used; i++)
		if (c->exchanges[i].op)
			sq_dns_doh_break(c, &c->exchanges[i], code);
	sq_dns_doh_conn_close(c);
}

/* Closes one that has nothing to do any more. */
static void settle(struct sq_dns_doh_conn *c)
{
	if (!c->http)
		return;
	if (c->n == 0 && !sq_dns_doh_conn_has_room(c))
		sq_dns_doh_conn_close(c);
	else if (sq_dns_doh_http_is_over(c)) /* nghttp2 has ended it, for a breach */
		die(c, SQ_DNS_CODE_GARBLED);
}

/* ---- bytes ---- */

/* All that is here.  broken: the code of a write that has failed, or 0.  False when the connection is
 * gone. */
static bool read_all(struct sq_dns_doh_conn *c, uint16_t broken)
{
	struct sq_dns_doh_lane *l = c->lane;

	for (;;) {
		ssize_t n = sq_stream_read(&c->stream, l->bytes, sizeof(l->bytes));

		if (n == 0)
			return true;
		c->quiet_ns = sq_lane_clock(l->lane);
		set_silent(c, false);
		if (n < 0) {
			die(c, sq_stream_end_code(&c->stream, broken));
			return false;
		}
		if (!sq_dns_doh_http_take(c, l->bytes, (size_t)n)) {
			die(c, SQ_DNS_CODE_GARBLED);
			return false;
		}
	}
}

/* A failed write is not yet the end: the server may have answered and closed. */
bool sq_dns_doh_conn_flush(struct sq_dns_doh_conn *c)
{
	while (c->stream.state == SQ_STREAM_OPEN) {
		ssize_t n;

		if (c->out_at == c->out_n) {
			c->out_at = c->out_n = 0;
			sq_dns_doh_http_fill(c);
		}
		if (c->out_n == 0)
			return true;
		n = sq_stream_write(&c->stream, c->out + c->out_at, c->out_n - c->out_at);
		if (n == 0)
			return true;
		if (n < 0) {
			uint16_t code = c->stream.code;

			if (read_all(c, code))
				die(c, code);
			return false;
		}
		c->out_at += (uint32_t)n;
	}
	return true;
}

/* ---- queries ---- */

static uint32_t token_of(const struct sq_dns_doh_conn *c)
{
	return (uint32_t)c->generation << INDEX_BITS | (uint32_t)(c - c->lane->conns);
}

struct sq_dns_doh_conn *sq_dns_doh_conn_of(struct sq_dns_doh_lane *l, uint32_t token)
{
	struct sq_dns_doh_conn *c = &l->conns[token & ((1U << INDEX_BITS) - 1)];

	return c->http && token == token_of(c) ? c : NULL;
}

/* For a query.  0, or the code of why it cannot be made. */
static uint16_t open_conn(struct sq_dns_doh_conn *c, struct sq_op *op)
{
	struct sq_dns_doh_lane *l = c->lane;
	uint64_t number = sq_client_number(l->lane->load, l->lane->index, l->opened++);

	c->since_ns = sq_lane_clock(l->lane);
	if (!sq_dns_doh_http_open(c))
		return sq_code_errno(ENOMEM);
	if (!sq_stream_open(&c->stream, l->lane, &l->kind, number, token_of(c))) {
		sq_dns_doh_http_close(c);
		c->generation++;
		return c->stream.code;
	}
	c->opener = op;
	c->seen = SQ_STREAM_CONNECTING;
	return 0;
}

static struct sq_dns_doh_exchange *take_exchange(struct sq_dns_doh_conn *c, struct sq_op *op)
{
	uint32_t index = c->free ? c->free - 1 : c->used++;
	struct sq_dns_doh_exchange *x = &c->exchanges[index];

	c->free = x->next;
	x->next = 0;
	x->op = op;
	c->n++;
	return x;
}

/* Queued for one that is made, or being made. */
static void ask(struct sq_dns_doh_conn *c, struct sq_dns_doh_exchange *x)
{
	c->asked++;
	if (!sq_dns_doh_http_ask(c, x))
		sq_dns_doh_break(c, x, sq_code_errno(ENOMEM));
}

void sq_dns_doh_conn_ask(struct sq_dns_doh_conn *c, struct sq_op *op)
{
	struct sq_dns_doh_exchange *x;
	uint16_t code = c->http ? 0 : open_conn(c, op);

	if (code) {
		sq_dns_query_fail(c->lane->lane, op, code, SQ_DNS_PHASE_CONNECT);
		return;
	}
	if (c->n == 0)
		c->quiet_ns = sq_lane_now(c->lane->lane);
	x = take_exchange(c, op);
	sq_dns_query_of(op)->via = (uint32_t)(x - c->lane->exchanges);
	ask(c, x);
}

/* ---- events ---- */

/* Tells how long the state that is over took. */
static void note_state(struct sq_dns_doh_conn *c)
{
	struct sq_lane *lane = c->lane->lane;
	bool connected = c->seen == SQ_STREAM_CONNECTING;
	int64_t now = sq_lane_clock(lane);

	if (connected)
		sq_lane_count(lane, SQ_DNS_COUNT_CONNECTIONS, 1);
	else
		sq_lane_count(lane,
			      sq_tls_is_resumed(c->stream.ssl) ? SQ_DNS_COUNT_TLS_RESUMED
							       : SQ_DNS_COUNT_TLS_FULL,
			      1);
	if (c->opener)
		sq_op_phase(lane, c->opener, phase_of(c), now - c->since_ns);
	c->seen = c->stream.state;
	c->since_ns = c->quiet_ns = now;
}

/* False when the connection is gone. */
static bool carry_on(struct sq_dns_doh_conn *c, uint32_t events)
{
	while (c->stream.state != SQ_STREAM_OPEN) {
		if (!sq_stream_step(&c->stream, events)) {
			die(c, c->stream.code);
			return false;
		}
		if (c->seen == c->stream.state)
			return true;
		if (c->stream.state == SQ_STREAM_OPEN && !sq_tls_is_agreed(c->stream.ssl)) {
			die(c, SQ_CODE_TLS);
			return false;
		}
		note_state(c);
	}
	return true;
}

void sq_dns_doh_conn_input(struct sq_dns_doh_conn *c, uint32_t events)
{
	if (!carry_on(c, events) || c->stream.state != SQ_STREAM_OPEN)
		return;
	/* Reading makes more to be said: settings and windows are acknowledged. */
	if (read_all(c, 0) && sq_dns_doh_conn_flush(c))
		settle(c);
}

void sq_dns_doh_conn_refresh(struct sq_dns_doh_conn *c)
{
	if (c->stream.state == SQ_STREAM_OPEN && c->n == 0 &&
	    sq_lane_now(c->lane->lane) - c->quiet_ns > FRESH_NS && sq_stream_is_stale(&c->stream) &&
	    read_all(c, 0))
		settle(c);
}

/* What waits for it was not sent, and goes to a new one. */
static void make_anew(struct sq_dns_doh_conn *c)
{
	sq_dns_doh_conn_close(c);
	for (uint32_t i = 0; i < c->used; i++) {
		struct sq_dns_doh_exchange *x = &c->exchanges[i];
		uint16_t code = x->op && !c->http ? open_conn(c, x->op) : 0;

		if (code) {
			die(c, code);
			return;
		}
		if (x->op)
			ask(c, x);
	}
}

void sq_dns_doh_conn_end(struct sq_dns_doh_conn *c, struct sq_dns_doh_exchange *x, uint16_t code)
{
	const struct sq_lane *lane = c->lane->lane;
	bool opener = c->opener == x->op, timeout = code == SQ_CODE_TIMEOUT;

	if (timeout && c->stream.state == SQ_STREAM_OPEN)
		set_silent(c, sq_dns_query_is_most(lane, sq_lane_now(lane) - c->quiet_ns));
	sq_dns_doh_http_cancel(c, x);
	sq_dns_doh_break(c, x, code);
	if (timeout && opener && c->stream.state != SQ_STREAM_OPEN)
		make_anew(c);
	else if (sq_dns_doh_conn_flush(c))
		settle(c);
}
