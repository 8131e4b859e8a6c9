/* Processes that the test makes, and what the source says of them. */
#include "analyzers/kernel/process.h"

#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/wait.h>

#include <dirent.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <time.h>

#include "analyzers/kernel/threads.h"
#include "source_bench.h"

enum { SPARE = 500, NAME = 16 };

/* The source's own, as its table lays them out. */
struct conf {
	struct sq_strings name;
	char *pidfile;
	int64_t pid;
};

/* Of this program's alone: others on the machine may run the same tests.  Cut to 15 bytes, as comm is. */
static char *own_name(char out[NAME], const char *word)
{
	snprintf(out, NAME, "%05u-%.9s", (unsigned)getpid() % 100000, word);
	return out;
}

static void open_descriptors(int n)
{
	int fd = open("/dev/null", O_RDONLY);

	for (int i = 1; i < n; i++)
		dup(fd);
}

static int64_t cpu_ns(void)
{
	struct timespec t;

	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
	return t.tv_sec * SQ_SEC + t.tv_nsec;
}

/* Until it has had so much processor time in all. */
static void burn(int64_t ns)
{
	while (cpu_ns() < ns)
		;
}

/* A child of that name with SPARE descriptors more, 300 ms of processor time and one wait behind it,
 * which says so and then waits for its end. */
static pid_t child_start(const char *name)
{
	int said[2];
	char byte;
	pid_t pid;

	assert_int_equal(pipe(said), 0);
	pid = fork();
	if (pid == 0) {
		struct rlimit limit = { 2000, 3000 };

		prctl(PR_SET_PDEATHSIG, SIGKILL);
		prctl(PR_SET_NAME, name);
		setrlimit(RLIMIT_NOFILE, &limit);
		open_descriptors(SPARE);
		burn(300 * SQ_MS);
		sq_sleep_until(sq_now_ns() + SQ_MS);
		if (write(said[1], "+", 1) == 1)
			for (;;)
				pause();
		_exit(1);
	}
	assert_int_equal(read(said[0], &byte, 1), 1);
	close(said[0]);
	close(said[1]);
	return pid;
}

static void child_end(pid_t pid)
{
	kill(pid, SIGKILL);
	assert_int_equal(waitpid(pid, NULL, 0), pid);
}

static void stop(pid_t pid)
{
	int status;

	kill(pid, SIGSTOP);
	assert_int_equal(waitpid(pid, &status, WUNTRACED), pid);
}

static uint64_t listed(pid_t pid)
{
	char path[32];
	uint64_t n = 0;
	DIR *folder;
	const struct dirent *entry;

	snprintf(path, sizeof(path), "/proc/%d/fd", (int)pid);
	folder = opendir(path);
	assert_non_null(folder);
	while ((entry = readdir(folder)))
		n += entry->d_name[0] != '.';
	closedir(folder);
	return n;
}

static void test_parse(void **state)
{
	static const char after[] =
		" T 12 34 56 0 -1 4194304 1 0 0 0 150 50 0 0 20 0 3 0 99 1000 7 0";
	char text[256];
	struct sq_process_stat s;

	(void)state;
	snprintf(text, sizeof(text), "5 (a) b (c)%s", after);
	assert_true(sq_process_parse(text, &s));
	assert_string_equal(s.name, "a) b (c");
	assert_int_equal(s.state, 'T');
	assert_int_equal(s.parent, 12);
	assert_int_equal(s.session, 56);
	assert_int_equal(s.cpu_ms, 200 * 1000 / sysconf(_SC_CLK_TCK));
	assert_int_equal(s.threads, 3);
	assert_int_equal(s.rss_bytes, 7 * sysconf(_SC_PAGESIZE));
	for (size_t len = 0; len < strlen("5 (a) b (c) T 12 34 56 0 -1 4194304 1 0 0 0 150");
	     len++) {
		text[len] = '\0';
		assert_false(sq_process_parse(text, &s));
		snprintf(text, sizeof(text), "5 (a) b (c)%s", after);
	}
	assert_true(sq_process_parse("5 (\xff\x01)"
				     " S 1 1 1 0 -1 0 0 0 0 0 0 0 0 0 20 0 1 0 9 0 0",
				     &s));
	assert_string_equal(s.name, "??");
}

