/* "environment": each watched host as it was when the run began. */
#include "results/section.h"

static json_t *environment_json(const struct sq_run *run)
{
	return json_incref(run->environment);
}

const struct sq_section sq_section_environment = {
	.key = "environment",
	.order = 30,
	.schema = "{\"type\": \"object\", \"description\": \"by host\","
		  " \"additionalProperties\": {\"type\": \"object\", \"properties\": {"
		  "  \"kernel\": {\"type\": \"string\"},"
		  "  \"sysctls\": {\"type\": \"object\","
		  "   \"description\": \"one that this kernel lacks is absent\","
		  "   \"additionalProperties\": {\"type\": \"string\"}}}}}",
	.json = environment_json,
};
