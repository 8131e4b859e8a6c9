/* Statistics of paired trials.  What a reader would get wrong: ranks are doubled, so that the mean rank of
 * two that are equal is an integer and their exact distribution can be counted. */
#include "results/stats.h"

#include <assert.h>
#include <math.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"

const char *const sq_comparison_names[] = { "better", "worse", "equivalent", "undecided", NULL };

static int by_value(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return (x > y) - (x < y);
}

static int by_size(const void *a, const void *b)
{
	double x = fabs(*(const double *)a), y = fabs(*(const double *)b);

	return (x > y) - (x < y);
}

static double middle(const double *sorted, size_t n)
{
	return n % 2 ? sorted[n / 2] : (sorted[n / 2 - 1] + sorted[n / 2]) / 2;
}

static double *sorted_copy(const double *v, size_t n, int (*order)(const void *, const void *))
{
	double *copy = sq_alloc_n(n, sizeof(*copy));

	memcpy(copy, v, n * sizeof(*copy));
	qsort(copy, n, sizeof(*copy), order);
	return copy;
}

void sq_sort(double *v, size_t n)
{
	qsort(v, n, sizeof(*v), by_value);
}

double sq_median(const double *v, size_t n)
{
	double *sorted = sorted_copy(v, n, by_value);
	double m = middle(sorted, n);

	free(sorted);
	return m;
}

/* The chance of each sum of those of n doubled ranks that are positive: chances[0 .. sum of all].  The
 * caller frees it. */
static double *rank_sums(const unsigned *doubled, size_t n, size_t *ret_total)
{
	size_t total = 0, reached = 0;
	double *chances;

	for (size_t i = 0; i < n; i++)
		total += doubled[i];
	chances = sq_alloc_n(total + 1, sizeof(*chances));
	chances[0] = 1;
	for (size_t i = 0; i < n; i++) {
		reached += doubled[i];
		for (size_t s = reached + 1; s-- > 0;) {
			double without = s + doubled[i] <= reached ? chances[s] : 0;
			double with = s >= doubled[i] ? chances[s - doubled[i]] : 0;

			chances[s] = (without + with) / 2;
		}
	}
	*ret_total = total;
	return chances;
}

static double lower_tail(const double *chances, size_t upto)
{
	double sum = 0;

	for (size_t s = 0; s <= upto; s++)
		sum += chances[s];
	return sum;
}

/* Doubled ranks of differences in the order of their size; the sum of the positive ones'. */
static size_t rank_all(const double *d, size_t n, unsigned *doubled)
{
	size_t positive = 0;

	for (size_t i = 0, end; i < n; i = end) {
		for (end = i + 1; end < n && fabs(d[end]) == fabs(d[i]); end++)
			;
		for (size_t k = i; k < end; k++) {
			doubled[k] = (unsigned)(i + end + 1); /* (i + 1) + end, twice their mean */
			positive += d[k] > 0 ? doubled[k] : 0;
		}
	}
	return positive;
}

double sq_signed_rank_p(const double *d, size_t n)
{
	double *all = sorted_copy(d, n, by_size), *sorted = all, *chances;
	unsigned *doubled;
	size_t positive, total;
	double p;

	assert(n <= SQ_PAIRS_MAX);
	while (n > 0 && *sorted == 0) {
		sorted++;
		n--;
	}
	doubled = sq_alloc_n(n + 1, sizeof(*doubled));
	positive = rank_all(sorted, n, doubled);
	chances = rank_sums(doubled, n, &total);
	/* The distribution is symmetric. */
	p = 2 * lower_tail(chances, positive < total - positive ? positive : total - positive);
	free(chances);
	free(doubled);
	free(all);
	return p < 1 ? p : 1;
}

double sq_signed_rank_least_p(size_t n)
{
	return n > 0 ? ldexp(1, 1 - (int)n) : 1;
}

/* How many of the sorted means lie below the interval: the most for which the chance of a rank sum
 * that small is at most alpha / 2. */
static size_t means_below(size_t n, double alpha)
{
	unsigned *doubled = sq_alloc_n(n, sizeof(*doubled));
	size_t total, below = 0;
	double *chances, sum = 0;

	for (size_t i = 0; i < n; i++)
		doubled[i] = 2 * (unsigned)(i + 1);
	chances = rank_sums(doubled, n, &total);
	while (2 * below <= total && (sum += chances[2 * below]) <= alpha / 2)
		below++;
	free(chances);
	free(doubled);
	return below;
}

struct sq_shift sq_hodges_lehmann(const double *d, size_t n, double alpha)
{
	struct sq_shift s = { .lo = -INFINITY, .hi = INFINITY };
	size_t n_means = 0, below;
	double *means = sq_alloc_n(n * (n + 1) / 2, sizeof(*means));

