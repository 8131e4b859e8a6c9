/* squall tune FILE: the same load under each value of a setting, in turns.
 *
 * What a reader would get wrong:
 * - A round runs every side once, in an order drawn from the seed, with one seed for its loads: what a
 *   machine does slowly meets all sides, and the sides of a round have the same arrivals.
 * - Verdicts are against side 0, whose runs are paired with those of the same rounds. */
#include "cli/tune.h"

#include <sys/stat.h>

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/json.h"
#include "base/mem.h"
#include "base/rng.h"
#include "cli/args.h"
#include "cli/command.h"
#include "cli/execute.h"
#include "cli/rundir.h"
#include "cli/trial.h"
#include "results/compare.h"
#include "results/draw.h"
#include "results/stats.h"
#include "scenarios/scenario.h"

enum { PAIRS_LEAST = 6, PAIRS = 10 };

struct tune_args {
	struct sq_run_args run; /* the first member */
	struct sq_strings sysctl, vary, gate;
	char *host;
	int64_t pairs, warmup, seed;
	double margin;
	bool factorial;
};

#define ARG(member) offsetof(struct tune_args, member)

static const struct sq_opt own_opts[] = {
	{ .name = "sysctl",
	  .type = SQ_OPT_STRINGS,
	  .offset = ARG(sysctl),
	  .help = "a kernel setting and its values, as in net.core.somaxconn=128,1024; may be "
		  "repeated" },
	{ .name = "host",
	  .type = SQ_OPT_STRING,
	  .offset = ARG(host),
	  .help = "the host of the scenario's world whose settings these are (default the "
		  "target's)" },
	{ .name = "vary",
	  .type = SQ_OPT_STRINGS,
	  .offset = ARG(vary),
	  .help = "anything else of the scenario, POINTER=V1,V2 as in "
		  "/load/0/threads=1,2,4; may be repeated" },
	{ .name = "factorial",
	  .type = SQ_OPT_BOOL,
	  .offset = ARG(factorial),
	  .help = "all combinations of what is varied; without it one at a time, the others at "
		  "their first values" },
	{ .name = "gate",
	  .type = SQ_OPT_STRINGS,
	  .offset = ARG(gate),
	  .help = "a measure that is judged, as in storm.latency.p99; may be repeated (default "
		  "rate.ok, latency.p99 and failures of each load)" },
	{ .name = "pairs",
	  .type = SQ_OPT_INT,
	  .offset = ARG(pairs),
	  .min = 2,
	  .max = SQ_PAIRS_MAX,
	  .def = "10",
	  .help = "rounds that count; under 6 nothing can be decided" },
	{ .name = "warmup",
	  .type = SQ_OPT_INT,
	  .offset = ARG(warmup),
	  .min = 0,
	  .max = 100,
	  .def = "1",
	  .help = "rounds before them that do not" },
	{ .name = "margin",
	  .type = SQ_OPT_REAL,
	  .offset = ARG(margin),
	  .min = 0.01,
	  .max = 50,
	  .def = "2",
	  .help = "the difference, in percent, that does not matter" },
	{ .name = "seed",
	  .type = SQ_OPT_INT,
	  .offset = ARG(seed),
	  .min = 1,
	  .max = 9e15,
	  .help = "of the orders and of the loads (default a fresh one)" },
	{ 0 },
};

static const struct sq_opt *tune_opts(void)
{
	static struct sq_opt all[SQ_RUN_ARGS_ROWS];

	return sq_run_args_extend(own_opts, all);
}

struct tune {
	const struct tune_args *args;
	const json_t *scenario;
	struct sq_trial_way way;
	struct sq_tune_sides sides;
	char *dir;
	uint64_t seed;
	json_t ***reports; /* of each side those of the rounds that count */
	size_t rounds;     /* that are whole */
	json_t *orders;    /* of all rounds, the warm-up's too */
};

/* ---- trials ---- */

static int side_scenario(const struct tune *t, size_t side, uint64_t round, json_t **ret,
			 struct sq_err *err)
{
	const struct sq_strings *set = &t->sides.v[side].set;
	json_t *doc = json_deep_copy(t->scenario);
	int rc = 0;

	for (size_t i = 0; rc == 0 && i < set->n; i++)
		rc = sq_scenario_apply_set(doc, set->v[i], err);
	if (rc == 0)
		rc = sq_json_pointer_set(
			doc, "/seed", json_integer((json_int_t)((t->seed + round) % (1ULL << 53))),
			err);
	if (rc < 0)
		json_decref(doc);
	else
		*ret = doc;
	return rc;
}

