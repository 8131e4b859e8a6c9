/* Source addresses: what is taken and what not, how many it is, and which address a number means. */
#include "scenarios/sources.h"

#include <errno.h>

#include "tests/unit/scenarios/kinds.h"

static void assert_nth(const struct sq_sources *s, uint64_t i, const char *want)
{
	struct sq_ip ip = sq_sources_nth(s, i);
	char got[INET6_ADDRSTRLEN];

	sq_ip_format(&ip, got);
	assert_string_equal(got, want);
}

static void test_counts(void **state)
{
	static const struct {
		const char *text;
		uint32_t count;
		const char *first, *last;
	} cases[] = {
		{ "198.18.1.1", 1, "198.18.1.1", "198.18.1.1" },
		{ "198.18.1.1-198.18.1.250", 250, "198.18.1.1", "198.18.1.250" },
		{ "198.18.1.250-198.18.2.3", 10, "198.18.1.250", "198.18.2.3" },
		{ "198.18.64.0/18", 16382, "198.18.64.1", "198.18.127.254" },
		{ "127.1.0.0/24", 254, "127.1.0.1", "127.1.0.254" },
		{ "198.18.0.4/30", 2, "198.18.0.5", "198.18.0.6" },
		{ "198.18.0.4/31", 2, "198.18.0.4", "198.18.0.5" },
		{ "198.18.0.4/32", 1, "198.18.0.4", "198.18.0.4" },
		{ "10.0.0.0/12", 1048574, "10.0.0.1", "10.15.255.254" },
		{ "fd00::/126", 4, "fd00::", "fd00::3" },
		{ "fd00::fff0-fd00::1:f", 32, "fd00::fff0", "fd00::1:f" },
		{ "fd00::/108", 1048576, "fd00::", "fd00::f:ffff" },
		{ "::ffff:198.18.0.0/120", 254, "198.18.0.1", "198.18.0.254" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct sq_sources s = { 0 };

		assert_int_equal(sq_sources_add(&s, cases[i].text, "source", NULL), 0);
		assert_int_equal(s.count, cases[i].count);
		assert_nth(&s, 0, cases[i].first);
		assert_nth(&s, s.count - 1, cases[i].last);
		assert_nth(&s, s.count, cases[i].first);
		sq_sources_fini(&s);
	}
}

static void test_several(void **state)
{
	struct sq_sources s = { 0 };

	(void)state;
	assert_int_equal(sq_sources_add(&s, "198.18.0.9", "source", NULL), 0);
	assert_int_equal(sq_sources_add(&s, "198.18.1.0/30", "source", NULL), 0);
	assert_int_equal(sq_sources_add(&s, "198.18.2.255-198.18.3.1", "source", NULL), 0);
	assert_int_equal(s.count, 6);
	assert_nth(&s, 0, "198.18.0.9");
	assert_nth(&s, 1, "198.18.1.1");
	assert_nth(&s, 2, "198.18.1.2");
	assert_nth(&s, 3, "198.18.2.255");
	assert_nth(&s, 5, "198.18.3.1");
	assert_nth(&s, 6 * UINT64_C(1000000000) + 4, "198.18.3.0");
	sq_sources_fini(&s);
}

static void test_refused(void **state)
{
	static const char *const cases[] = {
		"",
		"here",
		"198.18.0.1:53",
		"198.18.0.0/33",
		"198.18.0.1/24",
		"198.18.0.9-198.18.0.1",
		"198.18.0.1-fd00::1",
		"198.18.0.1-",
		"-198.18.0.1",
		"fd00::2-fd00::1",
		"10.0.0.0/11",
		"10.0.0.0/0",
		"fd00::/64",
		"fd00::/107",
		"fd00::-fe00::",
		"::-ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff",
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct sq_sources s = { 0 };
		struct sq_err err = { 0 };

		assert_int_equal(sq_sources_add(&s, cases[i], "source", &err), -EINVAL);
		assert_string_equal(err.where, "source");
		assert_int_equal(s.count, 0);
	}
}

/* Two targets and two sources: each pair comes up within two rounds. */
static void test_turns(void **state)
{
	struct sq_plan *p = good_plan("{\"name\": \"x\", \"load\": [{\"driver\": \"tcp\","
				      " \"target\": [\"127.0.0.1:1\", \"127.0.0.2:2\"],"
				      " \"source\": [\"127.1.0.0/30\"],"
				      " \"arrivals\": {\"rate\": 1}}]}",
				      (struct sq_plan_opts){ 0 });
	const struct sq_load_plan *load = &p->loads[0];

	(void)state;
	assert_int_equal(load->n_targets, 2);
	assert_int_equal(load->sources.count, 2);
	assert_string_equal(load->target.text, "127.0.0.1:1");
	assert_string_equal(sq_load_target(load, 0)->text, "127.0.0.1:1");
	assert_string_equal(sq_load_target(load, 1)->text, "127.0.0.2:2");
	assert_string_equal(sq_load_target(load, 2)->text, "127.0.0.2:2");
	assert_string_equal(sq_load_target(load, 3)->text, "127.0.0.1:1");
	sq_plan_free(p);
}

static void test_any_ip(void **state)
{
	static const char doc[] =
		"{\"name\": \"x\", \"target\": \"198.18.64.9:1\", \"world\": {\"hosts\":"
		"  {\"client\": {}, \"server\": {\"any_ip\": [\"198.18.64.0/18\"]}},"
		"  \"links\": [{\"between\": [\"client\", \"server\"]}]},"
		" \"load\": [{\"driver\": \"tcp\", \"arrivals\": {\"rate\": 1}}]}";
	struct sq_plan *p = good_plan(doc, (struct sq_plan_opts){ 0 });
	struct sq_ip ip;

	(void)state;
	assert_int_equal(p->n_any_ip, 1);
	assert_int_equal(p->any_ip[0].host, 1);
	assert_int_equal(p->any_ip[0].end, 1);
	assert_int_equal(sq_ip_parse("198.18.127.255", &ip), 0);
	assert_true(sq_plan_has_any_ip(p, 1, &ip));
	assert_false(sq_plan_has_any_ip(p, 0, &ip));
	assert_int_equal(sq_plan_server(p, &p->loads[0], &p->loads[0].target), 1);
	sq_plan_free(p);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_counts),  cmocka_unit_test(test_several),
		cmocka_unit_test(test_refused), cmocka_unit_test(test_turns),
		cmocka_unit_test(test_any_ip),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
