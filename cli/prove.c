/* squall prove: pairs of runs with and without the change, the order within each from the seed.  The
 * runs of a pair have the same seed, and so the same load.
 *
 * What a reader would get wrong: what is counted are the failures that clients saw, of the kinds that
 * the finding explains, and not what a run says of its own mechanism: the proof must not rest on the
 * account that it is to test. */
#include "cli/prove.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "analyzers/ledger/proof.h"
#include "base/json.h"
#include "base/mem.h"
#include "base/rng.h"
#include "cli/args.h"
#include "cli/command.h"
#include "cli/globals.h"
#include "cli/rundir.h"
#include "results/draw.h"
#include "scenarios/scenario.h"

struct prove {
	const struct sq_trial_way *way;
	const json_t *report;  /* of the run whose finding it is */
	const char *mechanism; /* of report */
	struct sq_change change;
	char *out;
	uint64_t seed;
	struct sq_proof_pair *pairs;
	bool *with_first;
	size_t n, done;
	json_t *runs; /* of prove.json */
	double share; /* what part of the failures the finding explains */
};

static json_int_t number_of(const json_t *object, const char *key)
{
	return json_integer_value(json_object_get(object, key));
}

static bool is_of(const json_t *finding, const char *mechanism)
{
	return strcmp(sq_draw_text(finding, "mechanism"), mechanism) == 0;
}

/* Whether the finding is about that failure of that load. */
static bool is_explained(const struct prove *p, const char *load, const char *failure)
{
	const json_t *f;
	size_t i;

	json_array_foreach(json_object_get(p->report, "findings"), i, f)
		if (is_of(f, p->mechanism) && strcmp(sq_draw_text(f, "load"), load) == 0 &&
		    strcmp(sq_draw_text(f, "failure"), failure) == 0)
			return true;
	return false;
}

/* Deliveries that a relay put off are in no load's outcomes. */
static int64_t count_deferred(const struct prove *p, const json_t *report)
{
	const json_t *f;
	int64_t n = 0;
	size_t i;

	json_array_foreach(json_object_get(report, "findings"), i, f)
		if (is_of(f, p->mechanism) && !*sq_draw_text(f, "load"))
			n += number_of(f, "count");
	return n;
}

static struct sq_proof_count count(const struct prove *p, const json_t *report)
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

/* One run of a pair. */
static json_t *make_doc(const struct prove *p, size_t pair, bool with, struct sq_err *err)
{
	json_t *doc = json_deep_copy(json_object_get(p->report, "scenario"));
	const char *pointer;
	json_t *value;
	int rc = 0;

	json_object_del(doc, "expect");
	json_object_del(doc, "finding");
	json_object_del(doc, "cure");
	json_object_set_new(doc, "seed", json_integer((json_int_t)p->seed + (json_int_t)pair));
	if (with)
		json_object_foreach(p->change.set, pointer, value) {
			char *set = sq_printf_dup("%s=%s", pointer, json_string_value(value));

			if (rc == 0)
				rc = sq_scenario_apply_set(doc, set, err);
			free(set);
		}
	if (rc == 0)
		return doc;
	json_decref(doc);
	return NULL;
}

static int change_machine(const struct prove *p, struct sq_journal **ret, struct sq_err *err)
{
	const char *key;
	json_t *value;
	int rc = 0;

	if (!json_object_size(p->change.sysctl))
		return 0;
	*ret = sq_globals_open(err);
	if (!*ret)
		return err->code;
	json_object_foreach(p->change.sysctl, key, value)
		if (rc == 0)
			rc = sq_journal_set(*ret, key, json_string_value(value), err);
	return rc;
}

