/* What the tests of the engine and its TCP driver share: a network namespace of the test's own, a
 * small server, and a worker process run to its end, with what it spooled.  Included by one test
 * program each, so all of it is static. */
#ifndef SQ_TESTS_UNIT_LOADGEN_BENCH_H
#define SQ_TESTS_UNIT_LOADGEN_BENCH_H

#include <arpa/inet.h>
#include <net/if.h>
#include <netinet/in.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/wait.h>

#include <errno.h>
#include <fcntl.h>
#include <math.h>
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
#include <unistd.h>

#include <cmocka.h>

#include "base/clock.h"
#include "base/ctl.h"
#include "base/mem.h"
#include "loadgen/engine/driver.h"
#include "loadgen/engine/worker.h"
#include "results/hist.h"
#include "results/spool.h"

/* ---- the namespace ---- */

static inline void net_enter(void)
{
	struct ifreq lo = { .ifr_name = "lo", .ifr_flags = IFF_UP };
	int fd;

	if (unshare(geteuid() ? CLONE_NEWUSER | CLONE_NEWNET : CLONE_NEWNET) == -1) {
		perror("unshare");
		exit(1);
	}
	fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	if (fd == -1 || ioctl(fd, SIOCSIFFLAGS, &lo) == -1) {
		perror("loopback");
		exit(1);
	}
	close(fd);
}

/* Of this namespace alone. */
static inline void net_sysctl(const char *name, const char *value)
{
	char path[256];
	int fd;

	snprintf(path, sizeof(path), "/proc/sys/net/ipv4/%s", name);
	fd = open(path, O_WRONLY | O_CLOEXEC);
	assert_true(fd >= 0);
	assert_true(write(fd, value, strlen(value)) == (ssize_t)strlen(value));
	close(fd);
}

/* What loopback carries from now on, and how many bytes may wait for it. */
static inline void net_narrow(const char *rate, int limit)
{
	char command[128];

	snprintf(command, sizeof(command),
		 "tc qdisc add dev lo root tbf rate %s burst 1600 limit %d", rate, limit);
	assert_int_equal(system(command), 0);
}

static inline void net_wide(void)
{
	assert_int_equal(system("tc qdisc del dev lo root"), 0);
}

static inline int64_t net_counter(const char *wanted)
{
	static char names[8192], values[8192];
	FILE *f = fopen("/proc/self/net/netstat", "re");
	int64_t found = -1;

	assert_non_null(f);
	while (found < 0 && fgets(names, sizeof(names), f) && fgets(values, sizeof(values), f)) {
		char *n_save, *v_save;
		char *n = strtok_r(names, " \n", &n_save), *v = strtok_r(values, " \n", &v_save);

		for (; n && v;
		     n = strtok_r(NULL, " \n", &n_save), v = strtok_r(NULL, " \n", &v_save))
			if (strcmp(n, wanted) == 0)
				found = strtoll(v, NULL, 10);
	}
	fclose(f);
	assert_true(found >= 0);
	return found;
}

/* ---- a server ---- */

struct server {
	int fd; /* listening */
	struct sockaddr_in addr;
	pid_t pid; /* 0: nobody accepts */
};

static inline struct server server_listen(int backlog)
{
	struct server s = { .addr = { .sin_family = AF_INET } };
	socklen_t len = sizeof(s.addr);

	s.addr.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	s.fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	assert_true(s.fd >= 0);
	assert_int_equal(bind(s.fd, (struct sockaddr *)&s.addr, sizeof(s.addr)), 0);
	if (backlog >= 0)
		assert_int_equal(listen(s.fd, backlog), 0);
	assert_int_equal(getsockname(s.fd, (struct sockaddr *)&s.addr, &len), 0);
	return s;
}

struct greeter {
	int64_t greet_ns;
	bool close_now;
};

struct served {
	int fd;
	int64_t greet_ns; /* SQ_NEVER: greeted, or not to be */
};

/* Accepts, greets after greet_ns (< 0: never; close_now: closes instead), and closes with its
 * peer.  A loop over poll(2): short enough to be seen to be right. */
