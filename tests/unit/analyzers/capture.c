/* The capture process as the keeper runs it: a forked child at the end of a channel. */
#include "analyzers/capture/capture.h"

#include <sys/stat.h>
#include <sys/wait.h>

#include <signal.h>

#include "analyzers/capture/feeds.h"
#include "analyzers/formats/stats_source.h"
#include "analyzers/source.h"
#include "base/ctl.h"
#include "spool_bench.h"

struct child {
	struct bench bench; /* its folder alone */
	pid_t pid;
	int ctl;
};

static struct sq_host_plan hosts[] = { { .name = "client" }, { .name = "server" } };

static void child_start_in(struct child *c, const struct sq_capture_plan *captures, size_t n)
{
	struct sq_plan plan = {
		.hosts = hosts,
		.n_hosts = 2,
		.captures = (struct sq_capture_plan *)captures,
		.n_captures = n,
	};
	int ctl[2];

	assert_int_equal(sq_ctl_pair(ctl), 0);
	c->pid = fork();
	if (c->pid == 0) {
		close(ctl[0]);
		_exit(sq_capture_main(&plan, 1, ctl[1], c->bench.dirfd));
	}
	close(ctl[1]);
	c->ctl = ctl[0];
}

static void child_start(struct child *c, const struct sq_capture_plan *captures, size_t n)
{
	bench_folder(&c->bench);
	child_start_in(c, captures, n);
}

/* Its next line, which must begin so. */
static void expect_line(struct child *c, const char *want)
{
	char line[SQ_CTL_LINE];
	int rc = sq_ctl_recv(c->ctl, line, 5 * SQ_SEC);

	if (rc <= 0 || strncmp(line, want, strlen(want)) != 0)
		fail_msg("got %d \"%s\", want \"%s\"", rc, rc > 0 ? line : "", want);
}

