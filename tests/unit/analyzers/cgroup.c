/* Control groups: where they stand, and that what the source says is what the kernel counts. */
#include "analyzers/kernel/cgroup.h"

#include <sys/stat.h>
#include <sys/wait.h>

#include <math.h>
#include <time.h>

#include "source_bench.h"

static const char v2[] = "30 23 0:26 / /sys/fs/cgroup rw,nosuid - cgroup2 cgroup2 rw,nsdelegate\n";
static const char hybrid[] =
	"31 23 0:28 / /sys/fs/cgroup rw,relatime - tmpfs tmpfs rw,mode=755\n"
	"32 31 0:29 / /sys/fs/cgroup/cpu,cpuacct rw,relatime shared:9 - cgroup cgroup rw,cpu,cpuacct\n"
	"35 31 0:32 / /sys/fs/cgroup/memory rw,relatime - cgroup cgroup rw,memory\n"
	"41 31 0:38 / /sys/fs/cgroup/unified rw,relatime - cgroup2 cgroup2 rw\n";
static const char docker[] =
	"900 800 0:26 /system.slice/docker-1.scope /sys/fs/cgroup ro - cgroup2 cgroup rw\n";

static void expect(const struct sq_cgroup *g, enum sq_cgroup_controller c, const char *folder,
		   const char *group, bool is_v2)
{
	assert_string_equal(g->at[c].folder, folder);
	assert_string_equal(g->at[c].group, group);
	assert_int_equal(g->at[c].v2, is_v2);
}

static void test_parse(void **state)
{
	struct sq_cgroup g;

	(void)state;
	sq_cgroup_parse("0::/user.slice/a.scope\n", v2, NULL, &g);
	expect(&g, SQ_CGROUP_CPU, "/sys/fs/cgroup/user.slice/a.scope", "/user.slice/a.scope", true);
	expect(&g, SQ_CGROUP_PIDS, "/sys/fs/cgroup/user.slice/a.scope", "/user.slice/a.scope",
	       true);
	sq_cgroup_parse("0::/x\n", v2, "/system.slice/named.service", &g);
	expect(&g, SQ_CGROUP_MEMORY, "/sys/fs/cgroup/system.slice/named.service",
	       "/system.slice/named.service", true);
	/* Each controller in a hierarchy of its own, one of them in version 2's. */
	sq_cgroup_parse("5:cpu,cpuacct:/a\n4:memory:/b\n0::/c\n", hybrid, NULL, &g);
	expect(&g, SQ_CGROUP_CPU, "/sys/fs/cgroup/cpu,cpuacct/a", "/a", false);
	expect(&g, SQ_CGROUP_MEMORY, "/sys/fs/cgroup/memory/b", "/b", false);
	expect(&g, SQ_CGROUP_PIDS, "/sys/fs/cgroup/unified/c", "/c", true);
	/* A container's: seen from outside, and from in a cgroup namespace. */
	sq_cgroup_parse("0::/system.slice/docker-1.scope/sub\n", docker, NULL, &g);
	expect(&g, SQ_CGROUP_CPU, "/sys/fs/cgroup/sub", "/system.slice/docker-1.scope/sub", true);
	sq_cgroup_parse("0::/\n", docker, NULL, &g);
	expect(&g, SQ_CGROUP_CPU, "/sys/fs/cgroup", "/", true);
	sq_cgroup_parse("0::/system.slice/docker-10.scope\n", docker, NULL, &g);
	expect(&g, SQ_CGROUP_CPU, "/sys/fs/cgroup", "/system.slice/docker-10.scope", true);
	/* What is cut or strange is passed over. */
	sq_cgroup_parse("0:", "30 23 0:26 / /x rw - cgroup2", NULL, &g);
	expect(&g, SQ_CGROUP_CPU, "", "", false);
	sq_cgroup_parse("", "", NULL, &g);
	expect(&g, SQ_CGROUP_CPU, "", "", false);
}

static void burn(int64_t wall_ns)
{
	int64_t end_ns = sq_now_ns() + wall_ns;

	while (sq_now_ns() < end_ns)
		continue;
}

static long long keyed(const char *folder, const char *file, const char *key)
{
	char path[700], word[64];
	long long value, found = -1;
	FILE *f;

	snprintf(path, sizeof(path), "%s/%s", folder, file);
	f = fopen(path, "r");
	assert_non_null(f);
	while (found < 0 && fscanf(f, "%63s %lld", word, &value) == 2)
		if (strcmp(word, key) == 0)
			found = value;
	fclose(f);
	return found;
}

/* A group of a tenth of a processor, made beside the root's; its folder.  It takes root and a
 * /sys/fs/cgroup that may be written to, as on the machines that run all tests. */
