/* A reader's work at another machine: one connection, through which either squall reads there and
 * writes records, or a plain shell is asked for files at each tick.  Which of the two is settled by the
 * first connection: a line that starts squall and, when that isn't there, tells it by a mark.
 *
 * What a reader would get wrong:
 * - A connection that breaks is no end of the run: it is made anew, sooner first and later less often,
 *   and what was not read meanwhile is a gap with its reason, told as an event.  Counters go on where
 *   they are, so that a total is right when the far machine kept counting.
 * - Records that come before the far clock is known are held until it is.
 * - A silence of the far end is told from a slow one by pings that have no answer. */
#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "analyzers/capture_reader.h"
#include "analyzers/environment.h"
#include "analyzers/far_clock.h"
#include "analyzers/place_far.h"
#include "analyzers/relay.h"
#include "base/clock.h"
#include "base/ctl.h"
#include "base/mem.h"
#include "base/value.h"

enum { FIRST_PINGS = 8, LAST_PINGS = 4 };

#define HELLO_LIMIT   (15 * SQ_SEC)
#define GLANCE        (SQ_SEC / 5)
#define PING_EVERY    SQ_SEC
#define FIRST_EVERY   (20 * SQ_MS)
#define SILENCE_LIMIT (5 * SQ_SEC)
#define LAST_LIMIT    (2 * SQ_SEC)
#define BACKOFF_LEAST (SQ_SEC / 5)
#define BACKOFF_MOST  (5 * SQ_SEC)

enum mode { UNKNOWN, SQUALL, SHELL };

struct session {
	struct sq_capture_reader *reader;
	struct sq_err *err; /* of the spool */
	struct sq_far *far;
	struct sq_place *place;
	struct sq_relay *relay;
	struct sq_far_clock clock;
	enum mode mode;
	bool opened; /* the shell's sources are */
	bool ready_said;
	int64_t t0_ns;    /* "go" came; 0: not yet */
	int64_t heard_ns; /* when something was last read */
	int64_t lost_ns;  /* since when nothing was; 0: it is */
	char why[512];    /* the first reason for that */
	/* SQUALL */
	struct sq_buf held;               /* lines from before the clock was known */
	int64_t ping_ns, sent_ns, number; /* next ping, last one sent */
	bool answered, draining, stopping, finished;
};

/* ---- what is said to the capture and to the report ---- */

static void say_ready(struct session *s)
{
	if (!s->ready_said)
		sq_ctl_send(s->reader->ctl[1], "ready");
	s->ready_said = true;
}

static int write_record(struct session *s, json_t *record)
{
	return sq_sample_write(s->reader->sample, record, s->err);
}

/* The last of these counts: a run that is killed has the one before. */
static int write_clock(struct session *s)
{
	const struct sq_far_reading *best = sq_far_clock_best(&s->clock, sq_now_ns());
	const struct sq_feeds *fs = &s->reader->feeds;
	json_t *record = json_pack("{s:s, s:s, s:s, s:n, s:n, s:I}", "k", "clocks", "where",
				   s->reader->where, "how", s->mode == SQUALL ? "ping" : "answer",
				   "offset_ns", "bound_ns", "n",
				   (json_int_t)(s->mode == SQUALL ? s->clock.n : fs->dated));

	if (s->mode == SQUALL && best) {
		json_object_set_new(record, "offset_ns", json_integer(best->offset_ns));
		json_object_set_new(record, "bound_ns", json_integer(s->clock.bound_ns));
	} else if (s->mode == SHELL && fs->dated) {
		json_object_set_new(record, "bound_ns", json_integer(fs->worst_half_ns));
	}
	return write_record(s, record);
}

/* Nothing was read since it was lost. */
static int write_lost(struct session *s, int64_t until_ns)
{
	int64_t from_ns = s->lost_ns;

	s->lost_ns = 0;
	return write_record(s, json_pack("{s:s, s:s, s:I, s:I, s:s}", "k", "lost", "where",
					 s->reader->where, "b", (json_int_t)from_ns, "e",
					 (json_int_t)until_ns, "because", s->why));
}

static int heard(struct session *s, int64_t at_ns)
{
	s->heard_ns = at_ns;
	return s->lost_ns ? write_lost(s, at_ns) : 0;
}

/* ---- squall at the far end ---- */

