/* A reader's work at another machine: one connection, through which either squall reads there and
 * writes records (far_squall.c), or a plain shell is asked for files at each tick.  Which of the two is
 * settled by the first connection: a line that starts squall and, when that isn't there, tells it by a
 * mark.
 *
 * What a reader would get wrong: a connection that breaks is no end of the run.  It is made anew, sooner
 * first and later less often, and what was not read meanwhile is a gap with its reason, told as an
 * event.  Counters go on where they are, so that a total is right when the far machine kept counting. */
#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "analyzers/capture/environment.h"
#include "analyzers/capture/far_session.h"
#include "base/clock.h"
#include "base/ctl.h"
#include "base/mem.h"

enum { NOT_FOUND = 127 }; /* a shell's status of a program that isn't there */

#define HELLO_LIMIT   (15 * SQ_SEC)
#define GLANCE        (SQ_SEC / 5)
#define SHARE_GLANCE  (20 * SQ_MS)
#define BACKOFF_LEAST (SQ_SEC / 5)
#define BACKOFF_MOST  (5 * SQ_SEC)

/* ---- what is said to the capture and to the report ---- */

void sq_far_session_ready(struct sq_far_session *s)
{
	if (!s->ready_said)
		sq_ctl_send(s->reader->ctl[1], "ready");
	s->ready_said = true;
}

int sq_far_session_write(struct sq_far_session *s, json_t *record)
{
	return sq_sample_write(s->reader->sample, record, s->err);
}

/* The last of these counts: a run that is killed has the one before. */
int sq_far_session_clock(struct sq_far_session *s)
{
	const struct sq_far_reading *best = sq_far_clock_best(&s->clock, sq_now_ns());
	const struct sq_feeds *fs = &s->reader->feeds;
	json_t *record = json_pack(
		"{s:s, s:s, s:s, s:n, s:n, s:I}", "k", "clocks", "where", s->reader->where, "how",
		s->mode == SQ_FAR_SQUALL ? "ping" : "answer", "offset_ns", "bound_ns", "n",
		(json_int_t)(s->mode == SQ_FAR_SQUALL ? s->clock.n : fs->dated));

	if (s->mode == SQ_FAR_SQUALL && best) {
		json_object_set_new(record, "offset_ns", json_integer(best->offset_ns));
		json_object_set_new(record, "bound_ns", json_integer(s->clock.bound_ns));
	} else if (s->mode == SQ_FAR_SHELL && fs->dated) {
		json_object_set_new(record, "bound_ns", json_integer(fs->worst_half_ns));
	}
	return sq_far_session_write(s, record);
}

/* Nothing was read since it was lost. */
static int write_lost(struct sq_far_session *s, int64_t until_ns)
{
	int64_t from_ns = s->lost_ns;

	s->lost_ns = 0;
	return sq_far_session_write(s, json_pack("{s:s, s:s, s:I, s:I, s:s}", "k", "lost", "where",
						 s->reader->where, "b", (json_int_t)from_ns, "e",
						 (json_int_t)until_ns, "because", s->why));
}

void sq_far_session_lost(struct sq_far_session *s, const char *why)
{
	if (s->lost_ns)
		return;
	s->lost_ns = s->heard_ns ? s->heard_ns : s->began_ns;
	snprintf(s->why, sizeof(s->why), "%s", why);
}

int sq_far_session_heard(struct sq_far_session *s, int64_t at_ns)
{
	s->heard_ns = at_ns;
	return s->lost_ns ? write_lost(s, at_ns) : 0;
}

/* ---- orders, and who is there ---- */

/* 1: "stop", 0: go on, or -EPIPE: the capture is gone. */
int sq_far_session_order(struct sq_far_session *s)
{
	char line[SQ_CTL_LINE];
	int rc = sq_ctl_recv(s->reader->ctl[1], line, 0);

	if (rc == 0)
		return -EPIPE;
	if (rc > 0 && strncmp(line, "go ", 3) == 0) {
		s->t0_ns = strtoll(line + 3, NULL, 10);
		if (s->mode == SQ_FAR_SQUALL)
			sq_far_squall_go(s);
	}
	return rc > 0 && strcmp(line, "stop") == 0;
}

