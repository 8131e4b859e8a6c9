/* A line of a tick or a row as squall writes it gives the same as its JSON; any other line is left to JSON.
 * And rows that never move have their samples in common, where they were read alike. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/mem.h"
#include "results/reader.h"
#include "spool_dir.h"

static void test_ticks(void **state)
{
	static const struct {
		const char *line;
		int n; /* numbers; -1: left to JSON */
	} cases[] = {
		{ "{\"k\":\"tick\",\"b\":1,\"e\":5012,\"v\":[]}\n", 0 },
		{ "{\"k\":\"tick\",\"b\":1,\"e\":5012,\"v\":[0,17,3,-1]}\n", 4 },
		{ "{\"k\":\"tick\",\"b\":-5,\"e\":-1,\"v\":[0,123456789012345678]}\n", 2 },
		{ "{\"k\":\"tick\",\"b\":1,\"e\":2,\"v\":[0,1234567890123456789]}\n", -1 },
		{ "{\"k\":\"tick\",\"b\":1,\"e\":2,\"v\":[0,1.5]}\n", -1 },
		{ "{\"k\":\"tick\",\"b\":1,\"e\":2,\"v\":[0,01]}\n", -1 },
		{ "{\"k\":\"tick\",\"b\":1,\"e\":2,\"v\":[0]}\n", -1 },
		{ "{\"k\":\"tick\",\"b\":1,\"e\":2,\"v\":[0,1,]}\n", -1 },
		{ "{\"k\":\"tick\",\"b\":1,\"e\":2,\"v\":[,]}\n", -1 },
		{ "{\"k\":\"tick\",\"b\":1,\"e\":2,\"v\":[0,1]", -1 },
		{ "{\"k\":\"tick\",\"b\":1,\"e\":2,\"v\":[0,1]}", -1 },
		{ "{\"k\":\"tick\",\"b\":1,\"e\":2,\"v\":[0,1]} \n", -1 },
		{ "{\"k\":\"tick\",\"b\":1,\"e\":2,\"v\":[0,1],\"x\":1}\n", -1 },
		{ "{\"k\":\"tick\",\"b\":1,\"e\":2,\"v\":[0,1],\"part\":7}\n", 2 },
		{ "{\"k\":\"tick\",\"b\":1,\"e\":2,\"v\":[0,1],\"part\":}\n", -1 },
		{ "{\"k\":\"tick\",\"b\":1,\"e\":2,\"v\":[0,1],\"raw\":[0,1]}\n", -1 },
		{ "{\"k\":\"tick\",\"b\":1,\"e\":,\"v\":[0,1]}\n", -1 },
		{ "{\"k\":\"tick\",\"e\":2,\"b\":1,\"v\":[0,1]}\n", -1 },
		{ "{\"k\":\"gap\",\"b\":1,\"e\":2}\n", -1 },
		{ "", -1 },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct sq_tick got = { 0 }, want = { 0 };
		const char *line = cases[i].line;
		json_t *record = json_loads(line, 0, NULL);
		bool taken = sq_tick_from_line(&got, line, strlen(line));

		if (taken != (cases[i].n >= 0) || (taken && (int)got.n != cases[i].n))
			fail_msg("%s: taken %d, %zu numbers", line, taken, got.n);
		if (taken) {
			assert_int_equal(sq_tick_from_json(&want, record), 0);
			assert_int_equal(got.n, want.n);
			assert_int_equal(got.end_ns, want.end_ns);
			assert_int_equal(got.part, want.part);
			assert_memory_equal(got.v, want.v, got.n * sizeof(*got.v));
		}
		json_decref(record);
		free(got.v);
		free(want.v);
	}
}

#define METRIC(i) "{\"k\":\"metric\",\"i\":" i ",\"source\":\"s\",\"metric\":"
#define COUNTER   ",\"unit\":\"\",\"kind\":\"counter\",\"width\":32"

static void compare_rows(const struct sq_row *got, const struct sq_row *want)
{
	assert_int_equal(got->number, want->number);
	assert_int_equal(got->part, want->part);
	assert_string_equal(got->rec.source, want->rec.source);
	assert_string_equal(got->rec.metric, want->rec.metric);
	assert_true(sq_same_text(got->rec.instance, want->rec.instance));
	assert_string_equal(got->rec.unit, want->rec.unit);
	assert_int_equal(got->rec.kind, want->rec.kind);
}

