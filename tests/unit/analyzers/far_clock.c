/* Offsets and their bounds, on questions and answers with known truth. */
#include "analyzers/places/far_clock.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>

#include <cmocka.h>

#include "base/clock.h"
#include "base/rng.h"

#define OFFSET (300 * SQ_MS)

/* One question that took there and back so long; the far clock drifts by parts per million. */
static void ask(struct sq_far_clock *c, int64_t at_ns, int64_t there_ns, int64_t back_ns,
		int64_t drift)
{
	int64_t answered_ns = at_ns + there_ns;

	sq_far_clock_add(c, at_ns, answered_ns + back_ns,
			 answered_ns + OFFSET + answered_ns / 1000000 * drift);
}

static void test_the_quickest_answer_counts(void **state)
{
	struct sq_far_clock c = { 0 };

	(void)state;
	assert_null(sq_far_clock_best(&c, 0));
	ask(&c, SQ_SEC, 10 * SQ_MS, 0, 0); /* all of it on the way there */
	ask(&c, SQ_SEC + 20 * SQ_MS, 100 * SQ_US, 100 * SQ_US, 0);
	ask(&c, SQ_SEC + 40 * SQ_MS, 0, 10 * SQ_MS, 0);
	assert_int_equal(sq_far_clock_best(&c, SQ_SEC + 50 * SQ_MS)->offset_ns, OFFSET);
	assert_int_equal(sq_far_clock_here(&c, 2 * SQ_SEC + OFFSET), 2 * SQ_SEC);
	/* Half of that round trip, and what clocks may drift in a second. */
	assert_in_range(c.bound_ns, 100 * SQ_US + 480 * SQ_US, 100 * SQ_US + 500 * SQ_US);
}

/* Whatever the ways were, asymmetric and drifting, no time is off by more than the bound says. */
static void test_the_bound_holds(void **state)
{
	struct sq_rng rng;

	(void)state;
	sq_rng_init(&rng, 7, 0);
	for (int round = 0; round < 200; round++) {
		struct sq_far_clock c = { 0 };
		int64_t drift = (int64_t)sq_rng_below(&rng, 1001) - 500, worst_ns = 0;

		for (int64_t at_ns = SQ_SEC; at_ns < 30 * SQ_SEC; at_ns += SQ_SEC) {
			ask(&c, at_ns, (int64_t)sq_rng_below(&rng, 3000000),
			    (int64_t)sq_rng_below(&rng, 3000000), drift);
			for (int k = 0; k < 10; k++) {
				int64_t t = at_ns + k * 100 * SQ_MS + 10 * SQ_MS;
				int64_t far_ns = t + OFFSET + t / 1000000 * drift;
				int64_t off = llabs(sq_far_clock_here(&c, far_ns) - t);

				worst_ns = off > worst_ns ? off : worst_ns;
			}
		}
		if (worst_ns > c.bound_ns + SQ_US)
			fail_msg("drift %lld: got %lld ns off, said %lld", (long long)drift,
				 (long long)worst_ns, (long long)c.bound_ns);
		assert_true(c.bound_ns < 6 * SQ_MS);
	}
}

/* A clock that jumps has made what was dated by it wrong: the bound says so. */
static void test_a_jump_widens_the_bound(void **state)
{
	struct sq_far_clock c = { 0 };

	(void)state;
	ask(&c, SQ_SEC, SQ_MS, SQ_MS, 0);
	sq_far_clock_here(&c, SQ_SEC + OFFSET);
	assert_true(c.bound_ns < 2 * SQ_MS);
	sq_far_clock_add(&c, 2 * SQ_SEC, 2 * SQ_SEC, 2 * SQ_SEC + OFFSET + 70 * SQ_MS);
	assert_in_range(c.bound_ns, 70 * SQ_MS, 72 * SQ_MS);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_the_quickest_answer_counts),
		cmocka_unit_test(test_the_bound_holds),
		cmocka_unit_test(test_a_jump_widens_the_bound),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
