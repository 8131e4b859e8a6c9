/* The search goes through phases of growing trial duration and shrinking width.  Each begins from the bounds of the one
 * before, which only hint at where its own are, since trials that are shorter than a phase's count for
 * little in it.  The lower bound is looked for first: an upper one that is found by mischance bars all loads above it.
 *
 * What a reader would get wrong: nothing of where the search stands is kept, but when all bounds were
 * known.  The next trial follows from all trials alone, so that one that contradicts earlier ones leads it back. */
#include "results/mlr.h"

#include <assert.h>
#include <math.h>
#include <stdlib.h>

#include "base/mem.h"
#include "results/mlr_private.h"

struct sq_mlr *sq_mlr_new(const struct sq_mlr_goal *goals, size_t n, double least, double most)
{
	struct sq_mlr *m = sq_alloc(sizeof(*m));

	assert(n > 0 && n <= SQ_MLR_GOALS_MAX && least > 0 && least < most);
	for (size_t i = 0; i < n; i++) {
		assert(goals[i].exceed_ratio >= 0 && goals[i].exceed_ratio < 1);
		m->goals[i] = goals[i];
		m->at_first[i] = NAN;
	}
	m->n_goals = n;
	m->least = least;
	m->most = most;
	m->settled = SIZE_MAX;
	return m;
}

struct sq_mlr *sq_mlr_free(struct sq_mlr *m)
{
	if (m) {
		free(m->trials);
		free(m->loads);
	}
	free(m);
	return NULL;
}

/* A phase's own goal: the last is the goal itself, those before are decided by one trial. */
static struct sq_mlr_goal phase_goal(const struct sq_mlr_goal *g, int phase)
{
	struct sq_mlr_goal p = *g;
	double part = (double)phase / (SQ_MLR_PHASES - 1);
	double grown = pow((double)g->final_ns / (double)g->initial_ns, part);

	if (phase == SQ_MLR_PHASES - 1)
		return p;
	p.final_ns = p.duration_sum_ns = (int64_t)((double)g->initial_ns * grown);
	p.width = g->width * pow(2, SQ_MLR_PHASES - 1 - phase);
	return p;
}

/* ---- a phase ---- */

struct pair {
	double lower, upper;
};

static struct pair bounds_of(const struct sq_mlr *m, size_t goal, const struct sq_mlr_goal *g)
{
	struct pair b = { NAN, NAN };

	for (size_t i = 0; i < m->n_loads && isnan(b.upper); i++) {
		enum sq_mlr_standing s = sq_mlr_stands(m, goal, g, m->loads[i], 0);

		if (s == SQ_MLR_UPPER)
			b.upper = m->loads[i];
		else if (s == SQ_MLR_LOWER)
			b.lower = m->loads[i];
	}
	return b;
}

/* Bounds that are the width apart are within it, though their products in doubles may say more: 1000 * 1.001 is less
 * than 1001. */
static bool is_within(struct pair b, double width)
{
	return b.upper <= b.lower * (1 + width) * (1 + 1e-9);
}

/* Loads that people can read: four digits. */
static double rounded(double load)
{
	double unit = pow(10, floor(log10(load)) - 3);

	return round(load / unit) * unit;
}

/* Where a phase without an upper bound looks for one: where the phase before had it; when that turned out to be none,
 * beyond, in steps that double. */
static double look_above(const struct sq_mlr *m, const struct pair *here, const struct pair *before,
			 double width)
{
	double from = isnan(before->upper) ? m->most : before->upper;

	if (isnan(here->lower) || from > here->lower)
		return from;
	return fmin(m->most,
		    rounded(here->lower * (1 + fmax(width, 2 * (here->lower / from - 1)))));
}

static double look_below(const struct sq_mlr *m, const struct pair *here, const struct pair *before,
			 double width)
{
	double from = isnan(before->lower) ? m->least : before->lower;

	if (isnan(here->upper) || from < here->upper)
		return from;
	return fmax(m->least,
		    rounded(here->upper / (1 + fmax(width, 2 * (from / here->upper - 1)))));
}

