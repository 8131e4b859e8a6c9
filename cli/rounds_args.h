/* The options that all commands with rounds of trials have. */
#ifndef SQ_CLI_ROUNDS_ARGS_H
#define SQ_CLI_ROUNDS_ARGS_H

#include "cli/execute.h"
#include "cli/rounds.h"
#include "results/verdict.h"

struct sq_rounds_args {
	struct sq_run_args run; /* the first member */
	struct sq_strings gate;
	int64_t warmup, seed;
	double margin;
};

/* A command's own rows, these, and those of a run, in all (SQ_RUN_ARGS_ROWS), for a struct whose first member is
 * sq_rounds_args.  margin: its default, in percent. */
const struct sq_opt *sq_rounds_args_extend(const struct sq_opt *own, const char *margin,
					   struct sq_opt *all);

/* Rounds of that scenario; dir, sides and pairs are still to be said. */
struct sq_rounds sq_rounds_of(const struct sq_rounds_args *args, const json_t *scenario,
			      const char *file, int argc, char **argv);

/* How their verdicts are made. */
struct sq_judging sq_rounds_judging(const struct sq_rounds_args *args, size_t sides);

#endif
