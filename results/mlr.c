/* The search goes through phases of growing trial duration and shrinking width.  Each begins from the bounds of the one
 * before, which only hint at where its own are, since trials that are shorter than a phase's count for
 * little in it.
 *
 * What a reader would get wrong: nothing of where the search stands is kept.  The next trial follows from
 * all trials alone, so that one that contradicts earlier ones leads it back. */
#include "results/mlr.h"

#include <assert.h>
#include <math.h>
#include <stdlib.h>

#include "base/mem.h"

struct trial {
	double load;
	int64_t duration_ns;
	bool good[SQ_MLR_GOALS_MAX];
};

struct sq_mlr {
	struct sq_mlr_goal goals[SQ_MLR_GOALS_MAX];
	size_t n_goals;
	double least, most;
	struct trial *trials;
	size_t n, cap;
	double *loads; /* those that were tried, ascending */
	size_t n_loads, cap_loads;
};

struct sq_mlr *sq_mlr_new(const struct sq_mlr_goal *goals, size_t n, double least, double most)
{
	struct sq_mlr *m = sq_alloc(sizeof(*m));

	assert(n > 0 && n <= SQ_MLR_GOALS_MAX && least > 0 && least < most);
	for (size_t i = 0; i < n; i++)
		m->goals[i] = goals[i];
	m->n_goals = n;
	m->least = least;
	m->most = most;
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

void sq_mlr_record(struct sq_mlr *m, double load, int64_t duration_ns, const bool *good)
{
	struct trial *t;
	size_t at = 0;

	m->trials = sq_grow(m->trials, m->n, &m->cap, sizeof(*m->trials));
	t = &m->trials[m->n++];
	*t = (struct trial){ .load = load, .duration_ns = duration_ns };
	for (size_t i = 0; i < m->n_goals; i++)
		t->good[i] = good[i];
	while (at < m->n_loads && m->loads[at] < load)
		at++;
	if (at < m->n_loads && m->loads[at] == load)
		return;
	m->loads = sq_grow(m->loads, m->n_loads, &m->cap_loads, sizeof(*m->loads));
	for (size_t i = m->n_loads++; i > at; i--)
		m->loads[i] = m->loads[i - 1];
	m->loads[at] = load;
}

int64_t sq_mlr_spent_ns(const struct sq_mlr *m)
{
	int64_t sum = 0;

	for (size_t i = 0; i < m->n; i++)
		sum += m->trials[i].duration_ns;
	return sum;
}

/* ---- a load ---- */

enum standing { UNTRIED, UNDECIDED, LOWER, UPPER };

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

/* RFC 9971, "Load Classification": short bad trials count as far as short good ones do not make up for
 * them; short good ones count for nothing else. */
static enum standing stands(const struct sq_mlr *m, size_t goal, const struct sq_mlr_goal *g,
			    double load)
{
	double good = 0, bad = 0, short_good = 0, short_bad = 0, whole, missing;
	bool tried = false;

	for (size_t i = 0; i < m->n; i++) {
		const struct trial *t = &m->trials[i];
		bool full = t->duration_ns >= g->final_ns;
		double *sum = t->good[goal] ? (full ? &good : &short_good)
					    : (full ? &bad : &short_bad);

		if (t->load != load)
			continue;
		*sum += (double)t->duration_ns;
		tried = true;
	}
	if (!tried)
		return UNTRIED;
	bad += fmax(0, short_bad - short_good * g->exceed_ratio / (1 - g->exceed_ratio));
	whole = fmax(good + bad, (double)g->duration_sum_ns);
	missing = whole - good - bad;
	if (bad > whole * g->exceed_ratio)
		return UPPER;
	return bad + missing <= whole * g->exceed_ratio ? LOWER : UNDECIDED;
}

/* ---- a phase ---- */

static struct sq_mlr_bounds bounds_of(const struct sq_mlr *m, size_t goal,
				      const struct sq_mlr_goal *g)
{
	struct sq_mlr_bounds b = { NAN, NAN };

	for (size_t i = 0; i < m->n_loads && isnan(b.upper); i++) {
		enum standing s = stands(m, goal, g, m->loads[i]);

		if (s == UPPER)
			b.upper = m->loads[i];
		else if (s == LOWER)
			b.lower = m->loads[i];
	}
	return b;
}

struct sq_mlr_bounds sq_mlr_bounds(const struct sq_mlr *m, size_t goal)
{
	return bounds_of(m, goal, &m->goals[goal]);
}

/* Loads that people can read: four digits. */
static double rounded(double load)
{
	double unit = pow(10, floor(log10(load)) - 3);

	return round(load / unit) * unit;
}

/* Where a phase without an upper bound looks for one: where the phase before had it; when that turned out to be none,
 * beyond, in steps that double. */
static double look_above(const struct sq_mlr *m, const struct sq_mlr_bounds *here,
			 const struct sq_mlr_bounds *before, double width)
{
	double from = isnan(before->upper) ? m->most : before->upper;

	if (isnan(here->lower) || from > here->lower)
		return from;
	return fmin(m->most,
		    rounded(here->lower * (1 + fmax(width, 2 * (here->lower / from - 1)))));
}

static double look_below(const struct sq_mlr *m, const struct sq_mlr_bounds *here,
			 const struct sq_mlr_bounds *before, double width)
{
	double from = isnan(before->lower) ? m->least : before->lower;

	if (isnan(here->upper) || from < here->upper)
		return from;
	return fmax(m->least,
		    rounded(here->upper / (1 + fmax(width, 2 * (from / here->upper - 1)))));
}

/* The load that the phase wants tried next, of a goal; NAN: its bounds are known. */
static double wanted(const struct sq_mlr *m, size_t goal, const struct sq_mlr_goal *g,
		     const struct sq_mlr_bounds *before)
{
	struct sq_mlr_bounds here = bounds_of(m, goal, g);
	double middle;

	if (isnan(here.upper) && !(here.lower >= m->most))
		return look_above(m, &here, before, g->width);
	if (isnan(here.lower) && !(here.upper <= m->least))
		return look_below(m, &here, before, g->width);
	if (isnan(here.upper) || isnan(here.lower) || here.upper <= here.lower * (1 + g->width))
		return NAN;
	/* One between them that is undecided decides first. */
	for (size_t i = 0; i < m->n_loads; i++) {
		double load = m->loads[i];

		if (load > here.lower && load < here.upper && stands(m, goal, g, load) == UNDECIDED)
			return load;
	}
	middle = rounded(sqrt(here.lower * here.upper));
	return middle > here.lower && middle < here.upper ? middle : NAN;
}

bool sq_mlr_next(const struct sq_mlr *m, double *ret_load, int64_t *ret_duration_ns)
{
	for (size_t goal = 0; goal < m->n_goals; goal++) {
		struct sq_mlr_bounds before = { NAN, NAN };

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
