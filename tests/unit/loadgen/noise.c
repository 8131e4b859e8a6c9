/* A capacity's noise: its mean, its bounds, how long it stays, and that a seed reproduces it. */
#include "loadgen/engine/noise.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/clock.h"
#include "base/opt.h"

static void test_spread(void **state)
{
	struct sq_noise noise;
	double sum = 0, least = 2, most = 0;

	(void)state;
	sq_noise_init(&noise, 20, 7);
	for (int64_t i = 0; i < 10000; i++) {
		double f = sq_noise_factor(&noise, i * 100 * SQ_MS);

		assert_true(f == sq_noise_factor(&noise, i * 100 * SQ_MS + 99 * SQ_MS));
		sum += f;
		least = fmin(least, f);
		most = fmax(most, f);
	}
	assert_true(fabs(sum / 10000 - 1) < 0.005);
	assert_true(least >= 0.8 && least < 0.801 && most <= 1.2 && most > 1.199);
}

static void test_seed(void **state)
{
	struct sq_noise a, b, fresh, none;

	(void)state;
	sq_noise_init(&a, 20, 7);
	sq_noise_init(&b, 20, 7);
	sq_noise_init(&fresh, 20, SQ_OPT_UNSET);
	sq_noise_init(&none, 0, SQ_OPT_UNSET);
	assert_true(sq_noise_factor(&a, SQ_SEC) == sq_noise_factor(&b, SQ_SEC));
	assert_true(sq_noise_factor(&a, SQ_SEC) != sq_noise_factor(&fresh, SQ_SEC));
	assert_true(sq_noise_factor(&none, SQ_SEC) == 1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_spread),
		cmocka_unit_test(test_seed),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
