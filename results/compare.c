/* Two sides, as JSON.  Settings are compared leaf by leaf, so that a key that is new in one of the two
 * versions of a program does not hide the others. */
#include "results/compare.h"

#include <stdio.h>
#include <string.h>

#include "base/json.h"
#include "results/draw.h"
#include "results/stats.h"

/* ---- settings ---- */

static json_t *or_null(const json_t *v)
{
	return v ? json_deep_copy(v) : json_null();
}

static void add_setting(json_t *list, const char *what, const json_t *a, const json_t *b)
{
	json_array_append_new(
		list, json_pack("{s:s, s:o, s:o}", "what", what, "a", or_null(a), "b", or_null(b)));
}

static bool is_inner(const json_t *v)
{
	return json_is_object(v) || json_is_array(v);
}

static void differ(json_t *list, const char *pointer, const json_t *a, const json_t *b);

static void differ_at(json_t *list, const char *parent, const char *key, const json_t *a,
		      const json_t *b)
{
	char pointer[512];

	sq_json_pointer_join(pointer, sizeof(pointer), parent, key);
	differ(list, pointer, a, b);
}

static void differ_object(json_t *list, const char *pointer, const json_t *a, const json_t *b)
{
	const char *key;
	json_t *value;

	json_object_foreach((json_t *)a, key, value)
		differ_at(list, pointer, key, value, json_object_get(b, key));
	json_object_foreach((json_t *)b, key, value)
		if (!json_object_get(a, key))
			differ_at(list, pointer, key, NULL, value);
}

static void differ_array(json_t *list, const char *pointer, const json_t *a, const json_t *b)
{
	size_t n = json_array_size(a), n_b = json_array_size(b);

	for (size_t i = 0; i < (n > n_b ? n : n_b); i++) {
		char number[24];

		snprintf(number, sizeof(number), "%zu", i);
		differ_at(list, pointer, number, json_array_get(a, i), json_array_get(b, i));
	}
}

static void differ(json_t *list, const char *pointer, const json_t *a, const json_t *b)
{
	/* A seed is another one in each run that names none. */
	if ((!a && !b) || strcmp(pointer, "/scenario/seed") == 0)
		return;
	if (json_is_object(a) && json_is_object(b))
		differ_object(list, pointer, a, b);
	else if (json_is_array(a) && json_is_array(b))
		differ_array(list, pointer, a, b);
	else if ((is_inner(a) && !b) || (is_inner(b) && !a))
		add_setting(list, pointer, a, b);
	else if (!json_equal((json_t *)a, (json_t *)b))
		add_setting(list, pointer, a, b);
}

static json_t *settings_json(const json_t *a, const json_t *b)
{
	static const char *const parts[] = { "squall", "scenario", "environment" };
	json_t *list = json_array();

	for (size_t i = 0; i < sizeof(parts) / sizeof(*parts); i++)
		differ_at(list, "", parts[i], json_object_get(a, parts[i]),
			  json_object_get(b, parts[i]));
	return list;
}

/* ---- measures ---- */

static json_t *measures_json(const struct sq_side_reports *a, const struct sq_side_reports *b)
{
	json_t *list = json_array(), *names = sq_report_all_measures(a->v[0]), *name;
	size_t i;

	json_array_foreach(names, i, name) {
		const char *metric = json_string_value(name);
		double x = sq_reports_median(a->v, a->n, metric);
		double y = sq_reports_median(b->v, b->n, metric);

		json_array_append_new(
			list,
			json_pack("{s:s, s:o, s:o, s:o}", "metric", metric, "a", sq_json_real(x),
				  "b", sq_json_real(y), "difference",
				  sq_json_real(sq_measure_is_share(metric) ? y - x : y / x - 1)));
	}
	json_decref(names);
	return list;
}

/* ---- what came or went: rows of both sides, told apart by some of their members ---- */

static json_t *row_of(json_t *rows, const json_t *item, const char *const *keys)
{
	json_t *row;
	size_t i;

	json_array_foreach(rows, i, row) {
		const char *const *key = keys;

		while (*key && json_equal(json_object_get(row, *key), json_object_get(item, *key)))
			key++;
		if (!*key)
			return row;
	}
	row = json_object();
	for (; *keys; keys++)
		json_object_set(row, *keys, json_object_get(item, *keys));
	json_array_append_new(rows, row);
	return row;
}