static inline void server_loop(int listen_fd, int64_t greet_ns, bool close_now)
{
	static struct served conns[16384];
	static struct pollfd fds[16385];
	size_t n = 0;

	for (;;) {
		int64_t wake = SQ_NEVER, now;
		struct timespec ts;
		int fd;

		fds[0] = (struct pollfd){ .fd = listen_fd, .events = POLLIN };
		for (size_t i = 0; i < n; i++) {
			fds[i + 1] = (struct pollfd){ .fd = conns[i].fd, .events = POLLIN };
			wake = conns[i].greet_ns < wake ? conns[i].greet_ns : wake;
		}
		now = sq_now_ns();
		wake = wake == SQ_NEVER ? SQ_SEC : wake > now ? wake - now : 0;
		ts = (struct timespec){ .tv_sec = wake / SQ_SEC, .tv_nsec = wake % SQ_SEC };
		ppoll(fds, n + 1, &ts, NULL);
		now = sq_now_ns();
		for (size_t i = n; i-- > 0;) {
			char bytes[64];
			bool over = fds[i + 1].revents && recv(conns[i].fd, bytes, 64, 0) <= 0;

			if (!over && conns[i].greet_ns <= now) {
				over = close_now || send(conns[i].fd, "220\n", 4, MSG_NOSIGNAL) < 0;
				conns[i].greet_ns = SQ_NEVER;
			}
			if (!over)
				continue;
			close(conns[i].fd);
			conns[i] = conns[--n];
		}
		while (n < 16384 && (fd = accept4(listen_fd, NULL, NULL, SOCK_CLOEXEC)) >= 0)
			conns[n++] = (struct served){ fd, greet_ns >= 0 ? sq_now_ns() + greet_ns
									: SQ_NEVER };
	}
}

/* For a server that waits in accept. */
static inline void server_block(const struct server *s)
{
	assert_int_equal(fcntl(s->fd, F_SETFL, 0), 0);
}

/* Serves in a process of its own. */
static inline void server_fork(struct server *s, void (*serve)(int listener, void *arg), void *arg)
{
	fflush(stdout);
	s->pid = fork();
	assert_true(s->pid >= 0);
	if (s->pid != 0)
		return;
	/* A test that failed does not come to its server_stop. */
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	serve(s->fd, arg);
	_exit(0);
}

static inline void greeter_serve(int listener, void *arg)
{
	const struct greeter *g = arg;
	struct rlimit nofile = { 20000, 20000 };

	setrlimit(RLIMIT_NOFILE, &nofile);
	server_loop(listener, g->greet_ns, g->close_now);
}

static inline void server_start(struct server *s, int64_t greet_ns, bool close_now)
{
	struct greeter g = { greet_ns, close_now };

	server_fork(s, greeter_serve, &g);
}

static inline void server_stop(struct server *s)
{
	if (s->pid) {
		kill(s->pid, SIGKILL);
		waitpid(s->pid, NULL, 0);
	}
	close(s->fd);
}

/* ---- a worker's run ---- */

struct bench {
	struct sq_scenario scenario;
	struct sq_host_plan host;
	struct sq_load_spec spec;
	struct sq_load_plan load;
	struct sq_plan plan;
	/* what the test wants beside the plan */
	rlim_t nofile;       /* hard limit of the worker; 0: as it is */
	rlim_t fsize;        /* and of its files */
	const char *command; /* to send after command_ns; "": the end of the channel */
	int64_t command_ns;
	int64_t asleep_ns, awake_ns; /* the worker is stopped from then to then; 0: never */
	/* what it got */
	int status;
	char said[SQ_CTL_LINE]; /* the last line before the end */
	int64_t took_ns;        /* from t0 to "done" */
	int64_t scheduled, sent;
	json_t *outcomes; /* {"code@phase": n}, and "code@phase/effort i": n */
	json_t *counts;   /* {"name": n} */
	struct sq_hist *from_due, *lag;
	double cpu_s;
	bool done; /* the spool's record */
	struct sq_live_lane live;
};

static inline const struct sq_kind *bench_kind(const char *driver)
{
	const struct sq_kind *const *kinds = sq_driver_kinds();

	while (*kinds && strcmp((*kinds)->name, driver) != 0)
		kinds++;
	assert_non_null(*kinds);
	return *kinds;
}

