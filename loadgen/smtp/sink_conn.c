/* Sockets of the SMTP sink.
 *
 * What is read stands in one buffer for all, behind what the session left of its last turn; answers
 * are gathered in one buffer and go out in one send at the end of a turn.  A connection has storage
 * of its own only for what is left over: the start of a command, input behind a delayed answer,
 * answers that the kernel has no room for.
 *
 * A reader would get wrong: close(2) with unread input sends a RST, which destroys the last answer
 * in its reader's queue.  So who is sent away (421, "close") gets a FIN first, and what he still
 * says is read and dropped until he hangs up.  What came in the clear behind STARTTLS is dropped too:
 * to obey it once TLS stands would let anybody on the way speak for the client (CVE-2011-0411). */
#include "loadgen/smtp/sink_conn.h"

#include <sys/epoll.h>
#include <sys/socket.h>

#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/mem.h"
#include "loadgen/engine/tls.h"
#include "loadgen/smtp/sink_wire.h"

enum {
	READ = 1 << 16,
	READS_A_TURN = 16,
	KEPT = 1 << 12, /* storage that a closed connection leaves to the next */
};

#define LINGER_NS (5 * SQ_SEC)
/* Between two reads of a text that is read slowly. */
#define PAUSE_NS (100 * SQ_MS)

void sq_smtpd_conns_init(struct sq_smtpd_conns *conns, struct sq_smtpd *shared,
			 struct sq_tls_server *tls, int epoll_fd)
{
	*conns = (struct sq_smtpd_conns){ .shared = shared, .tls = tls, .epoll_fd = epoll_fd };
	conns->rx = sq_alloc(SQ_SMTPD_COMMAND_LINE + READ);
}

void sq_smtpd_conns_fini(struct sq_smtpd_conns *conns)
{
	for (size_t i = 0; i < conns->len; i++) {
		struct sq_smtpd_conn *c = conns->by_fd[i];

		if (!c)
			continue;
		if (c->open)
			close(c->fd);
		sq_tls_session_free(c->ssl);
		sq_buf_fini(&c->in);
		sq_buf_fini(&c->out);
		sq_smtpd_session_fini(&c->session);
		free(c);
	}
	free(conns->by_fd);
	free(conns->rx);
	sq_smtpd_timers_fini(&conns->timers);
	*conns = (struct sq_smtpd_conns){ .epoll_fd = -1 };
}

static void buf_forget(struct sq_buf *b)
{
	if (b->cap > KEPT)
		sq_buf_fini(b);
	else
		sq_buf_reset(b);
}

static void conn_close(struct sq_smtpd_conns *conns, struct sq_smtpd_conn *c, enum sq_smtpd_end end)
{
	sq_smtpd_session_ended(&c->session, end);
	if (c->ssl && end == SQ_SMTPD_END_QUIT)
		sq_tls_shut(c->ssl);
	sq_smtpd_count_end(&conns->shared->counts, c->session.end);
	sq_smtpd_timer_clear(&conns->timers, &c->timer);
	sq_tls_session_free(c->ssl);
	c->ssl = NULL;
	close(c->fd);
	c->open = c->in_handshake = c->paused = false;
	buf_forget(&c->in);
	buf_forget(&c->out);
}

static void conn_broken(struct sq_smtpd_conns *conns, struct sq_smtpd_conn *c, int code)
{
	conn_close(conns, c,
		   code == ECONNRESET || code == EPIPE ? SQ_SMTPD_END_RESET : SQ_SMTPD_END_LOST);
}

static void conn_watch(struct sq_smtpd_conns *conns, struct sq_smtpd_conn *c, uint32_t events)
{
	struct epoll_event ev = { .events = events, .data.fd = c->fd };

	if (c->events != events)
		epoll_ctl(conns->epoll_fd, EPOLL_CTL_MOD, c->fd, &ev);
	c->events = events;
}

/* ---- output ---- */

