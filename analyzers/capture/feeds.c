/* One thread's sources: when each is due, and the tick that reads those that are.
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
 * - A server that is not there yet is asked again, every AGAIN; a kernel that can't do a thing is not.
 * - A far place's answer is dated by the middle of its round trip, so that it is wrong by half of
 *   that at most.  One that took much longer than others do would be dated badly: it is a gap. */
#include "analyzers/capture/feeds.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "analyzers/places/place_far.h"
#include "base/clock.h"
#include "base/ctl.h"
#include "base/mem.h"

enum {
	SLOW = 2, /* times the quickest answer */
	TRIES_LEAST = 3,
	TRIES_MOST = 8,
};

#define SLOW_LEAST (4 * SQ_MS)
#define AGAIN      (2 * SQ_SEC)

void sq_feeds_add(struct sq_feeds *fs, const struct sq_source *source, const void *conf,
		  int64_t interval_ns)
{
	/* A group's source that is mentioned again is the same one: it may be asked for more often, and with
	 * options of its own, but must not be counted twice.  With two sets of options it is two. */
	for (size_t i = 0; source->group && i < fs->n; i++) {
		struct sq_feed *f = &fs->v[i];

		if (f->source == source && (f->conf == conf || !f->conf || !conf)) {
			if (interval_ns < f->interval_ns)
				f->interval_ns = interval_ns;
			if (conf)
				f->conf = conf;
			return;
		}
	}
	fs->v = sq_grow(fs->v, fs->n, &fs->cap, sizeof(*fs->v));
	fs->v[fs->n++] = (struct sq_feed){
		.source = source,
		.conf = conf,
		.interval_ns = interval_ns > 0 ? interval_ns : 100 * SQ_MS,
		.due_ns = SQ_NEVER,
	};
}

/* A server that others start; of this machine, for a far one is asked again with its connection. */
static bool may_come(const struct sq_feeds *fs, const struct sq_feed *f)
{
	return f->source->blocking && sq_place_is_here(sq_sample_place(fs->sample));
}

static int open_source(struct sq_feeds *fs, struct sq_feed *f, struct sq_err *why)
{
	void *state;
	int rc;

	sq_sample_enter(fs->sample, f->number);
	if (!f->source->remote && !sq_place_is_here(sq_sample_place(fs->sample)))
		return sq_err_set(why, -ENOTSUP, "",
				  "not available through a shell: install squall at the far end");
	state = sq_alloc(f->source->state_size);
	rc = f->source->open(state, f->conf, fs->sample, why);
	if (rc == 0)
		f->state = state;
	else
		free(state);
	return rc;
}

/* All sources are due at the same times, so that one waking reads them all. */
static int open_feed(struct sq_feeds *fs, struct sq_feed *f, int64_t begin_ns, struct sq_err *err)
{
	struct sq_err why = { 0 };
	int rc;

	if (!f->known)
		f->number = sq_sample_source(fs->sample, f->source->kind.name);
	f->known = true;
	rc = open_source(fs, f, &why);
	if (rc == 0) {
		f->due_ns = begin_ns;
		return 0;
	}
	f->due_ns = may_come(fs, f) ? begin_ns + AGAIN : SQ_NEVER;
	if (!sq_place_is_open(sq_sample_place(fs->sample)))
		return -ENOTCONN;
	if (!why.text[0])
		sq_err_set(&why, rc, "", "%s", strerror(-rc));
	return sq_sample_absent(fs->sample, f->number, why.text, err);
}

int sq_feeds_open(struct sq_feeds *fs, struct sq_err *err)
{
	int64_t begin_ns = sq_now_ns();
	int rc = 0;

	while (rc == 0 && fs->opened < fs->n) {
		rc = open_feed(fs, &fs->v[fs->opened], begin_ns, err);
		fs->opened += rc == 0;
	}
	return rc;
}

void sq_feeds_close(struct sq_feeds *fs)
{
	for (size_t i = 0; i < fs->n; i++) {
		struct sq_feed *f = &fs->v[i];

		if (f->state && f->source->close)
			f->source->close(f->state);
		free(f->state);
	}
	free(fs->v);
	*fs = (struct sq_feeds){ 0 };
}

