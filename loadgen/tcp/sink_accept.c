/* Accepting in the TCP sink.
 *
 * The listener is under watch while nothing stands against accepting.  With accept_delay, in a
 * pause, or after an accept that failed, it is taken out, and a time says when to go on.  So a slow
 * accept never blocks the connections that are open, and a full descriptor table (the listener
 * stays readable then) costs a try each 10 ms, not a spin.
 *
 * A reader would get wrong: accept_delay is a schedule, not a pause.  While connections wait in the
 * queue each accept is due one delay after the last was due, so that the rate is 1/delay whatever
 * an accept costs.  Time that the whole process lost (SIGSTOP) is not made good: a server that was
 * stopped would not be either. */
#include "loadgen/tcp/sink_accept.h"

#include <sys/epoll.h>
#include <sys/socket.h>

#include <errno.h>
#include <poll.h>

#include "base/clock.h"

enum { ACCEPTS_A_TURN = 256 }; /* then the open connections have their turn */

#define RETRY_NS   (10 * SQ_MS)
#define CATCHUP_NS (100 * SQ_MS)

static const struct sq_tcpd_conf *conf_of(const struct sq_tcpd_acceptor *a)
{
	return a->conns->shared->conf;
}

static int listener_watch(struct sq_tcpd_acceptor *a, int op, bool on)
{
	struct epoll_event ev = { .events = on ? EPOLLIN : 0, .data.ptr = a };

	a->listening = on;
	return epoll_ctl(a->conns->epoll_fd, op, a->fd, &ev) == -1 ? -errno : 0;
}

int sq_tcpd_acceptor_init(struct sq_tcpd_acceptor *a, struct sq_tcpd_conns *conns, int listen_fd)
{
	*a = (struct sq_tcpd_acceptor){ .conns = conns, .fd = listen_fd, .due_ns = SQ_NEVER };
	sq_noise_init(&a->noise, conf_of(a)->accept_noise, conf_of(a)->noise_seed);
	return listener_watch(a, EPOLL_CTL_ADD, !conf_of(a)->never_accept);
}

static void accept_later(struct sq_tcpd_acceptor *a, int64_t due_ns)
{
	if (a->listening)
		listener_watch(a, EPOLL_CTL_MOD, false);
	a->due_ns = due_ns;
}

static void accept_again(struct sq_tcpd_acceptor *a)
{
	if (!a->listening)
		listener_watch(a, EPOLL_CTL_MOD, true);
	a->due_ns = SQ_NEVER;
}

/* The end of the pause that now_ns is in; 0: it is in none. */
static int64_t pause_end(const struct sq_tcpd_acceptor *a, int64_t now_ns)
{
	int64_t first_ns = sq_tcpd_counted(&a->conns->shared->first_ns), begin_ns;

	if (first_ns == SQ_NEVER)
		return 0;
	begin_ns = first_ns + conf_of(a)->pause_at_ns;
	if (now_ns < begin_ns || now_ns >= begin_ns + conf_of(a)->pause_for_ns)
		return 0;
	return begin_ns + conf_of(a)->pause_for_ns;
}

static bool accept_paused(struct sq_tcpd_acceptor *a)
{
	int64_t end_ns = conf_of(a)->pause_for_ns ? pause_end(a, sq_now_ns()) : 0;

	if (end_ns)
		accept_later(a, end_ns);
	return end_ns != 0;
}

/* 1: a connection came; 0: none waits; -1: accepting is impossible for now. */
static int accept_one(struct sq_tcpd_acceptor *a)
{
	for (;;) {
		int fd = accept4(a->fd, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
		int code = errno;

		if (fd != -1) {
			sq_tcpd_conn_open(a->conns, fd);
			return 1;
		}
		if (code == EAGAIN)
			return 0;
		if (code == EINTR)
			continue;
		sq_tcpd_count(&a->conns->seen->accept_errors[code < SQ_TCPD_ERRNOS ? code : 0], 1);
		if (code != ECONNABORTED)
			return -1;
	}
}

static bool accept_waits(const struct sq_tcpd_acceptor *a)
{
	struct pollfd p = { .fd = a->fd, .events = POLLIN };

	return poll(&p, 1, 0) == 1;
}

static int64_t accept_delay(struct sq_tcpd_acceptor *a, int64_t now_ns)
{
	return (int64_t)((double)conf_of(a)->accept_delay_ns / sq_noise_factor(&a->noise, now_ns));
}

/* The delay of the connection at the head of the queue is over. */
static void accept_delayed(struct sq_tcpd_acceptor *a, int64_t now_ns)
{
	int64_t due_ns = a->due_ns;

	if (accept_paused(a))
		return;
	if (accept_one(a) == -1) {
		accept_later(a, now_ns + RETRY_NS);
		return;
	}
	if (now_ns - due_ns > CATCHUP_NS)
		due_ns = now_ns;
	if (accept_waits(a))
		accept_later(a, due_ns + accept_delay(a, now_ns));
	else
		accept_again(a);
}

static void accept_all(struct sq_tcpd_acceptor *a)
{
	for (int i = 0; i < ACCEPTS_A_TURN; i++) {
		int got;

		if (accept_paused(a))
			return;
		got = accept_one(a);
		if (got == -1) {
			accept_later(a, sq_now_ns() + RETRY_NS);
			return;
		}
		if (got == 0)
			break;
	}
	accept_again(a);
}

void sq_tcpd_accept_event(struct sq_tcpd_acceptor *a)
{
	int64_t now_ns = sq_now_ns();

	if (conf_of(a)->accept_delay_ns > 0)
		accept_later(a, now_ns + accept_delay(a, now_ns));
	else
		accept_all(a);
}

void sq_tcpd_accept_due(struct sq_tcpd_acceptor *a, int64_t now_ns)
{
	if (now_ns < a->due_ns)
		return;
	if (conf_of(a)->accept_delay_ns > 0)
		accept_delayed(a, now_ns);
	else
		accept_all(a);
}
