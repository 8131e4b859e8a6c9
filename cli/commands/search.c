/* squall search FILE: the highest rate at which a scenario's expectations hold.
 *
 * The trials are those that MLRsearch asks for (results/mlr.h).  What a reader would get wrong: the exit status is 0 only when
 * each goal has a capacity of the target's, confirmed by new trials at the end.  A limit of the generator, of
 * the range, or a bound that did not hold again is no capacity (3); nor is it when not even --min holds (1). */
#include "cli/search.h"

#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/json.h"
#include "base/mem.h"
#include "cli/args.h"
#include "cli/command.h"
#include "cli/rundir.h"
#include "cli/scenario_file.h"
#include "scenarios/world.h"

enum { TRIALS_MAX = 500 };

#define ARG(member) offsetof(struct sq_search_args, member)

static const struct sq_opt own_opts[] = {
	{ .name = "min",
	  .type = SQ_OPT_RATE,
	  .offset = ARG(min),
	  .required = true,
	  .min = 1e-3,
	  .max = 1e9,
	  .help = "the rate that is sure to hold, as in 100/s" },
	{ .name = "max",
	  .type = SQ_OPT_RATE,
	  .offset = ARG(max),
	  .required = true,
	  .min = 1e-3,
	  .max = 1e9,
	  .help = "the highest that is tried" },
	{ .name = "goal",
	  .type = SQ_OPT_STRINGS,
	  .offset = ARG(goal),
	  .help = "what must hold, expectations with ; between them; may be repeated, and each is "
		  "searched for (default all that the scenario expects)" },
	{ .name = "load",
	  .type = SQ_OPT_STRING,
	  .offset = ARG(load),
	  .help = "the name of the load whose rate is searched (default the first); its count does not "
		  "stand" },
	{ .name = "width",
	  .type = SQ_OPT_REAL,
	  .offset = ARG(width),
	  .min = 0.1,
	  .max = 50,
	  .def = "2",
	  .help = "how near to each other the bounds must come, in percent" },
	{ .name = "exceed",
	  .type = SQ_OPT_REAL,
	  .offset = ARG(exceed),
	  .min = 0,
	  .max = 90,
	  .def = "50",
	  .help = "the share of a load's time, in percent, that may be bad" },
	{ .name = "initial",
	  .type = SQ_OPT_DURATION,
	  .offset = ARG(initial),
	  .min = 10 * SQ_MS,
	  .max = 3600e9,
	  .def = "500ms",
	  .help = "how long the first trials take" },
	{ .name = "final",
	  .type = SQ_OPT_DURATION,
	  .offset = ARG(final),
	  .min = 10 * SQ_MS,
	  .max = 3600e9,
	  .def = "3s",
	  .help = "how long those take that decide" },
	{ .name = "sum",
	  .type = SQ_OPT_DURATION,
	  .offset = ARG(sum),
	  .min = 10 * SQ_MS,
	  .max = 36000e9,
	  .def = "9s",
	  .help = "how much of that decides about one rate" },
	{ .name = "settle",
	  .type = SQ_OPT_DURATION,
	  .offset = ARG(settle),
	  .min = 0,
	  .max = 600e9,
	  .def = "500ms",
	  .help = "quiet time between trials, at least, where the server is not made anew for each" },
	{ .name = "rest",
	  .type = SQ_OPT_DURATION,
	  .offset = ARG(rest),
	  .min = 0,
	  .max = 3600e9,
	  .def = "65s",
	  .help = "how long to wait, at most, until TIME_WAIT, queues and traffic are as low as before" },
	{ 0 },
};

static const struct sq_opt *search_opts(void)
{
	static struct sq_opt all[SQ_RUN_ARGS_ROWS];

	return sq_run_args_extend(own_opts, all);
}

/* What trials of that length can't be: a scenario that keeps still before the load, or whose first operation is due later,
 * measures nothing. */
static int check_args(const struct sq_search_args *a, struct sq_err *err)
{
	if (a->min >= a->max)
		return sq_err_set(err, -EINVAL, "--min",
				  "%g/s is not below --max, %g/s; --min is a rate that is sure to "
				  "hold, --max one that is sure not to",
				  a->min, a->max);
	if (a->initial > a->final)
		return sq_err_set(err, -EINVAL, "--initial",
				  "the first trials are longer than those that decide; make it at "
				  "most --final (%g s)",
				  (double)a->final / 1e9);
	if (a->final > a->sum)
		return sq_err_set(
			err, -EINVAL, "--sum",
			"it is less than one trial that decides; make it at least --final "
			"(%g s), best three times that",
			(double)a->final / 1e9);
	if (a->min * (double)a->initial < 1e9)
		return sq_err_set(
			err, -EINVAL, "--initial",
			"at --min, %g/s, no operation is due in a trial of %g s; raise one "
			"of the two",
			a->min, (double)a->initial / 1e9);
	if (a->settle > a->rest)
		return sq_err_set(err, -EINVAL, "--settle",
				  "it is longer than --rest, the most that is waited (%g s); raise "
				  "that too",
				  (double)a->rest / 1e9);
	return 0;
}

