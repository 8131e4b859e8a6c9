/* What a reader would get wrong:
 * - The sides of a round have one seed, so that their loads have the same arrivals, and another one than those of other
 *   rounds.
 * - A busy moment of this machine, in which operations are missed, spoils one round, not those before it.  More than a few
 *   are no moment: the load is too much for this machine, and to go on until enough rounds are whole would be to choose
 *   among them. */
#include "cli/rounds.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/json.h"
#include "base/mem.h"
#include "base/rng.h"
#include "cli/args.h"
#include "cli/command.h"
#include "cli/stage.h"
#include "results/verdict.h"
#include "scenarios/scenario.h"

enum {
	AGAIN = -1, /* no exit status: operations were missed */
	SPARE = 3,
};

json_t *sq_gates_of(const json_t *scenario, const struct sq_strings *asked, struct sq_err *err)
{
	json_t *names = asked->n ? json_array() : NULL;

	for (size_t i = 0; i < asked->n; i++) {
		if (!sq_measure_is_known(json_object_get(scenario, "load"), asked->v[i])) {
			sq_err_set(
				err, -EINVAL, "--gate",
				"\"%s\" is no measure of a load here; expected LOAD.rate.ok, "
				"LOAD.latency.p99 (p50, p90, p999, max), LOAD.cpu or LOAD.failures",
				asked->v[i]);
			json_decref(names);
			return NULL;
		}
		json_array_append_new(names, json_string(asked->v[i]));
	}
	return names;
}

/* NULL with err. */
static json_t *side_scenario(const struct sq_rounds *r, size_t side, uint64_t round,
			     struct sq_err *err)
{
	json_t *doc = json_deep_copy(r->scenario);
	json_t *seed = json_integer((json_int_t)((r->seed + round) % (1ULL << 53)));

	if (sq_stage_scenario(&r->sides->v[side], doc, err) == 0 &&
	    sq_json_pointer_set(doc, "/seed", seed, err) == 0)
		return doc;
	json_decref(doc);
	return NULL;
}

/* A side that is called differently from one run to the next is not one side. */
static int note_labels(struct sq_rounds *r, size_t side, const json_t *doc, struct sq_err *err)
{
	json_t *labels = json_object_get(doc, "labels"), *before = r->labels[side];

	if (before && labels && !json_equal(before, labels)) {
		char *was = json_dumps(before, JSON_COMPACT),
		     *is = json_dumps(labels, JSON_COMPACT);

		sq_err_set(err, -EBUSY, r->sides->v[side].label,
			   "its labels were %s and are %s: something else changed it", was, is);
		free(was);
		free(is);
		return err->code;
	}
	if (!before)
		r->labels[side] = json_incref(labels);
	return 0;
}

/* What the sides differ in may be of the world that could not be made: its settings, and programs on its hosts. */
static bool lost_its_world(const json_t *report, const struct sq_sides *sides)
{
	if (!json_array_size(json_object_get(report, "lost")))
		return false;
	for (size_t i = 0; i < sides->n; i++) {
		if (sides->v[i].programs.n)
			return true;
		for (size_t k = 0; k < sides->v[i].set.n; k++)
			if (strncmp(sides->v[i].set.v[k], "/world", 6) == 0)
				return true;
	}
	return false;
}

/* Why there is nothing to be measured of a trial; NULL: there is.  A failed expectation, or nothing but failures, is
 * measured; the generator's own limit is not. */
static const char *what_is_wrong(const struct sq_rounds *r, const struct sq_trial *t,
				 int *ret_status)
{
	bool whole = t->report && sq_report_completed(t->report);
	bool missed = whole && sq_report_missed(t->report);

	*ret_status = missed ? AGAIN : SQ_EXIT_UNMEASURED;
	if (missed)
		return "the generator missed operations, so the round counts for nothing";
	if (!whole || (t->status != SQ_EXIT_OK && t->status != SQ_EXIT_FAILED))
		return "the run could not be measured";
	if (lost_its_world(t->report, r->sides))
		return "the scenario's world could not be made, so what was to be changed was not";
	*ret_status = t->status;
	return NULL;
}

/* A new reference. */
static json_t *take_report(const struct sq_rounds *r, size_t side, const struct sq_trial *t,
			   int *ret_status)
{
	const char *wrong;

	*ret_status = t->status;
	if (t->status == SQ_EXIT_USAGE || t->status == SQ_EXIT_STOPPED)
		return NULL;
	wrong = what_is_wrong(r, t, ret_status);
	if (!wrong)
		return json_incref(t->report);
	fprintf(stderr, "squall: %s: %s: %s%s%s\n", r->way.argv[0], r->sides->v[side].label, wrong,
		t->dir ? "; see " : "", t->dir ? t->dir : "");
	return NULL;
}

