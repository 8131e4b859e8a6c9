/* Commands that work on one scenario file. */
#ifndef SQ_CLI_SCENARIO_FILE_H
#define SQ_CLI_SCENARIO_FILE_H

#include <stdbool.h>

#include <jansson.h>

#include "cli/execute.h"

struct sq_scenario_command {
	const struct sq_opt *opts;
	const char *say; /* what to name, when the file or an option is missing */
	bool (*complete)(
		const void *args); /* are all options there that it can't do without?  NULL: none */
	int (*run)(json_t *scenario, const char *file, const void *args, int argc, char **argv);
};

/* Parses the command line into args, whose first member is sq_run_args, loads the file (a scenario, or the report that
 * holds one), and runs; the exit status.  What --set says is in the scenario by then, and no longer in args, so that
 * what the command sets itself has the last word. */
int sq_scenario_command(const struct sq_scenario_command *c, void *args, int argc, char **argv);

#endif
