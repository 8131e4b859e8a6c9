/* Sysctls of a host: what does not take is said, and the machine's own values never change. */
#include "scenarios/world_private.h"
#include "tests/unit/scenarios/world_lab.h"

struct row {
	const char *key, *value;
	int code; /* 0: it takes */
	const char *text[3];
};

static const struct row rows[] = {
	{ "net.core.somaxconn", "2048", 0, { NULL } },
	{ "net.ipv4.ip_local_port_range", "  20000   20099 ", 0, { NULL } },
	{ "net/ipv4/tcp_syncookies", "0", 0, { NULL } },
	{ "net.ipv4.conf.server/0.tag", "3", 0, { NULL } },
	{ "net/ipv4/conf/server.0/tag", "4", 0, { NULL } },
	{ "net.ipv4.ip_local_reserved_ports", "8001,8000", 0, { NULL } },
	{ "net.ipv4.ip_local_reserved_ports", "", 0, { NULL } },
	/* The kernel takes the first of three numbers and keeps the others. */
	{ "net.ipv4.tcp_rmem", "2048", -ERANGE, { "wrote 2048, kernel says 2048 ", "bounded" } },
	{ "net.ipv4.tcp_syncookies", "many", -EINVAL, { "wrote many", "Invalid argument" } },
	{ "net.ipv4.no_such_key", "1", -ENOENT, { "net.ipv4.no_such_key", "misspelt" } },
	{ "net.ipv4.tcp_available_congestion_control", "reno", -EACCES, { "read-only" } },
	{ "net.ipv4.route.flush", "1", -EACCES, { "leave it out" } },
	{ "net.ipv4.tcp_max_orphans", "64", -EPERM, { "global", "--allow-global" } },
	{ "net.ipv4.tcp_mem", "200 300 400", -EPERM, { "global", "--allow-global" } },
	{ "net.ipv4.neigh.default.gc_thresh3", "64", -EPERM, { "global" } },
	{ "net.core.rmem_max", "4096", -EPERM, { "global" } },
	{ "net.netfilter.nf_conntrack_max", "64", -EPERM, { "global" } },
	{ "net.netfilter.nf_hooks_lwtunnel", "1", -EPERM, { "global" } },
	{ "kernel.hostname", "x", -EINVAL, { "below net. only" } },
	{ "net/../kernel/hostname", "x", -EINVAL, { "below net. only" } },
	{ "net.//.kernel.hostname", "x", -EINVAL, { "below net. only" } },
	{ "net.core.", "1", -EINVAL, { "below net. only" } },
	{ "", "1", -EINVAL, { "below net. only" } },
};

static const char *const machine[] = {
	"/proc/sys/net/core/somaxconn",      "/proc/sys/net/ipv4/ip_local_port_range",
	"/proc/sys/net/ipv4/tcp_syncookies", "/proc/sys/net/ipv4/tcp_max_orphans",
	"/proc/sys/net/ipv4/tcp_mem",        "/proc/sys/net/core/rmem_max",
	"/proc/sys/net/ipv4/tcp_rmem",
};

enum { N_MACHINE = sizeof(machine) / sizeof(*machine) };

static void check_rows(void *arg)
{
	struct lab lab;
	struct sq_err err = { 0 };
	struct sq_world *w;

	(void)arg;
	lab_init(&lab);
	w = sq_world_build(&lab.plan, &err);
	CHECK(w, "%s", err.text);
	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		const struct row *r = &rows[i];
		int got;

		err = (struct sq_err){ 0 };
		got = sq_sysctl_set(w->own, w->netns[SERVER], "server", r->key, r->value, &err);
		CHECK(got == r->code, "%s: got %d (%s), want %d", r->key, got, err.text, r->code);
		CHECK(got == 0 || strstr(err.where, "host server: sysctl "), "%s", err.where);
		for (size_t t = 0; t < 3 && r->text[t]; t++)
			CHECK(strstr(err.text, r->text[t]), "%s: %s", r->key, err.text);
	}
	sq_world_free(w);
}

static void test_rows(void **state)
{
	char before[N_MACHINE][256], after[256];

	(void)state;
	for (size_t i = 0; i < N_MACHINE; i++)
		read_file(machine[i], before[i], sizeof(before[i]));
	assert_int_equal(in_keeper(0, check_rows, NULL), 0);
	assert_int_equal(in_keeper(NOBODY, check_rows, NULL), 0);
	for (size_t i = 0; i < N_MACHINE; i++) {
		read_file(machine[i], after, sizeof(after));
		assert_string_equal(after, before[i]);
	}
}

/* A wrong one stops the build, and names the host. */
static void build_wrong(void *arg)
{
	static struct sq_pair wrong = { TEXT("net.ipv4.tcp_rmem"), TEXT("2048") };
	struct sq_err err = { 0 };
	struct lab lab;

	(void)arg;
	lab_init(&lab);
	lab.specs[CLIENT].sysctl = (struct sq_pairs){ &wrong, 1 };
	CHECK(!sq_world_build(&lab.plan, &err));
	CHECK(strcmp(err.where, "host client: sysctl net.ipv4.tcp_rmem") == 0, "%s", err.where);
}

static void test_build_stops(void **state)
{
	(void)state;
	assert_int_equal(in_keeper(0, build_wrong, NULL), 0);
}

/* A key that is global without being known as such, played by one whose "host" is the keeper. */
static void write_outside(void *arg)
{
	struct sq_err err = { 0 };
	char before[64], after[64];
	int own = sq_netns_here();
	int rc;

	(void)arg;
	read_file("/proc/sys/net/core/somaxconn", before, sizeof(before));
	rc = sq_sysctl_set(own, own, "server", "net.core.somaxconn", "77", &err);
	CHECK(rc == -EPERM, "%d", rc);
	CHECK(strstr(err.text, "to 77") && strstr(err.text, "was restored"), "%s", err.text);
	read_file("/proc/sys/net/core/somaxconn", after, sizeof(after));
	CHECK(strcmp(before, after) == 0, "%s", after);
	close(own);
}

static void test_outside_is_restored(void **state)
{
	(void)state;
	assert_int_equal(in_keeper(0, write_outside, NULL), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_rows),
		cmocka_unit_test(test_build_stops),
		cmocka_unit_test(test_outside_is_restored),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
