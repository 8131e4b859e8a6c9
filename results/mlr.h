/* A search for the highest load that holds: multiple loss ratio search (MLRsearch, RFC 9971), over trials of a given
 * load and duration that are good or bad for each of several goals.  What makes a trial good is the caller's: here a goal
 * may be of latencies as well as of losses.
 *
 * The RFC's terms, and what a reader would get wrong:
 * - A goal lets a share of the time be bad (Goal Exceed Ratio).  A load is a lower bound of it when that holds even if all
 *   the time that is missing to the Goal Duration Sum turns out bad; an upper bound, when it no longer can hold, even if
 *   all that is good; undecided otherwise, and then it is tried again (results/mlr_load.c).
 * - The Relevant Upper Bound is the lowest upper one, the Relevant Lower Bound the highest lower one below that: a server
 *   that fails at some load, and does well at a higher one by chance, is not credited with the higher.
 * - The RFC ends there.  Here each relevant lower bound is then decided once more, by new trials alone, since a server may
 *   have tired; those count among all others, so that one that fails leads the search on, and down. */
#ifndef SQ_RESULTS_MLR_H
#define SQ_RESULTS_MLR_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { SQ_MLR_GOALS_MAX = 8, SQ_MLR_PHASES = 3, SQ_MLR_REOPENED_MAX = 8 };

struct sq_mlr_goal {
	double exceed_ratio;     /* 0.5: the middle trial decides; below 1 */
	int64_t duration_sum_ns; /* that decides about one load, at least */
	int64_t initial_ns;      /* of the first trials, which are short and wide */
	int64_t final_ns;        /* of those that decide; shorter ones are but hints */
	double width;            /* 0.02: the upper bound is at most 2 % above the lower */
};

struct sq_mlr;

/* Between two loads, 0 < least < most.  n: 1 to SQ_MLR_GOALS_MAX. */
struct sq_mlr *sq_mlr_new(const struct sq_mlr_goal *goals, size_t n, double least, double most);
struct sq_mlr *sq_mlr_free(struct sq_mlr *m);

/* The next trial; false: both bounds of all goals are known and confirmed, or there are none within the range, or the
 * lower ones failed again and again when they were to be confirmed. */
bool sq_mlr_next(const struct sq_mlr *m, double *ret_load, int64_t *ret_duration_ns);

/* What came of a trial: good for which goals, and the share that was lost. */
void sq_mlr_record(struct sq_mlr *m, double load, int64_t duration_ns, const bool *good,
		   double lost);

/* NAN: none was found.  No lower: not even the least load holds.  No upper: the most does, and the lower bound is but
 * what was tried. */
struct sq_mlr_bounds {
	double lower, upper;
	double at_first; /* the lower bound before it was confirmed for the first time; NAN: it has not come to that */
	bool regular; /* both are there, as near to each other as the goal wants: a Regular Goal Result */
	bool confirmed; /* the lower one */
};

struct sq_mlr_bounds sq_mlr_bounds(const struct sq_mlr *m, size_t goal);

/* ---- one load (results/mlr_load.c) ---- */

enum sq_mlr_standing { SQ_MLR_UNTRIED, SQ_MLR_UNDECIDED, SQ_MLR_LOWER, SQ_MLR_UPPER };

enum sq_mlr_standing sq_mlr_standing(const struct sq_mlr *m, size_t goal, double load);

/* What gets through at that load, by the trials that decide: the RFC's Conditional Throughput, which its
 * searches are compared by.  NAN: it was not tried. */
double sq_mlr_throughput(const struct sq_mlr *m, size_t goal, double load);

/* The time of all trials so far. */
int64_t sq_mlr_spent_ns(const struct sq_mlr *m);

#endif
