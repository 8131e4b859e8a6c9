/* search.json: what a search found, and its schema. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/json.h"
#include "base/mem.h"
#include "cli/search.h"
#include "results/stats.h"

static const char *const bounds[] = {
	[SQ_BOUND_TARGET] = "target",
	[SQ_BOUND_GENERATOR] = "generator",
	[SQ_BOUND_RANGE] = "range",
	[SQ_BOUND_UNKNOWN] = "unknown",
};

/* What may be relied on: a lower bound that held again at the end, below an upper one that is the target's. */
static json_t *goal_json(const struct sq_search *s, size_t i)
{
	struct sq_mlr_bounds b = sq_mlr_bounds(s->mlr, i);
	enum sq_search_bound bound = sq_search_bound(s, i);
	bool known = b.confirmed && b.regular && bound == SQ_BOUND_TARGET;

	return json_pack(
		"{s:s, s:o, s:o, s:o, s:o, s:o, s:b, s:b, s:s, s:o}", "goal", s->goals[i].text,
		"capacity_per_s", known ? sq_json_real(b.lower) : json_null(), "lower_per_s",
		sq_json_real(b.lower), "upper_per_s", sq_json_real(b.upper), "throughput_per_s",
		sq_json_real(sq_mlr_throughput(s->mlr, i, b.lower)), "lower_at_first_per_s",
		sq_json_real(b.at_first), "confirmed", b.confirmed, "regular", b.regular,
		"bounded_by", bounds[bound], "limited_by", sq_search_limits(s, i));
}

static json_t *rest_json(const struct sq_search_rest *r)
{
	return json_pack("{s:f, s:b, s:o}", "took_s", sq_seconds(r->took_ns), "at_rest", r->at_rest,
			 "because", r->at_rest ? json_null() : json_string(r->because));
}

static json_t *trial_json(const struct sq_search *s, const struct sq_search_trial *t)
{
	const char *slash = strrchr(t->dir, '/');
	json_t *good = json_array();
	bool ours = false;

	for (size_t k = 0; k < s->n_goals; k++) {
		json_array_append_new(good, json_boolean(t->good[k]));
		ours = ours || t->ours[k];
	}
	return json_pack(
		"{s:f, s:f, s:o, s:b, s:o, s:o, s:o, s:s}", "load_per_s", t->load, "duration_s",
		sq_seconds(t->duration_ns), "good", good, "generator_limited", ours, "p99_s",
		sq_json_real(t->p99_s), "lost", sq_json_real(t->lost), "rest",
		s->quiet ? rest_json(&t->rest) : json_null(), "run", slash ? slash + 1 : t->dir);
}

/* ---- the curve ---- */

static int by_load(const void *a, const void *b)
{
	double x = (*(const struct sq_search_trial *const *)a)->load;
	double y = (*(const struct sq_search_trial *const *)b)->load;

	return (x > y) - (x < y);
}

/* All trials at one load: the median of their p99, and their loss weighed by their time. */
static json_t *point_json(const struct sq_search_trial *const *t, size_t n)
{
	double *p99 = sq_alloc_n(n, sizeof(*p99)), lost = 0, seconds = 0, middle;
	size_t known = 0;

	for (size_t i = 0; i < n; i++) {
		double took = sq_seconds(t[i]->duration_ns);

		p99[known] = t[i]->p99_s;
		known += !isnan(t[i]->p99_s);
		lost += (isnan(t[i]->lost) ? 1 : t[i]->lost) * took;
		seconds += took;
	}
	middle = known ? sq_median(p99, known) : NAN;
	free(p99);
	return json_pack("{s:f, s:i, s:f, s:o, s:f}", "load_per_s", t[0]->load, "trials", (int)n,
			 "duration_s", seconds, "p99_s", sq_json_real(middle), "lost",
			 lost / seconds);
}

static json_t *curve_json(const struct sq_search *s)
{
	const struct sq_search_trial **t = sq_alloc_n(s->n + 1, sizeof(struct sq_search_trial *));
	json_t *list = json_array();

	for (size_t i = 0; i < s->n; i++)
		t[i] = &s->trials[i];
	qsort(t, s->n, sizeof(struct sq_search_trial *), by_load);
	for (size_t i = 0, n; i < s->n; i += n) {
		for (n = 1; i + n < s->n && t[i + n]->load == t[i]->load; n++)
			;
		json_array_append_new(list, point_json(t + i, n));
	}
	free(t);
	return list;
}

