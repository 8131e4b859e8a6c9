/* squall search FILE: the highest rate at which a scenario's expectations hold.
 *
 * What a reader would get wrong:
 * - A trial in which the generator missed operations is bad: the load was not made.  When such a trial bounds
 *   the search, what was found is the generator's limit, and the exit status says so.
 * - When all is found, the lower bound is tried once more: a server that has tired since (TIME_WAIT, a full
 *   disk) fails it, and the search goes on from there. */
#include "cli/search.h"

#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/json.h"
#include "base/mem.h"
#include "cli/args.h"
#include "cli/command.h"
#include "cli/rundir.h"
#include "cli/scenario_file.h"
#include "cli/trial.h"
#include "results/draw.h"
#include "results/verdict.h"

enum { TRIALS_MAX = 500, AGAIN_MAX = 3 };

struct search_args {
	struct sq_run_args run; /* the first member */
	struct sq_strings goal;
	char *load;
	double min, max, width, exceed;
	int64_t initial, final, sum, settle;
};

#define ARG(member) offsetof(struct search_args, member)

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
	  .help = "the name of the load whose rate is searched (default the first)" },
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
	  .def = "2s",
	  .help = "how long those take that decide" },
	{ .name = "sum",
	  .type = SQ_OPT_DURATION,
	  .offset = ARG(sum),
	  .min = 10 * SQ_MS,
	  .max = 36000e9,
	  .def = "6s",
	  .help = "how much of that decides about one rate" },
	{ .name = "settle",
	  .type = SQ_OPT_DURATION,
	  .offset = ARG(settle),
	  .min = 0,
	  .max = 600e9,
	  .def = "500ms",
	  .help = "quiet time between trials, where the server is not made anew for each" },
	{ 0 },
};

static const struct sq_opt *search_opts(void)
{
	static struct sq_opt all[SQ_RUN_ARGS_ROWS];

	return sq_run_args_extend(own_opts, all);
}

struct command {
	const struct search_args *args;
	struct sq_trial_way way;
	struct sq_search search;
	json_t *scenario; /* its expectations are those of all goals */
	size_t at;        /* of the load */
	char *dir;
};

/* ---- goals ---- */

static char *trimmed(const char *text, size_t len)
{
	while (len > 0 && text[0] == ' ') {
		text++;
		len--;
	}
	while (len > 0 && text[len - 1] == ' ')
		len--;
	return sq_printf_dup("%.*s", (int)len, text);
}

static void add_goal(struct command *c, json_t *expect, const char *text)
{
	struct sq_search_goal *g = &c->search.goals[c->search.n_goals++];

	g->text = sq_strdup(text);
	g->first = json_array_size(expect);
	while (*text) {
		size_t len = strcspn(text, ";");
		char *one = trimmed(text, len);

		if (*one)
			json_array_append_new(expect, json_string(one));
		free(one);
		text += len + (text[len] == ';');
	}
	g->n = json_array_size(expect) - g->first;
}

static int make_goals(struct command *c, struct sq_err *err)
{
	const struct sq_strings *asked = &c->args->goal;
	json_t *expect = json_object_get(c->scenario, "expect"), *all = json_array();
	struct sq_buf text = { 0 };
	json_t *one;
	size_t i;

	if (asked->n > SQ_MLR_GOALS_MAX)
		return sq_err_set(err, -E2BIG, "--goal", "%zu goals; %d is the most", asked->n,
				  SQ_MLR_GOALS_MAX);
	for (i = 0; i < asked->n; i++)
		add_goal(c, all, asked->v[i]);
	if (asked->n == 0) {
		json_array_foreach(expect, i, one)
			sq_buf_printf(&text, "%s%s", i ? "; " : "", json_string_value(one));
		if (text.len)
			add_goal(c, all, text.data);
	}
	sq_buf_fini(&text);
	json_object_set_new(c->scenario, "expect", all);
	for (i = 0; i < c->search.n_goals; i++)
		if (c->search.goals[i].n == 0)
			return sq_err_set(err, -EINVAL, "--goal", "\"%s\" says nothing",
					  c->search.goals[i].text);
	if (c->search.n_goals == 0)
		return sq_err_set(
			err, -EINVAL, "",
			"the scenario expects nothing, so any rate holds; give --goal, as "
			"in --goal \"NAME.failures == 0; NAME.latency.p99 < 20ms\"");
	return 0;
}

/* ---- trials ---- */

