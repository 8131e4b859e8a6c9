/* Tallies, by what they flush. */
#include "results/tally.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "base/clock.h"
#include "results/hist.h"

static const struct sq_code codes[] = { { "SERVFAIL", SQ_CLASS_HARD, "" }, { 0 } };
static const char *const phases[] = { "connect", "recv", NULL };
static const char *const efforts[] = { "syn_retrans", NULL };

static const struct sq_tally_shape shape = {
	.words = { codes, phases, efforts },
	.bin_ns = 100 * SQ_MS,
	.span_ns = 2 * SQ_SEC,
	.warmup_ns = SQ_SEC,
};

static void end(struct sq_tally *t, uint16_t code, uint8_t phase, int64_t due_ns, int64_t took_ns)
{
	struct sq_tally_op op = { .outcome = { code, phase },
				  .due_ns = due_ns,
				  .sent_ns = due_ns + 10,
				  .done_ns = due_ns + took_ns,
				  .effort = { 2 },
				  .local_port = 4000,
				  .id = 9 };

	sq_tally_done(t, &op);
}

static json_int_t get(const json_t *o, const char *key)
{
	return json_integer_value(json_object_get(o, key));
}

static void expect_json(const json_t *got, const char *want)
{
	json_t *j = json_loads(want, JSON_DECODE_ANY, NULL);

	if (!json_equal(got, j))
		fail_msg("got %s, want %s", json_dumps(got, JSON_ENCODE_ANY), want);
	json_decref(j);
}

static void test_empty(void **state)
{
	struct sq_tally *t = sq_tally_new(&shape);

	(void)state;
	assert_null(sq_tally_flush(t));
	sq_tally_free(t);
	assert_null(sq_tally_free(NULL));
}

static void test_flush(void **state)
{
	struct sq_tally *t = sq_tally_new(&shape);
	json_t *j, *row;

	(void)state;
	for (int i = 0; i < 4; i++)
		sq_tally_scheduled(t, 900 * SQ_MS + i * 100 * SQ_MS);
	end(t, SQ_CODE_OK, 0, 900 * SQ_MS, SQ_MS);  /* in the warm-up */
	end(t, SQ_CODE_OK, 1, 1000 * SQ_MS, SQ_MS); /* the same outcome, whatever its phase */
	end(t, SQ_CODE_TIMEOUT, 0, 1100 * SQ_MS, 800 * SQ_MS);
	end(t, SQ_CODE_DRIVER, 1, 1200 * SQ_MS, SQ_MS);
	sq_tally_phase(t, 0, 900 * SQ_MS, 5);
	sq_tally_phase(t, 0, 1000 * SQ_MS, 6);
	sq_tally_lag(t, 900 * SQ_MS, 7);
	sq_tally_lag(t, 999 * SQ_MS, 5);
	sq_tally_lag(t, 1200 * SQ_MS, 0);
	j = sq_tally_flush(t);
	expect_json(json_object_get(j, "scheduled"), "[9,1,10,1,11,1,12,1]");
	assert_int_equal(get(j, "warmup_scheduled"), 1);
	assert_int_equal(get(j, "sent"), 3);
	assert_int_equal(get(j, "done_ns"), 1900 * SQ_MS);
	assert_int_equal(json_array_size(json_object_get(j, "outcomes")), 3);
	row = json_array_get(json_object_get(j, "outcomes"), 0);
	expect_json(row, "{\"code\":\"ok\",\"phase\":\"\",\"class\":\"ok\",\"n\":2,"
			 "\"first\":900000000,\"last\":1000000000,\"effort\":[4],"
			 "\"bins\":[9,1,10,1],\"effort_bins\":[[9,2,10,2]],\"exemplars\":[]}");
	row = json_array_get(json_object_get(j, "outcomes"), 1);
	expect_json(row,
		    "{\"code\":\"timeout\",\"phase\":\"connect\",\"class\":\"timeout\","
		    "\"n\":1,\"first\":1100000000,\"last\":1100000000,\"effort\":[2],"
		    "\"bins\":[11,1],\"effort_bins\":[[11,2]],\"exemplars\":[{\"t\":1100000000,"
		    "\"took\":800000000,\"local_port\":4000,\"id\":9}]}");
	row = json_object_get(j, "hist");
	assert_int_equal(get(json_object_get(row, "from_due"), "count"), 1);
	assert_int_equal(get(json_object_get(row, "from_send"), "max"), SQ_MS - 10);
	assert_int_equal(get(json_object_get(row, "lag"), "max"), 7);
	assert_int_equal(get(json_object_get(json_object_get(row, "phases"), "connect"), "sum"), 6);
	assert_int_equal(json_array_size(json_object_get(j, "bin_latency")), 4);
	expect_json(json_object_get(j, "lag_max"), "[9,7,12,0]");
	expect_json(json_object_get(j, "sent_bins"), "[9,1,10,1,11,1,12,1]");
	expect_json(json_object_get(j, "bursts"), "[]");
	json_decref(j);
	assert_null(sq_tally_flush(t));
	sq_tally_free(t);
}

