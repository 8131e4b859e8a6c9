/* Random numbers: the published algorithms, the same numbers for the same seed, and the moments of
 * the distributions. */
#include "base/rng.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

/* xoshiro256** from the state 1, 2, 3, 4: the first two are easily worked out by hand,
 * rotl(2 * 5, 7) * 9 = 11520 and rotl(0 * 5, 7) * 9 = 0; the others by arithmetic of any width. */
static void known_sequence(void **state)
{
	static const uint64_t want[] = {
		11520,
		0,
		1509978240,
		UINT64_C(1215971899390074240),
	};
	struct sq_rng rng = { .s = { 1, 2, 3, 4 } };

	(void)state;
	for (size_t i = 0; i < sizeof(want) / sizeof(want[0]); i++)
		assert_true(sq_rng_u64(&rng) == want[i]);
}

/* splitmix64 from 0 begins with these; stream 0 is the plain seeding. */
static void known_seeding(void **state)
{
	struct sq_rng rng;

	(void)state;
	sq_rng_init(&rng, 0, 0);
	assert_true(rng.s[0] == UINT64_C(0xe220a8397b1dcdaf));
	assert_true(rng.s[1] == UINT64_C(0x6e789e6aa1b965f4));
	assert_true(rng.s[2] == UINT64_C(0x06c45d188009454f));
	assert_true(rng.s[3] == UINT64_C(0xf88bb8a8724c81ec));
}

static void streams(void **state)
{
	struct sq_rng a, b, other_stream, other_seed;
	int same_stream = 0, same_seed = 0;

	(void)state;
	sq_rng_init(&a, 42, 3);
	sq_rng_init(&b, 42, 3);
	sq_rng_init(&other_stream, 42, 4);
	sq_rng_init(&other_seed, 43, 3);
	for (int i = 0; i < 1000; i++) {
		uint64_t x = sq_rng_u64(&a);

		assert_true(x == sq_rng_u64(&b));
		same_stream += x == sq_rng_u64(&other_stream);
		same_seed += x == sq_rng_u64(&other_seed);
	}
	assert_int_equal(same_stream, 0);
	assert_int_equal(same_seed, 0);
}

static void below(void **state)
{
	struct sq_rng rng;
	int count[7] = { 0 };

	(void)state;
	sq_rng_init(&rng, 1, 0);
	for (int i = 0; i < 70000; i++) {
		uint64_t x = sq_rng_below(&rng, 7);

		assert_true(x < 7);
		count[x]++;
	}
	/* Five standard deviations of a binomial of 70000 and 1/7. */
	for (int i = 0; i < 7; i++)
		assert_in_range(count[i], 10000 - 463, 10000 + 463);
	for (int i = 0; i < 100; i++)
		assert_true(sq_rng_below(&rng, 1) == 0);
	/* A bound over half the range makes about a third of the draws be rejected. */
	for (int i = 0; i < 100; i++)
		assert_true(sq_rng_below(&rng, (UINT64_C(3) << 62) - 1) < (UINT64_C(3) << 62) - 1);
}

static void moments(void **state)
{
	enum { N = 200000 };
	struct sq_rng rng;
	double sum = 0, exp_sum = 0, exp_squares = 0;

	(void)state;
	sq_rng_init(&rng, 7, 1);
	for (int i = 0; i < N; i++) {
		double u = sq_rng_double(&rng), e = sq_rng_exp(&rng);

		assert_true(u >= 0 && u < 1);
		assert_true(e >= 0 && isfinite(e));
		sum += u;
		exp_sum += e;
		exp_squares += e * e;
	}
	/* Five standard errors each: 1/sqrt(12 N), 1/sqrt(N), sqrt(20/N). */
	assert_true(fabs(sum / N - 0.5) < 5 * 0.000646);
	assert_true(fabs(exp_sum / N - 1) < 5 * 0.00224);
	assert_true(fabs(exp_squares / N - 2) < 5 * 0.01);
}

static void fresh_seeds(void **state)
{
	uint64_t a = sq_rng_fresh_seed(), b = sq_rng_fresh_seed();

	(void)state;
	assert_true(a != b);
	assert_true(a < UINT64_C(1) << 53 && b < UINT64_C(1) << 53);
}

/* Each of the six orders of three comes as often as the others. */
static void orders(void **state)
{
	int seen[3][3] = { 0 };
	struct sq_rng rng;
	size_t order[3];

	(void)state;
	sq_rng_init(&rng, 5, 0);
	for (int i = 0; i < 60000; i++) {
		sq_rng_order(&rng, order, 3);
		assert_int_equal(order[0] + order[1] + order[2], 3);
		assert_int_not_equal(order[0], order[1]);
		seen[order[0]][order[1]]++;
	}
	for (size_t i = 0; i < 3; i++)
		for (size_t k = 0; k < 3; k++)
			assert_true(i == k ? seen[i][k] == 0 : abs(seen[i][k] - 10000) < 500);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(known_sequence), cmocka_unit_test(known_seeding),
		cmocka_unit_test(streams),        cmocka_unit_test(below),
		cmocka_unit_test(moments),        cmocka_unit_test(fresh_seeds),
		cmocka_unit_test(orders),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
