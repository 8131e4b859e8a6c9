/* Kinds of detail: few rows whatever is said, and no count lost on any way. */
#include "results/details.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

static void test_bounded(void **state)
{
	struct sq_details d = { 0 }, sum = { 0 };
	json_t *object;

	(void)state;
	for (int i = 0; i < 300; i++) {
		char text[32];

		snprintf(text, sizeof(text), "5.%d.0", i);
		sq_details_add(&d, text, 1);
		sq_details_add(&d, "5.7.0", 2);
	}
	assert_int_equal(d.n, SQ_DETAILS_MAX);
	assert_int_equal(d.other, 300 - 64);
	assert_int_equal(sq_details_sum(&d), 900);
	object = sq_details_to_json(&d);
	assert_int_equal(json_object_size(object), 65);
	for (int i = 0; i < 3; i++)
		assert_int_equal(sq_details_add_json(&sum, object), 0);
	sq_details_settle(&sum);
	assert_int_equal(sq_details_sum(&sum), 2700);
	assert_string_equal(sum.v[0].text, "5.7.0");
	assert_int_equal(sum.v[0].n, 3 * 601);
	assert_int_equal(sum.other, 3 * (300 - 64));
	sq_details_reset(&d);
	assert_int_equal(sq_details_sum(&d), 0);
	json_decref(object);
	sq_details_fini(&d);
	sq_details_fini(&sum);
}

static void test_bad_json(void **state)
{
	static const char *const texts[] = { "{\"\": 1}", "{\"4.7.1\": -1}", "{\"4.7.1\": 0.5}",
					     "{\"a text of its own\": 1}" };
	struct sq_details d = { 0 };

	(void)state;
	assert_int_equal(sq_details_add_json(&d, NULL), 0);
	for (size_t i = 0; i < sizeof(texts) / sizeof(*texts); i++) {
		json_t *object = json_loads(texts[i], 0, NULL);

		assert_int_equal(sq_details_add_json(&d, object), -EINVAL);
		json_decref(object);
	}
	sq_details_fini(&d);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_bounded),
		cmocka_unit_test(test_bad_json),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