static int child_wait(struct child *c)
{
	int status = -1;

	assert_int_equal(waitpid(c->pid, &status, 0), c->pid);
	close(c->ctl);
	return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

/* What the main thread wrote: a source that blocks has a thread of its own, and ticks of its own. */
static json_t *child_records(struct child *c)
{
	json_t *records = bench_take_records(&c->bench, "capture-server");

	for (size_t i = json_array_size(records); i-- > 0;)
		if (json_object_get(json_array_get(records, i), "part"))
			json_array_remove(records, i);
	return records;
}

static void sleep_ns(int64_t ns)
{
	sq_sleep_until(sq_now_ns() + ns);
}

static const struct sq_capture_plan linux_capture[] = {
	{ .kind = &sq_source_group_linux, .host = 1, .interval_ns = 100 * SQ_MS },
	{ .kind = &sq_source_group_linux,
	  .host = 0,
	  .interval_ns = 1 * SQ_MS }, /* another host's */
};

/* How many of the 100 ms bins from t0 have a tick that ends in their last tenth. */
static size_t closed_bins(const json_t *records, int64_t t0_ns, size_t n_bins)
{
	size_t closed = 0;

	for (size_t bin = 0; bin < n_bins; bin++) {
		int64_t edge = t0_ns + (int64_t)(bin + 1) * 100 * SQ_MS;
		size_t i;
		json_t *r;

		json_array_foreach(records, i, r) {
			int64_t e = record_int(r, "e");

			if (record_is(r, "tick") && e < edge && e >= edge - 10 * SQ_MS) {
				closed++;
				break;
			}
		}
	}
	return closed;
}

static void check_order(const json_t *records)
{
	size_t i;
	json_t *r;
	int64_t last = 0;

	json_array_foreach(records, i, r) {
		if (!record_is(r, "tick"))
			continue;
		assert_true(record_int(r, "b") >= last);
		assert_true(record_int(r, "e") >= record_int(r, "b"));
		last = record_int(r, "e");
	}
}

static void test_a_run(void **state)
{
	struct child c;
	int64_t begin = sq_now_ns(), t0, stop;
	size_t ticks;
	json_t *records, *env, *done;

	(void)state;
	child_start(&c, linux_capture, 2);
	expect_line(&c, "ready");
	sleep_ns(230 * SQ_MS);
	t0 = sq_now_ns() + 60 * SQ_MS;
	sq_ctl_send(c.ctl, "go %lld", (long long)t0);
	sq_ctl_send(c.ctl, "drain");
	/* A terminal's Ctrl-C goes to all; only the supervisor decides. */
	kill(c.pid, SIGINT);
	kill(c.pid, SIGTERM);
	kill(c.pid, SIGHUP);
	sq_sleep_until(t0 + 1050 * SQ_MS);
	stop = sq_now_ns();
	sq_ctl_send(c.ctl, "stop");
	expect_line(&c, "done");
	assert_int_equal(child_wait(&c), 0);

	records = child_records(&c);
	assert_true(record_is(json_array_get(records, 0), "wall"));
	env = json_array_get(records, 1);
	assert_true(record_is(env, "env"));
	assert_string_equal(record_text(env, "host"), "server");
	assert_non_null(json_object_get(json_object_get(env, "environment"), "sysctls"));
	done = json_array_get(records, json_array_size(records) - 1);
	assert_true(record_is(done, "done"));
	assert_true(record_int(done, "t") >= stop);
	check_order(records);
	/* The first; some 2 before "go"; the one before t0 and the 10 that close bins; the last. */
	ticks = count_records(records, "tick");
	assert_in_range(ticks, 10, 4 + (stop - begin) / (100 * SQ_MS));
	/* A busy machine may be late once or twice. */
	assert_true(closed_bins(records, t0, 10) >= 8);
	assert_non_null(find_metric(records, "TcpExt.ListenOverflows", NULL));
	assert_int_equal(count_records(records, "restart"), 0);
	json_decref(records);
}

static const struct sq_kind *kind_named(const char *name)
{
	for (size_t i = 0; sq_sources[i]; i++)
		if (strcmp(sq_sources[i]->kind.name, name) == 0)
			return &sq_sources[i]->kind;
	return NULL;
}

/* A group and one of its members, asked for more often: read once, at the shorter interval. */
static void test_a_source_named_twice(void **state)
{
	const struct sq_capture_plan captures[] = {
		{ .kind = &sq_source_group_linux, .host = 1, .interval_ns = 10 * SQ_SEC },
		{ .kind = kind_named("snmp"), .host = 1, .interval_ns = 50 * SQ_MS },
	};
	struct child c;
	json_t *records, *r;
	size_t i, named = 0;

	(void)state;
	child_start(&c, captures, 2);
	expect_line(&c, "ready");
	sleep_ns(500 * SQ_MS);
	sq_ctl_send(c.ctl, "stop");
	expect_line(&c, "done");
	assert_int_equal(child_wait(&c), 0);
	records = child_records(&c);
	assert_in_range(count_records(records, "tick"), 7, 13);
	json_array_foreach(records, i, r)
		named += record_is(r, "metric") &&
			 strcmp(record_text(r, "metric"), "Tcp.InSegs") == 0;
	assert_int_equal(named, 1);
	json_decref(records);
}

static int takes_long(void *state, struct sq_sample *s)
{
	(void)state;
	(void)s;
	sleep_ns(20 * SQ_MS);
	return 0;
}

static int opens(void *state, const void *conf, struct sq_sample *s, struct sq_err *err)
{
	(void)state;
	(void)conf;
	(void)s;
	(void)err;
	return 0;
}

/* What comes due while others are read is read next, not passed over. */
static void test_what_comes_due_in_a_tick(void **state)
{
	const struct sq_source source = {
		.kind = { .name = "slow" }, .state_size = 1, .open = opens, .sample = takes_long
	};
	struct bench b;
	struct sq_feeds fs;
	int64_t due_ns;

	(void)state;
	bench_open(&b);
	fs = (struct sq_feeds){ .sample = b.sample };
	for (int i = 0; i < 2; i++)
		sq_feeds_add(&fs, &source, NULL, SQ_SEC);
	assert_int_equal(sq_feeds_open(&fs, NULL), 0);
	due_ns = sq_now_ns();
	fs.v[1].due_ns = due_ns + SQ_MS;
	assert_int_equal(sq_feeds_tick(&fs, due_ns, NULL), 0);
	assert_true(sq_now_ns() > due_ns + SQ_MS);
	assert_true(fs.v[0].due_ns > due_ns + SQ_SEC / 2);
	assert_int_equal(sq_feeds_due(&fs), due_ns + SQ_MS);
	assert_int_equal(sq_feeds_tick(&fs, due_ns + SQ_MS, NULL), 0);
	assert_int_equal(fs.v[1].due_ns, due_ns + SQ_MS + SQ_SEC);
	sq_feeds_close(&fs);
	json_decref(bench_close(&b));
}

/* The time from tick to tick of a part, at most. */
static int64_t longest_step(const json_t *records, int64_t part, size_t *ret_ticks)
{
	int64_t last = 0, longest = 0;
	size_t i;
	json_t *r;

	*ret_ticks = 0;
	json_array_foreach(records, i, r) {
		if (!record_is(r, "tick") || record_int(r, "part") != part)
			continue;
		if (last && record_int(r, "e") - last > longest)
			longest = record_int(r, "e") - last;
		last = record_int(r, "e");
		++*ret_ticks;
	}
	return longest;
}

#define MBUFS "echo '1024/76/1100 mbufs in use (current/cache/total)'"

/* A command that takes long delays nobody else. */
static void test_what_waits_has_its_own_thread(void **state)
{
	char command[] = "sleep 0.3; " MBUFS;
	const struct sq_stats_command_conf conf = { .command = command, .timeout_ns = SQ_SEC };
	const struct sq_capture_plan captures[] = {
		{ .kind = kind_named("snmp"), .host = 1, .interval_ns = 50 * SQ_MS },
		{ .kind = kind_named("bsd_netstat_m"),
		  .conf = &conf,
		  .host = 1,
		  .interval_ns = 50 * SQ_MS },
	};
	struct child c;
	json_t *records;
	size_t ticks;

	(void)state;
	child_start(&c, captures, 2);
	expect_line(&c, "ready");
	sleep_ns(1500 * SQ_MS);
	sq_ctl_send(c.ctl, "stop");
	expect_line(&c, "done");
	assert_int_equal(child_wait(&c), 0);
	records = bench_take_records(&c.bench, "capture-server");
	longest_step(records, 1, &ticks);
	assert_in_range(ticks, 3, 8);
	/* Of 30; a busy machine may be late now and then. */
	assert_true(longest_step(records, 0, &ticks) < 200 * SQ_MS);
	assert_true(ticks >= 24);
	assert_non_null(find_metric(records, "bsd.mbuf.mbuf_in_use", "current"));
	json_decref(records);
}

/* One that hangs at the end is left behind, and said to be. */
static void test_what_hangs_is_left_behind(void **state)
{
	char command[256];
	const struct sq_stats_command_conf conf = { .command = command, .timeout_ns = 60 * SQ_SEC };
	const struct sq_capture_plan captures[] = {
		{ .kind = kind_named("snmp"), .host = 1, .interval_ns = 50 * SQ_MS },
		{ .kind = kind_named("bsd_netstat_m"),
		  .conf = &conf,
		  .host = 1,
		  .interval_ns = 50 * SQ_MS },
	};
	struct child c;
	json_t *records, *event;
	char line[SQ_CTL_LINE];

	(void)state;
	bench_folder(&c.bench);
	snprintf(command, sizeof(command), "[ ! -e %s/on ] || exec sleep 100; " MBUFS, c.bench.dir);
	child_start_in(&c, captures, 2);
	expect_line(&c, "ready");
	assert_int_equal(mkdirat(c.bench.dirfd, "on", 0700), 0);
	sleep_ns(200 * SQ_MS);
	sq_ctl_send(c.ctl, "stop");
	assert_true(sq_ctl_recv(c.ctl, line, 10 * SQ_SEC) > 0);
	assert_string_equal(line, "done");
	assert_int_equal(child_wait(&c), 0);
	unlinkat(c.bench.dirfd, "on", AT_REMOVEDIR);
	records = bench_take_records(&c.bench, "capture-server");
	event = nth_record(records, "event", 0);
	assert_non_null(event);
	assert_string_equal(record_text(event, "source"), "bsd_netstat_m");
	assert_int_equal(count_records(records, "done"), 1);
	json_decref(records);
}

static void test_it_ends_with_its_supervisor(void **state)
{
	struct child c;
	int64_t began;
	json_t *records;

	(void)state;
	child_start(&c, linux_capture, 2);
	expect_line(&c, "ready");
	began = sq_now_ns();
	shutdown(c.ctl, SHUT_RDWR);
	child_wait(&c);
	assert_true(sq_now_ns() - began < SQ_SEC);
	/* What was read is there, but it doesn't say that it is all. */
	records = child_records(&c);
	assert_true(count_records(records, "tick") >= 1);
	assert_int_equal(count_records(records, "done"), 0);
	json_decref(records);
}

static void test_nothing_to_capture(void **state)
{
	struct child c;
	json_t *records;

	(void)state;
	child_start(&c, &linux_capture[1], 1);
	expect_line(&c, "ready");
	sq_ctl_send(c.ctl, "go 1");
	sq_ctl_send(c.ctl, "stop");
	expect_line(&c, "done");
	assert_int_equal(child_wait(&c), 0);
	records = child_records(&c);
	assert_int_equal(count_records(records, "env"), 1);
	assert_int_equal(count_records(records, "tick"), 0);
	assert_int_equal(count_records(records, "done"), 1);
	json_decref(records);
}

static void test_a_full_disk(void **state)
{
	struct child c;
	char path[128];

	(void)state;
	bench_folder(&c.bench);
	assert_int_equal(mkdirat(c.bench.dirfd, "spool", 0700), 0);
	assert_int_equal(symlinkat("/dev/full", c.bench.dirfd, "spool/capture-server.jsonl"), 0);
	child_start_in(&c, linux_capture, 2);
	expect_line(&c, "error ");
	assert_int_equal(child_wait(&c), 1);
	unlinkat(c.bench.dirfd, "spool/capture-server.jsonl", 0);
	unlinkat(c.bench.dirfd, "spool", AT_REMOVEDIR);
	snprintf(path, sizeof(path), "%s", c.bench.dir);
	rmdir(path);
	close(c.bench.dirfd);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_a_run),
		cmocka_unit_test(test_a_source_named_twice),
		cmocka_unit_test(test_what_comes_due_in_a_tick),
		cmocka_unit_test(test_what_waits_has_its_own_thread),
		cmocka_unit_test(test_what_hangs_is_left_behind),
		cmocka_unit_test(test_it_ends_with_its_supervisor),
		cmocka_unit_test(test_nothing_to_capture),
		cmocka_unit_test(test_a_full_disk),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