/* It is there, but will not: another version, or a source that it does not have. */
static void tell_refused(struct sq_far_session *s, int status)
{
	char *text = sq_printf_dup("squall there ended with status %d%s%s; read by sh and cat",
				   status, *sq_far_complaint(s->far) ? ": " : "",
				   sq_far_complaint(s->far));

	sq_far_session_write(s, json_pack("{s:s, s:I, s:s, s:s}", "k", "event", "t",
					  (json_int_t)sq_now_ns(), "source", s->reader->where,
					  "text", text));
	free(text);
}

/* Before the first record or the mark a login may say whatever it likes. */
static enum sq_far_mode mode_of(struct sq_far_session *s, const char *said, size_t len)
{
	int status;

	if (sq_far_is_mark(s->far, said, &status)) {
		if (status != NOT_FOUND && s->mode == SQ_FAR_UNKNOWN)
			tell_refused(s, status);
		return SQ_FAR_SHELL;
	}
	if (strncmp(said, "{\"k\":", 5) != 0)
		return SQ_FAR_UNKNOWN;
	sq_buf_add(&s->held, said, len);
	sq_buf_puts(&s->held, "\n");
	return SQ_FAR_SQUALL;
}

/* What answers: SQ_FAR_UNKNOWN when it is closed again.  As sq_far_session_order. */
static int greet(struct sq_far_session *s, enum sq_far_mode *ret_mode)
{
	int64_t until_ns = sq_now_ns() + HELLO_LIMIT;
	struct sq_buf line = { 0 };
	int rc = 0;

	sq_far_squall_line(s, &line);
	sq_far_send(s->far, line.data);
	sq_buf_fini(&line);
	while (rc == 0 && sq_far_is_open(s->far)) {
		size_t len;
		const char *said = sq_far_wait_line(s->far, sq_now_ns() + GLANCE, &len);

		*ret_mode = said ? mode_of(s, said, len) : SQ_FAR_UNKNOWN;
		if (*ret_mode != SQ_FAR_UNKNOWN)
			return 0;
		if (sq_now_ns() >= until_ns)
			sq_far_break(s->far, "no shell answered there");
		rc = sq_far_session_order(s);
	}
	return rc;
}

/* ---- a shell at the far end ---- */

static int on_line(void *arg, const char *line)
{
	struct sq_far_session *s = arg;

	if (strncmp(line, "go ", 3) == 0)
		s->t0_ns = strtoll(line + 3, NULL, 10);
	return 0;
}

static int open_shell(struct sq_far_session *s)
{
	int rc = sq_far_session_write(s, json_pack("{s:s, s:s, s:o}", "k", "env", "host",
						   s->reader->host, "environment",
						   sq_environment_far(s->place)));

	if (rc == 0)
		rc = sq_feeds_open(&s->reader->feeds, s->err);
	s->opened = rc == 0;
	return rc;
}

static int begin_shell(struct sq_far_session *s)
{
	struct sq_feeds *fs = &s->reader->feeds;
	int rc = s->opened ? 0 : open_shell(s);

	if (rc == 0)
		rc = sq_feeds_tick(fs, SQ_FEEDS_ALL, s->err);
	if (rc == 0)
		rc = sq_far_session_heard(s, sq_place_when(s->place).at_ns);
	if (rc < 0)
		return rc;
	if (s->t0_ns)
		sq_feeds_align(fs, s->t0_ns);
	sq_far_session_ready(s);
	return 0;
}

/* As sq_capture_far.  A far end that does not answer now has its last reading missing. */
static int last_of_shell(struct sq_far_session *s)
{
	int rc = sq_feeds_tick(&s->reader->feeds, SQ_FEEDS_ALL, s->err);

	if (rc == -ENOTCONN)
		sq_far_session_lost(s, sq_far_why(s->far));
	return rc == 0 || rc == -ENOTCONN ? 1 : rc;
}

/* -ENOTCONN is the connection's affair, not an error. */
static int keep_shell(struct sq_far_session *s)
{
	struct sq_feeds *fs = &s->reader->feeds;
	int rc = begin_shell(s);

	if (rc < 0)
		return rc == -ENOTCONN ? 0 : rc;
	rc = sq_feeds_keep(fs, s->reader->ctl[1], on_line, s, s->err);
	if (rc == 1)
		return last_of_shell(s);
	if (s->heard_ns && sq_far_took_ns(s->far))
		s->heard_ns = sq_far_took_ns(s->far);
	return rc == -ENOTCONN ? 0 : rc;
}

/* ---- connections, one after the other ---- */

