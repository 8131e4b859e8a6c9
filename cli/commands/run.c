/* squall run FILE: the main job. */
#include <stdio.h>

#include "base/json.h"
#include "cli/args.h"
#include "cli/command.h"
#include "cli/execute.h"

static int run_file(const char *path, const struct sq_run_args *args, int argc, char **argv)
{
	struct sq_err err = { 0 };
	json_t *doc = sq_json_load_file(path, &err);
	int status;

	if (!doc) {
		sq_complain(&err);
		return SQ_EXIT_USAGE;
	}
	status = sq_execute(doc, path, args, false, argc, argv, NULL);
	json_decref(doc);
	return status;
}

static int run(int argc, char **argv)
{
	struct sq_run_args args;
	struct sq_strings rest;
	int status = SQ_EXIT_USAGE;

	if (sq_args_parse(argc, argv, sq_run_args_opts, &args, &rest) < 0)
		return SQ_EXIT_USAGE;
	if (rest.n == 1)
		status = run_file(rest.v[0], &args, argc, argv);
	else
		fprintf(stderr, "squall: run: name one scenario file; try: squall help run\n");
	sq_args_rest_free(&rest);
	sq_opt_fini(sq_run_args_opts, &args);
	return status;
}

static void options(struct sq_buf *out)
{
	sq_opt_help(sq_run_args_opts, out);
}

const struct sq_command sq_command_run = {
	.name = "run",
	.args = "FILE [options]",
	.summary = "run a scenario, or the one that a report holds, and account for its failures",
	.options = options,
	.run = run,
};
