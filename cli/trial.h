/* One run among several of one command (lab run, prove, tune, gate, search): where it went, how it ended, what its report
 * says of one mechanism. */
#ifndef SQ_CLI_TRIAL_H
#define SQ_CLI_TRIAL_H

#include <stdbool.h>

#include <jansson.h>

#include "cli/execute.h"

struct sq_trial {
	int status;     /* the run's exit status */
	char *dir;      /* NULL: it came to none */
	json_t *report; /* NULL: there is none */
};

/* How a command runs its scenarios. */
struct sq_trial_way {
	const char *file; /* what errors call the scenario */
	const struct sq_run_args *args;
	bool shipped;
	int argc;
	char **argv;
};

/* Runs a copy of the scenario; out: its folder, NULL for what args say.  Whoever asked the command to end since the first
 * of its runs, during one or between two, stopped this one (SQ_EXIT_STOPPED). */
void sq_trial_run(const json_t *doc, const struct sq_trial_way *way, const char *out, bool quiet,
		  struct sq_trial *ret);
/* Of a run that was: its folder or its run.json.  -errno with err. */
int sq_trial_load(const char *path, struct sq_trial *ret, struct sq_err *err);
void sq_trial_fini(struct sq_trial *t);

/* What a report's findings of a mechanism say, summed up. */
struct sq_trial_finding {
	const json_t *first; /* the one that explains most; NULL: none.  Of the report */
	json_int_t count, explained;
	bool several; /* of more than one failure */
};

struct sq_trial_finding sq_trial_finding(const json_t *report, const char *mechanism);

#endif
