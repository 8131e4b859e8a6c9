/* The arithmetic of expectations, by recursive descent:
 *
 *   expectation  sum op sum  |  sum "==" sum "within" percent  |  sum "within" percent ["of"] sum
 *   sum          product { ("+" | "-") product }
 *   product      factor { ("*" | "/") factor }
 *   factor       number [unit] | name | "-" factor | "(" sum ")"
 *
 * It reckons while it reads, so there is no tree.  A "-" inside a name belongs to the name
 * (accept-queue-overflow): a difference needs spaces.  Durations are seconds; "2000/s" and
 * "24000/min" are rates, for s, min and h after a "/" are units and no names. */
#include <ctype.h>
#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "analyzers/expect/private.h"

enum { DEPTH_MAX = 64 };

struct parser {
	const char *text, *at;
	const struct sq_expect_reader *reader;
	struct sq_err *err;
	int depth;
};

static const struct {
	const char *name;
	double factor;
} units[] = {
	{ "ns", 1e9 },
	{ "us", 1e6 },
	{ "ms", 1e3 },
	{ "s", 1 },
};

static const struct {
	const char *name;
	double factor;
} large_units[] = {
	{ "min", 60 },
	{ "h", 3600 },
	{ "k", 1e3 },
	{ "M", 1e6 },
};

static int sum(struct parser *p, double *ret);

static int fail(struct parser *p, const char *what)
{
	char where[sizeof(p->err->where)];

	if (!p->err)
		return -EINVAL;
	memcpy(where, p->err->where, sizeof(where));
	if (*p->at)
		return sq_err_set(p->err, -EINVAL, where, "\"%s\": %s at \"%s\"", p->text, what,
				  p->at);
	return sq_err_set(p->err, -EINVAL, where, "\"%s\": %s at its end", p->text, what);
}

static void skip_space(struct parser *p)
{
	while (isspace((unsigned char)*p->at))
		p->at++;
}

static bool take(struct parser *p, const char *token)
{
	size_t len = strlen(token);

	skip_space(p);
	if (strncmp(p->at, token, len) != 0)
		return false;
	p->at += len;
	return true;
}

static bool in_name(char c)
{
	return isalnum((unsigned char)c) || c == '_' || c == '.' || c == '-' || c == '@' ||
	       c == ':';
}

static bool take_word(struct parser *p, const char *word)
{
	size_t len = strlen(word);

	skip_space(p);
	if (strncmp(p->at, word, len) != 0 || in_name(p->at[len]))
		return false;
	p->at += len;
	return true;
}

/* The unit right behind a number.  Small units divide, so that 20ms is the double nearest 0.02. */
static int apply_unit(struct parser *p, double *v)
{
	if (*p->at == '%') {
		p->at++;
		*v /= 100;
		return 0;
	}
	if (!in_name(*p->at))
		return 0;
	for (size_t i = 0; i < sizeof(units) / sizeof(units[0]); i++) {
		if (take_word(p, units[i].name)) {
			*v /= units[i].factor;
			return 0;
		}
	}
	for (size_t i = 0; i < sizeof(large_units) / sizeof(large_units[0]); i++) {
		if (take_word(p, large_units[i].name)) {
			*v *= large_units[i].factor;
			return 0;
		}
	}
	return fail(p, "expected a unit (ns, us, ms, s, min, h, %, k, M)");
}

static int number(struct parser *p, double *ret)
{
	char digits[64];
	size_t n = 0;
	bool dot = false;

	while (isdigit((unsigned char)*p->at) ||
	       (!dot && *p->at == '.' && isdigit((unsigned char)p->at[1]))) {
		dot |= *p->at == '.';
		if (n + 1 == sizeof(digits))
			return fail(p, "the number is too long");
		digits[n++] = *p->at++;
	}
	digits[n] = '\0';
	*ret = strtod(digits, NULL);
	return apply_unit(p, ret);
}

static int name(struct parser *p, double *ret)
{
	char word[SQ_EXPECT_WORD];
	size_t n = 0;

	while (in_name(p->at[n]))
		n++;
	if (n >= sizeof(word))
		return fail(p, "the name is too long");
	memcpy(word, p->at, n);
	word[n] = '\0';
	p->at += n;
	return p->reader->value(p->reader->arg, word, ret, p->err);
}