static int run_one(struct prove *p, size_t pair, bool with, struct sq_proof_count *ret)
{
	char *out = sq_printf_dup("%s/%zu-%s", p->out, pair + 1, with ? "with" : "without");
	struct sq_journal *journal = NULL;
	struct sq_err err = { 0 };
	struct sq_trial t = { .status = SQ_EXIT_UNMEASURED };
	json_t *doc = make_doc(p, pair, with, &err);
	sigset_t held, before;
	int rc;

	/* Between a change and its undoing nothing but SIGKILL ends this process. */
	sigemptyset(&held);
	sigaddset(&held, SIGINT);
	sigaddset(&held, SIGTERM);
	sigaddset(&held, SIGHUP);
	sigprocmask(SIG_BLOCK, &held, &before);
	rc = doc && with ? change_machine(p, &journal, &err) : 0;

	if (doc && rc == 0)
		sq_trial_run(doc, p->way, out, true, &t);
	if (err.code)
		sq_complain(&err);
	if (sq_globals_set_back(journal) < 0)
		t.status = SQ_EXIT_UNMEASURED;
	sigprocmask(SIG_SETMASK, &before, NULL);
	if (t.report && json_array_size(json_object_get(t.report, "lost"))) {
		fprintf(stderr,
			"squall: prove: the scenario's world could not be made, so what was to be "
			"changed was not\n");
		t.status = SQ_EXIT_UNMEASURED;
	}
	if (t.report)
		*ret = count(p, t.report);
	json_array_append_new(p->runs,
			      json_pack("{s:i, s:b, s:s, s:I, s:I}", "pair", (int)pair + 1, "with",
					with, "run", out, "failed", (json_int_t)ret->failed,
					"scheduled", (json_int_t)ret->scheduled));
	rc = t.report ? t.status : t.status == SQ_EXIT_OK ? SQ_EXIT_UNMEASURED : t.status;
	sq_trial_fini(&t);
	json_decref(doc);
	free(out);
	/* Without expectations 1 says that nothing at all succeeded: measured, too. */
	return rc == SQ_EXIT_FAILED ? SQ_EXIT_OK : rc;
}

static int run_pairs(struct prove *p)
{
	struct sq_rng rng;
	int status = SQ_EXIT_OK;

	sq_rng_init(&rng, p->seed, 0);
	for (size_t i = 0; status == SQ_EXIT_OK && i < p->n; i++) {
		struct sq_proof_pair *pair = &p->pairs[i];
		bool first = sq_rng_below(&rng, 2);

		p->with_first[i] = first;
		fprintf(stderr, "squall: prove: pair %zu of %zu, %s the change first\n", i + 1,
			p->n, first ? "with" : "without");
		status = run_one(p, i, first, first ? &pair->with : &pair->without);
		if (status == SQ_EXIT_OK)
			status = run_one(p, i, !first, first ? &pair->without : &pair->with);
		p->done += status == SQ_EXIT_OK;
	}
	return status;
}

static void format_count(char out[64], const struct sq_proof_count *c, bool whole)
{
	int len = snprintf(out, 64, "%lld of %lld", (long long)c->failed, (long long)c->scheduled);

	if (whole && c->failed == 0)
		snprintf(out + len, 64 - (size_t)len, " (under %.2g %%)",
			 100 * sq_proof_bound(c->scheduled));
	else if (whole)
		snprintf(out + len, 64 - (size_t)len, " (%.3g %%)",
			 100.0 * (double)c->failed / (double)c->scheduled);
}

static void print_counts(const char *name, const char *order, const struct sq_proof_pair *pair,
			 bool whole)
{
	char without[64], with[64];

	format_count(without, &pair->without, whole);
	format_count(with, &pair->with, whole);
	printf("%-5s %-14s %-30s %s\n", name, order, without, with);
}

static void print_change(const struct prove *p)
{
	const json_t *scenario = json_object_get(p->report, "scenario");
	const char *key;
	json_t *value;

	printf("the change: %s\n", p->change.text);
	json_object_foreach(p->change.set, key, value) {
		const json_t *old = sq_json_pointer_get(scenario, key);
		char *text = old ? json_dumps(old, JSON_ENCODE_ANY | JSON_COMPACT) : NULL;

		printf("   %s: %s, was %s\n", key, json_string_value(value),
		       text ? text : "not given");
		free(text);
	}
	json_object_foreach(p->change.sysctl, key, value)
		printf("   %s of this machine: %s\n", key, json_string_value(value));
}