/* A plan of one load by that driver, which is not prepared, to that address. */
static inline void bench_plan(struct bench *b, const struct sq_kind *kind, const char *conf,
			      const void *addr, socklen_t addr_len)
{
	struct sq_opt_ctx ctx = { .file = "test" };
	struct sq_err err = { 0 };
	json_t *object = json_loads(conf, 0, NULL);

	*b = (struct bench){ .scenario = { .bin_ns = 100 * SQ_MS },
			     .host = { .name = "client", .loads = true },
			     .spec = { .name = (char *)"storm",
				       .threads = 2,
				       .duration_ns = SQ_SEC,
				       .timeout_ns = 800 * SQ_MS,
				       .count = SQ_OPT_UNSET,
				       .max_in_flight = 10000,
				       .max_open = SQ_OPT_UNSET,
				       .workers = 1 } };
	b->spec.arrivals = (struct sq_arrivals_spec){ .rate_per_s = NAN, .poisson_per_s = NAN };
	b->spec.driver = (struct sq_plug){ .kind = kind, .conf = sq_alloc(kind->conf_size) };
	assert_non_null(object);
	if (sq_opt_parse(&ctx, kind->opts, object, "", b->spec.driver.conf, &err) < 0)
		fail_msg("%s: %s", err.where, err.text);
	json_decref(object);
	b->load = (struct sq_load_plan){ .spec = &b->spec };
	memcpy(&b->load.target.addr, addr, addr_len);
	b->load.target.len = addr_len;
	b->plan = (struct sq_plan){ .scenario = &b->scenario,
				    .seed = 1,
				    .hosts = &b->host,
				    .n_hosts = 1,
				    .loads = &b->load,
				    .n_loads = 1 };
	b->outcomes = json_object();
	b->counts = json_object();
	b->from_due = sq_hist_new(SQ_HIST_FINE);
	b->lag = sq_hist_new(SQ_HIST_FINE);
}

static inline void bench_init(struct bench *b, const struct server *s, const char *conf)
{
	bench_plan(b, bench_kind("tcp"), conf, &s->addr, sizeof(s->addr));
}

static inline void bench_fini(struct bench *b)
{
	free(b->spec.driver.conf);
	json_decref(b->outcomes);
	json_decref(b->counts);
	sq_hist_free(b->from_due);
	sq_hist_free(b->lag);
}

static inline void bench_add(json_t *sums, const char *key, const json_t *n)
{
	json_int_t sum = json_integer_value(json_object_get(sums, key)) + json_integer_value(n);

	json_object_set_new(sums, key, json_integer(sum));
}

static inline int bench_record(json_t *r, void *arg, struct sq_err *err)
{
	struct bench *b = arg;
	const char *k = json_string_value(json_object_get(r, "k")), *name;
	json_t *list = json_object_get(r, "scheduled"), *hist = json_object_get(r, "hist"), *o, *e;
	size_t i, j;

	(void)err;
	if (strcmp(k, "done") == 0)
		b->done = true;
	if (strcmp(k, "usage") == 0)
		b->cpu_s = json_number_value(json_object_get(json_object_get(r, "cpu_s"), "storm"));
	if (strcmp(k, "tally") != 0)
		return 0;
	for (i = 1; i < json_array_size(list); i += 2)
		b->scheduled += json_integer_value(json_array_get(list, i));
	b->sent += json_integer_value(json_object_get(r, "sent"));
	json_object_foreach(json_object_get(r, "counts"), name, e)
		bench_add(b->counts, name, e);
	json_array_foreach(json_object_get(r, "outcomes"), i, o) {
		char key[128], effort[160];

		snprintf(key, sizeof(key), "%s@%s", json_string_value(json_object_get(o, "code")),
			 json_string_value(json_object_get(o, "phase")));
		bench_add(b->outcomes, key, json_object_get(o, "n"));
		json_array_foreach(json_object_get(o, "effort"), j, e) {
			snprintf(effort, sizeof(effort), "%s/%zu", key, j);
			bench_add(b->outcomes, effort, e);
		}
	}
	assert_int_equal(sq_hist_merge_json(b->from_due, json_object_get(hist, "from_due")), 0);
	assert_int_equal(sq_hist_merge_json(b->lag, json_object_get(hist, "lag")), 0);
	return 0;
}

static inline int64_t bench_n(const struct bench *b, const char *key)
{
	return json_integer_value(json_object_get(b->outcomes, key));
}

static inline int64_t bench_count(const struct bench *b, const char *name)
{
	return json_integer_value(json_object_get(b->counts, name));
}

static inline int64_t bench_all(const struct bench *b)
{
	const char *key;
	json_t *n;
	int64_t sum = 0;

	json_object_foreach(b->outcomes, key, n)
		if (!strchr(key, '/'))
			sum += json_integer_value(n);
	return sum;
}

static inline void bench_print(const struct bench *b)
{
	char *text = json_dumps(b->outcomes, JSON_COMPACT | JSON_SORT_KEYS);

	printf("  scheduled %lld sent %lld %s cpu %.3f s\n", (long long)b->scheduled,
	       (long long)b->sent, text, b->cpu_s);
	if (sq_hist_count(b->from_due))
		printf("  from due: p50 %.3f ms p99 %.3f ms max %.3f ms\n",
		       (double)sq_hist_percentile(b->from_due, 50) / 1e6,
		       (double)sq_hist_percentile(b->from_due, 99) / 1e6,
		       (double)sq_hist_max(b->from_due) / 1e6);
	if (sq_hist_count(b->lag))
		printf("  lag: p50 %.3f ms p99 %.3f ms max %.3f ms\n",
		       (double)sq_hist_percentile(b->lag, 50) / 1e6,
		       (double)sq_hist_percentile(b->lag, 99) / 1e6,
		       (double)sq_hist_max(b->lag) / 1e6);
	free(text);
}

