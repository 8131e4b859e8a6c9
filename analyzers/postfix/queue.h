/* The folders in which Postfix keeps its messages, one file each, under the name that its log calls them
 * by. */
#ifndef SQ_ANALYZERS_POSTFIX_QUEUE_H
#define SQ_ANALYZERS_POSTFIX_QUEUE_H

#include <stdint.h>

#include "base/err.h"

enum { SQ_POSTFIX_QUEUES = 3 }; /* that are counted */

struct sq_postfix_queue {
	int folder; /* -1: none is open */
};

/* path: Postfix's queue_directory.  0 or -errno. */
int sq_postfix_queue_open(struct sq_postfix_queue *q, const char *path, struct sq_err *err);
void sq_postfix_queue_close(struct sq_postfix_queue *q);

/* "incoming", "active", "deferred" */
const char *sq_postfix_queue_name(unsigned i);
/* How many messages stand in queue i.  0 or -errno. */
int sq_postfix_queue_count(const struct sq_postfix_queue *q, unsigned i, uint64_t *ret);

/* Calls each(arg, queue_id) for every message of any queue, also of those on hold.  One that is moved
 * meanwhile may be called twice, or not at all: look again before you say that it is gone.  0 or -errno. */
int sq_postfix_queue_each(const struct sq_postfix_queue *q,
			  void (*each)(void *arg, const char *queue_id), void *arg);

#endif
