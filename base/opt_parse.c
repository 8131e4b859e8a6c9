/* A struct from a JSON object.  Three passes over each object: the plug-ins are chosen first,
 * because they decide which keys it may have; then every key must be known, so that a misspelt key
 * is told as such and not as its neighbour's absence; then the values. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/json.h"
#include "base/mem.h"
#include "base/opt_private.h"
#include "base/value.h"

enum { POINTER_MAX = 256 };

static const char *place(const struct sq_opt_ctx *ctx, const char *pointer,
			 char where[SQ_OPT_WHERE])
{
	const char *file = ctx->file ? ctx->file : "";

	snprintf(where, SQ_OPT_WHERE, "%s%s%s", file, *file && *pointer ? ": " : "", pointer);
	return where;
}

static int fail_expected(const struct sq_opt_ctx *ctx, const char *what, const json_t *found,
			 const char *pointer, struct sq_err *err)
{
	char where[SQ_OPT_WHERE];

	return sq_opt_fail_expected(what, found, place(ctx, pointer, where), err);
}

static int fail_missing(const struct sq_opt_ctx *ctx, const struct sq_opt *opt, const char *pointer,
			struct sq_err *err)
{
	char where[SQ_OPT_WHERE];

	return sq_err_set(err, -EINVAL, place(ctx, pointer, where), "missing key \"%s\"",
			  opt->name);
}

static int parse_object(const struct sq_opt_ctx *ctx, const struct sq_opt *opts,
			const json_t *object, const char *pointer, void *base, struct sq_err *err);

static int parse_strings(const struct sq_opt_ctx *ctx, const struct sq_opt *opt,
			 const json_t *value, const char *pointer, struct sq_strings *strings,
			 struct sq_err *err)
{
	bool lone = opt->lone && json_is_string(value);
	char element[POINTER_MAX], index[32];

	if (!json_is_array(value) && !lone)
		return fail_expected(
			ctx, opt->lone ? "a string or an array of strings" : "an array of strings",
			value, pointer, err);
	/* What is given stands in place of the default. */
	for (size_t i = 0; i < strings->n; i++)
		free(strings->v[i]);
	strings->n = 0;
	if (lone)
		sq_strings_add(strings, json_string_value(value));
	for (size_t i = 0; i < json_array_size(value); i++) {
		const json_t *string = json_array_get(value, i);

		if (!json_is_string(string)) {
			snprintf(index, sizeof(index), "%zu", i);
			sq_json_pointer_join(element, sizeof(element), pointer, index);
			return fail_expected(ctx, "a string", string, element, err);
		}
		sq_strings_add(strings, json_string_value(string));
	}
	return 0;
}

/* The text of a scalar, new; NULL for anything else. */
static char *scalar_text(const json_t *value)
{
	char number[32];

	if (json_is_string(value))
		return sq_strdup(json_string_value(value));
	if (json_is_boolean(value))
		return sq_strdup(json_is_true(value) ? "true" : "false");
	if (json_is_integer(value))
		return sq_printf_dup("%lld", (long long)json_integer_value(value));
	if (!json_is_real(value))
		return NULL;
	sq_opt_format_real(number, sizeof(number), json_real_value(value));
	return sq_strdup(number);
}

static int parse_pairs(const struct sq_opt_ctx *ctx, const json_t *value, const char *pointer,
		       struct sq_pairs *pairs, struct sq_err *err)
{
	const char *key;
	json_t *scalar;

	if (!json_is_object(value))
		return fail_expected(ctx, "an object of strings and numbers", value, pointer, err);
	pairs->v = sq_alloc_n(json_object_size(value), sizeof(*pairs->v));
	/* The macro asks for a table that it may change; it does not. */
	json_object_foreach((json_t *)value, key, scalar) {
		char *text = scalar_text(scalar), element[POINTER_MAX];

		if (!text) {
			sq_json_pointer_join(element, sizeof(element), pointer, key);
			return fail_expected(ctx, "a string, a number, true or false", scalar,
					     element, err);
		}
		pairs->v[pairs->n++] = (struct sq_pair){ .key = sq_strdup(key), .value = text };
	}
	return 0;
}

/* One more element of a list, with its defaults and then its keys.  It counts as an element from
 * its defaults on, so that a failure behind them frees it with the list. */
static int parse_element(const struct sq_opt_ctx *ctx, const struct sq_opt *opt,
			 const json_t *object, const char *pointer, const char *key,
			 struct sq_list *list, struct sq_err *err)
{
	char *element = (char *)list->v + list->n * opt->elem_size;
	char child[POINTER_MAX];
	int rc = sq_opt_defaults(ctx, opt->sub, element, err);