static void make_group(const char *name, char *folder, size_t size, bool *ret_v2)
{
	char path[700], group[64];
	struct sq_cgroup g;
	struct sq_err err = { 0 };

	snprintf(group, sizeof(group), "/%s", name);
	assert_int_equal(sq_cgroup_find(sq_place_here(), "/", &g, &err), 0);
	snprintf(folder, size, "%s%s", g.at[SQ_CGROUP_CPU].folder, name);
	*ret_v2 = g.at[SQ_CGROUP_CPU].v2;
	if (*ret_v2) {
		snprintf(path, sizeof(path), "%s/cgroup.subtree_control",
			 g.at[SQ_CGROUP_CPU].folder);
		write_text(path, "+cpu");
	}
	if (mkdir(folder, 0755) == -1)
		fail_msg("%s: %s", folder, strerror(errno));
	snprintf(path, sizeof(path), "%s/%s", folder, *ret_v2 ? "cpu.max" : "cpu.cfs_quota_us");
	write_text(path, *ret_v2 ? "10000 100000" : "10000");
}

static void test_throttled(void **state)
{
	struct conf {
		char *group;
	} conf;
	char name[32], group[40], folder[600], path[700], text[16];
	json_t *records;
	struct probe p;
	bool is_v2;
	pid_t pid;

	(void)state;
	snprintf(name, sizeof(name), "squall-unit-%d", (int)getpid());
	snprintf(group, sizeof(group), "/%s", name);
	make_group(name, folder, sizeof(folder), &is_v2);
	conf.group = group;
	probe_open_conf(&p, "cgroup", &conf);
	probe_tick(&p);
	pid = fork();
	if (pid == 0) {
		snprintf(path, sizeof(path), "%s/cgroup.procs", folder);
		snprintf(text, sizeof(text), "%d", (int)getpid());
		write_text(path, text);
		burn(500 * SQ_MS);
		_exit(0);
	}
	waitpid(pid, NULL, 0);
	probe_tick(&p);
	records = probe_close(&p);
	assert_true(last_value(records, "cgroup.cpu.nr_throttled", group) >= 3);
	assert_int_equal(last_value(records, "cgroup.cpu.nr_throttled", group),
			 keyed(folder, "cpu.stat", "nr_throttled"));
	assert_int_equal(last_value(records, "cgroup.cpu.throttled_us", group),
			 is_v2 ? keyed(folder, "cpu.stat", "throttled_usec")
			       : keyed(folder, "cpu.stat", "throttled_time") / 1000);
	assert_int_equal(rmdir(folder), 0);
	json_decref(records);
}

/* As a server's is when systemd restarts it. */
static void test_made_again(void **state)
{
	struct conf {
		char *group;
	} conf;
	char name[32], group[40], folder[600];
	json_t *records;
	struct probe p;
	bool is_v2;

	(void)state;
	snprintf(name, sizeof(name), "squall-unit-%d", (int)getpid());
	snprintf(group, sizeof(group), "/%s", name);
	make_group(name, folder, sizeof(folder), &is_v2);
	conf.group = group;
	probe_open_conf(&p, "cgroup", &conf);
	probe_tick(&p);
	assert_int_equal(rmdir(folder), 0);
	make_group(name, folder, sizeof(folder), &is_v2);
	probe_tick(&p);
	records = probe_close(&p);
	assert_int_equal(rmdir(folder), 0);
	assert_int_equal(count_records(records, "tick"), 2);
	assert_true(last_value(records, "cgroup.cpu.nr_throttled", group) == 0);
	json_decref(records);
}

/* The tightest of a group and those that it stands in. */
static void test_limits(void **state)
{
	char name[32], group[64], folder[600], below[640];
	struct sq_cgroup_limits limits;
	struct sq_cgroup g;
	struct sq_err err = { 0 };
	bool is_v2;

	(void)state;
	snprintf(name, sizeof(name), "squall-unit-%d", (int)getpid());
	make_group(name, folder, sizeof(folder), &is_v2);
	snprintf(below, sizeof(below), "%s/below", folder);
	assert_int_equal(mkdir(below, 0755), 0);
	snprintf(group, sizeof(group), "/%s/below", name);
	assert_int_equal(sq_cgroup_find(sq_place_here(), group, &g, &err), 0);
	sq_cgroup_limits_read(&g, &limits);
	assert_true(limits.cpus > 0.0999 && limits.cpus < 0.1001);
	assert_int_equal(rmdir(below), 0);
	assert_int_equal(rmdir(folder), 0);
	assert_int_equal(sq_cgroup_find(sq_place_here(), "/", &g, &err), 0);
	sq_cgroup_limits_read(&g, &limits);
	assert_true(isnan(limits.cpus));
}

static void test_a_group_that_is_none(void **state)
{
	struct sq_cgroup g;
	struct sq_err err = { 0 };

	(void)state;
	assert_int_equal(sq_cgroup_find(sq_place_here(), "/no.such/group", &g, &err), -ENOENT);
	assert_string_equal(err.where, "/no.such/group");
}

int main(void)
{
	const struct CMUnitTest with_root[] = {
		cmocka_unit_test(test_parse),     cmocka_unit_test(test_a_group_that_is_none),
		cmocka_unit_test(test_throttled), cmocka_unit_test(test_made_again),
		cmocka_unit_test(test_limits),
	};
	const struct CMUnitTest without[] = {
		cmocka_unit_test(test_parse),
		cmocka_unit_test(test_a_group_that_is_none),
	};

	if (geteuid() == 0)
		return cmocka_run_group_tests(with_root, NULL, NULL);
	fputs("making a group takes root: what it counts was not looked at\n", stderr);
	return cmocka_run_group_tests(without, NULL, NULL);
}
