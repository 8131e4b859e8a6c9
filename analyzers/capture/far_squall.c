/* Talking to a squall that reads at another machine: its clock is asked, its records are relayed.
 *
 * What a reader would get wrong:
 * - Records that come before the far clock is known are held until it is.
 * - A silence of the far end is told from a slow one by pings that have no answer.
 * - After "stop" nothing more is sent: the answer to it would be lost with a broken pipe.
 * - An end that does not come in time is a loss like a broken connection: since it was last heard. */
#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "analyzers/capture/far_session.h"
#include "base/clock.h"
#include "base/value.h"

enum { FIRST_PINGS = 8, LAST_PINGS = 4, HELD_MOST = 16 * 1024 * 1024 };

#define PING_EVERY    SQ_SEC
#define FIRST_EVERY   (20 * SQ_MS)
#define SILENCE_LIMIT (5 * SQ_SEC)
#define LAST_LIMIT    (2 * SQ_SEC)

/* "squall capture --stdout --source '{"source":"snmp",...}' ..." */
void sq_far_squall_line(struct sq_far_session *s, struct sq_buf *line)
{
	const struct sq_feeds *fs = &s->reader->feeds;

	sq_buf_puts(line, "squall capture --stdout --host ");
	sq_far_quote(line, s->reader->host);
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
void sq_far_squall_go(struct sq_far_session *s)
{
	const struct sq_far_reading *best = sq_far_clock_best(&s->clock, sq_now_ns());
	int64_t far_ns = s->t0_ns + (best ? best->offset_ns : 0);
	char line[64];

	if (!s->t0_ns || s->clock.n < FIRST_PINGS)
		return;
	snprintf(line, sizeof(line), "go %lld\n", (long long)far_ns);
	sq_far_send(s->far, line);
}

static void send_ping(struct sq_far_session *s)
{
	char line[64];

	snprintf(line, sizeof(line), "ping %lld\n", (long long)++s->number);
	s->sent_ns = sq_now_ns();
	s->answered = false;
	sq_far_send(s->far, line);
}

static int take_line(struct sq_far_session *s, const char *line, size_t len);

/* All that was held, now that it can be dated. */
static int release(struct sq_far_session *s)
{
	struct sq_buf held = s->held;
	int rc = 0;

	s->held = (struct sq_buf){ 0 };
	/* A line may hold a NUL. */
	for (size_t at = 0, n; rc >= 0 && at < held.len; at += n + 1) {
		char *p = held.data + at;

		n = (size_t)((char *)memchr(p, '\n', held.len - at) - p);
		p[n] = '\0';
		rc = take_line(s, p, n);
	}
	sq_buf_fini(&held);
	return rc;
}

static int take_pong(struct sq_far_session *s, int64_t number, int64_t far_ns)
{
	if (number != s->number || s->answered)
		return 0;
	s->answered = true;
	sq_far_clock_add(&s->clock, s->sent_ns, sq_far_took_ns(s->far), far_ns);
	s->ping_ns =
		sq_now_ns() + (s->clock.n < FIRST_PINGS || s->draining ? FIRST_EVERY : PING_EVERY);
	if (s->clock.n == FIRST_PINGS) {
		sq_far_squall_go(s);
		sq_far_session_ready(s);
		return release(s);
	}
	return s->clock.n % SQ_FAR_CLOCK_KEPT == 0 ? sq_far_session_clock(s) : 0;
}

/* Whether a line is a record that can wait for the clock. */
static bool hold(struct sq_far_session *s, const char *line, size_t len)
{
	static const char pong[] = "{\"k\":\"pong\"";

	if (s->clock.n >= FIRST_PINGS || strncmp(line, pong, strlen(pong)) == 0)
		return false;
	if (s->held.len > HELD_MOST) {
		sq_far_break(s->far, "it says much, and does not answer");
		return true;
	}
	sq_buf_add(&s->held, line, len);
	sq_buf_puts(&s->held, "\n");
	return true;
}

/* 0, or the spool's error; what is no record breaks the connection. */
static int take_line(struct sq_far_session *s, const char *line, size_t len)
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
	else if (rc == SQ_RELAYED && sq_far_session_heard(s, sq_far_took_ns(s->far)) < 0)
		return -EIO;
	if (rc == -EBADMSG)
		sq_far_break(s->far, err.text);
	else if (rc < 0 && s->err)
		*s->err = err;
	return rc == -EBADMSG || rc >= 0 ? 0 : rc;
}

static int take_lines(struct sq_far_session *s)
{
	char *line;
	size_t len;
	int rc = 0;

	sq_far_take(s->far);
	while (rc == 0 && (line = sq_far_line(s->far, &len)))
		rc = take_line(s, line, len);
	return rc;
}

/* One wait for far lines and orders, and a ping when it is time. As sq_far_session_order, or the spool's error. */
static int turn(struct sq_far_session *s, int64_t until_ns)
{
	int64_t now_ns = sq_now_ns(), wake_ns = s->stopping   ? until_ns
						: s->answered ? s->ping_ns
							      : s->sent_ns + SILENCE_LIMIT;
	struct pollfd p[2] = { { .fd = s->reader->ctl[1], .events = POLLIN },
			       { .fd = sq_far_fd(s->far), .events = POLLIN } };
	int rc = 0;

	wake_ns = wake_ns < until_ns ? wake_ns : until_ns;
	if (poll(p, 2, wake_ns <= now_ns ? 0 : (int)((wake_ns - now_ns) / SQ_MS) + 1) == -1)
		return errno == EINTR ? 0 : -errno;
	if (p[1].revents)
		rc = take_lines(s);
	if (rc == 0 && p[0].revents)
		rc = sq_far_session_order(s);
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
static int drain(struct sq_far_session *s)
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
	if (rc >= 0 && !s->finished)
		sq_far_session_lost(s, sq_far_is_open(s->far)
					       ? "squall there did not end within 2 s, and what it "
						 "read last is missing"
					       : sq_far_why(s->far));
	return rc < 0 ? rc : 1;
}

int sq_far_squall_keep(struct sq_far_session *s)
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