static int factor(struct parser *p, double *ret)
{
	int rc;

	skip_space(p);
	if (p->depth == DEPTH_MAX)
		return fail(p, "nested too deeply");
	p->depth++;
	if (isdigit((unsigned char)*p->at)) {
		rc = number(p, ret);
	} else if (isalpha((unsigned char)*p->at) || *p->at == '_') {
		rc = name(p, ret);
	} else if (take(p, "-")) {
		rc = factor(p, ret);
		*ret = rc == 0 ? -*ret : 0;
	} else if (take(p, "(")) {
		rc = sum(p, ret);
		if (rc == 0 && !take(p, ")"))
			rc = fail(p, "expected )");
	} else {
		rc = fail(p, "expected a number, a name or (");
	}
	p->depth--;
	return rc;
}

static int divisor(struct parser *p, double *ret)
{
	*ret = 1;
	if (take_word(p, "s"))
		return 0;
	*ret = 60;
	if (take_word(p, "min"))
		return 0;
	*ret = 3600;
	if (take_word(p, "h"))
		return 0;
	return factor(p, ret);
}

static int product(struct parser *p, double *ret)
{
	int rc = factor(p, ret);

	while (rc == 0) {
		double v = 1;

		if (take(p, "*")) {
			rc = factor(p, &v);
			*ret *= v;
		} else if (take(p, "/")) {
			rc = divisor(p, &v);
			*ret = v == 0 ? NAN : *ret / v; /* nothing to measure by */
		} else {
			break;
		}
	}
	return rc;
}

static int sum(struct parser *p, double *ret)
{
	int rc = product(p, ret);

	while (rc == 0) {
		double sign = take(p, "+") ? 1 : take(p, "-") ? -1 : 0;
		double v = 0;

		if (sign == 0)
			break;
		rc = product(p, &v);
		*ret += sign * v;
	}
	return rc;
}

static int percent(struct parser *p, double *ret)
{
	const char *start;
	int rc;

	skip_space(p);
	start = p->at;
	if (!isdigit((unsigned char)*p->at))
		return fail(p, "expected a percentage such as 2%");
	rc = number(p, ret);
	if (rc == 0 && p->at[-1] != '%') {
		p->at = start;
		return fail(p, "expected a percentage such as 2%");
	}
	return rc;
}

/* The longer ones first. */
static const char *const ops[] = { "==", "!=", "<=", ">=", "<", ">" };

static const char *take_op(struct parser *p)
{
	for (size_t i = 0; i < sizeof(ops) / sizeof(ops[0]); i++) {
		if (take(p, ops[i]))
			return ops[i];
	}
	return take_word(p, "within") ? "within" : NULL;
}

static bool compare(const struct sq_expect_result *r)
{
	double a = r->left;
	double b = r->right;

	if (strcmp(r->op, "within") == 0)
		return fabs(a - b) <= r->within * fabs(b);
	if (r->op[0] == '<')
		return r->op[1] ? a <= b : a < b;
	if (r->op[0] == '>')
		return r->op[1] ? a >= b : a > b;
	return (a == b) == (r->op[0] == '=');
}

static int right_side(struct parser *p, struct sq_expect_result *r)
{
	bool within = strcmp(r->op, "within") == 0;
	int rc = within ? percent(p, &r->within) : 0;

	if (rc == 0 && within)
		take_word(p, "of");
	if (rc == 0)
		rc = sum(p, &r->right);
	if (rc == 0 && strcmp(r->op, "==") == 0 && take_word(p, "within")) {
		r->op = "within";
		rc = percent(p, &r->within);
	}
	return rc;
}

int sq_expect_reckon(const char *text, const struct sq_expect_reader *reader,
		     struct sq_expect_result *ret, struct sq_err *err)
{
	struct parser p = { .text = text, .at = text, .reader = reader, .err = err };
	struct sq_expect_result r = { 0 };
	int rc = sum(&p, &r.left);

	if (rc != 0)
		return rc;
	r.op = take_op(&p);
	if (!r.op)
		return fail(&p, "expected ==, !=, <, <=, >, >= or within");
	rc = right_side(&p, &r);
	if (rc != 0)
		return rc;
	skip_space(&p);
	if (*p.at)
		return fail(&p, "expected nothing more");
	r.held = !isnan(r.left) && !isnan(r.right) && compare(&r);
	*ret = r;
	return 0;
}
