/* The connection of a session: opened, written, read, closed, and what it cost.
 *
 * A session that failed is reset: a QUIT or a FIN would be said to a peer that is not there, and
 * Postal's endless loop began so.
 *
 * On a fast path a connection is there when connect(2) returns; it is looked for at once while that
 * is so.  A session that the server ended after QUIT leaves its socket to the next one.
 *
 * What a reader would get wrong: any call that sends or reads may end the session, and its slot may
 * be in use again when the call returns.  `serial` tells. */
#include "loadgen/smtp/session.h"

#include <sys/epoll.h>

#include <assert.h>
#include <string.h>

#include "base/clock.h"
#include "loadgen/engine/client.h"
#include "loadgen/engine/tcp_info.h"
#include "loadgen/smtp/hello.h"
#include "loadgen/smtp/pool.h"

/* A SYN is sent again after 1 s at the soonest, a data segment after 200 ms. */
#define SYN_AGAIN_NS  (900 * SQ_MS)
#define DATA_AGAIN_NS (150 * SQ_MS)

enum { PATIENCE = 64 };

/* ---- what it cost ---- */

/* A banner that never came: more ACKs than the one that ends a handshake say that the server's
 * kernel sent its SYN-ACK again, so it had dropped the first, and each one after it. */
static uint64_t dropped_acks(const struct sq_smtp_session *s, const struct sq_tcp_info *info)
{
	uint32_t handshake = 1 + sq_smtp_of(s->op)->syn_retrans;
	uint32_t acks = info->segs_out > handshake ? info->segs_out - handshake : 0;

	return acks > 1 ? acks : 0;
}

/* Each segment sent again stands for one that was lost; of one that is still unacknowledged at a
 * time-out the last was lost too. */
static uint64_t lost_segs(struct sq_smtp_session *s, const struct sq_tcp_info *info, uint16_t code)
{
	uint64_t lost = info->retransmitted > s->retrans ? info->retransmitted - s->retrans : 0;

	s->retrans = info->retransmitted;
	if (code != SQ_CODE_TIMEOUT)
		return lost;
	if (s->due == SQ_SMTP_BANNER)
		return dropped_acks(s, info);
	return lost + (info->unacked > 0);
}

/* Looked up for failures, and for what took longer than a segment takes to be sent again. */
static void add_efforts(struct sq_smtp_session *s, struct sq_tally_op *result)
{
	struct sq_op *op = s->op;
	uint16_t code = result->outcome.code;
	struct sq_tcp_info info;

	if ((code != SQ_CODE_OK || result->done_ns - op->sent_ns >= DATA_AGAIN_NS) &&
	    sq_tcp_info(s->stream.fd, &info)) {
		if (s->due == SQ_SMTP_CONNECT)
			sq_smtp_of(op)->syn_retrans += info.retransmitted;
		else
			result->effort[SQ_SMTP_LOST_SEGS] = lost_segs(s, &info, code);
	}
	result->effort[SQ_SMTP_SYN_RETRANS] = sq_smtp_of(op)->syn_retrans;
}

/* ---- the message in hand ---- */

static void add_detail(const struct sq_smtp_session *s, struct sq_tally_op *result)
{
	const struct sq_smtp_op *m = sq_smtp_of(s->op);
	uint16_t code = result->outcome.code;

	_Static_assert(sizeof(m->status) <= sizeof(result->detail), "a status is a detail");
	result->local_port = sq_client_port(s->stream.fd);
	if (sq_smtp_is_reply_code(code))
		memcpy(result->detail, code == m->refusal ? m->status : s->reply.status,
		       sizeof(m->status));
}

void sq_smtp_session_finish(struct sq_smtp_session *s, uint16_t code, uint8_t phase)
{
	struct sq_op *op = s->op;
	struct sq_tally_op result = { .outcome = { .code = code, .phase = phase },
				      .done_ns = sq_lane_clock(s->pool->lane) };

	if (code == SQ_CODE_OK)
		result.accepted = s->pool->conf->lmtp ? s->text_ok : s->rcpt_ok;
	if (s->stream.state != SQ_STREAM_CLOSED) {
		add_efforts(s, &result);
		if (code != SQ_CODE_OK)
			add_detail(s, &result);
	}
	s->op = NULL;
	sq_smtp_pool_done(s->pool, op, &result);
}

