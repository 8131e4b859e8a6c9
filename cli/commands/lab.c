/* squall lab: the shipped reproductions of reported failures. */
#include <stdio.h>
#include <string.h>

#include "base/json.h"
#include "base/value.h"
#include "cli/args.h"
#include "cli/command.h"
#include "cli/execute.h"
#include "scenarios/labs.h"

static const struct sq_embedded *find_lab(const char *name)
{
	const char *names[256];
	size_t n = 0;
	const char *near;

	for (; sq_labs[n].name && n < 255; n++) {
		if (strcmp(sq_labs[n].name, name) == 0)
			return &sq_labs[n];
		names[n] = sq_labs[n].name;
	}
	names[n] = NULL;
	near = sq_nearest(name, names);
	if (near)
		fprintf(stderr, "squall: lab: no lab \"%s\"; did you mean \"%s\"?\n", name, near);
	else
		fprintf(stderr, "squall: lab: no lab \"%s\"; try: squall lab list\n", name);
	return NULL;
}

static json_t *load_lab(const struct sq_embedded *lab)
{
	struct sq_err err = { 0 };
	json_t *doc = sq_json_load_text(lab->text, lab->len, lab->name, &err);

	if (!doc)
		sq_complain(&err);
	return doc;
}

static int lab_list(void)
{
	for (const struct sq_embedded *lab = sq_labs; lab->name; lab++) {
		json_t *doc = load_lab(lab);

		printf("%-24s %s\n", lab->name,
		       json_string_value(json_object_get(doc, "description")));
		json_decref(doc);
	}
	return SQ_EXIT_OK;
}

static int lab_show(const char *name)
{
	const struct sq_embedded *lab = find_lab(name);

	if (!lab)
		return SQ_EXIT_USAGE;
	fwrite(lab->text, 1, lab->len, stdout);
	return SQ_EXIT_OK;
}

static int lab_run(const char *name, const struct sq_run_args *args, int argc, char **argv)
{
	const struct sq_embedded *lab = find_lab(name);
	json_t *doc = lab ? load_lab(lab) : NULL;
	int status;

	if (!doc)
		return SQ_EXIT_USAGE;
	status = sq_execute(doc, lab->name, args, true, NULL, argc, argv);
	json_decref(doc);
	return status;
}

static int lab(int argc, char **argv)
{
	struct sq_run_args args;
	struct sq_strings rest;
	int status = SQ_EXIT_USAGE;

	if (sq_args_parse(argc, argv, sq_run_args_opts, &args, &rest) < 0)
		return SQ_EXIT_USAGE;
	if (rest.n == 1 && strcmp(rest.v[0], "list") == 0)
		status = lab_list();
	else if (rest.n == 2 && strcmp(rest.v[0], "show") == 0)
		status = lab_show(rest.v[1]);
	else if (rest.n == 2 && strcmp(rest.v[0], "run") == 0)
		status = lab_run(rest.v[1], &args, argc, argv);
	else
		fprintf(stderr, "squall: lab: list, show NAME or run NAME; try: squall help lab\n");
	sq_args_rest_free(&rest);
	sq_opt_fini(sq_run_args_opts, &args);
	return status;
}

static void options(struct sq_buf *out)
{
	sq_opt_help(sq_run_args_opts, out);
}

const struct sq_command sq_command_lab = {
	.name = "lab",
	.args = "list | show NAME | run NAME [options]",
	.summary = "reported failures, each a throw-away network that shows failure and cause",
	.options = options,
	.run = lab,
};
