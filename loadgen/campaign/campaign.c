/* The supervisor of one run: channels first, then the fork of the keeper, then "ready" from all,
 * "go", and a loop that waits for the workers' "done".  It is single-threaded throughout (the
 * world's namespaces need that), bounded in time, and writes only the spool's run.jsonl. */
#include "loadgen/campaign/campaign.h"

#include <sys/signalfd.h>
#include <sys/wait.h>

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/ctl.h"
#include "base/interrupt.h"
#include "base/mem.h"
#include "loadgen/campaign/head.h"
#include "loadgen/campaign/keeper.h"
#include "loadgen/campaign/progress.h"
#include "results/spool.h"
#include "scenarios/world.h"

/* How long set-up may take beyond the servers' own waits, and an end beyond its plan. */
#define SETUP_NS (30 * SQ_SEC)
#define GRACE_NS (5 * SQ_SEC)

enum child_state { STARTING, READY, DONE, GONE };

struct campaign {
	const struct sq_plan *plan;
	const struct sq_campaign_opts *opts;
	struct sq_live *live;
	struct sq_spool *spool;
	struct sq_child *children;
	enum child_state *state;
	struct pollfd *fds; /* signals, keeper, then the children */
	size_t n_children;
	int keeper_ctl[2];
	enum child_state keeper_state;
	pid_t keeper;
	int dirfd, signals;
	sigset_t signal_set;
	int n_signals; /* how often we were asked to end */
	int64_t t0_ns, stop_at_ns;
	int64_t tell_at_ns; /* SQ_NEVER: nobody is told */
	bool failed;
	struct sq_err *err; /* the first failure of the run's own */
};

static const char *child_name(const struct campaign *c, size_t i, char buf[128])
{
	const struct sq_child *child = &c->children[i];
	const char *host = c->plan->hosts[child->host].name;

	if (child->worker)
		snprintf(buf, 128, "worker %zu on %s", child->worker, host);
	else
		snprintf(buf, 128, "%s on %s",
			 child->role == SQ_CHILD_WORKER ? "worker" : "capture", host);
	return buf;
}

/* The first failure is the one that is told. */
static void fail(struct campaign *c, int code, const char *where, const char *text)
{
	if (!c->failed)
		sq_err_set(c->err, code, where, "%s", text);
	c->failed = true;
}

static void say(const struct campaign *c, const char *text)
{
	if (c->opts->progress)
		sq_progress_clear();
	fprintf(stderr, "squall: %s\n", text);
}

static void spool(struct campaign *c, json_t *record)
{
	struct sq_err err = { 0 };

	if (sq_spool_write(c->spool, record, &err) < 0)
		fail(c, err.code, err.where, err.text);
}

static void spool_event(struct campaign *c, const char *source, const char *text)
{
	int64_t t = c->t0_ns ? sq_now_ns() - c->t0_ns : 0;

	spool(c, json_pack("{s:s, s:I, s:s, s:s, s:s}", "k", "event", "t", (json_int_t)t, "host",
			   "", "source", source, "text", text));
}

static size_t worker_lanes(const struct sq_plan *plan, const struct sq_child *worker)
{
	size_t n = 0;

	for (size_t i = 0; i < plan->n_loads; i++) {
		const struct sq_load_plan *load = &plan->loads[i];

		for (int64_t t = 0; load->host == worker->host && t < load->spec->threads; t++)
			n += sq_load_worker(load, t) == worker->worker;
	}
	return n;
}

static struct sq_child *child_add(struct campaign *c, enum sq_child_role role, size_t host)
{
	struct sq_child *child = &c->children[c->n_children++];

	*child = (struct sq_child){ .role = role, .host = host, .ctl = { -1, -1 } };
	return child;
}

/* A capture for each host that is watched or makes load (its retry settings explain failures), and
 * the workers of each that makes load.  Returns how many lanes these have. */
