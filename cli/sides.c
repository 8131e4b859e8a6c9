/* Which values stand beside which. */
#include "cli/sides.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/json.h"
#include "base/mem.h"
#include "base/sysctl.h"

struct factors {
	struct sq_factor *v;
	size_t n, cap;
	const char *
		*names; /* as the user wrote them, "net.core.somaxconn"; borrowed text up to "=" */
	size_t cap_names;
};

static void factors_fini(struct factors *f)
{
	for (size_t i = 0; i < f->n; i++) {
		free(f->v[i].pointer);
		sq_strings_fini(&f->v[i].values);
	}
	free(f->v);
	free(f->names);
}

/* The host that the scenario's target stands on, borrowed; NULL: none of its world. */
static const char *target_host(const json_t *scenario, char *name, size_t size)
{
	const json_t *target = json_object_get(scenario, "target");
	const char *text, *colon;

	if (!json_is_string(target))
		target = sq_json_pointer_get(scenario, "/load/0/target");
	text = json_string_value(target);
	colon = text ? strrchr(text, ':') : NULL;
	if (!text)
		return NULL;
	snprintf(name, size, "%.*s", (int)(colon ? colon - text : (long)strlen(text)), text);
	return json_object_get(sq_json_pointer_get(scenario, "/world/hosts"), name) ? name : NULL;
}

static char *sysctl_pointer(const json_t *scenario, const char *host, const char *key,
			    struct sq_err *err)
{
	char name[256], part[512];

	if (sq_sysctl_is_global(key)) {
		sq_json_pointer_join(part, sizeof(part), "/world/sysctl", key);
		return sq_strdup(part);
	}
	if (!host)
		host = target_host(scenario, name, sizeof(name));
	if (!host || !json_object_get(sq_json_pointer_get(scenario, "/world/hosts"), host)) {
		sq_err_set(
			err, -EINVAL, "--sysctl",
			"%s is a setting of a host, and the scenario's world has no host \"%s\"; "
			"name one of it with --host",
			key, host ? host : "");
		return NULL;
	}
	sq_json_pointer_join(part, sizeof(part), "/world/hosts", host);
	snprintf(part + strlen(part), sizeof(part) - strlen(part), "/sysctl");
	sq_json_pointer_join(name, sizeof(name), "", key);
	return sq_printf_dup("%s%s", part, name);
}

static void split_values(const char *text, struct sq_strings *values)
{
	while (*text) {
		size_t len = strcspn(text, ",");
		char *value = sq_printf_dup("%.*s", (int)len, text);

		sq_strings_add(values, value);
		free(value);
		text += len + (text[len] == ',');
	}
}

static int add_factor(struct factors *f, const json_t *scenario, const char *option,
		      const char *text, const char *host, struct sq_err *err)
{
	const char *equals = strchr(text, '=');
	char *what = sq_printf_dup("%.*s", equals ? (int)(equals - text) : 0, text);
	struct sq_factor one = { 0 };
	int rc = 0;

	if (equals && equals > text)
		split_values(equals + 1, &one.values);
	if (one.values.n < 2)
		rc = sq_err_set(err, -EINVAL, option,
				"\"%s\": name what is varied and two values at least, as in "
				"net.core.somaxconn=128,1024",
				text);
	else if (strcmp(option, "--vary") == 0)
		one.pointer = sq_strdup(what);
	else
		one.pointer = sysctl_pointer(scenario, host, what, err);
	free(what);
	if (!one.pointer) {
		sq_strings_fini(&one.values);
		return rc < 0 ? rc : err->code;
	}
	f->names = sq_grow(f->names, f->n, &f->cap_names, sizeof(*f->names));
	f->v = sq_grow(f->v, f->n, &f->cap, sizeof(*f->v));
	f->names[f->n] = text;
	f->v[f->n++] = one;
	return 0;
}

void sq_sides_add(struct sq_sides *s, const char *label, const struct sq_strings *set)
{
	struct sq_variant *side;

	s->v = sq_grow(s->v, s->n, &s->cap, sizeof(*s->v));
	side = &s->v[s->n++];
	*side = (struct sq_variant){ .label = sq_strdup(label) };
	for (size_t i = 0; i < set->n; i++)
		sq_strings_add(&side->set, set->v[i]);
}

/* choice: of each factor which of its values. */
static void add_side(struct sq_sides *s, const struct factors *f, const size_t *choice)
{
	struct sq_strings sets = { 0 };
	struct sq_buf label = { 0 };

	for (size_t i = 0; i < f->n; i++) {
		const char *value = f->v[i].values.v[choice[i]];
		char *set = sq_printf_dup("%s=%s", f->v[i].pointer, value);

		sq_strings_add(&sets, set);
		free(set);
		sq_buf_printf(&label, "%s%.*s=%s", i ? " " : "", (int)strcspn(f->names[i], "="),
			      f->names[i], value);
	}
	sq_sides_add(s, label.data, &sets);
	sq_strings_fini(&sets);
	sq_buf_fini(&label);
}

/* On to the next combination; false after the last. */
static bool next_choice(const struct factors *f, size_t *choice)
{
	for (size_t i = f->n; i-- > 0;) {
		if (++choice[i] < f->v[i].values.n)
			return true;
		choice[i] = 0;
	}
	return false;
}

static void combine(struct sq_sides *s, const struct factors *f, bool factorial)
{
	size_t *choice = sq_alloc_n(f->n + 1, sizeof(*choice));

	do
		add_side(s, f, choice);
	while (factorial && s->n <= SQ_SIDES_MAX && next_choice(f, choice));
	for (size_t i = 0; !factorial && i < f->n; i++) {
		for (choice[i] = 1; choice[i] < f->v[i].values.n && s->n <= SQ_SIDES_MAX;
		     choice[i]++)
			add_side(s, f, choice);
		choice[i] = 0;
	}
	free(choice);
}

int sq_sides_make(const json_t *scenario, const struct sq_strings *sysctls,
		  const struct sq_strings *vary, const char *host, bool factorial,
		  struct sq_sides *ret, struct sq_err *err)
{
	struct factors f = { 0 };
	int rc = 0;

	*ret = (struct sq_sides){ 0 };
	for (size_t i = 0; rc == 0 && i < sysctls->n; i++)
		rc = add_factor(&f, scenario, "--sysctl", sysctls->v[i], host, err);
	for (size_t i = 0; rc == 0 && i < vary->n; i++)
		rc = add_factor(&f, scenario, "--vary", vary->v[i], host, err);
	if (rc == 0 && f.n == 0)
		rc = sq_err_set(err, -EINVAL, "",
				"nothing is varied; give --sysctl KEY=V1,V2 or --vary "
				"POINTER=V1,V2");
	if (rc == 0)
		combine(ret, &f, factorial);
	if (rc == 0 && ret->n > SQ_SIDES_MAX)
		rc = sq_err_set(err, -E2BIG, "", "more than %d sides; vary less at once",
				SQ_SIDES_MAX);
	factors_fini(&f);
	if (rc < 0)
		sq_sides_fini(ret);
	return rc;
}

void sq_sides_fini(struct sq_sides *s)
{
	for (size_t i = 0; i < s->n; i++) {
		free(s->v[i].label);
		sq_strings_fini(&s->v[i].set);
	}
	free(s->v);
	*s = (struct sq_sides){ 0 };
}