void sq_smtp_session_phase(struct sq_smtp_session *s, unsigned phase)
{
	int64_t now = sq_lane_now(s->pool->lane);

	if (s->op)
		sq_op_phase(s->pool->lane, s->op, phase, now - s->since_ns);
	s->since_ns = now;
}

uint8_t sq_smtp_session_phase_due(const struct sq_smtp_session *s)
{
	assert(s->due < SQ_SMTP_PHASES);
	return s->due;
}

/* ---- the end ---- */

/* What stands behind the message in hand was not answered at all: it is another session's now.
 * Unless a time-out ended this one and its own time is over too, or nearly: it waited for this server
 * like the first, and to begin it anew would end in a text that is accepted after we gave it up. */
static void give_back_ahead(struct sq_smtp_session *s, uint16_t code)
{
	const struct sq_lane *lane = s->pool->lane;
	struct sq_op *op = s->ahead;

	s->ahead = NULL;
	if (!op)
		return;
	if (code == SQ_CODE_TIMEOUT &&
	    sq_lane_now(lane) - op->due_ns >= lane->load->spec->timeout_ns / 8 * 7)
		sq_smtp_pool_fail(s->pool, op, code, SQ_SMTP_MAIL);
	else
		sq_smtp_pool_back(s->pool, op);
}

/* Its slot is free for another. */
static void let_go(struct sq_smtp_session *s)
{
	if (!s->stream.kept)
		s->generation++;
	s->out_n = 0;
	sq_smtp_pool_gone(s->pool, s);
}

void sq_smtp_session_close(struct sq_smtp_session *s)
{
	assert(!s->op && !s->ahead);
	sq_stream_close(&s->stream, &s->pool->kind);
	let_go(s);
}

void sq_smtp_session_die(struct sq_smtp_session *s, uint16_t code)
{
	if (s->op)
		sq_smtp_session_finish(s, code, sq_smtp_session_phase_due(s));
	give_back_ahead(s, code);
	sq_stream_reset(&s->stream);
	let_go(s);
}

/* No message is harmed by its end. */
static bool is_at_rest(const struct sq_smtp_session *s)
{
	return !s->op && (s->due == SQ_SMTP_DUE_NOTHING || s->due == SQ_SMTP_DUE_RSET);
}

static void on_fin(struct sq_smtp_session *s)
{
	if (s->op) {
		sq_smtp_session_finish(s, SQ_CODE_EOF, sq_smtp_session_phase_due(s));
		give_back_ahead(s, SQ_CODE_EOF);
	} else if (is_at_rest(s)) {
		sq_lane_count(s->pool->lane, SQ_SMTP_CLOSED_BY_SERVER, 1);
	}
	if (s->pool->keeps && s->pool->heard == s && !s->out_n) {
		sq_stream_close_kept(&s->stream);
		let_go(s);
	} else {
		sq_smtp_session_close(s);
	}
}

/* A reset where nothing was due is a server's way of closing, as FIN is. */
static void on_broken(struct sq_smtp_session *s, uint16_t code)
{
	if (is_at_rest(s))
		sq_lane_count(s->pool->lane, SQ_SMTP_CLOSED_BY_SERVER, 1);
	sq_smtp_session_die(s, code);
}

/* ---- out ---- */

static uint32_t token_of(const struct sq_smtp_session *s)
{
	return (uint32_t)s->generation << 16 | (uint32_t)(s - s->pool->sessions);
}

/* The rest is left to events. */
static void wait_for(struct sq_smtp_session *s, bool out)
{
	int rc = sq_stream_watch(&s->stream, s->pool->lane, token_of(s), out);

	if (rc < 0)
		sq_smtp_session_die(s, sq_code_errno(-rc));
}

/* So many more bytes are out. */
static void advance(struct sq_smtp_session *s, size_t n)
{
	sq_lane_count(s->pool->lane, SQ_SMTP_BYTES, n);
	while (s->out_at < s->out_n && n >= s->out[s->out_at].iov_len)
		n -= s->out[s->out_at++].iov_len;
	if (s->out_at == s->out_n)
		return;
	s->out[s->out_at].iov_base = (char *)s->out[s->out_at].iov_base + n;
	s->out[s->out_at].iov_len -= n;
}

