/* squall restore: sets back what a killed run left changed on this machine. */
#include <stdio.h>

#include "cli/args.h"
#include "cli/command.h"
#include "cli/globals.h"
#include "loadgen/campaign/quota.h"

static int restore(int argc, char **argv)
{
	struct sq_err err = { 0 };
	struct sq_journal *journal;
	unsigned groups;

	(void)argv;
	if (argc > 1) {
		fprintf(stderr, "squall: restore: it takes nothing; try: squall help restore\n");
		return SQ_EXIT_USAGE;
	}
	/* To open the journal is to set back. */
	journal = sq_globals_open(&err);
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
	printf("the settings of this machine are as they were\n");
	return SQ_EXIT_OK;
}

const struct sq_command sq_command_restore = {
	.name = "restore",
	.args = "",
	.summary = "set back settings of this machine that a killed run left changed",
	.run = restore,
};
