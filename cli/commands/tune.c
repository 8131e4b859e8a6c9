/* squall tune FILE: the same load under each value of a setting, in turns.  Verdicts are against side 0, whose
 * runs are paired with those of the same rounds. */
#include "cli/tune.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/json.h"
#include "base/mem.h"
#include "cli/args.h"
#include "cli/command.h"
#include "cli/rounds_args.h"
#include "cli/rundir.h"
#include "cli/scenario_file.h"
#include "results/compare.h"
#include "results/least_seen.h"
#include "results/stats.h"

struct tune_args {
	struct sq_rounds_args rounds; /* the first member */
	struct sq_sides_ask ask;
	char *host;
	int64_t pairs;
	bool aa;
};

#define ARG(member) offsetof(struct tune_args, member)

static const struct sq_opt own_opts[] = {
	{ .name = "sysctl",
	  .type = SQ_OPT_STRINGS,
	  .offset = ARG(ask.sysctl),
	  .help = "a kernel setting and its values, as in net.core.somaxconn=128,1024; may be "
		  "repeated" },
	{ .name = "machine",
	  .type = SQ_OPT_STRINGS,
	  .offset = ARG(ask.machine),
	  .help = "a setting of the whole machine and its values: a sysctl, cpu:N=1,0 (online or not), "
		  "smt=on,off, irq:N=CPUS,CPUS or irq:DEVICE=... (who may take its interrupts); needs "
		  "--allow-global; may be repeated" },
	{ .name = "host",
	  .type = SQ_OPT_STRING,
	  .offset = ARG(host),
	  .help = "whose sysctls and machine settings these are: a host of the scenario's world "
		  "(default the target's), or ssh:HOST, a machine that this one reaches as root" },
	{ .name = "vary",
	  .type = SQ_OPT_STRINGS,
	  .offset = ARG(ask.vary),
	  .help = "anything else of the scenario, POINTER=V1,V2 as in "
		  "/load/0/threads=1,2,4; a text of digits in quotes, as in "
		  "'/world/hosts/server/cpus=\"0\",\"1\"'; may be repeated" },
	{ .name = "variant",
	  .type = SQ_OPT_STRINGS,
	  .offset = ARG(ask.variant),
	  .help = "one of the scenario's variants, beside the others that are named; may be repeated "
		  "(default all of them, where nothing else is varied)" },
	{ .name = "aa",
	  .type = SQ_OPT_BOOL,
	  .offset = ARG(aa),
	  .help = "vary nothing: tells the least difference that so many pairs would find here" },
	{ .name = "factorial",
	  .type = SQ_OPT_BOOL,
	  .offset = ARG(ask.factorial),
	  .help = "all combinations of what is varied; without it one at a time, the others at "
		  "their first values" },
	{ .name = "pairs",
	  .type = SQ_OPT_INT,
	  .offset = ARG(pairs),
	  .min = 2,
	  .max = SQ_PAIRS_MAX,
	  .def = "10",
	  .help = "rounds that count; under 6 nothing can be decided" },
	{ 0 },
};

static const struct sq_opt *tune_opts(void)
{
	static struct sq_opt all[SQ_RUN_ARGS_ROWS];

	return sq_rounds_args_extend(own_opts, "2", all);
}

struct tune {
	const struct tune_args *args;
	struct sq_sides sides;
	struct sq_rounds rounds;
	json_t *gates; /* NULL: the usual ones */
	char *dir;
};

/* ---- what they say ---- */

static const json_t *first_of(json_t *object)
{
	return json_object_iter_value(json_object_iter(object));
}

static json_t *deeds_json(const struct sq_deeds *deeds)
{
	json_t *list = json_array();

	for (size_t i = 0; i < deeds->n; i++)
		json_array_append_new(list, json_pack("{s:s*, s:s, s:s}", "where",
						      deeds->v[i].where, "name", deeds->v[i].name,
						      "value", deeds->v[i].text));
	return list;
}

static json_t *labels_of(const struct tune *t, size_t side)
{
	return t->rounds.labels ? t->rounds.labels[side] : NULL;
}

