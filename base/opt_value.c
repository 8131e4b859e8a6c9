/* One scalar of an option table: from JSON, from text, its range, and what is said when it does
 * not fit.  Numbers of every type pass through struct number, so that there is one range check. */
#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/opt_private.h"
#include "base/value.h"

enum { FOUND_MAX = 80, NUMBER_MAX = 400 };

struct number {
	int64_t i;
	double d; /* REAL and RATE alone */
};

static const char *const expected[] = {
	[SQ_OPT_BOOL] = "true or false",
	[SQ_OPT_INT] = "an integer",
	[SQ_OPT_REAL] = "a number",
	[SQ_OPT_DURATION] = "a duration such as \"800ms\"",
	[SQ_OPT_RATE] = "a rate such as 2000 or \"24000/min\"",
	[SQ_OPT_SIZE] = "a size such as 65536 or \"64KiB\"",
	[SQ_OPT_BITRATE] = "a bit rate such as \"400kbit\"",
	[SQ_OPT_INT_RANGE] = "an integer or a range such as \"1-10\"",
	[SQ_OPT_SIZE_RANGE] = "a size such as \"64KiB\" or a range such as \"1-10KiB\"",
	[SQ_OPT_STRING] = "a string",
};

void sq_opt_value_unset(const struct sq_opt *opt, void *member)
{
	switch (opt->type) {
	case SQ_OPT_BOOL:
		*(bool *)member = false;
		break;
	case SQ_OPT_INT:
	case SQ_OPT_DURATION:
	case SQ_OPT_SIZE:
	case SQ_OPT_BITRATE:
		*(int64_t *)member = SQ_OPT_UNSET;
		break;
	case SQ_OPT_INT_RANGE:
	case SQ_OPT_SIZE_RANGE:
		*(struct sq_range *)member = (struct sq_range){ SQ_OPT_UNSET, SQ_OPT_UNSET };
		break;
	case SQ_OPT_REAL:
	case SQ_OPT_RATE:
		*(double *)member = NAN;
		break;
	case SQ_OPT_STRING:
		*(char **)member = NULL;
		break;
	case SQ_OPT_ENUM:
		*(int *)member = -1;
		break;
	case SQ_OPT_STRINGS:
		*(struct sq_strings *)member = (struct sq_strings){ 0 };
		break;
	case SQ_OPT_PAIRS:
		*(struct sq_pairs *)member = (struct sq_pairs){ 0 };
		break;
	case SQ_OPT_LIST:
	case SQ_OPT_MAP:
		*(struct sq_list *)member = (struct sq_list){ 0 };
		break;
	case SQ_OPT_PLUG:
		*(struct sq_plug *)member = (struct sq_plug){ 0 };
		break;
	case SQ_OPT_TABLE:
		break; /* has members of its own, no mark */
	}
}

/* A table counts as set when everything that it requires is: only then may it be written out,
 * since a table that is given must be whole. */
static bool table_is_set(const struct sq_opt *opts, const void *base)
{
	for (; opts && opts->name; opts++)
		if (opts->required && !sq_opt_value_is_set(opts, sq_opt_member_const(opts, base)))
			return false;
	return true;
}

bool sq_opt_value_is_set(const struct sq_opt *opt, const void *member)
{
	switch (opt->type) {
	case SQ_OPT_BOOL:
		return true;
	case SQ_OPT_INT:
	case SQ_OPT_DURATION:
	case SQ_OPT_SIZE:
	case SQ_OPT_BITRATE:
		return *(const int64_t *)member != SQ_OPT_UNSET;
	case SQ_OPT_INT_RANGE:
	case SQ_OPT_SIZE_RANGE:
		return ((const struct sq_range *)member)->least != SQ_OPT_UNSET;
	case SQ_OPT_REAL:
	case SQ_OPT_RATE:
		return !isnan(*(const double *)member);
	case SQ_OPT_STRING:
		return *(char *const *)member != NULL;
	case SQ_OPT_ENUM:
		return *(const int *)member >= 0;
	case SQ_OPT_STRINGS:
		return ((const struct sq_strings *)member)->n > 0;
	case SQ_OPT_PAIRS:
		return ((const struct sq_pairs *)member)->n > 0;
	case SQ_OPT_LIST:
	case SQ_OPT_MAP:
		return ((const struct sq_list *)member)->n > 0;
	case SQ_OPT_PLUG:
		return ((const struct sq_plug *)member)->kind != NULL;
	case SQ_OPT_TABLE:
		return table_is_set(opt->sub, member);
	}
	return false;
}

