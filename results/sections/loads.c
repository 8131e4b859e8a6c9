/* "loads": what each load asked for and how every one of its operations ended. */
#include <math.h>
#include <stdlib.h>

#include "base/json.h"
#include "base/mem.h"
#include "results/draw.h"
#include "results/section.h"

static json_t *effort_json(const struct sq_load_rec *l, const struct sq_outcome_rec *o)
{
	json_t *effort = json_object();

	for (size_t i = 0; i < l->n_efforts; i++)
		json_object_set_new(effort, l->efforts[i],
				    json_integer(o ? (json_int_t)o->effort[i] : 0));
	return effort;
}

/* NULL for an outcome of which nothing more was ever said; else the sum is its count. */
static json_t *details_json(const struct sq_outcome_rec *o)
{
	uint64_t silent = o->count - sq_details_sum(&o->details);
	json_t *details;

	if (silent == o->count)
		return NULL;
	details = sq_details_to_json(&o->details);
	if (silent)
		json_object_set_new(details, "", json_integer((json_int_t)silent));
	return details;
}

static json_t *outcome_json(const struct sq_load_rec *l, const struct sq_outcome_rec *o)
{
	return json_pack("{s:s, s:s, s:s, s:I, s:f, s:f, s:o, s:O, s:o*}", "code", o->code, "class",
			 sq_class_name(o->class), "phase", o->phase, "count", (json_int_t)o->count,
			 "first_s", (double)o->first_ns / 1e9, "last_s", (double)o->last_ns / 1e9,
			 "effort", effort_json(l, o), "exemplars", o->exemplars, "details",
			 details_json(o));
}

/* A success has a row even when there was none: a reader need not ask whether it is there. */
static json_t *outcomes_json(const struct sq_load_rec *l)
{
	json_t *rows = json_array();

	if (sq_load_count_class(l, SQ_CLASS_OK) == 0)
		json_array_append_new(rows, json_pack("{s:s, s:s, s:s, s:i, s:n, s:n, s:o, s:[]}",
						      "code", "ok", "class", "ok", "phase", "",
						      "count", 0, "first_s", "last_s", "effort",
						      effort_json(l, NULL), "exemplars"));
	for (size_t i = 0; i < l->n_outcomes; i++)
		json_array_append_new(rows, outcome_json(l, &l->outcomes[i]));
	return rows;
}

static json_t *rate_json(const struct sq_load_rec *l)
{
	double seconds = sq_load_seconds(l);

	return json_pack("{s:o, s:o, s:o}", "scheduled_per_s",
			 sq_json_real((double)(l->scheduled - l->warmup_scheduled) / seconds),
			 "sent_per_s", sq_json_real((double)l->sent / seconds), "ok_per_s",
			 sq_json_real((double)sq_hist_count(l->from_due) / seconds));
}

static json_t *phases_json(const struct sq_load_rec *l)
{
	json_t *rows = json_array();

	for (size_t i = 0; i < l->n_phases; i++)
		json_array_append_new(rows,
				      json_pack("{s:s, s:o}", "name", l->phases[i].name, "latency",
						sq_hist_summary(l->phases[i].latency)));
	return rows;
}

static json_t *seconds_json(int64_t ns)
{
	return ns < 0 ? json_null() : json_real((double)ns / 1e9);
}

static json_t *lag_json(const struct sq_load_rec *l)
{
	return json_pack("{s:o, s:o, s:o}", "p50_s", seconds_json(sq_hist_percentile(l->lag, 50)),
			 "p99_s", seconds_json(sq_hist_percentile(l->lag, 99)), "max_s",
			 seconds_json(sq_hist_max(l->lag)));
}

/* Null for a load that has no bursts, or so many that they are not timed. */
static json_t *emission_json(const struct sq_load_rec *l)
{
	if (!l->emission)
		return json_null();
	return json_pack("{s:I, s:o, s:o, s:o}", "bursts", (json_int_t)sq_hist_count(l->emission),
			 "p50_s", seconds_json(sq_hist_percentile(l->emission, 50)), "p99_s",
			 seconds_json(sq_hist_percentile(l->emission, 99)), "max_s",
			 seconds_json(sq_hist_max(l->emission)));
}

static json_t *bytes_json(int64_t bytes)
{
	return bytes < 0 ? json_null() : json_integer(bytes);
}

static json_t *generator_json(const struct sq_load_rec *l)
{
	double ok = (double)sq_load_count_class(l, SQ_CLASS_OK);

	return json_pack("{s:o, s:o, s:o, s:o}", "cpu_s", sq_json_real(l->cpu_s), "cpu_us_per_ok",
			 sq_json_real(ok > 0 ? l->cpu_s * 1e6 / ok : NAN), "start_rss_bytes",
			 bytes_json(l->start_rss_bytes), "peak_rss_bytes",
			 bytes_json(l->peak_rss_bytes));
}

