/* Which values stand beside which.  Each value of what is varied is a side of its own; a combination is what its
 * values do, one after the other. */
#include "cli/sides.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/json.h"
#include "base/mem.h"
#include "base/setting.h"
#include "base/sysctl.h"
#include "cli/hands.h"

struct factors {
	struct sq_sides *v; /* of each factor a side for each value */
	size_t n, cap;
};

static void factors_fini(struct factors *f)
{
	for (size_t i = 0; i < f->n; i++)
		sq_sides_fini(&f->v[i]);
	free(f->v);
}

/* ---- sides and deeds ---- */

void sq_deeds_add(struct sq_deeds *d, const char *where, const char *name, const char *text)
{
	d->v = sq_grow(d->v, d->n, &d->cap, sizeof(*d->v));
	d->v[d->n++] = (struct sq_deed){ sq_strdup(where), sq_strdup(name), sq_strdup(text) };
}

static void deeds_copy(struct sq_deeds *to, const struct sq_deeds *from)
{
	for (size_t i = 0; i < from->n; i++)
		sq_deeds_add(to, from->v[i].where, from->v[i].name, from->v[i].text);
}

static void deeds_fini(struct sq_deeds *d)
{
	for (size_t i = 0; i < d->n; i++) {
		free(d->v[i].where);
		free(d->v[i].name);
		free(d->v[i].text);
	}
	free(d->v);
}

struct sq_variant *sq_sides_add(struct sq_sides *s, const char *label, const struct sq_strings *set)
{
	struct sq_variant *side;

	s->v = sq_grow(s->v, s->n, &s->cap, sizeof(*s->v));
	side = &s->v[s->n++];
	*side = (struct sq_variant){ .label = sq_strdup(label) };
	for (size_t i = 0; set && i < set->n; i++)
		sq_strings_add(&side->set, set->v[i]);
	return side;
}

void sq_side_join(struct sq_variant *to, const struct sq_variant *from)
{
	for (size_t i = 0; i < from->set.n; i++)
		sq_strings_add(&to->set, from->set.v[i]);
	deeds_copy(&to->settings, &from->settings);
	deeds_copy(&to->before, &from->before);
	deeds_copy(&to->after, &from->after);
	deeds_copy(&to->programs, &from->programs);
	deeds_copy(&to->labels, &from->labels);
	deeds_copy(&to->tellers, &from->tellers);
	to->runs = to->runs || from->runs;
}

void sq_sides_fini(struct sq_sides *s)
{
	for (size_t i = 0; i < s->n; i++) {
		struct sq_variant *side = &s->v[i];

		free(side->label);
		sq_strings_fini(&side->set);
		deeds_fini(&side->settings);
		deeds_fini(&side->before);
		deeds_fini(&side->after);
		deeds_fini(&side->programs);
		deeds_fini(&side->labels);
		deeds_fini(&side->tellers);
	}
	free(s->v);
	*s = (struct sq_sides){ 0 };
}

/* ---- what is varied ---- */