/* What the kernel takes of it; -1 once the connection is broken, and closed. */
static ssize_t conn_send(struct sq_smtpd_conns *conns, struct sq_smtpd_conn *c, const char *data,
			 size_t len)
{
	size_t sent = 0;

	while (sent < len) {
		ssize_t n = sq_smtpd_wire_put(c->ssl, c->fd, data + sent, len - sent);

		if (n >= 0) {
			sent += (size_t)n;
		} else if (errno == EAGAIN) {
			break;
		} else if (errno != EINTR) {
			conn_broken(conns, c, errno);
			return -1;
		}
	}
	sq_smtpd_session_sent(conns->shared, &c->session, sent);
	return (ssize_t)sent;
}

/* The answers of this turn; what the kernel has no room for is left in c->out.  False: closed. */
static bool conn_answer(struct sq_smtpd_conns *conns, struct sq_smtpd_conn *c)
{
	struct sq_buf *tx = &conns->shared->tx;
	ssize_t sent = tx->len ? conn_send(conns, c, tx->data, tx->len) : 0;

	if (sent >= 0 && (size_t)sent < tx->len)
		sq_buf_add(&c->out, tx->data + sent, tx->len - (size_t)sent);
	sq_buf_reset(tx);
	return sent >= 0;
}

/* ---- ends ---- */

/* Drops what has come.  False at the connection's end; then it is closed. */
static bool conn_discard(struct sq_smtpd_conns *conns, struct sq_smtpd_conn *c)
{
	for (int i = 0; i < READS_A_TURN; i++) {
		/* With MSG_TRUNC the kernel drops TCP data without copying it (tcp(7)). */
		ssize_t n = recv(c->fd, NULL, 1 << 20, MSG_TRUNC);

		if (n == -1 && (errno == EAGAIN || errno == EINTR))
			return true;
		if (n > 0)
			continue;
		if (n == 0)
			conn_close(conns, c, SQ_SMTPD_END_FIN);
		else
			conn_broken(conns, c, errno);
		return false;
	}
	return true;
}

static void conn_bye(struct sq_smtpd_conns *conns, struct sq_smtpd_conn *c)
{
	if (conn_discard(conns, c))
		conn_close(conns, c, SQ_SMTPD_END_QUIT);
}

static void conn_finish(struct sq_smtpd_conns *conns, struct sq_smtpd_conn *c)
{
	if (c->ssl)
		sq_tls_shut(c->ssl);
	if (shutdown(c->fd, SHUT_WR) == -1) {
		conn_broken(conns, c, errno);
		return;
	}
	c->session.next = SQ_SMTPD_DEAF;
	sq_smtpd_timer_set(&conns->timers, &c->timer, sq_now_ns() + LINGER_NS);
	conn_watch(conns, c, EPOLLIN);
}

static void conn_reset(struct sq_smtpd_conns *conns, struct sq_smtpd_conn *c)
{
	struct linger at_once = { .l_onoff = 1 };

	setsockopt(c->fd, SOL_SOCKET, SO_LINGER, &at_once, sizeof(at_once));
	conn_close(conns, c, SQ_SMTPD_END_SINK);
}

/* What came before it was asked for is not to be read as if it were secured. */
static void conn_secure(struct sq_smtpd_conns *conns, struct sq_smtpd_conn *c)
{
	if (c->in.len)
		sq_smtpd_count(&conns->shared->counts.protocol_errors, 1);
	sq_buf_reset(&c->in);
	c->ssl = sq_tls_server_session(conns->tls, c->fd);
	c->in_handshake = true;
	if (c->ssl)
		conn_watch(conns, c, EPOLLIN);
	else
		conn_broken(conns, c, ENOMEM);
}

static void conn_pause(struct sq_smtpd_conns *conns, struct sq_smtpd_conn *c)
{
	c->paused = true;
	sq_smtpd_timer_set(&conns->timers, &c->timer, sq_now_ns() + PAUSE_NS);
	conn_watch(conns, c, 0);
}