static inline void bench_talk(struct bench *b, int ctl, pid_t pid)
{
	char line[SQ_CTL_LINE];
	int64_t t0 = sq_now_ns() + 50 * SQ_MS;
	int len = sq_ctl_recv(ctl, line, 10 * SQ_SEC);

	if (len > 0)
		memcpy(b->said, line, (size_t)len + 1);
	if (strcmp(b->said, "ready") != 0)
		return;
	sq_ctl_send(ctl, "go %lld", (long long)t0);
	if (b->asleep_ns) {
		sq_sleep_until(t0 + b->asleep_ns);
		kill(pid, SIGSTOP);
		sq_sleep_until(t0 + b->awake_ns);
		kill(pid, SIGCONT);
	}
	if (b->command) {
		sq_sleep_until(t0 + b->command_ns);
		if (!*b->command)
			return;
		sq_ctl_send(ctl, "%s", b->command);
	}
	len = sq_ctl_recv(ctl, line, 60 * SQ_SEC);
	b->took_ns = sq_now_ns() - t0;
	if (len > 0)
		memcpy(b->said, line, (size_t)len + 1);
}

static inline int bench_child(struct bench *b, struct sq_live *live, int ctl, int dirfd)
{
	if (b->nofile)
		setrlimit(RLIMIT_NOFILE, &(struct rlimit){ b->nofile, b->nofile });
	if (b->fsize)
		setrlimit(RLIMIT_FSIZE, &(struct rlimit){ b->fsize, b->fsize });
	return sq_worker_main(&(struct sq_worker_job){
		.plan = &b->plan, .live = live, .ctl = ctl, .dirfd = dirfd });
}

/* Runs the worker in a process of its own and reads its spool, each record by `record` (bench_record,
 * or what calls it). */
static inline void bench_run_with(struct bench *b,
				  int (*record)(json_t *r, void *arg, struct sq_err *err),
				  void *arg)
{
	char dir[] = "/tmp/sq-engine-XXXXXX", spool[64], path[128];
	struct sq_live *live = sq_live_new((size_t)b->spec.threads);
	struct sq_err err = { 0 };
	int ctl[2], dirfd, torn = 0;
	pid_t pid;

	assert_non_null(live);
	assert_non_null(mkdtemp(dir));
	dirfd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	assert_int_equal(sq_ctl_pair(ctl), 0);
	fflush(stdout);
	pid = fork();
	if (pid == 0) {
		close(ctl[0]);
		exit(bench_child(b, live, ctl[1], dirfd));
	}
	close(ctl[1]);
	bench_talk(b, ctl[0], pid);
	close(ctl[0]);
	assert_int_equal(waitpid(pid, &b->status, 0), pid);
	close(dirfd);
	snprintf(spool, sizeof(spool), "%s/spool", dir);
	snprintf(path, sizeof(path), "%s/load-client.jsonl", spool);
	if (sq_spool_read(path, record, arg, &torn, &err) < 0)
		fail_msg("%s: %s", err.where, err.text);
	unlink(path);
	rmdir(spool);
	rmdir(dir);
	for (int64_t i = 0; i < b->spec.threads; i++) {
		b->live.scheduled += live->lane[i].scheduled;
		b->live.ok += live->lane[i].ok;
		b->live.failed += live->lane[i].failed;
		b->live.other += live->lane[i].other;
		b->live.in_flight += live->lane[i].in_flight;
	}
	sq_live_free(live);
}

static inline void bench_run(struct bench *b)
{
	bench_run_with(b, bench_record, b);
}

/* Prints what came of it, and checks what holds of every run that was not cut short. */
static inline void bench_check(const struct bench *b)
{
	bench_print(b);
	assert_int_equal(b->status, 0);
	assert_string_equal(b->said, "done");
	assert_true(b->done);
	assert_int_equal(bench_all(b), b->scheduled);
	assert_int_equal(b->live.scheduled, b->scheduled);
	assert_int_equal(b->live.ok + b->live.failed + b->live.other, b->scheduled);
	assert_int_equal(b->live.in_flight, 0);
}

static inline void bench_run_done(struct bench *b)
{
	bench_run(b);
	bench_check(b);
}

#endif
