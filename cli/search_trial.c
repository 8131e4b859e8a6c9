/* One trial of a search: the scenario at a rate and for a time, and whether each goal held.
 *
 * What a reader would get wrong:
 * - A trial in which operations were missed is bad whatever held: the load was not made.
 * - A "count" of the load that is searched would end a trial before its time, and the sooner the higher the load; it is
 *   left out.
 * - Whose a bad trial is: the generator's, when at least as many operations were missed, or refused by this machine
 *   (descriptors, ports), as failed otherwise.  A server that fails most of what it was asked is at its limit, though some
 *   of the load was not made. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/json.h"
#include "base/mem.h"
#include "cli/command.h"
#include "cli/search.h"
#include "results/draw.h"
#include "results/outcome.h"
#include "results/verdict.h"

static json_t *trial_scenario(const struct sq_search *s, double load, int64_t duration_ns)
{
	json_t *doc = json_deep_copy(s->scenario), *one;
	json_t *own, *arrivals;
	size_t i;

	json_array_foreach(json_object_get(doc, "load"), i, one)
		json_object_set_new(one, "duration",
				    json_sprintf("%lldns", (long long)duration_ns));
	own = json_array_get(json_object_get(doc, "load"), s->at);
	json_object_del(own, "count");
	arrivals = json_object_get(own, "arrivals");
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

static double measure(const struct sq_search *s, const json_t *report, const char *what)
{
	char *name = sq_printf_dup("%s.%s", s->load, what);
	double v = sq_report_measure(report, name);

	free(name);
	return v;
}

/* Operations of all loads that this machine did not make, and that failed otherwise. */
struct shortfall {
	double ours, others;
};

static struct shortfall shortfall_of(const json_t *report)
{
	struct shortfall sum = { 0 };
	const json_t *load, *o;
	size_t i, k;

	json_array_foreach(json_object_get(report, "loads"), i, load)
		json_array_foreach(json_object_get(load, "outcomes"), k, o) {
			int class = sq_class_by_name(sq_draw_text(o, "class"));
			double n = sq_draw_real(o, "count");

			if (class == SQ_CLASS_MISSED || class == SQ_CLASS_LOCAL)
				sum.ours += n;
			else if (class >= 0 && sq_class_is_failure((enum sq_class) class))
				sum.others += n;
		}
	return sum;
}

static void tell_trial(const struct sq_search *s, const struct sq_search_trial *t)
{
	char seconds[SQ_DRAW_DURATION];
	bool ours = false;

	sq_draw_seconds(seconds, (double)t->duration_ns / 1e9);
	fprintf(stderr, "squall: search: %.4g/s for %s: ", t->load, seconds);
	for (size_t i = 0; i < s->n_goals; i++) {
		fprintf(stderr, "%s%s", i ? ", " : "", t->good[i] ? "holds" : "does not hold");
		ours = ours || t->ours[i];
	}
	fprintf(stderr, "%s\n", ours ? "; the generator could not make the load" : "");
}

static void note_trial(struct sq_search *s, double load, int64_t duration_ns,
		       const struct sq_trial *trial, const struct sq_search_rest *rest)
{
	const json_t *expectations = json_object_get(trial->report, "expectations");
	struct shortfall fell = shortfall_of(trial->report);
	bool missed = sq_report_missed(trial->report);
	struct sq_search_trial *t;

	s->trials = sq_grow(s->trials, s->n, &s->cap, sizeof(*s->trials));
	t = &s->trials[s->n++];
	*t = (struct sq_search_trial){ .load = load,
				       .duration_ns = duration_ns,
				       .p99_s = measure(s, trial->report, "latency.p99"),
				       .lost = measure(s, trial->report, "failures"),
				       .rest = *rest,
				       .dir = sq_strdup(trial->dir) };
	for (size_t i = 0; i < s->n_goals; i++) {
		t->good[i] = !missed && holds(&s->goals[i], expectations);
		t->ours[i] = !t->good[i] && fell.ours > 0 && fell.ours >= fell.others;
	}
	sq_mlr_record(s->mlr, load, duration_ns, t->good, isnan(t->lost) ? 1 : t->lost);
	if (!s->args->run.quiet)
		tell_trial(s, t);
}

/* What was not measured (3) is a trial too: of a load that was missed, or of a p99 of nothing.  But not one whose
 * own process broke, or of a value that is not to be had here. */
static bool is_measured(const struct sq_search *s, const struct sq_trial *trial)
{
	if (!trial->report || !sq_report_completed(trial->report))
		return false;
	return trial->status != SQ_EXIT_UNMEASURED || sq_report_missed(trial->report) ||
	       !(measure(s, trial->report, "rate.ok") > 0);
}

static int trial_status(const struct sq_search *s, const struct sq_trial *trial)
{
	if (trial->status == SQ_EXIT_USAGE || trial->status == SQ_EXIT_STOPPED)
		return trial->status;
	if (is_measured(s, trial))
		return SQ_EXIT_OK;
	fprintf(stderr, "squall: search: the trial could not be measured%s%s\n",
		trial->dir ? "; see " : "", trial->dir ? trial->dir : "");
	return SQ_EXIT_UNMEASURED;
}

int sq_search_try(struct sq_search *s, double load, int64_t duration_ns)
{
	char *out = sq_printf_dup("%s/%03zu", s->dir, s->n);
	json_t *doc = trial_scenario(s, load, duration_ns);
	struct sq_search_rest rest = { .at_rest = true };
	struct sq_trial trial;
	int status;

	if (s->n > 0 && s->quiet)
		sq_quiet_await(s->quiet, s->trials[s->n - 1].load, s->args->settle, s->args->rest,
			       &rest);
	sq_trial_run(doc, &s->way, out, true, &trial);
	status = trial_status(s, &trial);
	if (status == SQ_EXIT_OK)
		note_trial(s, load, duration_ns, &trial, &rest);
	sq_trial_fini(&trial);
	json_decref(doc);
	free(out);
	return status;
}
