#include "cli/args.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"

void sq_complain(const struct sq_err *err)
{
	fprintf(stderr, "squall: %s%s%s\n", err->where, err->where[0] ? ": " : "", err->text);
}

struct parse {
	struct sq_opt_ctx ctx;
	const struct sq_opt *opts;
	const struct sq_args_letter *letters;
	void *base;
};

/* The table entry that "--key" means, or NULL. */
static const struct sq_opt *find_option(const struct sq_opt *opts, const char *key, size_t len)
{
	for (; opts->name; opts++) {
		size_t i = 0;

		while (i < len && opts->name[i] &&
		       (opts->name[i] == key[i] || (opts->name[i] == '_' && key[i] == '-')))
			i++;
		if (i == len && !opts->name[i])
			return opts;
	}
	return NULL;
}

/* One "--key[=value]" at argv[*i]; moves *i over a value of its own. */
static int parse_option(const struct parse *p, int argc, char **argv, int *i, struct sq_err *err)
{
	char *key = argv[*i] + 2;
	char *equals = strchr(key, '=');
	size_t len = equals ? (size_t)(equals - key) : strlen(key);
	const struct sq_opt *opt = find_option(p->opts, key, len);
	const char *value = equals ? equals + 1 : NULL;
	char name[64];

	snprintf(name, sizeof(name), "%.*s", (int)len, key);
	if (!value && opt && opt->type != SQ_OPT_BOOL) {
		/* What begins as an option is one; "--key=--text" says otherwise. */
		if (*i + 1 >= argc || strncmp(argv[*i + 1], "--", 2) == 0)
			return sq_err_set(err, -EINVAL, argv[*i], "it needs a value");
		value = argv[++*i];
	}
	return sq_opt_set_text(&p->ctx, p->opts, name, value, p->base, err);
}

static int fail_letter(const char *word, const struct sq_args_letter *letters, struct sq_err *err)
{
	char known[128] = "";
	size_t len = 0;

	for (; letters->letter && len + 4 < sizeof(known); letters++)
		len += (size_t)snprintf(known + len, sizeof(known) - len, " -%c", letters->letter);
	return sq_err_set(err, -EINVAL, word, "unknown option; known letters:%s", known);
}

static bool is_bare_number(const char *text)
{
	return *text && !text[strspn(text, "0123456789.")];
}

/* "10" as the letter means it. */
static char *complete(const struct sq_args_letter *l, const char *number)
{
	return sq_printf_dup("%s%s%s%s", l->least ? l->least : "", l->least ? "-" : "", number,
			     l->unit ? l->unit : "");
}

/* One "-l VALUE" or "-lVALUE" at argv[*i]; moves *i over a value of its own. */
static int parse_letter(const struct parse *p, int argc, char **argv, int *i, struct sq_err *err)
{
	const struct sq_args_letter *l = p->letters;
	const char *word = argv[*i], *value = word + 2;
	char *text;
	int rc;

	while (l->letter && l->letter != word[1])
		l++;
	if (!l->letter)
		return fail_letter(word, p->letters, err);
	if (l->value)
		return *value ? sq_err_set(err, -EINVAL, word, "-%c takes no value", l->letter)
			      : sq_opt_set_text(&p->ctx, p->opts, l->option, l->value, p->base,
						err);
	if (!*value && *i + 1 >= argc)
		return sq_err_set(err, -EINVAL, word, "it needs a value");
	if (!*value)
		value = argv[++*i];
	text = is_bare_number(value) ? complete(l, value) : sq_strdup(value);
	rc = sq_opt_set_text(&p->ctx, p->opts, l->option, text, p->base, err);
	free(text);
	return rc;
}

int sq_args_parse_letters(int argc, char **argv, const struct sq_opt *opts,
			  const struct sq_args_letter *letters, void *base,
			  struct sq_strings *ret_rest)
{
	const struct parse p = { { .file = argv[0] }, opts, letters, base };
	struct sq_strings rest = { .v = sq_alloc_n((size_t)argc + 1, sizeof(char *)) };
	struct sq_err err = { 0 };
	int rc = sq_opt_defaults(&p.ctx, opts, base, &err);
	bool options = true;

	for (int i = 1; rc == 0 && i < argc; i++) {
		if (options && strcmp(argv[i], "--") == 0)
			options = false;
		else if (options && strncmp(argv[i], "--", 2) == 0)
			rc = parse_option(&p, argc, argv, &i, &err);
		else if (options && letters && argv[i][0] == '-' && argv[i][1])
			rc = parse_letter(&p, argc, argv, &i, &err);
		else
			rest.v[rest.n++] = argv[i];
	}
	if (rc < 0) {
		sq_complain(&err);
		fprintf(stderr, "try: squall help %s\n", argv[0]);
		sq_args_rest_free(&rest);
		sq_opt_fini(opts, base);
		return -EINVAL;
	}
	*ret_rest = rest;
	return 0;
}

int sq_args_parse(int argc, char **argv, const struct sq_opt *opts, void *base,
		  struct sq_strings *ret_rest)
{
	return sq_args_parse_letters(argc, argv, opts, NULL, base, ret_rest);
}

void sq_args_letters_help(const struct sq_args_letter *letters, struct sq_buf *out)
{
	for (; letters && letters->letter; letters++)
		sq_buf_printf(out, "  -%c  is --%s%s%s%s%s%s\n", letters->letter, letters->option,
			      letters->value ? " " : "", letters->value ? letters->value : "",
			      letters->unit ? "; a bare number counts in " : "",
			      letters->unit ? letters->unit : "",
			      letters->least ? "; a bare number is the most" : "");
}

void sq_args_rest_free(struct sq_strings *rest)
{
	free(rest->v);
	rest->v = NULL;
	rest->n = 0;
}
