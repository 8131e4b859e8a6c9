/* A lane's queries over HTTPS: HTTP/2 with TLS, a stream for each query (doh_http.c), on connections
 * that take bursts of due queries in turn (doh_conn.c); where none has room, queries wait (waiting.h).
 *
 * A response of status 200 is judged as a reply over UDP is; any other fails its query by its kind.
 * Memory, all of it there before the run but what nghttp2 allocates: a connection has room for the
 * heads of as many answers as it may wait for, of which the kernel gives what is touched.
 *
 * What a reader would get wrong: here a wrong answer ends its query at once.  A stream has one
 * response, so no other can come; over UDP and TCP one can. */
#include "loadgen/dns/doh.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "loadgen/dns/reply.h"
#include "loadgen/dns/transport.h"

enum {
	BURST = 16,
	BURSTS = 64, /* at a time */
};

/* ---- answers ---- */

static uint16_t code_of_status(unsigned status)
{
	switch (status / 100) {
	case 4:
		return SQ_DNS_CODE_HTTP_4XX;
	case 5:
		return SQ_DNS_CODE_HTTP_5XX;
	default:
		return SQ_DNS_CODE_HTTP_STATUS;
	}
}

/* The ID of the question is 0, and so must be the answer's. */
static enum sq_dns_verdict judge(const struct sq_dns_doh_lane *l,
				 const struct sq_dns_doh_exchange *x)
{
	const struct sq_dns_query *query = sq_dns_query_of(x->op);
	uint8_t scratch[SQ_DNS_QUERY_MAX];
	struct sq_dns_asked asked =
		sq_dns_ask_get(l->conf->ask, query->question, query->number, scratch);
	enum sq_dns_verdict verdict = sq_dns_reply_judge(x->in, x->len, &asked);

	if (verdict == SQ_DNS_REPLY_ANSWER && sq_dns_get16(x->in) != 0)
		return SQ_DNS_REPLY_MISMATCH;
	return verdict;
}

void sq_dns_doh_respond(struct sq_dns_doh_conn *c, struct sq_dns_doh_exchange *x)
{
	struct sq_lane *lane = c->lane->lane;
	enum sq_dns_verdict verdict;

	if (x->status != 200) {
		sq_dns_doh_break(c, x, code_of_status(x->status));
		return;
	}
	verdict = judge(c->lane, x);
	if (verdict == SQ_DNS_REPLY_ANSWER) {
		sq_dns_query_answer(lane, sq_dns_doh_free(c, x), sq_dns_get16(x->in + 2),
				    sq_lane_now(lane));
	} else if (verdict == SQ_DNS_REPLY_MISMATCH) {
		sq_lane_count(lane, SQ_DNS_COUNT_MISMATCHED, 1);
		sq_dns_doh_break(c, x, SQ_DNS_CODE_MISMATCH);
	} else {
		sq_lane_count(lane, SQ_DNS_COUNT_GARBLED, 1);
		sq_dns_doh_break(c, x, SQ_DNS_CODE_GARBLED);
	}
}

/* ---- queries ---- */

/* The one whose turn it is, or else the next that has room. */
static struct sq_dns_doh_conn *next_conn(struct sq_dns_doh_lane *l)
{
	for (uint32_t i = 0; i < l->n; i++) {
		struct sq_dns_doh_conn *c = &l->conns[l->next];

		l->next = l->next + 1 < l->n ? l->next + 1 : 0;
		sq_dns_doh_conn_refresh(c);
		if (sq_dns_doh_conn_has_room(c))
			return c;
	}
	return NULL;
}

/* Sends at most n of what waits by one that has room. */
static void send_burst(struct sq_dns_doh_conn *c, int64_t n)
{
	struct sq_dns_waiting *w = &c->lane->waiting;

	for (; n > 0 && sq_dns_waiting_may_send(w) && sq_dns_doh_conn_has_room(c); n--)
		sq_dns_doh_conn_ask(c, sq_dns_waiting_leave(w));
	sq_dns_doh_conn_flush(c);
}

/* Sends what waits, as far as there is room.  Bounded, since where every connect is refused at once the
 * whole line would be ended here. */
static void serve(struct sq_dns_doh_lane *l)
{
	struct sq_dns_doh_conn *c;

	for (int i = 0; i < BURSTS && sq_dns_waiting_may_send(&l->waiting) && (c = next_conn(l));
	     i++)
		send_burst(c, BURST);
}