/* "new (kernel 6.1, server BIND 9.18.1)". */
static char *label_of(const struct tune *t, size_t side)
{
	struct sq_buf out = { 0 };
	const char *name;
	json_t *text;

	sq_buf_puts(&out, t->sides.v[side].label);
	json_object_foreach(labels_of(t, side), name, text)
		sq_buf_printf(&out, "%s%s %s", text == first_of(labels_of(t, side)) ? " (" : ", ",
			      name, json_string_value(text));
	if (json_object_size(labels_of(t, side)))
		sq_buf_puts(&out, ")");
	return out.data;
}

static json_t *sides_json(const struct tune *t)
{
	json_t *list = json_array();

	for (size_t i = 0; i < t->sides.n; i++) {
		const struct sq_variant *side = &t->sides.v[i];
		json_t *labels = labels_of(t, i);
		json_t *set = json_array();

		for (size_t k = 0; k < side->set.n; k++)
			json_array_append_new(set, json_string(side->set.v[k]));
		json_array_append_new(
			list, json_pack("{s:s, s:o, s:o, s:o}", "label", side->label, "set", set,
					"machine", deeds_json(&side->settings), "labels",
					labels ? json_incref(labels) : json_object()));
	}
	return list;
}

static const json_t *const *reports_of(const struct tune *t, size_t side)
{
	return (const json_t *const *)t->rounds.reports[side];
}

static json_t *comparisons_json(const struct tune *t)
{
	struct sq_judging how = sq_rounds_judging(&t->args->rounds, t->sides.n);
	json_t *list = json_array();
	char *first = label_of(t, 0);

	for (size_t i = 1; t->rounds.whole > 0 && i < t->sides.n; i++) {
		char *label = label_of(t, i);
		struct sq_side_reports a = { first, reports_of(t, 0), t->rounds.whole };
		struct sq_side_reports b = { label, reports_of(t, i), t->rounds.whole };

		json_array_append_new(list, sq_compare(&a, &b, t->gates, &how));
		free(label);
	}
	free(first);
	return list;
}

/* null: it was not asked for. */
static json_t *least_seen_json(const struct tune *t)
{
	struct sq_judging how = sq_rounds_judging(&t->args->rounds, t->sides.n);
	json_t *names, *list;

	if (!t->args->aa || t->rounds.whole == 0)
		return json_null();
	names = t->gates ? json_incref(t->gates) : sq_report_measures(reports_of(t, 0)[0]);
	list = sq_least_seen_json(reports_of(t, 0), reports_of(t, 1), t->rounds.whole, names, &how,
				  t->rounds.seed);
	json_decref(names);
	return list;
}

static int save(const struct tune *t, const json_t *doc)
{
	char *path = sq_printf_dup("%s/tune.json", t->dir);
	struct sq_err err = { 0 };
	int rc = sq_json_save(doc, path, &err);

	if (rc < 0)
		sq_complain(&err);
	else if (!t->args->rounds.run.quiet)
		printf("report: %s\n", path);
	free(path);
	return rc;
}

static void print(const json_t *doc)
{
	const json_t *c, *least = json_object_get(doc, "least_seen");
	struct sq_buf out = { 0 };
	size_t i;

	json_array_foreach(json_object_get(doc, "comparisons"), i, c)
		sq_compare_text(c, &out);
	if (json_is_array(least))
		sq_least_seen_text(least, &out);
	if (out.len)
		fputs(out.data, stdout);
	sq_buf_fini(&out);
}

static int tell(const struct tune *t, int status)
{
	json_t *doc = json_pack(
		"{s:s, s:O, s:I, s:I, s:I, s:b, s:o, s:O, s:O, s:o, s:o}", "schema",
		"squall-tune/1", "name", json_object_get(t->rounds.scenario, "name"), "seed",
		(json_int_t)t->rounds.seed, "warmup", (json_int_t)t->args->rounds.warmup, "rounds",
		(json_int_t)t->rounds.whole, "whole", status == SQ_EXIT_OK, "sides", sides_json(t),
		"orders", t->rounds.orders, "counted", t->rounds.counted, "comparisons",
		comparisons_json(t), "least_seen", least_seen_json(t));

	if (!t->args->rounds.run.quiet)
		print(doc);
	if (save(t, doc) < 0)
		status = SQ_EXIT_UNMEASURED;
	json_decref(doc);
	return status;
}

/* ---- the command ---- */

