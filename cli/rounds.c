/* What a reader would get wrong: the sides of a round have one seed, so that their loads have the same
 * arrivals, and another one than those of other rounds. */
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
#include "results/verdict.h"
#include "scenarios/scenario.h"

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

static int side_scenario(const struct sq_rounds *r, size_t side, uint64_t round, json_t **ret,
			 struct sq_err *err)
{
	const struct sq_strings *set = &r->sides->v[side].set;
	json_t *doc = json_deep_copy(r->scenario);
	int rc = 0;

	for (size_t i = 0; rc == 0 && i < set->n; i++)
		rc = sq_scenario_apply_set(doc, set->v[i], err);
	if (rc == 0)
		rc = sq_json_pointer_set(
			doc, "/seed", json_integer((json_int_t)((r->seed + round) % (1ULL << 53))),
			err);
	if (rc < 0)
		json_decref(doc);
	else
		*ret = doc;
	return rc;
}

static bool is_whole(const json_t *report)
{
	const json_t *outcome = sq_json_pointer_get(report, "/run/outcome");

	return !sq_report_missed(report) && json_is_string(outcome) &&
	       strcmp(json_string_value(outcome), "completed") == 0;
}

/* The report of one trial; NULL with *ret_status when the tuning can't go on. */
static json_t *try_side(const struct sq_rounds *r, size_t side, size_t round, int *ret_status)
{
	char *out = sq_printf_dup("%s/%03zu-%zu", r->dir, round, side);
	struct sq_trial trial = { 0 };
	struct sq_err err = { 0 };
	json_t *doc = NULL, *report = NULL;

	if (side_scenario(r, side, round, &doc, &err) < 0) {
		sq_complain(&err);
		*ret_status = SQ_EXIT_USAGE;
	} else {
		sq_trial_run(doc, &r->way, out, true, &trial);
		*ret_status = trial.status;
		/* A failed expectation, or nothing but failures, is what is to be measured; the generator's own
		 * limit is not. */
		if (trial.status == SQ_EXIT_OK || trial.status == SQ_EXIT_FAILED)
			report = json_incref(trial.report);
		if (report && !is_whole(report)) {
			json_decref(report);
			report = NULL;
			*ret_status = SQ_EXIT_UNMEASURED;
		}
	}
	sq_trial_fini(&trial);
	json_decref(doc);
	free(out);
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
	free(got);
	return whole ? SQ_EXIT_OK : status;
}

int sq_rounds_run(struct sq_rounds *r)
{
	size_t all = r->warmup + r->pairs;
	size_t *order = sq_alloc_n(r->sides->n, sizeof(*order));
	int status = SQ_EXIT_OK;
	struct sq_rng rng;

	r->orders = json_array();
	r->reports = sq_alloc_n(r->sides->n, sizeof(*r->reports));
	for (size_t i = 0; i < r->sides->n; i++)
		r->reports[i] = sq_alloc_n(r->pairs + 1, sizeof(json_t *));
	sq_rng_init(&rng, r->seed, 0);
	for (size_t round = 0; status == SQ_EXIT_OK && round < all; round++) {
		sq_rng_order(&rng, order, r->sides->n);
		note_order(r, order);
		if (!r->way.args->quiet)
			fprintf(stderr, "squall: %s: round %zu of %zu%s\n", r->way.argv[0],
				round + 1, all, round < r->warmup ? ", warm-up" : "");
		status = run_round(r, round, order, round >= r->warmup);
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
	free(r->reports);
	json_decref(r->orders);
}