	if (rc < 0)
		return rc;
	list->n++;
	if (opt->type == SQ_OPT_MAP)
		*(char **)element = sq_strdup(key);
	sq_json_pointer_join(child, sizeof(child), pointer, key);
	return parse_object(ctx, opt->sub, object, child, element, err);
}

static int parse_list(const struct sq_opt_ctx *ctx, const struct sq_opt *opt, const json_t *value,
		      const char *pointer, struct sq_list *list, struct sq_err *err)
{
	int rc = 0;

	if (!json_is_array(value))
		return fail_expected(ctx, "an array of objects", value, pointer, err);
	list->v = sq_alloc_n(json_array_size(value), opt->elem_size);
	for (size_t i = 0; rc == 0 && i < json_array_size(value); i++) {
		char index[32];

		snprintf(index, sizeof(index), "%zu", i);
		rc = parse_element(ctx, opt, json_array_get(value, i), pointer, index, list, err);
	}
	return rc;
}

static int parse_map(const struct sq_opt_ctx *ctx, const struct sq_opt *opt, const json_t *value,
		     const char *pointer, struct sq_list *list, struct sq_err *err)
{
	const char *key;
	json_t *object;
	int rc = 0;

	if (!json_is_object(value))
		return fail_expected(ctx, "an object of objects", value, pointer, err);
	list->v = sq_alloc_n(json_object_size(value), opt->elem_size);
	json_object_foreach((json_t *)value, key, object) {
		rc = parse_element(ctx, opt, object, pointer, key, list, err);
		if (rc < 0)
			break;
	}
	return rc;
}

static int parse_value(const struct sq_opt_ctx *ctx, const struct sq_opt *opt, const json_t *value,
		       const char *pointer, void *member, struct sq_err *err)
{
	char where[SQ_OPT_WHERE];

	switch (opt->type) {
	case SQ_OPT_STRINGS:
		return parse_strings(ctx, opt, value, pointer, member, err);
	case SQ_OPT_PAIRS:
		return parse_pairs(ctx, value, pointer, member, err);
	case SQ_OPT_TABLE:
		return parse_object(ctx, opt->sub, value, pointer, member, err);
	case SQ_OPT_LIST:
		return parse_list(ctx, opt, value, pointer, member, err);
	case SQ_OPT_MAP:
		return parse_map(ctx, opt, value, pointer, member, err);
	default:
		return sq_opt_value_from_json(opt, value, place(ctx, pointer, where), member, err);
	}
}

/* A required list, map or array must not be empty either: its echo leaves it out. */
static int check_not_empty(const struct sq_opt_ctx *ctx, const struct sq_opt *opt,
			   const char *pointer, const void *member, struct sq_err *err)
{
	char where[SQ_OPT_WHERE];

	if (!opt->required || opt->type == SQ_OPT_TABLE || sq_opt_value_is_set(opt, member))
		return 0;
	return sq_err_set(err, -EINVAL, place(ctx, pointer, where),
			  "expected at least one element, found none");
}

static int parse_members(const struct sq_opt_ctx *ctx, const struct sq_opt *opts,
			 const json_t *object, const char *pointer, void *base, struct sq_err *err)
{
	int rc = 0;

	for (; rc == 0 && opts && opts->name; opts++) {
		const json_t *value = json_object_get(object, opts->name);
		void *member = sq_opt_member(opts, base);
		const struct sq_plug *plug = member;
		char child[POINTER_MAX];

		if (opts->type == SQ_OPT_PLUG) {
			if (plug->kind)
				rc = parse_members(ctx, plug->kind->opts, object, pointer,
						   plug->conf, err);
			continue;
		}
		if (!value) {
			if (opts->required)
				rc = fail_missing(ctx, opts, pointer, err);
			continue;
		}
		sq_json_pointer_join(child, sizeof(child), pointer, opts->name);
		rc = parse_value(ctx, opts, value, child, member, err);
		if (rc == 0)
			rc = check_not_empty(ctx, opts, child, member, err);
	}
	return rc;
}

static bool is_known(const struct sq_opt_words *known, const char *key)
{
	for (size_t i = 0; i < known->n; i++)
		if (strcmp(known->v[i], key) == 0)
			return true;
	return false;
}

