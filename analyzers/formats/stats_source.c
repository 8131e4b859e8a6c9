/* Sources whose reading is one whole text.  A text in which nothing is known, or a command that failed,
 * is a gap: it is never a set of zeros. */
#include "analyzers/formats/stats_source.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "analyzers/formats/http.h"
#include "analyzers/places/place.h"
#include "analyzers/sample.h"
#include "base/clock.h"

/* By curl, wget of GNU or BusyBox, FreeBSD's fetch or OpenBSD's ftp, whichever is there. */
static int fetch_far(struct sq_sample *s, const char *url, int64_t timeout_ns, struct sq_buf *out,
		     struct sq_err *err)
{
	struct sq_buf command = { 0 };
	struct sq_err why = { 0 };
	int rc = sq_http_check(url, err);

	if (rc < 0)
		return rc;
	sq_buf_printf(&command,
		      "u='%s'; has() { command -v \"$1\" > /dev/null; }; "
		      "if has curl; then curl -sf \"$u\"; elif has wget; then wget -qO- \"$u\"; "
		      "elif has fetch; then fetch -qo - \"$u\"; else ftp -Vo - \"$u\"; fi",
		      url);
	rc = sq_place_run(sq_sample_place(s), command.data, timeout_ns, out, &why);
	sq_buf_fini(&command);
	if (rc < 0)
		sq_err_set(err, rc, url, "%s; see that the server gives its statistics there",
			   why.text);
	return rc;
}

int sq_stats_fetch(struct sq_sample *s, const char *url, int64_t timeout_ns, struct sq_buf *out,
		   struct sq_err *err)
{
	if (sq_place_is_here(sq_sample_place(s)))
		return sq_http_get(url, timeout_ns, out, err);
	return fetch_far(s, url, timeout_ns, out, err);
}

static int fetch(struct sq_stats_source *source, struct sq_sample *s, struct sq_err *err)
{
	if (source->url)
		return sq_stats_fetch(s, source->url, source->timeout_ns, &source->text, err);
	return sq_place_run(sq_sample_place(s), source->command, source->timeout_ns, &source->text,
			    err);
}

static int read_once(struct sq_stats_source *source, struct sq_sample *s, struct sq_err *err)
{
	struct sq_stats stats = { .sample = s, .memory = &source->memory };
	int rc = fetch(source, s, err);

	if (rc < 0)
		return rc;
	source->parse(sq_span_of_buf(&source->text), &stats);
	sq_stats_tell(&stats);
	if (stats.n == 0)
		return sq_err_set(err, -EBADMSG, source->url ? source->url : source->command,
				  "nothing in the answer is known; see what it says by hand");
	return 0;
}

static int open_source(struct sq_stats_source *source, struct sq_sample *s, struct sq_err *err)
{
	int rc = read_once(source, s, err);

	if (rc < 0)
		sq_stats_source_close(source);
	return rc;
}

int sq_stats_command_open(struct sq_stats_source *source, const struct sq_stats_command_conf *conf,
			  sq_stats_parser *parse, struct sq_sample *s, struct sq_err *err)
{
	*source = (struct sq_stats_source){ .command = conf->command,
					    .timeout_ns = conf->timeout_ns,
					    .parse = parse };
	return open_source(source, s, err);
}

int sq_stats_url_open(struct sq_stats_source *source, const struct sq_stats_url_conf *conf,
		      sq_stats_parser *parse, struct sq_sample *s, struct sq_err *err)
{
	*source = (struct sq_stats_source){ .url = conf->url,
					    .timeout_ns = conf->timeout_ns,
					    .parse = parse };
	return open_source(source, s, err);
}

int sq_stats_outcome(struct sq_sample *s, bool *failing, int rc, const struct sq_err *err)
{
	char text[sizeof(err->where) + sizeof(err->text) + 64];

	if (rc < 0 && !*failing) {
		snprintf(text, sizeof(text), "it gives no counters: %s%s%s", err->where,
			 err->where[0] ? ": " : "", err->text[0] ? err->text : strerror(-rc));
		sq_sample_event(s, sq_now_ns(), text);
	}
	*failing = rc < 0;
	return rc;
}

int sq_stats_source_sample(void *state, struct sq_sample *s)
{
	struct sq_stats_source *source = state;
	struct sq_err err = { 0 };
	int rc = read_once(source, s, &err);

	return sq_stats_outcome(s, &source->failing, rc, &err);
}

void sq_stats_source_close(void *state)
{
	struct sq_stats_source *source = state;

	sq_buf_fini(&source->text);
	sq_stats_memory_fini(&source->memory);
}
