/* The two jobs of expectations: to be checked before a run, to be judged after it. */
#include "analyzers/expect/expect.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "analyzers/expect/private.h"
#include "base/buf.h"
#include "base/json.h"
#include "base/mem.h"

static void scope_fini(struct sq_expect_scope *s)
{
	free(s->loads);
	free(s->hosts);
}

static int check_name(void *arg, const char *name, double *ret, struct sq_err *err)
{
	struct sq_expect_name meaning;

	*ret = 1;
	return sq_expect_classify(arg, name, &meaning, err);
}

int sq_expect_check(const struct sq_plan *plan,
		    const struct sq_vocabulary *(*words_of)(const struct sq_kind *driver),
		    struct sq_err *err)
{
	const struct sq_strings *expect = &plan->scenario->expect;
	struct sq_expect_scope scope = {
		.loads = sq_alloc_n(plan->n_loads + 1, sizeof(*scope.loads)),
		.n_loads = plan->n_loads,
		.hosts = sq_alloc_n(plan->n_hosts + 1, sizeof(*scope.hosts)),
		.n_hosts = plan->n_hosts,
	};
	struct sq_expect_reader reader = { .value = check_name, .arg = &scope };
	struct sq_err scratch = { 0 };
	int rc = 0;

	err = err ? err : &scratch;
	for (size_t i = 0; i < plan->n_loads; i++) {
		scope.loads[i].name = plan->loads[i].spec->name;
		scope.loads[i].words = words_of(plan->loads[i].spec->driver.kind);
	}
	for (size_t i = 0; i < plan->n_hosts; i++)
		scope.hosts[i] = plan->hosts[i].name;
	for (size_t i = 0; i < expect->n && rc == 0; i++) {
		struct sq_expect_result result;
		struct sq_err found = { 0 };

		snprintf(found.where, sizeof(found.where), "%s: /expect/%zu",
			 plan->scenario->file ? plan->scenario->file : "", i);
		rc = sq_expect_reckon(expect->v[i], &reader, &result, &found);
		if (rc != 0)
			*err = found;
	}
	scope_fini(&scope);
	return rc;
}

struct judge {
	const struct sq_run *run;
	struct sq_expect_scope scope;
	char because[512]; /* the first name that was not measured */
};

static int measured_name(void *arg, const char *name, double *ret, struct sq_err *err)
{
	struct judge *j = arg;
	struct sq_expect_name meaning;
	char because[sizeof(j->because)] = "";
	int rc = sq_expect_classify(&j->scope, name, &meaning, err);

	if (rc != 0)
		return rc;
	*ret = sq_expect_value(j->run, &meaning, because, sizeof(because));
	if (isnan(*ret) && !j->because[0])
		memcpy(j->because, because, sizeof(because));
	return 0;
}

static struct sq_expect_scope scope_of_run(const struct sq_run *run)
{
	struct sq_expect_scope s = {
		.loads = sq_alloc_n(run->n_loads + 1, sizeof(*s.loads)),
		.n_loads = run->n_loads,
		.hosts = sq_alloc_n(json_object_size(run->environment) + 1, sizeof(*s.hosts)),
		.any_host = true,
	};
	const char *host;
	json_t *value;

	for (size_t i = 0; i < run->n_loads; i++)
		s.loads[i].name = run->loads[i].name;
	json_object_foreach(run->environment, host, value)
		s.hosts[s.n_hosts++] = host;
	return s;
}

/* "it was 5, not < 3" */
static json_t *why_not(const struct sq_expect_result *r)
{
	char text[160];

	if (strcmp(r->op, "within") == 0)
		snprintf(text, sizeof(text), "%.10g is not within %g%% of %.10g", r->left,
			 100 * r->within, r->right);
	else
		snprintf(text, sizeof(text), "%.10g is not %s %.10g", r->left, r->op, r->right);
	return json_string(text);
}

static json_t *row(const char *text, json_t *held, json_t *value, json_t *because)
{
	json_t *o = json_object();

	json_object_set_new(o, "text", json_string(text));
	json_object_set_new(o, "held", held);
	json_object_set_new(o, "value", value);
	json_object_set_new(o, "because", because);
	return o;
}

static enum sq_verdict judge_one(struct judge *j, const char *text, json_t *rows)
{
	struct sq_expect_reader reader = { .value = measured_name, .arg = j };
	struct sq_expect_result r = { 0 };
	struct sq_err err = { 0 };

	j->because[0] = '\0';
	if (sq_expect_reckon(text, &reader, &r, &err) != 0) {
		json_array_append_new(rows,
				      row(text, json_null(), json_null(), json_string(err.text)));
		return SQ_UNMEASURED;
	}
	if (isnan(r.left) || isnan(r.right)) {
		const char *because = j->because[0] ? j->because : "it divides by nothing";

		json_array_append_new(
			rows, row(text, json_null(), sq_json_real(r.left), json_string(because)));
		return SQ_UNMEASURED;
	}
	json_array_append_new(rows, row(text, json_boolean(r.held), sq_json_real(r.left),
					r.held ? json_null() : why_not(&r)));
	return r.held ? SQ_HELD : SQ_FAILED;
}

enum sq_verdict sq_expect_judge(struct sq_run *run)
{
	const json_t *expect = json_object_get(run->scenario, "expect");
	struct judge j = { .run = run, .scope = scope_of_run(run) };
	enum sq_verdict worst = SQ_HELD;
	json_t *text;
	size_t i;

	json_decref(run->expectations);
	run->expectations = json_array();
	json_array_foreach(expect, i, text) {
		const char *words = json_string_value(text);
		enum sq_verdict v = judge_one(&j, words ? words : "", run->expectations);

		if (v == SQ_FAILED || (v == SQ_UNMEASURED && worst == SQ_HELD))
			worst = v;
	}
	scope_fini(&j.scope);
	return worst;
}
