/* A scenario's variant as a side.  What a reader would get wrong: a program is no line of shell, but a place takes only
 * these (cli/hands.h); so each of its words is quoted. */
#include <errno.h>
#include <stdlib.h>

#include "analyzers/places/far.h"
#include "base/json.h"
#include "base/mem.h"
#include "cli/sides.h"
#include "scenarios/variant.h"

static char *line_of(const struct sq_strings *argv)
{
	struct sq_buf line = { 0 };

	for (size_t i = 0; i < argv->n; i++) {
		if (i)
			sq_buf_puts(&line, " ");
		sq_far_quote(&line, argv->v[i]);
	}
	return line.data;
}

static char *argv_json(const struct sq_strings *argv)
{
	json_t *words = json_array();
	char *text;

	for (size_t i = 0; i < argv->n; i++)
		json_array_append_new(words, json_string(argv->v[i]));
	text = json_dumps(words, JSON_COMPACT);
	json_decref(words);
	return text;
}

static void add_commands(struct sq_variant *side, const struct sq_list *list, bool after,
			 const char *where)
{
	const struct sq_variant_command *c = list->v;

	for (size_t i = 0; i < list->n; i++) {
		char *text = c[i].host ? argv_json(&c[i].argv) : line_of(&c[i].argv);

		sq_deeds_add(c[i].host ? &side->programs
			     : after   ? &side->after
				       : &side->before,
			     c[i].host ? c[i].host : where, NULL, text);
		free(text);
	}
}

static void add_labels(struct sq_variant *side, const struct sq_list *list, const char *where)
{
	const struct sq_variant_label *l = list->v;

	for (size_t i = 0; i < list->n; i++) {
		char *line = l[i].text ? NULL : line_of(&l[i].argv);

		if (line)
			sq_deeds_add(&side->tellers, where, l[i].name, line);
		else
			sq_deeds_add(&side->labels, NULL, l[i].name, l[i].text);
		free(line);
	}
}

static void add_pairs(struct sq_variant *side, const struct sq_variant_spec *v)
{
	for (size_t i = 0; i < v->set.n; i++) {
		char *set = sq_printf_dup("%s=%s", v->set.v[i].key, v->set.v[i].value);

		sq_strings_add(&side->set, set);
		free(set);
	}
	for (size_t i = 0; i < v->machine.n; i++)
		sq_deeds_add(&side->settings, v->where, v->machine.v[i].key, v->machine.v[i].value);
}

int sq_sides_add_variant(struct sq_sides *s, const json_t *scenario, const char *name,
			 struct sq_err *err)
{
	const json_t *variants = json_object_get(scenario, "variants");
	const json_t *object = json_object_get(variants, name);
	struct sq_opt_ctx ctx = { .file = "" };
	struct sq_variant_spec v;
	struct sq_variant *side;
	char pointer[256];
	int rc;

	if (!object)
		return sq_err_set(err, -ENOENT, name,
				  "the scenario has no variant of that name; name one of its "
				  "\"variants\"");
	sq_json_pointer_join(pointer, sizeof(pointer), "/variants", name);
	rc = sq_opt_parse(&ctx, sq_variant_opts, object, pointer, &v, err);
	if (rc < 0)
		return rc;
	side = sq_sides_add(s, name, NULL);
	add_pairs(side, &v);
	add_commands(side, &v.before, false, v.where);
	add_commands(side, &v.after, true, v.where);
	add_labels(side, &v.labels, v.where);
	side->runs = v.where || side->before.n || side->after.n || side->programs.n ||
		     side->tellers.n;
	sq_opt_fini(sq_variant_opts, &v);
	return 0;
}
