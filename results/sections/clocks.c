/* "clocks": how far the times of machines that the run did not run on may be off.  Counters of its own
 * hosts are read by its own clock, and are not in here. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "results/draw.h"
#include "results/section.h"

static json_t *clocks_json(const struct sq_run *run)
{
	return json_incref(run->clocks);
}

static void draw_clock(const json_t *c, struct sq_buf *out, int width)
{
	bool known = json_is_number(json_object_get(c, "bound_s"));
	char bound[SQ_DRAW_DURATION], *text;

	sq_draw_seconds(bound, sq_draw_real(c, "bound_s"));
	text = known ? sq_printf_dup("counters of %s are dated within %s", sq_draw_text(c, "host"),
				     bound)
		     : sq_printf_dup(
			       "counters of %s are placed by its wall clock; how wrong that is, "
			       "nobody knows",
			       sq_draw_text(c, "host"));
	sq_draw_wrap(out, width, "", text);
	free(text);
}

static void clocks_text(const json_t *report, struct sq_buf *out, int width)
{
	const json_t *clocks = json_object_get(report, "clocks"), *c;
	size_t i;

	json_array_foreach(clocks, i, c)
		draw_clock(c, out, width);
}

const struct sq_section sq_section_clocks = {
	.key = "clocks",
	.order = 58,
	.schema =
		"{\"type\": \"array\", \"items\": {\"type\": \"object\","
		" \"required\": [\"host\", \"through\", \"how\", \"offset_s\", \"bound_s\", \"n\"],"
		" \"properties\": {\"host\": {\"type\": \"string\"},"
		"  \"through\": {\"type\": \"string\", \"description\": \"where, or a file\"},"
		"  \"how\": {\"enum\": [\"ping\", \"answer\", \"wall\"], \"description\":"
		"   \"its clock was asked; its answers were dated here; by both wall clocks\"},"
		"  \"offset_s\": {\"type\": [\"number\", \"null\"],"
		"   \"description\": \"its monotonic clock less ours\"},"
		"  \"bound_s\": {\"type\": [\"number\", \"null\"], \"description\":"
		"   \"the most that a time in its series is off by; null: not known\"},"
		"  \"n\": {\"type\": \"integer\", \"description\": \"how many answers it rests on\"}}}}",
	.json = clocks_json,
	.text = clocks_text,
};
