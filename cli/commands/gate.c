/* squall gate FILE: is this no worse than before?  For CI: the answer is the exit status.
 *
 * What a reader would get wrong:
 * - Against a baseline the unit is the session, not the run: on one machine two sittings differ by more than
 *   the runs of one do, and a test over runs finds a difference between any two of them.
 * - Only the first sessions are stored by themselves, until there are enough to judge by: if each that
 *   passes were stored, what gets worse by a little each time would never be found. */
#include "cli/gate.h"

#include <sys/stat.h>

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/json.h"
#include "base/mem.h"
#include "cli/args.h"
#include "cli/command.h"
#include "cli/rounds_args.h"
#include "cli/rundir.h"
#include "cli/scenario_file.h"
#include "results/baseline.h"
#include "results/compare.h"
#include "results/draw.h"
#include "results/stats.h"

struct gate_args {
	struct sq_rounds_args rounds; /* the first member */
	struct sq_strings against;
	char *baseline, *junit, *markdown;
	int64_t runs, sessions;
	bool accept, any_environment, undecided_passes;
};

#define ARG(member) offsetof(struct gate_args, member)

static const struct sq_opt own_opts[] = {
	{ .name = "baseline",
	  .type = SQ_OPT_STRING,
	  .offset = ARG(baseline),
	  .help = "the folder of stored sessions, to be kept with the project" },
	{ .name = "against",
	  .type = SQ_OPT_STRINGS,
	  .offset = ARG(against),
	  .help = "instead of a baseline: POINTER=VALUE, what is set for the other side, or the name "
		  "of one of the scenario's variants; its runs take turns with these; may be "
		  "repeated" },
	{ .name = "runs",
	  .type = SQ_OPT_INT,
	  .offset = ARG(runs),
	  .min = 1,
	  .max = SQ_PAIRS_MAX,
	  .help = "runs of a session that count (default 5), or pairs with --against (default 10)" },
	{ .name = "sessions",
	  .type = SQ_OPT_INT,
	  .offset = ARG(sessions),
	  .min = 1,
	  .max = 100,
	  .def = "1",
	  .help = "how many sessions to store at once, where there is no baseline yet; of one sitting "
		  "they spread too little, so better one in each of the first jobs; what is not stored "
		  "is judged as one, of all runs" },
	{ .name = "accept",
	  .type = SQ_OPT_BOOL,
	  .offset = ARG(accept),
	  .help = "what is measured now is the baseline from here on" },
	{ .name = "any_environment",
	  .type = SQ_OPT_BOOL,
	  .offset = ARG(any_environment),
	  .help = "compare with sessions of other machines and kernels too" },
	{ .name = "undecided_passes",
	  .type = SQ_OPT_BOOL,
	  .offset = ARG(undecided_passes),
	  .help = "exit 0 where nothing can be decided, not 3" },
	{ .name = "junit",
	  .type = SQ_OPT_STRING,
	  .offset = ARG(junit),
	  .help = "a file for the verdicts as JUnit's XML" },
	{ .name = "markdown",
	  .type = SQ_OPT_STRING,
	  .offset = ARG(markdown),
	  .help = "a file for the verdicts as Markdown" },
	{ 0 },
};

static const struct sq_opt *gate_opts(void)
{
	static struct sq_opt all[SQ_RUN_ARGS_ROWS];

	return sq_rounds_args_extend(own_opts, "5", all);
}

struct gate {
	const struct gate_args *args;
	const char *name; /* the scenario's */
	struct sq_sides sides;
	struct sq_rounds rounds;
	struct sq_judging how;
	char *dir;
	json_t *names; /* of the measures */
	json_t *verdicts, *notes;
	json_t *stored;      /* sessions that were compared with, or NULL */
	const char *refused; /* a note: why there are some, but none to compare with; NULL */
};

static void note(struct gate *g, json_t *text)
{
	json_array_append_new(g->notes, text);
}

static void judged(struct gate *g, json_t *verdicts)
{
	json_decref(g->verdicts);
	g->verdicts = verdicts;
}

/* ---- against another side, now ---- */

static void judge_sides(struct gate *g)
{
	const json_t *const *other = (const json_t *const *)g->rounds.reports[0];
	const json_t *const *ours = (const json_t *const *)g->rounds.reports[1];

	if (!g->names)
		g->names = sq_report_measures(ours[0]);
	judged(g, sq_verdicts(other, ours, g->rounds.whole, g->names, &g->how));
}

