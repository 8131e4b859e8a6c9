/* A comparison in the formats that people and CI read.  All are drawn from its JSON alone. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/json.h"
#include "base/mem.h"
#include "results/compare.h"
#include "results/draw.h"
#include "results/stats.h"

enum { CELL = 48 };

static void draw_percent(char out[CELL], const json_t *v)
{
	double share = json_is_number(v) ? json_number_value(v) : NAN;

	if (isnan(share))
		snprintf(out, CELL, "-");
	else
		snprintf(out, CELL, "%+.1f %%", share * 100);
}

static void draw_measure(char out[CELL], const char *metric, const json_t *value)
{
	double v = json_is_number(value) ? json_number_value(value) : NAN;
	char seconds[SQ_DRAW_DURATION];

	if (isnan(v)) {
		snprintf(out, CELL, "-");
	} else if (sq_measure_is_share(metric)) {
		snprintf(out, CELL, "%.2f %%", v * 100);
	} else if (strstr(metric, ".latency.")) {
		sq_draw_seconds(seconds, v);
		snprintf(out, CELL, "%s", seconds);
	} else if (strstr(metric, ".rate.")) {
		snprintf(out, CELL, "%.4g/s", v);
	} else {
		snprintf(out, CELL, "%.3g us", v);
	}
}

/* A scalar in words, anything larger by its beginning. */
static char *plain(const json_t *v)
{
	char *text;

	if (!v || json_is_null(v))
		return sq_strdup("-");
	if (json_is_string(v))
		return sq_strdup(json_string_value(v));
	text = json_dumps(v, JSON_ENCODE_ANY | JSON_COMPACT);
	if (strlen(text) > 40)
		memcpy(text + 37, "...", 4);
	return text;
}

/* ---- tables: a title, a header, rows; as aligned columns, or as Markdown ---- */

struct table {
	struct sq_buf *out;
	bool markdown;
};

/* The bar ends a cell of Markdown. */
static void cell(const struct table *t, const char *text, const char *end)
{
	for (; *text; text++)
		sq_buf_printf(t->out, t->markdown && *text == '|' ? "\\%c" : "%c", *text);
	sq_buf_puts(t->out, end);
}

static void row(const struct table *t, const char *const cells[4])
{
	if (t->markdown) {
		sq_buf_puts(t->out, "| ");
		for (size_t i = 0; i < 4; i++)
			cell(t, cells[i], i < 3 ? " | " : " |\n");
	} else {
		sq_buf_printf(t->out, "  %-44s %14s %14s%s%s\n", cells[0], cells[1], cells[2],
			      *cells[3] ? "   " : "", cells[3]);
	}
}

static void head(const struct table *t, const char *what, const char *last)
{
	const char *const cells[] = { what, "a", "b", last };

	sq_buf_puts(t->out, "\n");
	row(t, cells);
	if (t->markdown)
		sq_buf_puts(t->out, "|---|---|---|---|\n");
}

static void measures(const struct table *t, const json_t *list)
{
	const json_t *m;
	size_t i;

	head(t, "measure (median)", "difference");
	json_array_foreach(list, i, m) {
		const char *metric = sq_draw_text(m, "metric");
		char a[CELL], b[CELL], difference[CELL];
		const char *const cells[] = { metric, a, b, difference };

		draw_measure(a, metric, json_object_get(m, "a"));
		draw_measure(b, metric, json_object_get(m, "b"));
		draw_percent(difference, json_object_get(m, "difference"));
		row(t, cells);
	}
}

static void plain_row(const struct table *t, const char *what, const json_t *item)
{
	char *a = plain(json_object_get(item, "a")), *b = plain(json_object_get(item, "b"));
	const char *const cells[] = { what, a, b, "" };

	row(t, cells);
	free(a);
	free(b);
}

static void settings(const struct table *t, const json_t *list)
{
	const json_t *s;
	size_t i;

	if (json_array_size(list) == 0)
		return;
	head(t, "set differently", "");
	json_array_foreach(list, i, s)
		plain_row(t, sq_draw_text(s, "what"), s);
}

/* A mean of counts: whole ones without a fraction. */
static void draw_mean(char out[CELL], const json_t *value)
{
	double v = json_is_number(value) ? json_number_value(value) : NAN;

	if (isnan(v))
		snprintf(out, CELL, "-");
	else
		snprintf(out, CELL, "%.*f", v == floor(v) ? 0 : 1, v);
}