/* The report of one trial; NULL with *ret_status when the tuning can't go on. */
static json_t *try_side(const struct tune *t, size_t side, size_t round, int *ret_status)
{
	char *out = sq_printf_dup("%s/%03zu-%zu", t->dir, round, side);
	struct sq_trial trial = { 0 };
	struct sq_err err = { 0 };
	json_t *doc = NULL, *report = NULL;

	if (side_scenario(t, side, round, &doc, &err) < 0) {
		sq_complain(&err);
		*ret_status = SQ_EXIT_USAGE;
	} else {
		sq_trial_run(doc, &t->way, out, true, &trial);
		*ret_status = trial.status;
		/* A failed expectation, or nothing but failures, is what is to be measured. */
		if (trial.status == SQ_EXIT_OK || trial.status == SQ_EXIT_FAILED)
			report = json_incref(trial.report);
	}
	sq_trial_fini(&trial);
	json_decref(doc);
	free(out);
	return report;
}

static void shuffle(struct sq_rng *rng, size_t *order, size_t n)
{
	for (size_t i = 0; i < n; i++)
		order[i] = i;
	for (size_t i = n; i > 1; i--) {
		size_t k = (size_t)sq_rng_below(rng, i), other = order[k];

		order[k] = order[i - 1];
		order[i - 1] = other;
	}
}

static void note_order(struct tune *t, const size_t *order)
{
	json_t *row = json_array();

	for (size_t i = 0; i < t->sides.n; i++)
		json_array_append_new(row, json_integer((json_int_t)order[i]));
	json_array_append_new(t->orders, row);
}

/* A round that was not whole leaves nothing. */
static int run_round(struct tune *t, size_t round, const size_t *order, bool counts)
{
	json_t **got = sq_alloc_n(t->sides.n, sizeof(json_t *));
	int status = SQ_EXIT_OK;
	bool whole = true;

	for (size_t i = 0; whole && i < t->sides.n; i++) {
		got[order[i]] = try_side(t, order[i], round, &status);
		whole = got[order[i]] != NULL;
	}
	for (size_t i = 0; i < t->sides.n; i++) {
		if (whole && counts)
			t->reports[i][t->rounds] = got[i];
		else
			json_decref(got[i]);
	}
	t->rounds += whole && counts;
	free(got);
	return whole ? SQ_EXIT_OK : status;
}

static int run_rounds(struct tune *t)
{
	size_t warmup = (size_t)t->args->warmup, all = warmup + (size_t)t->args->pairs;
	size_t *order = sq_alloc_n(t->sides.n, sizeof(*order));
	int status = SQ_EXIT_OK;
	struct sq_rng rng;

	sq_rng_init(&rng, t->seed, 0);
	for (size_t round = 0; status == SQ_EXIT_OK && round < all; round++) {
		shuffle(&rng, order, t->sides.n);
		note_order(t, order);
		if (!t->args->run.quiet)
			fprintf(stderr, "squall: tune: round %zu of %zu%s\n", round + 1, all,
				round < warmup ? ", warm-up" : "");
		status = run_round(t, round, order, round >= warmup);
	}
	free(order);
	return status;
}

/* ---- what they say ---- */

static json_t *sides_json(const struct tune *t)
{
	json_t *list = json_array();

	for (size_t i = 0; i < t->sides.n; i++) {
		const struct sq_tune_side *side = &t->sides.v[i];
		json_t *set = json_array();

		for (size_t k = 0; k < side->set.n; k++)
			json_array_append_new(set, json_string(side->set.v[k]));
		json_array_append_new(list,
				      json_pack("{s:s, s:o}", "label", side->label, "set", set));
	}
	return list;
}

static json_t *gates_of(const struct tune *t)
{
	json_t *names;

	if (t->args->gate.n == 0)
		return sq_report_measures(t->reports[0][0]);
	names = json_array();
	for (size_t i = 0; i < t->args->gate.n; i++)
		json_array_append_new(names, json_string(t->args->gate.v[i]));
	return names;
}

static json_t *comparisons_json(const struct tune *t)
{
	struct sq_judging how = { .alpha = 0.05, .margin = t->args->margin / 100 };
	json_t *list = json_array(), *gates;

	if (t->rounds == 0)
		return list;
	gates = gates_of(t);
	for (size_t i = 1; i < t->sides.n; i++) {
		struct sq_side_reports a = { t->sides.v[0].label,
					     (const json_t *const *)t->reports[0], t->rounds };
		struct sq_side_reports b = { t->sides.v[i].label,
					     (const json_t *const *)t->reports[i], t->rounds };

		json_array_append_new(list, sq_compare(&a, &b, gates, &how));
	}
	json_decref(gates);
	return list;
}

