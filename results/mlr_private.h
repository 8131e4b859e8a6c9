/* What the search (mlr.c) and its judgement of one load (mlr_load.c) share. */
#ifndef SQ_RESULTS_MLR_PRIVATE_H
#define SQ_RESULTS_MLR_PRIVATE_H

#include "results/mlr.h"

struct sq_mlr_trial {
	double load, lost;
	int64_t duration_ns;
	bool good[SQ_MLR_GOALS_MAX];
};

struct sq_mlr {
	struct sq_mlr_goal goals[SQ_MLR_GOALS_MAX];
	double at_first[SQ_MLR_GOALS_MAX];
	size_t n_goals;
	double least, most;
	struct sq_mlr_trial *trials;
	size_t n, cap;
	double *loads; /* those that were tried, ascending */
	size_t n_loads, cap_loads;
	size_t settled; /* so many trials there were when all bounds were known; SIZE_MAX: they are not */
	size_t reopened; /* how often they were, and then no longer */
};

/* By the trials from that one on; g: goal's own, or a phase's. */
enum sq_mlr_standing sq_mlr_stands(const struct sq_mlr *m, size_t goal, const struct sq_mlr_goal *g,
				   double load, size_t from);

#endif