static void test_rows(void **state)
{
	static const struct {
		const char *line;
		bool taken;
	} cases[] = {
		{ METRIC("0") "\"m\",\"instance\":null" COUNTER "}\n", true },
		{ METRIC("17") "\"m n\",\"instance\":\"[::]:53\"" COUNTER ",\"part\":3}\n", true },
		{ METRIC("1") "\"m\",\"instance\":\"\",\"unit\":\"bytes\",\"kind\":\"gauge\","
			      "\"width\":64}\n",
		  true },
		{ METRIC("1") "\"a\\\"b\",\"instance\":null" COUNTER "}\n", false },
		{ METRIC("1") "\"\xc3\xa4\",\"instance\":null" COUNTER "}\n", false },
		{ METRIC("1") "\"m\tn\",\"instance\":null" COUNTER "}\n", false },
		{ METRIC("1") "\"m\",\"instance\":0" COUNTER "}\n", false },
		{ METRIC("1") "null,\"instance\":null" COUNTER "}\n", false },
		{ METRIC("1") "\"m\"" COUNTER "}\n", false },
		{ METRIC("01") "\"m\",\"instance\":null" COUNTER "}\n", false },
		{ METRIC("1") "\"m\",\"instance\":null" COUNTER "}", false },
		{ METRIC("1") "\"m\",\"instance\":null" COUNTER "}\n\n", false },
		{ METRIC("1") "\"m\",\"instance\":null" COUNTER ",\"x\":1}\n", false },
		{ METRIC("1") "\"m\",\"instance\":null" COUNTER ",\"part\":\"1\"}\n", false },
		{ METRIC("1") "\"m\",\"instance\":null,\"unit\":\"\",\"kind\":\"counters\","
			      "\"width\":64}\n",
		  false },
		{ METRIC("1") "\"m", false },
		{ "{\"k\":\"tick\",\"b\":1,\"e\":2,\"v\":[]}\n", false },
		{ "", false },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		const char *line = cases[i].line;
		struct sq_row got, want;
		json_t *record = json_loads(line, 0, NULL);

		if (sq_row_from_line(&got, line, strlen(line)) != cases[i].taken)
			fail_msg("%s: taken %d", line, !cases[i].taken);
		if (cases[i].taken) {
			assert_int_equal(sq_row_from_json(&want, record), 0);
			compare_rows(&got, &want);
			sq_metric_rec_fini(&got.rec);
			sq_metric_rec_fini(&want.rec);
		}
		json_decref(record);
	}
}

#define ROW(i, source, kind)                                                         \
	"{\"k\":\"metric\",\"i\":" #i ",\"source\":\"" source "\",\"metric\":\"M" #i \
	"\",\"instance\":null,\"unit\":\"x\",\"kind\":\"" kind "\",\"width\":64}\n"
#define TICK(e, v) "{\"k\":\"tick\",\"b\":" #e ",\"e\":" #e ",\"v\":" v "}\n"

static void test_common_samples(void **state)
{
	struct spool_dir d = spool_dir_make();
	const struct sq_metric_rec *m;
	struct sq_err err = { 0 };
	struct sq_run *run;

	(void)state;
	spool_dir_put(&d, "run.jsonl", HEAD START END);
	/* Rows 0, 1 and 2 stand at 0, the last of them in a source that fails once; 3 moves, 4 stands
	 * at 7, as 5 does, which comes a tick later. */
	spool_dir_put(
		&d, "capture-server.jsonl",
		ROW(0, "a", "counter") ROW(1, "a", "counter") ROW(2, "b", "counter") ROW(
			3, "a", "counter") ROW(4, "a",
					       "gauge") ROW(5, "a",
							    "gauge") TICK(5010000000,
									  "[0,0,1,0,2,0,3,0,4,7]")
			TICK(5110000000,
			     "[3,1,5,7]") "{\"k\":\"gap\",\"b\":5110000000,\"e\":5110000000,\"source\":\"b\","
					  "\"because\":\"No such process\"}\n" TICK(5210000000,
										    "[3,4]"));
	run = sq_run_load(d.path, &err);
	if (!run)
		fail_msg("%s: %s", err.where, err.text);
	m = run->metrics;
	assert_int_equal(run->n_metrics, 6);
	assert_ptr_equal(m[0].samples, m[1].samples);
	assert_true(m[1].shared && !m[0].shared);
	for (size_t i = 2; i < 6; i++)
		assert_true(!m[i].shared && m[i].samples != m[0].samples);
	assert_true(m[0].samples[1] == 0 && isnan(m[2].samples[1]) && m[2].samples[2] == 0);
	assert_true(m[3].samples[2] == 4 && m[3].delta == 4 && m[0].delta == 0);
	assert_true(m[4].samples[0] == 7 && isnan(m[5].samples[0]) && m[5].samples[2] == 7);
	sq_run_free(run);
	spool_dir_remove(&d);
}

