/* Commands that work on one scenario file. */
#ifndef SQ_CLI_SCENARIO_FILE_H
#define SQ_CLI_SCENARIO_FILE_H

#include <stdbool.h>

#include <jansson.h>

#include "base/opt.h"

struct sq_scenario_command {
	const struct sq_opt *opts;
	const char *say; /* what to name, when the file or an option is missing */
	bool (*complete)(
		const void *args); /* are all options there that it can't do without?  NULL: none */
	int (*run)(json_t *scenario, const char *file, const void *args, int argc, char **argv);
};

/* Parses the command line into args, loads the file and runs; the exit status. */
int sq_scenario_command(const struct sq_scenario_command *c, void *args, int argc, char **argv);

#endif