/* "squall capture --stdout --source '{"source":"snmp",...}' ..." */
static void squall_line(struct session *s, struct sq_buf *line)
{
	const struct sq_feeds *fs = &s->reader->feeds;

	sq_buf_printf(line, "squall capture --stdout --host %s", s->reader->host);
	for (size_t i = 0; i < fs->n; i++) {
		const struct sq_kind *kind = &fs->v[i].source->kind;
		json_t *spec = kind->opts && fs->v[i].conf ? sq_opt_echo(kind->opts, fs->v[i].conf)
							   : json_object();
		char interval[32], *text;

		sq_format_duration(interval, sizeof(interval), fs->v[i].interval_ns);
		json_object_set_new(spec, "source", json_string(kind->name));
		json_object_set_new(spec, "interval", json_string(interval));
		text = json_dumps(spec, JSON_COMPACT | JSON_SORT_KEYS);
		sq_buf_puts(line, " --source ");
		sq_far_quote(line, text);
		free(text);
		json_decref(spec);
	}
	sq_buf_printf(line, "; printf '\\n%%s %%d\\n' %s $?\n", sq_far_mark(s->far));
}

/* At our t0, by its clock. */
static void send_go(struct session *s)
{
	const struct sq_far_reading *best = sq_far_clock_best(&s->clock, sq_now_ns());
	char line[64];

	if (!s->t0_ns || s->clock.n < FIRST_PINGS || !best)
		return;
	snprintf(line, sizeof(line), "go %lld\n", (long long)(s->t0_ns + best->offset_ns));
	sq_far_send(s->far, line);
}

/* 1: "stop", 0: go on, or -EPIPE: the capture is gone. */
static int take_order(struct session *s)
{
	char line[SQ_CTL_LINE];
	int rc = sq_ctl_recv(s->reader->ctl[1], line, 0);

	if (rc == 0)
		return -EPIPE;
	if (rc > 0 && strncmp(line, "go ", 3) == 0) {
		s->t0_ns = strtoll(line + 3, NULL, 10);
		if (s->mode == SQUALL)
			send_go(s);
	}
	return rc > 0 && strcmp(line, "stop") == 0;
}

/* Before the first record or the mark a login may say whatever it likes. */
static enum mode mode_of(struct session *s, const char *said, size_t len)
{
	int status;

	if (sq_far_is_mark(s->far, said, &status))
		return SHELL;
	if (strncmp(said, "{\"k\":", 5) != 0)
		return UNKNOWN;
	sq_buf_add(&s->held, said, len);
	sq_buf_puts(&s->held, "\n");
	return SQUALL;
}

/* What answers: UNKNOWN when it is closed again.  As take_order. */
static int greet(struct session *s, enum mode *ret_mode)
{
	int64_t until_ns = sq_now_ns() + HELLO_LIMIT;
	struct sq_buf line = { 0 };
	int rc = 0;

	squall_line(s, &line);
	sq_far_send(s->far, line.data);
	sq_buf_fini(&line);
	while (rc == 0 && sq_far_is_open(s->far)) {
		size_t len;
		const char *said = sq_far_wait_line(s->far, sq_now_ns() + GLANCE, &len);

		*ret_mode = said ? mode_of(s, said, len) : UNKNOWN;
		if (*ret_mode != UNKNOWN)
			return 0;
		if (sq_now_ns() >= until_ns)
			sq_far_break(s->far, "no shell answered there");
		rc = take_order(s);
	}
	return rc;
}

static void send_ping(struct session *s)
{
	char line[64];

	snprintf(line, sizeof(line), "ping %lld\n", (long long)++s->number);
	s->sent_ns = sq_now_ns();
	s->answered = false;
	sq_far_send(s->far, line);
}

static int take_line(struct session *s, const char *line, size_t len);

/* All that was held, now that it can be dated. */
static int release(struct session *s)
{
	struct sq_buf held = s->held;
	int rc = 0;

	s->held = (struct sq_buf){ 0 };
	for (char *p = held.data, *end; rc >= 0 && p && *p; p = end + 1) {
		end = strchr(p, '\n');
		*end = '\0';
		rc = take_line(s, p, (size_t)(end - p));
	}
	sq_buf_fini(&held);
	return rc;
}

static int take_pong(struct session *s, int64_t number, int64_t far_ns)
{
	if (number != s->number || s->answered)
		return 0;
	s->answered = true;
	sq_far_clock_add(&s->clock, s->sent_ns, sq_far_took_ns(s->far), far_ns);
	s->ping_ns =
		sq_now_ns() + (s->clock.n < FIRST_PINGS || s->draining ? FIRST_EVERY : PING_EVERY);
	if (s->clock.n == FIRST_PINGS) {
		send_go(s);
		say_ready(s);
		return release(s);
	}
	return s->clock.n % SQ_FAR_CLOCK_KEPT == 0 ? write_clock(s) : 0;
}

