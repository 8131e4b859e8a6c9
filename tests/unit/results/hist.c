/* The histogram against the sorted truth. */
#include "results/hist.h"

#include <errno.h>
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "base/mem.h"
#include "base/rng.h"

enum { N = 20000 };

static int by_value(const void *a, const void *b)
{
	int64_t x = *(const int64_t *)a, y = *(const int64_t *)b;

	return (x > y) - (x < y);
}

/* Values over all magnitudes that the histogram holds. */
static int64_t random_value(struct sq_rng *rng)
{
	return (int64_t)(sq_rng_u64(rng) & ((UINT64_C(1) << sq_rng_below(rng, 43)) - 1));
}

static void check_percentile(const struct sq_hist *h, const int64_t *sorted, double p,
			     unsigned bits)
{
	double exact = ceil(p / 100 * N - 1e-6);
	int64_t want = sorted[exact < 1 ? 0 : (size_t)exact - 1];
	int64_t got = sq_hist_percentile(h, p);

	if (got < want || (double)(got - want) > ldexp((double)want, -(int)bits))
		fail_msg("bits %u p%g: got %ld, want %ld", bits, p, (long)got, (long)want);
	assert_true(got <= sq_hist_max(h));
}

static void against_truth(unsigned bits)
{
	static const double ps[] = { 0, 0.005, 1, 10, 50, 90, 99, 99.9, 99.99, 100 };
	struct sq_hist *h = sq_hist_new(bits);
	int64_t *values = sq_alloc_n(N, sizeof(*values));
	struct sq_rng rng;
	double sum = 0;

	sq_rng_init(&rng, 7, bits);
	for (int i = 0; i < N; i++) {
		values[i] = random_value(&rng);
		sum += (double)values[i];
		sq_hist_record(h, values[i]);
	}
	qsort(values, N, sizeof(*values), by_value);
	for (size_t i = 0; i < sizeof(ps) / sizeof(ps[0]); i++)
		check_percentile(h, values, ps[i], bits);
	assert_int_equal(sq_hist_count(h), N);
	assert_int_equal(sq_hist_min(h), values[0]);
	assert_int_equal(sq_hist_max(h), values[N - 1]);
	assert_int_equal(sq_hist_percentile(h, 100), values[N - 1]);
	assert_true(fabs(sq_hist_mean(h) - sum / N) <= 1e-9 * sum / N);
	free(values);
	sq_hist_free(h);
}

static void test_truth(void **state)
{
	(void)state;
	against_truth(SQ_HIST_FINE);
	against_truth(SQ_HIST_COARSE);
	against_truth(1);
}

static void assert_same(const struct sq_hist *a, const struct sq_hist *b)
{
	json_t *x = sq_hist_to_json(a), *y = sq_hist_to_json(b);

	assert_true(json_equal(x, y));
	json_decref(x);
	json_decref(y);
}

static void test_round_trip_and_merge(void **state)
{
	struct sq_hist *all = sq_hist_new(6), *a = sq_hist_new(6), *b = sq_hist_new(6);
	struct sq_hist *back = sq_hist_new(6);
	struct sq_rng rng;
	json_t *j;

	(void)state;
	sq_rng_init(&rng, 1, 0);
	for (int i = 0; i < 1000; i++) {
		int64_t v = random_value(&rng);

		sq_hist_record(all, v);
		sq_hist_record(i % 3 ? a : b, v);
	}
	sq_hist_merge(a, b);
	assert_same(all, a);
	j = sq_hist_to_json(all);
	assert_int_equal(sq_hist_merge_json(back, j), 0);
	assert_same(all, back);
	json_decref(j);
	sq_hist_reset(all);
	sq_hist_reset(back);
	assert_same(all, back);
	assert_int_equal(sq_hist_percentile(all, 50), -1);
	for (struct sq_hist **h = (struct sq_hist *[]){ all, a, b, back, NULL }; *h; h++)
		sq_hist_free(*h);
}

/* The sum of what a JSON integer can't hold comes back exactly. */
static void test_large(void **state)
{
	struct sq_hist *h = sq_hist_new(SQ_HIST_FINE), *back = sq_hist_new(SQ_HIST_FINE);
	json_t *j;

	(void)state;
	sq_hist_record(h, INT64_MAX);
	sq_hist_record(h, INT64_MAX);
	sq_hist_record(h, -5);
	assert_int_equal(sq_hist_max(h), INT64_MAX);
	assert_int_equal(sq_hist_min(h), 0);
	assert_int_equal(sq_hist_percentile(h, 99), INT64_MAX);
	assert_int_equal(sq_hist_percentile(h, 33), 0);
	j = sq_hist_to_json(h);
	assert_string_equal(json_string_value(json_object_get(j, "sum")), "18446744073709551614");
	assert_int_equal(sq_hist_merge_json(back, j), 0);
	assert_same(h, back);
	json_decref(j);
	sq_hist_free(h);
	sq_hist_free(back);
}

static void test_bad_json(void **state)
{
	static const char *const bad[] = {
		"{}",
		"[]",
		"{\"bits\":11,\"count\":0,\"min\":-1,\"max\":-1,\"sum\":0,\"c\":[]}",
		"{\"bits\":6,\"count\":1,\"min\":1,\"max\":1,\"sum\":1,\"c\":[]}",
		"{\"bits\":6,\"count\":1,\"min\":1,\"max\":1,\"sum\":1,\"c\":[1]}",
		"{\"bits\":6,\"count\":1,\"min\":1,\"max\":1,\"sum\":1,\"c\":[2,1]}",
		"{\"bits\":6,\"count\":1,\"min\":1,\"max\":1,\"sum\":1,\"c\":[-1,1]}",
		"{\"bits\":6,\"count\":1,\"min\":1,\"max\":1,\"sum\":\"x\",\"c\":[1,1]}",
		"{\"bits\":6,\"count\":2,\"min\":1,\"max\":1,\"sum\":1,\"c\":[1,1]}",
		"{\"bits\":6,\"count\":1,\"min\":1,\"max\":0,\"sum\":1,\"c\":[1,1]}",
	};
	struct sq_hist *h = sq_hist_new(SQ_HIST_COARSE);

	(void)state;
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		json_t *j = json_loads(bad[i], 0, NULL);

		if (sq_hist_merge_json(h, j) != -EINVAL)
			fail_msg("accepted %s", bad[i]);
		json_decref(j);
	}
	assert_int_equal(sq_hist_count(h), 0);
	sq_hist_free(h);
}

static void test_summary(void **state)
{
	struct sq_hist *h = sq_hist_new(SQ_HIST_FINE);
	json_t *j = sq_hist_summary(h);

	(void)state;
	assert_true(json_is_null(j));
	json_decref(j);
	sq_hist_record(h, 1500000);
	j = sq_hist_summary(h);
	assert_int_equal(json_integer_value(json_object_get(j, "count")), 1);
	for (const char *const *key = (const char *const[]){ "min_s", "mean_s", "p50_s", "p90_s",
							     "p99_s", "p999_s", "max_s", NULL };
	     *key; key++)
		assert_true(json_real_value(json_object_get(j, *key)) == 0.0015);
	json_decref(j);
	sq_hist_free(h);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_truth),   cmocka_unit_test(test_round_trip_and_merge),
		cmocka_unit_test(test_large),   cmocka_unit_test(test_bad_json),
		cmocka_unit_test(test_summary),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