json_t *sq_search_json(const struct sq_search *s)
{
	const char *name = json_string_value(json_object_get(s->scenario, "name"));
	json_t *goals = json_array(), *trials = json_array();
	bool ours = false;

	for (size_t i = 0; i < s->n_goals; i++) {
		json_array_append_new(goals, goal_json(s, i));
		ours = ours || sq_search_bound(s, i) == SQ_BOUND_GENERATOR;
	}
	for (size_t i = 0; i < s->n; i++)
		json_array_append_new(trials, trial_json(s, &s->trials[i]));
	return json_pack("{s:s, s:s?, s:s, s:f, s:b, s:{s:f, s:f, s:f, s:f, s:f}, s:o, s:o, s:o}",
			 "schema", "squall-search/1", "name", name, "load", s->load, "spent_s",
			 sq_seconds(sq_mlr_spent_ns(s->mlr)), "generator_limited", ours, "method",
			 "width", s->args->width / 100, "exceed_ratio", s->args->exceed / 100,
			 "initial_s", sq_seconds(s->args->initial), "final_s",
			 sq_seconds(s->args->final), "sum_s", sq_seconds(s->args->sum), "goals",
			 goals, "curve", curve_json(s), "trials", trials);
}

/* ---- the schema ---- */

#define NUMBER      "{\"type\": [\"number\", \"null\"]}"
#define SAID(words) "{\"type\": [\"number\", \"null\"], \"description\": \"" words "\"}"

json_t *sq_search_schema(void)
{
	/* clang-format off */
	static const char text[] =
		"{\"$schema\": \"http://json-schema.org/draft-07/schema#\", \"type\": \"object\","
		" \"required\": [\"schema\", \"name\", \"load\", \"spent_s\", \"generator_limited\", \"method\","
		"  \"goals\", \"curve\", \"trials\"],"
		" \"properties\": {\"schema\": {\"const\": \"squall-search/1\"},"
		"  \"name\": {\"type\": [\"string\", \"null\"]}, \"load\": {\"type\": \"string\"},"
		"  \"spent_s\": {\"type\": \"number\", \"description\": \"of all trials\"},"
		"  \"generator_limited\": {\"type\": \"boolean\", \"description\": \"what was found of a goal is not"
		" the server's limit\"},"
		"  \"method\": {\"type\": \"object\", \"description\": \"MLRsearch (RFC 9971); width is how far the upper"
		" bound may lie above the lower\", \"additionalProperties\": {\"type\": \"number\"}},"
		"  \"goals\": {\"type\": \"array\", \"items\": {\"type\": \"object\","
		"   \"required\": [\"goal\", \"capacity_per_s\", \"lower_per_s\", \"upper_per_s\","
		"    \"throughput_per_s\", \"lower_at_first_per_s\", \"confirmed\", \"regular\", \"bounded_by\","
		"    \"limited_by\"], \"properties\": {"
		"    \"goal\": {\"type\": \"string\"},"
		"    \"capacity_per_s\": " SAID("the lower bound, where it is confirmed and the upper one the target's") ","
		"    \"lower_per_s\": " SAID("the relevant lower bound") ","
		"    \"upper_per_s\": " SAID("the relevant upper bound") ","
		"    \"throughput_per_s\": " SAID("what got through at the lower bound: the conditional throughput") ","
		"    \"lower_at_first_per_s\": " SAID("the lower bound before it was tried again") ","
		"    \"confirmed\": {\"type\": \"boolean\", \"description\": \"it held again at the end\"},"
		"    \"regular\": {\"type\": \"boolean\", \"description\": \"there are both bounds, within the width\"},"
		"    \"bounded_by\": {\"enum\": [\"target\", \"generator\", \"range\", \"unknown\"]},"
		"    \"limited_by\": {\"type\": \"array\", \"items\": {\"type\": \"object\","
		"     \"required\": [\"what\", \"text\"], \"properties\": {\"what\": {\"enum\": [\"generator\", \"finding\","
		"      \"processor\", \"process\", \"queue\", \"range\", \"unknown\"]}, \"text\": {\"type\": \"string\"}}}}}}},"
		"  \"curve\": {\"type\": \"array\", \"description\": \"the trials at each load\", \"items\": {\"type\":"
		"   \"object\", \"required\": [\"load_per_s\", \"trials\", \"duration_s\", \"p99_s\", \"lost\"],"
		"   \"properties\": {\"p99_s\": " SAID("the median") "}}},"
		"  \"trials\": {\"type\": \"array\", \"items\": {\"type\": \"object\","
		"   \"required\": [\"load_per_s\", \"duration_s\", \"good\", \"generator_limited\", \"p99_s\","
		"    \"lost\", \"rest\", \"run\"], \"properties\": {"
		"    \"good\": {\"type\": \"array\", \"items\": {\"type\": \"boolean\"},"
		"     \"description\": \"for each goal\"},"
		"    \"p99_s\": " NUMBER ", \"lost\": " NUMBER ","
		"    \"rest\": {\"type\": [\"object\", \"null\"], \"description\": \"the wait before it; null: its world was"
		" made anew\", \"properties\": {\"took_s\": {\"type\": \"number\"}, \"at_rest\": {\"type\": \"boolean\"},"
		"     \"because\": {\"type\": [\"string\", \"null\"]}}}}}}}}";
	/* clang-format on */

	return json_loads(text, 0, NULL);
}
