#include "loadgen/tcp/conn.h"

#include <errno.h>
#include <stdlib.h>

#include "base/mem.h"
#include "loadgen/engine/client.h"

/* A socket is kept only where nobody can tell it from another one: a bound port would stay, of a list
 * of sources each operation must have its own, one that closes first must see its FIN through, bulk has
 * ended its time stamps, and of a paced one the clock is ahead of what it sent: the next SYN-ACK would
 * be dropped as old (PAWS). */
static bool may_keep(const struct sq_lane *lane, const struct sq_tcp_conf *conf)
{
	return (conf->close == SQ_TCP_CLOSE_RST || conf->until == SQ_TCP_UNTIL_CLOSED) &&
	       conf->n_ports == 0 && lane->load->sources.count <= 1 && !conf->bulk &&
	       conf->rate == SQ_OPT_UNSET;
}

int sq_tcp_lane_open(struct sq_tcp_lane *l, struct sq_lane *lane, struct sq_err *err)
{
	const struct sq_tcp_conf *conf = lane->conf;

	*l = (struct sq_tcp_lane){
		.lane = lane,
		.conf = conf,
		.kind = { .fin = conf->close != SQ_TCP_CLOSE_RST,
			  .ack_stamps = conf->until == SQ_TCP_UNTIL_ACKED && !conf->use_tls,
			  .unwatched = true,
			  .first_port = conf->first_port,
			  .n_ports = conf->n_ports },
		.idle = SQ_TCP_NO_CONN,
		.slow_first = SQ_TCP_NO_CONN,
		.slow_last = SQ_TCP_NO_CONN,
		.keeps = may_keep(lane, conf),
	};
	if (conf->receive_buffer != SQ_OPT_UNSET)
		l->kind.receive_buffer = conf->receive_buffer;
	if (conf->rate != SQ_OPT_UNSET)
		l->kind.rate = conf->rate / 8;
	if (conf->use_tls) {
		l->kind.tls = sq_tls_new(&conf->tls, NULL, err);
		if (!l->kind.tls)
			return err->code;
	}
	l->bytes = sq_alloc(SQ_TCP_BYTES);
	return 0;
}

void sq_tcp_lane_close(struct sq_tcp_lane *l)
{
	for (size_t i = 0; i < l->n; i++)
		sq_stream_reset(&l->conns[i].stream);
	free(l->conns);
	free(l->bytes);
	sq_tls_free(l->kind.tls);
}

static struct sq_tcp_conn *take_idle(struct sq_tcp_lane *l)
{
	struct sq_tcp_conn *c;

	if (l->idle == SQ_TCP_NO_CONN) {
		l->conns = sq_grow(l->conns, l->n, &l->cap, sizeof(*l->conns));
		l->conns[l->n] = (struct sq_tcp_conn){ .stream.fd = -1, .next = SQ_TCP_NO_CONN };
		l->idle = (uint32_t)l->n++;
	}
	c = &l->conns[l->idle];
	l->idle = c->next;
	return c;
}

static void give_back(struct sq_tcp_lane *l, struct sq_tcp_conn *c)
{
	c->op = NULL;
	c->next = l->idle;
	l->idle = (uint32_t)(c - l->conns);
}

struct sq_tcp_conn *sq_tcp_conn_open(struct sq_tcp_lane *l, struct sq_op *op, uint16_t *ret_code)
{
	uint64_t number = sq_client_number(l->lane->load, l->lane->index, op->seq);
	struct sq_tcp_conn *c = take_idle(l);
	uint32_t place = (uint32_t)(c - l->conns);

	sq_tcp_of(op)->conn = SQ_TCP_NO_CONN;
	if (!sq_stream_open(&c->stream, l->lane, &l->kind, number, place)) {
		*ret_code = c->stream.code;
		give_back(l, c);
		return NULL;
	}
	c->op = op;
	sq_tcp_of(op)->conn = place;
	op->sent_ns = sq_lane_now(l->lane);
	return c;
}

int sq_tcp_conn_watch(struct sq_tcp_lane *l, struct sq_tcp_conn *c, bool out)
{
	return sq_stream_watch(&c->stream, l->lane, (uint32_t)(c - l->conns), out);
}

int sq_tcp_conn_again(struct sq_tcp_lane *l, struct sq_tcp_conn *c)
{
	return sq_stream_again(&c->stream, l->lane, (uint32_t)(c - l->conns));
}

/* An ACK's time stamp outlives its connection in the socket: the next one would take it for its own. */
static void keep(struct sq_tcp_conn *c, bool stamp_due)
{
	if (sq_stream_reset_kept(&c->stream) && stamp_due)
		sq_stream_take_stamp(&c->stream);
}

void sq_tcp_conn_close(struct sq_tcp_lane *l, struct sq_op *op, bool failed)
{
	struct sq_tcp_op *t = sq_tcp_of(op);
	struct sq_tcp_conn *c;

	if (t->conn == SQ_TCP_NO_CONN)
		return;
	c = &l->conns[t->conn];
	sq_tcp_slow_end(l, c);
	if (failed)
		sq_stream_reset(&c->stream);
	else if (l->keeps && l->kind.fin)
		sq_stream_close_kept(&c->stream);
	else if (l->keeps)
		keep(c, t->stamp_due);
	else
		sq_stream_close(&c->stream, &l->kind);
	give_back(l, c);
	t->conn = SQ_TCP_NO_CONN;
}
