/* TCP connections: what a server's accept side does to them.
 *
 * A connection is "established" for its client as soon as the SYN is answered, but a Linux server
 * whose accept queue is full drops the final ACK of the handshake, and everything after it: the
 * client then holds a connection that nobody else knows (a ghost).  So by default success is more
 * than connect(2): one byte is sent, and the connection counts when the server's kernel has
 * acknowledged it.  The kernel tells of that ACK itself, by a transmit time stamp in the socket's
 * error queue (SOF_TIMESTAMPING_TX_ACK), so nothing is polled.
 *
 * Sockets are watched edge-triggered and registered once.  Failures, and what took longer than a
 * lost segment takes to be sent again, are looked up in TCP_INFO: each SYN and each segment that
 * the server's kernel dropped stands in its ListenOverflows, also those of connections that
 * succeeded in the end.
 *
 * What a reader would get wrong: EPOLLERR does not mean failure here; the error queue raises it
 * too.  And a failed connection is always reset, whatever `close` says: a FIN would be sent again
 * and again to a full accept queue, and be counted there after the outcome was booked. */
#include <linux/net_tstamp.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/epoll.h>
#include <sys/socket.h>

#include <errno.h>
#include <stdbool.h>
#include <stddef.h>
#include <unistd.h>

#include "base/clock.h"
#include "loadgen/engine/client.h"
#include "loadgen/engine/driver.h"
#include "loadgen/engine/lane.h"
#include "loadgen/engine/tcp_info.h"

/* A SYN is sent again after 1 s at the soonest, a data segment after 200 ms. */
#define SYN_AGAIN_NS  (900 * SQ_MS)
#define DATA_AGAIN_NS (150 * SQ_MS)

enum { UNTIL_CONNECTED, UNTIL_ACKED, UNTIL_GREETING };
enum { CLOSE_RST, CLOSE_FIN };
enum { PHASE_CONNECT, PHASE_ACK, PHASE_GREETING };
enum { EFFORT_SYN_RETRANS, EFFORT_LOST_SEGS };
enum { CODE_GHOST = SQ_CODE_DRIVER };

struct tcp_conf {
	int until, close;
	int64_t hold_ns;
};

struct tcp_op {
	int64_t connected_ns;
	uint32_t syn_retrans;
	int fd;
	uint8_t phase;
	bool sent; /* the byte */
	bool over; /* it has its outcome, and is held */
};

static struct tcp_op *tcp_of(struct sq_op *op)
{
	return (struct tcp_op *)op->priv;
}

/* ---- what it cost ---- */

/* Segments after the handshake that the server's kernel dropped.  Of a ghost, all: the final ACK,
 * the byte, its retransmits, and the ACKs that answer the SYN-ACK when it is sent again.  Of a
 * byte that was acknowledged after retransmits all but the last, which completed the handshake;
 * without a retransmit, none. */
static uint64_t lost_segs(const struct tcp_op *c, const struct sq_tcp_info *info, bool acked)
{
	uint32_t handshake = 1 + c->syn_retrans;
	uint32_t after = info->segs_out > handshake ? info->segs_out - handshake : 0;

	if (!acked)
		return after;
	if (info->retransmitted <= c->syn_retrans || after == 0)
		return 0;
	/* A greeting was acknowledged by us since: of pure ACKs only the final one is sure. */
	return c->phase == PHASE_GREETING ? info->data_segs_out : after - 1;
}

/* ---- the end of an operation ---- */

static void set_reset_on_close(int fd)
{
	const struct linger reset = { .l_onoff = 1, .l_linger = 0 };

	setsockopt(fd, SOL_SOCKET, SO_LINGER, &reset, sizeof(reset));
}

static void tcp_close(struct sq_lane *lane, struct sq_op *op)
{
	struct tcp_op *c = tcp_of(op);

	if (c->fd >= 0)
		close(c->fd);
	c->fd = -1;
	sq_op_release(lane, op);
}

