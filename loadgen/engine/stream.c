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

#include <linux/net_tstamp.h>
#include <linux/sockios.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/epoll.h>
#include <sys/ioctl.h>
#include <sys/socket.h>

#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "loadgen/engine/client.h"

enum { TLS_RECORD = 16384 };

static bool fail(struct sq_stream *s, uint16_t code)
{
	s->code = code;
	return false;
}

/* ---- making it ---- */

static void set_linger(int fd, bool reset)
{
	const struct linger linger = { .l_onoff = reset, .l_linger = 0 };

	setsockopt(fd, SOL_SOCKET, SO_LINGER, &linger, sizeof(linger));
}

/* The time stamps carry no ID: with IDs the kernel answers EINVAL when a reset came first, not
 * ECONNRESET. */
static int set_up(int fd, const struct sq_stream_kind *kind)
{
	const int stamps = SOF_TIMESTAMPING_TX_ACK | SOF_TIMESTAMPING_SOFTWARE |
			   SOF_TIMESTAMPING_OPT_TSONLY;
	const uint64_t rate = (uint64_t)kind->rate;
	const int on = 1, size = (int)kind->receive_buffer;

	setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
	if (!kind->fin)
		set_linger(fd, true);
	if (size > 0)
		setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &size, sizeof(size));
	if (rate > 0)
		setsockopt(fd, SOL_SOCKET, SO_MAX_PACING_RATE, &rate, sizeof(rate));
	if (kind->ack_stamps &&
	    setsockopt(fd, SOL_SOCKET, SO_TIMESTAMPING, &stamps, sizeof(stamps)) == -1)
		return -errno;
	return 0;
}

static uint16_t port_of(const struct sq_stream_kind *kind, const struct sq_load_plan *load,
			uint64_t number)
{
	uint64_t round = load->sources.count > 0 ? number / load->sources.count : number;

	return kind->n_ports ? (uint16_t)(kind->first_port + round % kind->n_ports) : 0;
}

static int make_socket(struct sq_stream *s, const struct sq_load_plan *load,
		       const struct sq_stream_kind *kind, const struct sq_target *to,
		       uint64_t number)
{
	if (s->kept)
		return 0;
	s->fin = kind->fin;
	s->fd = sq_client_socket_at(load, to, SOCK_STREAM, number, port_of(kind, load, number));
	return s->fd < 0 ? s->fd : set_up(s->fd, kind);
}

static int connect_socket(struct sq_stream *s, struct sq_lane *lane,
			  const struct sq_stream_kind *kind, const struct sq_target *to,
			  uint32_t token)
{
	sq_lane_clock(lane);
	if (connect(s->fd, (const struct sockaddr *)&to->addr, to->len) == -1 &&
	    errno != EINPROGRESS)
		return -errno;
	/* After connect: a fresh socket would raise EPOLLHUP at once. */
	return s->watched || kind->unwatched ? 0 : sq_stream_watch(s, lane, token, true);
}

static uint32_t wanted_events(bool out)
{
	return EPOLLIN | EPOLLRDHUP | EPOLLET | (out ? EPOLLOUT : 0);
}

int sq_stream_watch(struct sq_stream *s, struct sq_lane *lane, uint32_t token, bool out)
{
	int rc;

	if (s->watched && (s->out || !out))
		return 0;
	s->out = s->out || out;
	if (s->watched)
		return sq_stream_again(s, lane, token);
	rc = sq_lane_watch(lane, token, s->fd, wanted_events(out));
	s->watched = rc == 0;
	return rc;
}

int sq_stream_again(struct sq_stream *s, struct sq_lane *lane, uint32_t token)
{
	return sq_lane_rewatch(lane, token, s->fd, wanted_events(s->out));
}

bool sq_stream_open(struct sq_stream *s, struct sq_lane *lane, const struct sq_stream_kind *kind,
		    uint64_t number, uint32_t token)
{
	return sq_stream_open_to(s, lane, kind, sq_load_target(lane->load, number), number, token);
}

bool sq_stream_open_to(struct sq_stream *s, struct sq_lane *lane, const struct sq_stream_kind *kind,
		       const struct sq_target *to, uint64_t number, uint32_t token)
{
	int rc = make_socket(s, lane->load, kind, to, number);

	if (rc == 0)
		rc = connect_socket(s, lane, kind, to, token);
	s->kept = false;
	if (rc == 0 && kind->tls) {
		s->ssl = sq_tls_session_new(kind->tls, s->fd);
		rc = s->ssl ? 0 : -ENOMEM;
	}
	s->state = SQ_STREAM_CONNECTING;
	if (rc == 0)
		return true;
	sq_stream_reset(s);
	return fail(s, sq_code_errno(-rc));
}

