/* "servers": the processes of the scenario's world, how they ended and what they counted. */
#include "results/section.h"

static json_t *servers_json(const struct sq_run *run)
{
	return json_incref(run->servers);
}

const struct sq_section sq_section_servers = {
	.key = "servers",
	.order = 57,
	.schema = "{\"type\": \"array\", \"items\": {\"type\": \"object\","
		  " \"required\": [\"host\", \"what\"],"
		  " \"properties\": {\"host\": {\"type\": \"string\"},"
		  "  \"what\": {\"type\": \"string\"},"
		  "  \"exit\": {\"type\": [\"integer\", \"null\"]},"
		  "  \"signal\": {\"type\": [\"integer\", \"null\"]},"
		  "  \"counts\": {\"type\": [\"object\", \"null\"]},"
		  "  \"log\": {\"type\": [\"string\", \"null\"],"
		  "   \"description\": \"a file in the run's folder\"},"
		  "  \"receipts\": {\"type\": [\"string\", \"null\"],"
		  "   \"description\": \"likewise; of what a mail sink took\"}}}}",
	.json = servers_json,
};