	assert(n <= SQ_PAIRS_MAX);
	for (size_t i = 0; i < n; i++)
		for (size_t k = i; k < n; k++)
			means[n_means++] = (d[i] + d[k]) / 2;
	sq_sort(means, n_means);
	s.shift = middle(means, n_means);
	below = means_below(n, alpha);
	if (below > 0) {
		s.lo = means[below - 1];
		s.hi = means[n_means - below];
	}
	free(means);
	return s;
}

/* The continued fraction of the incomplete beta function (Abramowitz and Stegun 26.5.8), from its far end, where it
 * no longer matters. */
static double beta_fraction(double a, double b, double x)
{
	double f = 1;

	for (int m = 200; m > 0; m--) {
		double even = m * (b - m) * x / ((a + 2 * m - 1) * (a + 2 * m));
		double odd = -(a + m) * (a + b + m) * x / ((a + 2 * m) * (a + 2 * m + 1));

		f = 1 + even / (1 + odd / f);
	}
	return 1 / (1 - (a + b) * x / (a + 1) / f);
}

/* The chance of a beta variable below x; the fraction converges fast below the mean. */
static double beta_cdf(double a, double b, double x)
{
	if (x > (a + 1) / (a + b + 2))
		return 1 - beta_cdf(b, a, 1 - x);
	if (x <= 0)
		return 0;
	return exp(a * log(x) + b * log1p(-x) - log(a) - lgamma(a) - lgamma(b) + lgamma(a + b)) *
	       beta_fraction(a, b, x);
}

/* The chance that Student's t is at least as far from 0. */
static double t_tails(double t, double freedom)
{
	return beta_cdf(freedom / 2, 0.5, freedom / (freedom + t * t));
}

/* The t that has that chance. */
static double t_quantile(double tails, double freedom)
{
	double lo = 0, hi = 1;

	while (t_tails(hi, freedom) > tails)
		hi *= 2;
	for (int i = 0; i < 100; i++) {
		double t = (lo + hi) / 2;

		if (t_tails(t, freedom) > tails)
			lo = t;
		else
			hi = t;
	}
	return (lo + hi) / 2;
}

struct sq_shift sq_prediction(const double *earlier, size_t n, double value, double alpha,
			      double *ret_p)
{
	double mean = 0, squares = 0, spread, freedom = (double)n - 1;
	struct sq_shift s;

	assert(n >= 2);
	for (size_t i = 0; i < n; i++)
		mean += earlier[i] / (double)n;
	for (size_t i = 0; i < n; i++)
		squares += (earlier[i] - mean) * (earlier[i] - mean);
	spread = sqrt(squares / freedom * (1 + 1 / (double)n));
	s.shift = value - mean;
	s.lo = s.shift - t_quantile(alpha, freedom) * spread;
	s.hi = s.shift + t_quantile(alpha, freedom) * spread;
	if (spread > 0)
		*ret_p = t_tails(s.shift / spread, freedom);
	else
		*ret_p = s.shift == 0 ? 1 : 0;
	return s;
}

void sq_holm(const double *p, size_t n, double *adjusted)
{
	double *sorted = sorted_copy(p, n, by_value);
	double *floors = sq_alloc_n(n, sizeof(*floors));

	for (size_t i = 0; i < n; i++) {
		double scaled = sorted[i] * (double)(n - i);

		floors[i] = fmin(1, i > 0 ? fmax(floors[i - 1], scaled) : scaled);
	}
	for (size_t i = 0; i < n; i++) {
		size_t at = 0;

		/* Equal ones have equal floors: the first scaled of them is the largest. */
		while (sorted[at] != p[i])
			at++;
		adjusted[i] = floors[at];
	}
	free(floors);
	free(sorted);
}

enum sq_comparison sq_judge(const struct sq_shift *s, double p, double alpha, double margin,
			    bool more_is_better)
{
	if (s->lo >= -margin && s->hi <= margin)
		return SQ_EQUIVALENT;
	if (p > alpha || (s->lo <= 0 && s->hi >= 0) || fabs(s->shift) <= margin)
		return SQ_UNDECIDED;
	return (s->lo > 0) == more_is_better ? SQ_BETTER : SQ_WORSE;
}

size_t sq_least_pairs(size_t tests, double alpha)
{
	size_t n = 1;

	while (sq_signed_rank_least_p(n) * (double)tests > alpha)
		n++;
	return n;
}

size_t sq_more_pairs(const struct sq_shift *s, size_t n, size_t tests, double alpha, double margin)
{
	size_t least = sq_least_pairs(tests, alpha);
	double size = fabs(s->shift), half = (s->hi - s->lo) / 2, target = margin - size, need;

	if (!isfinite(half))
		return least > n ? least - n : 1;
	if (size > margin) {
		/* It is to be told from 0, at the p that is left to it of all tests. */
		half *= t_quantile(alpha / (double)tests, (double)n) / t_quantile(alpha, (double)n);
		target = size;
	}
	need = fmax(ceil((double)n * (half / target) * (half / target)), (double)least);
	if (!(need <= SQ_PAIRS_MAX))
		return SIZE_MAX;
	return need > (double)n ? (size_t)need - n : 1;
}
