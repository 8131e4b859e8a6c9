/* The report: its shape, its series, its words. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/clock.h"
#include "results/draw.h"
#include "results/section.h"
#include "results/tally.h"
#include "spool_dir.h"

/* Operations every 100 ms: successes, or one in four refused. */
static void put_storm(const struct spool_dir *d, int n, bool failing)
{
	static const char *const phases[] = { "connect", NULL };
	static const char *const efforts[] = { "syn_retrans", NULL };
	struct sq_tally_shape shape = { .words = { NULL, phases, efforts },
					.bin_ns = 100 * SQ_MS,
					.span_ns = SQ_SEC,
					.warmup_ns = SQ_SEC };
	struct sq_tally *t = sq_tally_new(&shape);
	json_t *j;
	char *text, *line;

	for (int i = 0; i < n; i++) {
		int64_t due = i * 100 * SQ_MS;
		struct sq_tally_op op = { .due_ns = due, .sent_ns = due, .done_ns = due + SQ_MS };

		sq_tally_scheduled(t, due);
		sq_tally_lag(t, due, failing ? 20 * SQ_MS : SQ_US);
		if (failing && i % 4 == 3)
			op.outcome.code = SQ_CODE_TIMEOUT;
		if (failing && i % 10 == 0)
			op = (struct sq_tally_op){ .outcome = { SQ_CODE_MISSED, UINT8_MAX },
						   .due_ns = due,
						   .sent_ns = -1,
						   .done_ns = due };
		if (failing && i % 8 == 7)
			strcpy(op.detail, "4.7.1");
		op.effort[0] = 1;
		sq_tally_done(t, &op);
	}
	j = sq_tally_flush(t);
	json_object_set_new(j, "load", json_string("storm"));
	text = json_dumps(j, JSON_COMPACT);
	line = sq_printf_dup("%s\n{\"k\":\"done\",\"t\":1}\n", text);
	spool_dir_put(d, "load-client.jsonl", line);
	free(line);
	free(text);
	json_decref(j);
	sq_tally_free(t);
}

/* A counter that rises by 2 in each bin but those of a gap, a gauge, and a constant. */
static void put_counters(const struct spool_dir *d, int n)
{
	spool_dir_put(
		d, "capture-server.jsonl",
		"{\"k\":\"env\",\"host\":\"server\",\"environment\":{\"kernel\":\"6.18\"}}\n"
		"{\"k\":\"metric\",\"i\":0,\"source\":\"a\",\"metric\":\"C\",\"instance\":null,"
		"\"unit\":\"x\",\"kind\":\"counter\",\"width\":64}\n"
		"{\"k\":\"metric\",\"i\":1,\"source\":\"a\",\"metric\":\"G\",\"instance\":"
		"\"eth0\",\"unit\":\"x\",\"kind\":\"gauge\",\"width\":64}\n"
		"{\"k\":\"metric\",\"i\":2,\"source\":\"a\",\"metric\":\"K\",\"instance\":null,"
		"\"unit\":\"x\",\"kind\":\"counter\",\"width\":64}\n");
	for (int i = 0; i < n; i++) {
		long long end = 5095000000LL + i * 100000000LL;
		char *line;

		if (i == 5 || i == 6)
			continue;
		line = sq_printf_dup("{\"k\":\"tick\",\"b\":1,\"e\":%lld,\"v\":[0,%d,1,%d,2,0]}\n",
				     end, 2 * i, 100 - i % 3);
		spool_dir_put(d, "capture-server.jsonl", line);
		free(line);
	}
	spool_dir_put(d, "capture-server.jsonl", "{\"k\":\"done\",\"t\":1}\n");
}

static struct sq_run *make_run(int n, bool failing)
{
	struct spool_dir d = spool_dir_make();
	struct sq_err err = { 0 };
	struct sq_run *run;

	spool_dir_put(&d, "run.jsonl", HEAD START END);
	put_storm(&d, n, failing);
	put_counters(&d, n);
	run = sq_run_load(d.path, &err);
	if (!run)
		fail_msg("%s: %s", err.where, err.text);
	spool_dir_remove(&d);
	return run;
}

