/* The life of a sink's process: who stops it, and how it tells what it saw.
 *
 * The sink serves on the calling thread; a helper thread waits for signals and for the end of file
 * on watch_fd, so that no sink has to.  Both meet in one eventfd that is only ever written: once it
 * is readable, serve and the helper end, whichever of them wrote it.
 *
 * A reader would get wrong: after a sink has served, the signals stay blocked until the process
 * ends.  Otherwise an impatient second SIGTERM would kill it after it had stopped well. */
#include "loadgen/engine/sink.h"

#include <sys/eventfd.h>
#include <sys/signalfd.h>

#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/mem.h"

struct sink_life {
	const struct sq_sink *sink;
	void *state;
	int watch_fd, out_fd;
	int signal_fd, stop_fd;
	sigset_t signals;
};

const struct sq_kind *const *sq_sink_kinds(void)
{
	static const struct sq_kind **kinds;
	size_t n = 0;

	if (kinds)
		return kinds;
	while (sq_sinks[n])
		n++;
	kinds = sq_alloc_n(n + 1, sizeof(void *));
	for (size_t i = 0; i < n; i++)
		kinds[i] = &sq_sinks[i]->kind;
	return kinds;
}

/* A reader of the counts that has gone away must not end the sink. */
static void counts_write(const struct sink_life *life)
{
	json_t *counts;
	char *text;
	size_t len, done = 0;

	if (life->out_fd < 0)
		return;
	counts = life->sink->counts(life->state);
	text = json_dumps(counts, JSON_COMPACT);
	json_decref(counts);
	if (!text)
		return;
	len = strlen(text);
	text[len++] = '\n'; /* one write: a line that shares its file with others stays whole */
	while (done < len) {
		ssize_t n = write(life->out_fd, text + done, len - done);

		if (n == -1 && errno != EINTR)
			break;
		if (n > 0)
			done += (size_t)n;
	}
	free(text);
}

static void life_stop(const struct sink_life *life)
{
	uint64_t one = 1;

	/* Fails only when the counter is full: then it is readable already. */
	(void)!write(life->stop_fd, &one, sizeof(one));
}

static void on_signal(const struct sink_life *life)
{
	struct signalfd_siginfo info;

	if (read(life->signal_fd, &info, sizeof(info)) != sizeof(info))
		return;
	if (info.ssi_signo == SIGUSR1)
		counts_write(life);
	else if (info.ssi_signo == SIGTERM || info.ssi_signo == SIGINT)
		life_stop(life);
}

/* What is said on watch_fd is of no interest, only that it ends. */
static void on_watch(const struct sink_life *life)
{
	char said[256];
	ssize_t n = read(life->watch_fd, said, sizeof(said));

	if (n == 0 || (n == -1 && errno != EINTR && errno != EAGAIN))
		life_stop(life);
}

static void *life_watch(void *arg)
{
	const struct sink_life *life = arg;
	struct pollfd fds[] = {
		{ .fd = life->stop_fd, .events = POLLIN },
		{ .fd = life->signal_fd, .events = POLLIN },
		{ .fd = life->watch_fd, .events = POLLIN }, /* poll passes over a negative one */
	};

	for (;;) {
		if (poll(fds, sizeof(fds) / sizeof(*fds), -1) == -1)
			continue;
		if (fds[0].revents)
			return NULL;
		if (fds[1].revents)
			on_signal(life);
		if (fds[2].revents)
			on_watch(life);
	}
}

static int life_open(struct sink_life *life, sigset_t *old, struct sq_err *err)
{
	sigemptyset(&life->signals);
	sigaddset(&life->signals, SIGTERM);
	sigaddset(&life->signals, SIGINT);
	sigaddset(&life->signals, SIGUSR1);
	sigaddset(&life->signals, SIGPIPE); /* blocked, so that write says EPIPE */
	pthread_sigmask(SIG_BLOCK, &life->signals, old);
	life->signal_fd = signalfd(-1, &life->signals, SFD_NONBLOCK | SFD_CLOEXEC);
	life->stop_fd = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
	if (life->signal_fd == -1 || life->stop_fd == -1)
		return sq_err_set(err, -errno, "sink",
				  "cannot make a descriptor: %s; raise the limit of open files",
				  strerrordesc_np(errno));
	return 0;
}

/* old: the mask to restore; NULL leaves the signals blocked. */
static void life_close(struct sink_life *life, const sigset_t *old)
{
	if (life->signal_fd != -1)
		close(life->signal_fd);
	if (life->stop_fd != -1)
		close(life->stop_fd);
	if (old)
		pthread_sigmask(SIG_SETMASK, old, NULL);
}

static int life_serve(struct sink_life *life, struct sq_err *err)
{
	pthread_t watcher;
	int rc = pthread_create(&watcher, NULL, life_watch, life);

	if (rc != 0)
		return sq_err_set(err, -rc, "sink",
				  "cannot start a thread: %s; raise the limit of processes",
				  strerrordesc_np(rc));
	rc = life->sink->serve(life->state, life->stop_fd, err);
	life_stop(life);
	pthread_join(watcher, NULL);
	counts_write(life);
	return rc;
}

int sq_sink_run(const struct sq_kind *kind, const void *conf, int watch_fd, int out_fd,
		void (*ready)(void *arg), void *arg, struct sq_err *err)
{
	const struct sq_sink *sink = (const struct sq_sink *)kind; /* kind is its first member */
	struct sink_life life = {
		.sink = sink,
		.watch_fd = watch_fd,
		.out_fd = out_fd,
		.signal_fd = -1,
		.stop_fd = -1,
	};
	sigset_t old;
	int rc;

	life.state = sq_alloc(sink->state_size ? sink->state_size : 1);
	rc = life_open(&life, &old, err);
	if (rc == 0)
		rc = sink->open(life.state, conf, err);
	if (rc == 0) {
		if (ready)
			ready(arg);
		rc = life_serve(&life, err);
		sink->close(life.state);
	}
	life_close(&life, rc == 0 ? NULL : &old);
	free(life.state);
	return rc;
}