static void mean_row(const struct table *t, const char *what, const json_t *item)
{
	char a[CELL], b[CELL];
	const char *const cells[] = { what, a, b, "" };

	draw_mean(a, json_object_get(item, "a"));
	draw_mean(b, json_object_get(item, "b"));
	row(t, cells);
}

static void failures(const struct table *t, const json_t *list)
{
	const json_t *f;
	size_t i;

	if (json_array_size(list) == 0)
		return;
	head(t, "failures (mean of a run)", "");
	json_array_foreach(list, i, f) {
		char *what = sq_printf_dup("%s of %s", sq_draw_text(f, "failure"),
					   sq_draw_text(f, "load"));

		mean_row(t, what, f);
		free(what);
	}
}

static void findings(const struct table *t, const json_t *list)
{
	const json_t *f;
	size_t i;

	if (json_array_size(list) == 0)
		return;
	head(t, "explained by (mean of a run)", "");
	json_array_foreach(list, i, f) {
		char *what = sq_printf_dup("%s on %s: %s", sq_draw_text(f, "mechanism"),
					   sq_draw_text(f, "host"), sq_draw_text(f, "failure"));

		mean_row(t, what, f);
		free(what);
	}
}

/* What would decide it. */
static void more_words(struct sq_buf *out, const json_t *v)
{
	const json_t *more = json_object_get(v, "more_pairs");

	if (json_is_integer(more))
		sq_buf_printf(out, "; about %lld more would decide", json_integer_value(more));
	else if (json_integer_value(json_object_get(v, "pairs")) == 0)
		sq_buf_puts(out, "; it was not measured");
	else if (strcmp(sq_draw_text(v, "unit"), "pairs") == 0)
		sq_buf_printf(out, "; not even %d would decide", SQ_PAIRS_MAX);
}

/* "storm.latency.p99: worse, +12.0 % (+8.1 % to +15.2 %), p 0.004, 10 pairs" */
static char *verdict_words(const json_t *v)
{
	const json_t *interval = json_object_get(v, "interval");
	const char *verdict = sq_draw_text(v, "verdict");
	char shift[CELL], lo[CELL], hi[CELL];
	struct sq_buf out = { 0 };

	draw_percent(shift, json_object_get(v, "shift"));
	draw_percent(lo, json_array_get(interval, 0));
	draw_percent(hi, json_array_get(interval, 1));
	sq_buf_printf(&out, "%s: %s, %s", sq_draw_text(v, "metric"), verdict, shift);
	if (json_is_array(interval))
		sq_buf_printf(&out, " (%s to %s)", lo, hi);
	sq_buf_printf(&out, ", p %.2g, %lld %s", sq_draw_real(v, "p"),
		      json_integer_value(json_object_get(v, "pairs")), sq_draw_text(v, "unit"));
	if (strcmp(verdict, "undecided") == 0)
		more_words(&out, v);
	return out.data;
}

static void lines(const struct table *t, const json_t *verdicts, const json_t *notes)
{
	const char *bullet = t->markdown ? "- " : "  ";
	const json_t *item;
	size_t i;

	if (json_array_size(verdicts) + json_array_size(notes) > 0)
		sq_buf_puts(t->out, "\n");
	json_array_foreach(verdicts, i, item) {
		char *words = verdict_words(item);

		sq_buf_printf(t->out, "%s%s\n", bullet, words);
		free(words);
	}
	json_array_foreach(notes, i, item)
		sq_buf_printf(t->out, "%s%s\n", bullet, json_string_value(item));
}

void sq_compare_lines(const json_t *verdicts, const json_t *notes, bool markdown,
		      struct sq_buf *out)
{
	struct table t = { out, markdown };

	lines(&t, verdicts, notes);
}

static void whole(const struct table *t, const json_t *c)
{
	const char *a = sq_draw_text(json_object_get(c, "a"), "label");
	const char *b = sq_draw_text(json_object_get(c, "b"), "label");

	if (t->markdown)
		sq_buf_printf(t->out, "# %s (a) and %s (b)\n", a, b);
	else
		sq_buf_printf(t->out, "a: %s\nb: %s\n", a, b);
	settings(t, json_object_get(c, "settings"));
	measures(t, json_object_get(c, "measures"));
	failures(t, json_object_get(c, "failures"));
	findings(t, json_object_get(c, "findings"));
	lines(t, json_object_get(c, "verdicts"), json_object_get(c, "notes"));
}

