/* The deaths: whoever is killed, nothing is left, neither a process that has left the session nor
 * an interface.  And what a machine that forbids worlds is told. */
#include <sys/stat.h>

#include <dirent.h>
#include <sched.h>
#include <signal.h>
#include <stdbool.h>

#include "base/clock.h"
#include "tests/unit/scenarios/world_lab.h"

enum victim { SUPERVISOR, GUARD };

struct pids {
	pid_t pid[32];
	size_t n;
};

static pid_t parent_of(pid_t pid)
{
	char path[64], text[512];
	int fd, parent;
	ssize_t len;

	snprintf(path, sizeof(path), "/proc/%d/stat", pid);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd == -1)
		return -1;
	len = read(fd, text, sizeof(text) - 1);
	close(fd);
	text[len > 0 ? len : 0] = '\0';
	return strrchr(text, ')') && sscanf(strrchr(text, ')'), ") %*c %d", &parent) == 1 ? parent
											  : -1;
}

/* All below `root`, by their PIDs outside. */
static void descendants(pid_t root, struct pids *found)
{
	DIR *dir = opendir("/proc");
	struct dirent *e;

	found->n = 0;
	assert_non_null(dir);
	while ((e = readdir(dir))) {
		pid_t pid = atoi(e->d_name);
		pid_t up = pid;

		while (up > 1 && up != root)
			up = parent_of(up);
		if (pid > 1 && pid != root && up == root && found->n < 32)
			found->pid[found->n++] = pid;
	}
	closedir(dir);
}

static unsigned count_interfaces(void)
{
	char text[16384];
	unsigned n = 0;

	read_file("/proc/self/net/dev", text, sizeof(text));
	for (char *s = text; (s = strchr(s, ':')); s++)
		n++;
	return n;
}

/* An orphan in a session of its own, as a daemon that a scenario starts. */
static void daemonize_sleep(void)
{
	pid_t pid = fork();

	if (pid == 0) {
		if (fork())
			_exit(0);
		setsid();
		execlp("sleep", "sleep", "1000", NULL);
		_exit(127);
	}
	status_of(pid);
}

/* A keeper that hangs and watches no channel: the worst case. */
static _Noreturn void supervise(enum sq_fork_kind kind, uid_t uid, int ready)
{
	struct sq_err err = { 0 };
	struct sq_world *w;
	struct lab lab;
	pid_t pid;

	become(uid);
	pid = sq_world_fork(kind, &err);
	CHECK(pid >= 0, "%s", err.text);
	if (pid == 0) {
		lab_init(&lab);
		lab.plan.world = kind == SQ_FORK_WORLD;
		w = sq_world_build(&lab.plan, &err);
		CHECK(w, "%s", err.text);
		if (kind == SQ_FORK_WORLD || is_root())
			daemonize_sleep();
		CHECK(write(ready, &pid, sizeof(pid)) == sizeof(pid));
	}
	for (;;)
		pause();
}

/* Reaps whatever comes, for at most two seconds; whether all are gone then. */
static bool all_gone(const struct pids *pids)
{
	int64_t until_ns = sq_now_ns() + 2 * SQ_SEC;

	while (sq_now_ns() < until_ns) {
		size_t left = 0;

		while (waitpid(-1, NULL, WNOHANG) > 0)
			continue;
		for (size_t i = 0; i < pids->n; i++)
			left += kill(pids->pid[i], 0) == 0;
		if (left == 0)
			return waitpid(-1, NULL, WNOHANG) == -1 && errno == ECHILD;
		sq_sleep_until(sq_now_ns() + 5 * SQ_MS);
	}
	return false;
}

static void check_death(enum sq_fork_kind kind, uid_t uid, enum victim victim, size_t want)
{
	unsigned interfaces = count_interfaces();
	struct pids pids;
	int ready[2];
	pid_t supervisor, word;

	prctl(PR_SET_CHILD_SUBREAPER, 1);
	assert_int_equal(pipe2(ready, O_CLOEXEC), 0);
	supervisor = fork();
	if (supervisor == 0)
		supervise(kind, uid, ready[1]);
	close(ready[1]);
	assert_int_equal(read(ready[0], &word, sizeof(word)), sizeof(word));
	close(ready[0]);
	sq_sleep_until(sq_now_ns() + 20 * SQ_MS);
	descendants(supervisor, &pids);
	assert_int_equal(pids.n, want);
	for (size_t i = 0; victim == GUARD && i < pids.n; i++)
		if (parent_of(pids.pid[i]) == supervisor)
			kill(pids.pid[i], SIGKILL);
	if (victim == GUARD) {
		/* It stays a zombie until its parent, which waits for nothing, is gone. */
		sq_sleep_until(sq_now_ns() + 50 * SQ_MS);
		descendants(supervisor, &pids);
		assert_int_equal(pids.n, 1);
	}
	kill(supervisor, SIGKILL);
	assert_true(all_gone(&pids));
	assert_int_equal(count_interfaces(), interfaces);
}

/* guard, keeper, sleep */
static void test_death_of_supervisor(void **state)
{
	(void)state;
	check_death(SQ_FORK_WORLD, 0, SUPERVISOR, 3);
	check_death(SQ_FORK_WORLD, NOBODY, SUPERVISOR, 3);
}

