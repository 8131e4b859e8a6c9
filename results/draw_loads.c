/* The verdict on each load, for a tired person: what was asked and what came of it, how long it
 * took, and whether the generator itself was to blame. */
#include <math.h>
#include <stdlib.h>

#include "base/mem.h"
#include "results/draw.h"
#include "results/outcome.h"

/* A generator that starts operations later than this is worth a word. */
#define LATE_S 0.010

enum { FAILURES_SHOWN = 5, DETAILS_SHOWN = 3 };

struct sums {
	json_int_t ok, failed, missed, canceled;
};

static struct sums sum_up(const json_t *load)
{
	const json_t *outcomes = json_object_get(load, "outcomes"), *o;
	struct sums s = { 0 };
	size_t i;

	json_array_foreach(outcomes, i, o) {
		json_int_t n = json_integer_value(json_object_get(o, "count"));
		int class = sq_class_by_name(sq_draw_text(o, "class"));

		if (class == SQ_CLASS_OK)
			s.ok += n;
		else if (class == SQ_CLASS_MISSED)
			s.missed += n;
		else if (class == SQ_CLASS_CANCELED)
			s.canceled += n;
		else
			s.failed += n;
	}
	return s;
}

/* " [4.2.2 40, 4.7.1 10]", what more was said of them, if anything was. */
static void add_details(const json_t *outcome, struct sq_buf *out)
{
	json_t *details = json_object_get(outcome, "details"), *n;
	size_t kinds = json_object_size(details), i = 0;
	const char *text;

	json_object_foreach(details, text, n) {
		if (i++ == DETAILS_SHOWN)
			break;
		sq_buf_printf(out, "%s%s", i == 1 ? " [" : ", ", *text ? text : "none");
		if (kinds > 1)
			sq_buf_printf(out, " %lld", json_integer_value(n));
	}
	if (kinds > DETAILS_SHOWN)
		sq_buf_printf(out, ", %zu other kinds", kinds - DETAILS_SHOWN);
	if (kinds)
		sq_buf_puts(out, "]");
}

/* " (timeout@connect 383, ECONNRESET@connect 31)" */
static void add_failures(const json_t *load, struct sq_buf *out)
{
	const json_t *outcomes = json_object_get(load, "outcomes"), *o;
	size_t i, n = 0;

	json_array_foreach(outcomes, i, o) {
		int class = sq_class_by_name(sq_draw_text(o, "class"));
		char *name;

		if (class < 0 || !sq_class_is_failure((enum sq_class) class))
			continue;
		if (n++ >= FAILURES_SHOWN)
			continue;
		name = sq_draw_failure(sq_draw_text(o, "code"), sq_draw_text(o, "phase"));
		sq_buf_printf(out, "%s%s %lld", n == 1 ? " (" : ", ", name,
			      json_integer_value(json_object_get(o, "count")));
		add_details(o, out);
		free(name);
	}
	if (n > FAILURES_SHOWN)
		sq_buf_printf(out, ", %zu other kinds", n - FAILURES_SHOWN);
	if (n)
		sq_buf_puts(out, ")");
}

static void draw_verdict(const json_t *load, const struct sums *s, struct sq_buf *out, int width)
{
	size_t more = json_array_size(json_object_get(load, "more_targets"));
	json_int_t sources = json_integer_value(json_object_get(load, "sources"));
	struct sq_buf line = { 0 };
	char *lead = sq_printf_dup("%s: ", sq_draw_text(load, "name"));

	sq_buf_printf(&line, "%s to %s", sq_draw_text(load, "driver"),
		      sq_draw_text(load, "target"));
	if (more)
		sq_buf_printf(&line, " and %zu more", more);
	if (sources > 1)
		sq_buf_printf(&line, " from %lld addresses", sources);
	sq_buf_printf(&line, " \u2014 %lld scheduled: %lld ok",
		      json_integer_value(json_object_get(load, "scheduled")), s->ok);
	if (s->failed) {
		sq_buf_printf(&line, ", %lld failed", s->failed);
		add_failures(load, &line);
	}
	if (s->missed)
		sq_buf_printf(&line, ", %lld missed", s->missed);
	if (s->canceled)
		sq_buf_printf(&line, ", %lld canceled", s->canceled);
	sq_draw_wrap(out, width, lead, line.data);
	sq_buf_fini(&line);
	free(lead);
}

