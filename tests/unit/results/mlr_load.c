/* How a load stands: the worked example of RFC 9971, appendix C, point by point.
 *
 * What a reader would get wrong: in points 5 and 6 the RFC's table has the fourth goal's load as a lower bound, with 42.9 and
 * 27.3 % of the time bad where the goal allows 20.  The code of appendix A says upper bound to that, and
 * the code is what is to be followed. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/clock.h"
#include "results/mlr.h"

#define MILLION 1e6

enum { RFC2544, TST009, ONE_SECOND, FIFTH, GOALS };

static const struct sq_mlr_goal goals[GOALS] = {
	[RFC2544] = { 0, 60 * SQ_SEC, SQ_SEC, 60 * SQ_SEC, 0.02 },
	[TST009] = { 0.5, 120 * SQ_SEC, SQ_SEC, 60 * SQ_SEC, 0.02 },
	[ONE_SECOND] = { 0.5, 120 * SQ_SEC, SQ_SEC, SQ_SEC, 0.02 },
	[FIFTH] = { 0.2, 60 * SQ_SEC, SQ_SEC, 60 * SQ_SEC, 0.02 },
};

static const double allowed[GOALS] = { 0, 0, 0.005, 0.005 };

#define L SQ_MLR_LOWER
#define U SQ_MLR_UPPER
#define N SQ_MLR_UNDECIDED

static const struct point {
	int times, seconds;
	double lost;
	enum sq_mlr_standing stands[GOALS];
} points[] = {
	{ 59, 1, 0, { N, N, N, N } },     { 1, 1, 0.01, { U, N, N, N } },
	{ 59, 1, 0.01, { U, N, N, U } },  { 1, 1, 0, { U, N, L, U } },
	{ 1, 60, 0.001, { U, N, L, U } }, { 1, 60, 0, { U, L, L, U } },
};

static void add(struct sq_mlr *m, const struct point *p)
{
	bool good[SQ_MLR_GOALS_MAX];

	for (size_t i = 0; i < GOALS; i++)
		good[i] = p->lost <= allowed[i];
	for (int i = 0; i < p->times; i++)
		sq_mlr_record(m, MILLION, p->seconds * SQ_SEC, good, p->lost);
}

static void test_classification(void **state)
{
	struct sq_mlr *m = sq_mlr_new(goals, GOALS, 1e5, 1e7);

	(void)state;
	for (size_t i = 0; i < GOALS; i++)
		assert_int_equal(sq_mlr_standing(m, i, MILLION), SQ_MLR_UNTRIED);
	for (size_t k = 0; k < sizeof(points) / sizeof(*points); k++) {
		add(m, &points[k]);
		for (size_t i = 0; i < GOALS; i++)
			if (sq_mlr_standing(m, i, MILLION) != points[k].stands[i])
				fail_msg("point %zu, goal %zu: got %d, want %d", k + 1, i + 1,
					 (int)sq_mlr_standing(m, i, MILLION),
					 (int)points[k].stands[i]);
	}
	sq_mlr_free(m);
}

static void test_conditional_throughput(void **state)
{
	struct sq_mlr *m = sq_mlr_new(goals, GOALS, 1e5, 1e7);

	(void)state;
	assert_true(isnan(sq_mlr_throughput(m, TST009, MILLION)));
	for (size_t k = 0; k < sizeof(points) / sizeof(*points); k++)
		add(m, &points[k]);
	assert_true(sq_mlr_throughput(m, TST009, MILLION) == MILLION);
	assert_true(sq_mlr_throughput(m, ONE_SECOND, MILLION) == MILLION);
	assert_true(fabs(sq_mlr_throughput(m, FIFTH, MILLION) - 999000) < 1e-3);
	sq_mlr_free(m);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_classification),
		cmocka_unit_test(test_conditional_throughput),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
