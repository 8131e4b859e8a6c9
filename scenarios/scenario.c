/* Parsing a scenario: option tables do the keys, scenario_check.c what lies between keys. */
#include "scenarios/scenario.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/json.h"
#include "base/mem.h"
#include "scenarios/scenario_private.h"

int sq_scenario_apply_set(json_t *doc, const char *set, struct sq_err *err)
{
	const char *equals = strchr(set, '=');
	char *pointer;
	json_t *value;
	int rc;

	if (!equals || set[0] != '/')
		return sq_err_set(err, -EINVAL, "--set",
				  "expected POINTER=VALUE as in /load/0/threads=4, found \"%s\"",
				  set);
	pointer = sq_strdup(set);
	pointer[equals - set] = '\0';
	value = json_loads(equals + 1, JSON_DECODE_ANY | JSON_REJECT_DUPLICATES, NULL);
	if (!value)
		value = json_string(equals + 1);
	if (!value)
		rc = sq_err_set(err, -EINVAL, "--set", "the value is not UTF-8");
	else
		rc = sq_json_pointer_set(doc, pointer, value, err);
	free(pointer);
	return rc;
}

/* A report stands for the scenario that it holds. */
static const json_t *scenario_of(const json_t *doc)
{
	const char *schema = json_string_value(json_object_get(doc, "schema"));

	if (schema && strncmp(schema, "squall-run/", 11) == 0)
		return json_object_get(doc, "scenario");
	return doc;
}

struct sq_scenario *sq_scenario_parse(const struct sq_opt_ctx *ctx, const json_t *doc,
				      struct sq_err *err)
{
	struct sq_scenario *s = sq_alloc(sizeof(*s));

	if (sq_opt_parse(ctx, sq_scenario_opts, scenario_of(doc), "", s, err) < 0) {
		free(s);
		return NULL;
	}
	s->file = sq_strdup(ctx->file);
	s->has_world = s->world.hosts.n > 0;
	s->has_capture = s->capture.n > 0;
	if (sq_scenario_check(s, err) < 0)
		return sq_scenario_free(s);
	return s;
}

struct sq_scenario *sq_scenario_free(struct sq_scenario *s)
{
	if (s) {
		sq_opt_fini(sq_scenario_opts, s);
		free(s->file);
		free(s);
	}
	return NULL;
}

json_t *sq_scenario_echo(const struct sq_scenario *s)
{
	return sq_opt_echo(sq_scenario_opts, s);
}
