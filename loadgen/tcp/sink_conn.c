/* Connections of the TCP sink: how they are read, answered and ended.
 *
 * What a connection is owed (sink_owed.c) goes first: nothing more is read until the kernel has
 * taken all of it, as in a server that handles one request at a time.
 *
 * Sockets are watched level-triggered, so that a read which did not fill its buffer needs no second
 * one to see that nothing is left; only behind a FIN or a RST is there more to learn at once.
 *
 * A reader would get wrong: EPOLLHUP and EPOLLERR come whether they were asked for or not.  A
 * connection that is not being read (read never, a slow reader's, one that is owed something) ends
 * by them, or they would come again and again; its FIN waits until it is read. */
#include "loadgen/tcp/sink_conn.h"

#include <sys/epoll.h>
#include <sys/socket.h>

#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/mem.h"

enum {
	ECHO = 1 << 16,    /* bytes of a read that is echoed */
	DISCARD = 1 << 20, /* of one that is not */
	READS_A_TURN = 16,
	SENDS_A_TURN = 64,
};

void sq_tcpd_conns_init(struct sq_tcpd_conns *conns, struct sq_tcpd *shared,
			struct sq_tcpd_counts *seen, int epoll_fd)
{
	*conns = (struct sq_tcpd_conns){
		.shared = shared,
		.seen = seen,
		.epoll_fd = epoll_fd,
		.lose_ns = SQ_NEVER,
	};
	conns->slow.next = conns->slow.prev = &conns->slow;
	conns->rx = sq_alloc(DISCARD);
}

void sq_tcpd_conns_fini(struct sq_tcpd_conns *conns)
{
	sq_tcpd_pool_fini(&conns->pool);
	free(conns->rx);
	conns->rx = NULL;
}

/* ---- the slow reader's ring ---- */

static void slow_leave(struct sq_tcpd_conn *c)
{
	assert(c->prev && c->next);
	c->prev->next = c->next;
	c->next->prev = c->prev;
	c->next = c->prev = NULL;
}

/* Reads are due at a fixed rate; those that were missed are not made good. */
static void slow_enter(struct sq_tcpd_conns *conns, struct sq_tcpd_conn *c, int64_t now_ns)
{
	struct sq_tcpd_conn *after = conns->slow.prev;

	c->due_ns += conns->shared->conf->read_every_ns;
	if (c->due_ns < now_ns)
		c->due_ns = now_ns;
	while (after != &conns->slow && after->due_ns > c->due_ns)
		after = after->prev;
	c->prev = after;
	c->next = after->next;
	after->next->prev = c;
	after->next = c;
}

/* ---- ends ---- */

static void conn_close(struct sq_tcpd_conns *conns, struct sq_tcpd_conn *c, enum sq_tcpd_end end)
{
	sq_tcpd_count(&conns->seen->ends[end], 1);
	atomic_fetch_sub_explicit(&conns->shared->open, 1, memory_order_release);
	if (c->prev)
		slow_leave(c);
	close(c->fd);
	sq_tcpd_pool_put(&conns->pool, c);
}

static void conn_broken(struct sq_tcpd_conns *conns, struct sq_tcpd_conn *c, int code)
{
	conn_close(conns, c,
		   code == ECONNRESET || code == EPIPE ? SQ_TCPD_END_PEER_RESET : SQ_TCPD_END_LOST);
}

static void conn_reset(void *conns, struct sq_tcpd_conn *c)
{
	const struct linger at_once = { .l_onoff = 1 };

	setsockopt(c->fd, SOL_SOCKET, SO_LINGER, &at_once, sizeof(at_once));
	conn_close(conns, c, SQ_TCPD_END_SINK_RESET);
}

/* With MSG_TRUNC the kernel drops TCP data without copying it (tcp(7)): of rx not a page is touched
 * then. */
static ssize_t conn_recv(struct sq_tcpd_conns *conns, const struct sq_tcpd_conn *c, size_t max,
			 int flags)
{
	ssize_t n = recv(c->fd, conns->rx, max, flags);

	if (n > 0)
		sq_tcpd_count(&conns->seen->bytes_received, n);
	return n;
}