static void fail(struct sq_lane *lane, struct sq_op *op, uint16_t code)
{
	const struct tcp_conf *conf = lane->conf;
	struct tcp_op *c = tcp_of(op);
	struct sq_tally_op result = { .outcome = { .code = code, .phase = c->phase },
				      .done_ns = sq_lane_clock(lane),
				      .id = op->seq };
	struct sq_tcp_info info;

	if (c->fd >= 0) {
		result.local_port = sq_client_port(c->fd);
		if (sq_tcp_info(c->fd, &info)) {
			if (c->phase == PHASE_CONNECT)
				c->syn_retrans = info.retransmitted;
			else if (code == CODE_GHOST)
				result.effort[EFFORT_LOST_SEGS] = lost_segs(c, &info, false);
		}
		if (conf->close == CLOSE_FIN)
			set_reset_on_close(c->fd);
	}
	result.effort[EFFORT_SYN_RETRANS] = c->syn_retrans;
	sq_op_done(lane, op, &result);
	tcp_close(lane, op);
}

static void succeed(struct sq_lane *lane, struct sq_op *op)
{
	const struct tcp_conf *conf = lane->conf;
	struct tcp_op *c = tcp_of(op);
	struct sq_tally_op result = { .outcome = { .code = SQ_CODE_OK, .phase = c->phase },
				      .done_ns = sq_lane_now(lane),
				      .id = op->seq };
	struct sq_tcp_info info;

	if (c->sent && result.done_ns - c->connected_ns >= DATA_AGAIN_NS &&
	    sq_tcp_info(c->fd, &info))
		result.effort[EFFORT_LOST_SEGS] = lost_segs(c, &info, true);
	result.effort[EFFORT_SYN_RETRANS] = c->syn_retrans;
	sq_op_done(lane, op, &result);
	if (conf->hold_ns > 0) {
		c->over = true;
		sq_op_hold(lane, op, conf->hold_ns);
	} else {
		tcp_close(lane, op);
	}
}

/* ---- events, in the order of the phases ---- */

static int socket_error(int fd)
{
	int error = 0;
	socklen_t len = sizeof(error);

	return getsockopt(fd, SOL_SOCKET, SO_ERROR, &error, &len) == -1 ? errno : error;
}

/* False when the socket has failed for good.  The time stamp carries no ID (there is one byte to be
 * acknowledged): with IDs the kernel answers EINVAL when a reset came first, not ECONNRESET. */
static bool send_byte(struct sq_lane *lane, struct sq_op *op)
{
	const int stamps = SOF_TIMESTAMPING_TX_ACK | SOF_TIMESTAMPING_SOFTWARE |
			   SOF_TIMESTAMPING_OPT_TSONLY;
	struct tcp_op *c = tcp_of(op);

	if ((c->phase == PHASE_ACK &&
	     setsockopt(c->fd, SOL_SOCKET, SO_TIMESTAMPING, &stamps, sizeof(stamps)) == -1) ||
	    send(c->fd, "\n", 1, MSG_NOSIGNAL | MSG_DONTWAIT) == -1) {
		fail(lane, op, sq_code_errno(errno));
		return false;
	}
	c->sent = true;
	return true;
}

static void on_acked(struct sq_lane *lane, struct sq_op *op)
{
	struct tcp_op *c = tcp_of(op);

	sq_op_phase(lane, op, PHASE_ACK, sq_lane_clock(lane) - c->connected_ns);
	succeed(lane, op);
}

/* A server that has spoken or closed knows the connection: its kernel cannot have dropped the end
 * of the handshake, whether or not the byte was acknowledged yet. */
static bool server_spoke(uint32_t events)
{
	return events & (EPOLLIN | EPOLLRDHUP) && !(events & EPOLLERR);
}