static const char *explain(enum sq_proof_verdict v, const struct prove *p)
{
	struct sq_proof_pair all = sq_proof_sum(p->pairs, p->done);

	switch (v) {
	case SQ_VERDICT_PROVED:
		return "with the change, what the finding explains is gone";
	case SQ_VERDICT_PARTLY:
		return "the change helps, but takes less away than the finding claims";
	case SQ_VERDICT_WITHDRAWN:
		return "the change makes no difference that chance would not: it is not the cause";
	case SQ_VERDICT_UNDECIDED:
		break;
	}
	if (p->change.part && all.without.failed && p->done >= 5)
		return "the sysctl alone makes no difference, and the server's own setting, which the "
		       "mechanism names too, only its owner can change";
	return all.without.failed == 0 ? "the failure did not come back without the change"
				       : "too few pairs: give --pairs 5 or more";
}

static void print_table(const struct prove *p, enum sq_proof_verdict v)
{
	struct sq_proof_pair all = sq_proof_sum(p->pairs, p->done);
	char name[32];

	print_change(p);
	printf("%-5s %-14s %-30s %s\n", "pair", "first", "failed without it", "failed with it");
	for (size_t i = 0; i < p->done; i++) {
		snprintf(name, sizeof(name), "%zu", i + 1);
		print_counts(name, p->with_first[i] ? "with" : "without", &p->pairs[i], false);
	}
	print_counts("all", "", &all, true);
	printf("%s: %s: %s (the chance of such pairs if it did nothing: %.2g)\n", p->mechanism,
	       sq_proof_verdict_name(v), explain(v, p), sq_proof_chance(p->pairs, p->done));
	if (all.with.others > all.without.others)
		printf("but %lld other failures came with it, %lld were there without\n",
		       (long long)all.with.others, (long long)all.without.others);
	if (all.with.failed == 0 && all.with.scheduled)
		printf("(none of %lld seen: with 95 %% confidence fewer than %.2g %%, 3/n)\n",
		       (long long)all.with.scheduled, 100 * sq_proof_bound(all.with.scheduled));
}

/* The report's findings as they stand now: proved ones say so, withdrawn ones are gone. */
static json_t *judged_findings(const struct prove *p, enum sq_proof_verdict v)
{
	json_t *findings = json_array();
	json_t *f;
	size_t i;

	json_array_foreach(json_object_get(p->report, "findings"), i, f) {
		json_t *own = json_deep_copy(f);

		if (is_of(f, p->mechanism) && v == SQ_VERDICT_PROVED)
			json_object_set_new(own, "confidence", json_string("proved"));
		if (is_of(f, p->mechanism) && v == SQ_VERDICT_WITHDRAWN)
			json_decref(own);
		else
			json_array_append_new(findings, own);
	}
	return findings;
}

static int save(const struct prove *p, enum sq_proof_verdict v, struct sq_err *err)
{
	struct sq_proof_pair all = sq_proof_sum(p->pairs, p->done);
	char *path = sq_printf_dup("%s/prove.json", p->out);
	json_t *doc = json_pack(
		"{s:s, s:O?, s:s, s:s, s:s, s:{s:s, s:O, s:O}, s:O, s:f, s:f, s:{s:I, s:I, s:I}, s:{s:I, s:I, s:I, s:o}, s:o}",
		"schema", "squall-prove/1", "run", json_object_get(p->report, "run"), "mechanism",
		p->mechanism, "verdict", sq_proof_verdict_name(v), "because", explain(v, p),
		"change", "text", p->change.text, "set", p->change.set, "sysctl", p->change.sysctl,
		"runs", p->runs, "chance", sq_proof_chance(p->pairs, p->done), "share", p->share,
		"without", "failed", (json_int_t)all.without.failed, "scheduled",
		(json_int_t)all.without.scheduled, "other_failures", (json_int_t)all.without.others,
		"with", "failed", (json_int_t)all.with.failed, "scheduled",
		(json_int_t)all.with.scheduled, "other_failures", (json_int_t)all.with.others,
		"upper_95",
		all.with.failed ? json_null() : json_real(sq_proof_bound(all.with.scheduled)),
		"findings", judged_findings(p, v));
	int rc = sq_json_save(doc, path, err);

	if (rc == 0)
		printf("report: %s\n", path);
	json_decref(doc);
	free(path);
	return rc;
}

