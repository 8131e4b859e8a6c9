/* The main job, as every command that runs a scenario does it: parse, plan, run, analyze, report. */
#ifndef SQ_CLI_EXECUTE_H
#define SQ_CLI_EXECUTE_H

#include <stdbool.h>

#include <jansson.h>

#include "base/err.h"
#include "base/opt.h"
#include "scenarios/plan.h"

/* The options of `squall run` and of all that end in a run. */
struct sq_run_args {
	struct sq_strings set, authorize;
	char *out;
	bool loopback, allow_exec, allow_global, quiet;
};

extern const struct sq_opt sq_run_args_opts[];

/* A command's own rows and those of a run, in all, for a struct whose first member is sq_run_args. */
enum { SQ_RUN_ARGS_ROWS = 48 };

const struct sq_opt *sq_run_args_extend(const struct sq_opt *own, struct sq_opt *all);

/* The plug-ins that scenarios may name. */
const struct sq_family *sq_families(void);

/* doc: a scenario (or a report that holds one), changed by args->set in place; file names it in
 * errors.  shipped: its programs need no --allow-exec.  *ret_dir (may be NULL): the run's folder, the
 * caller's to free, NULL when it came to none.  Returns the exit status. */
int sq_execute(json_t *doc, const char *file, const struct sq_run_args *args, bool shipped,
	       int argc, char **argv, char **ret_dir);

/* The first half of it: the plan, its drivers prepared.  NULL with err. */
struct sq_plan *sq_execute_plan(json_t *doc, const char *file, const struct sq_run_args *args,
				bool shipped, struct sq_err *err);
void sq_execute_plan_free(struct sq_plan *plan);

/* The second half alone: DIR's spool -> run.json and the summary on stdout.  sinks: receipts of mail
 * sinks beside the run's own (results/receipt.h); counters: files of captures, likewise (results/run.h);
 * NULL: none.  Returns the exit status. */
int sq_finish(const char *dir, const struct sq_strings *sinks, const struct sq_strings *counters,
	      bool quiet);

/* Of the terminal that stdout is; 100 when it is none. */
int sq_terminal_width(void);

#endif
