/* A world that a person stands in: built and served as for a run, and kept while a shell lives in it. */
#ifndef SQ_LOADGEN_CAMPAIGN_VISIT_H
#define SQ_LOADGEN_CAMPAIGN_VISIT_H

#include "base/err.h"
#include "scenarios/plan.h"

/* Starts a shell on the host `from`.  In its PATH is DIR/bin with a command for each host, which runs
 * what follows it there, or opens a shell there; dir is an existing folder, and gets the servers' logs.
 * The caller holds the signals that ask to end (base/interrupt.h), so that what it set is set back behind the shell.
 * Returns the shell's exit status, or -errno with err when the world could not be made. */
int sq_visit(const struct sq_plan *plan, size_t from, const char *dir, struct sq_err *err);

#endif
