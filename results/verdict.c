/* From pairs of reports to verdicts.  Ratios are compared by their logarithms, so that twice as much and half
 * as much are equally far from the same. */
#include "results/verdict.h"

#include <assert.h>
#include <float.h>
#include <math.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/json.h"
#include "base/mem.h"
#include "results/draw.h"
#include "results/outcome.h"
#include "results/stats.h"

static const struct measure {
	const char *name;    /* behind the load's */
	const char *pointer; /* in the load's object; NULL: failures */
	bool more_is_better, judged;
} measures[] = {
	{ "rate.ok", "/rate/ok_per_s", true, true },
	{ "latency.p50", "/latency/from_due/p50_s", false, false },
	{ "latency.p90", "/latency/from_due/p90_s", false, false },
	{ "latency.p99", "/latency/from_due/p99_s", false, true },
	{ "latency.p999", "/latency/from_due/p999_s", false, false },
	{ "latency.max", "/latency/from_due/max_s", false, false },
	{ "cpu", "/generator/cpu_us_per_ok", false, false },
	{ "failures", NULL, false, true },
};

static const size_t n_measures = sizeof(measures) / sizeof(*measures);

/* A load's name has no dot. */
static const struct measure *measure_of(const char *name)
{
	const char *dot = strchr(name, '.');

	for (size_t i = 0; dot && i < n_measures; i++)
		if (strcmp(dot + 1, measures[i].name) == 0)
			return &measures[i];
	return NULL;
}

bool sq_measure_more_is_better(const char *name)
{
	const struct measure *m = measure_of(name);

	return m && m->more_is_better;
}

bool sq_measure_is_share(const char *name)
{
	const struct measure *m = measure_of(name);

	return m && !m->pointer;
}

static const json_t *load_in(const json_t *loads, const char *name)
{
	size_t len = strcspn(name, "."), i;
	const json_t *load;

	json_array_foreach(loads, i, load) {
		const char *is = sq_draw_text(load, "name");

		if (strlen(is) == len && strncmp(is, name, len) == 0)
			return load;
	}
	return NULL;
}

static const json_t *load_of(const json_t *report, const char *name)
{
	return load_in(json_object_get(report, "loads"), name);
}

static double failures_share(const json_t *load)
{
	double scheduled = sq_draw_real(load, "scheduled"), sum = 0;
	const json_t *o;
	size_t i;

	json_array_foreach(json_object_get(load, "outcomes"), i, o) {
		int class = sq_class_by_name(sq_draw_text(o, "class"));

		if (class >= 0 && sq_class_is_failure((enum sq_class) class))
			sum += sq_draw_real(o, "count");
	}
	return scheduled > 0 ? sum / scheduled : NAN;
}

double sq_report_measure(const json_t *report, const char *name)
{
	const struct measure *m = measure_of(name);
	const json_t *load = load_of(report, name), *value;

	if (!m || !load)
		return NAN;
	if (!m->pointer)
		return failures_share(load);
	value = sq_json_pointer_get(load, m->pointer);
	return json_is_number(value) ? json_number_value(value) : NAN;
}

double sq_reports_median(const json_t *const *reports, size_t n, const char *name)
{
	double *v = sq_alloc_n(n + 1, sizeof(*v)), median;
	size_t known = 0;

	for (size_t i = 0; i < n; i++) {
		v[known] = sq_report_measure(reports[i], name);
		known += !isnan(v[known]);
	}
	median = known ? sq_median(v, known) : NAN;
	free(v);
	return median;
}

static json_t *measures_where(const json_t *report, bool all)
{
	json_t *names = json_array();
	const json_t *load;
	size_t i;

	json_array_foreach(json_object_get(report, "loads"), i, load)
		for (size_t k = 0; k < n_measures; k++)
			if (all || measures[k].judged)
				json_array_append_new(
					names, json_sprintf("%s.%s", sq_draw_text(load, "name"),
							    measures[k].name));
	return names;
}

json_t *sq_report_measures(const json_t *report)
{
	return measures_where(report, false);
}

json_t *sq_report_all_measures(const json_t *report)
{
	return measures_where(report, true);
}

