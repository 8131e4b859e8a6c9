/* The statistics against scipy's (stats_truth.py made the values), and the verdicts they lead to. */
#include "results/stats.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>
#include <jansson.h>

#include "base/mem.h"
#include "base/rng.h"

static json_t *truth;

static void assert_close(double got, double want)
{
	if (!(fabs(got - want) <= 1e-9 * fmax(1, fabs(want))))
		fail_msg("got %.17g, want %.17g", got, want);
}

static double number(const json_t *object, const char *key)
{
	json_t *v = json_object_get(object, key);

	assert_true(json_is_number(v));
	return json_number_value(v);
}

/* The caller frees it. */
static double *numbers(const json_t *object, const char *key, size_t *ret_n)
{
	json_t *list = json_object_get(object, key);
	size_t n = json_array_size(list);
	double *v = sq_alloc_n(n + 1, sizeof(*v));

	assert_true(n > 0);
	for (size_t i = 0; i < n; i++)
		v[i] = json_number_value(json_array_get(list, i));
	*ret_n = n;
	return v;
}

static void check_shift(const double *d, size_t n, const json_t *want)
{
	struct sq_shift s = sq_hodges_lehmann(d, n, number(want, "alpha"));
	json_t *ends = json_object_get(want, "ends");

	assert_close(s.shift, number(want, "shift"));
	if (json_is_null(ends)) {
		assert_true(isinf(s.lo) && isinf(s.hi) && s.lo < s.hi);
		return;
	}
	assert_close(s.lo, json_number_value(json_array_get(ends, 0)));
	assert_close(s.hi, json_number_value(json_array_get(ends, 1)));
}

static void test_paired(void **state)
{
	json_t *set, *want;
	size_t i, k, n;

	(void)state;
	json_array_foreach(json_object_get(truth, "paired"), i, set) {
		double *d = numbers(set, "d", &n);

		assert_close(sq_signed_rank_p(d, n), number(set, "p"));
		json_array_foreach(json_object_get(set, "shifts"), k, want)
			check_shift(d, n, want);
		free(d);
	}
	assert_true(i > 10);
}

static void test_holm(void **state)
{
	json_t *set;
	size_t i, n, n_want;

	(void)state;
	json_array_foreach(json_object_get(truth, "holm"), i, set) {
		double *p = numbers(set, "p", &n), *want = numbers(set, "adjusted", &n_want);

		assert_int_equal(n, n_want);
		sq_holm(p, n, p);
		for (size_t k = 0; k < n; k++)
			assert_close(p[k], want[k]);
		free(p);
		free(want);
	}
	assert_true(i > 2);
}

static void test_prediction(void **state)
{
	double same[] = { 2, 2, 2 }, p;
	json_t *set;
	size_t i, n;

	(void)state;
	json_array_foreach(json_object_get(truth, "prediction"), i, set) {
		double *d = numbers(set, "d", &n);
		struct sq_shift s =
			sq_prediction(d, n, number(set, "value"), number(set, "alpha"), &p);

		assert_close(s.shift, number(set, "shift"));
		assert_close(s.lo, number(set, "lo"));
		assert_close(s.hi, number(set, "hi"));
		assert_close(p, number(set, "p"));
		free(d);
	}
	assert_true(i > 20);
	assert_close(sq_prediction(same, 3, 2, 0.05, &p).hi, 0);
	assert_close(p, 1);
	assert_close(sq_prediction(same, 3, 3, 0.05, &p).lo, 1);
	assert_close(p, 0);
}

static void test_median(void **state)
{
	double odd[] = { 3, 1, 2 }, even[] = { 4, 1, 3, 2 };

	(void)state;
	assert_close(sq_median(odd, 3), 2);
	assert_close(sq_median(even, 4), 2.5);
	assert_close(odd[0], 3);
}

/* As many as may be asked for: the chances still sum up to 1, and a clear shift is one. */
static void test_most_pairs(void **state)
{
	double d[SQ_PAIRS_MAX];
	struct sq_shift s;

	(void)state;
	for (size_t i = 0; i < SQ_PAIRS_MAX; i++)
		d[i] = i % 2 ? (double)i + 1 : -(double)i - 1;
	assert_true(sq_signed_rank_p(d, SQ_PAIRS_MAX) > 0.5);
	for (size_t i = 0; i < SQ_PAIRS_MAX; i++)
		d[i] = 10 + (double)(i % 7);
	s = sq_hodges_lehmann(d, SQ_PAIRS_MAX, 0.05);
	assert_true(s.lo >= 12.5 && s.hi <= 13.5);
	assert_true(sq_signed_rank_p(d, SQ_PAIRS_MAX) < 1e-60);
}

/* Of one setting whose values drift, as a machine's do: labels that are drawn for each pair find no
 * difference in more than the 5 % that were allowed.  (tests/truth/tune-truth has it live.) */
