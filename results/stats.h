/* Statistics of paired trials: is the difference between two sides one, how large is it, and was it
 * seen often enough to say so.  Rank methods, since times have long tails.
 *
 * A difference d[i] is of one pair, of runs made next to each other in random order: log(b / a) for
 * what is a ratio.  All functions take n >= 1 differences that are finite. */
#ifndef SQ_RESULTS_STATS_H
#define SQ_RESULTS_STATS_H

#include <stdbool.h>
#include <stddef.h>

enum { SQ_PAIRS_MAX = 400 }; /* the exact distributions take n^3 steps */

/* Ascending. */
void sq_sort(double *v, size_t n);
/* Of a copy; of an even number the mean of the middle two. */
double sq_median(const double *v, size_t n);

/* Wilcoxon's signed-rank test (Biometrics Bulletin 1, 1945), two-sided, exact: all 2^n signs are equally
 * likely when nothing differs.  Differences of 0 are dropped, equal ones share their mean rank, of
 * which the exact distribution is taken too.  1 when nothing is left.  n <= SQ_PAIRS_MAX. */
double sq_signed_rank_p(const double *d, size_t n);

/* The least p that n pairs can give. */
double sq_signed_rank_least_p(size_t n);

/* Hodges and Lehmann's shift (Ann. Math. Stat. 34, 1963): the median of the means of all pairs of differences,
 * and the interval between two of these means that holds the true shift with a chance of 1 - alpha
 * (by the signed ranks' distribution without ties).  Too few pairs for that: lo and hi are infinite.
 * n <= SQ_PAIRS_MAX. */
struct sq_shift {
	double shift, lo, hi;
};

struct sq_shift sq_hodges_lehmann(const double *d, size_t n, double alpha);

/* A further value beside those of n earlier times, n >= 2: its distance from their mean, with the interval that the
 * spread of such values gives it (Student's t, for normally distributed ones), and its p.  Without any spread the
 * interval is the distance alone, and p is 0 or 1. */
struct sq_shift sq_prediction(const double *earlier, size_t n, double value, double alpha,
			      double *ret_p);

/* Holm's step-down (Scand. J. Stat. 6, 1979): p of each of n tests, adjusted for their number.  adjusted may
 * be p. */
void sq_holm(const double *p, size_t n, double *adjusted);

enum sq_comparison {
	SQ_BETTER,
	SQ_WORSE,
	SQ_EQUIVALENT, /* the whole interval lies within the margin */
	SQ_UNDECIDED,
};

extern const char *const sq_comparison_names[];

/* By the interval, against a margin > 0, which is what does not matter: all of it within the margin is equivalent,
 * though it may be no 0.  Better, or worse when less is wanted, is a shift beyond the margin whose interval lies on
 * one side of 0 and whose p, of the test and adjusted, is at most alpha.  So a shift that is one but less than the
 * margin is undecided until its interval lies within. */
enum sq_comparison sq_judge(const struct sq_shift *s, double p, double alpha, double margin,
			    bool more_is_better);

/* The fewest pairs that can be better or worse, when p is of one of so many tests. */
size_t sq_least_pairs(size_t tests, double alpha);

/* About how many more pairs an undecided verdict needs, when the shift stays and the interval narrows with
 * the root of their number: so many decide two of three such samples.  tests: what Holm takes p times.
 * SIZE_MAX: more than SQ_PAIRS_MAX in all. */
size_t sq_more_pairs(const struct sq_shift *s, size_t n, size_t tests, double alpha, double margin);

#endif