void sq_opt_format_real(char *out, size_t size, double v)
{
	for (int digits = 1; digits <= 17; digits++) {
		snprintf(out, size, "%.*g", digits, v);
		if (strtod(out, NULL) == v)
			return;
	}
}

static bool is_real(const struct sq_opt *opt)
{
	return opt->type == SQ_OPT_REAL || opt->type == SQ_OPT_RATE;
}

static bool is_range(const struct sq_opt *opt)
{
	return opt->type == SQ_OPT_INT_RANGE || opt->type == SQ_OPT_SIZE_RANGE;
}

static void format_number(const struct sq_opt *opt, struct number n, char *out, size_t size)
{
	if (opt->type == SQ_OPT_REAL)
		sq_opt_format_real(out, size, n.d);
	else if (opt->type == SQ_OPT_RATE)
		sq_format_rate(out, size, n.d);
	else if (opt->type == SQ_OPT_DURATION)
		sq_format_duration(out, size, n.i);
	else if (opt->type == SQ_OPT_SIZE || opt->type == SQ_OPT_SIZE_RANGE)
		sq_format_size(out, size, n.i);
	else if (opt->type == SQ_OPT_BITRATE)
		sq_format_bitrate(out, size, n.i);
	else
		snprintf(out, size, "%lld", (long long)n.i);
}

void sq_opt_format_limit(const struct sq_opt *opt, double v, char *out, size_t size)
{
	struct number n = { .d = v };

	if (!is_real(opt))
		n.i = v >= 0x1p63 ? INT64_MAX : v <= -0x1p63 ? INT64_MIN : (int64_t)v;
	format_number(opt, n, out, size);
}

bool sq_opt_has_max(const struct sq_opt *opt)
{
	return opt->max > opt->min || (opt->max == opt->min && opt->max != 0);
}

static int check_range(const struct sq_opt *opt, struct number n, const char *where,
		       struct sq_err *err)
{
	double v = is_real(opt) ? n.d : (double)n.i;
	char min[NUMBER_MAX], max[NUMBER_MAX], found[NUMBER_MAX];

	if (v >= opt->min && (!sq_opt_has_max(opt) || v <= opt->max))
		return 0;
	sq_opt_format_limit(opt, opt->min, min, sizeof(min));
	sq_opt_format_limit(opt, opt->max, max, sizeof(max));
	format_number(opt, n, found, sizeof(found));
	if (!sq_opt_has_max(opt))
		return sq_err_set(err, -EINVAL, where, "expected a value of at least %s, found %s",
				  min, found);
	return sq_err_set(err, -EINVAL, where, "expected a value from %s to %s, found %s", min, max,
			  found);
}

static int store_number(const struct sq_opt *opt, struct number n, const char *where, void *member,
			struct sq_err *err)
{
	int rc = check_range(opt, n, where, err);

	if (rc < 0)
		return rc;
	if (is_real(opt))
		*(double *)member = n.d;
	else if (is_range(opt))
		*(struct sq_range *)member = (struct sq_range){ n.i, n.i };
	else
		*(int64_t *)member = n.i;
	return 0;
}

