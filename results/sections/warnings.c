/* "warnings": what the hosts that make the load have too little of, known before the run or seen in it. */
#include <math.h>
#include <stdlib.h>

#include "base/mem.h"
#include "results/draw.h"
#include "results/section.h"

static json_t *warnings_json(const struct sq_run *run)
{
	return run->warnings ? json_incref(run->warnings) : json_array();
}

static void warnings_text(const json_t *report, struct sq_buf *out, int width)
{
	const json_t *warnings = json_object_get(report, "warnings"), *w;
	size_t i;

	json_array_foreach(warnings, i, w) {
		double t_s = sq_draw_real(w, "t_s");
		char *lead = isfinite(t_s) ? sq_printf_dup("warning, at %.1f s: ", t_s)
					   : sq_strdup("warning: ");

		sq_draw_wrap(out, width, lead, sq_draw_text(w, "text"));
		free(lead);
	}
}

const struct sq_section sq_section_warnings = {
	.key = "warnings",
	.order = 83,
	.schema = "{\"type\": \"array\", \"items\": {\"type\": \"object\","
		  " \"required\": [\"t_s\", \"text\"], \"properties\": {"
		  "  \"t_s\": {\"type\": [\"number\", \"null\"],"
		  "   \"description\": \"when it was seen; null: known before the run\"},"
		  "  \"text\": {\"type\": \"string\"}}}}",
	.json = warnings_json,
	.text = warnings_text,
};
