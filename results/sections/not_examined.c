/* "not_examined": mechanisms that could not be looked at, and why. */
#include <stdbool.h>
#include <stdlib.h>

#include "base/mem.h"
#include "results/draw.h"
#include "results/section.h"

enum { SHOWN = 4 };

static json_t *not_examined_json(const struct sq_run *run)
{
	json_t *rows = json_array();

	for (size_t i = 0; i < run->findings.n_not_examined; i++) {
		const struct sq_not_examined *n = &run->findings.not_examined[i];

		json_array_append_new(rows, json_pack("{s:s, s:s?, s:s}", "mechanism", n->mechanism,
						      "host", n->host, "because",
						      n->because ? n->because : ""));
	}
	return rows;
}

static bool any_unexplained(const json_t *report)
{
	const json_t *rows = json_object_get(report, "account"), *row;
	size_t i;

	json_array_foreach(rows, i, row)
		if (json_integer_value(json_object_get(row, "unexplained")))
			return true;
	return false;
}

/* Where all is explained, or nothing failed, nobody needs what was not looked at. */
static void not_examined_text(const json_t *report, struct sq_buf *out, int width)
{
	const json_t *rows = json_object_get(report, "not_examined"), *row;
	size_t i;

	if (!any_unexplained(report))
		return;
	json_array_foreach(rows, i, row) {
		const char *host = sq_draw_text(row, "host");
		char *text;

		if (i >= SHOWN)
			break;
		text = sq_printf_dup("%s%s%s: %s", sq_draw_text(row, "mechanism"),
				     *host ? " on " : "", host, sq_draw_text(row, "because"));
		sq_draw_wrap(out, width, "not examined: ", text);
		free(text);
	}
	if (json_array_size(rows) > SHOWN)
		sq_buf_printf(out, "not examined: %zu more, in the report\n",
			      json_array_size(rows) - SHOWN);
}

const struct sq_section sq_section_not_examined = {
	.key = "not_examined",
	.order = 80,
	.schema = "{\"type\": \"array\", \"items\": {\"type\": \"object\","
		  " \"required\": [\"mechanism\", \"host\", \"because\"],"
		  " \"properties\": {\"mechanism\": {\"type\": \"string\"},"
		  "  \"host\": {\"type\": [\"string\", \"null\"]},"
		  "  \"because\": {\"type\": \"string\"}}}}",
	.json = not_examined_json,
	.text = not_examined_text,
};
