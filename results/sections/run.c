/* "run": which run this was and how it ended. */
#include <string.h>

#include "base/json.h"
#include "results/draw.h"
#include "results/section.h"

static json_t *run_json(const struct sq_run *run)
{
	json_t *out = json_copy(run->meta);

	json_object_del(out, "squall"); /* stands at the top of the report */
	json_object_set_new(out, "duration_s", sq_json_real(run->duration_s));
	json_object_set_new(out, "outcome", json_string(run->outcome));
	json_object_set_new(out, "because", run->because ? json_string(run->because) : json_null());
	return out;
}

/* Completed is what everybody expects. */
static void run_text(const json_t *report, struct sq_buf *out, int width)
{
	const json_t *run = json_object_get(report, "run");
	const char *outcome = sq_draw_text(run, "outcome"), *because;
	struct sq_buf line = { 0 };

	if (strcmp(outcome, "completed") == 0)
		return;
	because = sq_draw_text(run, "because");
	sq_buf_printf(&line, "%s after %.1f s%s%s", outcome, sq_draw_real(run, "duration_s"),
		      *because ? ": " : "", because);
	sq_draw_wrap(out, width, "the run ", line.data);
	sq_buf_fini(&line);
}

const struct sq_section sq_section_run = {
	.key = "run",
	.order = 10,
	.schema = "{\"type\": \"object\","
		  " \"required\": [\"id\", \"name\", \"started\", \"duration_s\", \"outcome\","
		  "  \"argv\", \"seed\"],"
		  " \"properties\": {"
		  "  \"id\": {\"type\": \"string\"},"
		  "  \"name\": {\"type\": \"string\"},"
		  "  \"started\": {\"type\": \"string\", \"description\": \"UTC, ISO 8601\"},"
		  "  \"duration_s\": {\"type\": \"number\"},"
		  "  \"outcome\": {\"enum\": [\"completed\", \"stopped\", \"failed\"]},"
		  "  \"because\": {\"type\": [\"string\", \"null\"],"
		  "   \"description\": \"why it did not complete\"},"
		  "  \"argv\": {\"type\": \"array\", \"items\": {\"type\": \"string\"}},"
		  "  \"seed\": {\"type\": \"integer\"},"
		  "  \"authorized\": {\"type\": \"array\", \"items\": {\"type\": \"string\"},"
		  "   \"description\": \"address ranges opened by --authorize or the scenario\"}}}",
	.json = run_json,
	.text = run_text,
};
