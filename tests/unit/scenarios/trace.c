/* Traces: what a file of times may hold, what its errors say, and what is played of it. */
#include "scenarios/trace.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/clock.h"
#include "base/mem.h"

static char path[] = "trace-XXXXXX";

static int read_text(const char *text, int64_t **ret_at_ns, size_t *ret_n, struct sq_err *err)
{
	FILE *file = fopen(path, "w");

	assert_non_null(file);
	fputs(text, file);
	fclose(file);
	return sq_trace_read(path, ret_at_ns, ret_n, err);
}

static void times_are_exact(void **state)
{
	static const int64_t want[] = { 0, 0, 1, 1500 * SQ_MS, 86400 * SQ_SEC };
	struct sq_err err = { 0 };
	int64_t *at_ns = NULL;
	size_t n = 0;

	(void)state;
	assert_int_equal(read_text("# a recording\n0\n\n0.0 # twice\n  0.000000001\r\n\t1.5\n86400",
				   &at_ns, &n, &err),
			 0);
	assert_int_equal(n, 5);
	for (size_t i = 0; i < n; i++)
		assert_int_equal(at_ns[i], want[i]);

	/* At double speed; the duration cuts off what is due at its end or later. */
	assert_int_equal(sq_trace_play(at_ns, n, 2, 750 * SQ_MS), 3);
	assert_int_equal(at_ns[2], 0);
	free(at_ns);
	assert_int_equal(read_text("1\n3\n4\n", &at_ns, &n, &err), 0);
	assert_int_equal(sq_trace_play(at_ns, n, 0.5, 8 * SQ_SEC), 2);
	assert_int_equal(at_ns[0], 2 * SQ_SEC);
	assert_int_equal(at_ns[1], 6 * SQ_SEC);
	free(at_ns);
	assert_int_equal(err.code, 0);
}

static void errors_name_the_line(void **state)
{
	static const struct {
		const char *text, *line, *says;
	} cases[] = {
		{ "0\n1s\n", ":2", "expected a time in seconds" },
		{ "1m\n", ":1", "expected a time in seconds" },
		{ "0\n0.5u\n", ":2", "expected a time in seconds" },
		{ "0\n\n# x\n-1\n", ":4", "expected a time in seconds" },
		{ "0.0000000001\n", ":1", "at most nine decimals" },
		{ "1 2\n", ":1", "expected a time in seconds" },
		{ "1\n2\n1.9\n", ":3", "earlier than the one before" },
		{ "# nothing\n", "", "no times stand in it" },
		{ "", "", "no times stand in it" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		struct sq_err err = { 0 };
		int64_t *at_ns = NULL;
		size_t n = 0;
		char *where = sq_printf_dup("%s%s", path, cases[i].line);

		assert_int_equal(read_text(cases[i].text, &at_ns, &n, &err), -EINVAL);
		assert_string_equal(err.where, where);
		assert_non_null(strstr(err.text, cases[i].says));
		assert_null(at_ns);
		free(where);
	}
}

static void a_file_that_is_not_there(void **state)
{
	struct sq_err err = { 0 };
	int64_t *at_ns = NULL;
	size_t n = 0;

	(void)state;
	assert_int_equal(sq_trace_read("no/such/file", &at_ns, &n, &err), -ENOENT);
	assert_string_equal(err.where, "no/such/file");
}

static int make_file(void **state)
{
	int fd = mkstemp(path);

	(void)state;
	return fd < 0 ? -1 : close(fd);
}

static int remove_file(void **state)
{
	(void)state;
	return unlink(path);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(times_are_exact),
		cmocka_unit_test(errors_name_the_line),
		cmocka_unit_test(a_file_that_is_not_there),
	};

	return cmocka_run_group_tests(tests, make_file, remove_file);
}
