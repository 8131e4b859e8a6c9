/* "rules": which of the rules that explain failures were the user's own (--rules); null when none. */
#include <stdlib.h>

#include "base/buf.h"
#include "results/draw.h"
#include "results/section.h"

static json_t *rules_json(const struct sq_run *run)
{
	return run->rules ? json_incref(run->rules) : json_null();
}

static void add_list(struct sq_buf *b, const json_t *rules, const char *key)
{
	const json_t *list = json_object_get(rules, key), *id;
	size_t i;

	json_array_foreach(list, i, id)
		sq_buf_printf(b, "%s%s", i ? ", " : "", json_string_value(id));
	if (json_array_size(list))
		sq_buf_printf(b, " %s; ", key);
}

static void rules_text(const json_t *report, struct sq_buf *out, int width)
{
	const json_t *rules = json_object_get(report, "rules");
	struct sq_buf b = { 0 };

	if (!json_is_object(rules))
		return;
	add_list(&b, rules, "added");
	add_list(&b, rules, "replaced");
	sq_buf_printf(&b, "from %s", sq_draw_text(rules, "dir"));
	sq_draw_wrap(out, width, "rules of your own: ", b.data);
	sq_buf_fini(&b);
}

const struct sq_section sq_section_rules = {
	.key = "rules",
	.order = 81,
	.schema = "{\"type\": [\"object\", \"null\"],"
		  " \"description\": \"rules of the user's own (--rules); null: the shipped ones"
		  " alone\", \"required\": [\"dir\", \"added\", \"replaced\"],"
		  " \"properties\": {\"dir\": {\"type\": \"string\"},"
		  "  \"added\": {\"type\": \"array\", \"items\": {\"type\": \"string\"}},"
		  "  \"replaced\": {\"type\": \"array\", \"items\": {\"type\": \"string\"},"
		  "   \"description\": \"ids of shipped rules\"}}}",
	.json = rules_json,
	.text = rules_text,
};