/* The series of every outcome that fits, each under its name. */
static json_t *kinds_json(const struct sq_load_rec *l, const struct sq_axis *axis, bool failures)
{
	json_t *kinds = json_object();

	for (size_t i = 0; i < l->n_outcomes; i++) {
		const struct sq_outcome_rec *o = &l->outcomes[i];
		const uint64_t *series = o->series;
		char *name;

		if (o->class == SQ_CLASS_OK || sq_class_is_failure(o->class) != failures)
			continue;
		name = failures ? sq_draw_failure(o->code, o->phase)
				: sq_printf_dup("%s%s%s", o->code, *o->phase ? "@" : "", o->phase);
		json_object_set_new(kinds, name, sq_draw_counts(&series, 1, axis));
		free(name);
	}
	return kinds;
}

static json_t *ok_series_json(const struct sq_load_rec *l, const struct sq_axis *axis)
{
	const uint64_t **series = sq_alloc_n(l->n_outcomes, sizeof(*series));
	size_t n = 0;
	json_t *points;

	for (size_t i = 0; i < l->n_outcomes; i++)
		if (l->outcomes[i].class == SQ_CLASS_OK)
			series[n++] = l->outcomes[i].series;
	points = sq_draw_counts(series, n, axis);
	free(series);
	return points;
}

static json_t *series_json(const struct sq_load_rec *l, const struct sq_axis *axis)
{
	const uint64_t *scheduled = l->scheduled_series, *sent = l->sent_series;
	json_t *series = json_object();

	sq_draw_axis(series, axis);
	json_object_set_new(series, "scheduled", sq_draw_counts(&scheduled, 1, axis));
	json_object_set_new(series, "sent", sq_draw_counts(&sent, 1, axis));
	json_object_set_new(series, "ok", ok_series_json(l, axis));
	json_object_set_new(series, "failed", kinds_json(l, axis, true));
	json_object_set_new(series, "other", kinds_json(l, axis, false));
	json_object_set_new(series, "p50_s", sq_draw_percentile(l->bin_latency, 50, axis));
	json_object_set_new(series, "p99_s", sq_draw_percentile(l->bin_latency, 99, axis));
	json_object_set_new(series, "lag_max_s", sq_draw_max(l->lag_max_s, axis));
	return series;
}

static json_t *counts_json(const struct sq_load_rec *l)
{
	json_t *counts = json_object();

	for (size_t i = 0; i < l->n_counts; i++)
		json_object_set_new(counts, l->counts[i].name,
				    json_integer((json_int_t)l->counts[i].n));
	return counts;
}

/* The first target's keys are the load's own. */
static json_t *more_targets_json(const struct sq_load_rec *l)
{
	json_t *more = json_array();

	for (size_t i = 1; i < l->n_targets; i++)
		json_array_append_new(more,
				      json_pack("{s:s, s:s?, s:s?}", "target", l->targets[i].target,
						"address", l->targets[i].address, "server",
						l->targets[i].server));
	return more;
}

static json_t *load_json(const struct sq_load_rec *l, const struct sq_axis *axis)
{
	return json_pack(
		"{s:s, s:s, s:s, s:s?, s:s, s:s?, s:o, s:s?, s:I, s:i, s:i, s:o, s:o, s:o, s:o, s:o, s:I, s:I, s:o, s:o,"
		" s:o, s:{s:o, s:o}, s:o, s:o, s:o, s:o, s:o}",
		"name", l->name, "driver", l->driver, "target", l->targets[0].target, "address",
		l->targets[0].address, "from", l->from, "server", l->targets[0].server,
		"more_targets", more_targets_json(l), "source", l->source, "sources",
		(json_int_t)l->sources, "threads", (int)l->threads, "workers", (int)l->workers,
		"at_s", seconds_json(l->at_ns), "duration_s", seconds_json(l->duration_ns),
		"warmup_s", seconds_json(l->warmup_ns), "timeout_s", seconds_json(l->timeout_ns),
		"tick_s", seconds_json(l->tick_ns), "scheduled", (json_int_t)l->scheduled,
		"warmup_scheduled", (json_int_t)l->warmup_scheduled, "outcomes", outcomes_json(l),
		"counts", counts_json(l), "rate", rate_json(l), "latency", "from_due",
		sq_hist_summary(l->from_due), "from_send", sq_hist_summary(l->from_send), "phases",
		phases_json(l), "lag", lag_json(l), "emission", emission_json(l), "generator",
		generator_json(l), "series", series_json(l, axis));
}