static int find_load(struct command *c, struct sq_err *err)
{
	const json_t *loads = json_object_get(c->scenario, "load"), *load;
	const char *asked = c->args->load;

	for (c->at = 0; c->at < json_array_size(loads); c->at++) {
		load = json_array_get(loads, c->at);
		if (asked && strcmp(sq_draw_text(load, "name"), asked) != 0)
			continue;
		if (!json_object_get(json_object_get(load, "arrivals"), "rate") &&
		    !json_object_get(json_object_get(load, "arrivals"), "poisson"))
			return sq_err_set(err, -EINVAL, "/load",
					  "the arrivals of \"%s\" have no rate to search; give it "
					  "\"rate\" or \"poisson\"",
					  sq_draw_text(load, "name"));
		c->search.load = sq_strdup(sq_draw_text(load, "name"));
		return 0;
	}
	return sq_err_set(err, -EINVAL, "--load", "no load is called \"%s\"", asked ? asked : "");
}

static json_t *trial_scenario(const struct command *c, double load, int64_t duration_ns)
{
	json_t *doc = json_deep_copy(c->scenario), *one;
	json_t *arrivals;
	size_t i;

	json_array_foreach(json_object_get(doc, "load"), i, one)
		json_object_set_new(one, "duration",
				    json_sprintf("%lldns", (long long)duration_ns));
	arrivals = json_object_get(json_array_get(json_object_get(doc, "load"), c->at), "arrivals");
	json_object_set_new(arrivals, json_object_get(arrivals, "rate") ? "rate" : "poisson",
			    json_real(load));
	return doc;
}

static bool holds(const struct sq_search_goal *g, const json_t *expectations)
{
	for (size_t i = g->first; i < g->first + g->n; i++)
		if (!json_is_true(json_object_get(json_array_get(expectations, i), "held")))
			return false;
	return true;
}

static double measure(const struct command *c, const json_t *report, const char *what)
{
	char *name = sq_printf_dup("%s.%s", c->search.load, what);
	double v = sq_report_measure(report, name);

	free(name);
	return v;
}

static void note_trial(struct command *c, double load, int64_t duration_ns,
		       const struct sq_trial *trial)
{
	struct sq_search *s = &c->search;
	struct sq_search_trial *t;

	s->trials = sq_grow(s->trials, s->n, &s->cap, sizeof(*s->trials));
	t = &s->trials[s->n++];
	*t = (struct sq_search_trial){ .load = load,
				       .duration_ns = duration_ns,
				       .ours = sq_report_missed(trial->report),
				       .p99_s = measure(c, trial->report, "latency.p99"),
				       .lost = measure(c, trial->report, "failures"),
				       .dir = sq_strdup(trial->dir) };
	for (size_t i = 0; i < s->n_goals; i++)
		t->good[i] = !t->ours &&
			     holds(&s->goals[i], json_object_get(trial->report, "expectations"));
	sq_mlr_record(s->mlr, load, duration_ns, t->good);
	if (!c->args->run.quiet)
		fprintf(stderr, "squall: search: %.4g/s for %.3g s: %s%s\n", load,
			(double)duration_ns / 1e9, t->good[0] ? "holds" : "does not hold",
			t->ours ? ", the generator missed operations" : "");
}

/* The exit status of a run that ends the search; else 0. */
static int try_load(struct command *c, double load, int64_t duration_ns)
{
	char *out = sq_printf_dup("%s/%03zu", c->dir, c->search.n);
	json_t *doc = trial_scenario(c, load, duration_ns);
	struct sq_trial trial;
	int status;

	if (c->search.n > 0 && !json_object_get(c->scenario, "world"))
		sq_sleep_until(sq_now_ns() + c->args->settle);
	sq_trial_run(doc, &c->way, out, true, &trial);
	/* What was not measured (3) is a trial too: of a load that was missed, or of a p99 of nothing. */
	status = trial.status == SQ_EXIT_USAGE || trial.status == SQ_EXIT_STOPPED ? trial.status
										  : SQ_EXIT_OK;
	if (status == SQ_EXIT_OK && !trial.report)
		status = SQ_EXIT_UNMEASURED;
	/* But not one whose own process broke, or of a value that is not to be had here. */
	if (status == SQ_EXIT_OK && trial.status == SQ_EXIT_UNMEASURED &&
	    !sq_report_missed(trial.report) && measure(c, trial.report, "rate.ok") > 0)
		status = SQ_EXIT_UNMEASURED;
	if (status == SQ_EXIT_OK)
		note_trial(c, load, duration_ns, &trial);
	sq_trial_fini(&trial);
	json_decref(doc);
	free(out);
	return status;
}

