/* The socket of a session: opened, written, read, closed, and what it cost.
 *
 * Sockets are watched edge-triggered and registered once.  A session that failed is reset: a QUIT
 * or a FIN would be said to a peer that is not there, and Postal's endless loop began so.
 *
 * What a reader would get wrong: any call that sends or reads may end the session, and its slot may
 * be in use again when the call returns.  `generation` tells. */
#include "loadgen/smtp/session.h"

#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/epoll.h>
#include <sys/socket.h>

#include <assert.h>
#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "loadgen/engine/client.h"
#include "loadgen/engine/tcp_info.h"
#include "loadgen/smtp/pool.h"

/* A SYN is sent again after 1 s at the soonest, a data segment after 200 ms. */
#define SYN_AGAIN_NS  (900 * SQ_MS)
#define DATA_AGAIN_NS (150 * SQ_MS)

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
	    sq_tcp_info(s->fd, &info)) {
		if (s->due == SQ_SMTP_CONNECT)
			sq_smtp_of(op)->syn_retrans += info.retransmitted;
		else
			result->effort[SQ_SMTP_LOST_SEGS] = lost_segs(s, &info, code);
	}
	result->effort[SQ_SMTP_SYN_RETRANS] = sq_smtp_of(op)->syn_retrans;
}

/* ---- the message in hand ---- */

