/* What an A/A run says that it would find is what is found: of tunes with such a difference about 8 in 10. */
#include "results/least_seen.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "base/rng.h"
#include "results/stats.h"

enum { PAIRS = 12, TUNES = 200 };
static const double alpha = 0.05, margin = 0.02;

/* Nearly normal, of a spread of 0.1. */
static void noise(struct sq_rng *rng, double *d)
{
	for (size_t i = 0; i < PAIRS; i++) {
		d[i] = -0.6;
		for (int k = 0; k < 12; k++)
			d[i] += (double)sq_rng_below(rng, 1 << 20) / (10 << 20);
	}
}

static bool is_found(const double *d)
{
	struct sq_shift s = sq_hodges_lehmann(d, PAIRS, alpha);

	return sq_judge(&s, sq_signed_rank_p(d, PAIRS), alpha, margin, true) == SQ_BETTER;
}

static void test_is_found(void **state)
{
	double d[PAIRS], sum = 0;
	struct sq_rng rng;
	int found = 0;

	(void)state;
	sq_rng_init(&rng, 11, 0);
	for (int i = 0; i < TUNES; i++) {
		noise(&rng, d);
		sum += sq_least_seen(d, PAIRS, alpha, margin, (uint64_t)i + 1);
	}
	for (int i = 0; i < TUNES; i++) {
		noise(&rng, d);
		for (size_t k = 0; k < PAIRS; k++)
			d[k] += sum / TUNES;
		found += is_found(d);
	}
	/* Of one A/A it differs, as its spread does; on average it is right. */
	print_message("the least difference is %.4f on average, and %d of %d found it\n",
		      sum / TUNES, found, TUNES);
	assert_in_range(found, TUNES * 70 / 100, TUNES * 90 / 100);
}

static void test_ends(void **state)
{
	static const double same[PAIRS] = { 0 }, few[4] = { 0.1, -0.1, 0.2, 0 };

	(void)state;
	/* Nothing varies: what is beyond the margin is seen. */
	assert_true(fabs(sq_least_seen(same, PAIRS, alpha, margin, 1) - margin) < 1e-12);
	assert_true(isinf(sq_least_seen(few, 4, alpha, margin, 1)));
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(test_is_found),
					    cmocka_unit_test(test_ends) };

	return cmocka_run_group_tests(tests, NULL, NULL);
}
