/* Patterns: what they stand for, in which order, and what is none. */
#include "base/pattern.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

struct good {
	const char *text;
	uint64_t count;
	size_t longest;
	uint64_t index;
	const char *want;
};

static const struct good goods[] = {
	{ "", 1, 0, 0, "" },
	{ "plain@example.test", 1, 18, 7, "plain@example.test" },
	{ "user{1-1000}@example.test", 1000, 21, 0, "user1@example.test" },
	{ "user{1-1000}@example.test", 1000, 21, 999, "user1000@example.test" },
	{ "user{1-1000}@example.test", 1000, 21, 1000, "user1@example.test" },
	{ "{001-100}", 100, 3, 0, "001" },
	{ "{001-100}", 100, 3, 99, "100" },
	{ "{01-100}", 100, 3, 8, "09" },
	{ "{01-100}", 100, 3, 99, "100" },
	{ "{5-5}", 1, 1, 3, "5" },
	{ "{0-9}{0-9}", 100, 2, 42, "42" },
	{ "a{1-2}b{1-3}c", 6, 5, 0, "a1b1c" },
	{ "a{1-2}b{1-3}c", 6, 5, 2, "a1b3c" },
	{ "a{1-2}b{1-3}c", 6, 5, 3, "a2b1c" },
	{ "a{1-2}b{1-3}c", 6, 5, UINT64_MAX, "a2b1c" },
	{ "{0-999999999999999999}", UINT64_C(1000000000000000000), 18, 999999999999999999,
	  "999999999999999999" },
};

static void good_ones(void **state)
{
	char out[64];

	(void)state;
	for (size_t i = 0; i < sizeof(goods) / sizeof(*goods); i++) {
		const struct good *g = &goods[i];
		struct sq_pattern *p = sq_pattern_new(g->text, "here", NULL);

		assert_non_null(p);
		if (sq_pattern_count(p) != g->count || sq_pattern_longest(p) != g->longest)
			fail_msg("%s: count got %llu, longest got %zu", g->text,
				 (unsigned long long)sq_pattern_count(p), sq_pattern_longest(p));
		memset(out, 'x', sizeof(out));
		assert_int_equal(sq_pattern_write(p, g->index, out, g->longest + 1),
				 strlen(g->want));
		if (strcmp(out, g->want) != 0)
			fail_msg("%s: got %s, want %s", g->text, out, g->want);
		sq_pattern_free(p);
	}
}

/* Every index gives another text. */
static void all_differ(void **state)
{
	struct sq_pattern *p = sq_pattern_new("h{08-11}.{1-3}.{0-1}", "", NULL);
	char seen[24][16];

	(void)state;
	assert_non_null(p);
	assert_int_equal(sq_pattern_count(p), 24);
	for (uint64_t i = 0; i < 24; i++) {
		sq_pattern_write(p, i, seen[i], sizeof(seen[i]));
		for (uint64_t j = 0; j < i; j++)
			assert_string_not_equal(seen[i], seen[j]);
	}
	assert_string_equal(seen[23], "h11.3.1");
	sq_pattern_free(p);
}

static void bad_ones(void **state)
{
	static const char *const bads[] = {
		"{",
		"}",
		"a{}b",
		"{1}",
		"{1-}",
		"{-1}",
		"{2-1}",
		"{1-2",
		"{a-b}",
		"{1-2}}",
		"{{1-2}}",
		"{ 1-2}",
		"{+1-2}",
		"{1--2}",
		"user{1-2}x{",
		"{0-1000000000000000000}", /* 19 digits */
		"{0-999999999999999999}{1-10}",
		"{0-999999999999999999}{0-999999999999999999}",
	};

	(void)state;
	for (size_t i = 0; i < sizeof(bads) / sizeof(*bads); i++) {
		struct sq_err err = { 0 };

		if (sq_pattern_new(bads[i], "/load/0/names", &err))
			fail_msg("%s was taken", bads[i]);
		assert_int_equal(err.code, -EINVAL);
		assert_string_equal(err.where, "/load/0/names");
		assert_non_null(strstr(err.text, bads[i]));
	}
	assert_null(sq_pattern_free(NULL));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(good_ones),
		cmocka_unit_test(all_differ),
		cmocka_unit_test(bad_ones),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