/* Due times far apart, before and after each other, lose nothing. */
static void test_far_apart(void **state)
{
	static const int64_t due_s[] = { 100, 0, 500, 50, 499, 100 };
	struct sq_tally *t = sq_tally_new(&shape);
	json_t *j;

	(void)state;
	for (size_t i = 0; i < sizeof(due_s) / sizeof(due_s[0]); i++) {
		/* First, as a closed loop does it: it is this that makes the ring grow. */
		sq_tally_lag(t, due_s[i] * SQ_SEC, (int64_t)i);
		sq_tally_scheduled(t, due_s[i] * SQ_SEC);
		end(t, SQ_CODE_OK, 0, due_s[i] * SQ_SEC, SQ_MS);
	}
	j = sq_tally_flush(t);
	expect_json(json_object_get(j, "scheduled"), "[0,1,500,1,1000,2,4990,1,5000,1]");
	expect_json(json_object_get(j, "lag_max"), "[0,1,500,3,1000,5,4990,4,5000,2]");
	assert_int_equal(json_array_size(json_object_get(j, "bin_latency")), 10);
	json_decref(j);
	sq_tally_scheduled(t, -1);
	j = sq_tally_flush(t);
	expect_json(json_object_get(j, "scheduled"), "[-1,1]");
	json_decref(j);
	sq_tally_free(t);
}

/* What was sent late is so many in the bin in which it was sent; of a burst both ends are kept. */
static void test_bursts(void **state)
{
	struct sq_tally_shape bursts = shape;
	struct sq_tally *t;
	json_t *j;

	(void)state;
	bursts.bursts = 1;
	t = sq_tally_new(&bursts);
	for (int i = 0; i < 40; i++) {
		int64_t due_ns = i / 4 * 100 * SQ_MS;
		struct sq_tally_op op = { .due_ns = due_ns,
					  .sent_ns = due_ns + i % 4 * 40 * SQ_MS,
					  .done_ns = due_ns + SQ_SEC };

		sq_tally_scheduled(t, due_ns);
		sq_tally_lag(t, due_ns, 0);
		sq_tally_done(t, &op);
		if (i != 10)
			continue;
		j = sq_tally_flush(t); /* in the middle of a burst */
		expect_json(json_object_get(j, "sent_bins"), "[0,3,1,4,2,4]");
		expect_json(json_object_get(j, "bursts"),
			    "[0,0,120000000,100000000,100000000,220000000,"
			    "200000000,200000000,280000000]");
		json_decref(j);
	}
	j = sq_tally_flush(t);
	assert_int_equal(json_array_size(json_object_get(j, "bursts")), 3 * 8);
	expect_json(json_array_get(json_object_get(j, "bursts"), 1), "320000000");
	expect_json(json_object_get(j, "sent_bins"), "[3,4,4,4,5,4,6,4,7,4,8,4,9,4,10,1]");
	json_decref(j);
	sq_tally_free(t);
}

/* More kinds of outcome than have room at first. */
static void test_many_kinds(void **state)
{
	struct sq_tally *t = sq_tally_new(&shape);
	json_int_t n = 0;
	json_t *j, *row;
	size_t i;

	(void)state;
	for (int round = 0; round < 2; round++) {
		for (int err = 1; err <= 50; err++)
			for (int k = 0; k < 30; k++)
				end(t, sq_code_errno(err), 0, k * SQ_MS, 1);
		j = sq_tally_flush(t);
		assert_int_equal(json_array_size(json_object_get(j, "outcomes")), 50);
		json_array_foreach(json_object_get(j, "outcomes"), i, row) {
			n += get(row, "n");
			assert_int_equal(json_array_size(json_object_get(row, "exemplars")), 20);
		}
		json_decref(j);
	}
	assert_int_equal(n, 3000);
	sq_tally_free(t);
}

/* Of failures alone, of those of which more was said, and anew after each flush. */
static void test_details(void **state)
{
	static const char *const texts[] = { "4.2.2", "", "4.7.1", "4.2.2" };
	struct sq_tally *t = sq_tally_new(&shape);

	(void)state;
	for (int round = 0; round < 2; round++) {
		json_t *record, *j;

		for (size_t i = 0; i < 4; i++) {
			struct sq_tally_op op = { .outcome = { SQ_CODE_DRIVER, 1 }, .sent_ns = -1 };

			strcpy(op.detail, texts[i]);
			sq_tally_done(t, &op);
		}
		end(t, SQ_CODE_TIMEOUT, 0, 0, SQ_MS);
		end(t, SQ_CODE_OK, 0, 0, SQ_MS);
		record = sq_tally_flush(t);
		j = json_object_get(record, "outcomes");
		expect_json(json_object_get(json_array_get(j, 0), "details"),
			    "{\"4.2.2\":2,\"4.7.1\":1}");
		assert_null(json_object_get(json_array_get(j, 1), "details"));
		assert_null(json_object_get(json_array_get(j, 2), "details"));
		json_decref(record);
	}
	sq_tally_free(t);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_empty),      cmocka_unit_test(test_flush),
		cmocka_unit_test(test_far_apart),  cmocka_unit_test(test_bursts),
		cmocka_unit_test(test_many_kinds), cmocka_unit_test(test_details),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