/* On along the schedule those that were read; what a long delay has swallowed is not made up for.  One that
 * came due during the tick is still to be read. */
static void move_on(struct sq_feeds *fs, int64_t until_ns)
{
	int64_t now_ns = sq_now_ns();

	for (size_t i = 0; i < fs->n; i++) {
		struct sq_feed *f = &fs->v[i];

		if (f->state && f->due_ns <= until_ns && f->due_ns <= now_ns)
			f->due_ns += ((now_ns - f->due_ns) / f->interval_ns + 1) * f->interval_ns;
	}
}

/* Beside a tick: an absent source that is due. */
static int try_again(struct sq_feeds *fs, int64_t until_ns, struct sq_err *err)
{
	int rc = 0;

	for (size_t i = 0; rc == 0 && i < fs->opened; i++) {
		struct sq_feed *f = &fs->v[i];

		if (f->state || f->due_ns > until_ns || until_ns == SQ_FEEDS_ALL)
			continue;
		f->due_ns = sq_now_ns() + AGAIN;
		if (open_source(fs, f, NULL) < 0)
			continue;
		rc = sq_sample_there(fs->sample, f->number, err);
		f->due_ns = sq_now_ns();
		if (fs->t0_ns)
			sq_feeds_align(fs, fs->t0_ns);
	}
	return rc;
}

static void read_due(struct sq_feeds *fs, int64_t until_ns)
{
	for (size_t i = 0; i < fs->n; i++) {
		struct sq_feed *f = &fs->v[i];

		if (!f->state || f->due_ns > until_ns)
			continue;
		sq_sample_enter(fs->sample, f->number);
		sq_sample_leave(fs->sample, f->source->sample(f->state, fs->sample));
	}
}

static int skip_due(struct sq_feeds *fs, int64_t until_ns, int64_t begin_ns, int64_t half_ns,
		    struct sq_err *err)
{
	char because[96];
	int rc = 0;

	snprintf(because, sizeof(because), "its answer took %.1f ms, too long to date it",
		 2e3 * sq_seconds(half_ns));
	for (size_t i = 0; rc == 0 && i < fs->n; i++)
		if (fs->v[i].state && fs->v[i].due_ns <= until_ns)
			rc = sq_sample_gap(fs->sample, fs->v[i].number, begin_ns, sq_now_ns(),
					   because, err);
	return rc;
}

/* Whether an answer is quick enough to be dated by. */
static bool is_quick(struct sq_feeds *fs, int64_t half_ns)
{
	int64_t limit_ns;

	if (!fs->best_half_ns || half_ns < fs->best_half_ns)
		fs->best_half_ns = half_ns;
	limit_ns = SLOW * fs->best_half_ns;
	return half_ns <= (limit_ns > SLOW_LEAST ? limit_ns : SLOW_LEAST);
}

/* The first reading and the last must not be lost: for these it asks several times. 1: quick, 0: not,
 * or -ENOTCONN. */
static int fetch(struct sq_feeds *fs, bool all, int64_t *ret_half_ns)
{
	struct sq_place *place = sq_sample_place(fs->sample);

	for (int tries = 1;; tries++) {
		bool quick;

		if (sq_place_fetch(place) < 0)
			return -ENOTCONN;
		/* Where there are but commands to run there is nothing to fetch. */
		if (!sq_place_when(place).at_ns)
			return 1;
		*ret_half_ns = sq_place_when(place).half_ns;
		quick = is_quick(fs, *ret_half_ns);
		if (!all || (quick && tries >= TRIES_LEAST) || tries == TRIES_MOST)
			return quick || all;
	}
}

