/* What was examined, for a person: what can't be had and what bites in sentences, all else in lists. */
#include <string.h>

#include "analyzers/doctor/doctor.h"
#include "results/draw.h"

static bool is(const json_t *row, const char *key, json_type type)
{
	const json_t *v = json_object_get(row, key);

	return v && json_typeof(v) == type;
}

/* The names of the rows whose answer is of that kind, on one line of at most so many columns. */
static void list_names(const json_t *rows, const char *key, json_type available, const char *lead,
		       struct sq_buf *out, int width)
{
	struct sq_buf names = { 0 };
	size_t i;
	json_t *row;

	json_array_foreach(rows, i, row)
		if (is(row, "available", available))
			sq_buf_printf(&names, "%s%s", names.len ? ", " : "",
				      sq_draw_text(row, key));
	if (names.len)
		sq_draw_wrap(out, width, lead, names.data);
	sq_buf_fini(&names);
}

/* Whether a row before it has the same answer for the same reason. */
static bool is_told(const json_t *rows, size_t at)
{
	const json_t *row = json_array_get(rows, at);

	for (size_t i = 0; i < at; i++) {
		const json_t *other = json_array_get(rows, i);

		if (json_equal(json_object_get(other, "available"),
			       json_object_get(row, "available")) &&
		    json_equal(json_object_get(other, "because"), json_object_get(row, "because")))
			return true;
	}
	return false;
}

/* A reason once, after the names of all that have it. */
static void list_reasons(const json_t *rows, const char *key, json_type available, const char *lead,
			 struct sq_buf *out, int width)
{
	struct sq_buf text = { 0 };

	for (size_t i = 0; i < json_array_size(rows); i++) {
		const json_t *row = json_array_get(rows, i);
		const char *because = sq_draw_text(row, "because");

		if (!is(row, "available", available) || is_told(rows, i))
			continue;
		sq_buf_reset(&text);
		sq_buf_puts(&text, sq_draw_text(row, key));
		for (size_t k = i + 1; k < json_array_size(rows); k++) {
			const json_t *other = json_array_get(rows, k);

			if (is(other, "available", available) &&
			    strcmp(sq_draw_text(other, "because"), because) == 0)
				sq_buf_printf(&text, ", %s", sq_draw_text(other, key));
		}
		sq_buf_printf(&text, ": %s", because);
		sq_draw_wrap(out, width, lead, text.data);
	}
	sq_buf_fini(&text);
}

static void draw_part(const json_t *rows, const char *title, const char *key, struct sq_buf *out,
		      int width)
{
	if (json_array_size(rows) == 0)
		return;
	sq_buf_printf(out, "%s\n", title);
	list_names(rows, key, JSON_TRUE, "  ✓ ", out, width);
	list_reasons(rows, key, JSON_FALSE, "  ✗ ", out, width);
	list_reasons(rows, key, JSON_NULL, "  ? ", out, width);
}

static void draw_biting(const json_t *limits, struct sq_buf *out, int width)
{
	struct sq_buf text = { 0 };
	size_t i;
	json_t *row;

	json_array_foreach(limits, i, row) {
		if (!json_is_true(json_object_get(row, "bites")))
			continue;
		sq_buf_reset(&text);
		sq_buf_printf(&text, "%s %s: %s", sq_draw_text(row, "limit"),
			      sq_draw_text(row, "value"), sq_draw_text(row, "because"));
		sq_draw_wrap(out, width, "  ", text.data);
		sq_draw_wrap(out, width, "    → ", sq_draw_text(row, "advice"));
	}
	sq_buf_fini(&text);
}

static void draw_harmless(const json_t *limits, struct sq_buf *out, int width)
{
	struct sq_buf text = { 0 };
	size_t i;
	json_t *row;

	json_array_foreach(limits, i, row)
		if (!json_is_true(json_object_get(row, "bites")))
			sq_buf_printf(&text, "%s%s %s", text.len ? ", " : "",
				      sq_draw_text(row, "limit"), sq_draw_text(row, "value"));
	if (text.len)
		sq_draw_wrap(out, width, "  wide enough: ", text.data);
	sq_buf_fini(&text);
}

void sq_doctor_text(const json_t *examined, struct sq_buf *out, int width)
{
	const json_t *environment = json_object_get(examined, "environment");
	const json_t *limits = json_object_get(examined, "limits");

	const char *model = sq_draw_text(environment, "cpu_model");

	sq_buf_printf(out, "Linux %s on %s, %d processors%s%s\n",
		      sq_draw_text(environment, "kernel"), sq_draw_text(environment, "machine"),
		      (int)json_integer_value(json_object_get(environment, "cpus")),
		      *model ? ", " : "", model);
	draw_part(json_object_get(examined, "sources"), "counters", "source", out, width);
	draw_part(json_object_get(examined, "abilities"), "runs", "ability", out, width);
	sq_buf_printf(out, "limits that will bite: %d\n",
		      (int)json_integer_value(json_object_get(examined, "bites")));
	draw_biting(limits, out, width);
	draw_harmless(limits, out, width);
}
