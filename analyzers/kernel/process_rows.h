/* The rows of one process that is watched: "process.fds" of "named:123" and the others. */
#ifndef SQ_ANALYZERS_KERNEL_PROCESS_ROWS_H
#define SQ_ANALYZERS_KERNEL_PROCESS_ROWS_H

#include <stdbool.h>
#include <stdint.h>

#include "analyzers/kernel/process.h"
#include "analyzers/kernel/threads.h"
#include "analyzers/source.h"

enum sq_process_row {
	SQ_PROCESS_FDS,
	SQ_PROCESS_FDS_LIMIT,
	SQ_PROCESS_RSS,
	SQ_PROCESS_THREADS,
	SQ_PROCESS_STOPPED,
	SQ_PROCESS_CPU,
	SQ_PROCESS_BUSIEST,
	SQ_PROCESS_VOLUNTARY,
	SQ_PROCESS_FORCED,
	SQ_PROCESS_ROWS
};

/* The process is borrowed, the same one at each call. */
struct sq_process_rows {
	struct sq_sample *sample;
	char name[SQ_PROCESS_NAME];
	unsigned row[SQ_PROCESS_ROWS];
	uint64_t cpu_ms;            /* not reported: what it had used before it was watched */
	uint64_t voluntary, forced; /* as reported */
	uint64_t live_voluntary, live_forced; /* of the threads that there were last */
	struct sq_threads threads;
	bool accountable; /* the kernel says what its threads wanted */
};

void sq_process_rows_init(struct sq_process_rows *r, struct sq_sample *sample,
			  const struct sq_process *process, const char *name);
void sq_process_rows_fini(struct sq_process_rows *r);
/* What it did until now is not reported: it was there when the others were looked for, and was none of them. */
void sq_process_rows_skip(struct sq_process_rows *r, const struct sq_process *process,
			  const struct sq_process_stat *now);

/* What each tick wants; what needs no reading at each; and, with `counts` saying whether the rise since the last
 * reading is one, the busiest thread. */
void sq_process_rows_put(struct sq_process_rows *r, struct sq_process *process,
			 const struct sq_process_stat *now);
void sq_process_rows_put_slow(struct sq_process_rows *r, const struct sq_process *process);
void sq_process_rows_put_busiest(struct sq_process_rows *r, const struct sq_process *process,
				 bool counts);
/* It has ended, and holds nothing any more. */
void sq_process_rows_put_none(struct sq_process_rows *r);

#endif
