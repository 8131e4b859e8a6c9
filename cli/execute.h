/* The main job, as every command that runs a scenario does it: parse, plan, run, analyze, report. */
#ifndef SQ_CLI_EXECUTE_H
#define SQ_CLI_EXECUTE_H

#include <stdbool.h>

#include <jansson.h>

#include "base/opt.h"
#include "loadgen/campaign/campaign.h"

/* The options of `squall run` and of all that end in a run. */
struct sq_run_args {
	struct sq_strings set, authorize;
	char *out;
	bool loopback, allow_exec, quiet;
};

extern const struct sq_opt sq_run_args_opts[];

/* The plug-ins that scenarios may name. */
const struct sq_family *sq_families(void);

/* doc: a scenario (or a report that holds one), changed by args->set in place; file names it in
 * errors.  shipped: its programs need no --allow-exec.  telling: who hears of it meanwhile; NULL.
 * Returns the exit status. */
int sq_execute(json_t *doc, const char *file, const struct sq_run_args *args, bool shipped,
	       const struct sq_telling *telling, int argc, char **argv);

/* The second half alone: DIR's spool -> run.json and the summary on stdout.  sinks: receipts of mail
 * sinks beside the run's own (results/receipt.h); NULL: none.  Returns the exit status. */
int sq_finish(const char *dir, const struct sq_strings *sinks, bool quiet);

#endif