/* Quoted and escaped as in JSON, cut between characters. */
static void quote(const json_t *string, char out[FOUND_MAX])
{
	char *text = json_dumps(string, JSON_ENCODE_ANY);
	size_t len = FOUND_MAX - sizeof("...\"");

	if (text && strlen(text) < FOUND_MAX) {
		snprintf(out, FOUND_MAX, "%s", text);
	} else if (text) {
		while (len && ((unsigned char)text[len] & 0xc0) == 0x80)
			len--;
		snprintf(out, FOUND_MAX, "%.*s...\"", (int)len, text);
	} else {
		snprintf(out, FOUND_MAX, "a string");
	}
	free(text);
}

static void describe(const json_t *value, char out[FOUND_MAX])
{
	char number[32];

	switch (json_typeof(value)) {
	case JSON_OBJECT:
		snprintf(out, FOUND_MAX, "an object");
		break;
	case JSON_ARRAY:
		snprintf(out, FOUND_MAX, "an array");
		break;
	case JSON_STRING:
		quote(value, out);
		break;
	case JSON_INTEGER:
		snprintf(out, FOUND_MAX, "the number %lld", (long long)json_integer_value(value));
		break;
	case JSON_REAL:
		sq_opt_format_real(number, sizeof(number), json_real_value(value));
		snprintf(out, FOUND_MAX, "the number %s", number);
		break;
	case JSON_TRUE:
	case JSON_FALSE:
		snprintf(out, FOUND_MAX, "%s", json_is_true(value) ? "true" : "false");
		break;
	case JSON_NULL:
		snprintf(out, FOUND_MAX, "null");
		break;
	}
}

int sq_opt_fail_expected(const char *what, const json_t *found, const char *where,
			 struct sq_err *err)
{
	char text[FOUND_MAX];

	describe(found, text);
	return sq_err_set(err, -EINVAL, where, "expected %s, found %s", what, text);
}

/* Nothing but a plain decimal number: strtod(3) alone would take "nan", "inf" and "0x1". */
static int parse_real(const char *text, double *ret)
{
	char *end;
	double v;

	if (!*text || text[strspn(text, "+-.0123456789eE")])
		return -EINVAL;
	v = strtod(text, &end);
	if (end == text || *end)
		return -EINVAL;
	if (!isfinite(v))
		return -ERANGE;
	*ret = v;
	return 0;
}

static int parse_int(const char *text, int64_t *ret)
{
	const char *digits = text + (*text == '-');
	long long v;

	if (!*digits || digits[strspn(digits, "0123456789")])
		return -EINVAL;
	errno = 0;
	v = strtoll(text, NULL, 10);
	if (errno)
		return -ERANGE;
	*ret = v;
	return 0;
}

static int parse_number(const struct sq_opt *opt, const char *text, struct number *n)
{
	switch (opt->type) {
	case SQ_OPT_REAL:
		return parse_real(text, &n->d);
	case SQ_OPT_RATE:
		return sq_parse_rate(text, &n->d);
	case SQ_OPT_DURATION:
		return sq_parse_duration(text, &n->i);
	case SQ_OPT_SIZE:
	case SQ_OPT_SIZE_RANGE:
		return sq_parse_size(text, &n->i);
	case SQ_OPT_BITRATE:
		return sq_parse_bitrate(text, &n->i);
	default:
		return parse_int(text, &n->i);
	}
}

static int number_from_text(const struct sq_opt *opt, const char *text, const char *where,
			    void *member, struct sq_err *err)
{
	struct number n = { 0 };
	int rc = parse_number(opt, text, &n);

	if (rc < 0)
		return sq_err_set(err, -EINVAL, where, "expected %s, found \"%.60s\"%s",
				  expected[opt->type], text,
				  rc == -ERANGE ? ", which is too large" : "");
	return store_number(opt, n, where, member, err);
}

/* "1-10KiB" is from 1 KiB on: a first end without a unit has the second's. */
static void complete(const char *first, size_t len, const char *second, char *out, size_t size)
{
	bool bare = strspn(first, "0123456789.") >= len;

	snprintf(out, size, "%.*s%s", (int)len, first,
		 bare ? second + strspn(second, "0123456789.") : "");
}

