/* "account": of every kind of failure, how much is explained.  The findings that follow say by
 * what; explained and unexplained together are the count. */
#include <stdlib.h>

#include "base/mem.h"
#include "results/draw.h"
#include "results/section.h"

enum { UNEXPLAINED_SHOWN = 5 };

static json_t *account_json(const struct sq_run *run)
{
	json_t *rows = json_array();

	for (size_t i = 0; i < run->findings.n_accounts; i++) {
		const struct sq_account *a = &run->findings.accounts[i];

		json_array_append_new(rows, json_pack("{s:s, s:s, s:I, s:I, s:I}", "load", a->load,
						      "failure", a->failure, "count",
						      (json_int_t)a->count, "explained",
						      (json_int_t)a->explained, "unexplained",
						      (json_int_t)a->unexplained));
	}
	return rows;
}

static json_int_t sum(const json_t *rows, const char *key)
{
	const json_t *row;
	json_int_t n = 0;
	size_t i;

	json_array_foreach(rows, i, row)
		n += json_integer_value(json_object_get(row, key));
	return n;
}

static void draw_unexplained(const json_t *rows, struct sq_buf *out, int width)
{
	const json_t *row;
	size_t i, n = 0;

	json_array_foreach(rows, i, row) {
		json_int_t left = json_integer_value(json_object_get(row, "unexplained"));
		char *text;

		if (left == 0 || n++ >= UNEXPLAINED_SHOWN)
			continue;
		text = sq_printf_dup("%lld %s of %s: unexplained, no counter accounts for %s", left,
				     sq_draw_text(row, "failure"), sq_draw_text(row, "load"),
				     left == 1 ? "it" : "them");
		sq_draw_wrap(out, width, "  ", text);
		free(text);
	}
	if (n > UNEXPLAINED_SHOWN)
		sq_buf_printf(out, "  and %zu more kinds unexplained\n", n - UNEXPLAINED_SHOWN);
}

static void account_text(const json_t *report, struct sq_buf *out, int width)
{
	const json_t *rows = json_object_get(report, "account");
	json_int_t count = sum(rows, "count");

	if (count == 0)
		return;
	sq_buf_printf(out, "%lld of %lld failure%s explained\n", sum(rows, "explained"), count,
		      count == 1 ? "" : "s");
	draw_unexplained(rows, out, width);
}

const struct sq_section sq_section_account = {
	.key = "account",
	.order = 60,
	.schema = "{\"type\": \"array\","
		  " \"description\": \"explained + unexplained == count in each row\","
		  " \"items\": {\"type\": \"object\","
		  " \"required\": [\"load\", \"failure\", \"count\", \"explained\","
		  "  \"unexplained\"],"
		  " \"properties\": {\"load\": {\"type\": \"string\"},"
		  "  \"failure\": {\"type\": \"string\", \"description\": \"CODE@PHASE\"},"
		  "  \"count\": {\"type\": \"integer\"}, \"explained\": {\"type\": \"integer\"},"
		  "  \"unexplained\": {\"type\": \"integer\"}}}}",
	.json = account_json,
	.text = account_text,
};
