/* "absent": sources of counters that a host did not have.  Not available is never 0. */
#include "results/section.h"

static json_t *absent_json(const struct sq_run *run)
{
	return json_incref(run->absent);
}

const struct sq_section sq_section_absent = {
	.key = "absent",
	.order = 82,
	.schema = "{\"type\": \"array\", \"items\": {\"type\": \"object\","
		  " \"required\": [\"host\", \"source\", \"because\"],"
		  " \"properties\": {\"host\": {\"type\": \"string\"},"
		  "  \"source\": {\"type\": \"string\"}, \"because\": {\"type\": \"string\"}}}}",
	.json = absent_json,
};