static void add_seconds(struct sq_buf *out, const char *label, const json_t *object,
			const char *key)
{
	char text[SQ_DRAW_DURATION];

	sq_draw_seconds(text, sq_draw_real(object, key));
	sq_buf_printf(out, "%s %s", label, text);
}

static void draw_latency(const json_t *load, struct sq_buf *out, int width)
{
	const json_t *latency = json_object_get(load, "latency");
	const json_t *rate = json_object_get(load, "rate");
	const json_t *due = json_object_get(latency, "from_due");
	struct sq_buf line = { 0 };

	if (!json_is_object(due))
		return;
	add_seconds(&line, "from due: p50", due, "p50_s");
	add_seconds(&line, ", p99", due, "p99_s");
	add_seconds(&line, ", max", due, "max_s");
	if (isfinite(sq_draw_real(rate, "ok_per_s")))
		sq_buf_printf(&line, "; %.4g ok/s of %.4g scheduled/s",
			      sq_draw_real(rate, "ok_per_s"),
			      sq_draw_real(rate, "scheduled_per_s"));
	sq_draw_wrap(out, width, "  ", line.data);
	sq_buf_fini(&line);
}

static void draw_emission(const json_t *load, struct sq_buf *out, int width)
{
	const json_t *emission = json_object_get(load, "emission");
	json_int_t bursts = json_integer_value(json_object_get(emission, "bursts"));
	struct sq_buf line = { 0 };

	if (!bursts)
		return;
	sq_buf_printf(&line, "%lld burst%s, ", bursts, bursts == 1 ? "" : "s");
	if (bursts > 1)
		add_seconds(&line, "sent in: p50", emission, "p50_s");
	add_seconds(&line, bursts > 1 ? ", max" : "sent in", emission, "max_s");
	sq_draw_wrap(out, width, "  ", line.data);
	sq_buf_fini(&line);
}

/* What was seen beside the operations, such as late replies; nothing of what was not. */
static void draw_counts(const json_t *load, struct sq_buf *out, int width)
{
	json_t *counts = json_object_get(load, "counts"), *n;
	struct sq_buf line = { 0 };
	const char *name;

	json_object_foreach(counts, name, n)
		if (json_integer_value(n))
			sq_buf_printf(&line, "%s%s %lld", line.len ? ", " : "", name,
				      json_integer_value(n));
	if (line.len)
		sq_draw_wrap(out, width, "  beside them: ", line.data);
	sq_buf_fini(&line);
}

static void draw_generator(const json_t *load, const struct sums *s, struct sq_buf *out, int width)
{
	const json_t *lag = json_object_get(load, "lag");
	bool late = sq_draw_real(lag, "p99_s") > LATE_S;
	struct sq_buf line = { 0 };

	if (!late && !s->missed)
		return;
	sq_buf_puts(&line, "the generator, not the target:");
	if (s->missed)
		sq_buf_printf(&line, " %lld slots missed%s", s->missed, late ? "," : "");
	if (late) {
		add_seconds(&line, " late by p99", lag, "p99_s");
		add_seconds(&line, ", max", lag, "max_s");
	}
	sq_draw_wrap(out, width, "  ", line.data);
	sq_buf_fini(&line);
}

void sq_draw_loads(const json_t *report, struct sq_buf *out, int width)
{
	const json_t *loads = json_object_get(report, "loads"), *load;
	size_t i;

	json_array_foreach(loads, i, load) {
		struct sums s = sum_up(load);

		draw_verdict(load, &s, out, width);
		draw_latency(load, out, width);
		draw_emission(load, out, width);
		draw_counts(load, out, width);
		draw_generator(load, &s, out, width);
	}
}