/* Without a plug-in no other key can be judged, so its absence is told before an unknown key is;
 * unless one of the unknown keys is near enough to be the plug-in's own, misspelt. */
static int fail_no_plug(const struct sq_opt_ctx *ctx, const struct sq_opt *opt,
			const struct sq_opt *opts, const json_t *object, const char *pointer,
			const void *base, struct sq_err *err)
{
	const char *const name[] = { opt->name, NULL };
	struct sq_opt_words known = { 0 };
	char child[POINTER_MAX], where[SQ_OPT_WHERE];
	const char *key, *misspelt = NULL;
	json_t *value;

	sq_opt_words_add_keys(&known, opts, base);
	json_object_foreach((json_t *)object, key, value)
		if (!misspelt && !is_known(&known, key) && sq_nearest(key, name))
			misspelt = key;
	if (misspelt) {
		sq_json_pointer_join(child, sizeof(child), pointer, misspelt);
		return sq_opt_fail_unknown("unknown key", misspelt, &known, false, -EINVAL,
					   place(ctx, child, where), err);
	}
	free(known.v);
	return fail_missing(ctx, opt, pointer, err);
}

static int choose_plug(const struct sq_opt_ctx *ctx, const struct sq_opt *opt, const json_t *value,
		       const char *pointer, struct sq_plug *plug, struct sq_err *err)
{
	char child[POINTER_MAX], where[SQ_OPT_WHERE], what[96];

	sq_json_pointer_join(child, sizeof(child), pointer, opt->name);
	if (!json_is_string(value)) {
		snprintf(what, sizeof(what), "the name of a %s", opt->plug);
		return fail_expected(ctx, what, value, child, err);
	}
	return sq_opt_plug_choose(ctx, opt, json_string_value(value), place(ctx, child, where),
				  plug, err);
}

/* A plug-in's own table may have a plug-in to choose in turn. */
static int choose_plugs(const struct sq_opt_ctx *ctx, const struct sq_opt *opts,
			const json_t *object, const char *pointer, void *base, struct sq_err *err)
{
	const struct sq_opt *opt;
	int rc = 0;

	for (opt = opts; rc == 0 && opt && opt->name; opt++) {
		struct sq_plug *plug = sq_opt_member(opt, base);
		const json_t *value = json_object_get(object, opt->name);

		if (opt->type != SQ_OPT_PLUG)
			continue;
		if (value)
			rc = choose_plug(ctx, opt, value, pointer, plug, err);
		else if (opt->required)
			rc = fail_no_plug(ctx, opt, opts, object, pointer, base, err);
		if (rc == 0 && plug->kind)
			rc = choose_plugs(ctx, plug->kind->opts, object, pointer, plug->conf, err);
	}
	return rc;
}

static int check_keys(const struct sq_opt_ctx *ctx, const struct sq_opt *opts, const json_t *object,
		      const char *pointer, const void *base, struct sq_err *err)
{
	struct sq_opt_words known = { 0 };
	char child[POINTER_MAX], where[SQ_OPT_WHERE];
	const char *key;
	json_t *value;
	int rc = 0;

	sq_opt_words_add_keys(&known, opts, base);
	json_object_foreach((json_t *)object, key, value) {
		if (is_known(&known, key))
			continue;
		sq_json_pointer_join(child, sizeof(child), pointer, key);
		rc = sq_opt_fail_unknown("unknown key", key, &known, false, -EINVAL,
					 place(ctx, child, where), err);
		break;
	}
	free(known.v);
	return rc;
}

/* The keys of an object into a struct that has its defaults. */
static int parse_object(const struct sq_opt_ctx *ctx, const struct sq_opt *opts,
			const json_t *object, const char *pointer, void *base, struct sq_err *err)
{
	int rc;

	if (!json_is_object(object))
		return fail_expected(ctx, "an object", object, pointer, err);
	rc = choose_plugs(ctx, opts, object, pointer, base, err);
	if (rc == 0)
		rc = check_keys(ctx, opts, object, pointer, base, err);
	if (rc == 0)
		rc = parse_members(ctx, opts, object, pointer, base, err);
	return rc;
}

int sq_opt_parse(const struct sq_opt_ctx *ctx, const struct sq_opt *opts, const json_t *object,
		 const char *pointer, void *base, struct sq_err *err)
{
	int rc = sq_opt_defaults(ctx, opts, base, err);

	if (rc < 0)
		return rc;
	rc = parse_object(ctx, opts, object, pointer, base, err);
	if (rc < 0)
		sq_opt_fini(opts, base);
	return rc;
}