/* In the stage of its side. */
static json_t *run_side(struct sq_rounds *r, size_t side, size_t round, int *ret_status,
			struct sq_err *err)
{
	char *out = sq_printf_dup("%s/%03zu-%zu", r->dir, round, side);
	json_t *doc = side_scenario(r, side, round, err), *report = NULL;
	struct sq_trial trial = { 0 };

	if (doc && note_labels(r, side, doc, err) == 0) {
		sq_trial_run(doc, &r->way, out, true, &trial);
		report = take_report(r, side, &trial, ret_status);
	}
	sq_trial_fini(&trial);
	json_decref(doc);
	free(out);
	return report;
}

/* A command that failed or a setting that was refused is no measurement; a value that leads nowhere is a mistake. */
static int status_of(const struct sq_err *err)
{
	if (err->code == -EINTR)
		return SQ_EXIT_STOPPED;
	return err->code == -EINVAL || err->code == -ENOENT ? SQ_EXIT_USAGE : SQ_EXIT_UNMEASURED;
}

/* The report of one trial; NULL with *ret_status when the rounds can't go on. */
static json_t *try_side(struct sq_rounds *r, size_t side, size_t round, int *ret_status)
{
	struct sq_err err = { 0 };
	struct sq_stage stage;
	json_t *report = NULL;

	if (sq_stage_enter(&stage, &r->sides->v[side], &err) == 0)
		report = run_side(r, side, round, ret_status, &err);
	sq_stage_leave(&stage, &err);
	if (err.code) {
		sq_complain(&err);
		*ret_status = status_of(&err);
		json_decref(report);
		report = NULL;
	}
	return report;
}

static void note_order(struct sq_rounds *r, const size_t *order)
{
	json_t *row = json_array();

	for (size_t i = 0; i < r->sides->n; i++)
		json_array_append_new(row, json_integer((json_int_t)order[i]));
	json_array_append_new(r->orders, row);
}

/* A round that was not whole leaves nothing. */
static int run_round(struct sq_rounds *r, size_t round, const size_t *order, bool counts)
{
	json_t **got = sq_alloc_n(r->sides->n, sizeof(json_t *));
	int status = SQ_EXIT_OK;
	bool whole = true;

	for (size_t i = 0; whole && i < r->sides->n; i++) {
		got[order[i]] = try_side(r, order[i], round, &status);
		whole = got[order[i]] != NULL;
	}
	for (size_t i = 0; i < r->sides->n; i++) {
		if (whole && counts)
			r->reports[i][r->whole] = got[i];
		else
			json_decref(got[i]);
	}
	r->whole += whole && counts;
	if (whole && counts)
		json_array_append_new(r->counted, json_integer((json_int_t)round));
	free(got);
	return whole ? SQ_EXIT_OK : status;
}

static void tell_round(const struct sq_rounds *r, size_t done)
{
	if (!r->way.args->quiet)
		fprintf(stderr, "squall: %s: round %zu of %zu%s\n", r->way.argv[0], done + 1,
			r->warmup + r->pairs, done < r->warmup ? ", warm-up" : "");
}

static int give_up(const struct sq_rounds *r)
{
	fprintf(stderr,
		"squall: %s: that was so in %d rounds: lower the load, or give it more threads, "
		"max_in_flight or processors\n",
		r->way.argv[0], SPARE + 1);
	return SQ_EXIT_UNMEASURED;
}

int sq_rounds_run(struct sq_rounds *r)
{
	size_t done = 0, again = 0;
	size_t *order = sq_alloc_n(r->sides->n, sizeof(*order));
	int status = SQ_EXIT_OK;
	struct sq_rng rng;

	r->orders = json_array();
	r->counted = json_array();
	r->labels = sq_alloc_n(r->sides->n, sizeof(*r->labels));
	r->reports = sq_alloc_n(r->sides->n, sizeof(*r->reports));
	for (size_t i = 0; i < r->sides->n; i++)
		r->reports[i] = sq_alloc_n(r->pairs + 1, sizeof(json_t *));
	sq_rng_init(&rng, r->seed, 0);
	for (size_t round = 0; status == SQ_EXIT_OK && done < r->warmup + r->pairs; round++) {
		sq_rng_order(&rng, order, r->sides->n);
		note_order(r, order);
		tell_round(r, done);
		status = run_round(r, round, order, done >= r->warmup);
		done += status == SQ_EXIT_OK;
		if (status == AGAIN)
			status = ++again > SPARE ? give_up(r) : SQ_EXIT_OK;
	}
	free(order);
	return status;
}

void sq_rounds_fini(struct sq_rounds *r)
{
	for (size_t i = 0; r->reports && i < r->sides->n; i++) {
		for (size_t k = 0; k < r->whole; k++)
			json_decref(r->reports[i][k]);
		free(r->reports[i]);
	}
	for (size_t i = 0; r->labels && i < r->sides->n; i++)
		json_decref(r->labels[i]);
	free(r->labels);
	free(r->reports);
	json_decref(r->counted);
	json_decref(r->orders);
}
