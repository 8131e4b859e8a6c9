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
static int parse_option(int argc, char **argv, int *i, const struct sq_opt_ctx *ctx,
			const struct sq_opt *opts, void *base, struct sq_err *err)
{
	char *key = argv[*i] + 2;
	char *equals = strchr(key, '=');
	size_t len = equals ? (size_t)(equals - key) : strlen(key);
	const struct sq_opt *opt = find_option(opts, key, len);
	const char *value = equals ? equals + 1 : NULL;
	char name[64];

	snprintf(name, sizeof(name), "%.*s", (int)len, key);
	if (!value && opt && opt->type != SQ_OPT_BOOL) {
		if (*i + 1 >= argc)
			return sq_err_set(err, -EINVAL, argv[*i], "it needs a value");
		value = argv[++*i];
	}
	return sq_opt_set_text(ctx, opts, name, value, base, err);
}

int sq_args_parse(int argc, char **argv, const struct sq_opt *opts, void *base,
		  struct sq_strings *ret_rest)
{
	struct sq_opt_ctx ctx = { .file = argv[0] };
	struct sq_strings rest = { .v = sq_alloc_n((size_t)argc + 1, sizeof(char *)) };
	struct sq_err err = { 0 };
	int rc = sq_opt_defaults(&ctx, opts, base, &err);
	bool options = true;

	for (int i = 1; rc == 0 && i < argc; i++) {
		if (options && strcmp(argv[i], "--") == 0)
			options = false;
		else if (options && strncmp(argv[i], "--", 2) == 0)
			rc = parse_option(argc, argv, &i, &ctx, opts, base, &err);
		else
			rest.v[rest.n++] = argv[i];
	}
	if (rc < 0) {
		sq_complain(&err);
		fprintf(stderr, "try: squall help %s\n", argv[0]);
		sq_args_rest_free(&rest);
		return -EINVAL;
	}
	*ret_rest = rest;
	return 0;
}

void sq_args_rest_free(struct sq_strings *rest)
{
	free(rest->v);
	rest->v = NULL;
	rest->n = 0;
}
