/* The capture of one host: one thread that reads every source, sleeping in between on the channel
 * to the supervisor, so that a tick costs its readings and nothing else.
 *
 * What a reader would get wrong:
 * - Series are cut into bins from t0, and a reading belongs to the bin that its end falls into
 *   (docs/spool.md), for which it must be the last word.  So ticks stand not at the edges
 *   t0 + k * interval but a little before them (lead_ns): a reading at the edge itself would end
 *   just behind it, and its bin would miss what it says.  What a counter does within the lead is
 *   seen in the next bin.
 * - A tick that is late by more than the lead falls into the next bin, and its own has none:
 *   lateness is a gap, and is never papered over.
 * - Before "go" there is no t0 to align with; those ticks are for the quiet before the load.
 * - It ends at once with its supervisor, whose death is the end of the channel. */
#include "analyzers/capture.h"

#include <sys/prctl.h>

#include <errno.h>
#include <sched.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>

#include "analyzers/environment.h"
#include "analyzers/sample.h"
#include "analyzers/source.h"
#include "base/clock.h"
#include "base/ctl.h"
#include "base/mem.h"
#include "results/spool.h"

struct feed { /* one source that is read */
	const struct sq_source *source;
	const void *conf;
	void *state; /* NULL: absent */
	unsigned number;
	int64_t interval_ns, due_ns;
};

struct capture {
	const struct sq_plan *plan;
	size_t host;
	int ctl;
	struct sq_spool *spool;
	struct sq_sample *sample;
	struct feed *feeds;
	size_t n_feeds, cap_feeds;
};

static void add_feed(struct capture *c, const struct sq_source *source, const void *conf,
		     int64_t interval_ns)
{
	/* Members of a group have no options, so a second mention is the same source, which may
	 * be asked for more often but must not be counted twice. */
	for (size_t i = 0; source->group && i < c->n_feeds; i++) {
		struct feed *f = &c->feeds[i];

		if (f->source == source) {
			if (interval_ns < f->interval_ns)
				f->interval_ns = interval_ns;
			return;
		}
	}
	c->feeds = sq_grow(c->feeds, c->n_feeds, &c->cap_feeds, sizeof(*c->feeds));
	c->feeds[c->n_feeds++] = (struct feed){
		.source = source,
		.conf = conf,
		.number = sq_sample_source(c->sample, source->kind.name),
		.interval_ns = interval_ns > 0 ? interval_ns : 100 * SQ_MS,
		.due_ns = SQ_NEVER,
	};
}

static void collect_feeds(struct capture *c)
{
	for (size_t i = 0; i < c->plan->n_captures; i++) {
		const struct sq_capture_plan *p = &c->plan->captures[i];

		if (p->host != c->host)
			continue;
		for (size_t k = 0; sq_sources[k]; k++) {
			const struct sq_source *s = sq_sources[k];

			if (&s->kind == p->kind)
				add_feed(c, s, p->conf, p->interval_ns);
			else if (s->group && strcmp(s->group, p->kind->name) == 0)
				add_feed(c, s, NULL, p->interval_ns);
		}
	}
}

/* All sources are due at the same times, so that one waking reads them all. */
static int open_feed(struct capture *c, struct feed *f, int64_t begin_ns, struct sq_err *err)
{
	struct sq_err why = { 0 };
	void *state = sq_alloc(f->source->state_size);
	int rc;

	sq_sample_enter(c->sample, f->number);
	rc = f->source->open(state, f->conf, c->sample, &why);
	if (rc == 0) {
		f->state = state;
		f->due_ns = begin_ns;
		return 0;
	}
	free(state);
	if (!why.text[0])
		sq_err_set(&why, rc, "", "%s", strerror(-rc));
	return sq_sample_absent(c->sample, f->number, why.text, err);
}

static void close_feeds(struct capture *c)
{
	for (size_t i = 0; i < c->n_feeds; i++) {
		struct feed *f = &c->feeds[i];

		if (f->state && f->source->close)
			f->source->close(f->state);
		free(f->state);
	}
	free(c->feeds);
}

static int write_environment(struct capture *c, struct sq_err *err)
{
	return sq_spool_write(c->spool,
			      json_pack("{s:s, s:s, s:o}", "k", "env", "host",
					c->plan->hosts[c->host].name, "environment",
					sq_environment_read()),
			      err);
}

/* Reads every source that is due by a time, in one go. */
static int tick(struct capture *c, int64_t until_ns, struct sq_err *err)
{
	int64_t end_ns;
	int rc;

	sq_sample_begin(c->sample, sq_now_ns());
	for (size_t i = 0; i < c->n_feeds; i++) {
		struct feed *f = &c->feeds[i];

		if (!f->state || f->due_ns > until_ns)
			continue;
		sq_sample_enter(c->sample, f->number);
		sq_sample_leave(c->sample, f->source->sample(f->state, c->sample));
	}
	end_ns = sq_now_ns();
	rc = sq_sample_end(c->sample, end_ns, err);
	/* On along the schedule; what a long delay has swallowed is not made up for. */
	for (size_t i = 0; i < c->n_feeds; i++) {
		struct feed *f = &c->feeds[i];

		if (f->state && f->due_ns <= end_ns)
			f->due_ns += ((end_ns - f->due_ns) / f->interval_ns + 1) * f->interval_ns;
	}
	return rc;
}

