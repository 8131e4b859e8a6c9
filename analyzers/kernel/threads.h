/* How busy the busiest thread of a process is: whether it has any time left. */
#ifndef SQ_ANALYZERS_KERNEL_THREADS_H
#define SQ_ANALYZERS_KERNEL_THREADS_H

#include <sys/types.h>

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "analyzers/kernel/process.h"

struct sq_thread {
	pid_t id;
	int fd;             /* its account, kept open; -1 */
	bool seen;          /* in this reading */
	bool known;         /* it was read before */
	uint64_t wanted_ns; /* time that it ran, and that it waited for a processor */
};

/* All zeros before the first reading. */
struct sq_threads {
	struct sq_thread *v;
	size_t n, cap;
	uint64_t busiest_ns; /* the largest rise of each reading, added up */
};

/* Reads them; counts says whether what they rose by since the last reading is added.  0 or -errno: -ENOENT where the
 * kernel keeps no such account (CONFIG_SCHED_INFO). */
int sq_threads_read(struct sq_threads *t, const struct sq_process *p, bool counts);
void sq_threads_fini(struct sq_threads *t);

#endif