static int search_on(struct command *c)
{
	int64_t duration_ns;
	double load;
	int status = SQ_EXIT_OK;

	while (status == SQ_EXIT_OK && c->search.n < TRIALS_MAX &&
	       sq_mlr_next(c->search.mlr, &load, &duration_ns))
		status = try_load(c, load, duration_ns);
	return status;
}

/* Does each goal's lower bound hold again? */
static int try_again(struct command *c, bool *ret_held)
{
	int status = SQ_EXIT_OK;

	*ret_held = true;
	for (size_t i = 0; status == SQ_EXIT_OK && i < c->search.n_goals; i++) {
		double lower = sq_mlr_bounds(c->search.mlr, i).lower;

		if (isnan(lower))
			continue;
		status = try_load(c, lower, c->args->final);
		if (status == SQ_EXIT_OK && !c->search.trials[c->search.n - 1].good[i])
			*ret_held = false;
	}
	return status;
}

static int search_all(struct command *c)
{
	int status = search_on(c);
	bool held = false;

	for (int i = 0; status == SQ_EXIT_OK && !held && i < AGAIN_MAX; i++) {
		status = try_again(c, &held);
		if (status == SQ_EXIT_OK && !held)
			status = search_on(c);
	}
	return status;
}

/* ---- the command ---- */

static int tell(struct command *c, int status)
{
	json_t *doc =
		sq_search_json(&c->search, json_string_value(json_object_get(c->scenario, "name")));
	char *path = sq_printf_dup("%s/search.json", c->dir);
	struct sq_buf text = { 0 };
	struct sq_err err = { 0 };

	if (!c->args->run.quiet) {
		sq_search_text(doc, &text);
		fputs(text.data, stdout);
		printf("report: %s\n", path);
	}
	if (sq_json_save(doc, path, &err) < 0) {
		sq_complain(&err);
		status = SQ_EXIT_UNMEASURED;
	} else if (status == SQ_EXIT_OK && sq_search_is_ours(&c->search)) {
		status = SQ_EXIT_UNMEASURED;
	}
	sq_buf_fini(&text);
	free(path);
	json_decref(doc);
	return status;
}

static int prepare(struct command *c, struct sq_err *err)
{
	const struct search_args *a = c->args;
	struct sq_mlr_goal goals[SQ_MLR_GOALS_MAX];
	const char *name = json_string_value(json_object_get(c->scenario, "name"));
	char id[128];
	int rc = find_load(c, err);

	if (rc == 0)
		rc = make_goals(c, err);
	if (rc == 0 && (a->min >= a->max || a->initial > a->final || a->final > a->sum))
		rc = sq_err_set(err, -EINVAL, "",
				"--min must be below --max, and --initial, --final and --sum must "
				"not fall");
	if (rc == 0)
		rc = sq_rundir_make(a->run.out, name ? name : "search", &c->dir, id, sizeof(id),
				    err);
	if (rc < 0)
		return rc;
	for (size_t i = 0; i < c->search.n_goals; i++)
		goals[i] = (struct sq_mlr_goal){ .exceed_ratio = a->exceed / 100,
						 .duration_sum_ns = a->sum,
						 .initial_ns = a->initial,
						 .final_ns = a->final,
						 .width = a->width / 100 };
	c->search.mlr = sq_mlr_new(goals, c->search.n_goals, a->min, a->max);
	return 0;
}

static void command_fini(struct command *c)
{
	for (size_t i = 0; i < c->search.n_goals; i++)
		free(c->search.goals[i].text);
	for (size_t i = 0; i < c->search.n; i++)
		free(c->search.trials[i].dir);
	free(c->search.trials);
	free(c->search.load);
	sq_mlr_free(c->search.mlr);
	free(c->dir);
}

static int search_scenario(json_t *scenario, const char *file, const void *of, int argc,
			   char **argv)
{
	const struct search_args *args = of;
	struct command c = {
		.args = args,
		.scenario = scenario,
		.way = { .file = file, .args = &args->run, .argc = argc, .argv = argv }
	};
	struct sq_err err = { 0 };
	int status = SQ_EXIT_USAGE;

	if (prepare(&c, &err) < 0) {
		sq_complain(&err);
	} else {
		status = search_all(&c);
		if (c.search.n >= TRIALS_MAX)
			fprintf(stderr, "squall: search: ended after %d trials\n", TRIALS_MAX);
		if (c.search.n > 0)
			status = tell(&c, status);
	}
	command_fini(&c);
	return status;
}

static bool is_complete(const void *args)
{
	const struct search_args *a = args;

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
	struct search_args args;

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
