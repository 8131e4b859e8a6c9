/* squall restore: sets back what a killed run left changed on this machine, and what it changed on others. */
#include <stdio.h>

#include "cli/args.h"
#include "cli/command.h"
#include "cli/globals.h"
#include "cli/hands.h"
#include "loadgen/campaign/quota.h"

struct restore_args {
	bool forget;
};

static const struct sq_opt restore_opts[] = {
	{ .name = "forget",
	  .type = SQ_OPT_BOOL,
	  .offset = offsetof(struct restore_args, forget),
	  .help = "leave as it is, for good, what cannot be set back: of a machine that is gone, which "
		  "would keep this one's settings from all later runs" },
	{ 0 },
};

static bool tell_given_up(void *arg, const struct sq_err *why)
{
	*(bool *)arg = true;
	fprintf(stderr, "squall: %s: left as it is, since it %s\n", why->where, why->text);
	return true;
}

/* To open the journal is to set back. */
static int set_back(bool forget)
{
	struct sq_journal_hands hands = sq_hands;
	struct sq_journal *journal;
	struct sq_err err = { 0 };
	bool given_up = false;
	unsigned groups;

	if (forget)
		hands.give_up = tell_given_up;
	hands.arg = &given_up;
	journal = sq_globals_open_by(&hands, &err);
	if (!journal) {
		sq_complain(&err);
		return SQ_EXIT_UNMEASURED;
	}
	if (sq_globals_set_back(journal) < 0)
		return SQ_EXIT_UNMEASURED;
	groups = sq_quotas_restore();
	if (groups)
		fprintf(stderr, "squall: %u control groups that killed runs left are removed\n",
			groups);
	puts(given_up
		     ? "what could not be set back is left as it is, for good; all else is as it was"
		     : "the settings of this machine are as they were");
	return SQ_EXIT_OK;
}

static int restore(int argc, char **argv)
{
	struct restore_args args;
	struct sq_strings rest;
	int status = SQ_EXIT_USAGE;

	if (sq_args_parse(argc, argv, restore_opts, &args, &rest) < 0)
		return SQ_EXIT_USAGE;
	if (rest.n == 0)
		status = set_back(args.forget);
	else
		fprintf(stderr,
			"squall: restore: \"%s\" is too much; it takes no words; try: squall help "
			"restore\n",
			rest.v[0]);
	sq_args_rest_free(&rest);
	sq_opt_fini(restore_opts, &args);
	return status;
}

static void options(struct sq_buf *out)
{
	sq_opt_help(restore_opts, out);
}

const struct sq_command sq_command_restore = {
	.name = "restore",
	.args = "[options]",
	.summary = "set back settings of this machine that a killed run left changed",
	.options = options,
	.run = restore,
};
