/* Which limits bite, by environments as reports have them; and this machine looked at. */
#include "analyzers/doctor/doctor.h"

#include "analyzers/capture/environment.h"
#include "source_bench.h"

static const json_t *row_of(const json_t *rows, const char *key, const char *name)
{
	size_t i;
	json_t *row;

	json_array_foreach(rows, i, row)
		if (strcmp(record_text(row, key), name) == 0)
			return row;
	return NULL;
}

static json_t *environment_of(const char *text)
{
	json_t *environment = json_loads(text, 0, NULL);

	assert_non_null(environment);
	return environment;
}

static void expect_bite(const char *text, const char *limit, const char *value, bool bites)
{
	json_t *environment = environment_of(text), *rows = sq_doctor_limits(environment);
	const json_t *row = row_of(rows, "limit", limit);

	if (!row || strcmp(record_text(row, "value"), value) != 0 ||
	    json_is_true(json_object_get(row, "bites")) != bites)
		fail_msg("%s: got %s, bites %d; want %s, %d", text, record_text(row, "value"),
			 json_is_true(json_object_get(row, "bites")), value, bites);
	assert_true(strlen(record_text(row, "because")) > 0);
	assert_true(strlen(record_text(row, "advice")) > 0);
	json_decref(rows);
	json_decref(environment);
}

static void test_limits(void **state)
{
	(void)state;
	expect_bite("{\"nofile\":1024}", "open files of a process", "1024", true);
	expect_bite("{\"nofile\":1048576}", "open files of a process", "1048576", false);
	expect_bite("{\"sysctls\":{\"net.core.somaxconn\":\"128\"}}", "net.core.somaxconn", "128",
		    true);
	expect_bite("{\"sysctls\":{\"net.core.rmem_max\":\"212992\"}}", "net.core.rmem_max",
		    "212992", true);
	expect_bite("{\"sysctls\":{\"net.netfilter.nf_conntrack_max\":\"65536\"}}",
		    "net.netfilter.nf_conntrack_max", "65536", true);
	/* The third number is the one that bites. */
	expect_bite("{\"sysctls\":{\"net.ipv4.tcp_mem\":\"99999 300 400\"}}", "net.ipv4.tcp_mem",
		    "99999 300 400", true);
	expect_bite("{\"sysctls\":{\"net.ipv4.tcp_mem\":\"200 300 99999\"}}", "net.ipv4.tcp_mem",
		    "200 300 99999", false);
	expect_bite("{\"clock_source\":\"hpet\"}", "clock source", "hpet", true);
	expect_bite("{\"clock_source\":\"kvm-clock\"}", "clock source", "kvm-clock", false);
	expect_bite("{\"governors\":[\"powersave\"]}", "cpu governor", "powersave", true);
	expect_bite("{\"governors\":[\"performance\"]}", "cpu governor", "performance", false);
	expect_bite("{\"cpus\":8}", "processors", "8", false);
	expect_bite("{\"cpus\":8,\"cpus_allowed\":1}", "processors", "1", true);
	expect_bite("{\"cpus\":8,\"cgroup\":{\"cpus\":1.5}}", "processors", "1.50", true);
	expect_bite("{\"cpus\":8,\"cgroup\":{\"cpus\":4.0}}", "control group's processors", "4",
		    true);
	expect_bite("{\"memory_bytes\":8589934592,\"cgroup\":{\"memory_bytes\":268435456}}",
		    "control group's memory", "256 MiB", true);
}

static void test_ports(void **state)
{
	(void)state;
	expect_bite("{\"sysctls\":{\"net.ipv4.ip_local_port_range\":\"32768 60999\"}}",
		    "local ports", "28232", false);
	expect_bite("{\"sysctls\":{\"net.ipv4.ip_local_port_range\":\"20000 20099\"}}",
		    "local ports", "100", true);
	/* A range that reaches out, one port, one that lies elsewhere. */
	expect_bite("{\"sysctls\":{\"net.ipv4.ip_local_port_range\":\"20000 20099\","
		    "\"net.ipv4.ip_local_reserved_ports\":\"19000-20009,20050,30000-30010\"}}",
		    "local ports", "89", true);
}

/* What isn't known limits nothing, and what is no number doesn't either. */
static void test_unknown(void **state)
{
	static const char *const texts[] = {
		"{}",
		"{\"sysctls\":{}}",
		"{\"nofile\":null}",
		"{\"sysctls\":{\"net.core.somaxconn\":\"\",\"net.ipv4.tcp_mem\":\"1 2\","
		"\"net.ipv4.ip_local_port_range\":\"x\"}}",
	};

	(void)state;
	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
		json_t *environment = environment_of(texts[i]);
		json_t *rows = sq_doctor_limits(environment);

		assert_int_equal(json_array_size(rows), 0);
		json_decref(rows);
		json_decref(environment);
	}
}

static void test_this_machine(void **state)
{
	json_t *examined = sq_doctor_examine(false);
	const json_t *sources = json_object_get(examined, "sources");
	struct sq_buf text = { 0 };

	(void)state;
	assert_true(
		json_is_true(json_object_get(row_of(sources, "source", "netstat"), "available")));
	assert_true(
		json_is_null(json_object_get(row_of(sources, "source", "postfix"), "available")));
	assert_string_equal(record_text(row_of(sources, "source", "postfix"), "because"),
			    "it must be told of \"log\"");
	/* No keeper here, so that processes must be named; in a namespace with lo alone no driver. */
	assert_true(
		json_is_null(json_object_get(row_of(sources, "source", "process"), "available")));
	assert_true(json_is_false(json_object_get(row_of(sources, "source", "nic"), "available")));
	/* Every one has its answer or its reason, and is in the text. */
	sq_doctor_text(examined, &text, 80);
	for (size_t i = 0; sq_sources[i]; i++) {
		const json_t *row = row_of(sources, "source", sq_sources[i]->kind.name);

		if (strncmp(sq_sources[i]->kind.name, "bsd_", 4) == 0) {
			assert_null(row);
			continue;
		}
		assert_non_null(row);
		assert_true(json_is_true(json_object_get(row, "available")) ||
			    strlen(record_text(row, "because")) > 0);
		assert_non_null(strstr(text.data, sq_sources[i]->kind.name));
	}
	sq_buf_fini(&text);
	json_decref(examined);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_limits),
		cmocka_unit_test(test_ports),
		cmocka_unit_test(test_unknown),
		cmocka_unit_test(test_this_machine),
	};

	if (!enter_namespace())
		return 1;
	return cmocka_run_group_tests(tests, NULL, NULL);
}
