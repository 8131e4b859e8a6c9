/* Runs of accepted operations: few numbers for many, and the same set again after the spool. */
#include "results/accepted.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static char *text_of(struct sq_accepted_op *ops, size_t n)
{
	json_t *list = sq_accepted_to_json(ops, n);
	char *text = json_dumps(list, JSON_COMPACT);

	json_decref(list);
	return text;
}

static void test_runs(void **state)
{
	static const struct {
		struct sq_accepted_op ops[6];
		size_t n;
		const char *want;
	} cases[] = {
		{ { { 0 } }, 0, "[]" },
		{ { { 7, 1 } }, 1, "[7,1,1]" },
		{ { { 2, 1 }, { 0, 1 }, { 1, 1 } }, 3, "[0,3,1]" },
		{ { { 0, 1 }, { 1, 2 }, { 2, 2 }, { 4, 2 } }, 4, "[0,1,1,1,2,2,4,1,2]" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		struct sq_accepted_op ops[6];
		char *got;

		memcpy(ops, cases[i].ops, sizeof(ops));
		got = text_of(ops, cases[i].n);
		assert_string_equal(got, cases[i].want);
		free(got);
	}
}

static int add(struct sq_accepted *a, const char *text)
{
	json_t *list = json_loads(text, 0, NULL);
	int rc = sq_accepted_add_json(a, list);

	json_decref(list);
	return rc;
}

/* Flushes of a lane overlap: what was begun first may be accepted last. */
static void test_flushes(void **state)
{
	struct sq_accepted a = { 0 };

	(void)state;
	assert_int_equal(add(&a, "[0,90,1,92,8,1]"), 0);
	assert_int_equal(add(&a, "[90,2,1,100,100,1]"), 0);
	assert_int_equal(add(&a, "[200,1,3]"), 0);
	sq_accepted_settle(&a);
	assert_int_equal(a.n, 2);
	assert_int_equal(a.runs[0].n, 200);
	assert_int_equal(a.runs[1].first, 200);
	assert_int_equal(a.runs[1].recipients, 3);
	sq_accepted_fini(&a);
}

/* As no lane says it: each number is one message all the same. */
static void test_overlap(void **state)
{
	struct sq_accepted a = { 0 };

	(void)state;
	assert_int_equal(add(&a, "[0,10,1,5,10,1,2,3,1,12,6,2]"), 0);
	sq_accepted_settle(&a);
	assert_int_equal(a.n, 2);
	assert_int_equal(a.runs[0].n, 15);
	assert_int_equal(a.runs[1].first, 15);
	assert_int_equal(a.runs[1].n, 3);
	sq_accepted_fini(&a);
}

static void test_garbage(void **state)
{
	static const char *const texts[] = { "[1]",
					     "[1,2]",
					     "[-1,1,1]",
					     "[0,\"1\",1]",
					     "[0,1,1.5]",
					     "[0,1,4294967296]",
					     "[0,9223372036854775807,1]" };
	struct sq_accepted a = { 0 };

	(void)state;
	for (size_t i = 0; i < sizeof(texts) / sizeof(*texts); i++)
		assert_int_equal(add(&a, texts[i]), -EINVAL);
	sq_accepted_settle(&a);
	assert_int_equal(a.n, 0);
	sq_accepted_fini(&a);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_runs),
		cmocka_unit_test(test_flushes),
		cmocka_unit_test(test_overlap),
		cmocka_unit_test(test_garbage),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
