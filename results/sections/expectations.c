/* "expectations": what the scenario expects, and whether it held.  One that could not be measured
 * is null: it neither held nor failed, and never passes. */
#include <stdlib.h>

#include "base/mem.h"
#include "results/draw.h"
#include "results/section.h"

enum { HELD_SHOWN = 5 };

static json_t *expectations_json(const struct sq_run *run)
{
	return run->expectations ? json_incref(run->expectations) : json_array();
}

static void draw_value(const json_t *value, struct sq_buf *out)
{
	char *text;

	if (json_is_number(value)) {
		sq_buf_printf(out, "%.6g", json_number_value(value));
		return;
	}
	text = json_dumps(value, JSON_ENCODE_ANY | JSON_COMPACT);
	sq_buf_puts(out, text ? text : "?");
	free(text);
}

static void draw_one(const json_t *e, struct sq_buf *out, int width)
{
	const json_t *held = json_object_get(e, "held");
	const char *because = sq_draw_text(e, "because"), *mark = "? ";
	struct sq_buf line = { 0 };

	sq_buf_puts(&line, sq_draw_text(e, "text"));
	if (json_is_true(held)) {
		mark = "\u2713 ";
		sq_buf_puts(&line, " (");
		draw_value(json_object_get(e, "value"), &line);
		sq_buf_puts(&line, ")");
	} else if (json_is_false(held)) {
		mark = "\u2717 ";
		sq_buf_puts(&line, " \u2014 failed: ");
		if (*because)
			sq_buf_puts(&line, because);
		else
			draw_value(json_object_get(e, "value"), &line);
	} else {
		sq_buf_printf(&line, " \u2014 not measured%s%s", *because ? ": " : "", because);
	}
	sq_draw_wrap(out, width, mark, line.data);
	sq_buf_fini(&line);
}

/* Those that did not hold are all told; of many that did, how many. */
static void expectations_text(const json_t *report, struct sq_buf *out, int width)
{
	const json_t *rows = json_object_get(report, "expectations"), *e;
	size_t i, held = 0;

	json_array_foreach(rows, i, e)
		held += json_is_true(json_object_get(e, "held"));
	if (held > HELD_SHOWN)
		sq_buf_printf(out, "\u2713 %zu expectations held\n", held);
	json_array_foreach(rows, i, e)
		if (held <= HELD_SHOWN || !json_is_true(json_object_get(e, "held")))
			draw_one(e, out, width);
}

const struct sq_section sq_section_expectations = {
	.key = "expectations",
	.order = 90,
	.schema = "{\"type\": \"array\", \"items\": {\"type\": \"object\","
		  " \"required\": [\"text\", \"held\", \"value\"],"
		  " \"properties\": {\"text\": {\"type\": \"string\"},"
		  "  \"held\": {\"type\": [\"boolean\", \"null\"],"
		  "   \"description\": \"null: not measured\"},"
		  "  \"value\": {\"description\": \"of the left side; null: not measured\"},"
		  "  \"because\": {\"type\": [\"string\", \"null\"]}}}}",
	.json = expectations_json,
	.text = expectations_text,
};