/* "ssh:HOST": where no host of a world is meant. */
static bool is_far(const char *host)
{
	return host && strchr(host, ':');
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

static void add_setting(struct sq_sides *factor, const char *where, const char *name,
			const char *value)
{
	char *label = sq_printf_dup("%s=%s", name, value);
	struct sq_variant *side = sq_sides_add(factor, label, NULL);

	sq_deeds_add(&side->settings, where, name, value);
	free(label);
}

static void add_pointer(struct sq_sides *factor, const char *pointer, const char *name,
			const char *value)
{
	char *label = sq_printf_dup("%s=%s", name, value);
	struct sq_strings set = { 0 };
	char *text = sq_printf_dup("%s=%s", pointer, value);

	sq_strings_add(&set, text);
	sq_sides_add(factor, label, &set);
	sq_strings_fini(&set);
	free(text);
	free(label);
}

/* "net.core.somaxconn=128,1024" into what is varied and its values. */
static int split(const char *option, const char *text, char **ret_name, struct sq_strings *values,
		 struct sq_err *err)
{
	const char *equals = strchr(text, '='), *p = equals ? equals + 1 : "";

	while (*p) {
		size_t len = strcspn(p, ",");
		char *value = sq_printf_dup("%.*s", (int)len, p);

		sq_strings_add(values, value);
		free(value);
		p += len + (p[len] == ',');
	}
	if (values->n < 2 || equals == text)
		return sq_err_set(err, -EINVAL, option,
				  "\"%s\": name what is varied and two values at least, as in "
				  "net.core.somaxconn=128,1024",
				  text);
	*ret_name = sq_printf_dup("%.*s", (int)(equals - text), text);
	return 0;
}

enum kind { SYSCTL, MACHINE, POINTER };

static const char *const kind_options[] = { "--sysctl", "--machine", "--vary" };

/* A scenario without a world is about this machine, or the far one: its settings are meant. */
static bool is_of_machine(const struct sq_sides_ask *ask, enum kind kind, const json_t *scenario)
{
	return kind == MACHINE ||
	       (kind == SYSCTL &&
		(is_far(ask->host) || (!json_object_get(scenario, "world") && !ask->host)));
}

static int add_factor(struct factors *f, const json_t *scenario, const struct sq_sides_ask *ask,
		      enum kind kind, const char *text, struct sq_err *err)
{
	const char *where = is_far(ask->host) ? ask->host : NULL;
	bool of_machine = is_of_machine(ask, kind, scenario);
	char *name = NULL, *pointer = NULL;
	struct sq_strings values = { 0 };
	struct sq_sides factor = { 0 };
	int rc = split(kind_options[kind], text, &name, &values, err);

	if (rc == 0 && !of_machine) {
		pointer = kind == POINTER ? sq_strdup(name)
					  : sysctl_pointer(scenario, ask->host, name, err);
		rc = pointer ? 0 : err->code;
	}
	for (size_t i = 0; rc == 0 && i < values.n; i++) {
		if (of_machine)
			add_setting(&factor, where, name, values.v[i]);
		else
			add_pointer(&factor, pointer, name, values.v[i]);
	}
	if (rc == 0) {
		f->v = sq_grow(f->v, f->n, &f->cap, sizeof(*f->v));
		f->v[f->n++] = factor;
	}
	sq_strings_fini(&values);
	free(pointer);
	free(name);
	return rc;
}

static int add_factors(struct factors *f, const json_t *scenario, const struct sq_sides_ask *ask,
		       enum kind kind, const struct sq_strings *texts, struct sq_err *err)
{
	int rc = 0;

	for (size_t i = 0; rc == 0 && i < texts->n; i++)
		rc = add_factor(f, scenario, ask, kind, texts->v[i], err);
	return rc;
}

/* The scenario's variants are the values of one factor: those that are named, or all where nothing else is varied. */
static int add_variants(struct factors *f, const json_t *scenario, const struct sq_sides_ask *ask,
			struct sq_err *err)
{
	json_t *variants = json_object_get(scenario, "variants"), *unused;
	struct sq_sides factor = { 0 };
	const char *name;
	int rc = 0;

	for (size_t i = 0; rc == 0 && i < ask->variant.n; i++)
		rc = sq_sides_add_variant(&factor, scenario, ask->variant.v[i], err);
	if (!ask->variant.n && !f->n)
		json_object_foreach(variants, name, unused)
			if (rc == 0)
				rc = sq_sides_add_variant(&factor, scenario, name, err);
	if (rc == 0 && factor.n == 1)
		rc = sq_err_set(err, -EINVAL, "--variant",
				"\"%s\" alone is no comparison; name a second one (one that is {} "
				"is the scenario as it is)",
				factor.v[0].label);
	if (rc < 0 || factor.n == 0) {
		sq_sides_fini(&factor);
		return rc;
	}
	f->v = sq_grow(f->v, f->n, &f->cap, sizeof(*f->v));
	f->v[f->n++] = factor;
	return 0;
}

/* ---- which stand beside which ---- */

/* choice: of each factor which of its values. */
static void add_side(struct sq_sides *s, const struct factors *f, const size_t *choice)
{
	struct sq_variant *side = sq_sides_add(s, NULL, NULL);
	struct sq_buf label = { 0 };

	for (size_t i = 0; i < f->n; i++) {
		const struct sq_variant *value = &f->v[i].v[choice[i]];

		sq_buf_printf(&label, "%s%s", i ? " " : "", value->label);
		sq_side_join(side, value);
	}
	side->label = sq_strdup(label.data);
	sq_buf_fini(&label);
}

/* On to the next combination; false after the last. */
static bool next_choice(const struct factors *f, size_t *choice)
{
	for (size_t i = f->n; i-- > 0;) {
		if (++choice[i] < f->v[i].n)
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
		for (choice[i] = 1; choice[i] < f->v[i].n && s->n <= SQ_SIDES_MAX; choice[i]++)
			add_side(s, f, choice);
		choice[i] = 0;
	}
	free(choice);
}

int sq_sides_make(const json_t *scenario, const struct sq_sides_ask *ask, struct sq_sides *ret,
		  struct sq_err *err)
{
	struct factors f = { 0 };
	int rc = is_far(ask->host) ? sq_hands_check(ask->host, err) : 0;

	*ret = (struct sq_sides){ 0 };
	if (rc == 0)
		rc = add_factors(&f, scenario, ask, SYSCTL, &ask->sysctl, err);
	if (rc == 0)
		rc = add_factors(&f, scenario, ask, MACHINE, &ask->machine, err);
	if (rc == 0)
		rc = add_factors(&f, scenario, ask, POINTER, &ask->vary, err);
	if (rc == 0)
		rc = add_variants(&f, scenario, ask, err);
	if (rc == 0 && f.n == 0)
		rc = sq_err_set(
			err, -EINVAL, "",
			"nothing is varied; give --sysctl KEY=V1,V2, --machine NAME=V1,V2 or "
			"--vary POINTER=V1,V2, or give the scenario \"variants\"");
	if (rc == 0)
		combine(ret, &f, ask->factorial);
	if (rc == 0 && ret->n > SQ_SIDES_MAX)
		rc = sq_err_set(err, -E2BIG, "", "more than %d sides; vary less at once",
				SQ_SIDES_MAX);
	factors_fini(&f);
	if (rc < 0)
		sq_sides_fini(ret);
	return rc;
}

int sq_sides_check(const struct sq_sides *s, bool allow_global, bool allow_exec, struct sq_err *err)
{
	for (size_t i = 0; i < s->n; i++) {
		const struct sq_variant *v = &s->v[i];

		if (v->settings.n && !allow_global)
			return sq_err_set(err, -EPERM, v->settings.v[0].name,
					  "setting this to %s changes all of %s while a side runs, "
					  "which needs --allow-global",
					  v->settings.v[0].text,
					  v->settings.v[0].where ? v->settings.v[0].where
								 : "this machine");
		if (v->runs && !allow_exec)
			return sq_err_set(err, -EPERM, v->label,
					  "this variant runs programs, which needs --allow-exec; "
					  "give it if you trust this scenario");
	}
	return 0;
}
