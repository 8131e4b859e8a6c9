/* "events": what happened beside load and counters: a server died, a signal came, a file was cut. */
#include <stdlib.h>

#include "base/mem.h"
#include "results/draw.h"
#include "results/section.h"

enum { EVENTS_SHOWN = 5 };

static json_t *events_json(const struct sq_run *run)
{
	json_t *rows = json_array();

	for (size_t i = 0; i < run->n_events; i++) {
		const struct sq_event_rec *e = &run->events[i];

		json_array_append_new(rows, json_pack("{s:f, s:s, s:s, s:s}", "t_s",
						      (double)e->t_ns / 1e9, "host", e->host,
						      "source", e->source, "text", e->text));
	}
	return rows;
}

static void events_text(const json_t *report, struct sq_buf *out, int width)
{
	const json_t *events = json_object_get(report, "events"), *e;
	size_t i;

	json_array_foreach(events, i, e) {
		const char *host = sq_draw_text(e, "host");
		char *lead, *text;

		if (i >= EVENTS_SHOWN)
			break;
		lead = sq_printf_dup("at %.3f s, ", sq_draw_real(e, "t_s"));
		text = sq_printf_dup("%s%s%s: %s", host, *host ? " " : "",
				     sq_draw_text(e, "source"), sq_draw_text(e, "text"));
		sq_draw_wrap(out, width, lead, text);
		free(lead);
		free(text);
	}
	if (json_array_size(events) > EVENTS_SHOWN)
		sq_buf_printf(out, "and %zu more events\n", json_array_size(events) - EVENTS_SHOWN);
}

const struct sq_section sq_section_events = {
	.key = "events",
	.order = 55,
	.schema = "{\"type\": \"array\", \"items\": {\"type\": \"object\","
		  " \"required\": [\"t_s\", \"host\", \"source\", \"text\"],"
		  " \"properties\": {\"t_s\": {\"type\": \"number\"},"
		  "  \"host\": {\"type\": \"string\", \"description\": \"empty: squall itself\"},"
		  "  \"source\": {\"type\": \"string\"}, \"text\": {\"type\": \"string\"}}}}",
	.json = events_json,
	.text = events_text,
};
