/* What the tests of sinks with a process of their own share: that process, and the counts it leaves.
 *
 * Each test forks a sink in a network namespace of the test's own, talks to it over loopback, and
 * reads its counts.  The sink runs in a process because that is what sq_sink_run is for: it owns the
 * process's signals.  sink_tcp.h and sink_dns.h say which sink.  Included by one test program each, so
 * all of it is static. */
#ifndef SQ_TESTS_UNIT_LOADGEN_SINK_BENCH_H
#define SQ_TESTS_UNIT_LOADGEN_SINK_BENCH_H

#include <arpa/inet.h>
#include <net/if.h>
#include <netinet/in.h>
#include <sys/ioctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/wait.h>

#include <errno.h>
#include <sched.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/clock.h"
#include "base/json.h"
#include "base/mem.h"
#include "loadgen/engine/sink.h"

struct running {
	pid_t pid;
	int watch;    /* closing it ends the sink */
	FILE *counts; /* a line at each SIGUSR1, and the last */
};

static pid_t running_pid; /* what a failed test leaves behind */

static inline void *conf_new(const struct sq_kind *kind, const char *text)
{
	struct sq_opt_ctx ctx = { .file = "test" };
	struct sq_err err = { 0 };
	json_t *object = json_loads(text, 0, NULL);
	void *conf = sq_alloc(kind->conf_size);

	assert_non_null(object);
	if (sq_opt_parse(&ctx, kind->opts, object, "", conf, &err) < 0)
		fail_msg("%s: %s", err.where, err.text);
	json_decref(object);
	return conf;
}

static inline void conf_free(const struct sq_kind *kind, void *conf)
{
	sq_opt_fini(kind->opts, conf);
	free(conf);
}

static inline void say_ready(void *arg)
{
	const int *fd = arg;

	if (write(*fd, "+", 1) != 1)
		_exit(9);
	close(*fd);
}

/* The child: never returns into cmocka. */
static inline void sink_become(const struct sq_kind *kind, void *conf, int watch, int counts,
			       int ready)
{
	struct sq_err err = { 0 };
	int rc = sq_sink_run(kind, conf, watch, counts, say_ready, &ready, &err);

	if (rc < 0)
		fprintf(stderr, "sink: %s: %s\n", err.where, err.text);
	conf_free(kind, conf);
	exit(rc < 0 ? 1 : 0); /* not _exit: leak checks run at exit */
}

/* nofile: the sink's limit of descriptors; 0 leaves it. */
static inline struct running sink_fork(const struct sq_kind *kind, const char *text, rlim_t nofile)
{
	struct running r;
	int watch[2], counts[2], ready[2];
	char byte;

	assert_int_equal(pipe(watch) | pipe(counts) | pipe(ready), 0);
	fflush(stdout);
	r.pid = fork();
	assert_int_not_equal(r.pid, -1);
	if (r.pid == 0) {
		struct rlimit limit = { nofile, nofile };

		close(watch[1]);
		if (nofile && setrlimit(RLIMIT_NOFILE, &limit) == -1)
			_exit(8);
		sink_become(kind, conf_new(kind, text), watch[0], counts[1], ready[1]);
	}
	running_pid = r.pid;
	close(watch[0]);
	close(counts[1]);
	close(ready[1]);
	r.watch = watch[1];
	r.counts = fdopen(counts[0], "r");
	assert_int_equal(read(ready[0], &byte, 1), 1);
	close(ready[0]);
	return r;
}

static inline json_t *counts_next(struct running *r)
{
	char line[8192];
	json_t *counts;

	assert_non_null(fgets(line, sizeof(line), r->counts));
	assert_int_equal(line[strlen(line) - 1], '\n');
	counts = json_loads(line, 0, NULL);
	assert_non_null(counts);
	return counts;
}

static inline json_t *counts_ask(struct running *r)
{
	assert_int_equal(kill(r->pid, SIGUSR1), 0);
	return counts_next(r);
}

/* "queries", or "send_errors.EPERM": 0 where an object has no such name. */
static inline json_int_t count_of(const json_t *counts, const char *name)
{
	const char *dot = strchr(name, '.');
	char first[64];
	const json_t *n;

	snprintf(first, sizeof(first), "%.*s", dot ? (int)(dot - name) : 63, name);
	n = json_object_get(counts, first);
	if (dot) {
		assert_true(json_is_object(n));
		return json_integer_value(json_object_get(n, dot + 1));
	}
	assert_true(json_is_integer(n));
	return json_integer_value(n);
}

/* Asks until the sink has seen it; the last answer counts. */
static inline json_t *counts_when(struct running *r, const char *name, json_int_t want)
{
	int64_t until = sq_now_ns() + 5 * SQ_SEC;
	json_t *counts = counts_ask(r);

	while (count_of(counts, name) != want && sq_now_ns() < until) {
		json_decref(counts);
		sq_sleep_until(sq_now_ns() + SQ_MS);
		counts = counts_ask(r);
	}
	if (count_of(counts, name) != want)
		fail_msg("%s: got %lld, want %lld", name, (long long)count_of(counts, name),
			 (long long)want);
	return counts;
}

static inline void counts_wait(struct running *r, const char *name, json_int_t want)
{
	json_decref(counts_when(r, name, want));
}

/* Waits for the end and returns the last line. */
static inline json_t *sink_ended(struct running *r)
{
	json_t *last = counts_next(r);
	int status;

	assert_int_equal(fgetc(r->counts), EOF);
	assert_int_equal(waitpid(r->pid, &status, 0), r->pid);
	running_pid = 0;
	assert_int_equal(status, 0);
	fclose(r->counts);
	if (r->watch != -1)
		close(r->watch);
	return last;
}

static inline json_t *sink_stop(struct running *r)
{
	close(r->watch);
	r->watch = -1;
	return sink_ended(r);
}

static inline int64_t cpu_ns(pid_t pid)
{
	struct timespec used;
	clockid_t clock;

	assert_int_equal(clock_getcpuclockid(pid, &clock), 0);
	assert_int_equal(clock_gettime(clock, &used), 0);
	return used.tv_sec * SQ_SEC + used.tv_nsec;
}

static inline int leftover_end(void **state)
{
	(void)state;
	if (running_pid) {
		kill(running_pid, SIGKILL);
		waitpid(running_pid, NULL, 0);
		running_pid = 0;
	}
	return 0;
}

/* A namespace of its own: fixed ports, and nobody else's traffic in the counts. */
static inline int world_make(void **state)
{
	struct ifreq lo = { .ifr_name = "lo", .ifr_flags = IFF_UP | IFF_RUNNING };
	int flags = CLONE_NEWNET | (geteuid() == 0 ? 0 : CLONE_NEWUSER);
	int fd, rc;

	(void)state;
	if (unshare(flags) == -1) {
		perror("unshare: no network namespace to be had");
		return -1;
	}
	fd = socket(AF_INET, SOCK_DGRAM, 0);
	rc = ioctl(fd, SIOCSIFFLAGS, &lo);
	close(fd);
	return rc;
}

#endif
