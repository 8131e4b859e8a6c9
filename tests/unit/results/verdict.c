/* Measures by name, verdicts of pairs and of sessions, and the baseline's file. */
#include "results/verdict.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/json.h"
#include "results/baseline.h"
#include "results/compare.h"

enum { N = 10 };

/* 900 of 1000 got through, at that rate. */
static json_t *report(double rate, double p99_s, const char *kernel)
{
	return json_pack(
		"{s:{s:s, s:s}, s:{s:s, s:i}, s:{s:{s:s}}, s:[{s:s, s:i, s:[{s:s, s:i}, {s:s, s:i}], "
		"s:{s:f}, s:{s:{s:f, s:n}}}], s:[], s:[{s:s, s:s, s:i}]}",
		"run", "id", "x", "started", "2026-01-01T00:00:00Z", "scenario", "name", "s",
		"seed", (int)rate, "environment", "server", "kernel", kernel, "loads", "name",
		"storm", "scheduled", 1000, "outcomes", "class", "ok", "count", 900, "class",
		"timeout", "count", 100, "rate", "ok_per_s", rate, "latency", "from_due", "p99_s",
		p99_s, "p50_s", "findings", "account", "load", "storm", "failure",
		"timeout@connect", "count", 100);
}

static void test_measures(void **state)
{
	json_t *r = report(500, 0.25, "6.1");

	(void)state;
	assert_true(sq_report_measure(r, "storm.rate.ok") == 500);
	assert_true(sq_report_measure(r, "storm.latency.p99") == 0.25);
	assert_true(fabs(sq_report_measure(r, "storm.failures") - 0.1) < 1e-12);
	assert_true(isnan(sq_report_measure(r, "storm.latency.p50")));
	assert_true(isnan(sq_report_measure(r, "storm.cpu")));
	assert_true(isnan(sq_report_measure(r, "calm.rate.ok")));
	assert_true(isnan(sq_report_measure(r, "storm.nothing")));
	assert_true(isnan(sq_report_measure(r, "storm")));
	/* What squall itself gave up, or never started, failed nobody. */
	json_object_set_new(sq_json_pointer_get(r, "/loads/0/outcomes/1"), "class",
			    json_string("canceled"));
	assert_true(sq_report_measure(r, "storm.failures") == 0);
	json_object_set_new(sq_json_pointer_get(r, "/loads/0/outcomes/1"), "class",
			    json_string("missed"));
	assert_true(sq_report_measure(r, "storm.failures") == 0);
	assert_true(sq_measure_more_is_better("storm.rate.ok"));
	assert_false(sq_measure_more_is_better("storm.latency.p99"));
	json_decref(r);
}

static const char *verdict(const json_t *verdicts, size_t i)
{
	return json_string_value(json_object_get(json_array_get(verdicts, i), "verdict"));
}

/* b has 5 % more, and is as fast; then sides change. */
static void test_pairs(void **state)
{
	const json_t *a[N], *b[N];
	struct sq_judging how = { .alpha = 0.05, .margin = 0.02 };
	json_t *names, *verdicts;
	double shift;

	(void)state;
	for (int i = 0; i < N; i++) {
		a[i] = report(100 + i, 0.25, "6.1");
		b[i] = report((100 + i) * 1.05, 0.25, "6.1");
	}
	names = sq_report_measures(a[0]);
	assert_int_equal(json_array_size(names), 3);
	verdicts = sq_verdicts(a, b, N, names, &how);
	assert_string_equal(verdict(verdicts, 0), "better");
	assert_string_equal(verdict(verdicts, 1), "equivalent");
	assert_string_equal(verdict(verdicts, 2), "equivalent");
	shift = json_number_value(json_object_get(json_array_get(verdicts, 0), "shift"));
	assert_true(fabs(shift - 0.05) < 1e-9);
	json_decref(verdicts);
	verdicts = sq_verdicts(b, a, N, names, &how);
	assert_string_equal(verdict(verdicts, 0), "worse");
	json_decref(verdicts);
	/* Five pairs can't decide. */
	verdicts = sq_verdicts(a, b, 5, names, &how);
	assert_string_equal(verdict(verdicts, 0), "undecided");
	assert_int_equal(
		json_integer_value(json_object_get(json_array_get(verdicts, 0), "more_pairs")), 2);
	json_decref(verdicts);
	json_decref(names);
	for (int i = 0; i < N; i++) {
		json_decref((json_t *)a[i]);
		json_decref((json_t *)b[i]);
	}
}

