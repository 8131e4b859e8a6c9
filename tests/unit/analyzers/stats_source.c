/* Sources whose reading is a command's output: what fails is a gap, or not available here. */
#include "analyzers/formats/stats_source.h"

#include "source_bench.h"

static int sample_of(struct probe *p)
{
	int rc;

	sq_sample_begin(p->bench.sample, sq_now_ns());
	sq_sample_enter(p->bench.sample, p->bench.source);
	rc = p->source->sample(p->state, p->bench.sample);
	sq_sample_leave(p->bench.sample, rc);
	assert_int_equal(sq_sample_end(p->bench.sample, sq_now_ns(), NULL), 0);
	return rc;
}

/* What a command can't say is a gap, and no row falls to 0 in it. */
static void test_command_fails(void **state)
{
	static char command[] = "cat /tmp/squall-unit-nsd-$PPID";
	struct sq_stats_command_conf conf = { .command = command, .timeout_ns = 200 * SQ_MS };
	struct probe p;
	char write[128], other[128];
	json_t *records;

	(void)state;
	snprintf(write, sizeof(write), "echo num.queries=$N > /tmp/squall-unit-nsd-%d", getpid());
	snprintf(other, sizeof(other), "echo what > /tmp/squall-unit-nsd-%d", getpid());
	setenv("N", "5", 1);
	must(write);
	probe_open_conf(&p, "nsd", &conf);
	assert_int_equal(sample_of(&p), 0);
	must(other);
	assert_int_equal(sample_of(&p), -EBADMSG);
	snprintf(other, sizeof(other), "rm /tmp/squall-unit-nsd-%d", getpid());
	must(other);
	assert_int_equal(sample_of(&p), -EIO);
	setenv("N", "12", 1);
	must(write);
	assert_int_equal(sample_of(&p), 0);
	must(other);
	p.source->close(p.state);
	free(p.state);
	records = bench_close(&p.bench);
	assert_int_equal(count_records(records, "gap"), 2);
	assert_int_equal(count_records(records, "tick"), 2);
	assert_int_equal(count_records(records, "event"), 1); /* once, however long */
	assert_non_null(strstr(record_text(nth_record(records, "event", 0), "text"),
			       "nothing in the answer is known"));
	assert_int_equal(last_value(records, "nsd.num.queries", NULL), 7);
	json_decref(records);
}

/* What a text has too much of is said, once. */
static void test_left_out(void **state)
{
	static char command[] = "seq -f num.q%.0f=1 10010";
	struct sq_stats_command_conf conf = { .command = command, .timeout_ns = 5 * SQ_SEC };
	struct probe p;
	json_t *records;

	(void)state;
	probe_open_conf(&p, "nsd", &conf);
	assert_int_equal(sample_of(&p), 0);
	assert_int_equal(sample_of(&p), 0);
	p.source->close(p.state);
	free(p.state);
	records = bench_close(&p.bench);
	assert_int_equal(count_records(records, "event"), 1);
	assert_memory_equal(record_text(nth_record(records, "event", 0), "text"),
			    "10 of its figures", 17);
	json_decref(records);
}

static void refuses(const char *source_name, char *command, int want, const char *words)
{
	const struct sq_source *source = source_named(source_name);
	struct sq_stats_command_conf conf = { .command = command, .timeout_ns = 200 * SQ_MS };
	void *memory = calloc(1, source->state_size);
	struct sq_err err = { 0 };
	struct bench b;
	int rc;

	bench_open(&b);
	rc = source->open(memory, &conf, b.sample, &err);
	if (rc != want || !strstr(err.text, words))
		fail_msg("%s: got %d, %s", command, rc, err.text);
	free(memory);
	json_decref(bench_close(&b));
}

static void test_not_available(void **state)
{
	static char no[] = "echo so be it >&2; exit 3", odd[] = "echo hello", slow[] = "sleep 5",
		    usual[] = "netstat -s";

	(void)state;
	refuses("unbound", no, -EIO, "so be it");
	refuses("unbound", odd, -EBADMSG, "nothing in the answer is known");
	refuses("knot", slow, -ETIMEDOUT, "");
	refuses("bsd_netstat_s", usual, -ENOENT, "this is no FreeBSD or OpenBSD");
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(test_command_fails),
					    cmocka_unit_test(test_left_out),
					    cmocka_unit_test(test_not_available) };

	return cmocka_run_group_tests(tests, NULL, NULL);
}
