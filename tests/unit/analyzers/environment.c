/* The record of the environment, against the files and calls it comes from. */
#include "analyzers/capture/environment.h"

#include <sys/resource.h>
#include <sys/utsname.h>

#include "source_bench.h"

static void write_file(const char *path, const char *text)
{
	FILE *f = fopen(path, "w");

	assert_non_null(f);
	fputs(text, f);
	assert_int_equal(fclose(f), 0);
}

static void test_machine(void **state)
{
	json_t *env, *limits;
	struct utsname name;
	struct rlimit limit;

	(void)state;
	uname(&name);
	getrlimit(RLIMIT_NOFILE, &limit);
	limit.rlim_cur = 1000;
	setrlimit(RLIMIT_NOFILE, &limit);
	env = sq_environment_read();
	assert_string_equal(record_text(env, "kernel"), name.release);
	assert_string_equal(record_text(env, "machine"), name.machine);
	assert_int_equal(record_int(env, "cpus"), sysconf(_SC_NPROCESSORS_ONLN));
	assert_int_equal(record_int(env, "nofile"), limit.rlim_max);
	assert_true(record_int(env, "memory_bytes") > 16 << 20);
	limits = json_object_get(env, "limits");
	assert_int_equal(record_int(json_object_get(limits, "nofile"), "soft"), 1000);
	assert_int_equal(record_int(json_object_get(limits, "nofile"), "hard"), limit.rlim_max);
	assert_true(json_is_null(json_object_get(json_object_get(limits, "as"), "soft")));
	assert_true(strlen(record_text(env, "clock_source")) > 0);
	assert_non_null(json_object_get(json_object_get(env, "sysctls"), "fs.nr_open"));
	json_decref(env);
}

/* In a namespace of its own, where the values can be set and others are not there. */
static void test_sysctls(void **state)
{
	json_t *env, *sysctls;

	(void)state;
	write_file("/proc/sys/net/core/somaxconn", "77\n");
	write_file("/proc/sys/net/ipv4/tcp_syn_retries", "3\n");
	write_file("/proc/sys/net/ipv4/ip_local_port_range", "20000 20099\n");
	env = sq_environment_read();
	sysctls = json_object_get(env, "sysctls");
	assert_string_equal(record_text(sysctls, "net.core.somaxconn"), "77");
	assert_string_equal(record_text(sysctls, "net.ipv4.tcp_syn_retries"), "3");
	/* The kernel separates with a tab. */
	assert_string_equal(record_text(sysctls, "net.ipv4.ip_local_port_range"), "20000 20099");
	assert_non_null(json_object_get(sysctls, "net.ipv4.tcp_congestion_control"));
	if (access("/proc/sys/net/core/netdev_max_backlog", F_OK) == -1)
		assert_null(json_object_get(sysctls, "net.core.netdev_max_backlog"));
	assert_string_equal(record_text(sysctls, "net.ipv4.conf.all.route_localnet"), "0");
	assert_non_null(json_object_get(sysctls, "net.ipv4.udp_rmem_min"));
	assert_non_null(json_object_get(sysctls, "net.ipv4.icmp_ratemask"));
	json_decref(env);
}

static void test_qdiscs(void **state)
{
	json_t *env = sq_environment_read(), *qdisc;

	(void)state;
	assert_int_equal(json_array_size(json_object_get(env, "qdiscs")), 0);
	json_decref(env);
	must("tc qdisc add dev lo root tbf rate 400kbit burst 1600 limit 6000");
	env = sq_environment_read();
	must("tc qdisc replace dev lo root pfifo limit 70");
	qdisc = json_array_get(json_object_get(env, "qdiscs"), 0);
	assert_string_equal(record_text(qdisc, "device"), "lo");
	assert_string_equal(record_text(qdisc, "kind"), "tbf");
	assert_int_equal(record_int(qdisc, "rate_bit_per_s"), 400000);
	assert_int_equal(record_int(qdisc, "burst_bytes"), 1600);
	assert_int_equal(record_int(qdisc, "limit_bytes"), 6000);
	assert_null(json_object_get(qdisc, "limit_packets"));
	json_decref(env);
	env = sq_environment_read();
	must("tc qdisc del dev lo root");
	qdisc = json_array_get(json_object_get(env, "qdiscs"), 0);
	assert_string_equal(record_text(qdisc, "kind"), "pfifo");
	assert_int_equal(record_int(qdisc, "limit_packets"), 70);
	assert_int_equal(json_object_size(qdisc), 3);
	json_decref(env);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_machine),
		cmocka_unit_test(test_sysctls),
		cmocka_unit_test(test_qdiscs),
	};

	if (!enter_namespace())
		return 1;
	return cmocka_run_group_tests(tests, NULL, NULL);
}
