/* The worker process of one host: the lanes of every load that the host makes, and their spool. */
#ifndef SQ_LOADGEN_ENGINE_WORKER_H
#define SQ_LOADGEN_ENGINE_WORKER_H

#include "loadgen/engine/live.h"
#include "scenarios/plan.h"

/* Runs in a process of its own that has entered the host; starts the threads, says "ready", waits
 * for "go", spools to "load-HOST" about once a second, and says "done" when every operation has
 * its outcome.  "drain": no new operations.  "stop": those under way are canceled.  The end of
 * ctl ends it at once.  first_lane: the host's first slot of live; lanes follow in the plan's
 * order of loads.  The exit status: 0, or 1 after an error it has reported. */
int sq_worker_main(const struct sq_plan *plan, size_t host, struct sq_live *live, size_t first_lane,
		   int ctl, int dirfd);

#endif