#define UNREAD(e, v, sources) \
	"{\"k\":\"tick\",\"b\":" #e ",\"e\":" #e ",\"v\":" v ",\"unread\":" sources "}\n"

/* Between a source's readings it has no value, not one that stands; any tick of a bin that read it will do. */
static void test_read_more_rarely(void **state)
{
	struct spool_dir d = spool_dir_make();
	const struct sq_metric_rec *m;
	struct sq_err err = { 0 };
	struct sq_run *run;

	(void)state;
	spool_dir_put(&d, "run.jsonl", HEAD START END);
	spool_dir_put(&d, "capture-server.jsonl",
		      ROW(0, "often", "counter") ROW(1, "seldom", "counter")
			      ROW(2, "seldom", "counter") ROW(3, "seldom", "counter")
				      TICK(5010000000, "[0,0,1,0,2,0,3,0]")
					      UNREAD(5110000000, "[0,1]", "[\"seldom\"]")
						      UNREAD(5210000000, "[0,2]", "[\"seldom\"]")
							      TICK(5220000000, "[1,9]")
								      TICK(5310000000, "[0,3]"));
	run = sq_run_load(d.path, &err);
	if (!run)
		fail_msg("%s: %s", err.where, err.text);
	m = run->metrics;
	assert_true(m[0].samples[1] == 1 && m[0].samples[2] == 2);
	assert_true(m[1].samples[0] == 0 && isnan(m[1].samples[1]) && m[1].samples[2] == 9);
	assert_true(m[1].samples[3] == 9 && m[1].delta == 9);
	assert_true(isnan(m[2].samples[1]) && m[2].samples[2] == 0);
	assert_ptr_equal(m[2].samples, m[3].samples);
	sq_run_free(run);
	spool_dir_put(&d, "capture-server.jsonl", UNREAD(5410000000, "[0,4]", "[1]"));
	assert_null(sq_run_load(d.path, &err));
	assert_non_null(strstr(err.text, "\"tick\""));
	spool_dir_remove(&d);
}

/* Two clocks of one file never run backwards, whatever its ticks say. */
static void test_late_tick(void **state)
{
	struct spool_dir d = spool_dir_make();
	struct sq_err err = { 0 };
	struct sq_run *run;

	(void)state;
	spool_dir_put(&d, "run.jsonl", HEAD START END);
	spool_dir_put(&d, "capture-server.jsonl",
		      ROW(0, "a", "counter") TICK(5010000000, "[0,0]") TICK(5310000000, "[0,5]")
			      TICK(5110000000, "[0,6]") TICK(5410000000, "[]"));
	run = sq_run_load(d.path, &err);
	if (!run)
		fail_msg("%s: %s", err.where, err.text);
	assert_true(isnan(run->metrics[0].samples[1]) && run->metrics[0].samples[3] == 6);
	assert_true(run->metrics[0].samples[4] == 6 && run->metrics[0].delta == 6);
	sq_run_free(run);
	spool_dir_remove(&d);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_ticks),          cmocka_unit_test(test_rows),
		cmocka_unit_test(test_common_samples), cmocka_unit_test(test_read_more_rarely),
		cmocka_unit_test(test_late_tick),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
