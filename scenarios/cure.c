/* A scenario's cure: the same document with a few values changed, and with expectations of its own,
 * since those of the scenario say that it fails.
 *
 * What a reader would get wrong: the changes go through the words of --set, so that an array, too,
 * can stand in a table of texts ("/world/hosts/server/nft": "[]"). */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/json.h"
#include "base/mem.h"
#include "scenarios/scenario_private.h"

static char *value_text(const json_t *value)
{
	if (json_is_string(value))
		return sq_strdup(json_string_value(value));
	return json_dumps(value, JSON_ENCODE_ANY | JSON_COMPACT);
}

static int set_all(json_t *doc, const json_t *set, struct sq_err *err)
{
	const char *pointer;
	json_t *value;
	int rc = 0;

	json_object_foreach((json_t *)set, pointer, value) {
		char *text = value_text(value);
		char *words = sq_printf_dup("%s=%s", pointer, text);

		if (rc == 0)
			rc = sq_scenario_apply_set(doc, words, err);
		free(words);
		free(text);
	}
	if (rc < 0 && err)
		sq_err_set(err, rc, "/cure/set", "%s", err->text);
	return rc;
}

static json_t *default_expect(const json_t *doc)
{
	const char *finding = json_string_value(json_object_get(doc, "finding"));

	return finding ? json_pack("[o]", json_sprintf("finding.%s.count == 0", finding))
		       : json_pack("[s]", "account.count == 0");
}

json_t *sq_cure_document(const json_t *doc, struct sq_err *err)
{
	const json_t *cure = json_object_get(doc, "cure");
	json_t *expect = json_object_get(cure, "expect");
	json_t *cured;

	if (!cure) {
		sq_err_set(err, -ENOENT, "/cure", "the scenario has no cure; give it one");
		return NULL;
	}
	cured = json_deep_copy(doc);
	if (set_all(cured, json_object_get(cure, "set"), err) < 0) {
		json_decref(cured);
		return NULL;
	}
	if (expect)
		json_object_set(cured, "expect", expect);
	else
		json_object_set_new(cured, "expect", default_expect(doc));
	json_object_del(cured, "finding");
	json_object_del(cured, "cure");
	return cured;
}

/* That each pointer leads somewhere is found when the cured document is made and parsed. */
int sq_scenario_check_cure(const struct sq_scenario *s, struct sq_err *err)
{
	for (size_t i = 0; i < s->cure.set.n; i++) {
		const char *pointer = s->cure.set.v[i].key;

		if (*pointer != '/')
			return sq_scenario_fail(s, "/cure/set", err,
						"expected JSON pointers such as "
						"\"/load/0/threads\", found \"%.60s\"",
						pointer);
		if (strncmp(pointer, "/cure", 5) == 0)
			return sq_scenario_fail(s, "/cure/set", err,
						"\"%.60s\" would change the cure itself; name "
						"something else of the scenario",
						pointer);
	}
	return 0;
}
