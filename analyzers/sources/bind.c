/* named's own counters, out of its statistics channel ("bind.QrySERVFAIL", "bind.RecLimitDropped",
 * "bind.resolver.QueryTimeout" by view), and what its log complains of.
 *
 * What a reader would get wrong:
 * - A reading is two requests: counters and sockets stand under two paths.  All of /json/v1 would do,
 *   but it lists every zone.
 * - It takes `statistics-channels { inet 127.0.0.1 port 8053; };` in named.conf.
 * - A complaint is an event when it comes, and then at most once a second; "bind.log" counts each line.
 *   named writes it when it is told to, and rate-limits some of it: a hint, never a count of failures. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "analyzers/formats/stats_source.h"
#include "analyzers/kernel/follow.h"
#include "analyzers/places/place.h"
#include "base/clock.h"
#include "base/mem.h"

enum { COMPLAINTS = 16, EVENT = 400 };

struct bind_conf {
	struct sq_stats_url_conf url; /* first */
	char *log;
};

struct complaint {
	const char *text; /* of sq_stats_named_complaint */
	uint64_t lines, told;
	int64_t told_ns;
};

struct bind {
	struct sq_sample *sample;
	const struct bind_conf *conf;
	char *urls[2];
	struct sq_buf text;
	struct sq_stats_memory memory;
	bool failing;
	bool follows;
	struct sq_follow log;
	struct complaint complaints[COMPLAINTS];
	size_t n_complaints;
};

static int read_channel(struct bind *b, struct sq_stats *stats, struct sq_err *err)
{
	for (size_t i = 0; i < 2; i++) {
		int rc = sq_stats_fetch(b->sample, b->urls[i], b->conf->url.timeout_ns, &b->text,
					err);

		if (rc < 0)
			return rc;
		sq_stats_bind(sq_span_of_buf(&b->text), stats);
	}
	sq_stats_tell(stats);
	if (stats->n == 0)
		return sq_err_set(err, -EBADMSG, b->urls[0],
				  "no counters of named's; see that url is .../json/v1");
	return 0;
}

/* ---- the log ---- */

static struct complaint *complaint_of(struct bind *b, const char *text)
{
	for (size_t i = 0; i < b->n_complaints; i++)
		if (strcmp(b->complaints[i].text, text) == 0)
			return &b->complaints[i];
	if (b->n_complaints == COMPLAINTS)
		return NULL;
	b->complaints[b->n_complaints] = (struct complaint){ .text = text, .told_ns = -SQ_SEC };
	return &b->complaints[b->n_complaints++];
}

static void tell(struct bind *b, struct complaint *c, struct sq_span line)
{
	int64_t now_ns = sq_now_ns();
	uint64_t more = c->lines - c->told - 1;
	char text[EVENT];
	size_t len = 0;

	if (now_ns - c->told_ns < SQ_SEC)
		return;
	if (more > 0)
		len = (size_t)snprintf(text, sizeof(text), "(%llu more) ",
				       (unsigned long long)more);
	for (; line.p < line.end && len + 1 < sizeof(text); line.p++)
		text[len++] = (char)(*line.p < ' ' || *line.p > '~' ? '?' : *line.p);
	text[len] = '\0';
	sq_sample_event(b->sample, now_ns, text);
	c->told = c->lines;
	c->told_ns = now_ns;
}

static void on_line(void *arg, const char *text, size_t len)
{
	struct sq_span line = { text, text + len };
	const char *what = sq_stats_named_complaint(line);
	struct complaint *c = what ? complaint_of(arg, what) : NULL;

	if (!c)
		return;
	c->lines++;
	tell(arg, c, line);
}

static int read_log(struct bind *b, struct sq_stats *stats)
{
	int rc = b->follows ? sq_follow_read(&b->log, on_line, b) : 0;

	for (size_t i = 0; rc == 0 && i < b->n_complaints; i++)
		sq_stats_put(stats, "bind.", sq_span_of("log"), sq_span_of(b->complaints[i].text),
			     b->complaints[i].lines);
	return rc;
}

/* ---- the source ---- */

static void bind_close(void *state)
{
	struct bind *b = state;

	if (b->follows)
		sq_follow_close(&b->log);
	free(b->urls[0]);
	free(b->urls[1]);
	sq_buf_fini(&b->text);
	sq_stats_memory_fini(&b->memory);
}

static int open_log(struct bind *b, const char *path, struct sq_err *err)
{
	if (!sq_place_is_here(sq_sample_place(b->sample)))
		return sq_err_set(err, -ENOTSUP, path,
				  "a log is not followed through a shell; install squall there, or "
				  "leave log out");
	b->follows = true;
	return sq_follow_open(&b->log, path, err);
}

static int bind_open(void *state, const void *conf, struct sq_sample *s, struct sq_err *err)
{
	const struct bind_conf *c = conf;
	struct bind *b = state;
	struct sq_stats stats = { .sample = s, .memory = &b->memory };
	int rc;

	*b = (struct bind){ .sample = s,
			    .conf = c,
			    .urls = { sq_printf_dup("%s/server", c->url.url),
				      sq_printf_dup("%s/net", c->url.url) } };
	rc = read_channel(b, &stats, err);
	if (rc == 0 && c->log)
		rc = open_log(b, c->log, err);
	if (rc < 0)
		bind_close(b);
	return rc;
}

static int bind_sample(void *state, struct sq_sample *s)
{
	struct bind *b = state;
	struct sq_stats stats = { .sample = s, .memory = &b->memory };
	struct sq_err err = { 0 };
	int rc = sq_stats_outcome(s, &b->failing, read_channel(b, &stats, &err), &err);

	return rc < 0 ? rc : read_log(b, &stats);
}

static const struct sq_opt bind_opts[] = {
	SQ_STATS_URL_OPTS("http://127.0.0.1:8053/json/v1",
			  "named's statistics channel, without /server or /net"),
	{ .name = "log",
	  .type = SQ_OPT_STRING,
	  .offset = offsetof(struct bind_conf, log),
	  .help = "a file that named logs to, whose complaints become events" },
	{ 0 },
};

const struct sq_source sq_source_bind = {
	.kind = {
		.name = "bind",
		.summary = "named's counters (statistics channel), and what its log complains of",
		.opts = bind_opts,
		.conf_size = sizeof(struct bind_conf),
	},
	.state_size = sizeof(struct bind),
	.blocking = true,
	.remote = true,
	.open = bind_open,
	.sample = bind_sample,
	.close = bind_close,
};