void sq_smtp_session_finish(struct sq_smtp_session *s, uint16_t code, uint8_t phase)
{
	struct sq_op *op = s->op;
	struct sq_tally_op result = { .outcome = { .code = code, .phase = phase },
				      .done_ns = sq_lane_clock(s->pool->lane) };

	if (code == SQ_CODE_OK)
		result.accepted = s->rcpt_ok;
	if (s->fd >= 0) {
		add_efforts(s, &result);
		if (code != SQ_CODE_OK)
			result.local_port = sq_client_port(s->fd);
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

static void set_reset_on_close(int fd)
{
	const struct linger reset = { .l_onoff = 1, .l_linger = 0 };

	setsockopt(fd, SOL_SOCKET, SO_LINGER, &reset, sizeof(reset));
}

/* What stands behind the message in hand was not answered at all: it is another session's now.
 * Unless a time-out ended this one and it is due too: then it waited for this server like the
 * first. */
static void give_back_ahead(struct sq_smtp_session *s, uint16_t code)
{
	const struct sq_lane *lane = s->pool->lane;
	struct sq_op *op = s->ahead;
	struct sq_tally_op result = { .outcome = { .code = code, .phase = SQ_SMTP_MAIL },
				      .done_ns = sq_lane_now(lane) };

	s->ahead = NULL;
	if (!op)
		return;
	if (code == SQ_CODE_TIMEOUT &&
	    op->due_ns + lane->load->spec->timeout_ns <= result.done_ns) {
		sq_smtp_pool_done(s->pool, op, &result);
		return;
	}
	op->sent_ns = -1;
	sq_smtp_pool_back(s->pool, op);
}

static void close_socket(struct sq_smtp_session *s)
{
	if (s->fd >= 0)
		close(s->fd);
	s->fd = -1;
	s->generation++;
	s->out_n = 0;
	sq_smtp_pool_gone(s->pool, s);
}

void sq_smtp_session_close(struct sq_smtp_session *s)
{
	assert(!s->op && !s->ahead);
	close_socket(s);
}

void sq_smtp_session_die(struct sq_smtp_session *s, uint16_t code)
{
	if (s->op)
		sq_smtp_session_finish(s, code, sq_smtp_session_phase_due(s));
	give_back_ahead(s, code);
	if (s->fd >= 0)
		set_reset_on_close(s->fd);
	close_socket(s);
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
	close_socket(s);
}

/* A reset where nothing was due is a server's way of closing, as FIN is. */
static void on_broken(struct sq_smtp_session *s, int error)
{
	if (is_at_rest(s))
		sq_lane_count(s->pool->lane, SQ_SMTP_CLOSED_BY_SERVER, 1);
	sq_smtp_session_die(s, sq_code_errno(error));
}

/* ---- out ---- */

static void flush(struct sq_smtp_session *s)
{
	while (s->out_at < s->out_n) {
		struct msghdr msg = { .msg_iov = s->out + s->out_at,
				      .msg_iovlen = s->out_n - s->out_at };
		ssize_t n = sendmsg(s->fd, &msg, MSG_NOSIGNAL);
		size_t left = (size_t)n;

		if (n == -1 && errno == EINTR)
			continue;
		if (n == -1 && errno == EAGAIN)
			return; /* EPOLLOUT will tell */
		if (n == -1) {
			on_broken(s, errno);
			return;
		}
		sq_lane_count(s->pool->lane, SQ_SMTP_BYTES, left);
		while (s->out_at < s->out_n && left >= s->out[s->out_at].iov_len)
			left -= s->out[s->out_at++].iov_len;
		if (s->out_at == s->out_n)
			break;
		s->out[s->out_at].iov_base = (char *)s->out[s->out_at].iov_base + left;
		s->out[s->out_at].iov_len -= left;
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

static bool is_same(const struct sq_smtp_session *s, uint16_t generation)
{
	return s->fd >= 0 && s->generation == generation;
}

/* False when the session is gone. */
static bool take_bytes(struct sq_smtp_session *s, const char *data, size_t len)
{
	const char *end = data + len;
	uint16_t generation = s->generation;

	while (data < end && s->due != SQ_SMTP_DUE_FIN) {
		switch (sq_smtp_reply_parse(&s->reply, &data, end)) {
		case SQ_SMTP_MORE:
			return true;
		case SQ_SMTP_GARBLED:
			sq_smtp_session_die(s, SQ_SMTP_BAD_REPLY);
			return false;
		case SQ_SMTP_REPLY:
			sq_smtp_dialog_reply(s);
			if (!is_same(s, generation))
				return false;
		}
	}
	return true;
}

/* All that is here.  What fills less than the buffer was all, unless a FIN is behind it. */
static void read_all(struct sq_smtp_session *s)
{
	struct sq_smtp_pool *p = s->pool;

	for (;;) {
		ssize_t n = recv(s->fd, p->bytes, sizeof(p->bytes), 0);

		if (n == -1 && errno == EINTR)
			continue;
		if (n == -1 && errno == EAGAIN)
			return;
		sq_lane_clock(p->lane);
		if (n == -1) {
			on_broken(s, errno);
			return;
		}
		if (n == 0 || s->due == SQ_SMTP_DUE_FIN) { /* what is said after 221 is not heard */
			on_fin(s);
			return;
		}
		if (!take_bytes(s, p->bytes, (size_t)n))
			return;
		if ((size_t)n < sizeof(p->bytes) && !s->fin)
			return;
	}
}

bool sq_smtp_session_stale(const struct sq_smtp_session *s)
{
	char byte;

	return recv(s->fd, &byte, 1, MSG_PEEK | MSG_DONTWAIT) >= 0 || errno != EAGAIN;
}

/* ---- connecting ---- */

/* The way there failed: another address of the domain's may do. */
static void on_unreachable(struct sq_smtp_session *s, int error)
{
	uint16_t code = sq_code_errno(error);
	struct sq_op *op = s->op;
	struct sq_tcp_info info;

	if (!sq_smtp_pool_try_next(s->pool, op, code)) {
		sq_smtp_session_die(s, code);
		return;
	}
	if (s->fd >= 0 && sq_tcp_info(s->fd, &info))
		sq_smtp_of(op)->syn_retrans += info.retransmitted;
	s->op = NULL;
	sq_smtp_pool_back(s->pool, op);
	close_socket(s);
}

static void on_connected(struct sq_smtp_session *s)
{
	struct sq_lane *lane = s->pool->lane;
	struct sq_tcp_info info;

	sq_lane_count(lane, SQ_SMTP_CONNECTIONS, 1);
	if (sq_lane_clock(lane) - s->since_ns >= SYN_AGAIN_NS && sq_tcp_info(s->fd, &info)) {
		s->retrans = info.retransmitted;
		sq_smtp_of(s->op)->syn_retrans += info.retransmitted;
	}
	sq_smtp_session_phase(s, SQ_SMTP_CONNECT);
	s->due = SQ_SMTP_BANNER;
}

/* False when there is nothing to read yet, or nobody to read it. */
static bool connect_ready(struct sq_smtp_session *s, uint32_t events)
{
	int error = 0;
	socklen_t len = sizeof(error);

	if (events & (EPOLLERR | EPOLLHUP)) {
		if (getsockopt(s->fd, SOL_SOCKET, SO_ERROR, &error, &len) == -1)
			error = errno;
		if (error) {
			sq_lane_clock(s->pool->lane);
			on_unreachable(s, error);
			return false;
		}
	}
	if (events & EPOLLOUT)
		on_connected(s);
	return s->due == SQ_SMTP_BANNER && events & (EPOLLIN | EPOLLRDHUP);
}

void sq_smtp_session_input(struct sq_smtp_session *s, uint32_t events)
{
	uint16_t generation = s->generation;

	if (s->due == SQ_SMTP_CONNECT && !connect_ready(s, events))
		return;
	s->fin = s->fin || events & (EPOLLRDHUP | EPOLLHUP | EPOLLERR);
	if (s->out_n && events & EPOLLOUT) {
		flush(s);
		if (!is_same(s, generation))
			return;
	}
	if (events & (EPOLLIN | EPOLLRDHUP | EPOLLHUP | EPOLLERR))
		read_all(s);
}

static int connect_socket(struct sq_smtp_session *s, const struct sq_target *to)
{
	struct sq_lane *lane = s->pool->lane;
	uint32_t token = (uint32_t)s->generation << 16 | (uint32_t)(s - s->pool->sessions);
	const int on = 1;

	s->fd = sq_client_socket(lane->load, to, SOCK_STREAM,
				 sq_client_number(lane->load, lane->index, s->pool->opened++));
	if (s->fd < 0)
		return s->fd;
	setsockopt(s->fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
	s->since_ns = sq_lane_clock(lane);
	if (connect(s->fd, (const struct sockaddr *)&to->addr, to->len) == -1 &&
	    errno != EINPROGRESS)
		return -errno;
	s->op->sent_ns = s->since_ns;
	/* After connect: a fresh socket would raise EPOLLHUP at once. */
	return sq_lane_watch(lane, token, s->fd, EPOLLIN | EPOLLOUT | EPOLLRDHUP | EPOLLET);
}

void sq_smtp_session_open(struct sq_smtp_session *s, struct sq_op *op, const struct sq_target *to)
{
	int rc;

	s->due = SQ_SMTP_CONNECT;
	s->pipelining = s->plain = s->fin = s->quit_sent = s->doomed = s->in_mail = false;
	s->messages = 1;
	s->most = sq_smtp_pool_messages(s->pool);
	s->extensions = 0;
	s->retrans = 0;
	s->reply = (struct sq_smtp_reply){ 0 };
	s->op = op;
	s->last_due_ns = op->due_ns;
	sq_smtp_of(op)->session = s;
	memcpy(&s->to, &to->addr, to->len);
	s->to_len = to->len;
	rc = connect_socket(s, to);
	if (rc < 0)
		on_unreachable(s, -rc);
}
