/* A scenario's way in and out: the document's choice (a report stands for the scenario in it), the
 * tables, the checks, the echo.
 *
 * What a reader would get wrong: a world counts as given by its key, not by its content, because a
 * table is laid in place and has no "unset". */
#include "scenarios/scenario.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/json.h"
#include "base/mem.h"
#include "scenarios/scenario_private.h"

static const char report_schema[] = "squall-run/";

void sq_scenario_place(const struct sq_scenario *s, const char *pointer, char out[SQ_PLACE_MAX])
{
	snprintf(out, SQ_PLACE_MAX, "%s%s%s", s->file, *s->file && *pointer ? ": " : "", pointer);
}

int sq_scenario_fail(const struct sq_scenario *s, const char *pointer, struct sq_err *err,
		     const char *fmt, ...)
{
	char where[SQ_PLACE_MAX], text[sizeof(err->text)];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	sq_scenario_place(s, pointer, where);
	return sq_err_set(err, -EINVAL, where, "%s", text);
}

static bool is_report(const json_t *doc)
{
	const char *schema = json_string_value(json_object_get(doc, "schema"));

	return schema && strncmp(schema, report_schema, strlen(report_schema)) == 0;
}

int sq_scenario_apply_set(json_t *doc, const char *set, struct sq_err *err)
{
	const char *equals = strchr(set, '=');
	json_t *body = is_report(doc) ? json_object_get(doc, "scenario") : doc;
	char where[SQ_PLACE_MAX], *pointer;
	json_t *value;
	int rc;

	snprintf(where, sizeof(where), "--set %.200s", set);
	if (!equals || *set != '/')
		return sq_err_set(err, -EINVAL, where,
				  "expected POINTER=VALUE, as in /load/0/threads=4");
	value = json_loads(equals + 1, JSON_DECODE_ANY | JSON_REJECT_DUPLICATES, NULL);
	if (!value)
		value = json_string(equals + 1);
	if (!value)
		return sq_err_set(err, -EINVAL, where, "the value is not UTF-8");
	pointer = strndup(set, (size_t)(equals - set));
	rc = sq_json_pointer_set(body, pointer, value, err);
	if (rc < 0 && err)
		sq_err_set(err, rc, where, "%s", err->text);
	free(pointer);
	return rc;
}

/* A load without a name is called as its driver. */
static void name_loads(struct sq_scenario *s)
{
	for (size_t i = 0; i < s->load.n; i++) {
		struct sq_load_spec *load = sq_scenario_load(s, i);

		if (!load->name)
			load->name = sq_strdup(load->driver.kind->name);
	}
}

struct sq_scenario *sq_scenario_parse(const struct sq_opt_ctx *ctx, const json_t *doc,
				      struct sq_err *err)
{
	struct sq_scenario *s = sq_alloc(sizeof(*s));
	struct sq_opt_ctx own = *ctx;
	const char *file = ctx->file ? ctx->file : "";

	if (is_report(doc)) {
		s->file = sq_printf_dup("%s (its scenario)", file);
		doc = json_object_get(doc, "scenario");
	} else {
		s->file = sq_strdup(file);
	}
	own.file = s->file;
	if (!doc) {
		sq_err_set(err, -EINVAL, file, "the report holds no scenario; give another file");
		return sq_scenario_free(s);
	}
	if (sq_opt_parse(&own, sq_scenario_opts, doc, "", s, err) < 0)
		return sq_scenario_free(s);
	s->has_world = json_object_get(doc, "world") != NULL;
	s->has_capture = json_object_get(doc, "capture") != NULL;
	name_loads(s);
	if (sq_scenario_check(s, err) < 0)
		return sq_scenario_free(s);
	return s;
}

struct sq_scenario *sq_scenario_free(struct sq_scenario *s)
{
	if (!s)
		return NULL;
	sq_opt_fini(sq_scenario_opts, s);
	free(s->file);
	free(s);
	return NULL;
}

json_t *sq_scenario_echo(const struct sq_scenario *s)
{
	json_t *echo = sq_opt_echo(sq_scenario_opts, s);

	/* An empty list says "read nothing", its absence "read the default". */
	if (s->has_capture && !s->capture.n)
		json_object_set_new(echo, "capture", json_array());
	return echo;
}