/* Whether a line is a record that can wait for the clock. */
static bool hold(struct session *s, const char *line, size_t len)
{
	static const char pong[] = "{\"k\":\"pong\"";

	if (s->clock.n >= FIRST_PINGS || strncmp(line, pong, strlen(pong)) == 0)
		return false;
	sq_buf_add(&s->held, line, len);
	sq_buf_puts(&s->held, "\n");
	return true;
}

/* 0, or the spool's error; what is no record breaks the connection. */
static int take_line(struct session *s, const char *line, size_t len)
{
	int64_t number, far_ns;
	struct sq_err err = { 0 };
	int status, rc;

	if (!len || hold(s, line, len))
		return 0;
	if (sq_far_is_mark(s->far, line, &status)) {
		sq_far_break(s->far, "squall ended there");
		return 0;
	}
	rc = sq_relay_line(s->relay, line, len, &number, &far_ns, &err);
	if (rc == SQ_RELAYED_PONG)
		return take_pong(s, number, far_ns);
	if (rc == SQ_RELAYED_DONE)
		s->finished = true;
	else if (rc == SQ_RELAYED && heard(s, sq_far_took_ns(s->far)) < 0)
		return -EIO;
	if (rc == -EBADMSG)
		sq_far_break(s->far, err.text);
	else if (rc < 0 && s->err)
		*s->err = err;
	return rc == -EBADMSG || rc >= 0 ? 0 : rc;
}

static int take_lines(struct session *s)
{
	char *line;
	size_t len;
	int rc = 0;

	sq_far_take(s->far);
	while (rc == 0 && (line = sq_far_line(s->far, &len)))
		rc = take_line(s, line, len);
	return rc;
}

/* One wait for far lines and orders, and a ping when it is time. As take_order, or the spool's error. */
static int turn(struct session *s, int64_t until_ns)
{
	int64_t now_ns = sq_now_ns(),
		wake_ns = s->answered ? s->ping_ns : s->sent_ns + SILENCE_LIMIT;
	struct pollfd p[2] = { { .fd = s->reader->ctl[1], .events = POLLIN },
			       { .fd = sq_far_fd(s->far), .events = POLLIN } };
	int rc = 0;

	wake_ns = wake_ns < until_ns ? wake_ns : until_ns;
	if (poll(p, 2, wake_ns <= now_ns ? 0 : (int)((wake_ns - now_ns) / SQ_MS) + 1) == -1)
		return errno == EINTR ? 0 : -errno;
	if (p[1].revents)
		rc = take_lines(s);
	if (rc == 0 && p[0].revents)
		rc = take_order(s);
	now_ns = sq_now_ns();
	if (s->stopping)
		return rc;
	if (!s->answered && now_ns >= s->sent_ns + SILENCE_LIMIT)
		sq_far_break(s->far, "it is silent");
	else if (s->answered && now_ns >= s->ping_ns)
		send_ping(s);
	return rc;
}

/* The clock once more, then the rest of what it has to say. */
static int drain(struct session *s)
{
	int64_t until_ns = sq_now_ns() + LAST_LIMIT;
	size_t enough = s->clock.n + LAST_PINGS;
	int rc = 0;

	s->draining = true;
	s->ping_ns = 0;
	while (rc >= 0 && sq_far_is_open(s->far) && s->clock.n < enough && sq_now_ns() < until_ns)
		rc = turn(s, until_ns);
	s->stopping = true;
	sq_far_send(s->far, "stop\n");
	while (rc >= 0 && sq_far_is_open(s->far) && !s->finished && sq_now_ns() < until_ns)
		rc = turn(s, until_ns);
	return rc < 0 ? rc : 1;
}

static int keep_squall(struct session *s)
{
	int rc = 0;

	sq_relay_reset(s->relay);
	s->clock.n = 0; /* the old process's clock may have been another's */
	s->finished = s->draining = s->stopping = false;
	send_ping(s);
	while (rc == 0 && sq_far_is_open(s->far))
		rc = turn(s, SQ_NEVER);
	return rc == 1 ? drain(s) : rc;
}

/* ---- a shell at the far end ---- */

static int on_line(void *arg, const char *line)
{
	struct session *s = arg;

	if (strncmp(line, "go ", 3) == 0)
		s->t0_ns = strtoll(line + 3, NULL, 10);
	return 0;
}

