/* The TCP sink: a server that accepts, greets and discards, with faults of the accept side.
 *
 * One thread, one epoll.  The listener is under watch while nothing stands against accepting; with
 * accept_delay, or after an accept that failed, it is taken out and a timer says when to go on.  So
 * a slow accept never blocks the connections that are open, and a full descriptor table (the
 * listener stays readable then) costs a try each 10 ms, not a spin.
 *
 * A reader would get wrong: accept_delay is a schedule, not a pause.  While connections wait in the
 * queue each accept is due one delay after the last was due, so that the rate is 1/delay whatever
 * an accept costs.  Time that the whole process lost (SIGSTOP) is not made good: a server that was
 * stopped would not be either. */
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/timerfd.h>

#include <errno.h>
#include <poll.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/mem.h"
#include "loadgen/engine/listen.h"
#include "loadgen/engine/sink.h"
#include "results/outcome.h"

enum {
	TCP_EVENTS = 256,
	TCP_ACCEPTS_A_TURN = 1024, /* then the open connections and stop_fd have their turn */
	TCP_READS_A_TURN = 16,
	TCP_ERRNOS = 256,
};

#define TCP_RETRY_NS   (10 * SQ_MS)
#define TCP_CATCHUP_NS (100 * SQ_MS)

enum tcp_close { TCP_CLOSE_PEER, TCP_CLOSE_NOW };

struct tcp_conf {
	char *listen;
	int64_t backlog;
	int64_t accept_delay_ns;
	bool never_accept;
	char *greeting;
	int close;
};

/* Found by its descriptor. */
struct tcp_conn {
	size_t greeted; /* bytes of the greeting that went out */
	bool open;
};

struct tcp_counts {
	_Atomic int64_t accepted, open, peak_open, bytes_received, resets;
	_Atomic int64_t accept_errors[TCP_ERRNOS];
};

struct tcp_state {
	const struct tcp_conf *conf;
	size_t greeting_len;
	int listen_fd, epoll_fd, timer_fd;
	bool listening; /* the listener is under watch */
	int64_t due_ns; /* of the next accept, while it is not */
	struct tcp_conn *conns;
	size_t conns_len;
	struct tcp_counts seen; /* written by the serving thread only */
};

static const char *const close_choices[] = { "peer", "now", NULL };

static const struct sq_opt tcp_opts[] = {
	{ .name = "listen",
	  .type = SQ_OPT_STRING,
	  .offset = offsetof(struct tcp_conf, listen),
	  .required = true,
	  .help = "address and port, \"127.0.0.1:9000\" or \"[::1]:9000\"; port 0 takes a free one" },
	{ .name = "backlog",
	  .type = SQ_OPT_INT,
	  .offset = offsetof(struct tcp_conf, backlog),
	  .def = "4096",
	  .min = 1,
	  .max = 65535,
	  .help = "the accept queue asked of listen(2); net.core.somaxconn caps it" },
	{ .name = "accept_delay",
	  .type = SQ_OPT_DURATION,
	  .offset = offsetof(struct tcp_conf, accept_delay_ns),
	  .def = "0s",
	  .help = "time that each accept takes, as a slow server's would" },
	{ .name = "never_accept",
	  .type = SQ_OPT_BOOL,
	  .offset = offsetof(struct tcp_conf, never_accept),
	  .def = "false",
	  .help = "leave every connection in the accept queue" },
	{ .name = "greeting",
	  .type = SQ_OPT_STRING,
	  .offset = offsetof(struct tcp_conf, greeting),
	  .help = "text sent as it stands to each connection once it is accepted" },
	{ .name = "close",
	  .type = SQ_OPT_ENUM,
	  .offset = offsetof(struct tcp_conf, close),
	  .def = "peer",
	  .choices = close_choices,
	  .help = "who closes: the peer, or the sink as soon as the greeting is out" },
	{ 0 },
};

static void count_add(_Atomic int64_t *count, int64_t n)
{
	atomic_fetch_add_explicit(count, n, memory_order_relaxed);
}

static int64_t count_get(const _Atomic int64_t *count)
{
	return atomic_load_explicit(count, memory_order_relaxed);
}

/* ---- connections ---- */

static void conn_close(struct tcp_state *t, int fd)
{
	t->conns[fd].open = false;
	count_add(&t->seen.open, -1);
	close(fd);
}

/* Discards what has come.  False when the connection is at its end, with its reset counted. */
static bool conn_drain(struct tcp_state *t, int fd)
{
	for (int i = 0; i < TCP_READS_A_TURN; i++) {
		/* With MSG_TRUNC the kernel drops TCP data without copying it (tcp(7)). */
		ssize_t n = recv(fd, NULL, 1 << 20, MSG_TRUNC);

		if (n > 0) {
			count_add(&t->seen.bytes_received, n);
			continue;
		}
		if (n == -1 && (errno == EAGAIN || errno == EINTR))
			return true;
		if (n == -1 && errno == ECONNRESET)
			count_add(&t->seen.resets, 1);
		return false;
	}
	return true;
}