/* A second connect(2) says how the first one went. */
int sq_stream_probe(struct sq_stream *s, const struct sq_target *to)
{
	if (connect(s->fd, (const struct sockaddr *)&to->addr, to->len) == 0) {
		s->state = s->ssl ? SQ_STREAM_HANDSHAKE : SQ_STREAM_OPEN;
		return 1;
	}
	if (errno == EALREADY)
		return 0;
	s->code = sq_code_errno(errno);
	return -1;
}

uint16_t sq_stream_error(const struct sq_stream *s)
{
	int error = 0;
	socklen_t len = sizeof(error);

	if (getsockopt(s->fd, SOL_SOCKET, SO_ERROR, &error, &len) == -1)
		error = errno;
	return error ? sq_code_errno(error) : 0;
}

static bool step_connect(struct sq_stream *s, uint32_t events)
{
	uint16_t code = events & (EPOLLERR | EPOLLHUP) ? sq_stream_error(s) : 0;

	if (code)
		return fail(s, code);
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

bool sq_stream_secure(struct sq_stream *s, struct sq_tls *tls)
{
	s->ssl = sq_tls_session_new(tls, s->fd);
	if (!s->ssl)
		return fail(s, sq_code_errno(ENOMEM));
	s->state = SQ_STREAM_HANDSHAKE;
	return true;
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

/* As much as one record holds: a record for each piece would be a segment for each. */
static ssize_t write_record(struct sq_stream *s, const struct iovec *pieces, unsigned n)
{
	char record[TLS_RECORD];
	size_t len = 0;

	for (unsigned i = 0; i < n && len < sizeof(record); i++) {
		size_t room = sizeof(record) - len;
		size_t part = pieces[i].iov_len < room ? pieces[i].iov_len : room;

		memcpy(record + len, pieces[i].iov_base, part);
		len += part;
	}
	return sq_tls_write(s->ssl, record, len, &s->code);
}

ssize_t sq_stream_writev(struct sq_stream *s, const struct iovec *pieces, unsigned n)
{
	const struct msghdr msg = { .msg_iov = (struct iovec *)pieces, .msg_iovlen = n };

	if (s->ssl)
		return write_record(s, pieces, n);
	if (n == 1) /* the cheaper call */
		return judge(s, send(s->fd, pieces->iov_base, pieces->iov_len, MSG_NOSIGNAL));
	return judge(s, sendmsg(s->fd, &msg, MSG_NOSIGNAL));
}

/* Nothing else ever stands in the error queue. */
bool sq_stream_take_stamp(const struct sq_stream *s)
{
	char control[256];
	struct msghdr msg = { .msg_control = control, .msg_controllen = sizeof(control) };

	return recvmsg(s->fd, &msg, MSG_ERRQUEUE | MSG_DONTWAIT) >= 0;
}

void sq_stream_stamps_end(const struct sq_stream *s, const struct sq_stream_kind *kind)
{
	const int none = 0;

	if (kind->ack_stamps)
		setsockopt(s->fd, SOL_SOCKET, SO_TIMESTAMPING, &none, sizeof(none));
}

bool sq_stream_is_stale(const struct sq_stream *s)
{
	char byte;

	return recv(s->fd, &byte, 1, MSG_PEEK | MSG_DONTWAIT) >= 0 || errno != EAGAIN;
}

/* ---- the end ---- */

static void let_go(struct sq_stream *s)
{
	sq_tls_session_free(s->ssl);
	s->ssl = NULL;
	if (s->fd >= 0)
		close(s->fd);
	s->fd = -1;
	s->kept = s->watched = s->out = false;
	s->state = SQ_STREAM_CLOSED;
}

void sq_stream_shut(struct sq_stream *s)
{
	if (s->ssl)
		sq_tls_shut(s->ssl);
	shutdown(s->fd, SHUT_WR);
}

void sq_stream_close(struct sq_stream *s, const struct sq_stream_kind *kind)
{
	if (kind->fin && s->ssl && s->state == SQ_STREAM_OPEN)
		sq_tls_shut(s->ssl);
	let_go(s);
}

void sq_stream_reset(struct sq_stream *s)
{
	if (s->fd >= 0 && s->fin)
		set_linger(s->fd, true);
	let_go(s);
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

/* Of a connection that both sides have closed no RST is sent. */
bool sq_stream_close_kept(struct sq_stream *s)
{
	int unacked = 1;

	sq_stream_shut(s);
	if (ioctl(s->fd, SIOCOUTQ, &unacked) == 0 && unacked == 0)
		return sq_stream_reset_kept(s);
	let_go(s);
	return false;
}
