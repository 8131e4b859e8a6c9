/* The keeper.  It is PID 1 of its namespace where there is one, so the kernel ends everything in
 * it with the keeper; where there is none (an ordinary user's run without a world) the children
 * watch their own channels and their parent's death instead.
 *
 * Which descriptor is held where decides who notices whose death: every process closes all ends
 * of channels that are not its own, first of all. */
#include "loadgen/campaign/keeper.h"

#include <sys/prctl.h>
#include <sys/signalfd.h>
#include <sys/wait.h>

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <jansson.h>

#include "analyzers/capture/capture.h"
#include "analyzers/kernel/cgroup.h"
#include "base/clock.h"
#include "base/ctl.h"
#include "base/mem.h"
#include "loadgen/campaign/servers.h"
#include "loadgen/engine/worker.h"
#include "scenarios/world.h"

struct keeper {
	const struct sq_keeper_job *job;
	struct sq_world *world;
	struct sq_servers *servers;
	pid_t *pids; /* of job->children */
	int64_t t0_ns;
	int child_signal; /* signalfd of SIGCHLD */
};

static void unblock_signals(void)
{
	sigset_t none;

	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
	for (int sig = 1; sig < 32; sig++)
		if (sig != SIGKILL && sig != SIGSTOP)
			signal(sig, SIG_DFL);
}

/* In each forked child: leaves it only what is its own (keep: one of the children, or NULL). */
static void child_prepare(const struct keeper *k, const struct sq_child *keep)
{
	for (size_t i = 0; i < k->job->n_children; i++)
		if (&k->job->children[i] != keep)
			close(k->job->children[i].ctl[1]);
	close(k->job->ctl);
	close(k->child_signal);
	unblock_signals();
}

static void server_prepare(void *arg)
{
	child_prepare(arg, NULL);
}

static int child_run(const struct keeper *k, const struct sq_child *c)
{
	const struct sq_keeper_job *job = k->job;
	const struct sq_worker_job worker = { .plan = job->plan,
					      .host = c->host,
					      .worker = c->worker,
					      .live = job->live,
					      .first_lane = c->first_lane,
					      .ctl = c->ctl[1],
					      .dirfd = job->dirfd };
	struct sq_err err = { 0 };

	prctl(PR_SET_PDEATHSIG, SIGKILL);
	child_prepare(k, c);
	if (sq_world_enter(k->world, c->host, &err) < 0 ||
	    (c->role == SQ_CHILD_WORKER && sq_world_limit(k->world, c->host, &err) < 0)) {
		sq_ctl_send(c->ctl[1], "error %s: %s", err.where, err.text);
		return 1;
	}
	sq_cgroup_servers = sq_servers_group(k->servers, c->host);
	if (c->role == SQ_CHILD_CAPTURE)
		return sq_capture_main(job->plan, c->host, c->ctl[1], job->dirfd);
	return sq_worker_main(&worker);
}

static int children_start(struct keeper *k, struct sq_err *err)
{
	const struct sq_keeper_job *job = k->job;

	k->pids = sq_alloc_n(job->n_children, sizeof(*k->pids));
	for (size_t i = 0; i < job->n_children; i++) {
		k->pids[i] = fork();
		if (k->pids[i] == -1)
			return sq_err_set(err, -errno, "", "fork: %s", strerror(errno));
		if (k->pids[i] == 0)
			exit(child_run(k, &job->children[i]));
	}
	/* From here on a child's death is the end of its channel for the supervisor. */
	for (size_t i = 0; i < job->n_children; i++)
		close(job->children[i].ctl[1]);
	return 0;
}

static void write_event(struct keeper *k, const char *host, const char *text)
{
	int64_t t = k->t0_ns ? sq_now_ns() - k->t0_ns : 0;

	sq_spool_write(k->job->spool,
		       json_pack("{s:s, s:I, s:s, s:s, s:s}", "k", "event", "t", (json_int_t)t,
				 "host", host, "source", "server", "text", text),
		       NULL);
}

/* Reaps what has ended: as PID 1 also what servers left behind. */
static void reap(struct keeper *k)
{
	int status;
	pid_t pid;

	while ((pid = waitpid(-1, &status, WNOHANG)) > 0) {
		const char *host;
		char text[128];

		if (sq_servers_reaped(k->servers, pid, status, &host, text, sizeof(text))) {
			write_event(k, host, text);
			sq_ctl_send(k->job->ctl, "note %s: %s", host, text);
			continue;
		}
		for (size_t i = 0; i < k->job->n_children; i++)
			if (k->pids[i] == pid)
				k->pids[i] = 0;
	}
}

static void end_children(struct keeper *k)
{
	for (size_t i = 0; k->pids && i < k->job->n_children; i++)
		if (k->pids[i] > 0)
			kill(k->pids[i], SIGKILL);
}

/* Until "stop" or the end of the channel: true for "stop". */
static bool keep(struct keeper *k)
{
	struct pollfd fds[2] = {
		{ .fd = k->job->ctl, .events = POLLIN },
		{ .fd = k->child_signal, .events = POLLIN },
	};

	for (;;) {
		char line[SQ_CTL_LINE];

		if (poll(fds, 2, -1) == -1 && errno != EINTR)
			return false;
		if (fds[1].revents) {
			struct signalfd_siginfo info;

			if (read(k->child_signal, &info, sizeof(info)) == -1 && errno != EAGAIN)
				return false;
			reap(k);
		}
		if (!fds[0].revents)
			continue;
		if (sq_ctl_recv(k->job->ctl, line, 0) <= 0)
			return false;
		if (strcmp(line, "stop") == 0)
			return true;
		if (strncmp(line, "go ", 3) == 0)
			k->t0_ns = strtoll(line + 3, NULL, 10);
	}
}

static int keeper_setup(struct keeper *k, struct sq_err *err)
{
	int rc;

	k->world = sq_world_build(k->job->plan, err);
	if (!k->world)
		return err->code ? err->code : -EIO;
	k->servers =
		sq_servers_start(k->job->plan, k->world, k->job->dirfd, server_prepare, k, err);
	if (!k->servers)
		return err->code ? err->code : -EIO;
	rc = children_start(k, err);
	return rc;
}

int sq_keeper_main(const struct sq_keeper_job *job)
{
	struct keeper k = { .job = job };
	struct sq_err err = { 0 };
	sigset_t chld;
	bool stopped = false;

	/* Out of the terminal's foreground group: a Ctrl-C is the supervisor's alone to act on, and
	 * must not end the servers while the load drains. */
	setsid();
	sigemptyset(&chld);
	sigaddset(&chld, SIGCHLD);
	sigprocmask(SIG_BLOCK, &chld, NULL);
	k.child_signal = signalfd(-1, &chld, SFD_CLOEXEC | SFD_NONBLOCK);
	if (k.child_signal == -1)
		sq_err_set(&err, -errno, "", "signalfd: %s", strerror(errno));
	else if (keeper_setup(&k, &err) == 0)
		sq_ctl_send(job->ctl, "ready");
	if (err.code) {
		sq_ctl_send(job->ctl, "error %d %s%s%s", err.code, err.where,
			    err.where[0] ? ": " : "", err.text);
		end_children(&k);
	} else {
		stopped = keep(&k);
	}
	if (!stopped)
		end_children(&k);
	sq_servers_stop(k.servers, stopped ? job->spool : NULL, stopped ? 3 * SQ_SEC : 0);
	sq_world_free(k.world);
	if (stopped)
		sq_ctl_send(job->ctl, "done");
	free(k.pids);
	close(k.child_signal);
	return stopped ? 0 : 1;
}