/* Orders while there is no connection. As sq_capture_far, 0 when the time is over. */
static int wait_orders(struct sq_far_session *s, int64_t until_ns)
{
	int rc = 0;

	while (rc == 0 && sq_now_ns() < until_ns) {
		struct pollfd p = { .fd = s->reader->ctl[1], .events = POLLIN };

		if (poll(&p, 1, (int)((until_ns - sq_now_ns()) / SQ_MS) + 1) > 0)
			rc = sq_far_session_order(s);
	}
	return rc;
}

/* Until the connection that others use too is there. As sq_far_session_order, or -ENOTCONN. */
static int await_share(struct sq_far_session *s)
{
	int rc = 0, up = 0;

	while (s->reader->share && rc == 0 &&
	       (up = sq_ssh_share_ready(s->reader->share, &s->share_seen, s->far)) == -EINPROGRESS)
		rc = wait_orders(s, sq_now_ns() + SHARE_GLANCE);
	return rc ? rc : up;
}

/* One connection from its beginning to its end. As sq_capture_far, 0 also when it has ended. */
static int connect_once(struct sq_far_session *s)
{
	enum sq_far_mode mode = SQ_FAR_UNKNOWN;
	struct sq_err err = { 0 };
	int rc = 0;

	sq_buf_reset(&s->held);
	rc = await_share(s);
	if (rc != 0)
		return rc == -ENOTCONN ? 0 : rc;
	if (sq_far_open(s->far, &err) == 0)
		rc = greet(s, &mode);
	else
		sq_far_set_why(s->far, err.text);
	if (rc != 0 || mode == SQ_FAR_UNKNOWN)
		return rc;
	if (s->mode != SQ_FAR_UNKNOWN && mode != s->mode) {
		sq_far_break(s->far, mode == SQ_FAR_SHELL ? "squall is not there any more"
							  : "squall has come there meanwhile");
		return 0;
	}
	if (mode == SQ_FAR_SHELL && s->mode == SQ_FAR_UNKNOWN)
		sq_sample_time(s->reader->sample);
	s->mode = mode;
	return mode == SQ_FAR_SQUALL ? sq_far_squall_keep(s) : keep_shell(s);
}

static int keep_connected(struct sq_far_session *s)
{
	int64_t backoff_ns = BACKOFF_LEAST;
	int rc = 0;

	while (rc == 0) {
		int64_t before_ns = s->heard_ns;

		rc = connect_once(s);
		if (rc != 0)
			break;
		if (s->heard_ns != before_ns)
			backoff_ns = BACKOFF_LEAST;
		sq_far_close(s->far);
		sq_far_session_lost(s, sq_far_why(s->far));
		sq_far_session_ready(s);
		rc = wait_orders(s, sq_now_ns() + backoff_ns);
		backoff_ns = 2 * backoff_ns < BACKOFF_MOST ? 2 * backoff_ns : BACKOFF_MOST;
	}
	return rc;
}

/* What the report should know in the end. */
static int conclude(struct sq_far_session *s)
{
	const struct sq_feeds *fs = &s->reader->feeds;
	int rc = s->lost_ns ? write_lost(s, sq_now_ns()) : 0;

	if (rc == 0 && s->mode != SQ_FAR_UNKNOWN)
		return sq_far_session_clock(s);
	if (!*s->why)
		snprintf(s->why, sizeof(s->why), "%s", sq_far_why(s->far));
	for (size_t i = 0; rc == 0 && i < fs->n; i++)
		rc = sq_sample_absent(
			s->reader->sample,
			sq_sample_source(s->reader->sample, fs->v[i].source->kind.name), s->why,
			s->err);
	return rc;
}

int sq_capture_far(struct sq_capture_reader *r, struct sq_err *err)
{
	struct sq_far_session s = {
		.reader = r, .err = err, .far = sq_far_new(r->where), .began_ns = sq_now_ns()
	};
	int rc;

	s.place = sq_place_new(s.far);
	s.relay = sq_relay_new(r->host, r->sample, &s.clock);
	sq_sample_stand(r->sample, s.place);
	rc = keep_connected(&s);
	if (rc >= 0 && conclude(&s) < 0)
		rc = -EIO;
	sq_feeds_close(&r->feeds);
	sq_far_free(s.far);
	sq_place_free(s.place);
	sq_relay_free(s.relay);
	sq_buf_fini(&s.held);
	return rc;
}