/* What the size of the folder says is what a listing finds. */
static void test_descriptors(void **state)
{
	pid_t pid = child_start("victim");
	int proc = open("/proc", O_RDONLY | O_DIRECTORY);
	struct sq_process p;
	uint64_t n, limit;

	(void)state;
	assert_int_equal(sq_process_open(&p, proc, pid), 0);
	assert_int_equal(sq_process_descriptors(&p, &n), 0);
	assert_int_equal(n, listed(pid));
	assert_true(n >= SPARE);
	assert_int_equal(sq_process_descriptor_limit(&p, &limit), 0);
	assert_int_equal(limit, 2000);
	assert_true(sq_process_same_network(&p));
	assert_true(sq_process_same_program(&p));
	child_end(pid);
	/* Its number may be another's by now; this is still its folder. */
	assert_int_equal(sq_process_read(&p, &(struct sq_process_stat){ 0 }), -ESRCH);
	sq_process_close(&p);
	assert_int_equal(sq_process_open(&p, proc, pid), -ENOENT);
	close(proc);
}

/* What it wanted since the reading before, where that counts. */
static void test_busiest(void **state)
{
	struct sq_threads t = { 0 };
	int proc = open("/proc", O_RDONLY | O_DIRECTORY);
	struct sq_process p;
	uint64_t before;

	(void)state;
	assert_int_equal(sq_process_open(&p, proc, getpid()), 0);
	assert_int_equal(sq_threads_read(&t, &p, true), 0);
	assert_int_equal(t.busiest_ns, 0); /* what was before is no rise */
	burn(cpu_ns() + 100 * SQ_MS);
	assert_int_equal(sq_threads_read(&t, &p, true), 0);
	assert_in_range(t.busiest_ns, 95 * SQ_MS, 20 * SQ_SEC);
	before = t.busiest_ns;
	burn(cpu_ns() + 20 * SQ_MS);
	assert_int_equal(sq_threads_read(&t, &p, false), 0);
	assert_int_equal(t.busiest_ns, before);
	close(proc);
	sq_process_close(&p);
	sq_threads_fini(&t);
}

/* Each lives for a moment; for the test's time. */
static void *thread_of_many(void *arg)
{
	return arg;
}

static void *start_many(void *arg)
{
	const atomic_bool *ends = arg;

	while (!atomic_load(ends)) {
		pthread_t one;

		if (pthread_create(&one, NULL, thread_of_many, NULL) == 0)
			pthread_join(one, NULL);
	}
	return NULL;
}

/* Threads that end while they are read take nothing from the others. */
static void test_busiest_of_many(void **state)
{
	struct sq_threads t = { 0 };
	int proc = open("/proc", O_RDONLY | O_DIRECTORY);
	struct sq_process p;
	atomic_bool ends = false;
	pthread_t maker;
	int64_t until_ns;

	(void)state;
	assert_int_equal(pthread_create(&maker, NULL, start_many, &ends), 0);
	assert_int_equal(sq_process_open(&p, proc, getpid()), 0);
	until_ns = sq_now_ns() + SQ_SEC;
	while (sq_now_ns() < until_ns)
		assert_int_equal(sq_threads_read(&t, &p, true), 0);
	atomic_store(&ends, true);
	pthread_join(maker, NULL);
	assert_true(t.busiest_ns > 200 * SQ_MS);
	sq_process_close(&p);
	close(proc);
	sq_threads_fini(&t);
}

static json_t *row_of(const json_t *records, const char *metric, const char *name, pid_t pid)
{
	char instance[64];

	snprintf(instance, sizeof(instance), "%s:%d", name, (int)pid);
	return find_metric(records, metric, instance);
}

static int64_t at_tick(const json_t *records, size_t tick, const json_t *row)
{
	assert_non_null(row);
	return tick_value(nth_record(records, "tick", tick), record_int(row, "i"));
}

