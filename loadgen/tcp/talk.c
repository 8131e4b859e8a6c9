/* A connection from connect(2) to its outcome: made, secured, acknowledged, greeted, then requests and
 * answers in turn, then the server's close.
 *
 * A connection is "established" for its client as soon as the SYN is answered, but a Linux server
 * whose accept queue is full drops the final ACK of the handshake, and everything after it: the
 * client then holds a connection that nobody else knows (a ghost).  So by default success is more
 * than connect(2): one byte is sent, and the connection counts when the server's kernel has
 * acknowledged it.  The kernel tells of that ACK itself, by a transmit time stamp in the socket's
 * error queue (SOF_TIMESTAMPING_TX_ACK), so nothing is polled.
 *
 * On a fast path all of this has happened when connect(2) and send(2) return.  It is looked for at
 * once, while that is so: a connection then needs no event, nor to be watched.
 *
 * What a reader would get wrong: EPOLLERR does not mean failure here; the error queue raises it
 * too. */
#include <sys/epoll.h>

#include <errno.h>
#include <string.h>

#include "base/clock.h"
#include "loadgen/engine/client.h"
#include "loadgen/engine/tcp_info.h"
#include "loadgen/tcp/conn.h"

/* A SYN is sent again after 1 s at the soonest. */
#define SYN_AGAIN_NS (900 * SQ_MS)

enum { READS_A_TURN = 16, PATIENCE = 64 };

static void enter(struct sq_tcp_lane *l, struct sq_tcp_op *t, enum sq_tcp_phase phase)
{
	t->phase = (uint8_t)phase;
	t->since_ns = sq_lane_now(l->lane);
}

/* How long the phase took, from what it began with. */
static void phase_over(struct sq_tcp_lane *l, struct sq_op *op)
{
	const struct sq_tcp_op *t = sq_tcp_of(op);

	sq_op_phase(l->lane, op, t->phase, sq_lane_now(l->lane) - t->since_ns);
}

/* The rest is left to events.  False when the connection is gone. */
static bool wait_for(struct sq_tcp_lane *l, struct sq_tcp_conn *c, bool out)
{
	int rc = sq_tcp_conn_watch(l, c, out);

	if (rc < 0)
		sq_tcp_fail(l, c->op, sq_code_errno(-rc));
	return rc == 0;
}

/* Whether what happens at once on a fast path is worth looking for. */
static bool is_eager(struct sq_tcp_lane *l)
{
	if (l->patience == 0)
		return true;
	l->patience--;
	return false;
}

/* ---- requests and answers: each is false when the connection is no more to be read ---- */

static bool next_round(struct sq_tcp_lane *l, struct sq_tcp_conn *c);
static bool take(struct sq_tcp_lane *l, struct sq_tcp_conn *c, size_t n);

/* When the answer is all there, and so is the request at the server. */
static bool round_over(struct sq_tcp_lane *l, struct sq_tcp_conn *c)
{
	struct sq_tcp_op *t = sq_tcp_of(c->op);

	if (t->phase != SQ_TCP_PHASE_ANSWER || (int64_t)t->had_n < l->conf->answer_size)
		return true;
	t->rounds++;
	sq_lane_count(l->lane, SQ_TCP_COUNT_ROUNDS, 1);
	phase_over(l, c->op);
	return next_round(l, c);
}

/* A server that answers before it has heard all, and is gone, has said why: that is read first. */
static void refused(struct sq_tcp_lane *l, struct sq_tcp_conn *c)
{
	uint16_t code = c->stream.code;
	ssize_t n;

	while ((n = sq_stream_read(&c->stream, l->bytes, SQ_TCP_BYTES)) > 0)
		if (!take(l, c, (size_t)n))
			return;
	sq_tcp_fail(l, c->op, code);
}

static bool push(struct sq_tcp_lane *l, struct sq_tcp_conn *c, size_t most)
{
	struct sq_tcp_op *t = sq_tcp_of(c->op);
	size_t left = l->conf->payload_len - t->sent_n;
	ssize_t n = sq_stream_write(&c->stream, l->conf->payload + t->sent_n,
				    left < most ? left : most);

	if (n < 0) {
		refused(l, c);
		return false;
	}
	sq_lane_count(l->lane, SQ_TCP_COUNT_BYTES_SENT, (uint64_t)n);
	t->sent |= n > 0;
	t->sent_n += (uint32_t)n;
	if (t->sent_n < l->conf->payload_len)
		return true;
	sq_lane_clock(l->lane);
	phase_over(l, c->op);
	enter(l, t, SQ_TCP_PHASE_ANSWER);
	return round_over(l, c);
}

