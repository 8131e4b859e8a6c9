/* One run: the supervisor.  Single-threaded; it makes the keeper, the keeper makes the world and
 * forks the worker and capture processes in it.  What they saw is in the spool, and only there. */
#ifndef SQ_LOADGEN_CAMPAIGN_CAMPAIGN_H
#define SQ_LOADGEN_CAMPAIGN_CAMPAIGN_H

#include <stdbool.h>

#include <jansson.h>

#include "base/err.h"
#include "loadgen/engine/live.h"
#include "scenarios/plan.h"

/* Who wants to hear of the run while it goes on, from the supervisor. */
struct sq_telling {
	int64_t every_ns; /* from t0 on; and once at the end, for the rest (last) */
	void (*tell)(void *arg, const struct sq_live_sum *so_far, bool last);
	void *arg;
};

struct sq_campaign_opts {
	const char *dir; /* an existing, empty directory: the run's own */
	json_t *meta;    /* borrowed: what the head of the spool says of the run (id, argv ...) */
	bool progress;   /* a progress line on stderr */
	const struct sq_telling *telling; /* NULL: nobody */
};

enum sq_ending {
	SQ_ENDED_COMPLETED,
	SQ_ENDED_STOPPED, /* by a signal */
	SQ_ENDED_FAILED,  /* a process of the run's own broke; err says which and why */
};

/* Runs the plan.  <0 when it could not even start (nothing was sent; err); else 0 and the ending:
 * the spool then holds what was seen.  The caller holds the signals that ask to end (base/interrupt.h): the run takes
 * them. */
int sq_campaign_run(const struct sq_plan *plan, const struct sq_campaign_opts *opts,
		    enum sq_ending *ret_ending, struct sq_err *err);

#endif