/* The same, after something happened to one: while any wait, no other has room. */
static void serve_on(struct sq_dns_doh_lane *l, struct sq_dns_doh_conn *c)
{
	if (sq_dns_waiting_may_send(&l->waiting))
		send_burst(c, l->conf->stream.pipeline);
	if (!c->http) /* it broke under them */
		serve(l);
}

static unsigned doh_start(void *state, const int64_t *due_ns, unsigned n)
{
	struct sq_dns_doh_lane *l = state;
	unsigned taken = 0;
	struct sq_op *op;

	while (taken < n && (op = sq_op_new(l->lane, due_ns[taken]))) {
		sq_dns_query_init(l->lane, op);
		sq_dns_waiting_join(&l->waiting, op);
		taken++;
	}
	serve(l);
	sq_dns_waiting_count(&l->waiting, taken);
	return taken;
}

static void doh_input(void *state, uint32_t token, uint32_t events)
{
	struct sq_dns_doh_conn *c = sq_dns_doh_conn_of(state, token);

	if (!c)
		return;
	sq_dns_doh_conn_input(c, events);
	serve_on(state, c);
}

static void doh_end(void *state, struct sq_op *op, uint16_t code)
{
	struct sq_dns_doh_lane *l = state;
	uint32_t via = sq_dns_query_of(op)->via;
	struct sq_dns_doh_conn *c;

	if (via == SQ_DNS_NOWHERE) {
		sq_dns_waiting_fail(&l->waiting, op, code);
		return;
	}
	c = &l->conns[via / (uint32_t)l->conf->stream.pipeline];
	sq_dns_doh_conn_end(c, &l->exchanges[via], code);
	if (code == SQ_CODE_TIMEOUT) /* a run that ends sends nothing more */
		serve_on(l, c);
}

/* ---- a lane's ---- */

static void doh_fini(void *state)
{
	struct sq_dns_doh_lane *l = state;

	for (uint32_t i = 0; i < l->n; i++)
		if (l->conns[i].http)
			sq_dns_doh_conn_close(&l->conns[i]);
	sq_dns_doh_http_fini(l);
	l->kind.tls = sq_tls_free(l->kind.tls);
	free(l->conns);
	free(l->exchanges);
	free(l->out);
}

/* The server's name as a URL of it would have it: without the port that all know. */
static void set_authority(struct sq_dns_doh_lane *l)
{
	const char *text = l->lane->load->target.text, *name = l->conf->stream.tls.name;
	const char *colon = strrchr(text, ':');
	const char *port = colon && strcmp(colon, ":443") != 0 ? colon : "";
	int host = colon ? (int)(colon - text) : (int)strlen(text);

	if (name)
		snprintf(l->authority, sizeof(l->authority), "%s%s", name, port);
	else
		snprintf(l->authority, sizeof(l->authority), "%.*s%s", host, text, port);
}

static void make_conns(struct sq_dns_doh_lane *l)
{
	size_t pipeline = (size_t)l->conf->stream.pipeline;

	l->n = (uint32_t)l->conf->stream.connections;
	l->conns = sq_alloc_n(l->n, sizeof(*l->conns));
	l->exchanges = sq_alloc_n(l->n * pipeline, sizeof(*l->exchanges));
	l->out = sq_alloc_n(l->n, SQ_DNS_DOH_OUT);
	for (uint32_t i = 0; i < l->n; i++) {
		l->conns[i].lane = l;
		l->conns[i].exchanges = l->exchanges + i * pipeline;
		l->conns[i].out = l->out + (size_t)i * SQ_DNS_DOH_OUT;
	}
}

static int doh_init(void *state, struct sq_lane *lane, struct sq_err *err)
{
	struct sq_dns_doh_lane *l = state;

	l->lane = l->waiting.lane = lane;
	l->conf = lane->conf;
	l->kind.tls = sq_tls_new(&l->conf->stream.tls, "\2h2", err);
	if (!l->kind.tls)
		return err->code;
	if (!sq_dns_doh_http_init(l)) {
		l->kind.tls = sq_tls_free(l->kind.tls);
		return sq_err_set(err, -ENOMEM, "doh", "there is no memory left for HTTP/2");
	}
	set_authority(l);
	make_conns(l);
	return 0;
}

const struct sq_dns_transport sq_dns_doh = {
	.state_size = sizeof(struct sq_dns_doh_lane),
	.init = doh_init,
	.fini = doh_fini,
	.start = doh_start,
	.input = doh_input,
	.end = doh_end,
};