/* Unread data would turn the FIN of close(2) into a RST. */
static void conn_finish(struct sq_tcpd_conns *conns, struct sq_tcpd_conn *c)
{
	for (int i = 0; i < READS_A_TURN && conn_recv(conns, c, DISCARD, MSG_TRUNC) > 0; i++)
		;
	conn_close(conns, c, SQ_TCPD_END_SINK);
}

/* ---- output ---- */

/* What the kernel takes, -1 with errno. */
static ssize_t conn_send(struct sq_tcpd_conns *conns, const struct sq_tcpd_conn *c,
			 const char *data, size_t len)
{
	ssize_t n = send(c->fd, data, len, MSG_NOSIGNAL);

	if (n > 0)
		sq_tcpd_count(&conns->seen->bytes_sent, n);
	return n;
}

/* Sends what is owed, as much as the kernel takes.  False: the connection has ended. */
static bool conn_pay(struct sq_tcpd_conns *conns, struct sq_tcpd_conn *c)
{
	const char *data;
	size_t len;

	for (int i = 0; (data = sq_tcpd_owed(conns->shared, c, &len)); i++) {
		ssize_t n = i < SENDS_A_TURN ? conn_send(conns, c, data, len) : 0;

		if (n > 0) {
			sq_tcpd_count(&conns->seen->replies,
				      sq_tcpd_paid(conns->shared, c, (size_t)n));
		} else if (n == 0 || errno == EAGAIN) {
			return true;
		} else if (errno != EINTR) {
			conn_broken(conns, c, errno);
			return false;
		}
	}
	if (!sq_tcpd_served(conns->shared, c))
		return true;
	conn_finish(conns, c);
	return false;
}

/* ---- input ---- */

/* The rest is kept; an error is left to the next send or read. */
static void conn_echo(struct sq_tcpd_conns *conns, struct sq_tcpd_conn *c, size_t len)
{
	ssize_t n = conn_send(conns, c, conns->rx, len);
	size_t sent = n > 0 ? (size_t)n : 0;

	if (sent < len)
		sq_buf_add(&c->echo, conns->rx + sent, len - sent);
}

/* Does what the bytes that came ask for.  False: the connection has ended. */
static bool conn_received(struct sq_tcpd_conns *conns, struct sq_tcpd_conn *c, size_t n)
{
	sq_tcpd_received(conns->shared, c, n);
	if (c->received == conns->shared->conf->reset_after) {
		conn_reset(conns, c);
		return false;
	}
	if (conns->shared->conf->echo)
		conn_echo(conns, c, n);
	return conn_pay(conns, c);
}

static size_t read_max(const struct sq_tcpd_conns *conns, const struct sq_tcpd_conn *c,
		       int64_t budget)
{
	const struct sq_tcpd_conf *conf = conns->shared->conf;
	int64_t max = conf->echo ? ECHO : DISCARD;

	if (conf->reset_after != SQ_OPT_UNSET && max > conf->reset_after - c->received)
		max = conf->reset_after - c->received;
	return (size_t)(max < budget ? max : budget);
}

/* Reads budget bytes at most, and answers them.  hung_up: a FIN or RST is behind what waits.  False:
 * the connection has ended. */
static bool conn_read(struct sq_tcpd_conns *conns, struct sq_tcpd_conn *c, int64_t budget,
		      bool hung_up)
{
	bool echo = conns->shared->conf->echo;

	for (int i = 0; i < READS_A_TURN && budget > 0 && !sq_tcpd_owes(conns->shared, c); i++) {
		size_t max = read_max(conns, c, budget);
		ssize_t n = conn_recv(conns, c, max, echo ? 0 : MSG_TRUNC);

		if (n == -1 && (errno == EAGAIN || errno == EINTR))
			return true;
		if (n == -1)
			conn_broken(conns, c, errno);
		else if (n == 0)
			conn_close(conns, c, SQ_TCPD_END_PEER);
		if (n <= 0 || !conn_received(conns, c, (size_t)n))
			return false;
		budget -= n;
		if ((size_t)n < max && !hung_up)
			return true;
	}
	return true;
}

/* ---- watching ---- */