static int conn_watch(const struct tcp_state *t, int fd, int op, uint32_t events)
{
	struct epoll_event ev = { .events = events, .data.fd = fd };

	return epoll_ctl(t->epoll_fd, op, fd, &ev);
}

/* Sends what is left of the greeting; false when the connection is over. */
static bool conn_greet(struct tcp_state *t, int fd)
{
	struct tcp_conn *conn = &t->conns[fd];

	while (conn->greeted < t->greeting_len) {
		ssize_t n = send(fd, t->conf->greeting + conn->greeted,
				 t->greeting_len - conn->greeted, MSG_NOSIGNAL);

		if (n >= 0) {
			conn->greeted += (size_t)n;
		} else if (errno == EAGAIN) {
			return conn_watch(t, fd, EPOLL_CTL_MOD, EPOLLIN | EPOLLOUT) == 0;
		} else if (errno != EINTR) {
			if (errno == ECONNRESET || errno == EPIPE)
				count_add(&t->seen.resets, 1);
			return false;
		}
	}
	if (t->conf->close == TCP_CLOSE_NOW) {
		/* Unread data would turn the FIN of close(2) into a RST. */
		conn_drain(t, fd);
		return false;
	}
	return true;
}

static void on_connection(struct tcp_state *t, int fd, uint32_t events)
{
	bool alive = true;

	if (events & ~(uint32_t)EPOLLOUT)
		alive = conn_drain(t, fd);
	if (alive && (events & EPOLLOUT)) {
		alive = conn_greet(t, fd);
		if (alive && t->conns[fd].greeted == t->greeting_len)
			alive = conn_watch(t, fd, EPOLL_CTL_MOD, EPOLLIN) == 0;
	}
	if (!alive)
		conn_close(t, fd);
}

static void conn_open(struct tcp_state *t, int fd)
{
	int64_t open;

	if ((size_t)fd >= t->conns_len) {
		size_t len = (size_t)fd * 2 + 64;

		t->conns = sq_realloc_n(t->conns, len, sizeof(*t->conns));
		memset(t->conns + t->conns_len, 0, (len - t->conns_len) * sizeof(*t->conns));
		t->conns_len = len;
	}
	t->conns[fd] = (struct tcp_conn){ .open = true };
	count_add(&t->seen.accepted, 1);
	count_add(&t->seen.open, 1);
	open = count_get(&t->seen.open);
	if (open > count_get(&t->seen.peak_open))
		atomic_store_explicit(&t->seen.peak_open, open, memory_order_relaxed);
	if (conn_watch(t, fd, EPOLL_CTL_ADD, EPOLLIN) == -1 || !conn_greet(t, fd))
		conn_close(t, fd);
}

/* ---- accepting ---- */

static void listener_watch(struct tcp_state *t, bool on)
{
	if (t->listening != on)
		conn_watch(t, t->listen_fd, EPOLL_CTL_MOD, on ? EPOLLIN : 0);
	t->listening = on;
}

static void accept_later(struct tcp_state *t, int64_t due_ns)
{
	struct itimerspec when = {
		.it_value = { .tv_sec = due_ns / SQ_SEC, .tv_nsec = due_ns % SQ_SEC },
	};

	listener_watch(t, false);
	t->due_ns = due_ns;
	timerfd_settime(t->timer_fd, TFD_TIMER_ABSTIME, &when, NULL);
}

static void accept_failed(struct tcp_state *t, int code)
{
	count_add(&t->seen.accept_errors[code < TCP_ERRNOS ? code : 0], 1);
}

/* 1: a connection came; 0: none waits; -1: accepting is impossible for now. */
static int accept_one(struct tcp_state *t)
{
	for (;;) {
		int fd = accept4(t->listen_fd, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);

		if (fd != -1) {
			conn_open(t, fd);
			return 1;
		}
		if (errno == EAGAIN)
			return 0;
		if (errno == EINTR)
			continue;
		accept_failed(t, errno);
		if (errno != ECONNABORTED)
			return -1;
	}
}

static bool accept_waits(const struct tcp_state *t)
{
	struct pollfd p = { .fd = t->listen_fd, .events = POLLIN };

	return poll(&p, 1, 0) == 1;
}

/* The delay of the connection at the head of the queue is over. */
static void accept_delayed(struct tcp_state *t)
{
	int64_t now_ns = sq_now_ns();
	int64_t due_ns = t->due_ns;

	if (accept_one(t) == -1) {
		accept_later(t, now_ns + TCP_RETRY_NS);
		return;
	}
	if (now_ns - due_ns > TCP_CATCHUP_NS)
		due_ns = now_ns;
	if (accept_waits(t))
		accept_later(t, due_ns + t->conf->accept_delay_ns);
	else
		listener_watch(t, true);
}

static void accept_all(struct tcp_state *t)
{
	for (int i = 0; i < TCP_ACCEPTS_A_TURN; i++) {
		int got = accept_one(t);

		if (got == -1) {
			accept_later(t, sq_now_ns() + TCP_RETRY_NS);
			return;
		}
		if (got == 0)
			break;
	}
	listener_watch(t, true);
}

