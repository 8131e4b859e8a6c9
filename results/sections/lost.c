/* "lost": what the scenario asks for that this run could not do. */
#include "results/draw.h"
#include "results/section.h"

static json_t *lost_json(const struct sq_run *run)
{
	return json_incref(run->lost);
}

static void lost_text(const json_t *report, struct sq_buf *out, int width)
{
	const json_t *lost = json_object_get(report, "lost"), *text;
	size_t i;

	json_array_foreach(lost, i, text)
		sq_draw_wrap(out, width, "not done: ", json_string_value(text));
}

const struct sq_section sq_section_lost = {
	.key = "lost",
	.order = 84,
	.schema = "{\"type\": \"array\", \"items\": {\"type\": \"string\"}}",
	.json = lost_json,
	.text = lost_text,
};
