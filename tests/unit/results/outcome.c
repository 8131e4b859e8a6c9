/* Names and classes of outcomes. */
#include "results/outcome.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

static const struct sq_code driver[] = {
	{ "SERVFAIL", SQ_CLASS_HARD, "" },
	{ "mismatch", SQ_CLASS_GARBLED, "" },
	{ 0 },
};

static const struct {
	uint16_t code;
	const char *name;
	enum sq_class class;
} cases[] = {
	{ SQ_CODE_OK, "ok", SQ_CLASS_OK },
	{ SQ_CODE_TIMEOUT, "timeout", SQ_CLASS_TIMEOUT },
	{ SQ_CODE_EOF, "eof", SQ_CLASS_RESET },
	{ SQ_CODE_CANCELED, "canceled", SQ_CLASS_CANCELED },
	{ SQ_CODE_MISSED, "missed", SQ_CLASS_MISSED },
	{ SQ_CODE_UNFINISHED, "unfinished", SQ_CLASS_CANCELED },
	{ SQ_CODE_DRIVER, "SERVFAIL", SQ_CLASS_HARD },
	{ SQ_CODE_DRIVER + 1, "mismatch", SQ_CLASS_GARBLED },
	{ SQ_CODE_DRIVER + 2, "unknown", SQ_CLASS_LOCAL },
	{ SQ_CODE_ERRNO + ECONNREFUSED, "ECONNREFUSED", SQ_CLASS_REFUSED },
	{ SQ_CODE_ERRNO + EPERM, "EPERM", SQ_CLASS_REFUSED },
	{ SQ_CODE_ERRNO + ECONNRESET, "ECONNRESET", SQ_CLASS_RESET },
	{ SQ_CODE_ERRNO + EPIPE, "EPIPE", SQ_CLASS_RESET },
	{ SQ_CODE_ERRNO + ETIMEDOUT, "ETIMEDOUT", SQ_CLASS_TIMEOUT },
	{ SQ_CODE_ERRNO + EMFILE, "EMFILE", SQ_CLASS_LOCAL },
	{ SQ_CODE_ERRNO + ENOBUFS, "ENOBUFS", SQ_CLASS_LOCAL },
	{ SQ_CODE_ERRNO + EAGAIN, "EAGAIN", SQ_CLASS_LOCAL },
	{ SQ_CODE_ERRNO + 999, "errno 999", SQ_CLASS_LOCAL },
};

static void test_codes(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		const char *name = sq_code_name(driver, cases[i].code);

		if (strcmp(name, cases[i].name) != 0)
			fail_msg("code %u: got %s, want %s", cases[i].code, name, cases[i].name);
		assert_int_equal(sq_code_class(driver, cases[i].code), cases[i].class);
	}
	assert_string_equal(sq_code_name(NULL, SQ_CODE_DRIVER), "unknown");
}

static void test_known(void **state)
{
	(void)state;
	assert_true(sq_code_known(driver, "timeout"));
	assert_true(sq_code_known(driver, "SERVFAIL"));
	assert_true(sq_code_known(NULL, "ECONNRESET"));
	assert_false(sq_code_known(NULL, "SERVFAIL"));
	assert_false(sq_code_known(driver, "econnreset"));
	assert_false(sq_code_known(driver, ""));
}

static void test_classes(void **state)
{
	(void)state;
	for (int c = 0; c < SQ_CLASSES; c++)
		assert_int_equal(sq_class_by_name(sq_class_name((enum sq_class)c)), c);
	assert_int_equal(sq_class_by_name("no"), -1);
	assert_int_equal(sq_class_by_name(NULL), -1);
	assert_false(sq_class_is_failure(SQ_CLASS_OK));
	assert_false(sq_class_is_failure(SQ_CLASS_CANCELED));
	assert_false(sq_class_is_failure(SQ_CLASS_MISSED));
	assert_true(sq_class_is_failure(SQ_CLASS_LOCAL));
	assert_true(sq_class_is_failure(SQ_CLASS_SOFT));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_codes),
		cmocka_unit_test(test_known),
		cmocka_unit_test(test_classes),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