/* Stopped, with many descriptors; and gone. */
static void test_by_number(void **state)
{
	static const char name[] = "vic tim";
	pid_t pid = child_start(name);
	struct conf conf = { .pid = pid };
	struct probe p;
	json_t *records;

	(void)state;
	probe_open_conf(&p, "process", &conf);
	bench_tick_empty(&p.bench);
	probe_tick(&p);
	stop(pid);
	probe_tick(&p);
	child_end(pid);
	probe_tick(&p);
	records = probe_close(&p);
	assert_in_range(at_tick(records, 1, row_of(records, "process.fds", name, pid)), SPARE,
			SPARE + 100);
	assert_int_equal(at_tick(records, 1, row_of(records, "process.fds_limit", name, pid)),
			 2000);
	assert_int_equal(at_tick(records, 1, row_of(records, "process.threads", name, pid)), 1);
	assert_true(at_tick(records, 1, row_of(records, "process.rss", name, pid)) > 100000);
	assert_in_range(at_tick(records, 1, row_of(records, "process.cpu", name, pid)), 280, 2000);
	assert_true(at_tick(records, 1, row_of(records, "process.switches_voluntary", name, pid)) >=
		    1);
	assert_int_equal(at_tick(records, 1, row_of(records, "process.stopped", name, pid)), 0);
	assert_int_equal(at_tick(records, 2, row_of(records, "process.stopped", name, pid)), 1);
	assert_int_equal(at_tick(records, 3, row_of(records, "process.stopped", name, pid)), 0);
	assert_int_equal(at_tick(records, 3, row_of(records, "process.fds", name, pid)), 0);
	assert_int_equal(at_tick(records, 3, row_of(records, "process.rss", name, pid)), 0);
	assert_int_equal(count_records(records, "event"), 1);
	assert_string_equal(record_text(nth_record(records, "event", 0), "text"),
			    "vic tim has ended, and no process that is watched is left");
	json_decref(records);
}

/* Read too seldom to say how busy threads are, it says nothing; it is no set of zeros. */
static void test_seldom_read(void **state)
{
	pid_t pid = child_start("seldom");
	struct conf conf = { .pid = pid };

	(void)state;
	for (int64_t gap_ns = 100 * SQ_MS; gap_ns <= 400 * SQ_MS; gap_ns += 300 * SQ_MS) {
		char instance[32];
		struct probe p;
		json_t *records;
		bool told;

		probe_open_conf(&p, "process", &conf);
		for (int i = 0; i < 4; i++) {
			probe_tick(&p);
			sq_sleep_until(sq_now_ns() + gap_ns);
		}
		records = probe_close(&p);
		snprintf(instance, sizeof(instance), "seldom:%d", (int)pid);
		told = last_value(records, "process.busiest", instance) != NOT_THERE;
		assert_int_equal(told, gap_ns < 250 * SQ_MS);
		json_decref(records);
	}
	child_end(pid);
}

/* Of the same program, so that their names alone tell them apart; one stands in a file as well. */
static void test_by_name_and_file(void **state)
{
	char named[NAME], other[NAME], cut[NAME], longer[NAME + 16];
	pid_t a = child_start(own_name(named, "name")), b = child_start(named),
	      c = child_start(own_name(other, "names")),
	      d = child_start(own_name(cut, "a-name-of-more-than-15"));
	char *names[] = { named, longer }, file[] = "/tmp/squall-unit-XXXXXX";
	struct conf conf = { .name = { names, 2 }, .pidfile = file, .pid = SQ_OPT_UNSET };
	struct probe p;
	json_t *records;
	char text[16];

	(void)state;
	snprintf(longer, sizeof(longer), "%s-and-more", cut);
	close(mkstemp(file));
	snprintf(text, sizeof(text), "%d\n", (int)a);
	write_text(file, text);
	probe_open_conf(&p, "process", &conf);
	probe_tick(&p);
	records = probe_close(&p);
	unlink(file);
	assert_non_null(row_of(records, "process.fds", named, a));
	assert_non_null(row_of(records, "process.fds", named, b));
	assert_non_null(row_of(records, "process.fds", cut, d));
	assert_null(row_of(records, "process.fds", other, c));
	assert_int_equal(count_records(records, "metric"), 1 + 3 * 9);
	json_decref(records);
	child_end(a);
	child_end(b);
	child_end(c);
	child_end(d);
}

static void await_name(pid_t pid, const char *name)
{
	char path[32], text[32] = "";

	snprintf(path, sizeof(path), "/proc/%d/comm", (int)pid);
	while (strcmp(text, name) != 0) {
		FILE *f = fopen(path, "r");

		assert_non_null(f);
		assert_non_null(fgets(text, sizeof(text), f));
		fclose(f);
		text[strcspn(text, "\n")] = '\0';
		sq_sleep_until(sq_now_ns() + SQ_MS);
	}
}

