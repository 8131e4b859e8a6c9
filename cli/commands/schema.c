/* squall schema: the JSON Schemas of what squall writes. */
#include <stdio.h>
#include <string.h>

#include "cli/command.h"
#include "cli/gate.h"
#include "cli/search.h"
#include "cli/tune.h"
#include "results/compare.h"
#include "results/section.h"

static const struct {
	const char *name;
	json_t *(*make)(void);
} schemas[] = {
	{ "run", sq_report_schema }, { "compare", sq_compare_schema }, { "tune", sq_tune_schema },
	{ "gate", sq_gate_schema },  { "search", sq_search_schema },
};

static int schema(int argc, char **argv)
{
	const char *name = argc > 1 ? argv[1] : schemas[0].name;

	for (size_t i = 0; argc <= 2 && i < sizeof(schemas) / sizeof(*schemas); i++) {
		json_t *doc;

		if (strcmp(schemas[i].name, name) != 0)
			continue;
		doc = schemas[i].make();
		json_dumpf(doc, stdout, JSON_INDENT(2));
		putchar('\n');
		json_decref(doc);
		return SQ_EXIT_OK;
	}
	fprintf(stderr, "squall: schema: of what? run, compare, tune, gate or search\n");
	return SQ_EXIT_USAGE;
}

const struct sq_command sq_command_schema = {
	.name = "schema",
	.args = "[run | compare | tune | gate | search]",
	.summary =
		"print the JSON Schema (draft-07) of a report, a comparison, a tuning, a gate or a search",
	.run = schema,
};
