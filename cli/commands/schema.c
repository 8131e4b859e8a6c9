/* squall schema: the JSON Schema of run.json. */
#include <stdio.h>

#include "cli/command.h"
#include "results/section.h"

static int schema(int argc, char **argv)
{
	json_t *doc = sq_report_schema();

	(void)argv;
	if (argc > 1) {
		json_decref(doc);
		fprintf(stderr, "squall: schema takes no arguments\n");
		return SQ_EXIT_USAGE;
	}
	json_dumpf(doc, stdout, JSON_INDENT(2));
	putchar('\n');
	json_decref(doc);
	return SQ_EXIT_OK;
}

const struct sq_command sq_command_schema = {
	.name = "schema",
	.args = "",
	.summary = "print the JSON Schema (draft-07) of a report",
	.run = schema,
};