/* ---- against a baseline ---- */

/* sessions: how many are made of the runs, in the order in which they were run. */
static json_t *make_sessions(const struct gate *g, size_t sessions)
{
	size_t each = g->rounds.whole / sessions;
	json_t *list = json_array();

	for (size_t i = 0; i < sessions; i++)
		json_array_append_new(
			list,
			sq_session_make((const json_t *const *)g->rounds.reports[0] + i * each,
					each, g->names));
	return list;
}

static json_t *measures_against(const json_t *alike, const json_t *now, const json_t *names,
				const struct sq_judging *how)
{
	size_t n = json_array_size(alike);
	const json_t **earlier = sq_alloc_n(n + 1, sizeof(json_t *));
	json_t *verdicts;

	for (size_t i = 0; i < n; i++)
		earlier[i] = json_object_get(json_array_get(alike, i), "measures");
	verdicts = sq_session_verdicts(earlier, n, json_object_get(now, "measures"), names, how);
	free(earlier);
	return verdicts;
}

static bool holds(const json_t *list, const json_t *item)
{
	const json_t *one;
	size_t i;

	json_array_foreach(list, i, one)
		if (one == item)
			return true;
	return false;
}

/* Stored beside what is of other scenarios and machines; an accepted one in place of its like. */
static int store(struct gate *g, json_t *all, const json_t *alike, const json_t *fresh,
		 struct sq_err *err)
{
	for (size_t i = json_array_size(all); g->args->accept && i-- > 0;)
		if (holds(alike, json_array_get(all, i)))
			json_array_remove(all, i);
	json_array_extend(all, (json_t *)fresh);
	if (mkdir(g->args->baseline, 0755) < 0 && errno != EEXIST)
		return sq_err_set(err, -errno, g->args->baseline, "%s", strerror(errno));
	note(g, json_sprintf("%zu session(s) stored in %s/%s.jsonl", json_array_size(fresh),
			     g->args->baseline, g->name));
	return sq_baseline_save(g->args->baseline, g->name, all, err);
}

static void note_left_out(struct gate *g, size_t n, const char *because)
{
	json_t *text = json_sprintf("%zu stored sessions were left out: %s", n, because);

	if (json_array_size(g->stored) == 0 && !g->args->accept)
		g->refused = json_string_value(text);
	note(g, text);
}

/* What is not stored is one session, whose verdict is of all runs. */
static int judge_session(struct gate *g, struct sq_err *err)
{
	json_t *all = sq_baseline_load(g->args->baseline, g->name, err), *fresh;
	const char *because;
	size_t n;
	int rc = 0;

	if (!all)
		return err->code;
	if (!g->names)
		g->names = sq_report_measures(g->rounds.reports[0][0]);
	fresh = make_sessions(g, (size_t)g->args->sessions);
	g->stored = sq_baseline_alike(all, json_array_get(fresh, 0), g->args->any_environment,
				      &because);
	n = json_array_size(g->stored);
	if (n >= SQ_SESSIONS_LEAST && !g->args->accept) {
		json_decref(fresh);
		fresh = make_sessions(g, 1);
	}
	if (because)
		note_left_out(g, json_array_size(all) - n, because);
	if (n > 0 && !g->args->accept)
		judged(g, measures_against(g->stored, json_array_get(fresh, 0), g->names, &g->how));
	if (n > 0 && n < SQ_SESSIONS_LEAST && !g->args->accept)
		note(g,
		     json_sprintf("%zu stored sessions are too few to judge by: nothing is decided "
				  "under %d",
				  n, SQ_SESSIONS_LEAST));
	if (n < SQ_SESSIONS_LEAST || g->args->accept)
		rc = store(g, all, g->stored, fresh, err);
	json_decref(fresh);
	json_decref(all);
	return rc;
}

/* ---- the answer ---- */

static bool any_verdict(const struct gate *g, enum sq_comparison which)
{
	const json_t *v;
	size_t i;

	json_array_foreach(g->verdicts, i, v)
		if (strcmp(sq_draw_text(v, "verdict"), sq_comparison_names[which]) == 0)
			return true;
	return false;
}

static int exit_status(const struct gate *g)
{
	if (any_verdict(g, SQ_WORSE))
		return SQ_EXIT_FAILED;
	if ((any_verdict(g, SQ_UNDECIDED) || g->refused) && !g->args->undecided_passes)
		return SQ_EXIT_UNMEASURED;
	return SQ_EXIT_OK;
}