static int save(const struct tune *t, const json_t *doc)
{
	char *path = sq_printf_dup("%s/tune.json", t->dir);
	struct sq_err err = { 0 };
	int rc = sq_json_save(doc, path, &err);

	if (rc < 0)
		sq_complain(&err);
	else if (!t->args->run.quiet)
		printf("report: %s\n", path);
	free(path);
	return rc;
}

static void print(const json_t *comparisons)
{
	struct sq_buf out = { 0 };
	const json_t *c;
	size_t i;

	json_array_foreach(comparisons, i, c)
		sq_compare_text(c, &out);
	if (out.len)
		fputs(out.data, stdout);
	sq_buf_fini(&out);
}

static int tell(const struct tune *t, int status)
{
	json_t *doc = json_pack("{s:s, s:O, s:I, s:I, s:I, s:b, s:o, s:O, s:o}", "schema",
				"squall-tune/1", "name", json_object_get(t->scenario, "name"),
				"seed", (json_int_t)t->seed, "warmup", (json_int_t)t->args->warmup,
				"rounds", (json_int_t)t->rounds, "whole", status == SQ_EXIT_OK,
				"sides", sides_json(t), "orders", t->orders, "comparisons",
				comparisons_json(t));

	if (!t->args->run.quiet)
		print(json_object_get(doc, "comparisons"));
	if (save(t, doc) < 0)
		status = SQ_EXIT_UNMEASURED;
	json_decref(doc);
	return status;
}

/* ---- the command ---- */

static void tune_fini(struct tune *t)
{
	for (size_t i = 0; t->reports && i < t->sides.n; i++) {
		for (size_t k = 0; k < t->rounds; k++)
			json_decref(t->reports[i][k]);
		free(t->reports[i]);
	}
	free(t->reports);
	json_decref(t->orders);
	sq_tune_sides_fini(&t->sides);
	free(t->dir);
}

static int tune_init(struct tune *t, struct sq_err *err)
{
	const char *name = json_string_value(json_object_get(t->scenario, "name"));
	char id[128];
	int rc = sq_tune_sides_make(t->scenario, &t->args->sysctl, &t->args->vary, t->args->host,
				    t->args->factorial, &t->sides, err);

	if (rc == 0)
		rc = sq_rundir_make(t->args->run.out, name ? name : "tune", &t->dir, id, sizeof(id),
				    err);
	if (rc < 0)
		return rc;
	t->orders = json_array();
	t->reports = sq_alloc_n(t->sides.n, sizeof(*t->reports));
	for (size_t i = 0; i < t->sides.n; i++)
		t->reports[i] = sq_alloc_n((size_t)t->args->pairs, sizeof(json_t *));
	return 0;
}

static int tune_scenario(json_t *scenario, const char *file, const struct tune_args *args, int argc,
			 char **argv)
{
	struct tune t = { .args = args,
			  .scenario = scenario,
			  .way = { .file = file, .args = &args->run, .argc = argc, .argv = argv },
			  .seed = args->seed > 0 ? (uint64_t)args->seed : sq_rng_fresh_seed() };
	struct sq_err err = { 0 };
	int status = SQ_EXIT_USAGE;

	if (tune_init(&t, &err) < 0)
		sq_complain(&err);
	else
		status = tell(&t, run_rounds(&t));
	tune_fini(&t);
	return status;
}

static int tune(int argc, char **argv)
{
	struct tune_args args;
	struct sq_strings rest;
	struct sq_err err = { 0 };
	json_t *scenario = NULL;
	int status = SQ_EXIT_USAGE;

	if (sq_args_parse(argc, argv, tune_opts(), &args, &rest) < 0)
		return SQ_EXIT_USAGE;
	if (rest.n != 1)
		fprintf(stderr, "squall: tune: name one scenario file; try: squall help tune\n");
	else if (!(scenario = sq_json_load_file(rest.v[0], &err)))
		sq_complain(&err);
	else
		status = tune_scenario(scenario, rest.v[0], &args, argc, argv);
	json_decref(scenario);
	sq_args_rest_free(&rest);
	sq_opt_fini(tune_opts(), &args);
	return status;
}

static void options(struct sq_buf *out)
{
	sq_opt_help(tune_opts(), out);
}

const struct sq_command sq_command_tune = {
	.name = "tune",
	.args = "FILE --sysctl KEY=V1,V2 [options]",
	.summary = "what a setting does: runs with each of its values in turns, and a verdict",
	.options = options,
	.run = tune,
};
