/* What the tests of the DNS sink share: a network namespace of the test's own, a sink's process and
 * its counts, and a client.  Included by one test program each, so all of it is static. */
#ifndef SQ_TESTS_UNIT_LOADGEN_SINK_DNS_H
#define SQ_TESTS_UNIT_LOADGEN_SINK_DNS_H

#include <arpa/inet.h>
#include <net/if.h>
#include <netinet/in.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/wait.h>

#include <errno.h>
#include <poll.h>
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
#include "base/mem.h"
#include "loadgen/dns/wire.h"
#include "loadgen/engine/sink.h"

#define LISTEN "\"listen\": \"127.0.0.1:5300\""

enum { PORT = 5300, BATCH = 100 };

extern const struct sq_sink sq_sink_dns;

/* ---- a sink's process ---- */

struct running {
	pid_t pid;
	int watch;
	FILE *counts;
};

static pid_t running_pid; /* what a failed test leaves behind */

static inline void *conf_new(const char *text)
{
	struct sq_opt_ctx ctx = { .file = "test" };
	struct sq_err err = { 0 };
	json_t *object = json_loads(text, 0, NULL);
	void *conf = sq_alloc(sq_sink_dns.kind.conf_size);

	assert_non_null(object);
	if (sq_opt_parse(&ctx, sq_sink_dns.kind.opts, object, "", conf, &err) < 0)
		fail_msg("%s: %s", err.where, err.text);
	json_decref(object);
	return conf;
}

static inline void conf_free(void *conf)
{
	sq_opt_fini(sq_sink_dns.kind.opts, conf);
	free(conf);
}

static inline void say_ready(void *arg)
{
	const int *fd = arg;

	if (write(*fd, "+", 1) != 1)
		_exit(9);
	close(*fd);
}

static inline void sink_become(const char *text, int watch, int counts, int ready)
{
	void *conf = conf_new(text);
	struct sq_err err = { 0 };
	int rc = sq_sink_run(&sq_sink_dns.kind, conf, watch, counts, say_ready, &ready, &err);

	if (rc < 0)
		fprintf(stderr, "sink: %s: %s\n", err.where, err.text);
	conf_free(conf);
	exit(rc < 0 ? 1 : 0); /* not _exit: leak checks run at exit */
}

static inline struct running sink_start(const char *text)
{
	struct running r;
	int watch[2], counts[2], ready[2];
	char byte;

	assert_int_equal(pipe(watch) | pipe(counts) | pipe(ready), 0);
	fflush(stdout);
	r.pid = fork();
	assert_int_not_equal(r.pid, -1);
	if (r.pid == 0) {
		close(watch[1]);
		sink_become(text, watch[0], counts[1], ready[1]);
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
	counts = json_loads(line, 0, NULL);
	assert_non_null(counts);
	return counts;
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

static inline json_t *counts_ask(struct running *r)
{
	assert_int_equal(kill(r->pid, SIGUSR1), 0);
	return counts_next(r);
}

/* Asks until the sink has seen it. */
static inline void counts_wait(struct running *r, const char *name, json_int_t want)
{
	int64_t until = sq_now_ns() + 5 * SQ_SEC;
	json_int_t got;

	do {
		json_t *counts = counts_ask(r);

		got = count_of(counts, name);
		json_decref(counts);
		if (got != want)
			sq_sleep_until(sq_now_ns() + SQ_MS);
	} while (got != want && sq_now_ns() < until);
	if (got != want)
		fail_msg("%s: got %lld, want %lld", name, (long long)got, (long long)want);
}

static inline json_t *sink_stop(struct running *r)
{
	json_t *last;
	int status;

	close(r->watch);
	last = counts_next(r);
	assert_int_equal(fgetc(r->counts), EOF);
	assert_int_equal(waitpid(r->pid, &status, 0), r->pid);
	running_pid = 0;
	assert_int_equal(status, 0);
	fclose(r->counts);
	return last;
}

struct count_case {
	const char *name;
	json_int_t want;
};

/* Stops it; its last counts must be these.  The list ends with a NULL name. */
static inline void sink_stop_with(struct running *r, const struct count_case *want)
{
	json_t *counts = sink_stop(r), *n;
	const char *name;
	json_int_t failed = 0;

	json_object_foreach(json_object_get(counts, "send_errors"), name, n)
		failed += json_integer_value(n);
	assert_int_equal(count_of(counts, "queries"), count_of(counts, "answered") +
							      count_of(counts, "dropped") +
							      count_of(counts, "waiting") + failed);
	for (; want->name; want++)
		if (count_of(counts, want->name) != want->want) {
			char *text = json_dumps(counts, 0);

			fail_msg("%s: got %lld, want %lld in %s", want->name,
				 (long long)count_of(counts, want->name), (long long)want->want,
				 text);
		}
	json_decref(counts);
}

static inline int64_t cpu_ns(pid_t pid)
{
	struct timespec used;
	clockid_t clock;

	assert_int_equal(clock_getcpuclockid(pid, &clock), 0);
	assert_int_equal(clock_gettime(clock, &used), 0);
	return used.tv_sec * SQ_SEC + used.tv_nsec;
}

/* A sink without work sleeps. */
static inline void assert_sleeps(const struct running *r)
{
	int64_t before = cpu_ns(r->pid);

	sq_sleep_until(sq_now_ns() + 300 * SQ_MS);
	assert_in_range(cpu_ns(r->pid) - before, 0, 10 * SQ_MS);
}

/* ---- a client ---- */

static inline int dial(uint32_t address)
{
	struct sockaddr_in to = {
		.sin_family = AF_INET,
		.sin_port = htons(PORT),
		.sin_addr.s_addr = htonl(address),
	};
	struct timeval limit = { .tv_sec = 5 };
	int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);

	assert_int_not_equal(fd, -1);
	setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof(limit));
	assert_int_equal(connect(fd, (struct sockaddr *)&to, sizeof(to)), 0);
	return fd;
}

static inline size_t query_make(const char *name, uint16_t type, uint16_t id, uint8_t *out)
{
	struct sq_dns_question question = { .type = type, .class = SQ_DNS_CLASS_IN };
	size_t len;

	assert_int_equal(sq_dns_name_parse(name, strlen(name), &question.name, NULL), 0);
	len = sq_dns_query_write(&question, SQ_DNS_RD, NULL, out);
	sq_dns_put16(out, id);
	return len;
}

static inline void ask(int fd, uint16_t id)
{
	uint8_t query[SQ_DNS_QUERY_MAX];
	size_t len = query_make("www.example.test", SQ_DNS_TYPE_A, id, query);

	assert_int_equal(send(fd, query, len, 0), len);
}

/* Waits for one reply; its ID. */
static inline uint16_t reply_await(int fd)
{
	uint8_t reply[512];

	assert_true(recv(fd, reply, sizeof(reply), 0) > SQ_DNS_HEADER);
	return sq_dns_get16(reply);
}

/* What is here at once; how many. */
static inline int replies_drain(int fd)
{
	uint8_t reply[512];
	int n = 0;

	while (recv(fd, reply, sizeof(reply), MSG_DONTWAIT) > 0)
		n++;
	return n;
}

/* ---- the namespace ---- */

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
	int fd, rc;

	(void)state;
	if (unshare(CLONE_NEWNET | (geteuid() == 0 ? 0 : CLONE_NEWUSER)) == -1) {
		perror("unshare: no network namespace to be had");
		return -1;
	}
	fd = socket(AF_INET, SOCK_DGRAM, 0);
	rc = ioctl(fd, SIOCSIFFLAGS, &lo);
	close(fd);
	return rc;
}

#endif
