/* The capture of one host: a main thread that reads every cheap source, sleeping in between on the
 * channel to the supervisor, so that a tick costs its readings and nothing else (feeds.c), and a thread
 * for each source that waits for others and for each place that is not this machine (reader.c).
 *
 * What a reader would get wrong:
 * - All write to one spool file; the rows of each thread but the first are numbered apart ("part").
 * - A thread that hangs must not hold up the end: after a while it is left behind, with an event that says
 *   what it was, and nothing of what it may still use is freed.
 * - It ends at once with its supervisor, whose death is the end of the channel. */
#include "analyzers/capture/capture.h"

#include <sys/prctl.h>
#include <sys/socket.h>

#include <errno.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "analyzers/capture/environment.h"
#include "analyzers/capture/reader.h"
#include "base/clock.h"
#include "base/ctl.h"
#include "base/mem.h"

#define READY_LIMIT (10 * SQ_SEC)
#define DONE_LIMIT  (4 * SQ_SEC)
#define GONE_LIMIT  (SQ_SEC / 5)
#define GLANCE      (SQ_SEC / 5)

struct capture {
	const struct sq_plan *plan;
	size_t host;
	int ctl;
	struct sq_spool *spool;
	struct sq_capture_reader **readers; /* the first is the main thread's */
	size_t n, cap;
};

static struct sq_capture_reader *reader_add(struct capture *c, const char *where, bool alone)
{
	struct sq_capture_reader *r = sq_alloc(sizeof(*r));

	*r = (struct sq_capture_reader){
		.host = c->plan->hosts[c->host].name,
		.where = where,
		.alone = alone,
		.spool = c->spool,
		.sample = sq_sample_new(c->spool),
		.ctl = { -1, -1 },
	};
	r->feeds.sample = r->sample;
	sq_sample_set_part(r->sample, (unsigned)c->n);
	if (!where)
		sq_sample_time(r->sample);
	c->readers = sq_grow(c->readers, c->n, &c->cap, sizeof(struct sq_capture_reader *));
	return c->readers[c->n++] = r;
}

/* What waits is alone.  Elsewhere that is what a shell may be asked for, and so each such source has
 * a shell of its own; a squall there has threads itself. */
static struct sq_capture_reader *reader_of(struct capture *c, const struct sq_source *source,
					   const char *where)
{
	bool alone = source->blocking && (!where || source->remote);

	for (size_t i = 0; i < c->n; i++) {
		struct sq_capture_reader *r = c->readers[i];
		/* A group's source is one, however often it is mentioned. */
		bool same = alone ? r->alone && source->group && r->feeds.v[0].source == source
				  : !r->alone;

		if (same && sq_same_text(r->where, where))
			return r;
	}
	return reader_add(c, where, alone);
}

static void collect_feeds(struct capture *c)
{
	reader_add(c, NULL, false);
	for (size_t i = 0; i < c->plan->n_captures; i++) {
		const struct sq_capture_plan *p = &c->plan->captures[i];

		if (p->host != c->host)
			continue;
		for (size_t k = 0; sq_sources[k]; k++) {
			const struct sq_source *s = sq_sources[k];
			bool named = &s->kind == p->kind;

			if (named || (s->group && strcmp(s->group, p->kind->name) == 0))
				sq_feeds_add(&reader_of(c, s, p->where)->feeds, s,
					     named ? p->conf : NULL, p->interval_ns);
		}
	}
}

/* Of this machine; a far one's comes from there. */
static int write_environment(struct capture *c, struct sq_err *err)
{
	const struct sq_host_plan *host = &c->plan->hosts[c->host];

	if (host->far)
		return 0;
	return sq_spool_write(c->spool,
			      json_pack("{s:s, s:s, s:o}", "k", "env", "host", host->name,
					"environment", sq_environment_read()),
			      err);
}

/* What CLOCK_REALTIME is at a CLOCK_MONOTONIC: by it a file is joined to a run of another machine. */
static int write_wall(struct capture *c, struct sq_err *err)
{
	int64_t error_ns = sq_wall_error_ns();

	return sq_spool_write(c->spool,
			      json_pack("{s:s, s:s, s:I, s:I, s:o}", "k", "wall", "host",
					c->plan->hosts[c->host].name, "t", (json_int_t)sq_now_ns(),
					"wall", (json_int_t)sq_wall_ns(), "error_ns",
					error_ns < 0 ? json_null() : json_integer(error_ns)),
			      err);
}

