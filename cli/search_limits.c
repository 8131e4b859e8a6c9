/* What stood in the way: read out of the report of the last trial that failed at the lowest load that fails.
 *
 * What a reader would get wrong: findings name what failed operations; a server that is merely slow fails none.  So
 * processors and processes without idle time, and queues that filled, are told besides, as what was seen and no more:
 * all hosts of a world share one machine, and others may work on it too. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/json.h"
#include "base/mem.h"
#include "cli/search.h"
#include "results/draw.h"

/* A processor that was idle for less was busy; a thread that wanted one for more had no time left; a queue that held more
 * of what it may is worth telling. */
#define IDLE_LEAST  0.05
#define BUSY_LEAST  0.9
#define QUEUE_LEAST 0.25

static void add_text(json_t *list, const char *what, char *text)
{
	json_array_append_new(list, json_pack("{s:s, s:s}", "what", what, "text", text));
	free(text);
}

/* ---- the trial ---- */

/* The last one at a load that was bad for a goal; NULL. */
static const struct sq_search_trial *failure_at(const struct sq_search *s, size_t goal, double load)
{
	for (size_t i = s->n; i-- > 0;)
		if (s->trials[i].load == load && !s->trials[i].good[goal])
			return &s->trials[i];
	return NULL;
}

enum sq_search_bound sq_search_bound(const struct sq_search *s, size_t goal)
{
	struct sq_mlr_bounds b = sq_mlr_bounds(s->mlr, goal);
	const struct sq_search_trial *t = failure_at(s, goal, b.upper);

	if (isnan(b.upper))
		return b.lower >= s->args->max ? SQ_BOUND_RANGE : SQ_BOUND_UNKNOWN;
	return t && t->ours[goal] ? SQ_BOUND_GENERATOR : SQ_BOUND_TARGET;
}

static json_t *report_of(const struct sq_search_trial *t)
{
	char *path = sq_printf_dup("%s/run.json", t->dir);
	struct sq_err err = { 0 };
	json_t *report = sq_json_load_file(path, &err);

	free(path);
	return report;
}

/* ---- the generator ---- */

static void add_generator(json_t *list, const json_t *report)
{
	struct sq_buf text = { 0 };
	const json_t *load, *o;
	size_t i, k;

	json_array_foreach(json_object_get(report, "loads"), i, load)
		json_array_foreach(json_object_get(load, "outcomes"), k, o) {
			const char *class = sq_draw_text(o, "class");

			if (strcmp(class, "missed") == 0 || strcmp(class, "local") == 0)
				sq_buf_printf(&text, "%s%.0f %s of %s", text.len ? ", " : "",
					      sq_draw_real(o, "count"), sq_draw_text(o, "code"),
					      sq_draw_text(load, "name"));
		}
	add_text(list, "generator",
		 sq_printf_dup("the generator, not the server, which was not asked for all of that "
			       "load: %s",
			       text.data ? text.data : ""));
	sq_buf_fini(&text);
}

static void add_findings(json_t *list, const json_t *report)
{
	const json_t *f;
	size_t i;

	json_array_foreach(json_object_get(report, "findings"), i, f)
		add_text(list, "finding",
			 sq_printf_dup("%s on %s: %lld of %lld %s of %s",
				       sq_draw_text(f, "mechanism"), sq_draw_text(f, "host"),
				       json_integer_value(json_object_get(f, "explained")),
				       json_integer_value(json_object_get(f, "count")),
				       sq_draw_text(f, "failure"), sq_draw_text(f, "load")));
}

/* ---- counters ---- */

/* Another one of the same host and instance; NULL. */
static const json_t *beside(const json_t *counters, const char *metric, const json_t *one)
{
	const json_t *c;
	size_t i;

	json_array_foreach(counters, i, c)
		if (strcmp(sq_draw_text(c, "metric"), metric) == 0 &&
		    strcmp(sq_draw_text(c, "host"), sq_draw_text(one, "host")) == 0 &&
		    strcmp(sq_draw_text(c, "instance"), sq_draw_text(one, "instance")) == 0)
			return c;
	return NULL;
}

/* ---- processors and processes ---- */

struct span { /* of the load, and of a bin */
	double seconds, bin;
};

static struct span span_of(const struct sq_search_trial *t, const json_t *report)
{
	const json_t *load = json_array_get(json_object_get(report, "loads"), 0);

	return (struct span){ sq_seconds(t->duration_ns),
			      sq_draw_real(json_object_get(load, "series"), "bin_s") };
}