static void add_up(json_t *rows, const struct sq_side_reports *s, const char *side,
		   const char *section, const char *const *keys, const char *what)
{
	for (size_t i = 0; i < s->n; i++) {
		json_t *item;
		size_t k;

		json_array_foreach(json_object_get(s->v[i], section), k, item) {
			json_t *row = row_of(rows, item, keys);
			json_int_t sum = json_integer_value(json_object_get(row, side)) +
					 json_integer_value(json_object_get(item, what));

			json_object_set_new(row, side, json_integer(sum));
		}
	}
}

/* Of a side's runs; null: none of them has the row. */
static void settle_mean(json_t *row, const char *side, size_t runs)
{
	const json_t *sum = json_object_get(row, side);

	json_object_set_new(row, side,
			    sum ? json_real((double)json_integer_value(sum) / (double)runs)
				: json_null());
}

static json_t *came_and_went(const struct sq_side_reports *a, const struct sq_side_reports *b,
			     const char *section, const char *const *keys, const char *what)
{
	json_t *rows = json_array(), *row;
	size_t i;

	add_up(rows, a, "a", section, keys, what);
	add_up(rows, b, "b", section, keys, what);
	json_array_foreach(rows, i, row) {
		settle_mean(row, "a", a->n);
		settle_mean(row, "b", b->n);
	}
	return rows;
}

/* ---- the whole ---- */

json_t *sq_compare_schema(void)
{
	static const char text[] =
		"{\"$schema\": \"http://json-schema.org/draft-07/schema#\", \"type\": \"object\","
		" \"required\": [\"schema\", \"a\", \"b\", \"settings\", \"measures\", \"failures\","
		"  \"findings\", \"verdicts\", \"notes\"],"
		" \"definitions\": {\"side\": {\"type\": \"object\", \"required\": [\"label\", \"runs\"],"
		"   \"properties\": {\"label\": {\"type\": \"string\"},"
		"    \"runs\": {\"type\": \"array\", \"items\": {\"type\": \"string\"}}}},"
		"  \"number\": {\"type\": [\"number\", \"null\"]},"
		"  \"count\": {\"type\": [\"integer\", \"null\"]}},"
		" \"properties\": {\"schema\": {\"const\": \"squall-compare/1\"},"
		"  \"a\": {\"$ref\": \"#/definitions/side\"}, \"b\": {\"$ref\": \"#/definitions/side\"},"
		"  \"settings\": {\"type\": \"array\", \"items\": {\"type\": \"object\","
		"   \"required\": [\"what\", \"a\", \"b\"],"
		"   \"description\": \"null: does not stand there\"}},"
		"  \"measures\": {\"type\": \"array\", \"items\": {\"type\": \"object\","
		"   \"description\": \"medians; the difference is relative, of failures one of shares\","
		"   \"required\": [\"metric\", \"a\", \"b\", \"difference\"],"
		"   \"properties\": {\"metric\": {\"type\": \"string\"},"
		"    \"a\": {\"$ref\": \"#/definitions/number\"}, \"b\": {\"$ref\": \"#/definitions/number\"},"
		"    \"difference\": {\"$ref\": \"#/definitions/number\"}}}},"
		"  \"failures\": {\"type\": \"array\", \"items\": {\"type\": \"object\","
		"   \"description\": \"means of a side's runs; null: none of them has it\","
		"   \"required\": [\"load\", \"failure\", \"a\", \"b\"], \"properties\": {"
		"    \"a\": {\"$ref\": \"#/definitions/number\"}, \"b\": {\"$ref\": \"#/definitions/number\"}}}},"
		"  \"findings\": {\"type\": \"array\", \"items\": {\"type\": \"object\","
		"   \"description\": \"so many were explained, likewise\","
		"   \"required\": [\"load\", \"failure\", \"mechanism\", \"host\", \"a\", \"b\"],"
		"   \"properties\": {\"a\": {\"$ref\": \"#/definitions/number\"},"
		"    \"b\": {\"$ref\": \"#/definitions/number\"}}}},"
		"  \"verdicts\": {\"type\": \"array\", \"items\": {\"type\": \"object\","
		"   \"required\": [\"metric\", \"verdict\", \"shift\", \"interval\", \"p\", \"pairs\","
		"    \"unit\", \"more_pairs\"], \"properties\": {\"metric\": {\"type\": \"string\"},"
		"    \"verdict\": {\"enum\": [\"better\", \"worse\", \"equivalent\", \"undecided\"],"
		"     \"description\": \"of b against a\"},"
		"    \"shift\": {\"$ref\": \"#/definitions/number\"},"
		"    \"interval\": {\"type\": [\"array\", \"null\"], \"items\": {\"type\": \"number\"},"
		"     \"minItems\": 2, \"maxItems\": 2}, \"p\": {\"type\": \"number\"},"
		"    \"pairs\": {\"type\": \"integer\"}, \"unit\": {\"enum\": [\"pairs\", \"sessions\"]},"
		"    \"more_pairs\": {\"$ref\": \"#/definitions/count\"}}}},"
		"  \"notes\": {\"type\": \"array\", \"items\": {\"type\": \"string\"}}}}";

	return json_loads(text, 0, NULL);
}