static int64_t next_due(const struct capture *c)
{
	int64_t due_ns = SQ_NEVER;

	for (size_t i = 0; i < c->n_feeds; i++)
		if (c->feeds[i].state && c->feeds[i].due_ns < due_ns)
			due_ns = c->feeds[i].due_ns;
	return due_ns;
}

static void tell_last(struct capture *c)
{
	for (size_t i = 0; i < c->n_feeds; i++) {
		struct feed *f = &c->feeds[i];

		if (!f->state || !f->source->last)
			continue;
		sq_sample_enter(c->sample, f->number);
		f->source->last(f->state);
	}
}

/* How long before a bin's edge to read: 5 ms at 100 ms, a twentieth of shorter intervals.  A tick of
 * all of "linux" takes 0.3 ms; the rest is for waking up late.  One lead for all sources, so that
 * they stay together. */
static int64_t lead_ns(const struct capture *c)
{
	int64_t lead = 5 * SQ_MS;

	for (size_t i = 0; i < c->n_feeds; i++)
		if (c->feeds[i].interval_ns / 20 < lead)
			lead = c->feeds[i].interval_ns / 20;
	return lead;
}

static void align(struct capture *c, int64_t t0_ns)
{
	int64_t now = sq_now_ns(), lead = lead_ns(c);

	for (size_t i = 0; i < c->n_feeds; i++) {
		struct feed *f = &c->feeds[i];
		int64_t behind = (now - (t0_ns - lead)) % f->interval_ns;

		if (!f->state)
			continue;
		/* % takes the sign of a t0 still to come. */
		if (behind < 0)
			behind += f->interval_ns;
		f->due_ns = now - behind + f->interval_ns;
	}
}

/* Until "stop" (1), the end of the channel (0), or an error. */
static int keep_reading(struct capture *c, struct sq_err *err)
{
	for (;;) {
		char line[SQ_CTL_LINE];
		int64_t due_ns = next_due(c);
		int rc = sq_ctl_recv(c->ctl, line,
				     due_ns == SQ_NEVER ? SQ_NEVER : due_ns - sq_now_ns());

		if (rc == -ETIMEDOUT) {
			rc = tick(c, sq_now_ns(), err);
			if (rc < 0)
				return rc;
			continue;
		}
		if (rc < 0 && rc != -EINTR)
			return sq_err_set(err, rc, "", "channel: %s", strerror(-rc));
		if (rc == 0)
			return 0;
		if (rc > 0 && strcmp(line, "stop") == 0)
			return 1;
		if (rc > 0 && strncmp(line, "go ", 3) == 0)
			align(c, strtoll(line + 3, NULL, 10));
	}
}

/* 1: all was written; 0: the supervisor has gone. */
static int capture_run(struct capture *c, struct sq_err *err)
{
	int rc = write_environment(c, err);
	int64_t begin_ns = sq_now_ns();

	collect_feeds(c);
	for (size_t i = 0; rc == 0 && i < c->n_feeds; i++)
		rc = open_feed(c, &c->feeds[i], begin_ns, err);
	if (rc == 0)
		rc = tick(c, SQ_NEVER - 1, err);
	if (rc < 0)
		return rc;
	if (sq_ctl_send(c->ctl, "ready") < 0)
		return 0;
	rc = keep_reading(c, err);
	if (rc <= 0)
		return rc;
	rc = tick(c, SQ_NEVER - 1, err);
	if (rc == 0)
		tell_last(c);
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
}

int sq_capture_main(const struct sq_plan *plan, size_t host, int ctl, int dirfd)
{
	struct capture c = { .plan = plan, .host = host, .ctl = ctl };
	struct sq_err err = { 0 };
	char *name = sq_printf_dup("capture-%s", plan->hosts[host].name);
	int rc;

	ignore_signals();
	be_punctual();
	c.spool = sq_spool_open(dirfd, name, &err);
	free(name);
	c.sample = sq_sample_new(c.spool);
	rc = c.spool ? capture_run(&c, &err) : err.code;
	be_patient();
	close_feeds(&c);
	sq_sample_free(c.sample);
	if (c.spool) {
		struct sq_err late = { 0 };

		if (sq_spool_close(c.spool, &late) < 0 && rc >= 0) {
			err = late;
			rc = late.code;
		}
	}
	if (rc < 0)
		sq_ctl_send(ctl, "error %s%s%s", err.where, err.where[0] ? ": " : "", err.text);
	else if (rc == 1)
		sq_ctl_send(ctl, "done");
	return rc == 1 ? 0 : 1;
}
