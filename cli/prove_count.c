/* What the proof counts.
 *
 * What a reader would get wrong: what is counted are the failures that clients saw, of the kinds that
 * the finding explains, and not what a run says of its own mechanism: the proof must not rest on the
 * account that it is to test. */
#include <stdlib.h>
#include <string.h>

#include "cli/prove_private.h"
#include "results/draw.h"

static json_int_t number_of(const json_t *object, const char *key)
{
	return json_integer_value(json_object_get(object, key));
}

bool sq_prove_is_of(const json_t *finding, const char *mechanism)
{
	return strcmp(sq_draw_text(finding, "mechanism"), mechanism) == 0;
}

/* Whether the finding is about that failure of that load. */
static bool is_explained(const struct sq_proving *p, const char *load, const char *failure)
{
	const json_t *f;
	size_t i;

	json_array_foreach(json_object_get(p->report, "findings"), i, f)
		if (sq_prove_is_of(f, p->mechanism) && strcmp(sq_draw_text(f, "load"), load) == 0 &&
		    strcmp(sq_draw_text(f, "failure"), failure) == 0)
			return true;
	return false;
}

/* Deliveries that a relay put off are in no load's outcomes. */
static int64_t count_deferred(const struct sq_proving *p, const json_t *report)
{
	const json_t *f;
	int64_t n = 0;
	size_t i;

	json_array_foreach(json_object_get(report, "findings"), i, f)
		if (sq_prove_is_of(f, p->mechanism) && !*sq_draw_text(f, "load"))
			n += number_of(f, "count");
	return n;
}

struct sq_proof_count sq_prove_count(const struct sq_proving *p, const json_t *report)
{
	struct sq_proof_count c = { .failed = count_deferred(p, report) };
	const json_t *load, *o;
	size_t i, k;

	json_array_foreach(json_object_get(report, "loads"), i, load) {
		const char *name = sq_draw_text(load, "name");

		c.scheduled += number_of(load, "scheduled");
		json_array_foreach(json_object_get(load, "outcomes"), k, o) {
			char *failure =
				sq_draw_failure(sq_draw_text(o, "code"), sq_draw_text(o, "phase"));

			if (is_explained(p, name, failure))
				c.failed += number_of(o, "count");
			else if (strcmp(sq_draw_text(o, "class"), "ok") != 0)
				c.others += number_of(o, "count");
			free(failure);
		}
	}
	return c;
}