/* Of 10,000 operations so many failed, on each side in turns of two values. */
static const char *share_verdict(int a, int a_too, int b, int b_too, double margin)
{
	struct sq_judging how = { .alpha = 0.05, .margin = margin };
	const json_t *sides[2][N];
	json_t *names = json_pack("[s]", "storm.failures"), *verdicts;
	static char word[16];

	for (int i = 0; i < N; i++) {
		const int failed[2] = { i % 2 ? a_too : a, i % 2 ? b_too : b };

		for (int k = 0; k < 2; k++)
			sides[k][i] = json_pack(
				"{s:[{s:s, s:i, s:[{s:s, s:i}, {s:s, s:i}]}]}", "loads", "name",
				"storm", "scheduled", 10000, "outcomes", "class", "ok", "count",
				10000 - failed[k], "class", "timeout", "count", failed[k]);
	}
	verdicts = sq_verdicts(sides[0], sides[1], N, names, &how);
	snprintf(word, sizeof(word), "%s", verdict(verdicts, 0));
	json_decref(verdicts);
	json_decref(names);
	for (int i = 0; i < N; i++)
		for (int k = 0; k < 2; k++)
			json_decref((json_t *)sides[k][i]);
	return word;
}

/* The margin is a part of what failed before, and of nothing a part of a tenth. */
static void test_shares(void **state)
{
	(void)state;
	assert_string_equal(share_verdict(0, 0, 0, 0, 0.02), "equivalent");
	assert_string_equal(share_verdict(0, 0, 10, 10, 0.02), "equivalent");
	assert_string_equal(share_verdict(0, 0, 100, 120, 0.02), "worse");
	assert_string_equal(share_verdict(100, 120, 0, 0, 0.02), "better");
	assert_string_equal(share_verdict(0, 0, 400, 480, 0.05), "worse");
	assert_string_equal(share_verdict(5000, 5000, 5090, 5080, 0.02), "equivalent");
	assert_string_equal(share_verdict(5000, 5000, 5200, 5180, 0.02), "worse");
	/* A failure now and then. */
	assert_string_equal(share_verdict(0, 10, 10, 0, 0.02), "equivalent");
}

static void test_one_against_one(void **state)
{
	json_t *a = report(100, 0.25, "6.1"), *b = report(200, 0.25, "6.2");
	const json_t *of_a = a, *of_b = b;
	struct sq_side_reports x = { "a", &of_a, 1 }, y = { "b", &of_b, 1 };
	struct sq_judging how = { .alpha = 0.05, .margin = 0.02 };
	json_t *c = sq_compare(&x, &y, NULL, &how);
	json_t *settings = json_object_get(c, "settings");

	(void)state;
	assert_int_equal(json_array_size(json_object_get(c, "verdicts")), 0);
	assert_int_equal(json_array_size(json_object_get(c, "notes")), 1);
	/* The seed is no setting. */
	assert_int_equal(json_array_size(settings), 1);
	assert_string_equal(json_string_value(json_object_get(json_array_get(settings, 0), "what")),
			    "/environment/server/kernel");
	json_decref(c);
	json_decref(a);
	json_decref(b);
}

static bool says(const json_t *comparison, const char *words)
{
	const json_t *notes = json_object_get(comparison, "notes"), *text;
	size_t i;

	json_array_foreach(notes, i, text)
		if (strstr(json_string_value(text), words))
			return true;
	return false;
}