static void flush(struct sq_smtp_session *s)
{
	while (s->out_at < s->out_n) {
		ssize_t n = sq_stream_writev(&s->stream, s->out + s->out_at, s->out_n - s->out_at);

		if (n < 0) {
			on_broken(s, s->stream.code);
			return;
		}
		if (n == 0) {
			wait_for(s, true);
			return;
		}
		advance(s, (size_t)n);
	}
	s->out_n = 0;
}

void sq_smtp_session_send(struct sq_smtp_session *s, unsigned n)
{
	s->out_at = 0;
	s->out_n = n;
	flush(s);
}

/* ---- in ---- */

static bool is_same(const struct sq_smtp_session *s, uint64_t serial)
{
	return s->stream.state != SQ_STREAM_CLOSED && s->serial == serial;
}

/* False when the session is gone. */
static bool take_bytes(struct sq_smtp_session *s, const char *data, size_t len)
{
	const char *end = data + len;
	uint64_t serial = s->serial;

	while (data < end && s->due != SQ_SMTP_DUE_FIN) {
		/* Said in the clear, to be heard as if it were not (CVE-2011-0411). */
		if (s->stream.state == SQ_STREAM_HANDSHAKE) {
			sq_smtp_session_die(s, SQ_SMTP_BAD_REPLY);
			return false;
		}
		switch (sq_smtp_reply_parse(&s->reply, &data, end)) {
		case SQ_SMTP_MORE:
			return true;
		case SQ_SMTP_GARBLED:
			sq_smtp_session_die(s, SQ_SMTP_BAD_REPLY);
			return false;
		case SQ_SMTP_REPLY:
			sq_smtp_dialog_reply(s);
			if (!is_same(s, serial))
				return false;
		}
	}
	return true;
}

static bool make(struct sq_smtp_session *s, uint32_t events);

/* Once; false when there is nothing more to be read now, or nobody to read it. */
static bool read_once(struct sq_smtp_session *s)
{
	struct sq_smtp_pool *p = s->pool;
	ssize_t n;

	if (s->stream.state == SQ_STREAM_HANDSHAKE && !make(s, 0))
		return false;
	n = sq_stream_read(&s->stream, p->bytes, sizeof(p->bytes));
	if (n == 0)
		return false;
	sq_lane_clock(p->lane);
	if (n < 0 && s->stream.code != SQ_CODE_EOF) {
		on_broken(s, s->stream.code);
		return false;
	}
	if (n < 0 || s->due == SQ_SMTP_DUE_FIN) { /* what is said after 221 is not heard */
		on_fin(s);
		return false;
	}
	if (!take_bytes(s, p->bytes, (size_t)n))
		return false;
	if ((size_t)n == sizeof(p->bytes) || s->stream.ssl || s->broken)
		return true;
	/* That was all that was here, but for the FIN. */
	if (s->fin)
		on_fin(s);
	return false;
}

static void read_all(struct sq_smtp_session *s)
{
	while (read_once(s))
		;
}

bool sq_smtp_session_stale(const struct sq_smtp_session *s)
{
	return sq_stream_is_stale(&s->stream);
}

/* ---- connecting ---- */

/* The way there failed: another address of the domain's may do. */
static void on_unreachable(struct sq_smtp_session *s, uint16_t code)
{
	struct sq_op *op = s->op;
	struct sq_tcp_info info;

	if (!sq_smtp_pool_try_next(s->pool, op, code)) {
		sq_smtp_session_die(s, code);
		return;
	}
	if (s->stream.state != SQ_STREAM_CLOSED && sq_tcp_info(s->stream.fd, &info))
		sq_smtp_of(op)->syn_retrans += info.retransmitted;
	s->op = NULL;
	sq_smtp_pool_back(s->pool, op);
	sq_smtp_session_close(s);
}

static void on_connected(struct sq_smtp_session *s)
{
	struct sq_lane *lane = s->pool->lane;
	struct sq_tcp_info info;

	sq_lane_count(lane, SQ_SMTP_CONNECTIONS, 1);
	if (sq_lane_clock(lane) - s->since_ns >= SYN_AGAIN_NS && sq_tcp_info(s->stream.fd, &info)) {
		s->retrans = info.retransmitted;
		sq_smtp_of(s->op)->syn_retrans += info.retransmitted;
	}
	sq_smtp_session_phase(s, SQ_SMTP_CONNECT);
	s->due = s->stream.ssl ? SQ_SMTP_TLS : SQ_SMTP_BANNER;
}