static void on_ack(struct sq_lane *lane, struct sq_op *op, uint32_t events)
{
	struct tcp_op *c = tcp_of(op);
	char control[256];
	struct msghdr msg = { .msg_control = control, .msg_controllen = sizeof(control) };
	int error;

	if (server_spoke(events)) {
		on_acked(lane, op);
	} else if (events & EPOLLERR) {
		/* Nothing but the ACK's time stamp ever stands in this queue. */
		if (recvmsg(c->fd, &msg, MSG_ERRQUEUE | MSG_DONTWAIT) >= 0) {
			on_acked(lane, op);
			return;
		}
		/* EPIPE is a reset after a FIN: the server had accepted, and closed before our byte
		 * came. */
		error = socket_error(c->fd);
		if (error == EPIPE)
			on_acked(lane, op);
		else if (error)
			fail(lane, op, sq_code_errno(error));
	}
}

static void on_greeting(struct sq_lane *lane, struct sq_op *op, uint32_t events)
{
	struct tcp_op *c = tcp_of(op);
	char bytes[512];
	ssize_t n;

	if (!(events & (EPOLLIN | EPOLLRDHUP | EPOLLERR | EPOLLHUP)))
		return;
	n = recv(c->fd, bytes, sizeof(bytes), MSG_DONTWAIT);
	if (n > 0) {
		sq_op_phase(lane, op, PHASE_GREETING, sq_lane_clock(lane) - c->connected_ns);
		succeed(lane, op);
	} else if (n == 0) {
		fail(lane, op, SQ_CODE_EOF);
	} else if (errno != EAGAIN && errno != EINTR) {
		fail(lane, op, sq_code_errno(errno));
	}
}

static void on_connected(struct sq_lane *lane, struct sq_op *op, uint32_t events)
{
	const struct tcp_conf *conf = lane->conf;
	struct tcp_op *c = tcp_of(op);
	struct sq_tcp_info info;

	c->connected_ns = sq_lane_clock(lane);
	if (c->connected_ns - op->sent_ns >= SYN_AGAIN_NS && sq_tcp_info(c->fd, &info))
		c->syn_retrans = info.retransmitted;
	sq_op_phase(lane, op, PHASE_CONNECT, c->connected_ns - op->sent_ns);
	if (conf->until == UNTIL_CONNECTED) {
		succeed(lane, op);
		return;
	}
	c->phase = conf->until == UNTIL_ACKED ? PHASE_ACK : PHASE_GREETING;
	if (c->phase == PHASE_ACK && server_spoke(events))
		on_acked(lane, op);
	else if (send_byte(lane, op) && c->phase == PHASE_GREETING)
		on_greeting(lane, op, events);
}

static void tcp_ready(struct sq_lane *lane, struct sq_op *op, uint32_t events)
{
	struct tcp_op *c = tcp_of(op);
	int error;

	if (c->over)
		return; /* what a server does to a held connection changes nothing */
	if (c->phase == PHASE_ACK) {
		on_ack(lane, op, events);
	} else if (c->phase == PHASE_GREETING) {
		on_greeting(lane, op, events);
	} else if (events & (EPOLLERR | EPOLLHUP)) {
		error = socket_error(c->fd);
		if (error)
			fail(lane, op, sq_code_errno(error));
	} else if (events & EPOLLOUT) {
		on_connected(lane, op, events);
	}
}

/* ---- hooks ---- */

static int open_socket(const struct sq_lane *lane, const struct sq_target *target, uint64_t number)
{
	const struct tcp_conf *conf = lane->conf;
	const int on = 1;
	int fd = sq_client_socket(lane->load, target, SOCK_STREAM, number);

	if (fd < 0)
		return fd;
	setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
	if (conf->close == CLOSE_RST)
		set_reset_on_close(fd);
	return fd;
}