/* One measure, worked out from all pairs, or against all sessions. */
struct judged {
	struct sq_shift shift; /* of logarithms, or of shares */
	double p, margin;      /* likewise */
	size_t pairs, tests;   /* Holm takes p so many times */
};

static double difference(double a, double b, bool share)
{
	if (share)
		return b - a;
	/* One of 0 is the least there is, not unknown: a dead server has a rate. */
	return isnan(a) || isnan(b) ? NAN : log(fmax(b, DBL_MIN)) - log(fmax(a, DBL_MIN));
}

double sq_measure_margin(const char *name, const double *before, size_t n, double margin)
{
	return sq_measure_is_share(name) ? margin * fmax(0.1, sq_median(before, n)) : log1p(margin);
}

double sq_report_difference(const json_t *a, const json_t *b, const char *name)
{
	return difference(sq_report_measure(a, name), sq_report_measure(b, name),
			  sq_measure_is_share(name));
}

static struct judged judge(const json_t *const *a, const json_t *const *b, size_t n,
			   const char *name, const struct sq_judging *how)
{
	struct judged j = { .p = 1 };
	double *d = sq_alloc_n(n + 1, sizeof(*d)), *before = sq_alloc_n(n + 1, sizeof(*d));

	for (size_t i = 0; i < n; i++) {
		before[j.pairs] = sq_report_measure(a[i], name);
		d[j.pairs] = sq_report_difference(a[i], b[i], name);
		j.pairs += !isnan(d[j.pairs]);
	}
	if (j.pairs > 0) {
		j.p = sq_signed_rank_p(d, j.pairs);
		j.shift = sq_hodges_lehmann(d, j.pairs, how->alpha);
		j.margin = sq_measure_margin(name, before, j.pairs, how->margin);
	}
	free(before);
	free(d);
	return j;
}

/* p of all of them, adjusted: by Holm over the measures, by Bonferroni over so many families of them. */
static double *adjust(struct judged *all, size_t n, size_t families)
{
	double *p = sq_alloc_n(n + 1, sizeof(*p));

	for (size_t i = 0; i < n; i++) {
		p[i] = all[i].p;
		for (size_t k = 0; k < n; k++)
			all[i].tests += all[k].p >= all[i].p;
	}
	sq_holm(p, n, p);
	for (size_t i = 0; i < n; i++) {
		p[i] = fmin(1, p[i] * (double)families);
		all[i].tests *= families;
	}
	return p;
}

static json_t *relative(double v, bool share)
{
	return sq_json_real(share ? v : expm1(v));
}

static json_t *verdict_json(const char *name, const struct judged *j, enum sq_comparison verdict,
			    double adjusted, size_t more, const char *unit)
{
	bool share = sq_measure_is_share(name), bounded = j->pairs > 0 && isfinite(j->shift.lo);

	return json_pack("{s:s, s:s, s:o, s:o, s:o, s:I, s:s, s:o}", "metric", name, "verdict",
			 sq_comparison_names[verdict], "shift",
			 j->pairs > 0 ? relative(j->shift.shift, share) : json_null(), "interval",
			 bounded ? json_pack("[o, o]", relative(j->shift.lo, share),
					     relative(j->shift.hi, share))
				 : json_null(),
			 "p", sq_json_real(adjusted), "pairs", (json_int_t)j->pairs, "unit", unit,
			 "more_pairs",
			 verdict == SQ_UNDECIDED && more != SIZE_MAX
				 ? json_integer((json_int_t)more)
				 : json_null());
}

static enum sq_comparison verdict_of(const char *name, const struct judged *j, double adjusted,
				     const struct sq_judging *how)
{
	return sq_judge(&j->shift, adjusted, how->alpha, j->margin,
			sq_measure_more_is_better(name));
}

bool sq_report_missed(const json_t *report)
{
	const json_t *load, *o;
	size_t i, k;

	json_array_foreach(json_object_get(report, "loads"), i, load)
		json_array_foreach(json_object_get(load, "outcomes"), k, o)
			if (strcmp(sq_draw_text(o, "class"), "missed") == 0)
				return true;
	return false;
}

bool sq_report_completed(const json_t *report)
{
	return strcmp(sq_draw_text(json_object_get(report, "run"), "outcome"), "completed") == 0;
}