static void make_mlr(struct sq_search *s)
{
	const struct sq_search_args *a = s->args;
	struct sq_mlr_goal goals[SQ_MLR_GOALS_MAX];

	for (size_t i = 0; i < s->n_goals; i++)
		goals[i] = (struct sq_mlr_goal){ .exceed_ratio = a->exceed / 100,
						 .duration_sum_ns = a->sum,
						 .initial_ns = a->initial,
						 .final_ns = a->final,
						 .width = a->width / 100 };
	s->mlr = sq_mlr_new(goals, s->n_goals, a->min, a->max);
}

/* Each trial's own: what runs on loopback instead shares this machine, as a scenario without a world does. */
static bool has_world(const struct sq_search *s)
{
	struct sq_err because = { 0 };

	return json_object_get(s->scenario, "world") && !s->args->run.loopback &&
	       sq_world_possible(&because) == 0;
}

static int prepare(struct sq_search *s, struct sq_err *err)
{
	const char *name = json_string_value(json_object_get(s->scenario, "name"));
	char id[128];
	int rc = check_args(s->args, err);

	if (rc == 0)
		rc = sq_search_goals(s, err);
	if (rc == 0)
		rc = sq_rundir_make(s->args->run.out, name ? name : "search", &s->dir, id,
				    sizeof(id), err);
	if (rc < 0)
		return rc;
	make_mlr(s);
	if (!has_world(s))
		s->quiet = sq_quiet_new();
	return 0;
}

static int search_all(struct sq_search *s)
{
	int64_t duration_ns;
	double load;
	int status = SQ_EXIT_OK;

	while (status == SQ_EXIT_OK && s->n < TRIALS_MAX &&
	       sq_mlr_next(s->mlr, &load, &duration_ns))
		status = sq_search_try(s, load, duration_ns);
	if (s->n >= TRIALS_MAX)
		fprintf(stderr, "squall: search: ended after %d trials; make --width larger\n",
			TRIALS_MAX);
	return status;
}

static int verdict_status(const struct sq_search *s)
{
	int status = SQ_EXIT_OK;

	for (size_t i = 0; i < s->n_goals; i++) {
		struct sq_mlr_bounds b = sq_mlr_bounds(s->mlr, i);

		if (sq_search_bound(s, i) != SQ_BOUND_TARGET)
			return SQ_EXIT_UNMEASURED;
		if (isnan(b.lower) && b.upper <= s->args->min)
			status = SQ_EXIT_FAILED;
		else if (!b.confirmed || !b.regular)
			return SQ_EXIT_UNMEASURED;
	}
	return status;
}

static int tell(struct sq_search *s, int status)
{
	json_t *doc = sq_search_json(s);
	char *path = sq_printf_dup("%s/search.json", s->dir);
	struct sq_buf text = { 0 };
	struct sq_err err = { 0 };

	if (!s->args->run.quiet) {
		sq_search_text(doc, &text);
		fputs(text.data, stdout);
		printf("report: %s\n", path);
	}
	if (status == SQ_EXIT_OK)
		status = verdict_status(s);
	if (sq_json_save(doc, path, &err) < 0) {
		sq_complain(&err);
		status = SQ_EXIT_UNMEASURED;
	}
	sq_buf_fini(&text);
	free(path);
	json_decref(doc);
	return status;
}

static void search_fini(struct sq_search *s)
{
	for (size_t i = 0; i < s->n_goals; i++)
		free(s->goals[i].text);
	for (size_t i = 0; i < s->n; i++)
		free(s->trials[i].dir);
	free(s->trials);
	free(s->load);
	sq_mlr_free(s->mlr);
	sq_quiet_free(s->quiet);
	free(s->dir);
}

static int search_scenario(json_t *scenario, const char *file, const void *of, int argc,
			   char **argv)
{
	const struct sq_search_args *args = of;
	struct sq_search s = {
		.args = args,
		.scenario = scenario,
		.way = { .file = file, .args = &args->run, .argc = argc, .argv = argv }
	};
	struct sq_err err = { 0 };
	int status = SQ_EXIT_USAGE;

	if (prepare(&s, &err) < 0) {
		sq_complain(&err);
	} else {
		status = search_all(&s);
		if (s.n > 0)
			status = tell(&s, status);
	}
	search_fini(&s);
	return status;
}

static bool is_complete(const void *args)
{
	const struct sq_search_args *a = args;

	return !isnan(a->min) && !isnan(a->max);
}

static int search(int argc, char **argv)
{
	const struct sq_scenario_command command = {
		.opts = search_opts(),
		.say = "one scenario file, --min and --max",
		.complete = is_complete,
		.run = search_scenario,
	};
	struct sq_search_args args;

	return sq_scenario_command(&command, &args, argc, argv);
}

static void options(struct sq_buf *out)
{
	sq_opt_help(search_opts(), out);
}

const struct sq_command sq_command_search = {
	.name = "search",
	.args = "FILE --min RATE --max RATE [options]",
	.summary = "the highest rate at which a scenario's expectations hold, and what limits it",
	.options = options,
	.run = search,
};
