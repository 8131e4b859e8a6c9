/* Postal's line, digit by digit. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "loadgen/smtp/postal.h"
#include "loadgen/smtp/words.h"

static void expect_line(const struct sq_live_sum *before, const struct sq_live_sum *now,
			const char *want)
{
	const struct tm when = { .tm_hour = 3, .tm_min = 7, .tm_sec = 59 };
	struct sq_buf out = { 0 };

	sq_smtp_postal_line(before, now, &when, &out);
	assert_string_equal(out.data, want);
	sq_buf_fini(&out);
}

static void test_lines(void **state)
{
	struct sq_live_sum none = { 0 }, first = { .ok = 108, .failed = 2, .other = 9 }, second;

	(void)state;
	first.counts[SQ_SMTP_BYTES] = 592 * 1024 + 1000;
	first.counts[SQ_SMTP_CONNECTIONS] = 23;
	first.counts[SQ_SMTP_TLS_FULL] = 3;
	second = first;
	second.ok += UINT64_C(5000000000);
	second.counts[SQ_SMTP_BYTES] += 100;
	second.counts[SQ_SMTP_CONNECTIONS] += 7;
	second.counts[SQ_SMTP_TLS_FULL] += 1;
	second.counts[SQ_SMTP_TLS_RESUMED] += 4;
	expect_line(&none, &none, "03:07,0,0,0,0,0\n");
	expect_line(&none, &first, "03:07,108,592,2,23,3\n");
	expect_line(&first, &second, "03:07,5000000000,1,0,7,5\n");
	expect_line(&second, &second, "03:07,0,0,0,0,0\n");
}

/* All lanes', each in slots of its own. */
static void test_sum(void **state)
{
	struct sq_live *live = sq_live_new(3);
	struct sq_live_sum sum;

	(void)state;
	assert_non_null(live);
	for (unsigned i = 0; i < 3; i++) {
		sq_live_add(&live->lane[i].ok, i);
		sq_live_add(&live->lane[i].counts[SQ_SMTP_BYTES], 10 * i);
		sq_live_add(&live->lane[i].counts[SQ_COUNTS_MAX - 1], 1);
	}
	sum = sq_live_sum(live);
	assert_int_equal(sum.ok, 3);
	assert_int_equal(sum.failed, 0);
	assert_int_equal(sum.counts[SQ_SMTP_BYTES], 30);
	assert_int_equal(sum.counts[SQ_COUNTS_MAX - 1], 3);
	sq_live_free(live);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_lines),
		cmocka_unit_test(test_sum),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
