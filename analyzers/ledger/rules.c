/* Rule files, parsed strictly by option tables: a misspelt key in a rule is an error of the program
 * and ends it, never a mechanism that silently explains nothing. */
#include "analyzers/ledger/rules.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/json.h"
#include "base/mem.h"

static int check_settings(const struct sq_embedded *file, const struct sq_rule *rule,
			  struct sq_err *err)
{
	const struct sq_rule_setting *settings = rule->settings.v;

	for (size_t i = 0; i < rule->settings.n; i++) {
		if (!settings[i].is == !settings[i].above)
			return sq_err_set(err, -EINVAL, file->name,
					  "expected either \"is\" or \"above\" for %s, found %s",
					  settings[i].sysctl, settings[i].is ? "both" : "none");
	}
	return 0;
}

static int check_levels(const struct sq_embedded *file, const struct sq_rule *rule,
			struct sq_err *err)
{
	const struct sq_rule_level *levels = rule->levels.v;
	const struct sq_rule_pay *pays = rule->pays.v;

	for (size_t i = 0; i < rule->levels.n; i++) {
		if (!levels[i].limit == !levels[i].limit_gauge)
			return sq_err_set(
				err, -EINVAL, file->name,
				"expected either \"limit\" or \"limit_gauge\" for %s, found %s",
				levels[i].names.v[0], levels[i].limit ? "both" : "none");
		if (levels[i].limit_gauge && levels[i].sum)
			return sq_err_set(
				err, -EINVAL, file->name,
				"\"limit_gauge\" is of the same row, and the \"sum\" of %s has "
				"none; give a \"limit\"",
				levels[i].names.v[0]);
		if (levels[i].fallback && (i == 0 || levels[i - 1].fallback))
			return sq_err_set(err, -EINVAL, file->name,
					  "%s is a \"fallback\" of no level; put it right behind "
					  "the one that it stands in for",
					  levels[i].names.v[0]);
	}
	for (size_t i = 0; i < rule->pays.n; i++) {
		if (pays[i].own && rule->fact != SQ_FACT_LEVELS)
			return sq_err_set(
				err, -EINVAL, file->name,
				"\"own\" goes with the fact \"levels\" only; %s have none",
				pays[i].noun);
		if (rule->fact == SQ_FACT_LEVELS && rule->levels.n == 0 && !pays[i].own)
			return sq_err_set(
				err, -EINVAL, file->name,
				"%s can't be known by no levels; give \"levels\", or \"own\"",
				pays[i].noun);
	}
	return 0;
}

static int check_failures(const struct sq_embedded *file, const struct sq_strings *failures,
			  struct sq_err *err)
{
	for (size_t i = 0; i < failures->n; i++) {
		if (!strchr(failures->v[i], '@'))
			return sq_err_set(err, -EINVAL, file->name,
					  "\"%s\" is no failure; write CODE@PHASE", failures->v[i]);
	}
	return 0;
}

static int check_rule(const struct sq_embedded *file, const struct sq_rule *rule,
		      struct sq_err *err)
{
	const struct sq_rule_pay *pays = rule->pays.v;
	int rc = 0;

	if (strcmp(rule->id, file->name) != 0)
		return sq_err_set(err, -EINVAL, file->name,
				  "the rule calls itself %s; name the file and the rule alike",
				  rule->id);
	if ((rule->counters.n > 0) == (rule->fact != SQ_FACT_NONE))
		return sq_err_set(err, -EINVAL, file->name,
				  "expected either \"counters\" or a \"fact\", found %s",
				  rule->counters.n ? "both" : "none");
	for (size_t i = 0; i < rule->pays.n && rc == 0; i++)
		rc = check_failures(file, &pays[i].failures, err);
	for (size_t i = 0; i < rule->counters.n && rc == 0; i++)
		rc = check_failures(file, &sq_rule_counter(rule, i)->only, err);
	if (rc == 0)
		rc = check_levels(file, rule, err);
	return rc == 0 ? check_settings(file, rule, err) : rc;
}

static int load_one(const struct sq_embedded *file, struct sq_rule *ret, struct sq_err *err)
{
	struct sq_opt_ctx ctx = { .file = file->name };
	json_t *doc = sq_json_load_text(file->text, file->len, file->name, err);
	int rc;

	if (!doc)
		return -EINVAL;
	rc = sq_opt_parse(&ctx, sq_rule_opts, doc, "", ret, err);
	json_decref(doc);
	if (rc != 0)
		return rc;
	rc = check_rule(file, ret, err);
	if (rc != 0)
		sq_opt_fini(sq_rule_opts, ret);
	return rc;
}

int sq_rule_table_load(const struct sq_embedded *files, struct sq_rule_table *ret,
		       struct sq_err *err)
{
	struct sq_rule_table t = { 0 };
	size_t n = 0;

	while (files[n].name)
		n++;
	t.v = sq_alloc_n(n ? n : 1, sizeof(*t.v));
	for (; t.n < n; t.n++) {
		int rc = load_one(&files[t.n], &t.v[t.n], err);

		if (rc != 0) {
			sq_rule_table_fini(&t);
			return rc;
		}
	}
	*ret = t;
	return 0;
}

void sq_rule_table_fini(struct sq_rule_table *t)
{
	for (size_t i = 0; i < t->n; i++)
		sq_opt_fini(sq_rule_opts, &t->v[i]);
	free(t->v);
	*t = (struct sq_rule_table){ 0 };
}

static bool word_fits(const char *pattern, size_t len, const char *word)
{
	if (len == 1 && pattern[0] == '*')
		return true;
	return strlen(word) == len && memcmp(pattern, word, len) == 0;
}

static bool failure_fits(const char *pattern, const char *code, const char *phase)
{
	const char *at = strchr(pattern, '@');

	return word_fits(pattern, (size_t)(at - pattern), code) &&
	       word_fits(at + 1, strlen(at + 1), phase);
}

static bool any_fits(const struct sq_strings *failures, const char *code, const char *phase)
{
	for (size_t i = 0; i < failures->n; i++) {
		if (failure_fits(failures->v[i], code, phase))
			return true;
	}
	return false;
}

bool sq_rule_counter_pays(const struct sq_rule_counter *c, const char *code, const char *phase)
{
	return c->only.n == 0 || any_fits(&c->only, code, phase);
}

const struct sq_rule_pay *sq_rule_pay_of(
	const struct sq_rule *rule, const char *code, const char *phase, int role,
	const char *(*sysctl_of)(const void *arg, const char *name), const void *arg)
{
	const struct sq_rule_pay *pays = rule->pays.v;

	for (size_t i = 0; i < rule->pays.n; i++) {
		const struct sq_rule_pay *pay = &pays[i];
		bool fits = (role == SQ_SIDE_EITHER || sq_side_has(pay->side, role)) &&
			    any_fits(&pay->failures, code, phase);

		for (size_t j = 0; j < pay->when.n && fits; j++) {
			const char *value = sysctl_of ? sysctl_of(arg, pay->when.v[j].key)
						      : pay->when.v[j].value;

			fits = value && strcmp(value, pay->when.v[j].value) == 0;
		}
		if (fits)
			return pay;
	}
	return NULL;
}
