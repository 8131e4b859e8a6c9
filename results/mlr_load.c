/* How one load stands towards one goal: the Load Classification and the Conditional Throughput of RFC 9971, appendices
 * A and B.  They are equal to the RFC's own for any set of trials, which is what makes searches comparable; its worked
 * example (appendix C) is a test.
 *
 * What a reader would get wrong: short bad trials count as far as short good ones do not make up for them;
 * short good ones count for nothing else. */
#include <math.h>
#include <stdlib.h>

#include "base/mem.h"
#include "results/mlr_private.h"

/* Of the trials at one load, in nanoseconds. */
struct sums {
	double good, bad, short_good, short_bad;
	bool tried;
};

static struct sums sums_of(const struct sq_mlr *m, size_t goal, const struct sq_mlr_goal *g,
			   double load, size_t from)
{
	struct sums s = { 0 };

	for (size_t i = from; i < m->n; i++) {
		const struct sq_mlr_trial *t = &m->trials[i];
		bool full = t->duration_ns >= g->final_ns;
		double *sum = t->good[goal] ? (full ? &s.good : &s.short_good)
					    : (full ? &s.bad : &s.short_bad);

		if (t->load != load)
			continue;
		*sum += (double)t->duration_ns;
		s.tried = true;
	}
	return s;
}

enum sq_mlr_standing sq_mlr_stands(const struct sq_mlr *m, size_t goal, const struct sq_mlr_goal *g,
				   double load, size_t from)
{
	struct sums s = sums_of(m, goal, g, load, from);
	double balance = s.short_good * g->exceed_ratio / (1 - g->exceed_ratio);
	double bad = s.bad + fmax(0, s.short_bad - balance);
	double whole = fmax(s.good + bad, (double)g->duration_sum_ns);

	if (!s.tried)
		return SQ_MLR_UNTRIED;
	if (bad > whole * g->exceed_ratio)
		return SQ_MLR_UPPER;
	return whole - s.good <= whole * g->exceed_ratio ? SQ_MLR_LOWER : SQ_MLR_UNDECIDED;
}

enum sq_mlr_standing sq_mlr_standing(const struct sq_mlr *m, size_t goal, double load)
{
	return sq_mlr_stands(m, goal, &m->goals[goal], load, 0);
}

static int by_loss(const void *a, const void *b)
{
	double x = (*(const struct sq_mlr_trial *const *)a)->lost;
	double y = (*(const struct sq_mlr_trial *const *)b)->lost;

	return (x > y) - (x < y);
}

double sq_mlr_throughput(const struct sq_mlr *m, size_t goal, double load)
{
	const struct sq_mlr_goal *g = &m->goals[goal];
	struct sums s = sums_of(m, goal, g, load, 0);
	const struct sq_mlr_trial **full = sq_alloc_n(m->n + 1, sizeof(struct sq_mlr_trial *));
	double whole = fmax((double)g->duration_sum_ns, s.good + s.bad);
	double remaining = whole * (1 - g->exceed_ratio), lost = 0;
	size_t n = 0;

	for (size_t i = 0; i < m->n; i++)
		if (m->trials[i].load == load && m->trials[i].duration_ns >= g->final_ns)
			full[n++] = &m->trials[i];
	qsort(full, n, sizeof(struct sq_mlr_trial *), by_loss);
	for (size_t i = 0; i < n && (i == 0 || remaining > 0); i++) {
		lost = full[i]->lost;
		remaining -= (double)full[i]->duration_ns;
	}
	free(full);
	/* What is missing might have lost all. */
	if (remaining > 0)
		lost = 1;
	return s.tried ? load * (1 - lost) : NAN;
}

int64_t sq_mlr_spent_ns(const struct sq_mlr *m)
{
	int64_t sum = 0;

	for (size_t i = 0; i < m->n; i++)
		sum += m->trials[i].duration_ns;
	return sum;
}
