/* One command of squall: one file of cli/commands that ends in one table. */
#ifndef SQ_CLI_COMMAND_H
#define SQ_CLI_COMMAND_H

#include "base/buf.h"

/* Exit statuses of every command (docs/design.md). */
enum sq_exit {
	SQ_EXIT_OK = 0,
	SQ_EXIT_FAILED = 1,     /* an expectation failed, or nothing at all succeeded */
	SQ_EXIT_USAGE = 2,      /* usage, scenario, or a refused target */
	SQ_EXIT_UNMEASURED = 3, /* could not measure what was asked */
	SQ_EXIT_STOPPED = 4,    /* stopped early */
};

struct sq_command {
	const char *name, *args, *summary;
	void (*options)(struct sq_buf *out); /* what it takes, for help; NULL: nothing */
	int (*run)(int argc, char **argv);   /* argv[0] is the command's name */
};

/* Generated from the folder; NULL-terminated. */
extern const struct sq_command *const sq_commands[];

#endif
