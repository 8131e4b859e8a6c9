/* What a side changes outside of its scenario, around each of its runs. */
#ifndef SQ_CLI_STAGE_H
#define SQ_CLI_STAGE_H

#include "cli/sides.h"

struct sq_stage {
	const struct sq_variant *side;
	struct sq_journal *journal; /* NULL: there is nothing to undo, or no journal to be had */
	bool entered;
	bool begun; /* its commands before, the first of them at least */
};

/* Runs the side's commands, makes its settings, each read back; from here on nothing but SIGKILL ends the process
 * (sq_interrupt_hold), and what is to be undone is in the machine's journal.  -errno with err: what was done is
 * undone by sq_stage_leave. */
int sq_stage_enter(struct sq_stage *s, const struct sq_variant *side, struct sq_err *err);

/* Settings back, then the side's last commands.  -errno with err; all is tried all the same. */
int sq_stage_leave(struct sq_stage *s, struct sq_err *err);

/* Into doc what the side makes of it: values set, programs, labels (of an entered stage).  -errno with err. */
int sq_stage_scenario(const struct sq_variant *side, json_t *doc, struct sq_err *err);

#endif
