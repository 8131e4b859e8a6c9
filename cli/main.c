/* squall: finds the command and runs it. */
#include <signal.h>
#include <stdio.h>
#include <string.h>

#include "base/value.h"
#include "cli/command.h"

static const struct sq_command *find_command(const char *name)
{
	for (const struct sq_command *const *c = sq_commands; *c; c++)
		if (strcmp((*c)->name, name) == 0)
			return *c;
	return NULL;
}

static void complain_unknown(const char *name)
{
	const char *names[64];
	size_t n = 0;
	const char *near;

	for (; sq_commands[n] && n < 63; n++)
		names[n] = sq_commands[n]->name;
	names[n] = NULL;
	near = sq_nearest(name, names);
	if (near)
		fprintf(stderr, "squall: unknown command \"%s\"; did you mean \"%s\"?\n", name,
			near);
	else
		fprintf(stderr, "squall: unknown command \"%s\"; try: squall help\n", name);
}

int main(int argc, char **argv)
{
	static char help[] = "help";
	char *help_argv[] = { help, NULL };
	const struct sq_command *command;

	signal(SIGPIPE, SIG_IGN);
	if (argc < 2 || strcmp(argv[1], "--help") == 0 || strcmp(argv[1], "-h") == 0)
		return find_command("help")->run(1, help_argv);
	if (strcmp(argv[1], "--version") == 0) {
		printf("squall %s\n", SQ_VERSION);
		return SQ_EXIT_OK;
	}
	command = find_command(argv[1]);
	if (!command) {
		complain_unknown(argv[1]);
		return SQ_EXIT_USAGE;
	}
	return command->run(argc - 1, argv + 1);
}
