/* "scenario": the effective one, the seed included, so that the report alone reproduces its run. */
#include "results/section.h"

static json_t *scenario_json(const struct sq_run *run)
{
	return run->scenario ? json_incref(run->scenario) : json_object();
}

const struct sq_section sq_section_scenario = {
	.key = "scenario",
	.order = 20,
	.schema = "{\"type\": \"object\","
		  " \"description\": \"the scenario with every default filled in; it can be run\"}",
	.json = scenario_json,
};