static int make_sides(struct tune *t, struct sq_err *err)
{
	struct sq_sides_ask ask = t->args->ask;
	bool varied = ask.sysctl.n || ask.machine.n || ask.vary.n || ask.variant.n;
	int rc;

	ask.host = t->args->host;
	if (t->args->aa && varied)
		return sq_err_set(err, -EINVAL, "--aa",
				  "runs one thing against itself; leave out what varies it");
	if (t->args->aa) {
		sq_sides_add(&t->sides, "as it is", NULL);
		sq_sides_add(&t->sides, "as it is, again", NULL);
		return 0;
	}
	rc = sq_sides_make(t->rounds.scenario, &ask, &t->sides, err);
	if (rc == 0)
		rc = sq_sides_check(&t->sides, t->args->rounds.run.allow_global,
				    t->args->rounds.run.allow_exec, err);
	return rc;
}

static int prepare(struct tune *t, struct sq_err *err)
{
	const json_t *scenario = t->rounds.scenario;
	const char *name = json_string_value(json_object_get(scenario, "name"));
	char id[128];
	int rc = make_sides(t, err);

	if (rc == 0) {
		t->gates = sq_gates_of(scenario, &t->args->rounds.gate, err);
		rc = err->code;
	}
	if (rc == 0)
		rc = sq_rundir_make(t->args->rounds.run.out, name ? name : "tune", &t->dir, id,
				    sizeof(id), err);
	t->rounds.dir = t->dir;
	t->rounds.sides = &t->sides;
	t->rounds.pairs = (size_t)t->args->pairs;
	return rc;
}

static int tune_scenario(json_t *scenario, const char *file, const void *of, int argc, char **argv)
{
	const struct tune_args *args = of;
	struct tune t = {
		.args = args,
		.rounds = sq_rounds_of(&args->rounds, scenario, file, argc, argv),
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
	.args = "FILE [--sysctl KEY=V1,V2] [options]",
	.summary = "what a setting does: runs with each of its values in turns, and a verdict",
	.options = options,
	.run = tune,
};

json_t *sq_tune_schema(void)
{
	static const char text[] =
		"{\"$schema\": \"http://json-schema.org/draft-07/schema#\", \"type\": \"object\","
		" \"required\": [\"schema\", \"name\", \"seed\", \"warmup\", \"rounds\", \"whole\","
		"  \"sides\", \"orders\", \"counted\", \"comparisons\", \"least_seen\"],"
		" \"properties\": {\"schema\": {\"const\": \"squall-tune/1\"},"
		"  \"name\": {\"type\": [\"string\", \"null\"]}, \"seed\": {\"type\": \"integer\"},"
		"  \"warmup\": {\"type\": \"integer\", \"description\": \"rounds before those that count\"},"
		"  \"rounds\": {\"type\": \"integer\", \"description\": \"that count\"},"
		"  \"whole\": {\"type\": \"boolean\", \"description\": \"false: it ended early\"},"
		"  \"sides\": {\"type\": \"array\", \"items\": {\"type\": \"object\","
		"   \"required\": [\"label\", \"set\"], \"properties\": {\"label\": {\"type\": \"string\"},"
		"    \"set\": {\"type\": \"array\", \"items\": {\"type\": \"string\"}},"
		"    \"machine\": {\"type\": \"array\", \"description\": \"settings of a machine, without where of"
		" this one\", \"items\": {\"type\": \"object\", \"required\": [\"name\", \"value\"],"
		"     \"properties\": {\"where\": {\"type\": \"string\"}, \"name\": {\"type\": \"string\"},"
		"      \"value\": {\"type\": \"string\"}}}},"
		"    \"labels\": {\"type\": \"object\", \"additionalProperties\": {\"type\": \"string\"}}}}},"
		"  \"least_seen\": {\"type\": [\"array\", \"null\"], \"description\": \"of an A/A run: the least"
		" difference that as many pairs would find, 8 times in 10; null: there are too few\","
		"   \"items\": {\"type\": \"object\", \"required\": [\"metric\", \"difference\", \"pairs\"],"
		"    \"properties\": {\"metric\": {\"type\": \"string\"},"
		"     \"difference\": {\"type\": [\"number\", \"null\"]}, \"pairs\": {\"type\": \"integer\"}}}},"
		"  \"counted\": {\"type\": \"array\", \"description\": \"the rounds that count; others are warm-up, or"
		" were run again since operations were missed\", \"items\": {\"type\": \"integer\"}},"
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