double sq_reports_seconds(const json_t *const *reports, size_t n)
{
	double sum = 0;

	for (size_t i = 0; i < n; i++)
		sum += json_number_value(sq_json_pointer_get(reports[i], "/run/duration_s"));
	return sum;
}

bool sq_measure_is_known(const json_t *loads, const char *name)
{
	return measure_of(name) && load_in(loads, name);
}

json_t *sq_verdicts(const json_t *const *a, const json_t *const *b, size_t n, const json_t *names,
		    const struct sq_judging *how)
{
	size_t n_names = json_array_size(names), i;
	struct judged *all = sq_alloc_n(n_names + 1, sizeof(*all));
	json_t *list = json_array(), *name;
	double *p;

	assert(n <= SQ_PAIRS_MAX);
	json_array_foreach(names, i, name)
		all[i] = judge(a, b, n, json_string_value(name), how);
	p = adjust(all, n_names, how->families ? how->families : 1);
	json_array_foreach(names, i, name) {
		const char *metric = json_string_value(name);
		const struct judged *j = &all[i];
		bool known = j->pairs > 0;

		json_array_append_new(
			list,
			verdict_json(metric, j,
				     known ? verdict_of(metric, j, p[i], how) : SQ_UNDECIDED, p[i],
				     known ? sq_more_pairs(&j->shift, j->pairs, j->tests,
							   how->alpha, j->margin)
					   : SIZE_MAX,
				     "pairs"));
	}
	free(p);
	free(all);
	return list;
}

/* ---- sessions ---- */

json_t *sq_session_measures(const json_t *const *reports, size_t n, const json_t *names)
{
	json_t *session = json_object(), *name;
	size_t i;

	json_array_foreach(names, i, name) {
		const char *metric = json_string_value(name);

		json_object_set_new(session, metric,
				    sq_json_real(sq_reports_median(reports, n, metric)));
	}
	return session;
}

static double placed(const json_t *session, const char *name)
{
	double v = sq_draw_real(session, name);

	if (sq_measure_is_share(name))
		return v;
	return isnan(v) ? NAN : log(fmax(v, DBL_MIN));
}

static struct judged judge_session(const json_t *const *earlier, size_t n, const json_t *now,
				   const char *name, const struct sq_judging *how)
{
	double value = placed(now, name), *known = sq_alloc_n(n + 1, sizeof(*known));
	struct judged j = { .shift = { NAN, NAN, NAN }, .p = 1 };

	for (size_t i = 0; i < n && !isnan(value); i++) {
		known[j.pairs] = placed(earlier[i], name);
		j.pairs += !isnan(known[j.pairs]);
	}
	if (j.pairs >= 2) {
		j.shift = sq_prediction(known, j.pairs, value, how->alpha, &j.p);
		j.margin = sq_measure_margin(name, known, j.pairs, how->margin);
	}
	free(known);
	return j;
}

/* No number of sessions narrows the interval of one more, so what lies within the margin has to do. */
static enum sq_comparison session_verdict(const char *name, const struct judged *j, double p,
					  const struct sq_judging *how)
{
	if (p <= how->alpha && fabs(j->shift.shift) <= j->margin)
		return SQ_EQUIVALENT;
	return verdict_of(name, j, p, how);
}

json_t *sq_session_verdicts(const json_t *const *earlier, size_t n, const json_t *now,
			    const json_t *names, const struct sq_judging *how)
{
	size_t n_names = json_array_size(names), i;
	struct judged *all = sq_alloc_n(n_names + 1, sizeof(*all));
	json_t *list = json_array(), *name;
	double *p;

	json_array_foreach(names, i, name)
		all[i] = judge_session(earlier, n, now, json_string_value(name), how);
	p = adjust(all, n_names, how->families ? how->families : 1);
	json_array_foreach(names, i, name) {
		const char *metric = json_string_value(name);
		bool few = all[i].pairs < SQ_SESSIONS_LEAST, known = !isnan(placed(now, metric));

		json_array_append_new(
			list,
			verdict_json(
				metric, &all[i],
				few ? SQ_UNDECIDED : session_verdict(metric, &all[i], p[i], how),
				p[i], few && known ? SQ_SESSIONS_LEAST - all[i].pairs : SIZE_MAX,
				"sessions"));
	}
	free(p);
	free(all);
	return list;
}