void sq_compare_text(const json_t *comparison, struct sq_buf *out)
{
	struct table t = { out, false };

	whole(&t, comparison);
}

void sq_compare_markdown(const json_t *comparison, struct sq_buf *out)
{
	struct table t = { out, true };

	whole(&t, comparison);
}

/* ---- JUnit ---- */

static void escaped(struct sq_buf *out, const char *text)
{
	for (; *text; text++) {
		if (*text == '&')
			sq_buf_puts(out, "&amp;");
		else if (*text == '<')
			sq_buf_puts(out, "&lt;");
		else if (*text == '>')
			sq_buf_puts(out, "&gt;");
		else if (*text == '"')
			sq_buf_puts(out, "&quot;");
		else
			sq_buf_printf(out, "%c", *text);
	}
}

static void attribute(struct sq_buf *out, const char *name, const char *value)
{
	sq_buf_printf(out, " %s=\"", name);
	escaped(out, value);
	sq_buf_puts(out, "\"");
}

static size_t count_verdicts(const json_t *verdicts, const char *which)
{
	const json_t *v;
	size_t i, n = 0;

	json_array_foreach(verdicts, i, v)
		n += strcmp(sq_draw_text(v, "verdict"), which) == 0;
	return n;
}

/* Some readers show the message, some the text. */
static void test_case(struct sq_buf *out, const char *suite, const json_t *v, double seconds)
{
	const char *verdict = sq_draw_text(v, "verdict");
	const char *element = strcmp(verdict, "worse") == 0       ? "failure"
			      : strcmp(verdict, "undecided") == 0 ? "skipped"
								  : "system-out";
	char *words = verdict_words(v);

	sq_buf_puts(out, "    <testcase");
	attribute(out, "classname", suite);
	attribute(out, "name", sq_draw_text(v, "metric"));
	sq_buf_printf(out, " time=\"%.3f\">\n      <%s", seconds, element);
	if (strcmp(element, "system-out") != 0) {
		attribute(out, "type", verdict);
		attribute(out, "message", words);
	}
	sq_buf_puts(out, ">");
	escaped(out, words);
	sq_buf_printf(out, "</%s>\n    </testcase>\n", element);
	free(words);
}

static void error_case(struct sq_buf *out, const char *suite, const char *error)
{
	sq_buf_puts(out, "    <testcase");
	attribute(out, "classname", suite);
	sq_buf_puts(out, " name=\"measured\" time=\"0\">\n      <error type=\"unmeasured\"");
	attribute(out, "message", error);
	sq_buf_puts(out, ">");
	escaped(out, error);
	sq_buf_puts(out, "</error>\n    </testcase>\n");
}

static void suite_notes(struct sq_buf *out, const json_t *notes)
{
	const json_t *text;
	size_t i;

	if (json_array_size(notes) == 0)
		return;
	sq_buf_puts(out, "    <system-out>");
	json_array_foreach(notes, i, text) {
		escaped(out, json_string_value(text));
		sq_buf_puts(out, "\n");
	}
	sq_buf_puts(out, "</system-out>\n");
}

void sq_compare_junit(const json_t *verdicts, const json_t *notes, const char *error,
		      const char *suite, double seconds, struct sq_buf *out)
{
	size_t n = json_array_size(verdicts), i;
	const json_t *v;

	sq_buf_puts(out, "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<testsuites>\n  <testsuite");
	attribute(out, "name", suite);
	sq_buf_printf(
		out,
		" tests=\"%zu\" failures=\"%zu\" errors=\"%d\" skipped=\"%zu\" time=\"%.3f\">\n",
		n + (error != NULL), count_verdicts(verdicts, "worse"), error != NULL,
		count_verdicts(verdicts, "undecided"), seconds);
	json_array_foreach(verdicts, i, v)
		test_case(out, suite, v, seconds / (double)n);
	if (error)
		error_case(out, suite, error);
	suite_notes(out, notes);
	sq_buf_puts(out, "  </testsuite>\n</testsuites>\n");
}
