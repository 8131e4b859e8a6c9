/* A scenario's settings of the whole machine (world.sysctl), around its run. */
#ifndef SQ_CLI_GLOBALS_H
#define SQ_CLI_GLOBALS_H

#include "base/sysctl_journal.h"
#include "scenarios/plan.h"

/* Takes the machine's journal, waiting for another run that has it, and says on stderr what a killed
 * run left and is set back.  A process that has it gets it again.  NULL with err. */
struct sq_journal *sq_globals_open(struct sq_err *err);
/* With these hands. */
struct sq_journal *sq_globals_open_by(const struct sq_journal_hands *hands, struct sq_err *err);

/* Sets what the plan asks for; *ret_journal stays NULL when that is nothing.  On failure all is set
 * back. */
int sq_globals_set(const struct sq_plan *plan, struct sq_journal **ret_journal, struct sq_err *err);

/* By the last who holds the journal.  Complains itself when something could not be set back. */
int sq_globals_set_back(struct sq_journal *journal);

#endif