static size_t children_list(struct campaign *c)
{
	const struct sq_plan *plan = c->plan;
	size_t most = 0, lanes = 0;

	for (size_t h = 0; h < plan->n_hosts; h++)
		most += 1 + sq_plan_workers(plan, h);
	c->children = sq_alloc_n(most, sizeof(*c->children));
	c->state = sq_alloc_n(most, sizeof(*c->state));
	c->fds = sq_alloc_n(2 + most, sizeof(*c->fds));
	for (size_t h = 0; h < plan->n_hosts; h++) {
		size_t workers = sq_plan_workers(plan, h);

		if (plan->hosts[h].loads || plan->hosts[h].captured)
			child_add(c, SQ_CHILD_CAPTURE, h);
		for (size_t i = 0; i < workers; i++) {
			struct sq_child *child = child_add(c, SQ_CHILD_WORKER, h);

			child->worker = i;
			child->first_lane = lanes;
			lanes += worker_lanes(plan, child);
		}
	}
	return lanes;
}

static int children_plan(struct campaign *c, struct sq_err *err)
{
	size_t lanes = children_list(c);
	int rc;

	for (size_t i = 0; i < c->n_children; i++) {
		rc = sq_ctl_pair(c->children[i].ctl);
		if (rc < 0)
			return sq_err_set(err, rc, "", "socketpair: %s", strerror(-rc));
	}
	rc = sq_ctl_pair(c->keeper_ctl);
	if (rc < 0)
		return sq_err_set(err, rc, "", "socketpair: %s", strerror(-rc));
	c->live = sq_live_new(lanes);
	if (!c->live)
		return sq_err_set(err, -ENOMEM, "", "no shared memory for %zu lanes", lanes);
	return 0;
}

static int keeper_fork(struct campaign *c, struct sq_err *err)
{
	c->keeper = sq_world_fork(c->plan->world ? SQ_FORK_WORLD : SQ_FORK_PLAIN, err);
	if (c->keeper < 0)
		return (int)c->keeper;
	if (c->keeper == 0) {
		struct sq_keeper_job job = { .plan = c->plan,
					     .children = c->children,
					     .n_children = c->n_children,
					     .live = c->live,
					     .spool = c->spool,
					     .dirfd = c->dirfd,
					     .ctl = c->keeper_ctl[1] };

		for (size_t i = 0; i < c->n_children; i++)
			close(c->children[i].ctl[0]);
		close(c->keeper_ctl[0]);
		close(c->signals);
		exit(sq_keeper_main(&job));
	}
	for (size_t i = 0; i < c->n_children; i++)
		close(c->children[i].ctl[1]);
	close(c->keeper_ctl[1]);
	return 0;
}

static void send_all(struct campaign *c, enum sq_child_role role, const char *line)
{
	for (size_t i = 0; i < c->n_children; i++)
		if (c->children[i].role == role && c->state[i] < DONE)
			sq_ctl_send(c->children[i].ctl[0], "%s", line);
}

static void on_keeper_line(struct campaign *c, const char *line)
{
	if (strcmp(line, "ready") == 0) {
		c->keeper_state = READY;
	} else if (strcmp(line, "done") == 0) {
		c->keeper_state = DONE;
	} else if (strncmp(line, "note ", 5) == 0) {
		say(c, line + 5);
	} else if (strncmp(line, "error ", 6) == 0) {
		char *text;
		int code = (int)strtol(line + 6, &text, 10);

		fail(c, code, "", text + (*text == ' '));
	}
}

static void on_child_line(struct campaign *c, size_t i, const char *line)
{
	char name[128];

	if (strcmp(line, "ready") == 0) {
		c->state[i] = READY;
	} else if (strcmp(line, "done") == 0) {
		c->state[i] = DONE;
	} else if (strncmp(line, "note ", 5) == 0) {
		say(c, line + 5);
	} else if (strncmp(line, "event ", 6) == 0) {
		spool_event(c, child_name(c, i, name), line + 6);
	} else if (strncmp(line, "error ", 6) == 0) {
		fail(c, -EIO, child_name(c, i, name), line + 6);
	}
}

