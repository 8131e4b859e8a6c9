/* squall prove: rounds of two sides, without the change and with it (cli/rounds.h).
 *
 * What a reader would get wrong: nothing that the scenario or its report claims of itself goes into these runs.  What
 * they expect, and their cure, are left out, so that a run that fails as it should is no failed run. */
#include <stdio.h>
#include <stdlib.h>

#include "base/json.h"
#include "base/mem.h"
#include "cli/args.h"
#include "cli/command.h"
#include "cli/prove_private.h"
#include "cli/rundir.h"
#include "results/draw.h"

/* ---- the sides ---- */

static json_t *bare_scenario(const json_t *report)
{
	json_t *doc = json_deep_copy(json_object_get(report, "scenario"));

	json_object_del(doc, "expect");
	json_object_del(doc, "finding");
	json_object_del(doc, "cure");
	return doc;
}

static void make_sides(const struct sq_change *change, struct sq_sides *ret)
{
	struct sq_variant *with;
	const char *name;
	json_t *value;

	sq_sides_add(ret, "without the change", NULL);
	with = sq_sides_add(ret, "with the change", NULL);
	json_object_foreach(change->set, name, value) {
		char *set = sq_printf_dup("%s=%s", name, json_string_value(value));

		sq_strings_add(&with->set, set);
		free(set);
	}
	json_object_foreach(change->sysctl, name, value)
		sq_deeds_add(&with->settings, NULL, name, json_string_value(value));
}

size_t sq_prove_round(const struct sq_proving *p, size_t pair)
{
	return (size_t)json_integer_value(json_array_get(p->rounds.counted, pair));
}

bool sq_prove_with_first(const struct sq_proving *p, size_t pair)
{
	const json_t *order = json_array_get(p->rounds.orders, sq_prove_round(p, pair));

	return json_integer_value(json_array_get(order, 0)) == SQ_PROVE_WITH;
}

static void count_pairs(struct sq_proving *p)
{
	json_t ***reports = p->rounds.reports;

	p->done = p->rounds.whole;
	p->pairs = sq_alloc_n(p->done + 1, sizeof(*p->pairs));
	for (size_t i = 0; i < p->done; i++)
		p->pairs[i] = (struct sq_proof_pair){
			.without = sq_prove_count(p, reports[SQ_PROVE_WITHOUT][i]),
			.with = sq_prove_count(p, reports[SQ_PROVE_WITH][i]),
		};
}

/* ---- the verdict ---- */

static int exit_of(enum sq_proof_verdict v)
{
	return v == SQ_VERDICT_PROVED      ? SQ_EXIT_OK
	       : v == SQ_VERDICT_UNDECIDED ? SQ_EXIT_UNMEASURED
					   : SQ_EXIT_FAILED;
}

/* Half a change that does nothing is no word against the whole; nor do pairs decide of which some are missing, since what
 * ended them may be what they would have shown. */
static enum sq_proof_verdict judge(const struct sq_proving *p)
{
	enum sq_proof_verdict v = sq_proof_judge(p->pairs, p->done, p->share);

	if (p->early || (v == SQ_VERDICT_WITHDRAWN && p->change.part))
		return SQ_VERDICT_UNDECIDED;
	return v;
}

static int prove_pairs(struct sq_proving *p)
{
	struct sq_err err = { 0 };
	enum sq_proof_verdict v;
	int status = sq_rounds_run(&p->rounds);

	if (status == SQ_EXIT_USAGE)
		return status;
	p->early = status != SQ_EXIT_OK;
	count_pairs(p);
	v = judge(p);
	sq_prove_print(p, v);
	if (sq_prove_save(p, v, &err) < 0) {
		sq_complain(&err);
		return SQ_EXIT_UNMEASURED;
	}
	return p->early ? status : exit_of(v);
}

/* p->out, made. */
static int make_out(struct sq_proving *p, const char *asked, const char *run, struct sq_err *err)
{
	char id[128];

	return asked ? sq_rundir_make(asked, "", &p->out, id, sizeof(id), err)
		     : sq_rundir_beside(run, "prove", &p->out, err);
}

/* p->change is known. */
static int prove_change(struct sq_proving *p, const struct sq_trial *base,
			const struct sq_prove_ask *ask, const struct sq_trial_way *way)
{
	json_t *scenario = bare_scenario(base->report);
	struct sq_sides sides = { 0 };
	struct sq_err err = { 0 };
	int status = SQ_EXIT_USAGE;

	make_sides(&p->change, &sides);
	p->rounds = (struct sq_rounds){
		.scenario = scenario,
		.way = *way,
		.sides = &sides,
		.seed = (uint64_t)json_integer_value(json_object_get(scenario, "seed")),
		.pairs = (size_t)ask->pairs,
	};
	if (make_out(p, ask->out, base->dir, &err) < 0) {
		sq_complain(&err);
	} else {
		p->rounds.dir = p->out;
		status = prove_pairs(p);
	}
	sq_rounds_fini(&p->rounds);
	sq_sides_fini(&sides);
	json_decref(scenario);
	free(p->pairs);
	free(p->out);
	return status;
}

int sq_prove(const struct sq_trial *base, const struct sq_prove_ask *ask,
	     const struct sq_trial_way *way)
{
	const json_t *scenario = json_object_get(base->report, "scenario");
	struct sq_trial_finding f = sq_trial_finding(base->report, ask->mechanism);
	struct sq_proving p = { .report = base->report };
	struct sq_err err = { 0 };
	int status = SQ_EXIT_USAGE;

	if (!f.first) {
		fprintf(stderr,
			"squall: prove: the report finds no %s; it names what it finds in "
			"\"findings\"\n",
			ask->mechanism ? ask->mechanism : "mechanism");
		return SQ_EXIT_USAGE;
	}
	p.mechanism = sq_draw_text(f.first, "mechanism");
	f = sq_trial_finding(base->report, p.mechanism);
	p.share = f.count ? (double)f.explained / (double)f.count : 0;
	if (sq_change_find(scenario, f.first, ask->set, way->args->allow_global, &p.change, &err) <
	    0)
		sq_complain(&err);
	else
		status = prove_change(&p, base, ask, way);
	sq_change_fini(&p.change);
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
