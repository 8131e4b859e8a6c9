/* Rule files, parsed strictly by option tables: a misspelt key in a rule is an error of the program
 * and ends it, never a mechanism that silently explains nothing. */
#include "analyzers/rules.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/json.h"
#include "base/mem.h"

static const char *const dose_names[] = { "syn-schedule", "segments", "once", NULL };
static const char *const side_names[] = { "server", "client", "either", NULL };
static const char *const rows_names[] = { "all", "target", "path", NULL };
static const char *const fact_names[] = { "none", "loopback-source", "relay-lookup", NULL };

#define PAY(member)     offsetof(struct sq_rule_pay, member)
#define COUNTER(member) offsetof(struct sq_rule_counter, member)
#define SETTING(member) offsetof(struct sq_rule_setting, member)
#define RULE(member)    offsetof(struct sq_rule, member)

static const struct sq_opt pay_opts[] = {
	{ .name = "failures",
	  .type = SQ_OPT_STRINGS,
	  .offset = PAY(failures),
	  .required = true,
	  .help = "failures it can cause, as CODE@PHASE; either may be *" },
	{ .name = "side",
	  .type = SQ_OPT_ENUM,
	  .offset = PAY(side),
	  .def = "either",
	  .choices = side_names,
	  .help = "on whose counters they can show" },
	{ .name = "dose",
	  .type = SQ_OPT_ENUM,
	  .offset = PAY(dose),
	  .def = "once",
	  .choices = dose_names,
	  .help = "what one of them costs in the counter, and when" },
	{ .name = "when",
	  .type = SQ_OPT_PAIRS,
	  .offset = PAY(when),
	  .help = "sysctls of the counter's host that must have these values" },
	{ .name = "noun",
	  .type = SQ_OPT_STRING,
	  .offset = PAY(noun),
	  .required = true,
	  .help = "what such failures are, in the plural" },
	{ 0 },
};

static const struct sq_opt setting_opts[] = {
	{ .name = "sysctl",
	  .type = SQ_OPT_STRING,
	  .offset = SETTING(sysctl),
	  .required = true,
	  .help = "the setting's dotted name" },
	{ .name = "is",
	  .type = SQ_OPT_STRING,
	  .offset = SETTING(is),
	  .help = "the value for which the text is said; may be a placeholder, as in the text" },
	{ .name = "above",
	  .type = SQ_OPT_STRING,
	  .offset = SETTING(above),
	  .help = "instead of \"is\": the number that it must exceed" },
	{ .name = "text",
	  .type = SQ_OPT_STRING,
	  .offset = SETTING(text),
	  .required = true,
	  .help = "a sentence of evidence" },
	{ 0 },
};

static const struct sq_opt counter_opts[] = {
	{ .name = "side",
	  .type = SQ_OPT_ENUM,
	  .offset = COUNTER(side),
	  .required = true,
	  .choices = side_names,
	  .help = "whose counter it is" },
	{ .name = "names",
	  .type = SQ_OPT_STRINGS,
	  .offset = COUNTER(names),
	  .required = true,
	  .help = "the counter that pays; several are summed" },
	{ .name = "rows",
	  .type = SQ_OPT_ENUM,
	  .offset = COUNTER(rows),
	  .def = "all",
	  .choices = rows_names,
	  .help = "which of its rows" },
	{ .name = "also",
	  .type = SQ_OPT_STRINGS,
	  .offset = COUNTER(also),
	  .help = "counters that rise with it, or it does not count" },
	{ .name = "less",
	  .type = SQ_OPT_STRINGS,
	  .offset = COUNTER(less),
	  .help = "counters that do not rise with it, or it does not count" },
	{ .name = "fallback",
	  .type = SQ_OPT_BOOL,
	  .offset = COUNTER(fallback),
	  .def = "false",
	  .help = "only where the counter before it was not read" },
	{ .name = "uncounted",
	  .type = SQ_OPT_STRING,
	  .offset = COUNTER(uncounted),
	  .help = "a gauge of occasions that the counter leaves out" },
	{ 0 },
};

static const struct sq_opt change_opts[] = {
	{ .name = "sysctl",
	  .type = SQ_OPT_PAIRS,
	  .offset = offsetof(struct sq_rule_change, sysctl),
	  .help = "settings of the finding's host, or of the machine" },
	{ .name = "server",
	  .type = SQ_OPT_PAIRS,
	  .offset = offsetof(struct sq_rule_change, server),
	  .help = "keys of the built-in target there" },
	{ 0 },
};