/* Findings as an analyzer would give them. */
static void explain(struct sq_run *run)
{
	struct sq_account *a = sq_findings_account(&run->findings, "storm", "timeout@connect", 10);
	struct sq_finding *f = sq_findings_add(&run->findings);

	a->explained = 8;
	a->unexplained = 2;
	f->load = sq_strdup("storm");
	f->failure = sq_strdup("timeout@connect");
	f->mechanism = sq_strdup("accept-queue-overflow");
	f->host = sq_strdup("server");
	f->count = 10;
	f->explained = 8;
	f->unexplained = 2;
	f->confidence = SQ_EXACT;
	f->evidence = json_pack("[s]", "TcpExt.ListenOverflows of server rose by 24");
	f->advice = sq_strdup("give listen(2) a longer backlog");
	sq_findings_not_examined(&run->findings, "conntrack-full", "server", "no such table");
	run->expectations = json_pack("[{s:s, s:b, s:f, s:n}, {s:s, s:b, s:f, s:s},"
				      " {s:s, s:n, s:n, s:s}]",
				      "text", "storm.ok > 1", "held", 1, "value", 26.0, "because",
				      "text", "storm.failures == 0", "held", 0, "value", 10.0,
				      "because", "10 is not == 0", "text", "server.X == 1", "held",
				      "value", "because", "server has no X");
}

static double total(const json_t *points)
{
	const json_t *p;
	double sum = 0;
	size_t i;

	json_array_foreach(points, i, p)
		sum += json_is_number(p) ? json_number_value(p) : 0;
	return sum;
}

/* Every array of numbers in the report keeps to the limit. */
static void check_points(const json_t *j)
{
	const char *key;
	json_t *member;
	size_t i;

	if (json_is_array(j) && json_array_size(j) > SQ_DRAW_POINTS)
		fail_msg("a series of %zu points", json_array_size(j));
	json_object_foreach((json_t *)j, key, member)
		check_points(member);
	json_array_foreach(j, i, member)
		check_points(member);
}

static void check_shape(const struct sq_run *run, int n)
{
	json_t *report = sq_report_json(run), *schema = sq_report_schema(), *key, *load, *row;
	const json_t *counters = json_object_get(report, "counters");
	const json_t *series;
	json_int_t sum = 0;
	size_t i;

	json_array_foreach(json_object_get(schema, "required"), i, key)
		if (!json_object_get(report, json_string_value(key)))
			fail_msg("the report has no %s", json_string_value(key));
	check_points(report);
	load = json_array_get(json_object_get(report, "loads"), 0);
	json_array_foreach(json_object_get(load, "outcomes"), i, row)
		sum += json_integer_value(json_object_get(row, "count"));
	assert_int_equal(sum, n);
	assert_int_equal(json_integer_value(json_object_get(load, "scheduled")), n);
	series = json_object_get(load, "series");
	assert_true(total(json_object_get(series, "scheduled")) == n);
	/* The counter's points add up to its delta, the gap included. */
	row = json_array_get(counters, 0);
	assert_int_equal(json_integer_value(json_object_get(row, "delta")), 2 * (n - 1));
	assert_true(total(json_object_get(row, "series")) == 2 * (n - 1));
	assert_null(json_object_get(row, "instance"));
	row = json_array_get(counters, 1);
	assert_int_equal(json_integer_value(json_object_get(row, "max")), 100);
	assert_string_equal(json_string_value(json_object_get(row, "instance")), "eth0");
	assert_null(json_object_get(json_array_get(counters, 2), "series"));
	json_decref(report);
	json_decref(schema);
}

static void test_shape(void **state)
{
	struct sq_run *run = make_run(40, true);
	json_t *report;
	const json_t *points;

	(void)state;
	explain(run);
	check_shape(run, 40);
	report = sq_report_json(run);
	points = json_object_get(json_array_get(json_object_get(report, "counters"), 0), "series");
	assert_int_equal(json_array_size(points), 40);
	assert_int_equal(json_integer_value(json_array_get(points, 4)), 2);
	assert_true(json_is_null(json_array_get(points, 5)));
	assert_true(json_is_null(json_array_get(points, 6)));
	assert_int_equal(json_integer_value(json_array_get(points, 7)), 6);
	assert_string_equal(sq_draw_text(json_object_get(report, "squall"), "version"), "9.9");
	json_decref(report);
	sq_run_free(run);
}

static void test_limit(void **state)
{
	struct sq_run *run = make_run(4321, false);
	json_t *report = sq_report_json(run);
	const json_t *load = json_array_get(json_object_get(report, "loads"), 0);
	const json_t *series = json_object_get(load, "series");

	(void)state;
	check_shape(run, 4321);
	assert_int_equal(json_array_size(json_object_get(series, "ok")), 1441);
	assert_true(fabs(sq_draw_real(series, "bin_s") - 0.3) < 1e-12);
	assert_int_equal(json_array_size(json_object_get(series, "p99_s")), 1441);
	assert_true(fabs(json_real_value(json_array_get(json_object_get(series, "p99_s"), 1440)) -
			 0.001) < 2e-5);
	assert_int_equal(json_array_size(json_object_get(series, "lag_max_s")), 1441);
	json_decref(report);
	sq_run_free(run);
}

