/* The TCP sink: a server that accepts, greets, reads, echoes or replies, with faults of each.
 *
 * Each thread has a listener of its own at one address, between which the kernel spreads the
 * connections by their addresses and ports, and an epoll; threads share nothing but the time of the
 * first connection and how many are open.  How a thread accepts is in loadgen/tcp/sink_accept.c,
 * what its connections do in sink_conn.c; here are the limits, the threads and the sum of counts.
 *
 * A reader would get wrong: with several threads the accept queue is several queues.  A thread that
 * is busy leaves its own to overflow while another's is empty, and listen_queue_limit is the sum. */
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/eventfd.h>
#include <sys/resource.h>
#include <sys/socket.h>

#include <errno.h>
#include <pthread.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/mem.h"
#include "loadgen/engine/listen.h"
#include "loadgen/engine/sink.h"
#include "loadgen/tcp/sink_thread.h"

struct tcp_state {
	struct sq_tcpd shared;
	struct sq_tcpd_thread *threads;
	int64_t n;   /* that are open */
	int quit_fd; /* what ends all threads but the first */
};

static void tcp_close(void *state)
{
	struct tcp_state *s = state;

	while (s->n > 0)
		sq_tcpd_thread_close(&s->threads[--s->n]);
	if (s->quit_fd != -1)
		close(s->quit_fd);
	free(s->threads);
	sq_tcpd_fini(&s->shared);
}

/* What its connections inherit; before the first SYN, since the window's scale is told in the
 * handshake. */
static int listener_prepare(int fd, const struct sq_tcpd_conf *conf, struct sq_err *err)
{
	const int on = 1;

	/* What is owed goes in one send, so Nagle could only hold back the next. */
	setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
	return sq_listen_buffer(fd, true, conf->receive_buffer, "sink tcp: receive_buffer", err);
}

static int thread_open(struct tcp_state *s, struct sq_err *err)
{
	const struct sq_tcpd_conf *conf = s->shared.conf;
	int backlog = (int)conf->backlog;
	int rc, fd = s->n == 0 ? sq_listen_open(conf->listen, SOCK_STREAM, backlog, err)
			       : sq_listen_again(s->threads[0].listen_fd, backlog, err);

	if (fd < 0)
		return fd;
	rc = listener_prepare(fd, conf, err);
	if (rc < 0) {
		close(fd);
		return rc;
	}
	rc = sq_tcpd_thread_open(&s->threads[s->n], &s->shared, fd, err);
	if (rc == 0)
		s->n++;
	return rc;
}

static int quit_open(struct tcp_state *s, struct sq_err *err)
{
	s->quit_fd = eventfd(0, EFD_CLOEXEC);
	if (s->quit_fd != -1)
		return 0;
	return sq_err_set(err, -errno, "sink tcp",
			  "cannot make a descriptor: %s; raise the limit of open files",
			  strerrordesc_np(errno));
}

/* Once all of its own are open, the last of them as quit_fd: what the limit is to meet are accepts. */
static int files_limit(const struct tcp_state *s, struct sq_err *err)
{
	int64_t files = s->shared.conf->files;
	struct rlimit limit;

	if (files == SQ_OPT_UNSET)
		return 0;
	if (files <= s->quit_fd)
		return sq_err_set(err, -EINVAL, "sink tcp",
				  "files: the sink itself has %d open; ask for more",
				  s->quit_fd + 1);
	if (getrlimit(RLIMIT_NOFILE, &limit) == 0) {
		limit.rlim_cur = (rlim_t)files;
		if (limit.rlim_cur <= limit.rlim_max && setrlimit(RLIMIT_NOFILE, &limit) == 0)
			return 0;
	}
	return sq_err_set(err, -EINVAL, "sink tcp",
			  "files: this process may open %llu, not %lld; ask for less, or raise the "
			  "hard limit (ulimit -Hn)",
			  (unsigned long long)limit.rlim_max, (long long)files);
}

