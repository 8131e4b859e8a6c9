/* The SYN schedule against what was measured (the table in analyzers/ledger/dose.c). */
#include "analyzers/ledger/dose.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/clock.h"

/* Seconds measured on a kernel, cut to whole ones: the planned times. -1 ends a row. */
static const struct {
	int64_t linear, retries;
	int at_s[SQ_SYNS_MAX];
	bool whole; /* the kernel gave up after these */
} measured[] = {
	{ 4, 6, { 0, 1, 2, 3, 4, 5, 7, 11, -1 }, false },
	{ 2, 6, { 0, 1, 2, 3, 5, 9, -1 }, false },
	{ 0, 6, { 0, 1, 3, 7, -1 }, false },
	{ 4, 3, { 0, 1, 2, 3, 4, 5, 7, 11, -1 }, true },
	{ 4, 2, { 0, 1, 2, 3, 4, 5, -1 }, true },
	{ 4, 1, { 0, 1, 2, -1 }, true },
	{ 0, 2, { 0, 1, 3, -1 }, true },
};

static void test_schedule_is_the_kernels(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(measured) / sizeof(measured[0]); i++) {
		struct sq_syn_sysctls sysctls = { measured[i].linear, measured[i].retries };
		struct sq_syn_schedule got;
		unsigned n = 0;

		sq_syn_schedule(&sysctls, &got);
		for (; measured[i].at_s[n] >= 0; n++) {
			assert_true(n < got.n);
			assert_int_equal(got.at_ns[n], measured[i].at_s[n] * SQ_SEC);
		}
		if (measured[i].whole)
			assert_int_equal(got.n, n);
	}
}

static const struct {
	int64_t linear, timeout_ms;
	unsigned syns;
} within[] = {
	{ 4, 2500, 3 }, { 0, 2500, 2 }, { 4, 800, 1 },  { 4, 1000, 1 }, { 4, 1001, 2 },
	{ 4, 2000, 2 }, { 4, 8000, 7 }, { 0, 8000, 4 }, { 4, 0, 1 },    { 0, 4000, 3 },
};

static void test_within_a_timeout(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(within) / sizeof(within[0]); i++) {
		struct sq_syn_sysctls sysctls = { within[i].linear, 6 };
		struct sq_syn_schedule s;

		sq_syn_schedule(&sysctls, &s);
		assert_int_equal(sq_syn_within(&s, within[i].timeout_ms * SQ_MS), within[i].syns);
	}
}

/* Whatever the settings: the first SYN at 0, times rise, the table's bound holds. */
static void test_extremes(void **state)
{
	(void)state;
	for (int64_t linear = 0; linear <= 127; linear += 127) {
		for (int64_t retries = 0; retries <= 127; retries++) {
			struct sq_syn_sysctls sysctls = { linear, retries };
			struct sq_syn_schedule s;

			sq_syn_schedule(&sysctls, &s);
			assert_in_range(s.n, 1, SQ_SYNS_MAX);
			assert_int_equal(s.at_ns[0], 0);
			for (unsigned i = 1; i < s.n; i++)
				assert_true(s.at_ns[i] > s.at_ns[i - 1]);
		}
	}
}

static void test_lateness_covers_what_was_measured(void **state)
{
	(void)state;
	assert_true(sq_syn_late_ns(0) == 0);
	assert_true(sq_syn_late_ns(2 * SQ_SEC) >= 60 * SQ_MS);
	assert_true(sq_syn_late_ns(11 * SQ_SEC) >= 392 * SQ_MS);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_schedule_is_the_kernels),
		cmocka_unit_test(test_within_a_timeout),
		cmocka_unit_test(test_extremes),
		cmocka_unit_test(test_lateness_covers_what_was_measured),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