static void on_listener(struct tcp_state *t)
{
	if (t->conf->accept_delay_ns > 0)
		accept_later(t, sq_now_ns() + t->conf->accept_delay_ns);
	else
		accept_all(t);
}

static void on_timer(struct tcp_state *t)
{
	uint64_t times;

	if (read(t->timer_fd, &times, sizeof(times)) != sizeof(times))
		return;
	if (t->conf->accept_delay_ns > 0)
		accept_delayed(t);
	else
		accept_all(t);
}

/* ---- the sink ---- */

static void tcp_close(void *state)
{
	struct tcp_state *t = state;
	const int fds[] = { t->listen_fd, t->epoll_fd, t->timer_fd };

	for (size_t fd = 0; fd < t->conns_len; fd++)
		if (t->conns[fd].open)
			close((int)fd);
	for (size_t i = 0; i < sizeof(fds) / sizeof(*fds); i++)
		if (fds[i] >= 0)
			close(fds[i]);
	free(t->conns);
	t->conns = NULL;
	t->conns_len = 0;
}

static int tcp_open(void *state, const void *conf, struct sq_err *err)
{
	struct tcp_state *t = state;
	int rc;

	t->conf = conf;
	t->greeting_len = t->conf->greeting ? strlen(t->conf->greeting) : 0;
	t->epoll_fd = t->timer_fd = -1;
	sq_listen_raise_limit();
	t->listen_fd = sq_listen_open(t->conf->listen, SOCK_STREAM, (int)t->conf->backlog, err);
	if (t->listen_fd < 0)
		return t->listen_fd;
	t->epoll_fd = epoll_create1(EPOLL_CLOEXEC);
	t->timer_fd = timerfd_create(CLOCK_MONOTONIC, TFD_NONBLOCK | TFD_CLOEXEC);
	if (t->epoll_fd != -1 && t->timer_fd != -1 &&
	    conn_watch(t, t->timer_fd, EPOLL_CTL_ADD, EPOLLIN) == 0 &&
	    conn_watch(t, t->listen_fd, EPOLL_CTL_ADD, 0) == 0) {
		if (!t->conf->never_accept)
			listener_watch(t, true);
		return 0;
	}
	rc = sq_err_set(err, -errno, "sink tcp",
			"cannot make a descriptor: %s; raise the limit of open files",
			strerrordesc_np(errno));
	tcp_close(t);
	return rc;
}

static int tcp_serve(void *state, int stop_fd, struct sq_err *err)
{
	struct tcp_state *t = state;
	struct epoll_event events[TCP_EVENTS];

	if (conn_watch(t, stop_fd, EPOLL_CTL_ADD, EPOLLIN) == -1)
		return sq_err_set(err, -errno, "sink tcp", "cannot watch a descriptor: %s",
				  strerrordesc_np(errno));
	for (;;) {
		int n = epoll_wait(t->epoll_fd, events, TCP_EVENTS, -1);

		for (int i = 0; i < n; i++) {
			int fd = events[i].data.fd;

			if (fd == stop_fd)
				return 0;
			if (fd == t->listen_fd)
				on_listener(t);
			else if (fd == t->timer_fd)
				on_timer(t);
			else
				on_connection(t, fd, events[i].events);
		}
	}
}

static json_t *accept_errors(const struct tcp_state *t)
{
	json_t *errors = json_object();

	for (int i = 0; i < TCP_ERRNOS; i++) {
		int64_t n = count_get(&t->seen.accept_errors[i]);

		if (n)
			json_object_set_new(errors, sq_code_name(NULL, sq_code_errno(i)),
					    json_integer(n));
	}
	return errors;
}

static json_t *tcp_counts(const void *state)
{
	const struct tcp_state *t = state;
	char listen[SQ_LISTEN_TEXT];
	json_t *counts;

	sq_listen_text(t->listen_fd, listen);
	counts = json_pack("{s:s, s:s, s:I, s:I, s:I, s:I, s:I, s:o}", "sink", "tcp", "listen",
			   listen, "accepted", (json_int_t)count_get(&t->seen.accepted), "open",
			   (json_int_t)count_get(&t->seen.open), "peak_open",
			   (json_int_t)count_get(&t->seen.peak_open), "bytes_received",
			   (json_int_t)count_get(&t->seen.bytes_received), "resets",
			   (json_int_t)count_get(&t->seen.resets), "accept_errors",
			   accept_errors(t));
	sq_listen_queue(t->listen_fd, counts);
	return counts;
}

const struct sq_sink sq_sink_tcp = {
	.kind = { .name = "tcp",
		  .summary = "accepts, greets and discards; slow, or never accepting, on request",
		  .opts = tcp_opts,
		  .conf_size = sizeof(struct tcp_conf) },
	.state_size = sizeof(struct tcp_state),
	.open = tcp_open,
	.serve = tcp_serve,
	.counts = tcp_counts,
	.close = tcp_close,
};