/* A counter's rise while the load ran, which is less than the whole run.  NAN: a bin is too long to tell. */
static double rise_in(const json_t *counter, struct span span)
{
	double start = sq_draw_real(counter, "start_s");
	double sum = 0;
	const json_t *one;
	size_t i;

	if (!counter || span.seconds < 2 * span.bin)
		return NAN;
	/* It has a series when it moved. */
	json_array_foreach(json_object_get(counter, "series"), i, one) {
		double at = start + span.bin * (double)i;

		if (at >= -span.bin / 2 && at < span.seconds - span.bin / 2)
			sum += json_number_value(one);
	}
	return sum;
}

static void add_processor(json_t *list, const json_t *c, struct span span)
{
	double idle = rise_in(c, span) / (span.seconds * 1000);
	char *text;
	const json_t *other;
	size_t i;

	if (!*sq_draw_text(c, "instance") || !(idle < IDLE_LEAST))
		return;
	text = sq_printf_dup("%s was idle for %.0f %% of the time", sq_draw_text(c, "instance"),
			     100 * idle);
	/* Each host of a world sees the same processors. */
	json_array_foreach(list, i, other)
		if (strcmp(sq_draw_text(other, "text"), text) == 0) {
			free(text);
			return;
		}
	add_text(list, "processor", text);
}

/* By its busiest thread, which may wait for a processor that others have: a sum of threads that each have time left is no
 * limit, and is told where nothing better is known. */
static void add_process(json_t *list, const json_t *counters, const json_t *c, struct span span)
{
	double used = rise_in(c, span) / (span.seconds * 1000);
	double busy = rise_in(beside(counters, "process.busiest", c), span) / (span.seconds * 1000);

	if (busy >= BUSY_LEAST)
		add_text(list, "process",
			 sq_printf_dup("a thread of %s on %s ran, or waited for a processor, for "
				       "%.0f %% of the time; all of it used %.2g processors",
				       sq_draw_text(c, "instance"), sq_draw_text(c, "host"),
				       100 * fmin(busy, 1), used));
	else if (isnan(busy) && used >= BUSY_LEAST)
		add_text(list, "process",
			 sq_printf_dup("%s on %s used %.2g processors", sq_draw_text(c, "instance"),
				       sq_draw_text(c, "host"), used));
}

static void add_busy(json_t *list, const json_t *report, struct span span)
{
	const json_t *counters = json_object_get(report, "counters"), *c;
	size_t i;

	json_array_foreach(counters, i, c) {
		const char *metric = sq_draw_text(c, "metric");

		if (strcmp(metric, "process.cpu") == 0)
			add_process(list, counters, c, span);
		else if (strcmp(metric, "cpu.idle") == 0)
			add_processor(list, c, span);
	}
}

/* ---- queues ---- */

static const struct {
	const char *gauge, *limit, *noun;
} queues[] = {
	{ "listen.queue", "listen.backlog", "connections in the accept queue" },
	{ "udp.rx_queue", "udp.rcvbuf", "bytes in the receive buffer" },
	{ "process.fds", "process.fds_limit", "descriptors" },
};

static void add_queues(json_t *list, const json_t *report)
{
	const json_t *counters = json_object_get(report, "counters"), *c;
	size_t i, k;

	json_array_foreach(counters, i, c)
		for (k = 0; k < sizeof(queues) / sizeof(*queues); k++) {
			double most = sq_draw_real(c, "max"), limit;

			if (strcmp(sq_draw_text(c, "metric"), queues[k].gauge) != 0)
				continue;
			limit = sq_draw_real(beside(counters, queues[k].limit, c), "max");
			if (limit > 0 && most >= QUEUE_LEAST * limit)
				add_text(list, "queue",
					 sq_printf_dup("up to %.0f of %.0f %s of %s on %s", most,
						       limit, queues[k].noun,
						       sq_draw_text(c, "instance"),
						       sq_draw_text(c, "host")));
		}
}

json_t *sq_search_limits(const struct sq_search *s, size_t goal)
{
	double upper = sq_mlr_bounds(s->mlr, goal).upper;
	const struct sq_search_trial *t = failure_at(s, goal, upper);
	json_t *list = json_array(), *report;

	if (sq_search_bound(s, goal) == SQ_BOUND_RANGE)
		add_text(list, "range", sq_strdup("nothing within the range: raise --max"));
	if (!t)
		return list;
	report = report_of(t);
	if (t->ours[goal])
		add_generator(list, report);
	add_findings(list, report);
	add_busy(list, report, span_of(t, report));
	add_queues(list, report);
	json_decref(report);
	if (json_array_size(list) == 0)
		add_text(list, "unknown",
			 sq_strdup("no counter, queue or processor that was watched says; see the "
				   "run's report"));
	return list;
}