static void start_one(struct sq_lane *lane, struct sq_op *op)
{
	uint64_t number = sq_client_number(lane->load, lane->index, op->seq);
	const struct sq_target *target = sq_load_target(lane->load, number);
	struct tcp_op *c = tcp_of(op);
	int rc;

	c->fd = open_socket(lane, target, number);
	if (c->fd < 0) {
		fail(lane, op, sq_code_errno(-c->fd));
		return;
	}
	op->sent_ns = sq_lane_clock(lane);
	if (connect(c->fd, (const struct sockaddr *)&target->addr, target->len) == -1 &&
	    errno != EINPROGRESS) {
		op->sent_ns = -1; /* it failed before any packet: no port, no route, a filter */
		fail(lane, op, sq_code_errno(errno));
		return;
	}
	/* After connect: a fresh socket would raise EPOLLHUP at once. */
	rc = sq_op_watch(lane, op, c->fd, EPOLLIN | EPOLLOUT | EPOLLRDHUP | EPOLLET);
	if (rc < 0)
		fail(lane, op, sq_code_errno(-rc));
}

static unsigned tcp_start(struct sq_lane *lane, const int64_t *due_ns, unsigned n)
{
	for (unsigned i = 0; i < n; i++) {
		struct sq_op *op = sq_op_new(lane, due_ns[i]);

		if (!op)
			return i;
		start_one(lane, op);
	}
	return n;
}

static void tcp_end(struct sq_lane *lane, struct sq_op *op, uint16_t code)
{
	struct tcp_op *c = tcp_of(op);
	struct sq_tcp_info info;

	if (code == SQ_CODE_TIMEOUT && c->sent && sq_tcp_info(c->fd, &info) && info.unacked)
		code = CODE_GHOST;
	fail(lane, op, code);
}

static void tcp_cost(const void *conf, struct sq_op_cost *ret)
{
	const struct tcp_conf *c = conf;

	*ret = (struct sq_op_cost){ .socket = true,
				    .time_wait = c->close == CLOSE_FIN,
				    .hold_ns = c->hold_ns };
}

/* ---- tables ---- */

static const char *const until_choices[] = { "connected", "acked", "greeting", NULL };
static const char *const close_choices[] = { "rst", "fin", NULL };

static const struct sq_opt tcp_opts[] = {
	{ .name = "until",
	  .type = SQ_OPT_ENUM,
	  .offset = offsetof(struct tcp_conf, until),
	  .def = "acked",
	  .choices = until_choices,
	  .help = "what a success is: the handshake done, a byte of ours acknowledged by the "
		  "server's kernel, or a first byte of the server's" },
	{ .name = "close",
	  .type = SQ_OPT_ENUM,
	  .offset = offsetof(struct tcp_conf, close),
	  .def = "rst",
	  .choices = close_choices,
	  .help = "how a connection that succeeded is closed; rst leaves no TIME_WAIT" },
	{ .name = "hold",
	  .type = SQ_OPT_DURATION,
	  .offset = offsetof(struct tcp_conf, hold_ns),
	  .def = "0s",
	  .help = "how long a connection that succeeded stays open" },
	{ 0 },
};

static const struct sq_code tcp_codes[] = {
	{ "ghost", SQ_CLASS_TIMEOUT,
	  "established for this client, but the server's kernel never acknowledged a byte: it "
	  "dropped the final ACK" },
	{ 0 },
};

static const char *const tcp_phases[] = { "connect", "ack", "greeting", NULL };
static const char *const tcp_efforts[] = { "syn_retrans", "lost_segs", NULL };

const struct sq_driver sq_driver_tcp = {
	.kind = { .name = "tcp",
		  .summary = "TCP connections: connect, acknowledge, greeting",
		  .opts = tcp_opts,
		  .conf_size = sizeof(struct tcp_conf) },
	.words = { .codes = tcp_codes, .phases = tcp_phases, .efforts = tcp_efforts },
	.op_size = sizeof(struct tcp_op),
	.cost = tcp_cost,
	.start = tcp_start,
	.ready = tcp_ready,
	.end = tcp_end,
	.drop = tcp_close,
};
