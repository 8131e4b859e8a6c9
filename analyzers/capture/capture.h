/* The capture process of one host. */
#ifndef SQ_ANALYZERS_CAPTURE_CAPTURE_H
#define SQ_ANALYZERS_CAPTURE_CAPTURE_H

#include "results/spool.h"
#include "scenarios/plan.h"

/* Runs in a process of its own that has entered the host (and no other thread runs yet).  Spools
 * to "capture-HOST": a head record with the host's environment (kernel, CPUs, limits, the sysctls
 * that mechanisms need), the metrics as they appear, a record a tick with what changed, gaps and
 * "not available" as such.  Ticks stand on an absolute schedule from before "go" until "stop".
 * Talks on ctl as base/ctl.h says.  The exit status: 0, or 1 after an error it has reported. */
int sq_capture_main(const struct sq_plan *plan, size_t host, int ctl, int dirfd);

/* The same to a spool that is open, and which it closes.  May end the process, when a thread of it
 * can't be waited for. */
int sq_capture_to(const struct sq_plan *plan, size_t host, int ctl, struct sq_spool *spool);

#endif
