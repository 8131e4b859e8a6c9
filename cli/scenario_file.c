#include "cli/scenario_file.h"

#include <stdio.h>

#include "base/json.h"
#include "cli/args.h"
#include "cli/command.h"

int sq_scenario_command(const struct sq_scenario_command *c, void *args, int argc, char **argv)
{
	struct sq_strings rest;
	struct sq_err err = { 0 };
	json_t *scenario = NULL;
	int status = SQ_EXIT_USAGE;

	if (sq_args_parse(argc, argv, c->opts, args, &rest) < 0)
		return SQ_EXIT_USAGE;
	if (rest.n != 1 || (c->complete && !c->complete(args)))
		fprintf(stderr, "squall: %s: name %s; try: squall help %s\n", argv[0], c->say,
			argv[0]);
	else if (!(scenario = sq_json_load_file(rest.v[0], &err)))
		sq_complain(&err);
	else
		status = c->run(scenario, rest.v[0], args, argc, argv);
	json_decref(scenario);
	sq_args_rest_free(&rest);
	sq_opt_fini(c->opts, args);
	return status;
}
