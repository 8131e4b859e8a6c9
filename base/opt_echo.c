/* A struct back into the JSON object that parses to it, and its end.  A table of which something
 * required is unset was not given: it is left out, since it could not be parsed back. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/opt_private.h"
#include "base/value.h"

static json_t *echo_strings(const struct sq_strings *s)
{
	json_t *array = json_array();

	for (size_t i = 0; i < s->n; i++)
		json_array_append_new(array, json_string(s->v[i]));
	return array;
}

static json_t *echo_pairs(const struct sq_pairs *p)
{
	json_t *object = json_object();

	for (size_t i = 0; i < p->n; i++)
		json_object_set_new(object, p->v[i].key, json_string(p->v[i].value));
	return object;
}

static json_t *echo_list(const struct sq_opt *opt, const struct sq_list *list)
{
	json_t *array = json_array();

	for (size_t i = 0; i < list->n; i++)
		json_array_append_new(
			array, sq_opt_echo(opt->sub, (const char *)list->v + i * opt->elem_size));
	return array;
}

static json_t *echo_map(const struct sq_opt *opt, const struct sq_list *list)
{
	json_t *object = json_object();

	for (size_t i = 0; i < list->n; i++) {
		const char *element = (const char *)list->v + i * opt->elem_size;

		json_object_set_new(object, *(char *const *)(const void *)element,
				    sq_opt_echo(opt->sub, element));
	}
	return object;
}

/* A whole rate as a number; any other as text, whose digits no writer cuts. */
static json_t *echo_rate(double per_s)
{
	char text[400];

	if (per_s == floor(per_s) && fabs(per_s) < 0x1p53)
		return json_integer((json_int_t)per_s);
	sq_format_rate(text, sizeof(text), per_s);
	return json_string(text);
}

static json_t *echo_text(void (*format)(char *, size_t, int64_t), int64_t v)
{
	char text[64];

	format(text, sizeof(text), v);
	return json_string(text);
}

static json_t *echo_range(const struct sq_opt *opt, const struct sq_range *range)
{
	char least[64], most[64], text[160];

	if (opt->type == SQ_OPT_INT_RANGE && range->least == range->most)
		return json_integer(range->least);
	sq_opt_format_limit(opt, (double)range->least, least, sizeof(least));
	sq_opt_format_limit(opt, (double)range->most, most, sizeof(most));
	snprintf(text, sizeof(text), "%s-%s", least, most);
	return json_string(range->least == range->most ? least : text);
}

static json_t *echo_value(const struct sq_opt *opt, const void *member)
{
	switch (opt->type) {
	case SQ_OPT_BOOL:
		return json_boolean(*(const bool *)member);
	case SQ_OPT_INT:
		return json_integer(*(const int64_t *)member);
	case SQ_OPT_REAL:
		return json_real(*(const double *)member);
	case SQ_OPT_DURATION:
		return echo_text(sq_format_duration, *(const int64_t *)member);
	case SQ_OPT_RATE:
		return echo_rate(*(const double *)member);
	case SQ_OPT_SIZE:
		return echo_text(sq_format_size, *(const int64_t *)member);
	case SQ_OPT_BITRATE:
		return echo_text(sq_format_bitrate, *(const int64_t *)member);
	case SQ_OPT_INT_RANGE:
	case SQ_OPT_SIZE_RANGE:
		return echo_range(opt, member);
	case SQ_OPT_STRING:
		return json_string(*(char *const *)member);
	case SQ_OPT_ENUM:
		return json_string(opt->choices[*(const int *)member]);
	case SQ_OPT_STRINGS:
		return echo_strings(member);
	case SQ_OPT_PAIRS:
		return echo_pairs(member);
	case SQ_OPT_TABLE:
		return sq_opt_echo(opt->sub, member);
	case SQ_OPT_LIST:
		return echo_list(opt, member);
	case SQ_OPT_MAP:
		return echo_map(opt, member);
	case SQ_OPT_PLUG:
		return json_string(((const struct sq_plug *)member)->kind->name);
	}
	return NULL;
}

/* An empty array in place of a default that is not must be said. */
static bool is_echoed(const struct sq_opt *opt, const void *member)
{
	return sq_opt_value_is_set(opt, member) || (opt->type == SQ_OPT_STRINGS && opt->def);
}

static void echo_into(json_t *object, const struct sq_opt *opts, const void *base)
{
	for (; opts && opts->name; opts++) {
		const void *member = sq_opt_member_const(opts, base);
		const struct sq_plug *plug = member;
		json_t *value;

		if (!is_echoed(opts, member))
			continue;
		value = echo_value(opts, member);
		if (opts->type == SQ_OPT_TABLE && !opts->required && !json_object_size(value))
			json_decref(value);
		else
			json_object_set_new(object, opts->name, value);
		if (opts->type == SQ_OPT_PLUG)
			echo_into(object, plug->kind->opts, plug->conf);
	}
}

json_t *sq_opt_echo(const struct sq_opt *opts, const void *base)
{
	json_t *object = json_object();

	echo_into(object, opts, base);
	return object;
}

void sq_strings_fini(struct sq_strings *s)
{
	for (size_t i = 0; i < s->n; i++)
		free(s->v[i]);
	free(s->v);
}

static void pairs_fini(struct sq_pairs *p)
{
	for (size_t i = 0; i < p->n; i++) {
		free(p->v[i].key);
		free(p->v[i].value);
	}
	free(p->v);
}

static void list_fini(const struct sq_opt *opt, struct sq_list *list)
{
	for (size_t i = 0; i < list->n; i++) {
		char *element = (char *)list->v + i * opt->elem_size;

		sq_opt_fini(opt->sub, element);
		if (opt->type == SQ_OPT_MAP)
			free(*(char **)(void *)element);
	}
	free(list->v);
}

static void plug_fini(struct sq_plug *plug)
{
	if (plug->kind)
		sq_opt_fini(plug->kind->opts, plug->conf);
	free(plug->conf);
}

/* Numbers keep their values; everything owned is freed and marked unset, so that a second call
 * does nothing. */
void sq_opt_fini(const struct sq_opt *opts, void *base)
{
	for (; opts && opts->name; opts++) {
		void *member = sq_opt_member(opts, base);

		switch (opts->type) {
		case SQ_OPT_STRING:
			free(*(char **)member);
			break;
		case SQ_OPT_STRINGS:
			sq_strings_fini(member);
			break;
		case SQ_OPT_PAIRS:
			pairs_fini(member);
			break;
		case SQ_OPT_LIST:
		case SQ_OPT_MAP:
			list_fini(opts, member);
			break;
		case SQ_OPT_PLUG:
			plug_fini(member);
			break;
		case SQ_OPT_TABLE:
			sq_opt_fini(opts->sub, member);
			continue;
		default:
			continue;
		}
		sq_opt_value_unset(opts, member);
	}
}
