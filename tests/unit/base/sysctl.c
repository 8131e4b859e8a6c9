/* Names and values of sysctls, as people and the kernel write them. */
#include "base/sysctl.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static void test_names(void **state)
{
	static const char *const cases[][2] = {
		{ "net.core.somaxconn", "net/core/somaxconn" },
		{ "net/core/somaxconn", "net/core/somaxconn" },
		{ "net.ipv4.conf.eth0/1.rp_filter", "net/ipv4/conf/eth0.1/rp_filter" },
		{ "net/ipv4/conf/eth0.1/rp_filter", "net/ipv4/conf/eth0.1/rp_filter" },
		{ "x", "x" },
	};
	char name[SQ_SYSCTL_NAME], longest[SQ_SYSCTL_NAME + 1];

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		assert_int_equal(sq_sysctl_name(cases[i][0], name), 0);
		assert_string_equal(name, cases[i][1]);
	}
	assert_int_equal(sq_sysctl_name("", name), -EINVAL);
	memset(longest, 'x', sizeof(longest));
	longest[SQ_SYSCTL_NAME] = '\0';
	assert_int_equal(sq_sysctl_name(longest, name), -EINVAL);
	longest[SQ_SYSCTL_NAME - 1] = '\0';
	assert_int_equal(sq_sysctl_name(longest, name), 0);
	assert_string_equal(name, longest);
}

static void test_read(void **state)
{
	char value[64] = "as before", cut[3];
	long low, high;
	char *end;

	(void)state;
	assert_int_equal(sq_sysctl_read("net.ipv4.no_such_thing", value, sizeof(value)), -ENOENT);
	assert_string_equal(value, "as before");
	assert_int_equal(sq_sysctl_read("net.ipv4.ip_local_port_range", value, sizeof(value)), 0);
	low = strtol(value, &end, 10);
	assert_int_equal(*end, ' ');
	high = strtol(end + 1, &end, 10);
	assert_int_equal(*end, '\0');
	assert_true(low > 0 && high >= low);
	assert_int_equal(sq_sysctl_read("net/ipv4/ip_local_port_range", cut, sizeof(cut)), 0);
	assert_memory_equal(cut, value, 2);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_names),
		cmocka_unit_test(test_read),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
