/* A child process at the end of pipes. */
#ifndef SQ_ANALYZERS_PLACES_SPAWN_H
#define SQ_ANALYZERS_PLACES_SPAWN_H

#include <sys/types.h>

#include <stdint.h>

#include "base/err.h"

/* Our ends, which don't block; -1: closed. */
struct sq_spawned {
	pid_t pid;
	int in, out, err;
};

/* argv[0] is looked up in PATH.  The child has default signals, a process group of its own, and ends
 * with the thread that made it.  0 or -errno with err; that a program can't be started shows as its
 * exit status 127, as in a shell. */
int sq_spawn(char *const argv[], struct sq_spawned *ret, struct sq_err *err);

/* Closes the pipes, gives the group a moment to end by that, then kills it.  The exit status as a
 * shell tells it (128 + signal). */
int sq_spawn_end(struct sq_spawned *s, int64_t patience_ns);

#endif
