/* The keeper: the small init of a run's world.  It builds the world, starts the servers, forks the
 * worker and capture processes into their hosts, and keeps all of it until its channel says stop
 * or ends. */
#ifndef SQ_LOADGEN_CAMPAIGN_KEEPER_H
#define SQ_LOADGEN_CAMPAIGN_KEEPER_H

#include <stddef.h>

#include "loadgen/engine/live.h"
#include "results/spool.h"
#include "scenarios/plan.h"

enum sq_child_role { SQ_CHILD_WORKER, SQ_CHILD_CAPTURE };

/* One process of the run's own, as the supervisor and the keeper agree on it before the fork. */
struct sq_child {
	enum sq_child_role role;
	size_t host;
	size_t worker;     /* worker: which of its host's, */
	size_t first_lane; /* and its first slot of live */
	int ctl[2];        /* [0] the supervisor's end, [1] the child's */
};

struct sq_keeper_job {
	const struct sq_plan *plan;
	struct sq_child *children;
	size_t n_children;
	struct sq_live *live;
	struct sq_spool *spool; /* "run", shared with the supervisor: records are whole appends */
	int dirfd;              /* the run's directory */
	int ctl;                /* the keeper's end of its channel */
};

/* Runs in the keeper's process and returns its exit status.  Says "ready" when the world stands,
 * the servers serve and the children are forked; takes "go T0" and "stop"; at the end writes a
 * "server" record of each server and says "done". */
int sq_keeper_main(const struct sq_keeper_job *job);

#endif