static int tick_far(struct sq_feeds *fs, int64_t until_ns, struct sq_err *err)
{
	struct sq_place *place = sq_sample_place(fs->sample);
	int64_t begin_ns = sq_now_ns(), half_ns = 0;
	struct sq_far_moment when;
	int rc = fetch(fs, until_ns == SQ_FEEDS_ALL, &half_ns);

	if (rc < 0)
		return rc;
	if (rc == 0)
		return skip_due(fs, until_ns, begin_ns, half_ns, err);
	sq_sample_begin(fs->sample, begin_ns);
	read_due(fs, until_ns);
	/* What was not among the files fetched is younger; a command's output is of some moment of its
	 * run. */
	when = sq_place_when(place);
	if (when.half_ns > fs->worst_half_ns)
		fs->worst_half_ns = when.half_ns;
	fs->dated += when.at_ns != 0;
	return sq_sample_end(fs->sample, when.at_ns ? when.at_ns : sq_now_ns(), err);
}

int sq_feeds_tick(struct sq_feeds *fs, int64_t until_ns, struct sq_err *err)
{
	int rc;

	if (sq_place_is_here(sq_sample_place(fs->sample))) {
		rc = try_again(fs, until_ns, err);
		if (rc < 0)
			return rc;
		sq_sample_begin(fs->sample, sq_now_ns());
		read_due(fs, until_ns);
		rc = sq_sample_end(fs->sample, sq_now_ns(), err);
	} else {
		rc = tick_far(fs, until_ns, err);
	}
	move_on(fs, until_ns);
	return rc;
}

void sq_feeds_last(struct sq_feeds *fs)
{
	for (size_t i = 0; i < fs->n; i++) {
		struct sq_feed *f = &fs->v[i];

		if (!f->state || !f->source->last)
			continue;
		sq_sample_enter(fs->sample, f->number);
		f->source->last(f->state);
	}
}

int64_t sq_feeds_due(const struct sq_feeds *fs)
{
	int64_t due_ns = SQ_NEVER;

	for (size_t i = 0; i < fs->n; i++)
		if (fs->v[i].due_ns < due_ns)
			due_ns = fs->v[i].due_ns;
	return due_ns;
}

/* How long before a bin's edge to read: 5 ms at 100 ms, a twentieth of shorter intervals.  A tick of
 * all of "linux" takes 0.3 ms; the rest is for waking up late.  One lead for all sources, so that
 * they stay together; and the way to a far place. */
static int64_t lead_ns(const struct sq_feeds *fs)
{
	int64_t lead = 5 * SQ_MS;

	for (size_t i = 0; i < fs->n; i++)
		if (fs->v[i].interval_ns / 20 < lead)
			lead = fs->v[i].interval_ns / 20;
	return lead + fs->best_half_ns;
}

void sq_feeds_align(struct sq_feeds *fs, int64_t t0_ns)
{
	int64_t now = sq_now_ns(), lead = lead_ns(fs);

	fs->t0_ns = t0_ns;
	for (size_t i = 0; i < fs->n; i++) {
		struct sq_feed *f = &fs->v[i];
		int64_t behind = (now - (t0_ns - lead)) % f->interval_ns;

		if (!f->state)
			continue;
		/* % takes the sign of a t0 still to come. */
		if (behind < 0)
			behind += f->interval_ns;
		f->due_ns = now - behind + f->interval_ns;
	}
}

int sq_feeds_keep(struct sq_feeds *fs, int ctl, int (*on_line)(void *arg, const char *line),
		  void *arg, struct sq_err *err)
{
	for (;;) {
		char line[SQ_CTL_LINE];
		int64_t due_ns = sq_feeds_due(fs);
		int rc = sq_ctl_recv(ctl, line,
				     due_ns == SQ_NEVER ? SQ_NEVER : due_ns - sq_now_ns());

		if (rc == -ETIMEDOUT) {
			rc = sq_feeds_tick(fs, sq_now_ns(), err);
			if (rc < 0)
				return rc;
			continue;
		}
		if (rc < 0 && rc != -EINTR)
			return sq_err_set(err, rc, "", "channel: %s", strerror(-rc));
		if (rc == 0)
			return 0;
		if (rc > 0 && on_line && on_line(arg, line) < 0)
			return sq_err_set(err, -EIO, "", "channel: a line could not be handed on");
		if (rc > 0 && strcmp(line, "stop") == 0)
			return 1;
		if (rc > 0 && strncmp(line, "go ", 3) == 0)
			sq_feeds_align(fs, strtoll(line + 3, NULL, 10));
	}
}