/* First Ctrl-C: start nothing more and report; the second: end at once. */
static void on_signal(struct campaign *c)
{
	struct signalfd_siginfo info;

	if (read(c->signals, &info, sizeof(info)) != (ssize_t)sizeof(info))
		return;
	c->n_signals++;
	if (c->t0_ns == 0)
		return; /* the set-up's loop sees it */
	if (c->n_signals == 1) {
		say(c, "draining: no new operations; once more to end at once");
		spool_event(c, "squall", "asked to end by a signal: draining");
		send_all(c, SQ_CHILD_WORKER, "drain");
	} else {
		send_all(c, SQ_CHILD_WORKER, "stop");
		if (c->stop_at_ns > sq_now_ns() + GRACE_NS)
			c->stop_at_ns = sq_now_ns() + GRACE_NS;
	}
}

static void on_gone(struct campaign *c, size_t i)
{
	char name[128];

	if (c->state[i] < DONE)
		fail(c, -EIO, child_name(c, i, name), "the process ended unexpectedly");
	c->state[i] = GONE;
}

/* One round of waiting, at most until_ns; every message is handled. */
static void pump(struct campaign *c, int64_t until_ns)
{
	struct pollfd *fds = c->fds;
	size_t n = c->n_children;
	int64_t left = until_ns - sq_now_ns();
	char line[SQ_CTL_LINE];

	fds[0] = (struct pollfd){ .fd = c->signals, .events = POLLIN };
	fds[1] = (struct pollfd){ .fd = c->keeper_state == GONE ? -1 : c->keeper_ctl[0],
				  .events = POLLIN };
	for (size_t i = 0; i < n; i++)
		fds[2 + i] =
			(struct pollfd){ .fd = c->state[i] == GONE ? -1 : c->children[i].ctl[0],
					 .events = POLLIN };
	if (poll(fds, n + 2, left <= 0 ? 0 : (int)((left + SQ_MS - 1) / SQ_MS)) <= 0)
		return;
	if (fds[0].revents)
		on_signal(c);
	if (fds[1].revents) {
		if (sq_ctl_recv(c->keeper_ctl[0], line, 0) > 0) {
			on_keeper_line(c, line);
		} else {
			if (c->keeper_state != DONE)
				fail(c, -EIO, "keeper", "the process ended unexpectedly");
			c->keeper_state = GONE;
		}
	}
	for (size_t i = 0; i < n; i++) {
		if (!fds[2 + i].revents)
			continue;
		if (sq_ctl_recv(c->children[i].ctl[0], line, 0) > 0)
			on_child_line(c, i, line);
		else
			on_gone(c, i);
	}
}

static bool all_children(const struct campaign *c, enum sq_child_role role, enum child_state least)
{
	for (size_t i = 0; i < c->n_children; i++)
		if (c->children[i].role == role && c->state[i] < least)
			return false;
	return true;
}

static int64_t setup_limit(const struct sq_plan *plan)
{
	int64_t limit = SETUP_NS;

	for (size_t h = 0; h < plan->n_hosts; h++)
		for (size_t i = 0; plan->hosts[h].spec && i < plan->hosts[h].spec->run.n; i++)
			limit += ((const struct sq_process_spec *)plan->hosts[h].spec->run.v)[i]
					 .wait_ns;
	return limit;
}

static int await_ready(struct campaign *c, struct sq_err *err)
{
	int64_t until = sq_now_ns() + setup_limit(c->plan);

	while (c->keeper_state != READY || !all_children(c, SQ_CHILD_WORKER, READY) ||
	       !all_children(c, SQ_CHILD_CAPTURE, READY)) {
		if (c->failed)
			return err->code;
		if (c->n_signals)
			return sq_err_set(err, -EINTR, "",
					  "ended by a signal before the load began");
		if (sq_now_ns() >= until)
			return sq_err_set(err, -ETIMEDOUT, "", "set-up took longer than %.0f s",
					  sq_seconds(setup_limit(c->plan)));
		pump(c, until);
	}
	/* It may have come with the last "ready". */
	if (c->n_signals)
		return sq_err_set(err, -EINTR, "", "ended by a signal before the load began");
	return 0;
}

