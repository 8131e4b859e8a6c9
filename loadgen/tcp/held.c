/* A connection that has its outcome and stays open: what comes is read, slowly read or left, and bulk
 * traffic goes out.  When the server ends it, it is let go, and counted: a load that keeps so many
 * open then connects again.
 *
 * What a reader would get wrong: the event that brought the outcome may have told of more, the
 * server's first words or its FIN, which came while the lane was late.  It is told of that again. */
#include <sys/epoll.h>

#include "loadgen/tcp/conn.h"

enum { READS_A_TURN = 16, WRITES_A_TURN = 16 };

static void lose(struct sq_tcp_lane *l, struct sq_tcp_conn *c, uint16_t code)
{
	struct sq_op *op = c->op;
	bool closed = code == SQ_CODE_EOF;

	sq_lane_count(l->lane, closed ? SQ_TCP_COUNT_HELD_CLOSED : SQ_TCP_COUNT_HELD_RESET, 1);
	sq_tcp_conn_close(l, op, !closed);
	sq_op_release(l->lane, op);
}

/* False when the connection is at its end. */
static bool read_some(struct sq_tcp_lane *l, struct sq_tcp_conn *c, size_t size)
{
	ssize_t n = sq_stream_read(&c->stream, l->bytes, size);

	if (n < 0) {
		lose(l, c, c->stream.code);
		return false;
	}
	sq_lane_count(l->lane, SQ_TCP_COUNT_BYTES_RECEIVED, (uint64_t)n);
	return n > 0;
}

/* What is not done in this turn is for another event, which watching it anew brings. */
static void pump(struct sq_tcp_lane *l, struct sq_tcp_conn *c)
{
	ssize_t n = 1;

	for (int i = 0; i < WRITES_A_TURN && n > 0; i++) {
		n = sq_stream_write(&c->stream, l->conf->payload, l->conf->payload_len);
		if (n > 0)
			sq_lane_count(l->lane, SQ_TCP_COUNT_BYTES_SENT, (uint64_t)n);
	}
	if (n < 0)
		lose(l, c, c->stream.code);
	else if (sq_tcp_conn_watch(l, c, true) == 0 && n > 0)
		sq_tcp_conn_again(l, c);
}

void sq_tcp_held_begin(struct sq_tcp_lane *l, struct sq_tcp_conn *c)
{
	int rc = c->stream.watched ? sq_tcp_conn_again(l, c) : sq_tcp_conn_watch(l, c, false);

	if (l->conf->read == SQ_TCP_READ_SLOW)
		sq_tcp_slow_begin(l, c);
	if (rc < 0) {
		lose(l, c, sq_code_errno(-rc));
	} else if (l->conf->bulk) {
		sq_stream_stamps_end(&c->stream, &l->kind);
		pump(l, c);
	}
}

static void read_all(struct sq_tcp_lane *l, struct sq_tcp_conn *c)
{
	for (int i = 0; i < READS_A_TURN; i++)
		if (!read_some(l, c, SQ_TCP_BYTES))
			return;
	sq_tcp_conn_again(l, c);
}

void sq_tcp_held_event(struct sq_tcp_lane *l, struct sq_tcp_conn *c, uint32_t events)
{
	const struct sq_op *op = c->op;
	uint16_t code = events & (EPOLLERR | EPOLLHUP) ? sq_stream_error(&c->stream) : 0;

	if (code)
		lose(l, c, code);
	else if (l->conf->read == SQ_TCP_READ_FAST && events & (EPOLLIN | EPOLLRDHUP))
		read_all(l, c);
	else if (l->conf->read == SQ_TCP_READ_NEVER && events & EPOLLRDHUP)
		lose(l, c, SQ_CODE_EOF);
	if (c->op == op && l->conf->bulk && events & EPOLLOUT)
		pump(l, c);
}

void sq_tcp_held_beat(struct sq_tcp_lane *l, struct sq_tcp_conn *c)
{
	if (l->conf->read == SQ_TCP_READ_SLOW)
		read_some(l, c, (size_t)l->conf->read_piece);
}
