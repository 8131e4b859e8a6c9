/* The connection of a session: written, read, closed.
 *
 * A session that failed is reset: a QUIT or a FIN would be said to a peer that is not there, and
 * Postal's endless loop began so.
 *
 * A session that the server ended after QUIT leaves its socket to the next one.
 *
 * What a reader would get wrong: a write that fails ends nothing.  A server that refuses a text in its
 * middle and closes has its reply in our receive queue when the RST meets the write, and that reply is
 * the outcome; so all that is here is read first.
 *
 * And any call that sends or reads may end the session, and its slot may be in use again when the call
 * returns.  `serial` tells. */
#include "loadgen/smtp/session.h"

#include <sys/epoll.h>

#include <assert.h>
#include <string.h>

#include "base/clock.h"
#include "loadgen/engine/client.h"
#include "loadgen/smtp/pool.h"

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
		sq_smtp_session_efforts(s, &result);
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

/* The rest is left to events. */
void sq_smtp_session_wait(struct sq_smtp_session *s, bool out)
{
	int rc = sq_stream_watch(&s->stream, s->pool->lane, sq_smtp_pool_token(s), out);

	if (rc < 0)
		sq_smtp_session_die(s, sq_code_errno(-rc));
}

/* At an event that comes though none would. */
static void read_soon(struct sq_smtp_session *s)
{
	uint32_t token = sq_smtp_pool_token(s);
	int rc = sq_stream_watch(&s->stream, s->pool->lane, token, false);

	if (rc == 0)
		rc = sq_stream_again(&s->stream, s->pool->lane, token);
	if (rc < 0)
		sq_smtp_session_die(s, s->unsent);
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

/* All that can go out now; what fails is known by `unsent`. */
static void flush(struct sq_smtp_session *s)
{
	while (s->out_at < s->out_n) {
		ssize_t n = sq_stream_writev(&s->stream, s->out + s->out_at, s->out_n - s->out_at);

		if (n < 0) {
			s->unsent = s->stream.code;
			s->broken = true;
			return;
		}
		if (n == 0) {
			sq_smtp_session_wait(s, true);
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
	if (s->unsent) /* who sends may be reading, here or in another session of the lane */
		read_soon(s);
}

/* ---- in ---- */

bool sq_smtp_session_is(const struct sq_smtp_session *s, uint64_t serial)
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
			if (!sq_smtp_session_is(s, serial))
				return false;
		}
	}
	return true;
}

/* Once; false when there is nothing more to be read now, or nobody to read it. */
static bool read_once(struct sq_smtp_session *s)
{
	struct sq_smtp_pool *p = s->pool;
	ssize_t n;

	if (s->stream.state == SQ_STREAM_HANDSHAKE && !sq_smtp_session_make(s, 0))
		return false;
	n = sq_stream_read(&s->stream, p->bytes, sizeof(p->bytes));
	if (n == 0)
		return false;
	sq_lane_clock(p->lane);
	if (n < 0 && (s->unsent || s->stream.code != SQ_CODE_EOF)) {
		on_broken(s, s->unsent ? s->unsent : s->stream.code);
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

void sq_smtp_session_input(struct sq_smtp_session *s, uint32_t events)
{
	uint64_t serial = s->serial;

	s->fin = s->fin || events & (EPOLLRDHUP | EPOLLHUP | EPOLLERR);
	s->broken = s->broken || events & (EPOLLHUP | EPOLLERR);
	if (s->stream.state != SQ_STREAM_OPEN && !sq_smtp_session_make(s, events))
		return;
	if (s->out_n && !s->unsent && (events & EPOLLOUT || s->stream.ssl)) {
		flush(s);
		if (!sq_smtp_session_is(s, serial))
			return;
	}
	if (events & (EPOLLIN | EPOLLRDHUP | EPOLLHUP | EPOLLERR) || s->stream.ssl || s->unsent)
		read_all(s);
	if (s->unsent && sq_smtp_session_is(s, serial))
		on_broken(s, s->unsent);
}