static void test_false_alarms(void **state)
{
	enum { TRIALS = 400, PAIRS = 10, WINDOWS = 2000 };
	double v[TRIALS], drift = 0, d[PAIRS], none = 1e-9;
	size_t alarms = 0, order[2];
	struct sq_rng rng;

	(void)state;
	sq_rng_init(&rng, 10, 0);
	for (size_t i = 0; i < TRIALS; i++) {
		drift = 0.9 * drift + sq_rng_double(&rng) - 0.5;
		v[i] = drift + (i > TRIALS / 2 ? sq_rng_exp(&rng) : 0);
	}
	for (size_t w = 0; w < WINDOWS; w++) {
		const double *at = v + w % (TRIALS - 2 * PAIRS);
		struct sq_shift s;

		for (size_t i = 0; i < PAIRS; i++) {
			sq_rng_order(&rng, order, 2);
			d[i] = at[2 * i + order[1]] - at[2 * i + order[0]];
		}
		s = sq_hodges_lehmann(d, PAIRS, 0.05);
		alarms += sq_judge(&s, sq_signed_rank_p(d, PAIRS), 0.05, none, true) !=
			  SQ_UNDECIDED;
	}
	if (alarms > WINDOWS * 6 / 100 || alarms < WINDOWS * 3 / 100)
		fail_msg("%zu alarms in %d windows", alarms, WINDOWS);
}

static void test_verdicts(void **state)
{
	const struct {
		struct sq_shift s;
		double p;
		enum sq_comparison more, less;
	} cases[] = {
		{ { 0.05, 0.03, 0.07 }, 0.002, SQ_BETTER, SQ_WORSE },
		{ { -0.05, -0.07, -0.03 }, 0.002, SQ_WORSE, SQ_BETTER },
		{ { 0.05, 0.03, 0.07 }, 0.06, SQ_UNDECIDED, SQ_UNDECIDED },
		{ { 0.01, 0.005, 0.015 }, 0.002, SQ_EQUIVALENT, SQ_EQUIVALENT },
		{ { 0.01, -0.01, 0.03 }, 0.4, SQ_UNDECIDED, SQ_UNDECIDED },
		{ { 0.05, -INFINITY, INFINITY }, 0.06, SQ_UNDECIDED, SQ_UNDECIDED },
		{ { 0.025, 0.01, 0.04 }, 0.002, SQ_BETTER, SQ_WORSE },
		/* It is one, and perhaps one that does not matter. */
		{ { 0.015, 0.005, 0.025 }, 0.002, SQ_UNDECIDED, SQ_UNDECIDED },
		{ { -0.015, -0.025, -0.005 }, 0.002, SQ_UNDECIDED, SQ_UNDECIDED },
		{ { 0, 0, 0 }, 1, SQ_EQUIVALENT, SQ_EQUIVALENT },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		assert_int_equal(sq_judge(&cases[i].s, cases[i].p, 0.05, 0.02, true),
				 cases[i].more);
		assert_int_equal(sq_judge(&cases[i].s, cases[i].p, 0.05, 0.02, false),
				 cases[i].less);
	}
}

static void test_more_pairs(void **state)
{
	struct sq_shift wide = { 0.05, -0.05, 0.15 }, none = { 0, -0.04, 0.04 },
			open = { 0.05, -INFINITY, INFINITY }, edge = { 0.0001, -0.04, 0.04 },
			near = { 0.01, -0.01, 0.03 }, large = { 0.5, 0.4, 0.6 };

	(void)state;
	/* Half of it must be halved: four times as many. */
	assert_int_equal(sq_more_pairs(&wide, 10, 1, 0.05, 0.02), 30);
	assert_int_equal(sq_more_pairs(&none, 10, 1, 0.05, 0.02), 30);
	/* What may not matter must be seen to lie within the margin. */
	assert_int_equal(sq_more_pairs(&near, 10, 1, 0.05, 0.02), 30);
	assert_int_equal(sq_more_pairs(&open, 4, 1, 0.05, 0.02), 2);
	assert_int_equal(sq_more_pairs(&edge, 10, 1, 0.05, 0.0002), SIZE_MAX);
	/* Of three measures six pairs show nothing, though one of them alone is clear. */
	assert_int_equal(sq_more_pairs(&open, 4, 3, 0.05, 0.02), 3);
	assert_int_equal(sq_more_pairs(&large, 6, 3, 0.05, 0.02), 1);
	assert_true(sq_more_pairs(&wide, 10, 3, 0.05, 0.02) > 45);
	assert_int_equal(sq_least_pairs(1, 0.05), 6);
	assert_int_equal(sq_least_pairs(3, 0.05), 7);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_paired),     cmocka_unit_test(test_holm),
		cmocka_unit_test(test_prediction), cmocka_unit_test(test_median),
		cmocka_unit_test(test_most_pairs), cmocka_unit_test(test_false_alarms),
		cmocka_unit_test(test_verdicts),   cmocka_unit_test(test_more_pairs),
	};
	int failed;

	truth = json_load_file(SQ_SOURCE_DIR "/tests/unit/results/stats_truth.json", 0, NULL);
	if (!truth)
		return 1;
	failed = cmocka_run_group_tests(tests, NULL, NULL);
	json_decref(truth);
	return failed;
}