static json_t *loads_json(const struct sq_run *run)
{
	json_t *rows = json_array();

	for (size_t i = 0; i < run->n_loads; i++)
		json_array_append_new(rows, load_json(&run->loads[i], &run->axis));
	return rows;
}

#define COUNTS "{\"type\": \"array\", \"maxItems\": 2000, \"items\": {\"type\": \"integer\"}}"

static const char schema[] =
	"{\"type\": \"array\", \"items\": {\"type\": \"object\","
	" \"required\": [\"name\", \"driver\", \"target\", \"threads\", \"scheduled\", \"outcomes\","
	"  \"rate\", \"latency\", \"phases\", \"lag\", \"emission\", \"generator\","
	"  \"series\"],"
	" \"properties\": {"
	"  \"name\": {\"type\": \"string\"}, \"driver\": {\"type\": \"string\"},"
	"  \"target\": {\"type\": \"string\"},"
	"  \"address\": {\"type\": [\"string\", \"null\"], \"description\": \"of its target\"},"
	"  \"from\": {\"type\": \"string\", \"description\": \"the host that made it\"},"
	"  \"server\": {\"type\": [\"string\", \"null\"],"
	"   \"description\": \"the host that its target stands on; null: not one of the scenario's\"},"
	"  \"source\": {\"type\": [\"string\", \"null\"],"
	"   \"description\": \"the addresses it came from; null: the kernel's choice\"},"
	"  \"sources\": {\"type\": \"integer\", \"description\": \"how many addresses these are\"},"
	"  \"more_targets\": {\"type\": \"array\","
	"   \"description\": \"that took turns with target, each with its address and server\","
	"   \"items\": {\"type\": \"object\", \"required\": [\"target\"], \"properties\": {"
	"    \"target\": {\"type\": \"string\"},"
	"    \"address\": {\"type\": [\"string\", \"null\"]},"
	"    \"server\": {\"type\": [\"string\", \"null\"]}}}},"
	"  \"threads\": {\"type\": \"integer\"},"
	"  \"workers\": {\"type\": \"integer\","
	"   \"description\": \"processes that shared the threads\"},"
	"  \"duration_s\": {\"type\": \"number\", \"description\": \"as planned, or until it came to its"
	" count or its run was stopped\"},"
	"  \"tick_s\": {\"type\": \"number\", \"description\":"
	"   \"due times were rounded up to multiples of it; 0: not rounded\"},"
	"  \"scheduled\": {\"type\": \"integer\","
	"   \"description\": \"the sum of the outcomes' counts, exactly\"},"
	"  \"warmup_scheduled\": {\"type\": \"integer\","
	"   \"description\": \"of those, due in the warm-up: counted, but in no rate or latency\"},"
	"  \"outcomes\": {\"type\": \"array\", \"minItems\": 1, \"items\": {\"type\": \"object\","
	"   \"required\": [\"code\", \"class\", \"phase\", \"count\", \"first_s\", \"last_s\"],"
	"   \"properties\": {"
	"    \"code\": {\"type\": \"string\"},"
	"    \"class\": {\"enum\": [\"ok\", \"soft\", \"hard\", \"reset\", \"refused\","
	"     \"timeout\", \"local\", \"garbled\", \"canceled\", \"missed\"]},"
	"    \"phase\": {\"type\": \"string\"},"
	"    \"count\": {\"type\": \"integer\", \"minimum\": 0},"
	"    \"first_s\": {\"$ref\": \"#/definitions/seconds\"},"
	"    \"last_s\": {\"$ref\": \"#/definitions/seconds\"},"
	"    \"effort\": {\"type\": \"object\", \"additionalProperties\": {\"type\": \"integer\"},"
	"     \"description\": \"what these operations cost on the wire\"},"
	"    \"details\": {\"type\": \"object\", \"maxProperties\": 66,"
	"     \"additionalProperties\": {\"type\": \"integer\"}, \"description\":"
	"     \"what more was said, such as an SMTP reply's enhanced status, with how many had it;"
	" '': nothing, other: what exceeds 64 kinds; the sum is the count; absent: of none more was"
	" said\"},"
	"    \"exemplars\": {\"type\": \"array\", \"maxItems\": 20, \"items\":"
	"     {\"type\": \"object\", \"properties\": {"
	"      \"t_s\": {\"type\": \"number\", \"description\": \"when it was due\"},"
	"      \"took_s\": {\"type\": \"number\"}, \"lane\": {\"type\": \"integer\"},"
	"      \"local_port\": {\"type\": \"integer\", \"description\": \"0: none\"},"
	"      \"id\": {\"type\": \"integer\"}, \"detail\": {\"type\": \"string\","
	"       \"description\": \"what more its protocol said, such as an enhanced status\"}}}}}}},"
	"  \"counts\": {\"type\": \"object\", \"additionalProperties\": {\"type\": \"integer\"},"
	"   \"description\": \"what was seen beside operations, such as late replies\"},"
	"  \"rate\": {\"type\": \"object\","
	"   \"description\": \"over duration_s less the warm-up; null when that is nothing\","
	"   \"required\": [\"scheduled_per_s\", \"sent_per_s\", \"ok_per_s\"],"
	"   \"properties\": {\"scheduled_per_s\": {\"type\": [\"number\", \"null\"]},"
	"    \"sent_per_s\": {\"type\": [\"number\", \"null\"]},"
	"    \"ok_per_s\": {\"type\": [\"number\", \"null\"]}}},"
	"  \"latency\": {\"type\": \"object\", \"required\": [\"from_due\", \"from_send\"],"
	"   \"description\": \"of successes after the warm-up\","
	"   \"properties\": {\"from_due\": {\"$ref\": \"#/definitions/latency\"},"
	"    \"from_send\": {\"$ref\": \"#/definitions/latency\"}}},"
	"  \"phases\": {\"type\": \"array\", \"items\": {\"type\": \"object\","
	"   \"required\": [\"name\", \"latency\"], \"properties\": {"
	"    \"name\": {\"type\": \"string\"},"
	"    \"latency\": {\"$ref\": \"#/definitions/latency\"}}}},"
	"  \"lag\": {\"type\": \"object\", \"required\": [\"p50_s\", \"p99_s\", \"max_s\"],"
	"   \"description\": \"how late the generator was in starting operations\","
	"   \"additionalProperties\": {\"$ref\": \"#/definitions/seconds\"}},"
	"  \"emission\": {\"type\": [\"object\", \"null\"],"
	"   \"required\": [\"bursts\", \"p50_s\", \"p99_s\", \"max_s\"], \"description\":"
	"   \"how long bursts took, each from its first sending to its last over all threads; null:"
	" the load has none, or more than 1000 a second\","
	"   \"properties\": {\"bursts\": {\"type\": \"integer\"},"
	"    \"p50_s\": {\"type\": \"number\"}, \"p99_s\": {\"type\": \"number\"},"
	"    \"max_s\": {\"type\": \"number\"}}},"
	"  \"generator\": {\"type\": \"object\", \"properties\": {"
	"   \"cpu_s\": {\"type\": [\"number\", \"null\"]},"
	"   \"cpu_us_per_ok\": {\"type\": [\"number\", \"null\"]},"
	"   \"start_rss_bytes\": {\"type\": [\"integer\", \"null\"], \"description\":"
	"    \"of the processes that made it, when it began; what they share is counted in each\"},"
	"   \"peak_rss_bytes\": {\"type\": [\"integer\", \"null\"],"
	"    \"description\": \"of the same, at most\"}}},"
	"  \"series\": {\"type\": \"object\","
	"   \"description\": \"by due time; point i begins at start_s + i * bin_s from t0\","
	"   \"required\": [\"bin_s\", \"start_s\", \"scheduled\", \"sent\", \"ok\", \"failed\", \"p50_s\","
	"    \"p99_s\", \"lag_max_s\"],"
	"   \"properties\": {\"bin_s\": {\"type\": \"number\"}, \"start_s\": {\"type\": \"number\"},"
	"    \"scheduled\": " COUNTS ", \"ok\": " COUNTS ","
	"    \"sent\": {\"type\": \"array\", \"maxItems\": 2000, \"items\": {\"type\": \"integer\"},"
	"     \"description\": \"by the time at which they were sent, not by due time\"},"
	"    \"failed\": {\"type\": \"object\", \"additionalProperties\": " COUNTS "},"
	"    \"other\": {\"type\": \"object\", \"description\": \"canceled, missed\","
	"     \"additionalProperties\": " COUNTS "},"
	"    \"p50_s\": {\"$ref\": \"#/definitions/points\"},"
	"    \"p99_s\": {\"$ref\": \"#/definitions/points\"},"
	"    \"lag_max_s\": {\"$ref\": \"#/definitions/points\"}}}}}}";

const struct sq_section sq_section_loads = {
	.key = "loads",
	.order = 40,
	.schema = schema,
	.json = loads_json,
	.text = sq_draw_loads,
};
