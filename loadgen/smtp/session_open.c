/* How a session's connection is made: connect(2), the handshake of TLS, and another address when the first
 * cannot be reached.
 *
 * On a fast path a connection is there when connect(2) returns; it is looked for at once while that
 * is so. */
#include <string.h>

#include "base/clock.h"
#include "loadgen/engine/client.h"
#include "loadgen/engine/tcp_info.h"
#include "loadgen/smtp/hello.h"
#include "loadgen/smtp/pool.h"
#include "loadgen/smtp/session.h"

/* A SYN is sent again after 1 s at the soonest. */
#define SYN_AGAIN_NS (900 * SQ_MS)

enum { PATIENCE = 64 };

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

bool sq_smtp_session_make(struct sq_smtp_session *s, uint32_t events)
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
		if (!sq_smtp_session_is(s, serial))
			return false;
	}
	return true;
}

void sq_smtp_session_secure(struct sq_smtp_session *s)
{
	if (!sq_stream_secure(&s->stream, s->pool->tls))
		sq_smtp_session_die(s, s->stream.code);
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
		sq_smtp_session_wait(s, true);
		return;
	}
	on_connected(s);
	sq_smtp_session_make(s, 0);
	if (sq_smtp_session_is(s, serial))
		sq_smtp_session_wait(s, false);
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
	s->unsent = 0;
	s->reply = (struct sq_smtp_reply){ 0 };
	s->op = op;
	s->last_due_ns = op->due_ns;
	sq_smtp_of(op)->session = s;
	memcpy(&s->to, &to->addr, to->len);
	s->to_len = to->len;
	if (!sq_stream_open_to(&s->stream, p->lane, &p->kind, to, number, sq_smtp_pool_token(s))) {
		on_unreachable(s, s->stream.code);
		return;
	}
	op->sent_ns = s->since_ns = sq_lane_now(p->lane);
	look_at_once(s, to);
}
