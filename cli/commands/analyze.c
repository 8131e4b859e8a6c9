/* squall analyze DIR: the report again, from the spool alone; also of a run that was killed. */
#include <stdio.h>

#include "analyzers/ledger/rules_own.h"
#include "cli/args.h"
#include "cli/command.h"
#include "cli/execute.h"

struct analyze_args {
	struct sq_strings sink, counters;
	char *rules;
	bool quiet;
};

static const struct sq_opt analyze_opts[] = {
	{ .name = "sink",
	  .type = SQ_OPT_STRINGS,
	  .offset = offsetof(struct analyze_args, sink),
	  .help = "a file of receipts of a mail sink that was not in the run (squall sink smtp "
		  "--record); may be repeated" },
	{ .name = "counters",
	  .type = SQ_OPT_STRINGS,
	  .offset = offsetof(struct analyze_args, counters),
	  .help = "a file of counters of a machine that was not in the run (squall capture --out), "
		  "placed by wall clock; NAME=FILE gives the machine the name by which the load's "
		  "target has it; may be repeated" },
	{ .name = "rules",
	  .type = SQ_OPT_STRING,
	  .offset = offsetof(struct analyze_args, rules),
	  .help = "a folder of rules of your own (ID.json) beside the shipped ones" },
	{ .name = "quiet",
	  .type = SQ_OPT_BOOL,
	  .offset = offsetof(struct analyze_args, quiet),
	  .help = "no summary" },
	{ 0 },
};

static int analyze(int argc, char **argv)
{
	struct analyze_args args;
	struct sq_strings rest;
	struct sq_err err = { 0 };
	int status = SQ_EXIT_USAGE;

	if (sq_args_parse(argc, argv, analyze_opts, &args, &rest) < 0)
		return SQ_EXIT_USAGE;
	if (rest.n != 1)
		fprintf(stderr, "squall: analyze: name one run's folder\n");
	else if (args.rules && sq_rules_own(args.rules, &err) < 0)
		sq_complain(&err);
	else
		status = sq_finish(rest.v[0], &args.sink, &args.counters, args.quiet);
	sq_args_rest_free(&rest);
	sq_opt_fini(analyze_opts, &args);
	return status;
}

static void options(struct sq_buf *out)
{
	sq_opt_help(analyze_opts, out);
}

const struct sq_command sq_command_analyze = {
	.name = "analyze",
	.args = "DIR [options]",
	.summary = "make a run's report again from its spool, also when the run was killed",
	.options = options,
	.run = analyze,
};
