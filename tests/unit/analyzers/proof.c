/* What pairs of runs with and without a change say. */
#include "analyzers/ledger/proof.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

struct row {
	const char *name;
	struct sq_proof_pair pairs[6];
	size_t n;
	double share, chance;
	enum sq_proof_verdict verdict;
};

#define PAIR(without, with)                              \
	{                                                \
		{ without, 1000, 0 }, { with, 1000, 0 }, \
	}

static const struct row rows[] = {
	{ "all of it goes",
	  { PAIR(400, 0), PAIR(410, 0), PAIR(390, 0), PAIR(400, 0), PAIR(1, 0) },
	  5,
	  1,
	  1.0 / 32,
	  SQ_VERDICT_PROVED },
	{ "it explains half, and half goes",
	  { PAIR(400, 200), PAIR(410, 190), PAIR(390, 200), PAIR(400, 201), PAIR(400, 199) },
	  5,
	  0.5,
	  1.0 / 32,
	  SQ_VERDICT_PROVED },
	{ "it explains all, and half goes",
	  { PAIR(400, 200), PAIR(410, 190), PAIR(390, 200), PAIR(400, 201), PAIR(400, 199) },
	  5,
	  1,
	  1.0 / 32,
	  SQ_VERDICT_PARTLY },
	{ "no difference",
	  { PAIR(400, 400), PAIR(400, 400), PAIR(400, 400), PAIR(400, 400), PAIR(400, 400) },
	  5,
	  1,
	  1,
	  SQ_VERDICT_WITHDRAWN },
	{ "now more, now less",
	  { PAIR(400, 390), PAIR(400, 410), PAIR(400, 395), PAIR(400, 402), PAIR(400, 399) },
	  5,
	  1,
	  0.5,
	  SQ_VERDICT_WITHDRAWN },
	{ "worse",
	  { PAIR(1, 5), PAIR(1, 5), PAIR(1, 5), PAIR(1, 5), PAIR(1, 5) },
	  5,
	  1,
	  1,
	  SQ_VERDICT_WITHDRAWN },
	{ "one of six the wrong way",
	  { PAIR(9, 0), PAIR(9, 0), PAIR(9, 0), PAIR(9, 0), PAIR(9, 0), PAIR(0, 1) },
	  6,
	  1,
	  7.0 / 64,
	  SQ_VERDICT_WITHDRAWN },
	{ "too few",
	  { PAIR(400, 0), PAIR(400, 0), PAIR(400, 0), PAIR(400, 0) },
	  4,
	  1,
	  1.0 / 16,
	  SQ_VERDICT_UNDECIDED },
	{ "it never came back",
	  { PAIR(0, 0), PAIR(0, 0), PAIR(0, 0), PAIR(0, 0), PAIR(0, 0) },
	  5,
	  1,
	  1,
	  SQ_VERDICT_UNDECIDED },
	{ "none at all", { PAIR(0, 0) }, 0, 1, 1, SQ_VERDICT_UNDECIDED },
};

static void test_rows(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		const struct row *r = &rows[i];
		double chance = sq_proof_chance(r->pairs, r->n);
		enum sq_proof_verdict got = sq_proof_judge(r->pairs, r->n, r->share);

		if (got != r->verdict || fabs(chance - r->chance) > 1e-9)
			fail_msg("%s: got %s, chance %g; want %s, %g", r->name,
				 sq_proof_verdict_name(got), chance,
				 sq_proof_verdict_name(r->verdict), r->chance);
	}
}

static void test_bound(void **state)
{
	(void)state;
	assert_true(fabs(sq_proof_bound(3000) - 0.001) < 1e-12);
	assert_true(sq_proof_bound(2) >= 1);
	assert_true(sq_proof_bound(0) >= 1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_rows),
		cmocka_unit_test(test_bound),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
