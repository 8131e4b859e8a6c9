/* squall tune FILE: the same load under each value of a setting, in turns.  Verdicts are against side 0, whose
 * runs are paired with those of the same rounds. */
#include "cli/tune.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/json.h"
#include "base/mem.h"
#include "base/rng.h"
#include "cli/args.h"
#include "cli/command.h"
#include "cli/rounds.h"
#include "cli/rundir.h"
#include "cli/scenario_file.h"
#include "results/compare.h"
#include "results/stats.h"

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
	struct sq_sides sides;
	struct sq_rounds rounds;
	json_t *gates; /* NULL: the usual ones */
	char *dir;
};

/* ---- what they say ---- */

static json_t *sides_json(const struct tune *t)
{
	json_t *list = json_array();

	for (size_t i = 0; i < t->sides.n; i++) {
		const struct sq_variant *side = &t->sides.v[i];
		json_t *set = json_array();

		for (size_t k = 0; k < side->set.n; k++)
			json_array_append_new(set, json_string(side->set.v[k]));
		json_array_append_new(list,
				      json_pack("{s:s, s:o}", "label", side->label, "set", set));
	}
	return list;
}

static json_t *comparisons_json(const struct tune *t)
{
	struct sq_judging how = { .alpha = 0.05, .margin = t->args->margin / 100 };
	json_t *list = json_array();

	if (t->rounds.whole == 0)
		return list;
	for (size_t i = 1; i < t->sides.n; i++) {
		struct sq_side_reports a = { t->sides.v[0].label,
					     (const json_t *const *)t->rounds.reports[0],
					     t->rounds.whole };
		struct sq_side_reports b = { t->sides.v[i].label,
					     (const json_t *const *)t->rounds.reports[i],
					     t->rounds.whole };

		json_array_append_new(list, sq_compare(&a, &b, t->gates, &how));
	}
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
	json_t *doc = json_pack(
		"{s:s, s:O, s:I, s:I, s:I, s:b, s:o, s:O, s:o}", "schema", "squall-tune/1", "name",
		json_object_get(t->rounds.scenario, "name"), "seed", (json_int_t)t->rounds.seed,
		"warmup", (json_int_t)t->args->warmup, "rounds", (json_int_t)t->rounds.whole,
		"whole", status == SQ_EXIT_OK, "sides", sides_json(t), "orders", t->rounds.orders,
		"comparisons", comparisons_json(t));

	if (!t->args->run.quiet)
		print(json_object_get(doc, "comparisons"));
	if (save(t, doc) < 0)
		status = SQ_EXIT_UNMEASURED;
	json_decref(doc);
	return status;
}

/* ---- the command ---- */

static int prepare(struct tune *t, struct sq_err *err)
{
	const json_t *scenario = t->rounds.scenario;
	const char *name = json_string_value(json_object_get(scenario, "name"));
	char id[128];
	int rc = sq_sides_make(scenario, &t->args->sysctl, &t->args->vary, t->args->host,
			       t->args->factorial, &t->sides, err);

	if (rc == 0) {
		t->gates = sq_gates_of(scenario, &t->args->gate, err);
		rc = err->code;
	}
	if (rc == 0)
		rc = sq_rundir_make(t->args->run.out, name ? name : "tune", &t->dir, id, sizeof(id),
				    err);
	t->rounds.dir = t->dir;
	t->rounds.sides = &t->sides;
	return rc;
}

static int tune_scenario(json_t *scenario, const char *file, const void *of, int argc, char **argv)
{
	const struct tune_args *args = of;
	struct tune t = {
		.args = args,
		.rounds = { .scenario = scenario,
			    .way = { .file = file, .args = &args->run, .argc = argc, .argv = argv },
			    .seed = args->seed > 0 ? (uint64_t)args->seed : sq_rng_fresh_seed(),
			    .warmup = (size_t)args->warmup,
			    .pairs = (size_t)args->pairs },
	};
	struct sq_err err = { 0 };
	int status = SQ_EXIT_USAGE;

	if (prepare(&t, &err) < 0)
		sq_complain(&err);
	else
		status = tell(&t, sq_rounds_run(&t.rounds));
	sq_rounds_fini(&t.rounds);
	sq_sides_fini(&t.sides);
	json_decref(t.gates);
	free(t.dir);
	return status;
}

static int tune(int argc, char **argv)
{
	const struct sq_scenario_command command = {
		.opts = tune_opts(),
		.say = "one scenario file",
		.complete = NULL,
		.run = tune_scenario,
	};
	struct tune_args args;

	return sq_scenario_command(&command, &args, argc, argv);
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

json_t *sq_tune_schema(void)
{
	static const char text[] =
		"{\"$schema\": \"http://json-schema.org/draft-07/schema#\", \"type\": \"object\","
		" \"required\": [\"schema\", \"name\", \"seed\", \"warmup\", \"rounds\", \"whole\","
		"  \"sides\", \"orders\", \"comparisons\"],"
		" \"properties\": {\"schema\": {\"const\": \"squall-tune/1\"},"
		"  \"name\": {\"type\": [\"string\", \"null\"]}, \"seed\": {\"type\": \"integer\"},"
		"  \"warmup\": {\"type\": \"integer\", \"description\": \"rounds before those that count\"},"
		"  \"rounds\": {\"type\": \"integer\", \"description\": \"that count\"},"
		"  \"whole\": {\"type\": \"boolean\", \"description\": \"false: it ended early\"},"
		"  \"sides\": {\"type\": \"array\", \"items\": {\"type\": \"object\","
		"   \"required\": [\"label\", \"set\"], \"properties\": {\"label\": {\"type\": \"string\"},"
		"    \"set\": {\"type\": \"array\", \"items\": {\"type\": \"string\"}}}}},"
		"  \"orders\": {\"type\": \"array\", \"description\": \"of the sides in each round; the folder of a"
		" run is ROUND-SIDE\", \"items\": {\"type\": \"array\", \"items\": {\"type\": \"integer\"}}}}}";
	json_t *schema = json_loads(text, 0, NULL), *one = sq_compare_schema();
	json_t *definitions = json_incref(json_object_get(one, "definitions"));

	/* References are from the root. */
	json_object_del(one, "definitions");
	json_object_del(one, "$schema");
	json_object_set_new(schema, "definitions", definitions);
	json_object_set_new(json_object_get(schema, "properties"), "comparisons",
			    json_pack("{s:s, s:s, s:o}", "type", "array", "description",
				      "of each further side against the first", "items", one));
	return schema;
}
