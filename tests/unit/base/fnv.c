/* The published values of FNV-1a. */
#include "base/fnv.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

/* Receipts and digests in files that others keep are made of them. */
static void test_fnv(void **state)
{
	(void)state;
	assert_int_equal(sq_fnv64_add(SQ_FNV64_EMPTY, "foobar", 6), 0x85944171f73967e8);
	assert_int_equal(sq_fnv64_add(sq_fnv64_add(SQ_FNV64_EMPTY, "foo", 3), "bar", 3),
			 0x85944171f73967e8);
	assert_int_equal(sq_fnv32_caseless("foobar", 6), 0xbf9cf968);
	assert_int_equal(sq_fnv32_caseless("FooBAR", 6), 0xbf9cf968);
	assert_int_equal(sq_fnv32_caseless("", 0), 0x811c9dc5);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_fnv),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
