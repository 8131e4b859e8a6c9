/* What a reader would get wrong: nothing of a world has a name, so that a host is reached through a
 * process that stands in it.  Each host has one that only waits; nsenter(1) follows it.  The keeper is
 * the parent of all, and stays in the terminal's session, where the shell needs it. */
#include "loadgen/campaign/visit.h"

#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/mem.h"
#include "loadgen/campaign/servers.h"
#include "scenarios/world.h"

static void signals_default(void)
{
	sigset_t none;

	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
	for (int sig = 1; sig < 32; sig++)
		if (sig != SIGKILL && sig != SIGSTOP)
			signal(sig, SIG_DFL);
}

/* A Ctrl-C in the shell is not the servers'. */
static void server_prepare(void *arg)
{
	(void)arg;
	signals_default();
	setpgid(0, 0);
}

static pid_t resident_fork(const struct sq_world *world, size_t host, struct sq_err *err)
{
	pid_t pid = fork();

	if (pid == -1)
		return sq_err_set(err, -errno, "", "fork: %s", strerror(errno));
	if (pid > 0)
		return pid;
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	server_prepare(NULL);
	if (sq_world_enter(world, host, NULL) < 0)
		_exit(1);
	for (;;)
		pause();
}

/* To enter another's mounts is to lose the working folder: it is entered again by its name. */
static int write_command(const char *dir, const char *host, pid_t resident, struct sq_err *err)
{
	char *path = sq_printf_dup("%s/bin/%s", dir, host);
	FILE *f = fopen(path, "we");
	int rc = 0;

	if (!f || fchmod(fileno(f), 0755) == -1)
		rc = sq_err_set(err, -errno, path, "%s", strerror(errno));
	if (f)
		fprintf(f,
			"#!/bin/sh\n"
			"# Runs a command on the host %s, or opens a shell there.\n"
			"[ $# -gt 0 ] || { PS1='%s$ '; export PS1; set -- $LAB_SHELL; }\n"
			"exec nsenter -t %ld -n -m sh -c 'cd \"$0\" && exec \"$@\"' \"$PWD\" \"$@\"\n",
			host, host, (long)resident);
	if (f && fclose(f) != 0 && rc == 0)
		rc = sq_err_set(err, -errno, path, "%s", strerror(errno));
	free(path);
	return rc;
}

/* bash reads PS1 from the environment only without its start-up files. */
static const char *shell_words(void)
{
	return access("/bin/bash", X_OK) == 0 ? "bash --norc --noprofile" : "sh";
}

static _Noreturn void shell_become(const struct sq_world *world, size_t from, const char *host,
				   const char *dir)
{
	static char *const bash[] = { (char *)"bash", (char *)"--norc", (char *)"--noprofile",
				      NULL };
	static char *const sh[] = { (char *)"sh", NULL };
	struct sq_err err = { 0 };
	const char *path = getenv("PATH");
	char *whole =
		sq_printf_dup("%s/bin:%s:/usr/sbin:/sbin", dir, path ? path : "/usr/bin:/bin");
	char *prompt = sq_printf_dup("%s$ ", host);

	signals_default();
	if (sq_world_enter(world, from, &err) < 0) {
		fprintf(stderr, "squall: %s: %s\n", err.where, err.text);
		_exit(126);
	}
	setenv("PATH", whole, 1);
	setenv("PS1", prompt, 1);
	setenv("LAB_SHELL", shell_words(), 1);
	if (access("/bin/bash", X_OK) == 0)
		execv("/bin/bash", bash);
	execv("/bin/sh", sh);
	fprintf(stderr, "squall: no shell: %s\n", strerror(errno));
	_exit(126);
}

/* As PID 1 it also reaps what servers and the shell leave behind. */
static int await_shell(pid_t shell)
{
	for (;;) {
		int status;
		pid_t pid = waitpid(-1, &status, 0);

		if (pid == shell)
			return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
		if (pid == -1 && errno != EINTR)
			return 126;
	}
}

static int hosts_open(const struct sq_plan *plan, const struct sq_world *world, const char *dir,
		      struct sq_err *err)
{
	int rc = 0;

	for (size_t h = 0; rc >= 0 && h < plan->n_hosts; h++) {
		pid_t resident = resident_fork(world, h, err);

		rc = resident < 0 ? (int)resident
				  : write_command(dir, plan->hosts[h].name, resident, err);
	}
	return rc;
}

static int visit(const struct sq_plan *plan, size_t from, const char *dir)
{
	int dirfd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC), status = 126;
	struct sq_err err = { 0 };
	struct sq_world *world = sq_world_build(plan, &err);
	struct sq_servers *servers =
		world ? sq_servers_start(plan, world, dirfd, server_prepare, NULL, &err) : NULL;

	if (servers && hosts_open(plan, world, dir, &err) == 0) {
		pid_t shell = fork();

		if (shell == 0)
			shell_become(world, from, plan->hosts[from].name, dir);
		if (shell > 0)
			status = await_shell(shell);
	}
	if (err.code)
		fprintf(stderr, "squall: %s%s%s\n", err.where, err.where[0] ? ": " : "", err.text);
	sq_servers_stop(servers, NULL, SQ_SEC);
	sq_world_free(world);
	close(dirfd);
	return status;
}

static volatile pid_t visited;

/* The init of the visited world: all that is in it ends with it. */
static void end_visit(int signal_number)
{
	(void)signal_number;
	kill(visited, SIGKILL);
}

/* SIGTERM is let in for as long as there is a world to end. */
static int await_keeper(pid_t keeper, int *ret_status, struct sq_err *err)
{
	sigset_t term, before;
	int rc = 0;

	visited = keeper;
	signal(SIGTERM, end_visit);
	sigemptyset(&term);
	sigaddset(&term, SIGTERM);
	sigprocmask(SIG_UNBLOCK, &term, &before);
	while (rc == 0 && waitpid(keeper, ret_status, 0) == -1)
		if (errno != EINTR)
			rc = sq_err_set(err, -errno, "keeper", "waitpid: %s", strerror(errno));
	sigprocmask(SIG_SETMASK, &before, NULL);
	return rc;
}

int sq_visit(const struct sq_plan *plan, size_t from, const char *dir, struct sq_err *err)
{
	int status, rc;
	pid_t keeper = sq_world_fork(SQ_FORK_WORLD, err);

	if (keeper < 0)
		return (int)keeper;
	if (keeper == 0)
		exit(visit(plan, from, dir));
	/* Ctrl-C is the shell's, and a terminal's end is told to it too; what is set for the whole machine is set
	 * back behind it. */
	signal(SIGINT, SIG_IGN);
	signal(SIGQUIT, SIG_IGN);
	signal(SIGHUP, SIG_IGN);
	rc = await_keeper(keeper, &status, err);
	if (rc < 0)
		return rc;
	return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}
