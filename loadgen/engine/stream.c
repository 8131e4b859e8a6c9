/* A connection from connect(2) to its reset.
 *
 * On a fast path the handshake is over when connect(2) returns, though it says EINPROGRESS: a plain
 * connection is written to at once, and waits for EPOLLOUT only when that is refused.  It saves one
 * of two wake-ups of a connection that carries one query.  For such ones a socket may also be kept
 * over its reset: on the wire it is the same as another one, from a port of its own, with nothing left
 * of what it was.
 *
 * What a reader would get wrong: reads are to be repeated until they give 0, since the socket is
 * watched edge-triggered; and with TLS a read that gives 0 may have eaten records that are no data
 * (session tickets). */
#include "loadgen/engine/stream.h"

#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/epoll.h>
#include <sys/socket.h>

#include <errno.h>
#include <unistd.h>

#include "loadgen/engine/client.h"

static bool fail(struct sq_stream *s, uint16_t code)
{
	s->code = code;
	return false;
}

/* ---- making it ---- */

static void set_up(int fd)
{
	const struct linger reset = { .l_onoff = 1, .l_linger = 0 };
	const int on = 1;

	setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
	setsockopt(fd, SOL_SOCKET, SO_LINGER, &reset, sizeof(reset));
}

static int connect_socket(struct sq_stream *s, const struct sq_target *to, struct sq_lane *lane,
			  uint32_t token)
{
	if (connect(s->fd, (const struct sockaddr *)&to->addr, to->len) == -1 &&
	    errno != EINPROGRESS)
		return -errno;
	/* After connect: a fresh socket would raise EPOLLHUP at once. */
	return s->kept ? 0
		       : sq_lane_watch(lane, token, s->fd,
				       EPOLLIN | EPOLLOUT | EPOLLRDHUP | EPOLLET);
}

bool sq_stream_open(struct sq_stream *s, struct sq_lane *lane, uint64_t number, uint32_t token,
		    struct sq_tls *tls)
{
	const struct sq_target *to = sq_load_target(lane->load, number);
	int rc;

	if (!s->kept) {
		s->fd = sq_client_socket(lane->load, to, SOCK_STREAM, number);
		if (s->fd < 0)
			return fail(s, sq_code_errno(-s->fd));
		set_up(s->fd);
	}
	rc = connect_socket(s, to, lane, token);
	s->kept = false;
	if (rc == 0 && tls) {
		s->ssl = sq_tls_session_new(tls, s->fd);
		rc = s->ssl ? 0 : -ENOMEM;
	}
	s->state = SQ_STREAM_CONNECTING;
	if (rc == 0)
		return true;
	sq_stream_reset(s);
	return fail(s, sq_code_errno(-rc));
}

static int socket_error(int fd)
{
	int error = 0;
	socklen_t len = sizeof(error);

	return getsockopt(fd, SOL_SOCKET, SO_ERROR, &error, &len) == -1 ? errno : error;
}

static bool step_connect(struct sq_stream *s, uint32_t events)
{
	int error = events & (EPOLLERR | EPOLLHUP) ? socket_error(s->fd) : 0;

	if (error)
		return fail(s, sq_code_errno(error));
	if (events & EPOLLOUT)
		s->state = s->ssl ? SQ_STREAM_HANDSHAKE : SQ_STREAM_OPEN;
	return true;
}

static bool step_handshake(struct sq_stream *s)
{
	int rc = sq_tls_handshake(s->ssl, &s->code);

	if (rc > 0)
		s->state = SQ_STREAM_OPEN;
	return rc >= 0;
}

bool sq_stream_step(struct sq_stream *s, uint32_t events)
{
	if (s->state == SQ_STREAM_CONNECTING)
		return step_connect(s, events);
	return s->state == SQ_STREAM_HANDSHAKE ? step_handshake(s) : true;
}

/* ---- bytes ---- */

/* What a call on the socket itself has returned. */
static ssize_t judge(struct sq_stream *s, ssize_t n)
{
	if (n >= 0)
		return n;
	if (errno == EAGAIN || errno == EINTR)
		return 0;
	s->code = sq_code_errno(errno);
	return -1;
}

ssize_t sq_stream_read(struct sq_stream *s, void *bytes, size_t size)
{
	ssize_t n;

	if (s->ssl)
		return sq_tls_read(s->ssl, bytes, size, &s->code);
	n = recv(s->fd, bytes, size, 0);
	if (n != 0)
		return judge(s, n);
	s->code = SQ_CODE_EOF;
	return -1;
}

ssize_t sq_stream_write(struct sq_stream *s, const void *bytes, size_t len)
{
	ssize_t n;

	if (s->ssl)
		return sq_tls_write(s->ssl, bytes, len, &s->code);
	n = judge(s, send(s->fd, bytes, len, MSG_NOSIGNAL));
	if (n > 0)
		s->state = SQ_STREAM_OPEN;
	return n;
}

bool sq_stream_is_stale(const struct sq_stream *s)
{
	char byte;

	return recv(s->fd, &byte, 1, MSG_PEEK | MSG_DONTWAIT) >= 0 || errno != EAGAIN;
}

/* ---- the end ---- */

void sq_stream_reset(struct sq_stream *s)
{
	sq_tls_session_free(s->ssl);
	s->ssl = NULL;
	if (s->fd >= 0)
		close(s->fd);
	s->fd = -1;
	s->kept = false;
	s->state = SQ_STREAM_CLOSED;
}

/* Connecting to nothing is what ends a connection by RST, and leaves its socket as new (connect(2),
 * AF_UNSPEC); the port is given back too. */
bool sq_stream_reset_kept(struct sq_stream *s)
{
	const struct sockaddr nothing = { .sa_family = AF_UNSPEC };

	sq_tls_session_free(s->ssl);
	s->ssl = NULL;
	s->kept = connect(s->fd, &nothing, sizeof(nothing)) == 0;
	s->state = SQ_STREAM_CLOSED;
	if (!s->kept)
		sq_stream_reset(s);
	return s->kept;
}
