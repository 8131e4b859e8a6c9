/* What the tests of the world share: a plan of two hosts out of literals, and running checks in a
 * keeper.  cmocka's assertions jump within the process that they are in, so a keeper and its
 * children check with CHECK, which ends them with status 1, and the test asserts their status. */
#ifndef SQ_TESTS_WORLD_LAB_H
#define SQ_TESTS_WORLD_LAB_H

#include <sys/prctl.h>
#include <sys/wait.h>

#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "scenarios/world.h"

#define CHECK(cond, ...)                                                          \
	do {                                                                      \
		if (!(cond)) {                                                    \
			fprintf(stderr, "%s:%d: %s:", __FILE__, __LINE__, #cond); \
			fprintf(stderr, " " __VA_ARGS__);                         \
			fputc('\n', stderr);                                      \
			exit(1);                                                  \
		}                                                                 \
	} while (0)

/* The specs' strings are owned by whoever parsed them, hence not const; here nobody writes them. */
#define TEXT(literal) ((char *)(literal))

enum { CLIENT, SERVER, NOBODY = 65534 };

struct lab {
	struct sq_host_spec specs[2];
	struct sq_host_plan hosts[2];
	struct sq_link_spec link_spec;
	struct sq_link_plan link;
	struct sq_plan plan;
};

static inline void lab_init(struct lab *lab)
{
	*lab = (struct lab){
		.hosts = { { .name = "client", .spec = &lab->specs[0] },
			   { .name = "server", .spec = &lab->specs[1] } },
		.link_spec = { .shape = { .rate_bit_per_s = SQ_OPT_UNSET } },
		.link = { .spec = &lab->link_spec,
			  .host = { CLIENT, SERVER },
			  .address = { "198.18.0.1/16", "198.18.0.2/16" },
			  .device = { "client.0", "server.0" } },
		.plan = { .world = true,
			  .hosts = lab->hosts,
			  .n_hosts = 2,
			  .links = &lab->link,
			  .n_links = 1 },
	};
}

static inline int status_of(pid_t pid)
{
	int status;

	while (waitpid(pid, &status, 0) == -1)
		if (errno != EINTR)
			return -1;
	return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

static inline int is_root(void)
{
	return geteuid() == 0;
}

/* Who runs the tests as an ordinary user stays that user. */
static inline void become(uid_t uid)
{
	if (uid == 0 || !is_root())
		return;
	CHECK(setgroups(0, NULL) == 0);
	CHECK(setresgid(uid, uid, uid) == 0 && setresuid(uid, uid, uid) == 0);
	/* Cleared by the change of ids; without it /proc/self belongs to root. */
	prctl(PR_SET_DUMPABLE, 1);
}

/* Runs fn in a new world's keeper, as root or as an ordinary user; returns its status. */
static inline int in_keeper(uid_t uid, void (*fn)(void *), void *arg)
{
	struct sq_err err = { 0 };
	pid_t pid = fork();

	if (pid != 0)
		return status_of(pid);
	become(uid);
	pid = sq_world_fork(SQ_FORK_WORLD, &err);
	CHECK(pid >= 0, "%s", err.text);
	if (pid == 0) {
		fn(arg);
		exit(0);
	}
	exit(status_of(pid));
}

static inline void read_file(const char *path, char *out, size_t size)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	ssize_t len = fd == -1 ? -1 : read(fd, out, size - 1);

	CHECK(len >= 0, "%s: %s", path, strerror(errno));
	close(fd);
	out[len] = '\0';
}

#endif