static int tcp_open(void *state, const void *conf, struct sq_err *err)
{
	const struct sq_tcpd_conf *c = conf;
	struct tcp_state *s = state;
	int rc = sq_tcpd_conf_check(c, err);

	if (rc < 0)
		return rc;
	sq_listen_raise_limit();
	sq_tcpd_init(&s->shared, c);
	s->quit_fd = -1;
	s->threads = sq_alloc_n((size_t)c->threads, sizeof(*s->threads));
	while (rc == 0 && s->n < c->threads)
		rc = thread_open(s, err);
	if (rc == 0)
		rc = quit_open(s, err);
	if (rc == 0)
		rc = files_limit(s, err);
	if (rc < 0)
		tcp_close(s);
	return rc;
}

static void *thread_run(void *arg)
{
	sq_tcpd_thread_serve(arg);
	return NULL;
}

static int thread_start(struct sq_tcpd_thread *t, int quit_fd, struct sq_err *err)
{
	int rc = sq_tcpd_thread_watch(t, quit_fd, err);

	if (rc < 0)
		return rc;
	rc = pthread_create(&t->id, NULL, thread_run, t);
	return rc == 0 ? 0
		       : sq_err_set(err, -rc, "sink tcp",
				    "cannot start a thread: %s; raise the limit of processes, or "
				    "ask for fewer threads",
				    strerrordesc_np(rc));
}

/* The first thread is the caller's; when it has been stopped, it stops the others. */
static int tcp_serve(void *state, int stop_fd, struct sq_err *err)
{
	struct tcp_state *s = state;
	int64_t started = 1;
	int rc = sq_tcpd_thread_watch(&s->threads[0], stop_fd, err);

	while (rc == 0 && started < s->n) {
		rc = thread_start(&s->threads[started], s->quit_fd, err);
		if (rc == 0)
			started++;
	}
	if (rc == 0)
		sq_tcpd_thread_serve(&s->threads[0]);
	eventfd_write(s->quit_fd, 1);
	while (started > 1)
		pthread_join(s->threads[--started].id, NULL);
	return rc;
}

/* ---- counts ---- */

static json_t *accepted_by_thread(const struct tcp_state *s)
{
	json_t *accepted = json_array();

	for (int64_t i = 0; i < s->n; i++)
		json_array_append_new(accepted,
				      json_integer(sq_tcpd_counted(&s->threads[i].seen.accepted)));
	return accepted;
}

static json_t *tcp_counts(const void *state)
{
	const struct tcp_state *s = state;
	struct sq_tcpd_counts sum = { 0 };
	char listen[SQ_LISTEN_TEXT];
	json_t *counts;

	for (int64_t i = 0; i < s->n; i++)
		sq_tcpd_counts_add(&sum, &s->threads[i].seen);
	sq_listen_text(s->threads[0].listen_fd, listen);
	counts = json_pack("{s:s, s:s}", "sink", "tcp", "listen", listen);
	json_object_update_new(counts, sq_tcpd_counts_json(&sum));
	json_object_set_new(counts, "open", json_integer(sq_tcpd_counted(&s->shared.open)));
	json_object_set_new(counts, "peak_open",
			    json_integer(sq_tcpd_counted(&s->shared.peak_open)));
	for (int64_t i = 0; i < s->n; i++)
		sq_listen_queue(s->threads[i].listen_fd, counts);
	if (s->n > 1)
		json_object_set_new(counts, "accepted_by_thread", accepted_by_thread(s));
	return counts;
}

const struct sq_sink sq_sink_tcp = {
	.kind = { .name = "tcp",
		  .summary = "accepts, greets, reads and replies; slowly, partly or never, on "
			     "request",
		  .opts = sq_tcpd_opts,
		  .conf_size = sizeof(struct sq_tcpd_conf) },
	.state_size = sizeof(struct tcp_state),
	.open = tcp_open,
	.serve = tcp_serve,
	.counts = tcp_counts,
	.close = tcp_close,
};