static int open_shell(struct session *s)
{
	int rc = write_record(s, json_pack("{s:s, s:s, s:o}", "k", "env", "host", s->reader->host,
					   "environment", sq_environment_far(s->place)));

	s->opened = true;
	return rc == 0 ? sq_feeds_open(&s->reader->feeds, s->err) : rc;
}

static int begin_shell(struct session *s)
{
	struct sq_feeds *fs = &s->reader->feeds;
	int rc = s->opened ? 0 : open_shell(s);

	if (rc == 0)
		rc = sq_feeds_tick(fs, SQ_FEEDS_ALL, s->err);
	if (rc == 0)
		rc = heard(s, sq_place_when(s->place).at_ns);
	if (rc < 0)
		return rc;
	if (s->t0_ns)
		sq_feeds_align(fs, s->t0_ns);
	say_ready(s);
	return 0;
}

/* -ENOTCONN is the connection's affair, not an error. */
static int keep_shell(struct session *s)
{
	struct sq_feeds *fs = &s->reader->feeds;
	int rc = begin_shell(s);

	if (rc == 0)
		rc = sq_feeds_keep(fs, s->reader->ctl[1], on_line, s, s->err);
	if (rc == 1) {
		sq_feeds_tick(fs, SQ_FEEDS_ALL, s->err);
		return 1;
	}
	if (s->heard_ns)
		s->heard_ns = sq_place_when(s->place).at_ns;
	return rc == -ENOTCONN ? 0 : rc;
}

/* ---- connections, one after the other ---- */

/* One connection from its beginning to its end. As sq_capture_far, 0 also when it has ended. */
static int connect_once(struct session *s)
{
	enum mode mode = UNKNOWN;
	struct sq_err err = { 0 };
	int rc = 0;

	sq_buf_reset(&s->held);
	if (sq_far_open(s->far, &err) == 0)
		rc = greet(s, &mode);
	if (rc != 0 || mode == UNKNOWN)
		return rc;
	if (s->mode != UNKNOWN && mode != s->mode) {
		sq_far_break(s->far, mode == SHELL ? "squall is not there any more"
						   : "squall has come there meanwhile");
		return 0;
	}
	s->mode = mode;
	return mode == SQUALL ? keep_squall(s) : keep_shell(s);
}

/* Orders while there is no connection. As sq_capture_far, 0 when the time is over. */
static int wait_orders(struct session *s, int64_t until_ns)
{
	int rc = 0;

	while (rc == 0 && sq_now_ns() < until_ns) {
		struct pollfd p = { .fd = s->reader->ctl[1], .events = POLLIN };

		if (poll(&p, 1, (int)((until_ns - sq_now_ns()) / SQ_MS) + 1) > 0)
			rc = take_order(s);
	}
	return rc;
}

static void note_loss(struct session *s, int64_t began_ns)
{
	if (s->lost_ns)
		return;
	s->lost_ns = s->heard_ns ? s->heard_ns : began_ns;
	snprintf(s->why, sizeof(s->why), "%s", sq_far_why(s->far));
}

static int keep_connected(struct session *s)
{
	int64_t backoff_ns = BACKOFF_LEAST, began_ns = sq_now_ns();
	int rc = 0;

	while (rc == 0) {
		int64_t before_ns = s->heard_ns;

		rc = connect_once(s);
		if (rc != 0)
			break;
		if (s->heard_ns != before_ns)
			backoff_ns = BACKOFF_LEAST;
		sq_far_close(s->far);
		note_loss(s, began_ns);
		say_ready(s);
		rc = wait_orders(s, sq_now_ns() + backoff_ns);
		backoff_ns = 2 * backoff_ns < BACKOFF_MOST ? 2 * backoff_ns : BACKOFF_MOST;
	}
	return rc;
}

/* What the report should know in the end. */
static int conclude(struct session *s)
{
	const struct sq_feeds *fs = &s->reader->feeds;
	int rc = s->lost_ns ? write_lost(s, sq_now_ns()) : 0;

	if (rc == 0 && s->mode != UNKNOWN)
		return write_clock(s);
	for (size_t i = 0; rc == 0 && i < fs->n; i++)
		rc = sq_sample_absent(
			s->reader->sample,
			sq_sample_source(s->reader->sample, fs->v[i].source->kind.name), s->why,
			s->err);
	return rc;
}

int sq_capture_far(struct sq_capture_reader *r, struct sq_err *err)
{
	struct session s = { .reader = r, .err = err, .far = sq_far_new(r->where) };
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
