/* The whole report out of its sections, in their order; its schema out of theirs; its summary.
 * Nothing here knows a section: a new file in results/sections is a new key of run.json. */
#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "results/section.h"

static const char definitions[] =
	"{\"seconds\": {\"type\": [\"number\", \"null\"]},"
	" \"points\": {\"type\": \"array\", \"maxItems\": 2000,"
	"  \"items\": {\"type\": [\"number\", \"null\"]}},"
	" \"latency\": {\"type\": [\"object\", \"null\"],"
	"  \"description\": \"null: nothing was measured\","
	"  \"required\": [\"count\", \"min_s\", \"mean_s\", \"p50_s\", \"p90_s\", \"p99_s\","
	"   \"p999_s\", \"max_s\"],"
	"  \"properties\": {\"count\": {\"type\": \"integer\"}, \"min_s\": {\"type\": \"number\"},"
	"   \"mean_s\": {\"type\": \"number\"}, \"p50_s\": {\"type\": \"number\"},"
	"   \"p90_s\": {\"type\": \"number\"}, \"p99_s\": {\"type\": \"number\"},"
	"   \"p999_s\": {\"type\": \"number\"}, \"max_s\": {\"type\": \"number\"}}}}";

static const char squall_schema[] =
	"{\"type\": \"object\", \"required\": [\"version\", \"commit\"],"
	" \"description\": \"the program that made the run\","
	" \"properties\": {\"version\": {\"type\": \"string\"}, \"commit\": {\"type\": \"string\"}}}";

static int by_order(const void *a, const void *b)
{
	const struct sq_section *x = *(const struct sq_section *const *)a;
	const struct sq_section *y = *(const struct sq_section *const *)b;

	return x->order != y->order ? x->order - y->order : strcmp(x->key, y->key);
}

/* NULL-terminated; the caller's to free. */
static const struct sq_section **in_order(void)
{
	const struct sq_section **list;
	size_t n = 0;

	while (sq_sections[n])
		n++;
	list = sq_alloc_n(n + 1, sizeof(*list));
	for (size_t i = 0; i < n; i++)
		list[i] = sq_sections[i];
	qsort(list, n, sizeof(*list), by_order);
	return list;
}

static json_t *squall_json(const struct sq_run *run)
{
	const json_t *made_by = json_object_get(run->meta, "squall");
	const char *version = json_string_value(json_object_get(made_by, "version"));
	const char *commit = json_string_value(json_object_get(made_by, "commit"));

	return json_pack("{s:s, s:s}", "version", version ? version : SQ_VERSION, "commit",
			 commit ? commit : "unknown");
}

json_t *sq_report_json(const struct sq_run *run)
{
	const struct sq_section **sections = in_order();
	json_t *report =
		json_pack("{s:s, s:o}", "schema", "squall-run/1", "squall", squall_json(run));

	for (size_t i = 0; sections[i]; i++)
		json_object_set_new(report, sections[i]->key, sections[i]->json(run));
	free(sections);
	return report;
}

static json_t *fragment(const char *text)
{
	json_t *schema = json_loads(text, JSON_REJECT_DUPLICATES, NULL);

	assert(schema);
	return schema;
}

json_t *sq_report_schema(void)
{
	const struct sq_section **sections = in_order();
	json_t *required = json_pack("[s, s]", "schema", "squall");
	json_t *properties = json_pack("{s:{s:s}, s:o}", "schema", "const", "squall-run/1",
				       "squall", fragment(squall_schema));

	for (size_t i = 0; sections[i]; i++) {
		json_array_append_new(required, json_string(sections[i]->key));
		json_object_set_new(properties, sections[i]->key, fragment(sections[i]->schema));
	}
	free(sections);
	return json_pack("{s:s, s:s, s:s, s:s, s:o, s:o, s:o}", "$schema",
			 "http://json-schema.org/draft-07/schema#", "title",
			 "The report of a run of squall", "description",
			 "Times end in _s and are seconds, from the run's start t0 unless said "
			 "otherwise. Further keys may come; those required here stay.",
			 "type", "object", "required", required, "properties", properties,
			 "definitions", fragment(definitions));
}

void sq_report_text(const json_t *report, struct sq_buf *out, int width)
{
	const struct sq_section **sections = in_order();

	for (size_t i = 0; sections[i]; i++)
		if (sections[i]->text)
			sections[i]->text(report, out, width);
	free(sections);
}
