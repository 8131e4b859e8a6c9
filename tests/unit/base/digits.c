/* Numbers in texts, and what only looks like one. */
#include "base/digits.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

static void test_numbers(void **state)
{
	static const struct {
		const char *text;
		unsigned base;
		char end;
		bool is;
		uint64_t want;
	} cases[] = {
		{ "17.x", 10, '.', true, 17 },
		{ "0", 10, '\0', true, 0 },
		{ "5eED ", 16, ' ', true, 0x5eed },
		{ "18446744073709551615\n", 10, '\n', true, UINT64_MAX },
		{ "18446744073709551616\n", 10, '\n', false, 0 },
		{ "10000000000000000.", 16, '.', false, 0 },
		{ "17", 10, '.', false, 0 },
		{ "1f.", 10, '.', false, 0 },
		{ "0x1f.", 16, '.', false, 0 },
		{ " 1.", 10, '.', false, 0 },
		{ "+1.", 10, '.', false, 0 },
		{ "-1.", 10, '.', false, 0 },
		{ ".", 10, '.', false, 0 },
		{ "", 10, '\0', false, 0 },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		const char *at = cases[i].text;
		uint64_t got = 0;
		bool is = sq_digits_next(&at, cases[i].base, cases[i].end, &got);

		if (is != cases[i].is || got != cases[i].want)
			fail_msg("\"%s\": got %d, %llu", cases[i].text, is,
				 (unsigned long long)got);
		assert_true(is ? at[-1] == cases[i].end : at == cases[i].text);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_numbers),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
