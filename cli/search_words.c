/* What a search found, and what stood in the way: read out of the report of the lowest load that failed. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/json.h"
#include "base/mem.h"
#include "cli/search.h"
#include "results/draw.h"
#include "results/verdict.h"

/* A processor that was idle for less than this was busy. */
#define IDLE_LEAST 0.05

/* ---- what limits ---- */

/* The last trial at a load that was bad for a goal; NULL. */
static const struct sq_search_trial *failure_at(const struct sq_search *s, size_t goal, double load)
{
	for (size_t i = s->n; i-- > 0;)
		if (s->trials[i].load == load && !s->trials[i].good[goal])
			return &s->trials[i];
	return NULL;
}

static json_t *load_report(const struct sq_search_trial *t)
{
	char *path = sq_printf_dup("%s/run.json", t->dir);
	struct sq_err err = { 0 };
	json_t *report = sq_json_load_file(path, &err);

	free(path);
	return report;
}

static void add_findings(json_t *list, const json_t *report)
{
	const json_t *f;
	size_t i;

	json_array_foreach(json_object_get(report, "findings"), i, f)
		json_array_append_new(
			list, json_sprintf("%s on %s: %lld of %lld %s of %s",
					   sq_draw_text(f, "mechanism"), sq_draw_text(f, "host"),
					   json_integer_value(json_object_get(f, "explained")),
					   json_integer_value(json_object_get(f, "count")),
					   sq_draw_text(f, "failure"), sq_draw_text(f, "load")));
}

/* Processors without idle time, by what the capture saw of each host. */
static void add_processors(json_t *list, const json_t *report)
{
	double seconds = sq_draw_real(json_object_get(report, "run"), "duration_s");
	const json_t *c;
	size_t i;

	json_array_foreach(json_object_get(report, "counters"), i, c) {
		double idle_ms = sq_draw_real(c, "delta");
		const char *host = sq_draw_text(c, "host"), *cpu = sq_draw_text(c, "instance");

		if (strcmp(sq_draw_text(c, "metric"), "cpu.idle") == 0 && *cpu &&
		    idle_ms < IDLE_LEAST * seconds * 1000)
			json_array_append_new(
				list, json_sprintf("%s of %s was idle for %.0f %% of the time", cpu,
						   host, 100 * idle_ms / (seconds * 1000)));
	}
}

static json_t *limits_json(const struct sq_search *s, size_t goal, double upper)
{
	const struct sq_search_trial *t = failure_at(s, goal, upper);
	json_t *list = json_array(), *report;

	if (isnan(upper))
		json_array_append_new(list, json_string("nothing within the range: raise --max"));
	if (!t)
		return list;
	if (t->ours)
		json_array_append_new(
			list, json_string("the generator: it missed operations, so the server "
					  "was not asked for all of that load; give it "
					  "threads, workers or processors"));
	report = load_report(t);
	add_findings(list, report);
	add_processors(list, report);
	json_decref(report);
	if (json_array_size(list) == 0)
		json_array_append_new(
			list, json_string("no counter and no processor that was watched says; see "
					  "the run's report"));
	return list;
}

bool sq_search_is_ours(const struct sq_search *s)
{
	for (size_t i = 0; i < s->n_goals; i++) {
		struct sq_mlr_bounds b = sq_mlr_bounds(s->mlr, i);
		const struct sq_search_trial *t = failure_at(s, i, b.upper);

		if (isnan(b.upper) || (t && t->ours))
			return true;
	}
	return false;
}

/* ---- JSON ---- */

static json_t *goals_json(const struct sq_search *s)
{
	json_t *list = json_array();

	for (size_t i = 0; i < s->n_goals; i++) {
		struct sq_mlr_bounds b = sq_mlr_bounds(s->mlr, i);

		json_array_append_new(list,
				      json_pack("{s:s, s:o, s:o, s:o}", "goal", s->goals[i].text,
						"lower_per_s", sq_json_real(b.lower), "upper_per_s",
						sq_json_real(b.upper), "limited_by",
						limits_json(s, i, b.upper)));
	}
	return list;
}

static json_t *trials_json(const struct sq_search *s)
{
	json_t *list = json_array();

	for (size_t i = 0; i < s->n; i++) {
		const struct sq_search_trial *t = &s->trials[i];
		const char *slash = strrchr(t->dir, '/');
		json_t *good = json_array();

		for (size_t k = 0; k < s->n_goals; k++)
			json_array_append_new(good, json_boolean(t->good[k]));
		json_array_append_new(
			list, json_pack("{s:f, s:f, s:o, s:b, s:o, s:o, s:s}", "load_per_s",
					t->load, "duration_s", (double)t->duration_ns / 1e9, "good",
					good, "generator_limited", t->ours, "p99_s",
					sq_json_real(t->p99_s), "lost", sq_json_real(t->lost),
					"run", slash ? slash + 1 : t->dir));
	}
	return list;
}

json_t *sq_search_json(const struct sq_search *s, const char *name)
{
	return json_pack("{s:s, s:s, s:s, s:f, s:b, s:o, s:o}", "schema", "squall-search/1", "name",
			 name, "load", s->load, "spent_s", (double)sq_mlr_spent_ns(s->mlr) / 1e9,
			 "generator_limited", sq_search_is_ours(s), "goals", goals_json(s),
			 "trials", trials_json(s));
}