static void on_secured(struct sq_smtp_session *s)
{
	bool resumed = sq_tls_is_resumed(s->stream.ssl);

	sq_lane_clock(s->pool->lane);
	sq_lane_count(s->pool->lane, resumed ? SQ_SMTP_TLS_RESUMED : SQ_SMTP_TLS_FULL, 1);
	sq_smtp_session_phase(s, SQ_SMTP_TLS);
	sq_smtp_hello_secured(s);
}

/* Carries the making of the connection on; true when it is made. */
static bool make(struct sq_smtp_session *s, uint32_t events)
{
	uint64_t serial = s->serial;

	while (s->stream.state != SQ_STREAM_OPEN) {
		uint8_t before = s->stream.state;

		if (!sq_stream_step(&s->stream, events)) {
			sq_lane_clock(s->pool->lane);
			if (before == SQ_STREAM_CONNECTING)
				on_unreachable(s, s->stream.code);
			else
				sq_smtp_session_die(s, s->stream.code);
			return false;
		}
		if (s->stream.state == before)
			return false;
		if (before == SQ_STREAM_CONNECTING)
			on_connected(s);
		else
			on_secured(s);
		if (!is_same(s, serial))
			return false;
	}
	return true;
}

void sq_smtp_session_secure(struct sq_smtp_session *s)
{
	if (!sq_stream_secure(&s->stream, s->pool->tls))
		sq_smtp_session_die(s, s->stream.code);
}

void sq_smtp_session_input(struct sq_smtp_session *s, uint32_t events)
{
	uint64_t serial = s->serial;

	s->fin = s->fin || events & (EPOLLRDHUP | EPOLLHUP | EPOLLERR);
	s->broken = s->broken || events & (EPOLLHUP | EPOLLERR);
	if (s->stream.state != SQ_STREAM_OPEN && !make(s, events))
		return;
	if (s->out_n && (events & EPOLLOUT || s->stream.ssl)) {
		flush(s);
		if (!is_same(s, serial))
			return;
	}
	if (events & (EPOLLIN | EPOLLRDHUP | EPOLLHUP | EPOLLERR) || s->stream.ssl)
		read_all(s);
}

/* Whether what happens at once on a fast path is worth looking for. */
static bool is_eager(struct sq_smtp_pool *p)
{
	if (p->patience == 0)
		return true;
	p->patience--;
	return false;
}

/* It has connected already, or an event will tell. */
static void look_at_once(struct sq_smtp_session *s, const struct sq_target *to)
{
	struct sq_smtp_pool *p = s->pool;
	uint64_t serial = s->serial;
	int rc = is_eager(p) ? sq_stream_probe(&s->stream, to) : 0;

	if (rc < 0) {
		on_unreachable(s, s->stream.code);
		return;
	}
	if (rc == 0) {
		p->patience = p->patience ? p->patience : PATIENCE;
		wait_for(s, true);
		return;
	}
	on_connected(s);
	make(s, 0);
	if (is_same(s, serial))
		wait_for(s, false);
}

void sq_smtp_session_open(struct sq_smtp_session *s, struct sq_op *op, const struct sq_target *to)
{
	struct sq_smtp_pool *p = s->pool;
	uint64_t number = sq_client_number(p->lane->load, p->lane->index, p->opened++);

	s->serial = p->opened;
	s->due = SQ_SMTP_CONNECT;
	s->pipelining = s->plain = s->fin = s->broken = s->quit_sent = s->doomed = s->in_mail =
		false;
	s->starttls = sq_smtp_pool_starttls(p, number);
	s->messages = 1;
	s->most = sq_smtp_pool_messages(p);
	s->extensions = s->said = 0;
	s->retrans = 0;
	s->reply = (struct sq_smtp_reply){ 0 };
	s->op = op;
	s->last_due_ns = op->due_ns;
	sq_smtp_of(op)->session = s;
	memcpy(&s->to, &to->addr, to->len);
	s->to_len = to->len;
	if (!sq_stream_open_to(&s->stream, p->lane, &p->kind, to, number, token_of(s))) {
		on_unreachable(s, s->stream.code);
		return;
	}
	op->sent_ns = s->since_ns = sq_lane_now(p->lane);
	look_at_once(s, to);
}
