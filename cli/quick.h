/* The quick forms, `squall dns|tcp|smtp TARGET`: one load on one target without a scenario file. */
#ifndef SQ_CLI_QUICK_H
#define SQ_CLI_QUICK_H

#include <time.h>

#include "base/buf.h"
#include "cli/args.h"
#include "loadgen/engine/live.h"

/* Where a TARGET without a port is found when the driver's key has this value. */
struct sq_quick_port {
	const char *key, *value;
	int port;
};

/* Lines on stdout while it runs, for programs that read another's. */
struct sq_quick_lines {
	const char *option, *help; /* the option's value is how long a line stands for */
	const char *head;          /* above the first */
	/* What a line says of the time between two sums, with its newline. */
	void (*line)(const struct sq_live_sum *before, const struct sq_live_sum *now,
		     const struct tm *when, struct sq_buf *out);
};

struct sq_quick {
	const char *driver;                /* also what the run is called */
	int port;                          /* of a TARGET that names none; 0: it must */
	const struct sq_quick_port *ports; /* those that differ, up to a key NULL; or NULL */
	const char *rate;                  /* operations a second when no arrivals are asked for */

	/* A key of the driver's that is given this value when neither it nor one of `instead` is. */
	struct {
		const char *key, *value, *instead[2];
	} otherwise;

	const struct sq_args_letter *letters; /* NULL: none */
	const struct sq_quick_lines *lines;   /* NULL: none */
};

/* Returns the exit status. */
int sq_quick(const struct sq_quick *form, int argc, char **argv);

void sq_quick_help(const struct sq_quick *form, struct sq_buf *out);

#endif