/* A name of its own comes with exec, after the process was seen. */
static void test_a_new_name(void **state)
{
	char one[NAME], two[NAME], path[NAME + 8];
	char *names[] = { own_name(one, "before"), own_name(two, "behind") };
	struct conf conf = { .name = { names, 2 }, .pid = SQ_OPT_UNSET };
	struct probe p;
	json_t *records;
	pid_t pid;

	(void)state;
	snprintf(path, sizeof(path), "/tmp/%s", two);
	assert_int_equal(symlink("/bin/sleep", path), 0);
	pid = fork();
	if (pid == 0) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		prctl(PR_SET_NAME, one);
		raise(SIGSTOP);
		execl(path, path, "100", (char *)NULL);
		_exit(1);
	}
	waitpid(pid, NULL, WUNTRACED);
	probe_open_conf(&p, "process", &conf);
	probe_tick(&p);
	kill(pid, SIGCONT);
	await_name(pid, two);
	unlink(path);
	probe_tick(&p);
	child_end(pid);
	records = probe_close(&p);
	assert_int_equal(at_tick(records, 0, row_of(records, "process.stopped", one, pid)), 1);
	assert_true(at_tick(records, 1, row_of(records, "process.fds", two, pid)) > 0);
	assert_int_equal(at_tick(records, 1, row_of(records, "process.fds", one, pid)), 0);
	json_decref(records);
}

static char next_name[NAME];

static void on_rename(int signal)
{
	(void)signal;
	prctl(PR_SET_NAME, next_name);
}

/* What it did before it was one to be watched is not its rows' rise. */
static void test_found_late(void **state)
{
	char other[NAME];
	char *names[] = { own_name(next_name, "late") };
	struct conf conf = { .name = { names, 1 }, .pid = SQ_OPT_UNSET };
	struct probe p;
	json_t *records;
	pid_t pid;

	(void)state;
	signal(SIGUSR1, on_rename);
	pid = child_start(own_name(other, "other"));
	signal(SIGUSR1, SIG_DFL);
	probe_open_conf(&p, "process", &conf);
	probe_tick(&p);
	kill(pid, SIGUSR1);
	await_name(pid, next_name);
	sq_sleep_until(sq_now_ns() + SQ_SEC);
	probe_tick(&p);
	child_end(pid);
	records = probe_close(&p);
	assert_int_equal(at_tick(records, 1, row_of(records, "process.cpu", next_name, pid)), 0);
	assert_in_range(
		at_tick(records, 1, row_of(records, "process.switches_voluntary", next_name, pid)),
		0, 2);
	json_decref(records);
}

/* A keeper, its server and its capture, which is of the keeper's name and is not watched itself. */
static int run_keeper(void)
{
	pid_t server, capture;
	int status = 1;

	prctl(PR_SET_NAME, "keeper");
	setsid();
	server = child_start("server");
	capture = fork();
	if (capture == 0) {
		struct probe p;
		json_t *records;
		bool seen;

		probe_open(&p, "process");
		probe_tick(&p);
		records = probe_close(&p);
		seen = row_of(records, "process.fds", "server", server) &&
		       count_records(records, "metric") == 1 + 9;
		json_decref(records);
		_exit(seen ? 0 : 1);
	}
	waitpid(capture, &status, 0);
	child_end(server);
	return status == 0 ? 0 : 1;
}

static void test_by_default(void **state)
{
	pid_t keeper, stranger = child_start("stranger");
	int status = 1;

	(void)state;
	keeper = fork();
	if (keeper == 0)
		_exit(run_keeper());
	assert_int_equal(waitpid(keeper, &status, 0), keeper);
	assert_int_equal(status, 0);
	child_end(stranger);
}

/* A capture that no keeper started has nothing to watch by itself, and says so. */
static void test_without_a_keeper(void **state)
{
	const struct sq_source *source = source_named("process");
	void *memory = calloc(1, source->state_size);
	struct sq_err err = { 0 };
	struct bench b;

	(void)state;
	bench_open(&b);
	assert_int_equal(source->open(memory, NULL, b.sample, &err), -ENODATA);
	assert_non_null(strstr(err.text, "no process was named"));
	free(memory);
	json_decref(bench_close(&b));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_parse),
		cmocka_unit_test(test_descriptors),
		cmocka_unit_test(test_busiest),
		cmocka_unit_test(test_busiest_of_many),
		cmocka_unit_test(test_by_number),
		cmocka_unit_test(test_seldom_read),
		cmocka_unit_test(test_by_name_and_file),
		cmocka_unit_test(test_a_new_name),
		cmocka_unit_test(test_found_late),
		cmocka_unit_test(test_by_default),
		cmocka_unit_test(test_without_a_keeper),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