static size_t count_lines(const char *text)
{
	size_t n = 0;

	for (; *text; text++)
		n += *text == '\n';
	return n;
}

static void expect_text(const char *text, const char *want)
{
	if (!strstr(text, want))
		fail_msg("no \"%s\" in:\n%s", want, text);
}

static void test_text(void **state)
{
	struct sq_run *run = make_run(40, true);
	struct sq_buf out = { 0 };
	json_t *report;

	(void)state;
	explain(run);
	report = sq_report_json(run);
	sq_report_text(report, &out, 80);
	expect_text(out.data, "storm: tcp to server:9000 \u2014 40 scheduled: 26 ok, 10 failed"
			      " (timeout@connect 10\n       [4.7.1 5, none 5]), 4 missed\n");
	expect_text(out.data, "  from due: p50 1 ms, p99 1 ms, max 1 ms; ");
	expect_text(out.data, "4 slots missed, late by p99 20 ms, max 20 ms");
	expect_text(out.data, "8 of 10 failures explained\n");
	expect_text(out.data, "2 timeout@connect of storm: unexplained");
	expect_text(out.data,
		    "8 timeout@connect of storm: accept-queue-overflow on server (exact)\n");
	expect_text(out.data, "    \u2192 give listen(2) a longer backlog\n");
	expect_text(out.data, "not examined: conntrack-full on server: no such table\n");
	expect_text(out.data, "not done: its own network\n");
	expect_text(out.data, "\u2713 storm.ok > 1 (26)\n");
	expect_text(out.data, "\u2717 storm.failures == 0 \u2014 failed: 10 is not == 0\n");
	expect_text(out.data, "? server.X == 1 \u2014 not measured: server has no X\n");
	if (count_lines(out.data) > 30)
		fail_msg("%zu lines", count_lines(out.data));
	if (getenv("SQ_SHOW"))
		fputs(out.data, stdout);
	sq_buf_fini(&out);
	json_decref(report);
	sq_run_free(run);
}

static void test_healthy_text(void **state)
{
	struct sq_run *run = make_run(40, false);
	struct sq_buf out = { 0 };
	json_t *report = sq_report_json(run);

	(void)state;
	sq_report_text(report, &out, 80);
	assert_string_equal(out.data,
			    "storm: tcp to server:9000 \u2014 40 scheduled: 40 ok\n"
			    "  from due: p50 1 ms, p99 1 ms, max 1 ms; 10 ok/s of 10 scheduled/s\n"
			    "not done: its own network\n");
	sq_buf_fini(&out);
	json_decref(report);
	sq_run_free(run);
}

static void test_seconds(void **state)
{
	static const struct {
		double seconds;
		const char *want;
	} cases[] = {
		{ 0, "0 ns" },         { 1.5e-9, "1.5 ns" }, { 0.0123, "12.3 ms" },
		{ 0.99949, "999 ms" }, { 0.9996, "1 s" },    { 12.34, "12.3 s" },
		{ 1234.4, "1234 s" },  { NAN, "not known" }, { 42e-6, "42 us" },
	};
	char text[SQ_DRAW_DURATION];

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		sq_draw_seconds(text, cases[i].seconds);
		assert_string_equal(text, cases[i].want);
	}
}

/* For a look with other tools: SQ_REPORT names a file that gets the report, SQ_SCHEMA its schema. */
static void test_saved(void **state)
{
	struct sq_run *run = make_run(40, true);
	const char *to = getenv("SQ_REPORT"), *schema_to = getenv("SQ_SCHEMA");
	json_t *report = sq_report_json(run), *schema = sq_report_schema();

	(void)state;
	if (to && schema_to) {
		assert_int_equal(json_dump_file(report, to, JSON_INDENT(1)), 0);
		assert_int_equal(json_dump_file(schema, schema_to, JSON_INDENT(1)), 0);
	}
	json_decref(report);
	json_decref(schema);
	sq_run_free(run);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_shape),   cmocka_unit_test(test_limit),
		cmocka_unit_test(test_text),    cmocka_unit_test(test_healthy_text),
		cmocka_unit_test(test_seconds), cmocka_unit_test(test_saved),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
