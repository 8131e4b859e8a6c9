#include "cli/scenario_file.h"

#include <stdio.h>

#include "base/json.h"
#include "cli/args.h"
#include "cli/command.h"
#include "scenarios/scenario.h"

/* The scenario of the file, changed by --set.  NULL with err. */
static json_t *load(const char *path, struct sq_run_args *args, struct sq_err *err)
{
	json_t *doc = sq_json_load_file(path, err), *inner = json_object_get(doc, "scenario");

	if (doc && json_is_object(inner)) {
		json_incref(inner);
		json_decref(doc);
		doc = inner;
	}
	for (size_t i = 0; doc && i < args->set.n; i++) {
		if (sq_scenario_apply_set(doc, args->set.v[i], err) < 0) {
			json_decref(doc);
			doc = NULL;
		}
	}
	sq_strings_fini(&args->set);
	args->set = (struct sq_strings){ 0 };
	return doc;
}

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
	else if (!(scenario = load(rest.v[0], args, &err)))
		sq_complain(&err);
	else
		status = c->run(scenario, rest.v[0], args, argc, argv);
	json_decref(scenario);
	sq_args_rest_free(&rest);
	sq_opt_fini(c->opts, args);
	return status;
}
