/* squall lab: the reproductions of reported failures, shipped ones and the user's own. */
#include "cli/lab.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/json.h"
#include "base/mem.h"
#include "cli/args.h"
#include "cli/command.h"
#include "cli/prove.h"
#include "scenarios/labs.h"

static const struct sq_opt own_opts[] = {
	{ .name = "all",
	  .type = SQ_OPT_BOOL,
	  .offset = offsetof(struct sq_lab_args, all),
	  .help = "run: every shipped lab" },
	{ .name = "no_cure",
	  .type = SQ_OPT_BOOL,
	  .offset = offsetof(struct sq_lab_args, no_cure),
	  .help = "run: the failure alone, without its cure" },
	{ .name = "pairs",
	  .type = SQ_OPT_INT,
	  .offset = offsetof(struct sq_lab_args, pairs),
	  .def = SQ_PROVE_PAIRS,
	  .min = 1,
	  .max = 100,
	  .help = "prove: how often with and without the cure" },
	{ 0 },
};

static const struct sq_opt *lab_opts(void)
{
	static struct sq_opt all[SQ_RUN_ARGS_ROWS];

	return sq_run_args_extend(own_opts, all);
}

static int lab_list(void)
{
	for (const struct sq_embedded *file = sq_labs; file->name; file++) {
		struct sq_buf needs = { 0 };
		struct sq_lab lab;
		const char *from;

		if (sq_lab_open(file->name, &lab) < 0)
			return SQ_EXIT_USAGE;
		sq_lab_needs(lab.doc, &needs);
		from = json_string_value(json_object_get(lab.doc, "reported_in"));
		printf("%-26s %-9s %s%s%s%s\n", lab.name, from ? from : "-", needs.len ? "[" : "",
		       needs.len ? needs.data : "", needs.len ? "] " : "",
		       json_string_value(json_object_get(lab.doc, "description")));
		sq_buf_fini(&needs);
		sq_lab_close(&lab);
	}
	return SQ_EXIT_OK;
}

static int lab_show(const char *name)
{
	struct sq_lab lab;

	if (sq_lab_open(name, &lab) < 0)
		return SQ_EXIT_USAGE;
	for (const struct sq_embedded *file = sq_labs; file->name; file++)
		if (strcmp(file->name, name) == 0)
			fwrite(file->text, 1, file->len, stdout);
	sq_lab_close(&lab);
	return SQ_EXIT_OK;
}

static size_t count_shipped(void)
{
	size_t n = 0;

	while (sq_labs[n].name)
		n++;
	return n;
}

static int lab_run(const struct sq_strings *names, const struct sq_lab_args *args, int argc,
		   char **argv)
{
	size_t n = args->all ? count_shipped() : names->n;
	struct sq_lab *labs = sq_alloc_n(n, sizeof(*labs));
	int status = SQ_EXIT_OK;

	for (size_t i = 0; i < n && status == SQ_EXIT_OK; i++)
		if (sq_lab_open(args->all ? sq_labs[i].name : names->v[i], &labs[i]) < 0)
			status = SQ_EXIT_USAGE;
	if (status == SQ_EXIT_OK)
		status = sq_lab_run(labs, n, args, argc, argv);
	for (size_t i = 0; i < n; i++)
		sq_lab_close(&labs[i]);
	free(labs);
	return status;
}

static int lab_prove(const char *name, const struct sq_lab_args *args, int argc, char **argv)
{
	struct sq_lab lab;
	int status;

	if (sq_lab_open(name, &lab) < 0)
		return SQ_EXIT_USAGE;
	status = sq_prove_lab(&lab, args, argc, argv);
	sq_lab_close(&lab);
	return status;
}

static int lab_shell(const char *name, const struct sq_lab_args *args)
{
	struct sq_lab lab;
	int status;

	if (sq_lab_open(name, &lab) < 0)
		return SQ_EXIT_USAGE;
	status = sq_lab_shell(&lab, args);
	sq_lab_close(&lab);
	return status;
}

static int dispatch(const struct sq_strings *rest, const struct sq_lab_args *args, int argc,
		    char **argv)
{
	const struct sq_strings names = { rest->v + 1, rest->n ? rest->n - 1 : 0 };
	const char *verb = rest->n ? rest->v[0] : "";

	if (names.n == 0 && strcmp(verb, "list") == 0)
		return lab_list();
	if (names.n == 1 && strcmp(verb, "show") == 0)
		return lab_show(names.v[0]);
	if ((names.n > 0) != args->all && strcmp(verb, "run") == 0)
		return lab_run(&names, args, argc, argv);
	if (names.n == 1 && strcmp(verb, "prove") == 0)
		return lab_prove(names.v[0], args, argc, argv);
	if (names.n == 1 && strcmp(verb, "shell") == 0)
		return lab_shell(names.v[0], args);
	if (names.n == 1 && strcmp(verb, "new") == 0)
		return sq_lab_new(names.v[0]);
	fprintf(stderr, "squall: lab: list, show NAME, run NAME... (or --all), prove NAME, "
			"shell NAME, new NAME; "
			"try: squall help lab\n");
	return SQ_EXIT_USAGE;
}

static int lab(int argc, char **argv)
{
	const struct sq_opt *opts = lab_opts();
	struct sq_lab_args args;
	struct sq_strings rest;
	int status;

	if (sq_args_parse(argc, argv, opts, &args, &rest) < 0)
		return SQ_EXIT_USAGE;
	status = dispatch(&rest, &args, argc, argv);
	sq_args_rest_free(&rest);
	sq_opt_fini(opts, &args);
	return status;
}

static void options(struct sq_buf *out)
{
	sq_opt_help(lab_opts(), out);
}

const struct sq_command sq_command_lab = {
	.name = "lab",
	.args = "list | show NAME | run NAME... | prove NAME | shell NAME | new NAME [options]",
	.summary =
		"reported failures, each a throw-away network that shows failure, cause and cure",
	.options = options,
	.run = lab,
};