static int write_text(const char *path, const struct sq_buf *text, struct sq_err *err)
{
	FILE *f = fopen(path, "we");
	bool written = f && fputs(text->data, f) != EOF;

	if ((f && fclose(f) == EOF) || !written)
		return sq_err_set(err, -errno, path, "%s", strerror(errno));
	return 0;
}

static double seconds(const struct gate *g)
{
	double sum = 0;

	for (size_t i = 0; i < g->sides.n; i++)
		sum += sq_reports_seconds((const json_t *const *)g->rounds.reports[i],
					  g->rounds.whole);
	return sum;
}

/* unjudged: why nothing is, or NULL. */
static int write_files(const struct gate *g, int status, const char *unjudged, struct sq_err *err)
{
	json_t *doc = json_pack("{s:s, s:s, s:i, s:s, s:o, s:O, s:O}", "schema", "squall-gate/1",
				"name", g->name, "status", status, "against",
				g->args->against.n ? "a side run now" : "a baseline", "sessions",
				g->stored ? json_integer((json_int_t)json_array_size(g->stored))
					  : json_null(),
				"verdicts", g->verdicts, "notes", g->notes);
	char *path = sq_printf_dup("%s/gate.json", g->dir);
	struct sq_buf text = { 0 };
	int rc = sq_json_save(doc, path, err);

	if (rc == 0 && g->args->junit) {
		sq_compare_junit(g->verdicts, g->notes, unjudged, g->name, seconds(g), &text);
		rc = write_text(g->args->junit, &text, err);
	}
	sq_buf_reset(&text);
	if (rc == 0 && g->args->markdown) {
		sq_buf_printf(&text, "# %s\n", g->name);
		sq_compare_lines(g->verdicts, g->notes, true, &text);
		rc = write_text(g->args->markdown, &text, err);
	}
	sq_buf_fini(&text);
	free(path);
	json_decref(doc);
	return rc;
}

static int tell(const struct gate *g)
{
	struct sq_buf text = { 0 };
	struct sq_err err = { 0 };
	int status = exit_status(g);
	const char *unjudged = g->refused && status == SQ_EXIT_UNMEASURED ? g->refused : NULL;

	sq_compare_lines(g->verdicts, g->notes, false, &text);
	if (!g->args->rounds.run.quiet && text.len)
		fputs(text.data, stdout);
	sq_buf_fini(&text);
	if (write_files(g, status, unjudged, &err) == 0)
		return status;
	sq_complain(&err);
	return SQ_EXIT_UNMEASURED;
}

/* The files of a CI say that nothing was judged, too: those of an earlier job may still lie there. */
static int tell_unjudged(struct gate *g, int status, const char *because)
{
	struct sq_err err = { 0 };

	note(g, json_string(because));
	if (write_files(g, status, because, &err) < 0)
		sq_complain(&err);
	return status;
}

/* ---- the command ---- */

/* What is set, and what the variants among the words do. */
static int other_side(struct gate *g, const json_t *scenario, struct sq_err *err)
{
	const struct sq_strings *words = &g->args->against;
	struct sq_variant *other = sq_sides_add(&g->sides, "the other side", NULL);
	struct sq_sides variants = { 0 };
	int rc = 0;

	for (size_t i = 0; rc == 0 && i < words->n; i++) {
		if (*words->v[i] == '/')
			sq_strings_add(&other->set, words->v[i]);
		else
			rc = sq_sides_add_variant(&variants, scenario, words->v[i], err);
	}
	for (size_t i = 0; i < variants.n; i++)
		sq_side_join(other, &variants.v[i]);
	sq_sides_fini(&variants);
	return rc;
}

/* Another side that is run now is no session. */
static int check_args(const struct gate_args *args, struct sq_err *err)
{
	const char *option = args->accept            ? "--accept"
			     : args->any_environment ? "--any-environment"
			     : args->sessions > 1    ? "--sessions"
						     : NULL;

	if (!args->against.n || !option)
		return 0;
	return sq_err_set(err, -EINVAL, option,
			  "it is about stored sessions, and with --against none is stored or "
			  "compared with; leave it out, or give --baseline instead");
}