static const struct sq_opt rule_opts[] = {
	{ .name = "id",
	  .type = SQ_OPT_STRING,
	  .offset = RULE(id),
	  .required = true,
	  .help = "the mechanism's name; the file's too" },
	{ .name = "summary",
	  .type = SQ_OPT_STRING,
	  .offset = RULE(summary),
	  .required = true,
	  .help = "what happened, in one sentence" },
	{ .name = "counters",
	  .type = SQ_OPT_LIST,
	  .offset = RULE(counters),
	  .sub = counter_opts,
	  .elem_size = sizeof(struct sq_rule_counter),
	  .help = "where it shows" },
	{ .name = "fact",
	  .type = SQ_OPT_ENUM,
	  .offset = RULE(fact),
	  .def = "none",
	  .choices = fact_names,
	  .help = "what it is known by when no counter shows it" },
	{ .name = "listener_full",
	  .type = SQ_OPT_BOOL,
	  .offset = RULE(listener_full),
	  .def = "false",
	  .help = "asks for a full accept queue at the load's target port" },
	{ .name = "successes",
	  .type = SQ_OPT_BOOL,
	  .offset = RULE(successes),
	  .def = "false",
	  .help = "SYNs and segments that successes lost may have cost it too" },
	{ .name = "pays",
	  .type = SQ_OPT_LIST,
	  .offset = RULE(pays),
	  .required = true,
	  .sub = pay_opts,
	  .elem_size = sizeof(struct sq_rule_pay),
	  .help = "failures and what they cost; the first that fits counts" },
	{ .name = "settings",
	  .type = SQ_OPT_LIST,
	  .offset = RULE(settings),
	  .sub = setting_opts,
	  .elem_size = sizeof(struct sq_rule_setting),
	  .help = "settings worth a sentence of evidence" },
	{ .name = "change",
	  .type = SQ_OPT_TABLE,
	  .offset = RULE(change),
	  .sub = change_opts,
	  .help = "what must make its failures vanish; squall prove tries it" },
	{ .name = "advice",
	  .type = SQ_OPT_STRING,
	  .offset = RULE(advice),
	  .required = true,
	  .help = "what to do; {host}, {row}, {sysctl:NAME}, {gauge:NAME}, {counter:NAME}, {qdisc}, "
		  "{source}, {target}, {backlog}, {needed}" },
	{ .name = "reference",
	  .type = SQ_OPT_STRING,
	  .offset = RULE(reference),
	  .required = true,
	  .help = "where the mechanism can be read up" },
	{ 0 },
};

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

static int check_rule(const struct sq_embedded *file, const struct sq_rule *rule,
		      struct sq_err *err)
{
	const struct sq_rule_pay *pays = rule->pays.v;

	if (strcmp(rule->id, file->name) != 0)
		return sq_err_set(err, -EINVAL, file->name,
				  "the rule calls itself %s; name the file and the rule alike",
				  rule->id);
	if ((rule->counters.n > 0) == (rule->fact != SQ_FACT_NONE))
		return sq_err_set(err, -EINVAL, file->name,
				  "expected either \"counters\" or a \"fact\", found %s",
				  rule->counters.n ? "both" : "none");
	for (size_t i = 0; i < rule->pays.n; i++) {
		for (size_t j = 0; j < pays[i].failures.n; j++) {
			if (!strchr(pays[i].failures.v[j], '@'))
				return sq_err_set(err, -EINVAL, file->name,
						  "\"%s\" is no failure; write CODE@PHASE",
						  pays[i].failures.v[j]);
		}
	}
	return check_settings(file, rule, err);
}

static int load_one(const struct sq_embedded *file, struct sq_rule *ret, struct sq_err *err)
{
	struct sq_opt_ctx ctx = { .file = file->name };
	json_t *doc = sq_json_load_text(file->text, file->len, file->name, err);
	int rc;

	if (!doc)
		return -EINVAL;
	rc = sq_opt_parse(&ctx, rule_opts, doc, "", ret, err);
	json_decref(doc);
	if (rc != 0)
		return rc;
	rc = check_rule(file, ret, err);
	if (rc != 0)
		sq_opt_fini(rule_opts, ret);
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
		sq_opt_fini(rule_opts, &t->v[i]);
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

const struct sq_rule_pay *sq_rule_pay_of(
	const struct sq_rule *rule, const char *code, const char *phase, int role,
	const char *(*sysctl_of)(const void *arg, const char *name), const void *arg)
{
	const struct sq_rule_pay *pays = rule->pays.v;

	for (size_t i = 0; i < rule->pays.n; i++) {
		const struct sq_rule_pay *pay = &pays[i];
		bool fits = false;

		for (size_t j = 0; j < pay->failures.n && !fits &&
				   (role == SQ_SIDE_EITHER || sq_side_has(pay->side, role));
		     j++)
			fits = failure_fits(pay->failures.v[j], code, phase);
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
