/* The loop of a thread of the TCP sink.
 *
 * An event's data is the address of what it is for: the thread itself (stop), its timer, its
 * acceptor, else a connection.  What is due comes after all events of a turn: it may end
 * connections that later events of the turn would still be for.
 *
 * A reader would get wrong: the waiting is timed by a timerfd, not by epoll_wait's own timeout,
 * which is late by the timer slack: 50 us matter to an accept each 100 us.  The timer is never read:
 * setting it anew forgets that it expired. */
#include "loadgen/tcp/sink_thread.h"

#include <sys/epoll.h>
#include <sys/timerfd.h>

#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"

enum { EVENTS = 512 };

static int loop_add(const struct sq_tcpd_thread *t, int fd, void *what)
{
	struct epoll_event ev = { .events = EPOLLIN, .data.ptr = what };

	return epoll_ctl(t->epoll_fd, EPOLL_CTL_ADD, fd, &ev) == -1 ? -errno : 0;
}

static int no_descriptor(int rc, struct sq_err *err)
{
	return sq_err_set(err, rc, "sink tcp",
			  "cannot make a descriptor: %s; raise the limit of open files",
			  strerrordesc_np(-rc));
}

int sq_tcpd_thread_open(struct sq_tcpd_thread *t, struct sq_tcpd *shared, int listen_fd,
			struct sq_err *err)
{
	int rc = 0;

	t->listen_fd = listen_fd;
	t->timer_ns = SQ_NEVER;
	t->timer_fd = -1;
	t->epoll_fd = epoll_create1(EPOLL_CLOEXEC);
	if (t->epoll_fd != -1)
		t->timer_fd = timerfd_create(CLOCK_MONOTONIC, TFD_NONBLOCK | TFD_CLOEXEC);
	if (t->timer_fd == -1)
		rc = -errno;
	sq_tcpd_conns_init(&t->conns, shared, &t->seen, t->epoll_fd);
	if (rc == 0)
		rc = loop_add(t, t->timer_fd, &t->timer_fd);
	if (rc == 0)
		rc = sq_tcpd_acceptor_init(&t->acceptor, &t->conns, listen_fd);
	if (rc < 0) {
		sq_tcpd_thread_close(t);
		return no_descriptor(rc, err);
	}
	return 0;
}

void sq_tcpd_thread_close(struct sq_tcpd_thread *t)
{
	sq_tcpd_conns_fini(&t->conns);
	close(t->listen_fd);
	if (t->epoll_fd != -1)
		close(t->epoll_fd);
	if (t->timer_fd != -1)
		close(t->timer_fd);
}

int sq_tcpd_thread_watch(struct sq_tcpd_thread *t, int stop_fd, struct sq_err *err)
{
	int rc = loop_add(t, stop_fd, t);

	return rc < 0 ? no_descriptor(rc, err) : 0;
}

static void timer_set(struct sq_tcpd_thread *t, int64_t when_ns)
{
	struct itimerspec when = { .it_value = { 0 } };

	if (when_ns == t->timer_ns)
		return;
	if (when_ns != SQ_NEVER)
		when.it_value = (struct timespec){ when_ns / SQ_SEC, when_ns % SQ_SEC };
	t->timer_ns = when_ns;
	timerfd_settime(t->timer_fd, TFD_TIMER_ABSTIME, &when, NULL);
}

static int64_t due_next(const struct sq_tcpd_thread *t)
{
	int64_t conns_ns = sq_tcpd_conns_next(&t->conns);

	return conns_ns < t->acceptor.due_ns ? conns_ns : t->acceptor.due_ns;
}

static void on_timer(struct sq_tcpd_thread *t)
{
	int64_t now_ns = sq_now_ns();

	sq_tcpd_conns_due(&t->conns, now_ns);
	sq_tcpd_accept_due(&t->acceptor, now_ns);
}

/* False: to stop. */
static bool turn(struct sq_tcpd_thread *t)
{
	struct epoll_event events[EVENTS];
	bool timed = false;
	int n = epoll_wait(t->epoll_fd, events, EVENTS, -1);

	for (int i = 0; i < n; i++) {
		void *what = events[i].data.ptr;

		if (what == t)
			return false;
		if (what == &t->timer_fd)
			timed = true;
		else if (what == &t->acceptor)
			sq_tcpd_accept_event(&t->acceptor);
		else
			sq_tcpd_conn_event(&t->conns, what, events[i].events);
	}
	if (timed)
		on_timer(t);
	return true;
}

void sq_tcpd_thread_serve(struct sq_tcpd_thread *t)
{
	do
		timer_set(t, due_next(t));
	while (turn(t));
}