static void conn_watch(struct sq_tcpd_conns *conns, struct sq_tcpd_conn *c, int op)
{
	bool fast = conns->shared->conf->read == SQ_TCPD_READ_FAST;
	struct epoll_event ev = { .events = fast ? EPOLLIN | EPOLLRDHUP : 0, .data.ptr = c };

	if (sq_tcpd_owes(conns->shared, c))
		ev.events = EPOLLOUT;
	else if (conns->shared->conf->read == SQ_TCPD_READ_SLOW && !c->prev)
		slow_enter(conns, c, sq_now_ns());
	if (op == EPOLL_CTL_MOD && ev.events == c->events)
		return;
	c->events = ev.events;
	if (epoll_ctl(conns->epoll_fd, op, c->fd, &ev) == -1)
		conn_broken(conns, c, errno);
}

static int pending_error(int fd)
{
	int code = 0;
	socklen_t len = sizeof(code);

	getsockopt(fd, SOL_SOCKET, SO_ERROR, &code, &len);
	return code;
}

void sq_tcpd_conn_event(struct sq_tcpd_conns *conns, struct sq_tcpd_conn *c, uint32_t events)
{
	bool hung_up = events & (EPOLLRDHUP | EPOLLHUP | EPOLLERR);

	if (!(c->events & EPOLLIN) && (events & (EPOLLHUP | EPOLLERR)))
		conn_broken(conns, c, pending_error(c->fd));
	else if (conn_pay(conns, c) && (conns->shared->conf->read != SQ_TCPD_READ_FAST ||
					conn_read(conns, c, INT64_MAX, hung_up)))
		conn_watch(conns, c, EPOLL_CTL_MOD);
}

/* ---- a connection's begin ---- */

/* Times of the sink count from the first connection that any thread accepts. */
static void clock_start(struct sq_tcpd_conns *conns, int64_t now_ns)
{
	int64_t first_ns = SQ_NEVER;

	if (atomic_compare_exchange_strong(&conns->shared->first_ns, &first_ns, now_ns))
		first_ns = now_ns;
	if (conns->shared->conf->lose_at_ns != SQ_OPT_UNSET)
		conns->lose_ns = first_ns + conns->shared->conf->lose_at_ns;
	if (conns->lose_ns < now_ns) /* it was before this thread had any */
		conns->lose_ns = SQ_NEVER;
	conns->started = true;
}

static void open_count(struct sq_tcpd_conns *conns)
{
	struct sq_tcpd *shared = conns->shared;
	int64_t open = 1 + atomic_fetch_add_explicit(&shared->open, 1, memory_order_release);
	int64_t peak = sq_tcpd_counted(&shared->peak_open);

	sq_tcpd_count(&conns->seen->accepted, 1);
	while (open > peak && !atomic_compare_exchange_weak(&shared->peak_open, &peak, open))
		;
}

/* Time of this thread's own: while others have the processor no work is done. */
static void work(int64_t ns)
{
	int64_t until_ns = ns > 0 ? sq_thread_cpu_ns() + ns : 0;

	while (ns > 0 && sq_thread_cpu_ns() < until_ns)
		continue;
}

void sq_tcpd_conn_open(struct sq_tcpd_conns *conns, int fd)
{
	struct sq_tcpd_conn *c = sq_tcpd_pool_take(&conns->pool);

	c->fd = fd;
	open_count(conns);
	if (!conns->started)
		clock_start(conns, sq_now_ns());
	if (conns->shared->conf->read == SQ_TCPD_READ_SLOW)
		c->due_ns = sq_now_ns();
	work(conns->shared->conf->work_ns);
	if (conn_pay(conns, c))
		conn_watch(conns, c, EPOLL_CTL_ADD);
}

/* ---- what is due ---- */

int64_t sq_tcpd_conns_next(const struct sq_tcpd_conns *conns)
{
	const struct sq_tcpd_conn *first = conns->slow.next;
	int64_t read_ns = first != &conns->slow ? first->due_ns : SQ_NEVER;

	return read_ns < conns->lose_ns ? read_ns : conns->lose_ns;
}

void sq_tcpd_conns_due(struct sq_tcpd_conns *conns, int64_t now_ns)
{
	struct sq_tcpd_conn *c;

	if (now_ns >= conns->lose_ns) {
		sq_tcpd_pool_each(&conns->pool, conn_reset, conns);
		conns->lose_ns = SQ_NEVER;
	}
	while ((c = conns->slow.next) != &conns->slow && c->due_ns <= now_ns) {
		slow_leave(c);
		if (conn_read(conns, c, conns->shared->conf->read_bytes, false))
			conn_watch(conns, c, EPOLL_CTL_MOD);
	}
}
