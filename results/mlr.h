/* A search for the highest load that holds: multiple loss ratio search (MLRsearch, RFC 9971), over trials of a given
 * load and duration that are good or bad for each of several goals.  What makes a trial good is the caller's.
 *
 * A goal lets a share of the time be bad (exceed_ratio).  A load is a lower bound of it when that holds even if all
 * the time that is missing to duration_sum turns out bad; an upper bound, when it no longer can hold, even if
 * all that is good; undecided otherwise, and then it is tried again.  The relevant upper bound is the lowest
 * upper one, the relevant lower bound the highest lower one below that: a server that fails at some
 * load, and does well at a higher one by chance, is not credited with the higher. */
#ifndef SQ_RESULTS_MLR_H
#define SQ_RESULTS_MLR_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { SQ_MLR_GOALS_MAX = 8, SQ_MLR_PHASES = 3 };

struct sq_mlr_goal {
	double exceed_ratio;     /* 0.5: the middle trial decides */
	int64_t duration_sum_ns; /* that decides about one load, at least */
	int64_t initial_ns;      /* of the first trials, which are short and wide */
	int64_t final_ns;        /* of those that decide; shorter ones are but hints */
	double width;            /* the bounds' distance that is aimed at: 0.02 is 2 % */
};

struct sq_mlr;

/* Between two loads, 0 < least < most.  n: 1 to SQ_MLR_GOALS_MAX. */
struct sq_mlr *sq_mlr_new(const struct sq_mlr_goal *goals, size_t n, double least, double most);
struct sq_mlr *sq_mlr_free(struct sq_mlr *m);

/* The next trial; false: both bounds of all goals are known, or there are none within the range. */
bool sq_mlr_next(const struct sq_mlr *m, double *ret_load, int64_t *ret_duration_ns);

/* What came of a trial: good for which goals. */
void sq_mlr_record(struct sq_mlr *m, double load, int64_t duration_ns, const bool *good);

/* NAN: none was found.  No lower: not even the least load holds.  No upper: the most does. */
struct sq_mlr_bounds {
	double lower, upper;
};

struct sq_mlr_bounds sq_mlr_bounds(const struct sq_mlr *m, size_t goal);

/* The time of all trials so far. */
int64_t sq_mlr_spent_ns(const struct sq_mlr *m);

#endif