/* Of runs that were not made in turns, or not as they were asked for, it says so. */
static void test_notes(void **state)
{
	static const char order[] = "all runs of one side were made before those of the other",
			  few[] = "under 7 pairs",
			  missed[] = "in 1 runs of b the generator missed operations";
	struct sq_judging how = { .alpha = 0.05, .margin = 0.02 };
	const json_t *a[2] = { report(1, 1, "6.1"), report(1, 1, "6.1") };
	const json_t *b[2] = { report(1, 1, "6.1"), report(1, 1, "6.1") };
	struct sq_side_reports x = { "a", a, 2 }, y = { "b", b, 2 };
	json_t *c = sq_compare(&x, &y, NULL, &how);

	(void)state;
	assert_false(says(c, order));
	assert_true(says(c, few));
	json_decref(c);
	for (int i = 0; i < 2; i++)
		json_object_set_new(json_object_get(b[i], "run"), "started",
				    json_string("2026-01-01T00:00:01Z"));
	json_object_set_new(sq_json_pointer_get(b[1], "/loads/0/outcomes/1"), "class",
			    json_string("missed"));
	c = sq_compare(&x, &y, NULL, &how);
	assert_true(says(c, order));
	assert_true(says(c, missed));
	json_decref(c);
	for (int i = 0; i < 2; i++) {
		json_decref((json_t *)a[i]);
		json_decref((json_t *)b[i]);
	}
}

static double mean_failures(const json_t *comparison, const char *side)
{
	char pointer[] = "/failures/0/?";

	pointer[sizeof(pointer) - 2] = *side;
	return json_number_value(sq_json_pointer_get(comparison, pointer));
}

/* Three runs against two that fail as often do not look like more failures. */
static void test_means(void **state)
{
	struct sq_judging how = { .alpha = 0.05, .margin = 0.02 };
	const json_t *v[3] = { report(1, 1, "6.1"), report(1, 1, "6.1"), report(1, 1, "6.1") };
	struct sq_side_reports x = { "a", v, 3 }, y = { "b", v + 1, 2 };
	struct sq_buf text = { 0 };
	json_t *c;

	(void)state;
	json_object_set_new(sq_json_pointer_get(v[0], "/account/0"), "count", json_integer(101));
	c = sq_compare(&x, &y, NULL, &how);
	assert_true(fabs(mean_failures(c, "a") - 301.0 / 3) < 1e-9);
	assert_true(mean_failures(c, "b") == 100);
	sq_compare_text(c, &text);
	assert_non_null(strstr(text.data, "failures (mean of a run)"));
	assert_non_null(strstr(text.data, " 100.3            100\n"));
	sq_buf_fini(&text);
	json_decref(c);
	for (int i = 0; i < 3; i++)
		json_decref((json_t *)v[i]);
}

static json_t *session(double rate, const char *kernel)
{
	json_t *r = report(rate, 0.25, kernel), *names = sq_report_measures(r), *s;
	const json_t *one = r;

	s = sq_session_make(&one, 1, names);
	json_decref(names);
	json_decref(r);
	return s;
}

static const char *session_verdict(const json_t *sessions, size_t n, double rate)
{
	struct sq_judging how = { .alpha = 0.05, .margin = 0.02 };
	json_t *now = session(rate, "6.1"), *names = json_pack("[s]", "storm.rate.ok"), *verdicts;
	const json_t *earlier[N];
	static char word[16];

	for (size_t i = 0; i < n; i++)
		earlier[i] = json_object_get(json_array_get(sessions, i), "measures");
	verdicts = sq_session_verdicts(earlier, n, json_object_get(now, "measures"), names, &how);
	snprintf(word, sizeof(word), "%s", verdict(verdicts, 0));
	json_decref(verdicts);
	json_decref(names);
	json_decref(now);
	return word;
}