static void go(struct campaign *c)
{
	char line[64];
	int64_t wall, error = sq_wall_error_ns();

	/* The idle window before, and time enough for every lane to be asleep by then. */
	c->t0_ns = sq_now_ns() + c->plan->scenario->idle_ns + 50 * SQ_MS;
	wall = sq_wall_ns() + (c->t0_ns - sq_now_ns());
	snprintf(line, sizeof(line), "go %lld", (long long)c->t0_ns);
	send_all(c, SQ_CHILD_CAPTURE, line);
	send_all(c, SQ_CHILD_WORKER, line);
	sq_ctl_send(c->keeper_ctl[0], "%s", line);
	spool(c, json_pack("{s:s, s:I, s:I, s:o}", "k", "start", "t0_mono_ns", (json_int_t)c->t0_ns,
			   "t0_wall_ns", (json_int_t)wall, "wall_error_ns",
			   error < 0 ? json_null() : json_integer(error)));
	c->stop_at_ns = c->t0_ns + c->plan->end_ns + c->plan->drain_ns + GRACE_NS;
}

/* Absolute, so that the lines of an hour are sixty; what was slept through is not made up. */
static void tell(struct campaign *c, bool last)
{
	const struct sq_telling *t = c->opts->telling;
	const struct sq_live_sum sum = sq_live_sum(c->live);

	if (c->opts->progress)
		sq_progress_clear();
	t->tell(t->arg, &sum, last);
	while (c->tell_at_ns <= sq_now_ns())
		c->tell_at_ns += t->every_ns;
}

/* Until every worker is done.  A worker that outlives its plan is told to stop, then given up. */
static void run_load(struct campaign *c)
{
	bool stopping = false, abandoned = false;

	c->tell_at_ns = c->opts->telling ? c->t0_ns + c->opts->telling->every_ns : SQ_NEVER;
	while (!abandoned && !all_children(c, SQ_CHILD_WORKER, DONE)) {
		int64_t now = sq_now_ns();
		int64_t wake = c->stop_at_ns;

		if ((c->failed || now >= c->stop_at_ns) && !stopping) {
			/* After a Ctrl-Z their "done" may lie there unread. */
			pump(c, now);
			if (all_children(c, SQ_CHILD_WORKER, DONE))
				break;
			if (!c->failed)
				fail(c, -ETIMEDOUT, "", "the workers did not end in time");
			send_all(c, SQ_CHILD_WORKER, "stop");
			stopping = true;
			c->stop_at_ns = now + GRACE_NS;
		} else if (now >= c->stop_at_ns || c->keeper_state == GONE) {
			abandoned = true;
			continue;
		}
		if (now >= c->tell_at_ns)
			tell(c, false);
		wake = c->tell_at_ns < wake ? c->tell_at_ns : wake;
		if (c->opts->progress) {
			sq_progress_draw(c->live, now - c->t0_ns, c->plan->end_ns);
			wake = now + SQ_SEC / 2 < wake ? now + SQ_SEC / 2 : wake;
		}
		pump(c, wake);
	}
	if (c->opts->progress)
		sq_progress_clear();
	if (c->opts->telling)
		tell(c, true);
}

static void wait_idle(struct campaign *c)
{
	int64_t until = sq_now_ns() + c->plan->scenario->idle_ns;

	while (!c->failed && c->n_signals < 2 && sq_now_ns() < until)
		pump(c, until);
}

static void end_captures(struct campaign *c)
{
	int64_t until = sq_now_ns() + GRACE_NS;

	send_all(c, SQ_CHILD_CAPTURE, "stop");
	while (!all_children(c, SQ_CHILD_CAPTURE, DONE) && c->keeper_state != GONE &&
	       sq_now_ns() < until)
		pump(c, until);
	if (!all_children(c, SQ_CHILD_CAPTURE, DONE))
		fail(c, -ETIMEDOUT, "capture", "it did not end in time: counters are missing");
}

static void end_keeper(struct campaign *c)
{
	int64_t until = sq_now_ns() + 2 * GRACE_NS;

	sq_ctl_send(c->keeper_ctl[0], "stop");
	while (c->keeper_state < DONE && sq_now_ns() < until)
		pump(c, until);
	if (c->keeper_state < DONE)
		fail(c, -ETIMEDOUT, "keeper", "the servers did not end in time");
}