static bool push_all(struct sq_tcp_lane *l, struct sq_tcp_conn *c)
{
	const struct sq_tcp_op *t = sq_tcp_of(c->op);
	uint32_t before;

	do {
		before = t->sent_n;
		if (!push(l, c, SIZE_MAX))
			return false;
	} while (t->phase == SQ_TCP_PHASE_REQUEST && t->sent_n > before);
	return t->phase != SQ_TCP_PHASE_REQUEST || wait_for(l, c, true);
}

static bool all_said(struct sq_tcp_lane *l, struct sq_tcp_conn *c)
{
	if (l->conf->until == SQ_TCP_UNTIL_ANSWER) {
		sq_tcp_succeed(l, c->op);
		return false;
	}
	enter(l, sq_tcp_of(c->op), SQ_TCP_PHASE_CLOSE);
	if (l->conf->close == SQ_TCP_CLOSE_HALF)
		sq_stream_shut(&c->stream);
	return true;
}

static bool next_round(struct sq_tcp_lane *l, struct sq_tcp_conn *c)
{
	struct sq_tcp_op *t = sq_tcp_of(c->op);
	bool whole = l->conf->send_piece == SQ_OPT_UNSET;

	if (l->conf->read == SQ_TCP_READ_SLOW || !whole)
		sq_tcp_slow_begin(l, c);
	if (t->rounds == l->conf->rounds)
		return all_said(l, c);
	enter(l, t, SQ_TCP_PHASE_REQUEST);
	t->sent_n = t->had_n = 0;
	if (whole)
		return push_all(l, c);
	return push(l, c, (size_t)l->conf->send_piece);
}

static bool take_answer(struct sq_tcp_lane *l, struct sq_tcp_conn *c, size_t n)
{
	const struct sq_tcp_conf *conf = l->conf;
	struct sq_tcp_op *t = sq_tcp_of(c->op);
	size_t told = t->had_n < conf->answer_len ? conf->answer_len - t->had_n : 0;

	if (told && memcmp(l->bytes, conf->answer + t->had_n, n < told ? n : told) != 0) {
		sq_tcp_fail(l, c->op, SQ_TCP_CODE_MISMATCH);
		return false;
	}
	t->had_n += (uint32_t)n;
	return round_over(l, c);
}

static bool take_greeting(struct sq_tcp_lane *l, struct sq_tcp_conn *c)
{
	phase_over(l, c->op);
	if (sq_tcp_talks(l->conf))
		return next_round(l, c);
	sq_tcp_succeed(l, c->op);
	return false;
}

/* n bytes came, in l->bytes. */
static bool take(struct sq_tcp_lane *l, struct sq_tcp_conn *c, size_t n)
{
	sq_lane_clock(l->lane);
	sq_tcp_heard(l, c->op);
	sq_lane_count(l->lane, SQ_TCP_COUNT_BYTES_RECEIVED, n);
	switch (sq_tcp_of(c->op)->phase) {
	case SQ_TCP_PHASE_GREETING:
		return take_greeting(l, c);
	case SQ_TCP_PHASE_REQUEST:
	case SQ_TCP_PHASE_ANSWER:
		return take_answer(l, c, n);
	default:
		return true; /* after the last answer */
	}
}

/* The end was read, or an error. */
static void take_end(struct sq_tcp_lane *l, struct sq_tcp_conn *c)
{
	const struct sq_tcp_op *t = sq_tcp_of(c->op);

	if (t->phase == SQ_TCP_PHASE_CLOSE && c->stream.code == SQ_CODE_EOF) {
		sq_lane_clock(l->lane);
		sq_tcp_heard(l, c->op);
		phase_over(l, c->op);
		sq_tcp_succeed(l, c->op);
	} else {
		sq_tcp_fail(l, c->op, c->stream.code);
	}
}

/* Once.  False when there is nothing more to read now. */
static bool read_once(struct sq_tcp_lane *l, struct sq_tcp_conn *c, size_t size, uint32_t events)
{
	ssize_t n = sq_stream_read(&c->stream, l->bytes, size);

	if (n < 0)
		take_end(l, c);
	if (n <= 0 || !take(l, c, (size_t)n))
		return false;
	if ((size_t)n == size || c->stream.ssl)
		return true;
	/* All that was there; what comes makes another event.  A FIN without an error was behind it. */
	if (!(events & EPOLLRDHUP) || events & (EPOLLERR | EPOLLHUP))
		return events & (EPOLLERR | EPOLLHUP | EPOLLRDHUP);
	c->stream.code = SQ_CODE_EOF;
	take_end(l, c);
	return false;
}

