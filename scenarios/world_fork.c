/* Making the keeper: supervisor -> guard -> keeper.
 *
 * A process cannot enter a new PID namespace itself, only its children do, so there is a process
 * between the supervisor and the keeper, the guard.  It holds nothing open but stdio, so that no
 * channel lives on in it, waits for the keeper and ends with its status.  When the keeper (PID 1
 * of its namespace) dies, the kernel kills everything in the namespace, a setsid'd child too.
 *
 * Every death is followed: the supervisor's kills the guard and the guard's the keeper, by
 * PR_SET_PDEATHSIG.  It must be set after the unshare (a change of credentials clears it), and
 * each process looks once more whether the parent died before it was set.  In the keeper getppid()
 * says 0, dead parent or not, hence the pidfd.
 *
 * These are ordinary fork(2)s: a raw clone would leave glibc and the sanitizers with wrong ids. */
#include <net/if.h>
#include <sys/ioctl.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/folder.h"
#include "scenarios/world.h"
#include "scenarios/world_private.h"

static int machine_proc = -1;

int sq_world_machine_proc(void)
{
	return machine_proc;
}

/* Settings that forbid namespaces, with the value that does. */
static const struct {
	const char *name, *path, *bad, *good;
} knobs[] = {
	{ "user.max_user_namespaces", "/proc/sys/user/max_user_namespaces", "0", "10000" },
	{ "user.max_net_namespaces", "/proc/sys/user/max_net_namespaces", "0", "10000" },
	{ "user.max_pid_namespaces", "/proc/sys/user/max_pid_namespaces", "0", "10000" },
	{ "user.max_mnt_namespaces", "/proc/sys/user/max_mnt_namespaces", "0", "10000" },
	{ "kernel.unprivileged_userns_clone", "/proc/sys/kernel/unprivileged_userns_clone", "0",
	  "1" },
	{ "kernel.apparmor_restrict_unprivileged_userns",
	  "/proc/sys/kernel/apparmor_restrict_unprivileged_userns", "1", "0" },
};

static bool file_says(const char *path, const char *word)
{
	char text[32] = "";
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	ssize_t len;

	if (fd == -1)
		return false;
	len = read(fd, text, sizeof(text) - 1);
	close(fd);
	if (len <= 0)
		return false;
	text[strcspn(text, "\n")] = '\0';
	return strcmp(text, word) == 0;
}

static int forbidden(struct sq_err *err, const char *step, int error)
{
	int code = error == ENOSPC || error == EUSERS ? -ENOSPC : -EPERM;
	const char *else_do = geteuid() == 0 ? "run with CAP_SYS_ADMIN" : "run as root";

	for (size_t i = 0; i < sizeof(knobs) / sizeof(*knobs); i++)
		if (file_says(knobs[i].path, knobs[i].bad))
			return sq_err_set(
				err, code, "world",
				"this machine forbids the namespaces of a world (%s: %s): "
				"the sysctl %s is %s; set it to %s, %s, or use --loopback",
				step, strerror(error), knobs[i].name, knobs[i].bad, knobs[i].good,
				else_do);
	if (code == -ENOSPC)
		return sq_err_set(err, code, "world",
				  "this machine's limit of namespaces is reached (%s: %s); raise "
				  "max_user_namespaces and max_net_namespaces in /proc/sys/user, "
				  "or use --loopback",
				  step, strerror(error));
	return sq_err_set(err, code, "world",
			  "this machine forbids the namespaces of a world (%s: %s), as containers, "
			  "security modules and kernels without them do; %s, or use --loopback",
			  step, strerror(error), else_do);
}

/* Root inside is the caller outside.  An unprivileged gid_map needs setgroups denied first; kernels
 * before 3.19 have no such file. */
static int map_ids(uid_t uid, gid_t gid, struct sq_err *err)
{
	char line[64];
	int rc = sq_file_write(AT_FDCWD, "/proc/self/setgroups", "deny");

	if (rc < 0 && rc != -ENOENT)
		return forbidden(err, "/proc/self/setgroups", -rc);
	snprintf(line, sizeof(line), "0 %u 1\n", (unsigned)uid);
	rc = sq_file_write(AT_FDCWD, "/proc/self/uid_map", line);
	if (rc < 0)
		return forbidden(err, "/proc/self/uid_map", -rc);
	snprintf(line, sizeof(line), "0 %u 1\n", (unsigned)gid);
	rc = sq_file_write(AT_FDCWD, "/proc/self/gid_map", line);
	return rc < 0 ? forbidden(err, "/proc/self/gid_map", -rc) : 0;
}

/* In the guard.  Root in a container may lack the right to the plain namespaces, and then the way
 * of an ordinary user is tried. */
static int unshare_world(struct sq_err *err)
{
	const int flags = CLONE_NEWPID | CLONE_NEWNS | CLONE_NEWNET;
	uid_t uid = geteuid();
	gid_t gid = getegid();

	if (uid == 0) {
		if (unshare(flags) == 0)
			return 0;
		if (errno != EPERM)
			return forbidden(err, "unshare", errno);
	}
	if (unshare(flags | CLONE_NEWUSER) == -1)
		return forbidden(err, "unshare", errno);
	return map_ids(uid, gid, err);
}

int sq_netns_lo_up(void)
{
	struct ifreq req = { .ifr_name = "lo" };
	int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	int rc = 0;

	if (fd == -1)
		return -errno;
	if (ioctl(fd, SIOCGIFFLAGS, &req) == -1) {
		rc = -errno;
	} else {
		req.ifr_flags |= IFF_UP;
		if (ioctl(fd, SIOCSIFFLAGS, &req) == -1)
			rc = -errno;
	}
	close(fd);
	return rc;
}

