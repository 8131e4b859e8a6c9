/* squall help: everything here is drawn from the tables of commands, options and plug-ins. */
#include <stdio.h>
#include <string.h>

#include "analyzers/catalogue.h"
#include "base/opt.h"
#include "cli/command.h"
#include "cli/execute.h"
#include "scenarios/scenario.h"

static int help_all(void)
{
	printf("squall %s: network load on your own server, and an account of its failures\n\n",
	       SQ_VERSION);
	for (const struct sq_command *const *c = sq_commands; *c; c++)
		printf("  squall %-8s %-38s\n      %s\n", (*c)->name, (*c)->args, (*c)->summary);
	printf("\nsquall help COMMAND: its options; squall help scenario: every key of a scenario "
	       "file;\nsquall help counters: what each counter counts\nexit status: 0 all held, 1 an "
	       "expectation failed or nothing succeeded, 2 usage or scenario,\n3 could not measure what was asked, 4 stopped early\n");
	return SQ_EXIT_OK;
}

static int help_scenario(void)
{
	struct sq_opt_ctx ctx = { .file = "", .families = sq_families() };
	struct sq_buf out = { 0 };

	sq_opt_markdown(&ctx, sq_scenario_opts, "The keys of a scenario", &out);
	if (out.len)
		fputs(out.data, stdout);
	sq_buf_fini(&out);
	return SQ_EXIT_OK;
}

static int help_counters(void)
{
	struct sq_buf out = { 0 };

	sq_catalogue_markdown(&out);
	fputs(out.data, stdout);
	sq_buf_fini(&out);
	return SQ_EXIT_OK;
}

static int help_command(const struct sq_command *c)
{
	struct sq_buf out = { 0 };

	printf("squall %s %s\n  %s\n", c->name, c->args, c->summary);
	if (c->options)
		c->options(&out);
	if (out.len)
		printf("\n%s", out.data);
	sq_buf_fini(&out);
	return SQ_EXIT_OK;
}

static int help(int argc, char **argv)
{
	if (argc < 2)
		return help_all();
	if (strcmp(argv[1], "scenario") == 0)
		return help_scenario();
	if (strcmp(argv[1], "counters") == 0)
		return help_counters();
	for (const struct sq_command *const *c = sq_commands; *c; c++)
		if (strcmp((*c)->name, argv[1]) == 0)
			return help_command(*c);
	fprintf(stderr, "squall: help: no command \"%s\"; try: squall help\n", argv[1]);
	return SQ_EXIT_USAGE;
}

const struct sq_command sq_command_help = {
	.name = "help",
	.args = "[COMMAND | scenario | counters]",
	.summary = "what there is, a command's options, every key of a scenario, or every counter",
	.run = help,
};