static void test_death_of_guard(void **state)
{
	(void)state;
	check_death(SQ_FORK_WORLD, 0, GUARD, 3);
	check_death(SQ_FORK_WORLD, NOBODY, GUARD, 3);
}

/* An ordinary user's plain keeper has no namespace, and no guard. */
static void test_deaths_without_world(void **state)
{
	(void)state;
	check_death(SQ_FORK_PLAIN, 0, SUPERVISOR, is_root() ? 3 : 1);
	check_death(SQ_FORK_PLAIN, NOBODY, SUPERVISOR, 1);
}

/* The keeper's status comes through; a channel that only the keeper holds ends with it. */
static void test_status_and_channel(void **state)
{
	static const enum sq_fork_kind kinds[] = { SQ_FORK_WORLD, SQ_FORK_PLAIN };
	struct sq_err err = { 0 };
	int64_t until_ns;

	(void)state;
	for (size_t i = 0; i < 2; i++) {
		int channel[2];
		char c = 0;
		pid_t pid;

		assert_int_equal(pipe2(channel, 0), 0);
		pid = sq_world_fork(kinds[i], &err);
		if (pid == 0) {
			/* PID 1, and /proc its own, where there is a namespace. */
			if (kinds[i] == SQ_FORK_WORLD || is_root())
				CHECK(getpid() == 1 && parent_of(1) == 0);
			CHECK(raise(SIGTERM) == 0 && kill(getpid(), SIGINT) == 0);
			close(channel[1]);
			sq_sleep_until(sq_now_ns() + 20 * SQ_MS);
			_exit(7);
		}
		assert_true(pid > 0);
		close(channel[1]);
		until_ns = sq_now_ns() + SQ_SEC;
		assert_int_equal(read(channel[0], &c, 1), 0);
		assert_true(sq_now_ns() < until_ns);
		close(channel[0]);
		assert_int_equal(status_of(pid), 7);
	}
}

static void write_text(const char *path, const char *text)
{
	int fd = open(path, O_WRONLY | O_CLOEXEC);

	CHECK(fd != -1 && write(fd, text, strlen(text)) != -1, "%s: %s", path, strerror(errno));
	close(fd);
}

/* In a user namespace whose root has been left no namespaces to make. */
static void test_limit_of_namespaces(void **state)
{
	pid_t pid = fork();

	(void)state;
	if (pid == 0) {
		struct sq_err err = { 0 };
		char uids[32], gids[32];

		snprintf(uids, sizeof(uids), "0 %u 1\n", geteuid());
		snprintf(gids, sizeof(gids), "0 %u 1\n", getegid());
		CHECK(unshare(CLONE_NEWUSER) == 0);
		write_text("/proc/self/setgroups", "deny");
		write_text("/proc/self/uid_map", uids);
		write_text("/proc/self/gid_map", gids);
		write_text("/proc/sys/user/max_user_namespaces", "0");
		write_text("/proc/sys/user/max_net_namespaces", "0");
		CHECK(sq_world_possible(&err) == -ENOSPC, "%d %s", err.code, err.text);
		CHECK(strstr(err.text, "user.max_user_namespaces is 0"), "%s", err.text);
		CHECK(strstr(err.text, "--loopback"), "%s", err.text);
		err = (struct sq_err){ 0 };
		CHECK(sq_world_fork(SQ_FORK_WORLD, &err) == -ENOSPC, "%s", err.text);
		CHECK(strstr(err.text, "user.max_user_namespaces is 0"), "%s", err.text);
		CHECK(waitpid(-1, NULL, 0) == -1 && errno == ECHILD);
		exit(0);
	}
	assert_int_equal(status_of(pid), 0);
}

/* The kernel refuses user namespaces to a process in a chroot. */
static void test_forbidden_to_ordinary_user(void **state)
{
	pid_t pid;

	(void)state;
	if (!is_root())
		skip(); /* chroot is root's */
	pid = fork();
	if (pid == 0) {
		struct sq_err err = { 0 };

		CHECK(chroot("/tmp") == 0 && chdir("/") == 0);
		CHECK(setresuid(NOBODY, NOBODY, NOBODY) == 0);
		CHECK(sq_world_possible(&err) == -EPERM, "%d %s", err.code, err.text);
		CHECK(strstr(err.text, "run as root, or use --loopback"), "%s", err.text);
		/* No memory checker works here: it needs /proc. */
		_exit(0);
	}
	assert_int_equal(status_of(pid), 0);
}

static void test_possible(void **state)
{
	struct sq_err err = { 0 };

	(void)state;
	assert_int_equal(sq_world_possible(&err), 0);
	assert_int_equal(err.code, 0);
	assert_true(waitpid(-1, NULL, 0) == -1 && errno == ECHILD);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_possible),
		cmocka_unit_test(test_status_and_channel),
		cmocka_unit_test(test_death_of_supervisor),
		cmocka_unit_test(test_death_of_guard),
		cmocka_unit_test(test_deaths_without_world),
		cmocka_unit_test(test_limit_of_namespaces),
		cmocka_unit_test(test_forbidden_to_ordinary_user),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