json_t *sq_search_schema(void)
{
	static const char text[] =
		"{\"$schema\": \"http://json-schema.org/draft-07/schema#\", \"type\": \"object\","
		" \"required\": [\"schema\", \"name\", \"load\", \"spent_s\", \"generator_limited\", \"goals\","
		"  \"trials\"],"
		" \"definitions\": {\"number\": {\"type\": [\"number\", \"null\"]}},"
		" \"properties\": {\"schema\": {\"const\": \"squall-search/1\"},"
		"  \"name\": {\"type\": \"string\"}, \"load\": {\"type\": \"string\"},"
		"  \"spent_s\": {\"type\": \"number\", \"description\": \"of all trials\"},"
		"  \"generator_limited\": {\"type\": \"boolean\", \"description\": \"what was found is not the"
		" server's limit\"},"
		"  \"goals\": {\"type\": \"array\", \"items\": {\"type\": \"object\","
		"   \"required\": [\"goal\", \"lower_per_s\", \"upper_per_s\", \"limited_by\"], \"properties\": {"
		"    \"goal\": {\"type\": \"string\"},"
		"    \"lower_per_s\": {\"$ref\": \"#/definitions/number\"},"
		"    \"upper_per_s\": {\"$ref\": \"#/definitions/number\"},"
		"    \"limited_by\": {\"type\": \"array\", \"items\": {\"type\": \"string\"}}}}},"
		"  \"trials\": {\"type\": \"array\", \"items\": {\"type\": \"object\","
		"   \"required\": [\"load_per_s\", \"duration_s\", \"good\", \"generator_limited\", \"p99_s\","
		"    \"lost\", \"run\"], \"properties\": {"
		"    \"good\": {\"type\": \"array\", \"items\": {\"type\": \"boolean\"},"
		"     \"description\": \"for each goal\"},"
		"    \"p99_s\": {\"$ref\": \"#/definitions/number\"},"
		"    \"lost\": {\"$ref\": \"#/definitions/number\"}}}}}}";

	return json_loads(text, 0, NULL);
}

/* ---- text ---- */

enum { BAR = 24 };

static int by_load(const void *a, const void *b)
{
	double x = sq_draw_real(*(const json_t *const *)a, "load_per_s");
	double y = sq_draw_real(*(const json_t *const *)b, "load_per_s");

	return (x > y) - (x < y);
}

/* A bar on a logarithmic axis from least to most. */
static void draw_bar(struct sq_buf *out, double v, double least, double most)
{
	double part = most > least ? log(v / least) / log(most / least) : 0;
	int n = isfinite(part) && part > 0 ? (int)(part * BAR + 0.5) : 0;

	for (int i = 0; i < BAR; i++)
		sq_buf_puts(out, i < n || (i == 0 && v > 0) ? "\u2588" : " ");
}

static void draw_trial(struct sq_buf *out, const json_t *t, double least, double most)
{
	double p99 = sq_draw_real(t, "p99_s");
	char seconds[SQ_DRAW_DURATION];
	const json_t *good;
	size_t i;

	sq_draw_seconds(seconds, p99);
	sq_buf_printf(out, "  %10.4g/s %5.2g s  ", sq_draw_real(t, "load_per_s"),
		      sq_draw_real(t, "duration_s"));
	json_array_foreach(json_object_get(t, "good"), i, good)
		sq_buf_puts(out, json_is_true(good) ? "+" : "-");
	sq_buf_printf(out, "  lost %6.2f %%  p99 %9s ", 100 * sq_draw_real(t, "lost"),
		      isnan(p99) ? "-" : seconds);
	draw_bar(out, p99, least, most);
	sq_buf_puts(out, "\n");
}

static void draw_trials(struct sq_buf *out, const json_t *trials)
{
	size_t n = json_array_size(trials), i;
	const json_t **sorted = sq_alloc_n(n + 1, sizeof(json_t *));
	double least = INFINITY, most = 0;

	for (i = 0; i < n; i++) {
		double p99;

		sorted[i] = json_array_get(trials, i);
		p99 = sq_draw_real(sorted[i], "p99_s");
		least = p99 < least ? p99 : least;
		most = p99 > most ? p99 : most;
	}
	qsort(sorted, n, sizeof(json_t *), by_load);
	for (i = 0; i < n; i++)
		draw_trial(out, sorted[i], least, most);
	free(sorted);
}

static void draw_goal(struct sq_buf *out, const json_t *g)
{
	double lower = sq_draw_real(g, "lower_per_s"), upper = sq_draw_real(g, "upper_per_s");
	const json_t *limit;
	size_t i;

	sq_buf_printf(out, "%s\n", sq_draw_text(g, "goal"));
	if (isnan(lower))
		sq_buf_printf(out, "  does not hold, not even at %.4g/s\n", upper);
	else if (isnan(upper))
		sq_buf_printf(out, "  holds at all loads up to %.4g/s\n", lower);
	else
		sq_buf_printf(out, "  holds at %.4g/s, no longer at %.4g/s\n", lower, upper);
	json_array_foreach(json_object_get(g, "limited_by"), i, limit)
		sq_buf_printf(out, "  limited by: %s\n", json_string_value(limit));
}

void sq_search_text(const json_t *search, struct sq_buf *out)
{
	const json_t *g;
	size_t i;

	draw_trials(out, json_object_get(search, "trials"));
	json_array_foreach(json_object_get(search, "goals"), i, g)
		draw_goal(out, g);
}
