/* Children of the capture: a command whose output is read, a shell at another machine.
 *
 * What a reader would get wrong:
 * - PR_SET_PDEATHSIG goes by the thread that forked, not by its process.  That is what is wanted: a
 *   child belongs to the thread that talks to it.
 * - The capture ignores Ctrl-C, and a child would inherit that.
 * - Between fork and exec there may be other threads' locks, so nothing here allocates. */
#include "analyzers/places/spawn.h"

#include <sys/prctl.h>
#include <sys/wait.h>

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"

enum { NOT_STARTED = 127 };

static void become(char *const argv[], const int fds[3][2])
{
	sigset_t none;

	prctl(PR_SET_PDEATHSIG, SIGKILL);
	setpgid(0, 0);
	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
	for (int sig = 1; sig < 32; sig++)
		if (sig != SIGKILL && sig != SIGSTOP)
			signal(sig, SIG_DFL);
	dup2(fds[0][0], STDIN_FILENO);
	dup2(fds[1][1], STDOUT_FILENO);
	dup2(fds[2][1], STDERR_FILENO);
	execvp(argv[0], argv);
	dprintf(STDERR_FILENO, "%s: %s\n", argv[0], strerror(errno));
	_exit(NOT_STARTED);
}

static void close_all(int fds[3][2])
{
	for (int i = 0; i < 3; i++)
		for (int end = 0; end < 2; end++)
			if (fds[i][end] != -1)
				close(fds[i][end]);
}

int sq_spawn(char *const argv[], struct sq_spawned *ret, struct sq_err *err)
{
	int fds[3][2] = { { -1, -1 }, { -1, -1 }, { -1, -1 } };
	int rc = 0;
	pid_t pid;

	for (int i = 0; rc == 0 && i < 3; i++)
		rc = pipe2(fds[i], O_CLOEXEC) == -1 ? -errno : 0;
	pid = rc == 0 ? fork() : -1;
	if (rc == 0 && pid == -1)
		rc = -errno;
	if (rc < 0) {
		close_all(fds);
		return sq_err_set(err, rc, argv[0], "cannot start it: %s", strerror(-rc));
	}
	if (pid == 0)
		become(argv, (const int(*)[2])fds);
	close(fds[0][0]);
	close(fds[1][1]);
	close(fds[2][1]);
	*ret = (struct sq_spawned){
		.pid = pid, .in = fds[0][1], .out = fds[1][0], .err = fds[2][0]
	};
	fcntl(ret->in, F_SETFL, O_NONBLOCK);
	fcntl(ret->out, F_SETFL, O_NONBLOCK);
	fcntl(ret->err, F_SETFL, O_NONBLOCK);
	return 0;
}

static void close_end(int *fd)
{
	if (*fd != -1)
		close(*fd);
	*fd = -1;
}

int sq_spawn_end(struct sq_spawned *s, int64_t patience_ns)
{
	int64_t until_ns = sq_now_ns() + patience_ns;
	int status = 0;
	pid_t got;

	close_end(&s->in);
	close_end(&s->out);
	close_end(&s->err);
	while ((got = waitpid(s->pid, &status, WNOHANG)) == 0 && sq_now_ns() < until_ns)
		sq_sleep_until(sq_now_ns() + SQ_MS);
	kill(-s->pid, SIGKILL);
	if (got == 0)
		waitpid(s->pid, &status, 0);
	s->pid = 0;
	return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}