static int exit_of(enum sq_proof_verdict v)
{
	return v == SQ_VERDICT_PROVED      ? SQ_EXIT_OK
	       : v == SQ_VERDICT_UNDECIDED ? SQ_EXIT_UNMEASURED
					   : SQ_EXIT_FAILED;
}

static int prove_run(struct prove *p)
{
	struct sq_err err = { 0 };
	enum sq_proof_verdict v;
	int status;

	if (sq_rundir_folder(p->out, &err) < 0) {
		sq_complain(&err);
		return SQ_EXIT_USAGE;
	}
	status = run_pairs(p);
	if (status != SQ_EXIT_OK)
		return status;
	v = sq_proof_judge(p->pairs, p->done, p->share);
	/* Half a change that does nothing is no word against the whole. */
	if (v == SQ_VERDICT_WITHDRAWN && p->change.part)
		v = SQ_VERDICT_UNDECIDED;
	print_table(p, v);
	if (save(p, v, &err) < 0) {
		sq_complain(&err);
		return SQ_EXIT_UNMEASURED;
	}
	return exit_of(v);
}

int sq_prove(const struct sq_trial *base, const struct sq_prove_ask *ask,
	     const struct sq_trial_way *way)
{
	const json_t *scenario = json_object_get(base->report, "scenario");
	struct sq_trial_finding f = sq_trial_finding(base->report, ask->mechanism);
	struct prove p = { .way = way, .report = base->report, .n = (size_t)ask->pairs };
	struct sq_err err = { 0 };
	int status;

	if (!f.first) {
		fprintf(stderr,
			"squall: prove: the report finds no %s; it names what it finds in "
			"\"findings\"\n",
			ask->mechanism ? ask->mechanism : "mechanism");
		return SQ_EXIT_USAGE;
	}
	p.mechanism = sq_draw_text(f.first, "mechanism");
	f = sq_trial_finding(base->report, p.mechanism);
	if (sq_change_find(scenario, f.first, ask->set, way->args->allow_global, &p.change, &err) <
	    0) {
		sq_complain(&err);
		return SQ_EXIT_USAGE;
	}
	p.share = f.count ? (double)f.explained / (double)f.count : 0;
	p.seed = (uint64_t)number_of(scenario, "seed");
	p.out = ask->out ? sq_strdup(ask->out)
			 : sq_printf_dup("%s/prove", base->dir ? base->dir : ".");
	p.pairs = sq_alloc_n(p.n, sizeof(*p.pairs));
	p.with_first = sq_alloc_n(p.n, sizeof(*p.with_first));
	p.runs = json_array();
	status = prove_run(&p);
	sq_change_fini(&p.change);
	json_decref(p.runs);
	free(p.pairs);
	free(p.with_first);
	free(p.out);
	return status;
}

int sq_prove_lab(const struct sq_lab *lab, const struct sq_lab_args *args, int argc, char **argv)
{
	const struct sq_trial_way way = { lab->name, &args->run, lab->shipped, argc, argv };
	const struct sq_prove_ask ask = {
		.mechanism = json_string_value(json_object_get(lab->doc, "finding")),
		.pairs = args->pairs,
	};
	/* What --set says stands in the first run's report. */
	struct sq_run_args plain = args->run;
	const struct sq_trial_way pairs = { lab->name, &plain, lab->shipped && !args->run.set.n,
					    argc, argv };
	struct sq_buf because = { 0 };
	struct sq_trial t;
	int status;

	plain.set = (struct sq_strings){ 0 };
	if (!sq_lab_possible(lab->doc, args->run.allow_global, &because)) {
		fprintf(stderr, "squall: %s: %s\n", lab->name, because.data);
		sq_buf_fini(&because);
		return SQ_EXIT_USAGE;
	}
	sq_trial_run(lab->doc, &way, NULL, false, &t);
	status = t.status;
	if (t.report && status != SQ_EXIT_STOPPED && status != SQ_EXIT_USAGE)
		status = sq_prove(&t, &ask, &pairs);
	sq_trial_fini(&t);
	return status;
}