/* From the first request on.  A connection that was reset has nothing left to be slow for: what came
 * before is read, and then why. */
static bool is_slow(const struct sq_tcp_lane *l, const struct sq_tcp_conn *c, uint32_t events)
{
	return l->conf->read == SQ_TCP_READ_SLOW && c->slow && !(events & EPOLLERR);
}

static void read_piece(struct sq_tcp_lane *l, struct sq_tcp_conn *c)
{
	read_once(l, c, (size_t)l->conf->read_piece, sq_tcp_of(c->op)->ended ? EPOLLRDHUP : 0);
}

/* What came waits for its beat, but for an end with little or nothing before it. */
static void note_end(struct sq_tcp_lane *l, struct sq_tcp_conn *c, uint32_t events)
{
	struct sq_tcp_op *t = sq_tcp_of(c->op);

	if (!(events & EPOLLRDHUP) || t->ended)
		return;
	t->ended = true;
	if (t->phase == SQ_TCP_PHASE_CLOSE)
		read_piece(l, c);
}

static void read_all(struct sq_tcp_lane *l, struct sq_tcp_conn *c, uint32_t events)
{
	if (is_slow(l, c, events)) {
		note_end(l, c, events);
		return;
	}
	for (int i = 0; i < READS_A_TURN; i++)
		if (!read_once(l, c, SQ_TCP_BYTES, events))
			return;
	sq_tcp_conn_again(l, c);
}

/* ---- the byte whose acknowledgement is awaited ---- */

static bool send_byte(struct sq_tcp_lane *l, struct sq_tcp_conn *c)
{
	if (sq_stream_write(&c->stream, "\n", 1) < 0) {
		sq_tcp_fail(l, c->op, c->stream.code);
		return false;
	}
	sq_tcp_of(c->op)->sent = true;
	sq_tcp_of(c->op)->stamp_due = l->kind.ack_stamps;
	return true;
}

static void on_acked(struct sq_tcp_lane *l, struct sq_tcp_conn *c)
{
	sq_lane_clock(l->lane);
	sq_tcp_heard(l, c->op);
	phase_over(l, c->op);
	sq_tcp_succeed(l, c->op);
}

static bool ack_came(const struct sq_tcp_conn *c)
{
	struct sq_tcp_op *t = sq_tcp_of(c->op);

	t->stamp_due = !sq_stream_take_stamp(&c->stream);
	return !t->stamp_due;
}

/* A server that has spoken or closed knows the connection: its kernel cannot have dropped the end
 * of the handshake, whether or not the byte was acknowledged yet. */
static bool server_spoke(uint32_t events)
{
	return events & (EPOLLIN | EPOLLRDHUP) && !(events & EPOLLERR);
}

static void on_ack(struct sq_tcp_lane *l, struct sq_tcp_conn *c, uint32_t events)
{
	uint16_t code;

	if (server_spoke(events) || (events & EPOLLERR && ack_came(c))) {
		on_acked(l, c);
	} else if (events & EPOLLERR) {
		/* EPIPE is a reset after a FIN: the server had accepted, and closed before our byte
		 * came. */
		code = sq_stream_error(&c->stream);
		if (code == sq_code_errno(EPIPE))
			on_acked(l, c);
		else if (code)
			sq_tcp_fail(l, c->op, code);
	}
}

/* ---- from phase to phase ---- */

static void begin_ack(struct sq_tcp_lane *l, struct sq_tcp_conn *c, uint32_t events)
{
	enter(l, sq_tcp_of(c->op), SQ_TCP_PHASE_ACK);
	if (server_spoke(events)) {
		on_acked(l, c);
		return;
	}
	if (!send_byte(l, c))
		return;
	if (events == 0 && ack_came(c)) {
		on_acked(l, c);
		return;
	}
	l->patience = events == 0 ? PATIENCE : l->patience;
	wait_for(l, c, false);
}

static void begin_greeting(struct sq_tcp_lane *l, struct sq_tcp_conn *c, uint32_t events)
{
	enter(l, sq_tcp_of(c->op), SQ_TCP_PHASE_GREETING);
	/* A server that waits for our first request gets nothing before it. */
	if (!sq_tcp_talks(l->conf) && !send_byte(l, c))
		return;
	if (events)
		read_all(l, c, events);
	else
		wait_for(l, c, false);
}

static void begin_rounds(struct sq_tcp_lane *l, struct sq_tcp_conn *c, uint32_t events)
{
	if (!next_round(l, c))
		return;
	if (events & (EPOLLIN | EPOLLRDHUP | EPOLLERR))
		read_all(l, c, events);
	else
		wait_for(l, c, false);
}

