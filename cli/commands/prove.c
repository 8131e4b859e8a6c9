/* squall prove RUN: puts a report's finding to the test. */
#include "cli/prove.h"

#include <stdio.h>

#include "cli/args.h"
#include "cli/command.h"

struct own {
	struct sq_run_args run;
	char *finding;
	struct sq_strings set;
	int64_t pairs;
};

static const struct sq_opt prove_opts[] = {
	{ .name = "finding",
	  .type = SQ_OPT_STRING,
	  .offset = offsetof(struct own, finding),
	  .help = "the mechanism to prove; what explains most when not given" },
	{ .name = "set",
	  .type = SQ_OPT_STRINGS,
	  .offset = offsetof(struct own, set),
	  .help = "the change, POINTER=VALUE; what the scenario's cure or the mechanism's rule "
		  "says when not given; may be repeated" },
	{ .name = "pairs",
	  .type = SQ_OPT_INT,
	  .offset = offsetof(struct own, pairs),
	  .def = SQ_PROVE_PAIRS,
	  .min = 1,
	  .max = 100,
	  .help = "how often with and without the change" },
	{ .name = "out",
	  .type = SQ_OPT_STRING,
	  .offset = offsetof(struct own, run.out),
	  .help = "where the runs and prove.json go (default RUN/prove, or prove-2, ...)" },
	{ .name = "authorize",
	  .type = SQ_OPT_STRINGS,
	  .offset = offsetof(struct own, run.authorize),
	  .help = "a CIDR that the runs may send to, as for squall run; may be repeated" },
	{ .name = "allow_exec",
	  .type = SQ_OPT_BOOL,
	  .offset = offsetof(struct own, run.allow_exec),
	  .help = "let the scenario start programs" },
	{ .name = "allow_global",
	  .type = SQ_OPT_BOOL,
	  .offset = offsetof(struct own, run.allow_global),
	  .help = "let settings of this machine be changed, where the finding names one; they are "
		  "set back whatever happens (squall restore)" },
	{ 0 },
};

static int prove_run(const char *path, const struct own *own, int argc, char **argv)
{
	const struct sq_trial_way way = { path, &own->run, false, argc, argv };
	const struct sq_prove_ask ask = { own->finding, &own->set, own->pairs, own->run.out };
	struct sq_err err = { 0 };
	struct sq_trial base;
	int status;

	if (sq_trial_load(path, &base, &err) < 0) {
		sq_complain(&err);
		return SQ_EXIT_USAGE;
	}
	status = sq_prove(&base, &ask, &way);
	sq_trial_fini(&base);
	return status;
}

static int prove(int argc, char **argv)
{
	struct own own = { 0 };
	struct sq_strings rest;
	int status = SQ_EXIT_USAGE;

	if (sq_args_parse(argc, argv, prove_opts, &own, &rest) < 0)
		return SQ_EXIT_USAGE;
	if (rest.n == 1)
		status = prove_run(rest.v[0], &own, argc, argv);
	else
		fprintf(stderr, "squall: prove: name one run's folder or report; try: squall help "
				"prove\n");
	sq_args_rest_free(&rest);
	sq_opt_fini(prove_opts, &own);
	return status;
}

static void options(struct sq_buf *out)
{
	sq_opt_help(prove_opts, out);
}

const struct sq_command sq_command_prove = {
	.name = "prove",
	.args = "RUN [options]",
	.summary = "change what a finding names, run with and without it, and prove or withdraw it",
	.options = options,
	.run = prove,
};