/* The next line of a thread's, by a time. */
static void hear(struct sq_capture_reader *r, int64_t until_ns)
{
	char line[SQ_CTL_LINE];

	if (sq_ctl_recv(r->ctl[0], line, until_ns - sq_now_ns()) <= 0)
		return;
	r->done |= strcmp(line, "done") == 0;
	r->ready |= r->done || strcmp(line, "ready") == 0;
}

/* Whether the supervisor has something to say. */
static bool called(const struct capture *c)
{
	struct pollfd p = { .fd = c->ctl, .events = POLLIN };

	return poll(&p, 1, 0) > 0;
}

/* Until all other threads have read once, a time, or the end; the cheap sources are read meanwhile. */
static int await_ready(struct capture *c, int64_t until_ns, struct sq_err *err)
{
	struct sq_feeds *feeds = &c->readers[0]->feeds;
	int rc = 0;

	for (size_t i = 1; i < c->n; i++) {
		while (rc == 0 && !c->readers[i]->ready && sq_now_ns() < until_ns && !called(c)) {
			int64_t due_ns = sq_feeds_due(feeds), glance_ns = sq_now_ns() + GLANCE;

			hear(c->readers[i], due_ns < glance_ns ? due_ns : glance_ns);
			if (sq_now_ns() >= due_ns)
				rc = sq_feeds_tick(feeds, sq_now_ns(), err);
		}
	}
	return rc;
}

static void await_done(struct capture *c, int64_t until_ns)
{
	for (size_t i = 1; i < c->n; i++) {
		struct sq_capture_reader *r = c->readers[i];

		while (r->started && !r->done && sq_now_ns() < until_ns)
			hear(r, until_ns);
	}
}

static int start_readers(struct capture *c, struct sq_err *err)
{
	int64_t until_ns = sq_now_ns() + READY_LIMIT;
	int rc = 0;

	sq_capture_readers_share(c->readers, c->n);
	for (size_t i = 1; rc == 0 && i < c->n; i++)
		rc = sq_capture_reader_start(c->readers[i], err);
	if (rc == 0)
		rc = sq_feeds_open(&c->readers[0]->feeds, err);
	if (rc == 0)
		rc = sq_feeds_tick(&c->readers[0]->feeds, SQ_FEEDS_ALL, err);
	return rc == 0 ? await_ready(c, until_ns, err) : rc;
}

/* What else comes on the channel, and all of it to the other threads. */
static int on_line(void *arg, const char *line)
{
	struct capture *c = arg;

	if (strncmp(line, "ping ", 5) == 0)
		return sq_spool_write(c->spool,
				      json_pack("{s:s, s:I, s:I}", "k", "pong", "n",
						(json_int_t)strtoll(line + 5, NULL, 10), "t",
						(json_int_t)sq_now_ns()),
				      NULL);
	for (size_t i = 1; i < c->n; i++)
		if (c->readers[i]->started && !c->readers[i]->done)
			sq_ctl_send(c->readers[i]->ctl[0], "%s", line);
	return 0;
}

static int tell_left_behind(struct capture *c, const struct sq_capture_reader *r,
			    struct sq_err *err)
{
	const char *what = r->feeds.n ? r->feeds.v[0].source->kind.name : "";

	return sq_spool_write(c->spool,
			      json_pack("{s:s, s:I, s:s, s:s}", "k", "event", "t",
					(json_int_t)sq_now_ns(), "source", what, "text",
					"its last reading did not end in time and is missing"),
			      err);
}

static int end_readers(struct capture *c, struct sq_err *err)
{
	int rc = 0;

	await_done(c, sq_now_ns() + DONE_LIMIT);
	for (size_t i = 1; rc == 0 && i < c->n; i++) {
		struct sq_capture_reader *r = c->readers[i];

		if (r->started && !r->done)
			rc = tell_left_behind(c, r, err);
	}
	return rc;
}

/* 1: all was written; 0: the supervisor has gone. */
static int capture_run(struct capture *c, struct sq_err *err)
{
	struct sq_feeds *feeds;
	int rc = write_wall(c, err);

	if (rc == 0)
		rc = write_environment(c, err);
	collect_feeds(c);
	feeds = &c->readers[0]->feeds;
	if (rc == 0)
		rc = start_readers(c, err);
	if (rc < 0)
		return rc;
	if (sq_ctl_send(c->ctl, "ready") < 0)
		return 0;
	rc = sq_feeds_keep(feeds, c->ctl, on_line, c, err);
	if (rc <= 0)
		return rc;
	rc = sq_feeds_tick(feeds, SQ_FEEDS_ALL, err);
	sq_feeds_last(feeds);
	if (rc == 0)
		rc = end_readers(c, err);
	if (rc == 0)
		rc = write_wall(c, err);
	if (rc == 0)
		rc = sq_spool_write(
			c->spool,
			json_pack("{s:s, s:I}", "k", "done", "t", (json_int_t)sq_now_ns()), err);
	return rc < 0 ? rc : 1;
}

