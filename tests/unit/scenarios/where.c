/* Places elsewhere: the command that reaches them, and what they are called. */
#include "scenarios/where.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "base/buf.h"

static void expect_command(const char *where, const char *want)
{
	struct sq_buf got = { 0 };
	struct sq_err err = { 0 };
	char **argv = NULL;

	if (sq_where_argv(where, &argv, &err) < 0)
		fail_msg("%s: %s", where, err.text);
	for (size_t i = 0; argv[i]; i++)
		sq_buf_printf(&got, "%s[%s]", i ? " " : "", argv[i]);
	assert_string_equal(got.data, want);
	sq_buf_fini(&got);
	sq_where_free(argv);
}

#define SSH "[ssh] [-T] [-o] [BatchMode=yes] [-o] [ConnectTimeout=10] [-o] [ControlMaster=no]"

static void test_commands(void **state)
{
	(void)state;
	expect_command("exec:sh", "[sh]");
	expect_command("exec:  docker exec -i\tdb sh ", "[docker] [exec] [-i] [db] [sh]");
	expect_command("exec:sh -c 'a \"b\"  c' \"it's\" x''y",
		       "[sh] [-c] [a \"b\"  c] [it's] [xy]");
	expect_command("exec:echo $HOME *;true", "[echo] [$HOME] [*;true]"); /* no shell's words */
	expect_command("ssh:web", SSH " [--] [web] [sh]");
	expect_command("ssh:root@web:2222", SSH " [-p] [2222] [--] [root@web] [sh]");
	expect_command("ssh:2001:db8::1", SSH " [--] [2001:db8::1] [sh]");
}

static void test_refused(void **state)
{
	static const char *const wheres[] = { "",         "web",        "ssh:",     "ssh:@",
					      "ssh:-ox",  "ssh:a@-ox",  "ssh:a b",  "exec:",
					      "exec:   ", "exec:'open", "ssh:web;", "SSH:web" };

	(void)state;
	for (size_t i = 0; i < sizeof(wheres) / sizeof(wheres[0]); i++) {
		char **argv = NULL;
		int rc = sq_where_argv(wheres[i], &argv, NULL);

		/* A semicolon is as good as any in a name: no shell sees it. */
		if (strcmp(wheres[i], "ssh:web;") == 0)
			assert_int_equal(rc, 0);
		else if (rc != -EINVAL)
			fail_msg("taken: \"%s\"", wheres[i]);
		sq_where_free(argv);
	}
}

static void test_names(void **state)
{
	char name[SQ_WHERE_NAME];

	(void)state;
	assert_true(sq_where_name("ssh:root@ns1:22", name));
	assert_string_equal(name, "ns1");
	assert_false(sq_where_name("ssh:ns1.example.test", name));
	assert_false(sq_where_name("ssh:192.0.2.1", name));
	assert_false(sq_where_name("exec:sh", name));
	assert_true(sq_where_is("ssh:root@192.0.2.1:22", "192.0.2.1:53", 9));
	assert_false(sq_where_is("ssh:192.0.2.1", "192.0.2.11", 10));
	assert_false(sq_where_is("exec:sh", "sh", 2));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_commands),
		cmocka_unit_test(test_refused),
		cmocka_unit_test(test_names),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
