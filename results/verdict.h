/* What a report measured, by name, and what paired reports say of it. */
#ifndef SQ_RESULTS_VERDICT_H
#define SQ_RESULTS_VERDICT_H

#include <stdbool.h>
#include <stddef.h>

#include <jansson.h>

/* One measure of one load, as expectations name it: "storm.rate.ok" (a second), "storm.latency.p99" (from the due
 * time, seconds), "storm.failures" (here their share of all that was scheduled; missed and canceled ones are none), "storm.cpu"
 * (the generator's, us for each success; not in judgements).  NAN: not measured, or no such name. */
double sq_report_measure(const json_t *report, const char *name);
/* The median of those reports that have it; NAN: none does. */
double sq_reports_median(const json_t *const *reports, size_t n, const char *name);

/* Is it a measure of one of these loads, of a report or of a scenario? */
bool sq_measure_is_known(const json_t *loads, const char *name);

/* Did its generator miss operations, so that what it measured is not the load that was asked for? */
bool sq_report_missed(const json_t *report);

/* Did the run go to its end?  Else it was stopped, or a process of its own broke. */
bool sq_report_completed(const json_t *report);

/* How long these runs took, seconds. */
double sq_reports_seconds(const json_t *const *reports, size_t n);

/* Is more of it better? */
bool sq_measure_more_is_better(const char *name);
/* Its difference is one of shares, not a ratio. */
bool sq_measure_is_share(const char *name);

/* The names that are judged unless others are asked for: of each load rate.ok, latency.p99, failures.  A new
 * array of strings. */
json_t *sq_report_measures(const json_t *report);
/* All that there are. */
json_t *sq_report_all_measures(const json_t *report);

struct sq_judging {
	double alpha; /* 0.05: of all p together, by Holm; of each interval by itself */
	double margin; /* what does not matter, of side a's or the earlier value: 0.02 is 2 % of it.  A share counts
			* as a tenth at least: of one that was 0 it is 0.2 points */
	/* So many comparisons are judged at once (0 is 1): each p stands for all of them, by Bonferroni over Holm. */
	size_t families;
};

/* Array of {metric, verdict, shift, interval: [lo, hi]|null, p, pairs, unit: "pairs", more_pairs|null}: a[i] with b[i],
 * b against a.  A shift is relative (0.05: b has 5 % more), of shares a difference; verdicts are worse or better of b.
 * Pairs of which one side was not measured are left out; without any left the verdict is
 * undecided and shift is null.  n <= SQ_PAIRS_MAX. */
json_t *sq_verdicts(const json_t *const *a, const json_t *const *b, size_t n, const json_t *names,
		    const struct sq_judging *how);

/* Of one measure of a pair: the logarithm of a ratio, or a difference of shares.  NAN: not measured. */
double sq_report_difference(const json_t *a, const json_t *b, const char *name);
/* What does not matter of such a difference: of a share a part of the median of what it was before, which counts as a
 * tenth at least (of a server that never failed it were none at all). */
double sq_measure_margin(const char *name, const double *before, size_t n, double margin);

enum { SQ_SESSIONS_LEAST = 6 };

/* The medians of the reports of one session, {measure: number|null}. */
json_t *sq_session_measures(const json_t *const *reports, size_t n, const json_t *names);

/* The same of one session against n earlier ones, each as sq_session_measures has it: whether it lies within what their spread
 * lets expect of one more (results/stats.h, sq_prediction).  Under SQ_SESSIONS_LEAST all is undecided; under
 * two shift is null; pairs is the number of sessions that have the measure, and unit says so. */
json_t *sq_session_verdicts(const json_t *const *earlier, size_t n, const json_t *now,
			    const json_t *names, const struct sq_judging *how);

#endif