/* Few wake-ups, next to no work in them, but on time: with 8 busy processes on 2 processors 99 of
 * 100 ticks ended within 0.4 ms of when they were due in most runs (the worst of all: 46 ms); at
 * an ordinary priority within 10 to 40 ms.  It takes root or an RLIMIT_RTPRIO; without them, late
 * ticks on a busy machine are gaps. */
static void be_punctual(void)
{
	struct sched_param lowest = { .sched_priority = 1 };

	prctl(PR_SET_TIMERSLACK, 1UL);
	sched_setscheduler(0, SCHED_FIFO | SCHED_RESET_ON_FORK, &lowest);
}

/* What an exit still does (a leak checker looks at all memory) must not hold up the load. */
static void be_patient(void)
{
	struct sched_param none = { .sched_priority = 0 };

	sched_setscheduler(0, SCHED_OTHER, &none);
}

static void ignore_signals(void)
{
	signal(SIGINT, SIG_IGN);
	signal(SIGTERM, SIG_IGN);
	signal(SIGHUP, SIG_IGN);
	signal(SIGPIPE, SIG_IGN);
}

/* Threads that were not asked to end see the end of their channels. */
static bool all_ended(struct capture *c)
{
	bool all = true;

	for (size_t i = 1; i < c->n; i++)
		if (c->readers[i]->started && !c->readers[i]->done)
			shutdown(c->readers[i]->ctl[0], SHUT_WR);
	await_done(c, sq_now_ns() + GONE_LIMIT);
	for (size_t i = 1; i < c->n; i++)
		all = all && (!c->readers[i]->started || c->readers[i]->done);
	return all;
}

static void release(struct capture *c)
{
	for (size_t i = 0; i < c->n; i++) {
		struct sq_capture_reader *r = c->readers[i];

		if (r->started) {
			pthread_join(r->thread, NULL);
			close(r->ctl[0]);
			close(r->ctl[1]);
		}
		sq_feeds_close(&r->feeds);
		sq_sample_free(r->sample);
		free(r);
	}
	free(c->readers);
	free(c);
}

/* Tells the supervisor how it ended; the exit status. */
static int report(int ctl, int rc, const struct sq_err *err)
{
	if (rc < 0)
		sq_ctl_send(ctl, "error %s%s%s", err->where, err->where[0] ? ": " : "", err->text);
	else if (rc == 1)
		sq_ctl_send(ctl, "done");
	return rc == 1 ? 0 : 1;
}

/* 1: "stop" came and all was written; 0: the channel ended; or -errno with err. */
static int run_on(struct capture *c, bool *ret_left_behind, struct sq_err *err)
{
	int rc;

	ignore_signals();
	be_punctual();
	rc = capture_run(c, err);
	be_patient();
	*ret_left_behind = !all_ended(c);
	sq_capture_readers_part(c->readers, c->n, !*ret_left_behind);
	if (!*ret_left_behind)
		release(c);
	return rc;
}

int sq_capture_to(const struct sq_plan *plan, size_t host, int ctl, struct sq_spool *spool)
{
	struct capture *c = sq_alloc(sizeof(*c));
	struct sq_err err = { 0 }, late = { 0 };
	bool left_behind;
	int rc;

	*c = (struct capture){ .plan = plan, .host = host, .ctl = ctl, .spool = spool };
	rc = run_on(c, &left_behind, &err);
	if (left_behind)
		_exit(report(ctl, rc, &err)); /* it may be writing still */
	if (sq_spool_close(spool, &late) < 0 && rc >= 0) {
		err = late;
		rc = late.code;
	}
	return report(ctl, rc, &err);
}

int sq_capture_main(const struct sq_plan *plan, size_t host, int ctl, int dirfd)
{
	char *name = sq_printf_dup("capture-%s", plan->hosts[host].name);
	struct sq_err err = { 0 };
	struct sq_spool *spool = sq_spool_open(dirfd, name, &err);

	free(name);
	return spool ? sq_capture_to(plan, host, ctl, spool) : report(ctl, err.code, &err);
}
