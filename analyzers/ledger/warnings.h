/* What a run's own hosts ran short of, told from their counters. */
#ifndef SQ_ANALYZERS_LEDGER_WARNINGS_H
#define SQ_ANALYZERS_LEDGER_WARNINGS_H

#include "results/run.h"

/* Adds to run->warnings the first time at which each host's sockets in TIME_WAIT were so many that
 * connect(2) slows down (scenarios/plan_limits.c). */
void sq_warn(struct sq_run *run);

#endif