static void campaign_run(struct campaign *c, enum sq_ending *ret_ending)
{
	static const char *const words[] = { "completed", "stopped", "failed" };
	enum sq_ending ending;

	go(c);
	run_load(c);
	wait_idle(c);
	end_captures(c);
	end_keeper(c);
	ending = c->failed ? SQ_ENDED_FAILED : c->n_signals ? SQ_ENDED_STOPPED : SQ_ENDED_COMPLETED;
	spool(c,
	      json_pack("{s:s, s:I, s:s, s:o}", "k", "end", "t",
			(json_int_t)(sq_now_ns() - c->t0_ns), "outcome", words[ending], "because",
			c->failed      ? json_sprintf("%s%s%s", c->err->where,
                                                 c->err->where[0] ? ": " : "", c->err->text)
			: c->n_signals ? json_string("asked to end by a signal")
				       : json_null()));
	*ret_ending = c->failed ? SQ_ENDED_FAILED : ending;
}

static int signals_open(struct campaign *c, struct sq_err *err)
{
	sq_interrupt_signals(&c->signal_set);
	c->signals = signalfd(-1, &c->signal_set, SFD_CLOEXEC | SFD_NONBLOCK);
	if (c->signals == -1)
		return sq_err_set(err, -errno, "", "signalfd: %s", strerror(errno));
	return 0;
}

/* The end of its channel ends the keeper and with it all that is left, in order: its guard can be
 * waited for.  One that sets up (or hangs) does not read its channel, and is killed. */
static void keeper_reap(const struct campaign *c)
{
	int64_t until = sq_now_ns() + (c->keeper_state == STARTING ? SQ_SEC / 5 : GRACE_NS);

	while (waitpid(c->keeper, NULL, WNOHANG) == 0) {
		if (sq_now_ns() >= until) {
			kill(c->keeper, SIGKILL);
			waitpid(c->keeper, NULL, 0);
			return;
		}
		sq_sleep_until(sq_now_ns() + 2 * SQ_MS);
	}
}

static void campaign_fini(struct campaign *c)
{
	if (c->keeper_ctl[0] != -1)
		close(c->keeper_ctl[0]);
	for (size_t i = 0; i < c->n_children; i++)
		if (c->children[i].ctl[0] != -1)
			close(c->children[i].ctl[0]);
	if (c->keeper > 0)
		keeper_reap(c);
	if (c->signals != -1)
		close(c->signals);
	/* A Ctrl-C too many must not stop what the caller does next.  The first is for a caller that looks
	 * for it. */
	while (c->n_signals &&
	       sigtimedwait(&c->signal_set, NULL, &(const struct timespec){ 0 }) > 0)
		continue;
	if (c->dirfd != -1)
		close(c->dirfd);
	sq_live_free(c->live);
	free(c->children);
	free(c->state);
	free(c->fds);
}

int sq_campaign_run(const struct sq_plan *plan, const struct sq_campaign_opts *opts,
		    enum sq_ending *ret_ending, struct sq_err *err)
{
	struct campaign c = { .plan = plan,
			      .opts = opts,
			      .err = err,
			      .dirfd = -1,
			      .signals = -1,
			      .keeper_ctl = { -1, -1 } };
	int rc;

	c.dirfd = open(opts->dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (c.dirfd == -1) {
		rc = sq_err_set(err, -errno, opts->dir, "%s", strerror(errno));
		return rc;
	}
	rc = signals_open(&c, err);
	if (rc == 0)
		rc = children_plan(&c, err);
	if (rc < 0)
		goto out;
	c.spool = sq_spool_open(c.dirfd, "run", err);
	if (!c.spool) {
		rc = err->code;
		goto out;
	}
	spool(&c, sq_campaign_head(plan, opts->meta));
	rc = c.failed ? err->code : keeper_fork(&c, err);
	if (rc == 0)
		rc = await_ready(&c, err);
	if (rc == 0)
		campaign_run(&c, ret_ending);
	if (sq_spool_close(c.spool, rc == 0 && !c.failed ? err : NULL) < 0 && rc == 0)
		*ret_ending = SQ_ENDED_FAILED;
out:
	campaign_fini(&c);
	return rc;
}
