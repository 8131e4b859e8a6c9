/* A private instance of the kernel's tracer: one event of its own, in a ring of its own. */
#ifndef SQ_ANALYZERS_KERNEL_TRACEFS_H
#define SQ_ANALYZERS_KERNEL_TRACEFS_H

#include <sys/types.h>

#include "base/err.h"

struct sq_tracefs {
	char path[128]; /* its folder; "": closed */
	int folder, buffer, pipe;
};

/* event: "skb/kfree_skb".  -ENOENT: there is no tracefs, or no such event; -EACCES: it takes root. */
int sq_tracefs_open(struct sq_tracefs *t, const char *event, struct sq_err *err);

/* Lines of what was traced, whole ones, without waiting: their length (text is terminated), 0 when
 * there are no more, -errno.  size: 64 KiB or more.  Among them are lines "CPU:1 [LOST 17 EVENTS]". */
ssize_t sq_tracefs_read(const struct sq_tracefs *t, char *text, size_t size);

/* Removes the instance; also for one that failed to open. */
void sq_tracefs_close(struct sq_tracefs *t);

#endif