static json_t *side_json(const struct sq_side_reports *s)
{
	json_t *runs = json_array();

	for (size_t i = 0; i < s->n; i++)
		json_array_append(runs, sq_json_pointer_get(s->v[i], "/run/id"));
	return json_pack("{s:s, s:o}", "label", s->label, "runs", runs);
}

static void note(json_t *notes, json_t *text)
{
	json_array_append_new(notes, text);
}

static void note_few(json_t *notes, size_t pairs, size_t tests, double alpha)
{
	size_t least = sq_least_pairs(tests, alpha);

	if (pairs < 2)
		note(notes, json_string("one run against one proves nothing: two runs of the same "
					"setting differ too; compare sets of runs, made in turns"));
	else if (pairs < least)
		note(notes,
		     json_sprintf("%zu pairs can give no p under %.3g, whatever they show: of %zu "
				  "measures nothing is better or worse under %zu pairs",
				  pairs, sq_signed_rank_least_p(pairs), tests, least));
}

static const char *start_of(const struct sq_side_reports *s, size_t i)
{
	const char *text = json_string_value(sq_json_pointer_get(s->v[i], "/run/started"));

	return text ? text : "";
}

/* Of texts like 2026-01-01T00:00:00Z. */
static bool all_before(const struct sq_side_reports *a, const struct sq_side_reports *b)
{
	for (size_t i = 0; i < a->n; i++)
		for (size_t k = 0; k < b->n; k++)
			if (strcmp(start_of(a, i), start_of(b, k)) >= 0)
				return false;
	return true;
}

static void note_order(json_t *notes, const struct sq_side_reports *a,
		       const struct sq_side_reports *b)
{
	if (a->n > 1 && b->n > 1 && (all_before(a, b) || all_before(b, a)))
		note(notes,
		     json_string("all runs of one side were made before those of the other: what "
				 "changed on the machine meanwhile looks like a difference; "
				 "make them in turns (squall tune, squall gate --against)"));
}

static void note_missed(json_t *notes, const struct sq_side_reports *s)
{
	size_t missed = 0;

	for (size_t i = 0; i < s->n; i++)
		missed += sq_report_missed(s->v[i]);
	if (missed > 0)
		note(notes,
		     json_sprintf("in %zu runs of %s the generator missed operations: their load "
				  "was not the one that was asked for",
				  missed, s->label));
}

static json_t *notes_json(const struct sq_side_reports *a, const struct sq_side_reports *b,
			  size_t pairs, size_t tests, double alpha)
{
	json_t *notes = json_array();

	note_few(notes, pairs, tests, alpha);
	if (a->n != b->n)
		note(notes, json_sprintf("%zu runs against %zu: only %zu have a partner", a->n,
					 b->n, pairs));
	note_order(notes, a, b);
	note_missed(notes, a);
	note_missed(notes, b);
	return notes;
}

json_t *sq_compare(const struct sq_side_reports *a, const struct sq_side_reports *b,
		   const json_t *gates, const struct sq_judging *how)
{
	static const char *const failure[] = { "load", "failure", NULL };
	static const char *const finding[] = { "load", "failure", "mechanism", "host", NULL };
	size_t pairs = a->n < b->n ? a->n : b->n;
	json_t *names = gates ? json_deep_copy(gates) : sq_report_measures(a->v[0]);
	json_t *comparison = json_pack(
		"{s:s, s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:o}", "schema", "squall-compare/1", "a",
		side_json(a), "b", side_json(b), "settings", settings_json(a->v[0], b->v[0]),
		"measures", measures_json(a, b), "failures",
		came_and_went(a, b, "account", failure, "count"), "findings",
		came_and_went(a, b, "findings", finding, "explained"), "verdicts",
		pairs > 1 ? sq_verdicts(a->v, b->v, pairs, names, how) : json_array(), "notes",
		notes_json(a, b, pairs,
			   json_array_size(names) * (how->families ? how->families : 1),
			   how->alpha));

	json_decref(names);
	return comparison;
}