/* Against one session nothing is decided, and what was measured is not said to be unmeasured. */
static void test_one_session(void **state)
{
	struct sq_judging how = { .alpha = 0.05, .margin = 0.02 };
	json_t *before = session(1000, "6.1"), *now = session(1001, "6.1");
	json_t *names = json_pack("[s, s]", "storm.rate.ok", "storm.latency.p50"), *verdicts, *v;
	const json_t *earlier = json_object_get(before, "measures");
	struct sq_buf text = { 0 };

	(void)state;
	json_object_set_new(json_object_get(now, "measures"), "storm.latency.p50", json_null());
	verdicts = sq_session_verdicts(&earlier, 1, json_object_get(now, "measures"), names, &how);
	v = json_array_get(verdicts, 0);
	assert_string_equal(verdict(verdicts, 0), "undecided");
	assert_int_equal(json_integer_value(json_object_get(v, "pairs")), 1);
	assert_int_equal(json_integer_value(json_object_get(v, "more_pairs")), 5);
	assert_true(json_is_null(json_object_get(v, "shift")));
	assert_true(json_is_null(json_object_get(v, "interval")));
	assert_true(json_is_null(json_object_get(json_array_get(verdicts, 1), "more_pairs")));
	sq_compare_lines(verdicts, NULL, false, &text);
	assert_string_equal(
		text.data, "\n  storm.rate.ok: undecided, -, p 1, 1 sessions; about 5 more would "
			   "decide\n  storm.latency.p50: undecided, -, p 1, 0 sessions; it was not "
			   "measured\n");
	sq_buf_fini(&text);
	json_decref(verdicts);
	json_decref(names);
	json_decref(before);
	json_decref(now);
}

static void test_sessions(void **state)
{
	static const double rates[] = { 1000, 1002, 998, 1001, 999, 1000 };
	json_t *all = json_array(), *read, *alike, *other = session(1000, "6.2");
	char dir[] = "/tmp/squall-baseline.XXXXXX", path[64];
	struct sq_err err = { 0 };
	const char *because;

	(void)state;
	for (size_t i = 0; i < 6; i++)
		json_array_append_new(all, session(rates[i], "6.1"));
	assert_string_equal(session_verdict(all, 6, 1001), "equivalent");
	assert_string_equal(session_verdict(all, 6, 900), "worse");
	/* Told from the others, and within the margin of 2 %. */
	assert_string_equal(session_verdict(all, 6, 985), "equivalent");
	assert_string_equal(session_verdict(all, 6, 0), "worse");
	assert_string_equal(session_verdict(all, 6, 1100), "better");
	assert_string_equal(session_verdict(all, 5, 900), "undecided");
	assert_non_null(mkdtemp(dir));
	read = sq_baseline_load(dir, "s", &err);
	assert_int_equal(json_array_size(read), 0);
	json_decref(read);
	assert_int_equal(sq_baseline_save(dir, "s", all, &err), 0);
	read = sq_baseline_load(dir, "s", &err);
	assert_true(json_equal(read, all));
	/* The seed is not the scenario's: all are alike. */
	alike = sq_baseline_alike(read, json_array_get(all, 0), false, &because);
	assert_int_equal(json_array_size(alike), 6);
	assert_null(because);
	json_decref(alike);
	alike = sq_baseline_alike(read, other, false, &because);
	assert_int_equal(json_array_size(alike), 0);
	assert_non_null(because);
	json_decref(alike);
	alike = sq_baseline_alike(read, other, true, &because);
	assert_int_equal(json_array_size(alike), 6);
	json_decref(alike);
	json_decref(other);
	json_decref(read);
	json_decref(all);
	snprintf(path, sizeof(path), "%s/s.jsonl", dir);
	FILE *f = fopen(path, "w");
	fputs("{\"schema\": \"squall-run/1\"}\n", f);
	fclose(f);
	assert_null(sq_baseline_load(dir, "s", &err));
	assert_non_null(strstr(err.where, "s.jsonl:1"));
	unlink(path);
	rmdir(dir);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_measures),    cmocka_unit_test(test_pairs),
		cmocka_unit_test(test_shares),      cmocka_unit_test(test_one_against_one),
		cmocka_unit_test(test_notes),       cmocka_unit_test(test_sessions),
		cmocka_unit_test(test_one_session), cmocka_unit_test(test_means),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