static int prepare(struct gate *g, const json_t *scenario, struct sq_err *err)
{
	const struct gate_args *args = g->args;
	int64_t runs = args->runs > 0 ? args->runs : args->against.n ? 10 : 5;
	char id[128];
	int rc = check_args(args, err);

	if (rc == 0 && args->against.n)
		rc = other_side(g, scenario, err);
	if (rc < 0)
		return rc;
	sq_sides_add(&g->sides, "as it is", NULL);
	rc = sq_sides_check(&g->sides, args->rounds.run.allow_global, args->rounds.run.allow_exec,
			    err);
	if (rc < 0)
		return rc;
	g->names = sq_gates_of(scenario, &args->rounds.gate, err);
	if (err->code)
		return err->code;
	rc = sq_rundir_make(args->rounds.run.out, g->name, &g->dir, id, sizeof(id), err);
	g->rounds.dir = g->dir;
	g->rounds.sides = &g->sides;
	g->rounds.pairs = (size_t)(args->against.n ? runs : runs * args->sessions);
	return rc;
}

static int run_and_judge(struct gate *g)
{
	struct sq_err err = { 0 };
	int status = sq_rounds_run(&g->rounds);

	if (status != SQ_EXIT_OK) {
		const char *because = status == SQ_EXIT_STOPPED
					      ? "it was stopped, so nothing is judged"
					      : "a run could not be measured, so nothing is judged";

		fprintf(stderr, "squall: gate: %s\n", because);
		return tell_unjudged(g, status, because);
	}
	if (g->args->against.n) {
		judge_sides(g);
	} else if (judge_session(g, &err) < 0) {
		sq_complain(&err);
		return tell_unjudged(g, SQ_EXIT_UNMEASURED, err.text);
	}
	return tell(g);
}

static int gate_scenario(json_t *scenario, const char *file, const void *of, int argc, char **argv)
{
	const struct gate_args *args = of;
	const char *name = json_string_value(json_object_get(scenario, "name"));
	struct gate g = {
		.args = args,
		.name = name ? name : "gate",
		.how = sq_rounds_judging(&args->rounds, 2),
		.verdicts = json_array(),
		.notes = json_array(),
		.rounds = sq_rounds_of(&args->rounds, scenario, file, argc, argv),
	};
	struct sq_err err = { 0 };
	int status = SQ_EXIT_USAGE;

	if (prepare(&g, scenario, &err) < 0)
		sq_complain(&err);
	else
		status = run_and_judge(&g);
	sq_rounds_fini(&g.rounds);
	sq_sides_fini(&g.sides);
	json_decref(g.names);
	json_decref(g.verdicts);
	json_decref(g.notes);
	json_decref(g.stored);
	free(g.dir);
	return status;
}

static bool is_complete(const void *args)
{
	const struct gate_args *a = args;

	return !a->baseline != !a->against.n;
}

static int gate(int argc, char **argv)
{
	const struct sq_scenario_command command = {
		.opts = gate_opts(),
		.say = "one scenario file, and either --baseline DIR or --against POINTER=VALUE or VARIANT",
		.complete = is_complete,
		.run = gate_scenario,
	};
	struct gate_args args;

	return sq_scenario_command(&command, &args, argc, argv);
}

static void options(struct sq_buf *out)
{
	sq_opt_help(gate_opts(), out);
}

const struct sq_command sq_command_gate = {
	.name = "gate",
	.args = "FILE --baseline DIR | --against POINTER=VALUE|VARIANT",
	.summary = "for CI: is this worse than stored sessions, or than another side run now?",
	.options = options,
	.run = gate,
};

json_t *sq_gate_schema(void)
{
	static const char text[] =
		"{\"$schema\": \"http://json-schema.org/draft-07/schema#\", \"type\": \"object\","
		" \"required\": [\"schema\", \"name\", \"status\", \"against\", \"sessions\", \"verdicts\","
		"  \"notes\"],"
		" \"properties\": {\"schema\": {\"const\": \"squall-gate/1\"},"
		"  \"name\": {\"type\": \"string\"},"
		"  \"status\": {\"type\": \"integer\", \"description\": \"the exit status\"},"
		"  \"against\": {\"enum\": [\"a side run now\", \"a baseline\"]},"
		"  \"sessions\": {\"type\": [\"integer\", \"null\"],"
		"   \"description\": \"stored ones that were compared with\"},"
		"  \"notes\": {\"type\": \"array\", \"items\": {\"type\": \"string\"}}}}";
	json_t *schema = json_loads(text, 0, NULL), *one = sq_compare_schema();

	json_object_set(schema, "definitions", json_object_get(one, "definitions"));
	json_object_set(json_object_get(schema, "properties"), "verdicts",
			sq_json_pointer_get(one, "/properties/verdicts"));
	json_decref(one);
	return schema;
}
