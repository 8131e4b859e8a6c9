/* TCP connections: what a server's accept side does to them, and what they do to it.
 *
 * What a connection is worth is said by `until`; how one goes is in loadgen/tcp: conn.c keeps them,
 * talk.c takes one from connect(2) to its outcome, outcome.c books that and what it cost the server,
 * held.c keeps it open.  This file has the words: codes, phases, counts; the keys are in
 * loadgen/tcp/conf.c. */
#include "loadgen/engine/driver.h"
#include "loadgen/engine/lane.h"
#include "loadgen/engine/tcp_info.h"
#include "loadgen/tcp/conn.h"

/* ---- hooks ---- */

static int tcp_prepare(void *conf, const struct sq_load_plan *load, struct sq_err *err)
{
	(void)load;
	return sq_tcp_conf_check(conf, err);
}

static void tcp_release(void *conf)
{
	sq_tcp_conf_fini(conf);
}

/* A server that closes first (`until` closed, but for a half close of ours) keeps the port itself. */
static void tcp_cost(const void *conf, struct sq_op_cost *ret)
{
	const struct sq_tcp_conf *c = conf;

	*ret = (struct sq_op_cost){ .socket = true,
				    .time_wait = c->close == SQ_TCP_CLOSE_HALF ||
						 (c->close == SQ_TCP_CLOSE_FIN &&
						  c->until != SQ_TCP_UNTIL_CLOSED),
				    .hold_ns = c->hold_ns };
}

static int tcp_lane_init(struct sq_lane *lane, struct sq_err *err)
{
	return sq_tcp_lane_open(lane->state, lane, err);
}

static void tcp_lane_fini(struct sq_lane *lane)
{
	sq_tcp_lane_close(lane->state);
}

static bool open_one(struct sq_tcp_lane *l, struct sq_op *op, uint32_t *ret_place)
{
	uint16_t code;
	struct sq_tcp_conn *c = sq_tcp_conn_open(l, op, &code);

	if (c)
		*ret_place = (uint32_t)(c - l->conns);
	else /* before any packet: no port, no route, a filter */
		sq_tcp_fail(l, op, code);
	return c;
}

/* Of an open loop all are on their way before any goes on: they came due together.  A closed loop's
 * came due one by one, and each goes on at once: its memory is still at hand. */
static unsigned tcp_start(struct sq_lane *lane, const int64_t *due_ns, unsigned n)
{
	struct sq_tcp_lane *l = lane->state;
	bool closed = lane->load->spec->arrivals.closed > 0;
	uint32_t places[SQ_STARTS_MAX];
	unsigned took = 0, made = 0;

	while (took < n) {
		struct sq_op *op = sq_op_new(lane, due_ns[took]);

		if (!op)
			break;
		took++;
		if (!open_one(l, op, &places[made]))
			continue;
		if (closed)
			sq_tcp_talk_begin(l, &l->conns[places[made]]);
		else
			made++;
	}
	for (unsigned i = 0; i < made; i++)
		sq_tcp_talk_begin(l, &l->conns[places[i]]);
	return took;
}

static void tcp_input(struct sq_lane *lane, uint32_t token, uint32_t events)
{
	struct sq_tcp_lane *l = lane->state;
	struct sq_tcp_conn *c = &l->conns[token];

	if (!c->op)
		return; /* an idle socket that is kept */
	if (sq_tcp_of(c->op)->over)
		sq_tcp_held_event(l, c, events);
	else
		sq_tcp_talk_event(l, c, events);
}

static void tcp_end(struct sq_lane *lane, struct sq_op *op, uint16_t code)
{
	struct sq_tcp_lane *l = lane->state;
	const struct sq_tcp_op *t = sq_tcp_of(op);
	struct sq_tcp_info info;

	if (code == SQ_CODE_TIMEOUT && t->sent && !t->heard &&
	    sq_tcp_info(l->conns[t->conn].stream.fd, &info) && info.unacked)
		code = SQ_TCP_CODE_GHOST;
	sq_tcp_fail(l, op, code);
}

static void tcp_drop(struct sq_lane *lane, struct sq_op *op)
{
	sq_tcp_conn_close(lane->state, op, false);
	sq_op_release(lane, op);
}

/* ---- tables ---- */

static const struct sq_code tcp_codes[] = {
	{ "ghost", SQ_CLASS_TIMEOUT,
	  "established for this client, but the server's kernel never acknowledged a byte: it "
	  "dropped the final ACK" },
	{ "mismatch", SQ_CLASS_GARBLED, "the server answered something else than `answer`" },
	{ 0 },
};

static const char *const tcp_phases[] = { "connect", "ack",    "greeting", "tls",
					  "request", "answer", "close",    NULL };
static const char *const tcp_efforts[] = { "syn_retrans", "lost_segs", NULL };
static const char *const tcp_counts[] = { "rounds",      "bytes_sent", "bytes_received",
					  "held_closed", "held_reset", "tls_full",
					  "tls_resumed", NULL };

const struct sq_driver sq_driver_tcp = {
	.kind = { .name = "tcp",
		  .summary = "TCP connections: connect, acknowledge, TLS, greeting, requests and "
			     "answers, held, bulk",
		  .opts = sq_tcp_opts,
		  .conf_size = sizeof(struct sq_tcp_conf) },
	.words = { .codes = tcp_codes,
		   .phases = tcp_phases,
		   .efforts = tcp_efforts,
		   .counts = tcp_counts },
	.lane_size = sizeof(struct sq_tcp_lane),
	.op_size = sizeof(struct sq_tcp_op),
	.prepare = tcp_prepare,
	.release = tcp_release,
	.cost = tcp_cost,
	.lane_init = tcp_lane_init,
	.lane_fini = tcp_lane_fini,
	.start = tcp_start,
	.input = tcp_input,
	.end = tcp_end,
	.drop = tcp_drop,
};