/* Where mounts can't be made private (in a chroot) a new /proc could show outside, and where the
 * kernel refuses a new /proc (in most containers) the old one serves: it only shows more.  The old one
 * stays to be had under the new one, for servers that the run did not start. */
static void mount_own_proc(void)
{
	int old = open("/proc", O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	if (mount("none", "/", NULL, MS_REC | MS_PRIVATE, NULL) == 0 &&
	    mount("proc", "/proc", "proc", MS_NOSUID | MS_NODEV | MS_NOEXEC, NULL) == 0)
		machine_proc = old;
	else if (old != -1)
		close(old);
}

static void ignore_signals(void)
{
	/* The terminal's Ctrl-C goes to the whole group, and is the supervisor's to act on. */
	signal(SIGINT, SIG_IGN);
	signal(SIGTERM, SIG_IGN);
	signal(SIGHUP, SIG_IGN);
}

/* Shorter than PIPE_BUF, so it goes whole. */
static void report(int fd, const struct sq_err *err)
{
	if (write(fd, err, sizeof(*err)) == -1)
		_exit(1);
	close(fd);
}

static _Noreturn void report_failure(int fd, const struct sq_err *err)
{
	report(fd, err);
	_exit(1);
}

static _Noreturn void guard_keeper(pid_t keeper)
{
	int status;

	close_range(3, ~0U, 0);
	while (waitpid(keeper, &status, 0) == -1)
		if (errno != EINTR)
			_exit(1);
	_exit(WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status));
}

static void keeper_begin(enum sq_fork_kind kind, int guard, int report_fd)
{
	struct sq_err err = { 0 };
	struct pollfd gone = { .fd = guard, .events = POLLIN };
	int rc;

	prctl(PR_SET_PDEATHSIG, SIGKILL);
	if (guard != -1) {
		if (poll(&gone, 1, 0) == 1)
			_exit(1);
		close(guard);
	}
	mount_own_proc();
	rc = kind == SQ_FORK_WORLD ? sq_netns_lo_up() : 0;
	if (rc < 0) {
		sq_err_set(&err, rc, "world", "cannot bring lo up: %s; use --loopback",
			   strerror(-rc));
		report_failure(report_fd, &err);
	}
	report(report_fd, &err);
}

static void guard_begin(enum sq_fork_kind kind, pid_t supervisor, int report_fd)
{
	struct sq_err err = { 0 };
	bool apart = true; /* there is a PID namespace to fork into */
	pid_t keeper;
	int self;

	ignore_signals();
	if (kind == SQ_FORK_WORLD && unshare_world(&err) < 0)
		report_failure(report_fd, &err);
	if (kind == SQ_FORK_PLAIN)
		apart = geteuid() == 0 && unshare(CLONE_NEWPID | CLONE_NEWNS) == 0;
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	if (getppid() != supervisor)
		_exit(1);
	if (!apart) {
		report(report_fd, &err);
		return;
	}
	self = (int)syscall(SYS_pidfd_open, getpid(), 0);
	keeper = fork();
	if (keeper == -1) {
		sq_err_set(&err, -errno, "world", "fork: %s", strerror(errno));
		report_failure(report_fd, &err);
	}
	if (keeper > 0)
		guard_keeper(keeper);
	keeper_begin(kind, self, report_fd);
}

/* What the guard or the keeper says of its set-up; 0 when all is well. */
static int await_report(int fd, struct sq_err *err)
{
	struct sq_err said;
	ssize_t len;

	do
		len = read(fd, &said, sizeof(said));
	while (len == -1 && errno == EINTR);
	if (len != (ssize_t)sizeof(said))
		return sq_err_set(err, -EIO, "world",
				  "the keeper died while it was set up; was it killed?");
	if (said.code < 0 && err)
		*err = said;
	return said.code;
}

static void reap(pid_t pid)
{
	while (waitpid(pid, NULL, 0) == -1 && errno == EINTR)
		continue;
}

pid_t sq_world_fork(enum sq_fork_kind kind, struct sq_err *err)
{
	pid_t supervisor = getpid();
	pid_t pid;
	int fd[2];
	int rc;

	if (pipe2(fd, O_CLOEXEC) == -1)
		return sq_err_set(err, -errno, "world", "pipe: %s", strerror(errno));
	/* The keeper leaves by exit(), and must not print the supervisor's buffers again. */
	fflush(NULL);
	pid = fork();
	if (pid == -1) {
		rc = sq_err_set(err, -errno, "world", "fork: %s", strerror(errno));
		close(fd[0]);
		close(fd[1]);
		return rc;
	}
	if (pid == 0) {
		close(fd[0]);
		guard_begin(kind, supervisor, fd[1]);
		return 0;
	}
	close(fd[1]);
	rc = await_report(fd[0], err);
	close(fd[0]);
	if (rc < 0) {
		reap(pid);
		return rc;
	}
	return pid;
}

int sq_world_possible(struct sq_err *err)
{
	struct sq_err said = { 0 };
	pid_t pid;
	int fd[2];
	int rc;

	if (pipe2(fd, O_CLOEXEC) == -1)
		return sq_err_set(err, -errno, "world", "pipe: %s", strerror(errno));
	pid = fork();
	if (pid == 0) {
		unshare_world(&said);
		report(fd[1], &said);
		_exit(0);
	}
	close(fd[1]);
	rc = pid == -1 ? sq_err_set(err, -EAGAIN, "world", "cannot fork; end other processes")
		       : await_report(fd[0], err);
	close(fd[0]);
	if (pid > 0)
		reap(pid);
	return rc;
}