static int range_from_text(const struct sq_opt *opt, const char *text, const char *where,
			   struct sq_range *member, struct sq_err *err)
{
	const char *dash = *text ? strchr(text + 1, '-') : NULL;
	struct sq_range least = { 0 }, most = { 0 };
	char first[NUMBER_MAX];
	int rc;

	if (!dash)
		return number_from_text(opt, text, where, member, err);
	complete(text, (size_t)(dash - text), dash + 1, first, sizeof(first));
	rc = number_from_text(opt, first, where, &least, err);
	if (rc == 0)
		rc = number_from_text(opt, dash + 1, where, &most, err);
	if (rc < 0)
		return rc;
	if (least.least > most.least)
		return sq_err_set(err, -EINVAL, where,
				  "the range \"%.60s\" runs backwards; write the smaller end first",
				  text);
	*member = (struct sq_range){ least.least, most.least };
	return 0;
}

static int bool_from_text(const char *text, const char *where, bool *member, struct sq_err *err)
{
	if (strcmp(text, "true") == 0 || strcmp(text, "yes") == 0)
		*member = true;
	else if (strcmp(text, "false") == 0 || strcmp(text, "no") == 0)
		*member = false;
	else
		return sq_err_set(err, -EINVAL, where, "expected true or false, found \"%.60s\"",
				  text);
	return 0;
}

static int enum_from_text(const struct sq_opt *opt, const char *text, const char *where,
			  int *member, struct sq_err *err)
{
	struct sq_opt_words known = { 0 };
	char subject[256];

	for (int i = 0; opt->choices[i]; i++)
		if (strcmp(opt->choices[i], text) == 0) {
			*member = i;
			return 0;
		}
	for (int i = 0; opt->choices[i]; i++)
		sq_opt_words_add(&known, opt->choices[i]);
	snprintf(subject, sizeof(subject), "unknown %s \"%.60s\"", opt->name, text);
	return sq_opt_fail_unknown(subject, text, &known, false, -EINVAL, where, err);
}

int sq_opt_value_from_text(const struct sq_opt *opt, const char *text, const char *where,
			   void *member, struct sq_err *err)
{
	char **string = member;

	switch (opt->type) {
	case SQ_OPT_BOOL:
		return bool_from_text(text, where, member, err);
	case SQ_OPT_ENUM:
		return enum_from_text(opt, text, where, member, err);
	case SQ_OPT_STRING:
		free(*string);
		*string = sq_strdup(text);
		return 0;
	case SQ_OPT_INT_RANGE:
	case SQ_OPT_SIZE_RANGE:
		return range_from_text(opt, text, where, member, err);
	default:
		return number_from_text(opt, text, where, member, err);
	}
}

int sq_opt_value_from_json(const struct sq_opt *opt, const json_t *value, const char *where,
			   void *member, struct sq_err *err)
{
	bool is_string = json_is_string(value), is_integer = json_is_integer(value);
	enum sq_opt_type type = opt->type;

	if (type == SQ_OPT_BOOL && json_is_boolean(value)) {
		*(bool *)member = json_is_true(value);
		return 0;
	}
	if (is_string && type != SQ_OPT_BOOL && type != SQ_OPT_INT && type != SQ_OPT_REAL)
		return sq_opt_value_from_text(opt, json_string_value(value), where, member, err);
	if (is_integer && (type == SQ_OPT_INT || type == SQ_OPT_SIZE || is_range(opt)))
		return store_number(opt, (struct number){ .i = json_integer_value(value) }, where,
				    member, err);
	if (json_is_number(value) && is_real(opt))
		return store_number(opt, (struct number){ .d = json_number_value(value) }, where,
				    member, err);
	return sq_opt_fail_expected(type == SQ_OPT_ENUM ? "a string" : expected[type], value, where,
				    err);
}