/* The load that the phase wants tried next, of a goal; NAN: its bounds are known. */
static double wanted(const struct sq_mlr *m, size_t goal, const struct sq_mlr_goal *g,
		     const struct pair *before)
{
	struct pair here = bounds_of(m, goal, g);
	double middle;

	if (isnan(here.lower) && !(here.upper <= m->least))
		return look_below(m, &here, before, g->width);
	if (isnan(here.upper) && !(here.lower >= m->most))
		return look_above(m, &here, before, g->width);
	if (isnan(here.upper) || isnan(here.lower) || is_within(here, g->width))
		return NAN;
	/* One between them that is undecided decides first. */
	for (size_t i = 0; i < m->n_loads; i++) {
		double load = m->loads[i];

		if (load > here.lower && load < here.upper &&
		    sq_mlr_stands(m, goal, g, load, 0) == SQ_MLR_UNDECIDED)
			return load;
	}
	middle = rounded(sqrt(here.lower * here.upper));
	return middle > here.lower && middle < here.upper ? middle : NAN;
}

/* The next trial of the search proper; false: all bounds are known. */
static bool search_next(const struct sq_mlr *m, double *ret_load, int64_t *ret_duration_ns)
{
	for (size_t goal = 0; goal < m->n_goals; goal++) {
		struct pair before = { NAN, NAN };

		for (int phase = 0; phase < SQ_MLR_PHASES; phase++) {
			struct sq_mlr_goal g = phase_goal(&m->goals[goal], phase);

			*ret_load = wanted(m, goal, &g, &before);
			*ret_duration_ns = g.final_ns;
			if (!isnan(*ret_load))
				return true;
			before = bounds_of(m, goal, &g);
		}
	}
	return false;
}

/* ---- at the end ---- */

static bool is_confirmed(const struct sq_mlr *m, size_t goal, double lower)
{
	return m->settled != SIZE_MAX &&
	       sq_mlr_stands(m, goal, &m->goals[goal], lower, m->settled) == SQ_MLR_LOWER;
}

static bool confirm_next(const struct sq_mlr *m, double *ret_load, int64_t *ret_duration_ns)
{
	for (size_t goal = 0; goal < m->n_goals; goal++) {
		double lower = bounds_of(m, goal, &m->goals[goal]).lower;

		if (isnan(lower) || is_confirmed(m, goal, lower))
			continue;
		*ret_load = lower;
		*ret_duration_ns = m->goals[goal].final_ns;
		return true;
	}
	return false;
}

bool sq_mlr_next(const struct sq_mlr *m, double *ret_load, int64_t *ret_duration_ns)
{
	return m->reopened < SQ_MLR_REOPENED_MAX && (search_next(m, ret_load, ret_duration_ns) ||
						     confirm_next(m, ret_load, ret_duration_ns));
}

/* Are all bounds known now, or no longer? */
static void settle(struct sq_mlr *m)
{
	int64_t duration_ns;
	double load;

	if (search_next(m, &load, &duration_ns)) {
		m->reopened += m->settled != SIZE_MAX;
		m->settled = SIZE_MAX;
	} else if (m->settled == SIZE_MAX) {
		m->settled = m->n;
		for (size_t i = 0; m->reopened == 0 && i < m->n_goals; i++)
			m->at_first[i] = bounds_of(m, i, &m->goals[i]).lower;
	}
}

void sq_mlr_record(struct sq_mlr *m, double load, int64_t duration_ns, const bool *good,
		   double lost)
{
	struct sq_mlr_trial *t;
	size_t at = 0;

	m->trials = sq_grow(m->trials, m->n, &m->cap, sizeof(*m->trials));
	t = &m->trials[m->n++];
	*t = (struct sq_mlr_trial){ .load = load, .lost = lost, .duration_ns = duration_ns };
	for (size_t i = 0; i < m->n_goals; i++)
		t->good[i] = good[i];
	while (at < m->n_loads && m->loads[at] < load)
		at++;
	if (at == m->n_loads || m->loads[at] != load) {
		m->loads = sq_grow(m->loads, m->n_loads, &m->cap_loads, sizeof(*m->loads));
		for (size_t i = m->n_loads++; i > at; i--)
			m->loads[i] = m->loads[i - 1];
		m->loads[at] = load;
	}
	settle(m);
}

struct sq_mlr_bounds sq_mlr_bounds(const struct sq_mlr *m, size_t goal)
{
	const struct sq_mlr_goal *g = &m->goals[goal];
	struct pair b = bounds_of(m, goal, g);

	return (struct sq_mlr_bounds){
		.lower = b.lower,
		.upper = b.upper,
		.at_first = m->at_first[goal],
		.regular = is_within(b, g->width),
		.confirmed = is_confirmed(m, goal, b.lower),
	};
}