/* Does what the session's turn came to. */
static void conn_settle(struct sq_smtpd_conns *conns, struct sq_smtpd_conn *c)
{
	if (c->out.len) {
		conn_watch(conns, c, EPOLLOUT);
		return;
	}
	switch (c->session.next) {
	case SQ_SMTPD_INPUT:
		if (c->session.read_per_s) {
			conn_pause(conns, c);
			break;
		}
		conn_watch(conns, c, EPOLLIN);
		break;
	case SQ_SMTPD_DEAF:
		conn_watch(conns, c, EPOLLIN);
		break;
	case SQ_SMTPD_SECURE:
		conn_secure(conns, c);
		break;
	case SQ_SMTPD_SLEEP:
		sq_smtpd_timer_set(&conns->timers, &c->timer, sq_now_ns() + c->session.delay_ns);
		conn_watch(conns, c, 0);
		break;
	case SQ_SMTPD_FIN:
		conn_finish(conns, c);
		break;
	case SQ_SMTPD_BYE:
		conn_bye(conns, c);
		break;
	case SQ_SMTPD_RST:
		conn_reset(conns, c);
		break;
	case SQ_SMTPD_FLUSH: /* conn_turn leaves it only with c->out */
		assert(false);
	}
}

/* ---- input ---- */

/* The session's turn, with len octets in rx. */
static void conn_turn(struct sq_smtpd_conns *conns, struct sq_smtpd_conn *c, size_t len)
{
	struct sq_smtpd_session *s = &c->session;
	size_t done = 0;

	do {
		if (s->next == SQ_SMTPD_FLUSH)
			s->next = SQ_SMTPD_INPUT;
		done += sq_smtpd_session_input(conns->shared, s, conns->rx + done, len - done);
		if (!conn_answer(conns, c))
			return;
	} while (s->next == SQ_SMTPD_FLUSH && !c->out.len);
	sq_buf_reset(&c->in);
	if (done < len)
		sq_buf_add(&c->in, conns->rx + done, len - done);
	conn_settle(conns, c);
}

/* Whether more may be read after a turn. */
static bool conn_hears(const struct sq_smtpd_conn *c)
{
	return c->open && c->events == EPOLLIN && c->session.next == SQ_SMTPD_INPUT;
}

/* How much may be read at once. */
static size_t conn_room(const struct sq_smtpd_conn *c)
{
	int64_t slow = c->session.read_per_s * PAUSE_NS / SQ_SEC;

	return !c->session.read_per_s || slow > READ ? READ : slow > 0 ? (size_t)slow : 1;
}

static void conn_read(struct sq_smtpd_conns *conns, struct sq_smtpd_conn *c)
{
	for (int i = 0; i < READS_A_TURN; i++) {
		size_t held = c->in.len;
		ssize_t n = sq_smtpd_wire_get(c->ssl, c->fd, conns->rx + held, conn_room(c));

		if (n == 0) {
			conn_close(conns, c, SQ_SMTPD_END_FIN);
			return;
		}
		if (n == -1) {
			if (errno != EAGAIN && errno != EINTR)
				conn_broken(conns, c, errno);
			return;
		}
		if (held)
			memcpy(conns->rx, c->in.data, held);
		conn_turn(conns, c, held + (size_t)n);
		/* A record of TLS is less than READ. */
		if (!conn_hears(c) || (n < READ && !c->ssl))
			return;
	}
}

/* A turn with what was held back from an earlier one, and with what TLS has read ahead: that makes no
 * event. */
static void conn_go_on(struct sq_smtpd_conns *conns, struct sq_smtpd_conn *c)
{
	if (c->in.len)
		memcpy(conns->rx, c->in.data, c->in.len);
	conn_turn(conns, c, c->in.len);
	if (conn_hears(c) && c->ssl)
		conn_read(conns, c);
}

