/* A worker process of one host: its lanes of every load that the host makes, and their spool. */
#ifndef SQ_LOADGEN_ENGINE_WORKER_H
#define SQ_LOADGEN_ENGINE_WORKER_H

#include "loadgen/engine/live.h"
#include "scenarios/plan.h"

struct sq_worker_job {
	const struct sq_plan *plan;
	size_t host;
	size_t worker; /* of the host's: it has the threads that sq_load_worker gives it */
	struct sq_live *live;
	size_t first_lane; /* its first slot of live; lanes follow in the plan's order of loads */
	int ctl, dirfd;
};

/* Runs in a process of its own that has entered the host; starts the threads, says "ready", waits
 * for "go", spools to "load-HOST" (worker 1 of a host that has several: "load-HOST.1") about once a
 * second, and says "done" when every operation has its outcome.  "drain": no new operations.
 * "stop": those under way are canceled.  The end of ctl ends it at once.  The exit status: 0, or 1
 * after an error it has reported. */
int sq_worker_main(const struct sq_worker_job *job);

#endif
