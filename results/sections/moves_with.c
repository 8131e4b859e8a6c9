/* "moves_with": counters that rose when failures that nothing explains did.  Where to look, never a
 * cause: a counter may follow from the failures, or both from a third. */
#include <stdlib.h>

#include "base/mem.h"
#include "results/draw.h"
#include "results/section.h"

enum { SHOWN = 3 };

static json_t *moves_with_json(const struct sq_run *run)
{
	json_t *rows = json_array();

	for (size_t i = 0; i < run->findings.n_movers; i++) {
		const struct sq_mover *m = &run->findings.movers[i];

		json_array_append_new(
			rows, json_pack("{s:s, s:s, s:s, s:s, s:s?, s:f, s:f, s:f, s:f}", "load",
					m->load, "failure", m->failure, "host", m->host, "metric",
					m->metric, "instance", m->instance, "lag_s", m->lag_s, "r",
					m->r, "p", m->p, "q", m->q));
	}
	return rows;
}

static void moves_with_text(const json_t *report, struct sq_buf *out, int width)
{
	const json_t *rows = json_object_get(report, "moves_with"), *m;
	size_t n = json_array_size(rows), i;

	json_array_foreach(rows, i, m) {
		const char *instance = sq_draw_text(m, "instance");
		char *text;

		if (i >= SHOWN)
			break;
		text = sq_printf_dup("%s of %s, unexplained, moves with %s%s%s on %s (r %.2f, lag "
				     "%.3g s, q %.2g): no cause by itself",
				     sq_draw_text(m, "failure"), sq_draw_text(m, "load"),
				     sq_draw_text(m, "metric"), *instance ? " of " : "", instance,
				     sq_draw_text(m, "host"), sq_draw_real(m, "r"),
				     sq_draw_real(m, "lag_s"), sq_draw_real(m, "q"));
		sq_draw_wrap(out, width, "  ", text);
		free(text);
	}
	if (n > SHOWN)
		sq_buf_printf(out, "  and with %zu more counters, in the report\n", n - SHOWN);
}

const struct sq_section sq_section_moves_with = {
	.key = "moves_with",
	.order = 75,
	.schema =
		"{\"type\": \"array\", \"description\": \"counters that rose when failures did that"
		" nothing explains: where to look, never a cause\", \"items\": {\"type\": \"object\","
		" \"required\": [\"load\", \"failure\", \"host\", \"metric\", \"instance\","
		"  \"lag_s\", \"r\", \"p\", \"q\"],"
		" \"properties\": {\"load\": {\"type\": \"string\"},"
		"  \"failure\": {\"type\": \"string\", \"description\": \"CODE@PHASE\"},"
		"  \"host\": {\"type\": \"string\"}, \"metric\": {\"type\": \"string\"},"
		"  \"instance\": {\"type\": [\"string\", \"null\"]},"
		"  \"lag_s\": {\"type\": \"number\","
		"   \"description\": \"so long after the failures' due times\"},"
		"  \"r\": {\"type\": \"number\", \"description\":"
		"   \"correlation, what follows the load's arrivals taken out of both\"},"
		"  \"p\": {\"type\": \"number\", \"description\":"
		"   \"share of circular shifts that do as well; not below lags looked at over bins\"},"
		"  \"q\": {\"type\": \"number\", \"description\":"
		"   \"over all pairs, by Benjamini and Hochberg; at most 0.05 here\"}}}}",
	.json = moves_with_json,
	.text = moves_with_text,
};
