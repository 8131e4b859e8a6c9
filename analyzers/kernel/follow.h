/* A text file that somebody else writes to, line by line: a log.  Nothing here waits for more. */
#ifndef SQ_ANALYZERS_KERNEL_FOLLOW_H
#define SQ_ANALYZERS_KERNEL_FOLLOW_H

#include <sys/types.h>

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"

struct sq_follow {
	const char *path; /* borrowed */
	int fd;           /* -1: between the old file and the new one */
	dev_t device;
	ino_t inode;
	off_t at;
	char *text; /* the begin of a line whose end has not come */
	size_t held;
	bool in_long;  /* within a line that is too long to hold */
	uint64_t lost; /* lines that were too long, or whose end never came */
};

/* Begins at the end of what is there: what was written before is not of this run.  0 or -errno. */
int sq_follow_open(struct sq_follow *f, const char *path, struct sq_err *err);

/* Calls each(arg, text, len) for every whole line that has come since, without its newline; text is
 * not NUL-terminated.  What exceeds some MiB is left for the next call.  0 or -errno. */
int sq_follow_read(struct sq_follow *f, void (*each)(void *arg, const char *text, size_t len),
		   void *arg);

/* Also for one that failed to open. */
void sq_follow_close(struct sq_follow *f);

#endif
