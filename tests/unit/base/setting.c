/* The names of settings, and which files they are. */
#include "base/setting.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

static void test_paths(void **state)
{
	static const struct {
		const char *name, *path;
	} cases[] = {
		{ "net.core.somaxconn", "/proc/sys/net/core/somaxconn" },
		{ "net.ipv4.conf.eth0/1.rp_filter", "/proc/sys/net/ipv4/conf/eth0.1/rp_filter" },
		{ "net/ipv4/conf/eth0:1/rp_filter", "/proc/sys/net/ipv4/conf/eth0:1/rp_filter" },
		{ "cpu:1", "/sys/devices/system/cpu/cpu1/online" },
		{ "irq:24", "/proc/irq/24/smp_affinity_list" },
		{ "smt", "/sys/devices/system/cpu/smt/control" },
		/* No escape from the folder: by their form these are sysctls, which no kernel has. */
		{ "cpu:1/../../x", "/proc/sys/cpu:1/../../x" },
		{ "cpu:", "/proc/sys/cpu:" },
	};
	char path[SQ_SETTING_PATH];

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		assert_int_equal(sq_setting_path(cases[i].name, path), 0);
		assert_string_equal(path, cases[i].path);
	}
	assert_int_equal(sq_setting_path("", path), -EINVAL);
	assert_false(sq_setting_is_sysctl("cpu:0"));
	assert_true(sq_setting_is_sysctl("net.core.somaxconn"));
	assert_true(sq_setting_is_fixed("smt", "notimplemented"));
	assert_false(sq_setting_is_fixed("smt", "off"));
	assert_false(sq_setting_is_fixed("net.core.somaxconn", "forceoff"));
}

static void test_same(void **state)
{
	static const struct {
		const char *wanted, *found;
		bool same;
	} cases[] = {
		{ "cubic", "cubic", true },
		{ "", "", true },
		{ "8000,8001", "8000-8001", true },
		{ "0,2,1,65535", "0-2,65535", true },
		{ "0-1,1-3", "0-3", true },
		{ "8000,8001", "8000", false },
		{ "8000", "8000-8001", false },
		{ "8000,", "8000", false },
		{ "3-1", "1-3", false },
		{ "-1", "1", false },
		{ "0x1", "1", false },
		{ "65536,65537", "65536-65537", false }, /* no port, and no CPU */
		{ "1 2", "1 3", false },
		{ "", "0", false },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
		if (sq_setting_is_same(cases[i].wanted, cases[i].found) != cases[i].same)
			fail_msg("%s, %s: want %d", cases[i].wanted, cases[i].found, cases[i].same);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_paths),
		cmocka_unit_test(test_same),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