/* events: 0 when it was found out without any. */
static void on_open(struct sq_tcp_lane *l, struct sq_tcp_conn *c, uint32_t events)
{
	const struct sq_tcp_conf *conf = l->conf;

	/* With TLS the server has answered already. */
	if (conf->until == SQ_TCP_UNTIL_CONNECTED ||
	    (conf->until == SQ_TCP_UNTIL_ACKED && conf->use_tls))
		sq_tcp_succeed(l, c->op);
	else if (conf->until == SQ_TCP_UNTIL_ACKED)
		begin_ack(l, c, events);
	else if (conf->until == SQ_TCP_UNTIL_GREETING || conf->greeted)
		begin_greeting(l, c, events);
	else
		begin_rounds(l, c, events);
}

static void on_connected(struct sq_tcp_lane *l, struct sq_tcp_conn *c)
{
	struct sq_tcp_op *t = sq_tcp_of(c->op);
	struct sq_tcp_info info;

	t->connected_ns = sq_lane_clock(l->lane);
	if (t->connected_ns - c->op->sent_ns >= SYN_AGAIN_NS && sq_tcp_info(c->stream.fd, &info))
		t->syn_retrans = info.retransmitted;
	sq_op_phase(l->lane, c->op, SQ_TCP_PHASE_CONNECT, t->connected_ns - c->op->sent_ns);
	if (l->conf->use_tls) {
		enter(l, t, SQ_TCP_PHASE_TLS);
		t->sent = true;
	}
}

static void on_secured(struct sq_tcp_lane *l, struct sq_tcp_conn *c)
{
	bool resumed = sq_tls_is_resumed(c->stream.ssl);

	sq_lane_clock(l->lane);
	sq_tcp_heard(l, c->op);
	phase_over(l, c->op);
	sq_lane_count(l->lane, resumed ? SQ_TCP_COUNT_TLS_RESUMED : SQ_TCP_COUNT_TLS_FULL, 1);
}

/* ---- events ---- */

/* Carries the making on; true when it is made. */
static bool make(struct sq_tcp_lane *l, struct sq_tcp_conn *c, uint32_t events)
{
	struct sq_stream *s = &c->stream;

	while (s->state != SQ_STREAM_OPEN) {
		uint8_t before = s->state;

		if (!sq_stream_step(s, events)) {
			sq_tcp_fail(l, c->op, s->code);
			return false;
		}
		if (s->state == before) {
			wait_for(l, c, before == SQ_STREAM_CONNECTING);
			return false;
		}
		if (before == SQ_STREAM_CONNECTING)
			on_connected(l, c);
		else
			on_secured(l, c);
	}
	return true;
}

void sq_tcp_talk_begin(struct sq_tcp_lane *l, struct sq_tcp_conn *c)
{
	const struct sq_lane *lane = l->lane;
	uint64_t number = sq_client_number(lane->load, lane->index, c->op->seq);
	int rc = is_eager(l) ? sq_stream_probe(&c->stream, sq_load_target(lane->load, number)) : 0;

	if (rc < 0) {
		sq_tcp_fail(l, c->op, c->stream.code);
	} else if (rc == 0) {
		l->patience = l->patience ? l->patience : PATIENCE;
		wait_for(l, c, true);
	} else {
		on_connected(l, c);
		if (make(l, c, 0))
			on_open(l, c, 0);
	}
}

void sq_tcp_talk_event(struct sq_tcp_lane *l, struct sq_tcp_conn *c, uint32_t events)
{
	const struct sq_tcp_op *t = sq_tcp_of(c->op);

	if (c->stream.state != SQ_STREAM_OPEN) {
		if (make(l, c, events))
			on_open(l, c, events);
		return;
	}
	if (t->phase == SQ_TCP_PHASE_ACK) {
		on_ack(l, c, events);
		return;
	}
	if (t->phase == SQ_TCP_PHASE_REQUEST && l->conf->send_piece == SQ_OPT_UNSET &&
	    events & EPOLLOUT && !push_all(l, c))
		return;
	if (events & (EPOLLIN | EPOLLRDHUP | EPOLLERR | EPOLLHUP) || c->stream.ssl)
		read_all(l, c, events);
}

void sq_tcp_talk_beat(struct sq_tcp_lane *l, struct sq_tcp_conn *c)
{
	if (sq_tcp_of(c->op)->phase == SQ_TCP_PHASE_REQUEST &&
	    l->conf->send_piece != SQ_OPT_UNSET && !push(l, c, (size_t)l->conf->send_piece))
		return;
	if (l->conf->read == SQ_TCP_READ_SLOW)
		read_piece(l, c);
}
