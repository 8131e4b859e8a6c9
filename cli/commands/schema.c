/* squall schema: the JSON Schemas of what squall writes. */
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include "cli/command.h"
#include "results/compare.h"
#include "results/section.h"

static int schema(int argc, char **argv)
{
	bool comparison = argc == 2 && strcmp(argv[1], "compare") == 0;
	json_t *doc;

	if (argc > 2 || (argc == 2 && !comparison && strcmp(argv[1], "run") != 0)) {
		fprintf(stderr, "squall: schema: of what? run or compare\n");
		return SQ_EXIT_USAGE;
	}
	doc = comparison ? sq_compare_schema() : sq_report_schema();
	json_dumpf(doc, stdout, JSON_INDENT(2));
	putchar('\n');
	json_decref(doc);
	return SQ_EXIT_OK;
}

const struct sq_command sq_command_schema = {
	.name = "schema",
	.args = "[run | compare]",
	.summary = "print the JSON Schema (draft-07) of a report, or of a comparison",
	.run = schema,
};
