/* From a run record to its findings. */
#ifndef SQ_ANALYZERS_ANALYZE_H
#define SQ_ANALYZERS_ANALYZE_H

#include "base/err.h"
#include "results/run.h"

/* Fills run->findings: the account of every failure, through the ledger and its mechanisms
 * (analyzers/rules).  Pure: the same record gives the same findings. */
int sq_analyze(struct sq_run *run, struct sq_err *err);

#endif