/* A step of TLS's handshake. */
static void conn_shake(struct sq_smtpd_conns *conns, struct sq_smtpd_conn *c)
{
	int done = sq_smtpd_wire_shake(c->ssl), code = errno;

	if (done < 0) {
		sq_smtpd_count(&conns->shared->counts.not_secured, 1);
		if (code)
			conn_broken(conns, c, code);
		else
			conn_close(conns, c, SQ_SMTPD_END_FIN);
	} else if (done == 0) {
		conn_watch(conns, c, sq_tls_server_waits_for_room(c->ssl) ? EPOLLOUT : EPOLLIN);
	} else {
		c->in_handshake = false;
		sq_smtpd_session_secured(conns->shared, &c->session);
		conn_go_on(conns, c);
	}
}

/* ---- what the server calls ---- */

void sq_smtpd_conn_open(struct sq_smtpd_conns *conns, int fd)
{
	struct epoll_event ev = { .events = EPOLLIN, .data.fd = fd };
	struct sq_smtpd_conn *c;

	if ((size_t)fd >= conns->len) {
		size_t len = (size_t)fd * 2 + 64;

		conns->by_fd = sq_realloc_n(conns->by_fd, len, sizeof(*conns->by_fd));
		memset(conns->by_fd + conns->len, 0, (len - conns->len) * sizeof(*conns->by_fd));
		conns->len = len;
	}
	if (!conns->by_fd[fd])
		conns->by_fd[fd] = sq_alloc(sizeof(*c));
	c = conns->by_fd[fd];
	c->fd = fd;
	c->open = true;
	c->events = EPOLLIN;
	sq_smtpd_count_open(&conns->shared->counts);
	sq_smtpd_session_begin(conns->shared, &c->session);
	if (epoll_ctl(conns->epoll_fd, EPOLL_CTL_ADD, fd, &ev) == -1)
		conn_broken(conns, c, errno);
	else
		conn_go_on(conns, c);
}

static void conn_writable(struct sq_smtpd_conns *conns, struct sq_smtpd_conn *c)
{
	ssize_t sent = conn_send(conns, c, c->out.data, c->out.len);
	size_t left;

	if (sent < 0)
		return;
	left = c->out.len - (size_t)sent;
	memmove(c->out.data, c->out.data + sent, left);
	c->out.len = left;
	if (!left)
		conn_go_on(conns, c);
}

/* Nothing is under watch, so it is what epoll always tells: the connection is broken. */
static void conn_broken_asleep(struct sq_smtpd_conns *conns, struct sq_smtpd_conn *c)
{
	int code = 0;
	socklen_t len = sizeof(code);

	getsockopt(c->fd, SOL_SOCKET, SO_ERROR, &code, &len);
	conn_broken(conns, c, code);
}

void sq_smtpd_conn_event(struct sq_smtpd_conns *conns, int fd)
{
	struct sq_smtpd_conn *c = conns->by_fd[fd];

	if (!c->open)
		return;
	if (c->in_handshake)
		conn_shake(conns, c);
	else if (c->out.len)
		conn_writable(conns, c);
	else if (c->session.next == SQ_SMTPD_SLEEP || c->paused)
		conn_broken_asleep(conns, c);
	else if (c->session.next == SQ_SMTPD_DEAF)
		conn_discard(conns, c);
	else
		conn_read(conns, c);
}

void sq_smtpd_conn_due(struct sq_smtpd_conns *conns, struct sq_smtpd_timer *timer)
{
	struct sq_smtpd_conn *c = (struct sq_smtpd_conn *)timer;

	if (c->paused) {
		c->paused = false;
		conn_watch(conns, c, EPOLLIN);
		conn_read(conns, c); /* what TLS has read ahead makes no event */
	} else if (c->session.next == SQ_SMTPD_SLEEP) {
		sq_smtpd_session_resume(conns->shared, &c->session);
		conn_go_on(conns, c);
	} else {
		conn_close(conns, c, SQ_SMTPD_END_SINK);
	}
}
