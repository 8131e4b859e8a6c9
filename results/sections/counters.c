/* "counters": every row that was read, on every host.  Those that never moved are told in one
 * number, the others with their series. */
#include <math.h>
#include <stdbool.h>

#include "results/draw.h"
#include "results/section.h"

static bool moved(const struct sq_metric_rec *m)
{
	return !isnan(m->delta) && (m->delta != 0 || m->min != m->max);
}

static json_t *counter_json(const struct sq_metric_rec *m, const struct sq_axis *axis)
{
	json_t *row = json_pack("{s:s, s:s, s:s, s:s, s:s, s:o}", "host", m->host, "source",
				m->source, "metric", m->metric, "kind",
				m->kind == SQ_GAUGE ? "gauge" : "counter", "unit", m->unit, "delta",
				sq_draw_number(m->delta));

	if (m->instance)
		json_object_set_new(row, "instance", json_string(m->instance));
	if (m->kind == SQ_GAUGE) {
		json_object_set_new(row, "first", sq_draw_number(m->first));
		json_object_set_new(row, "last", sq_draw_number(m->last));
		json_object_set_new(row, "min", sq_draw_number(m->min));
		json_object_set_new(row, "max", sq_draw_number(m->max));
	}
	if (m->restarted)
		json_object_set_new(row, "restarted", json_true());
	if (moved(m)) {
		sq_draw_axis(row, axis);
		json_object_set_new(row, "series", sq_draw_metric(m, axis));
	}
	return row;
}

static json_t *counters_json(const struct sq_run *run)
{
	json_t *rows = json_array();

	for (size_t i = 0; i < run->n_metrics; i++)
		json_array_append_new(rows, counter_json(&run->metrics[i], &run->axis));
	return rows;
}

static const char schema[] =
	"{\"type\": \"array\", \"items\": {\"type\": \"object\","
	" \"required\": [\"host\", \"source\", \"metric\", \"kind\", \"unit\", \"delta\"],"
	" \"properties\": {"
	"  \"host\": {\"type\": \"string\"}, \"source\": {\"type\": \"string\"},"
	"  \"metric\": {\"type\": \"string\"},"
	"  \"instance\": {\"type\": \"string\", \"description\": \"which one, of many\"},"
	"  \"kind\": {\"enum\": [\"counter\", \"gauge\"]}, \"unit\": {\"type\": \"string\"},"
	"  \"delta\": {\"type\": [\"number\", \"null\"],"
	"   \"description\": \"the rise from the first reading to the last; null: never read\"},"
	"  \"first\": {\"type\": [\"number\", \"null\"]}, \"last\": {\"type\": [\"number\", \"null\"]},"
	"  \"min\": {\"type\": [\"number\", \"null\"]}, \"max\": {\"type\": [\"number\", \"null\"]},"
	"  \"restarted\": {\"type\": \"boolean\","
	"   \"description\": \"it fell in mid-run; delta is the rise before and after together\"},"
	"  \"bin_s\": {\"type\": \"number\"}, \"start_s\": {\"type\": \"number\"},"
	"  \"series\": {\"$ref\": \"#/definitions/points\", \"description\":"
	"   \"only of a row that moved. Of a counter the rise since the reading before, of a gauge"
	" its value; null where none was read. A counter's points add up to delta.\"}}}}";

const struct sq_section sq_section_counters = {
	.key = "counters",
	.order = 50,
	.schema = schema,
	.json = counters_json,
};
