/* What is put of one process at a tick.
 *
 * What a reader would get wrong: a sum over the threads that there are falls when one of them ends, so
 * that only what it rises by is added; and a process that has ended stands at 0, of all that it held. */
#include "analyzers/kernel/process_rows.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "analyzers/catalogue.h"
#include "base/clock.h"

static const char *const names[SQ_PROCESS_ROWS] = {
	[SQ_PROCESS_FDS] = "process.fds",
	[SQ_PROCESS_FDS_LIMIT] = "process.fds_limit",
	[SQ_PROCESS_RSS] = "process.rss",
	[SQ_PROCESS_THREADS] = "process.threads",
	[SQ_PROCESS_STOPPED] = "process.stopped",
	[SQ_PROCESS_CPU] = "process.cpu",
	[SQ_PROCESS_BUSIEST] = "process.busiest",
	[SQ_PROCESS_VOLUNTARY] = "process.switches_voluntary",
	[SQ_PROCESS_FORCED] = "process.switches_forced",
};

/* What a process that has ended has none of. */
static const enum sq_process_row held[] = { SQ_PROCESS_FDS, SQ_PROCESS_RSS, SQ_PROCESS_THREADS,
					    SQ_PROCESS_STOPPED };

void sq_process_rows_init(struct sq_process_rows *r, struct sq_sample *sample,
			  const struct sq_process *process, const char *name)
{
	char instance[SQ_PROCESS_NAME + 16];

	*r = (struct sq_process_rows){ .sample = sample };
	r->accountable = sq_threads_read(&r->threads, process, false) == 0;
	snprintf(r->name, sizeof(r->name), "%s", name);
	snprintf(instance, sizeof(instance), "%s:%d", name, (int)process->pid);
	for (size_t i = 0; i < SQ_PROCESS_ROWS; i++)
		r->row[i] = i == SQ_PROCESS_BUSIEST && !r->accountable
				    ? 0
				    : sq_catalogue_metric(sample, names[i], instance);
}

void sq_process_rows_fini(struct sq_process_rows *r)
{
	sq_threads_fini(&r->threads);
}

void sq_process_rows_skip(struct sq_process_rows *r, const struct sq_process *process,
			  const struct sq_process_stat *now)
{
	r->cpu_ms = now->cpu_ms;
	sq_process_switches(process, &r->live_voluntary, &r->live_forced);
}

static void put(struct sq_process_rows *r, enum sq_process_row row, uint64_t value)
{
	sq_sample_put(r->sample, r->row[row], value);
}

void sq_process_rows_put(struct sq_process_rows *r, struct sq_process *process,
			 const struct sq_process_stat *now)
{
	uint64_t fds;

	if (sq_process_descriptors(process, &fds) == 0)
		put(r, SQ_PROCESS_FDS, fds);
	put(r, SQ_PROCESS_RSS, now->rss_bytes);
	put(r, SQ_PROCESS_THREADS, now->threads);
	put(r, SQ_PROCESS_STOPPED, now->state == 'T' || now->state == 't');
	put(r, SQ_PROCESS_CPU, now->cpu_ms - r->cpu_ms);
}

static void add_rise(uint64_t *sum, uint64_t *live, uint64_t now)
{
	if (now > *live)
		*sum += now - *live;
	*live = now;
}

void sq_process_rows_put_slow(struct sq_process_rows *r, const struct sq_process *process)
{
	uint64_t limit, voluntary, forced;

	if (sq_process_descriptor_limit(process, &limit) == 0)
		put(r, SQ_PROCESS_FDS_LIMIT, limit);
	if (sq_process_switches(process, &voluntary, &forced) < 0)
		return;
	add_rise(&r->voluntary, &r->live_voluntary, voluntary);
	add_rise(&r->forced, &r->live_forced, forced);
	put(r, SQ_PROCESS_VOLUNTARY, r->voluntary);
	put(r, SQ_PROCESS_FORCED, r->forced);
}

void sq_process_rows_put_busiest(struct sq_process_rows *r, const struct sq_process *process,
				 bool counts)
{
	int rc = r->accountable ? sq_threads_read(&r->threads, process, counts) : -ENODATA;

	if (rc == 0 && counts)
		put(r, SQ_PROCESS_BUSIEST, r->threads.busiest_ns / (uint64_t)SQ_MS);
}

void sq_process_rows_put_none(struct sq_process_rows *r)
{
	for (size_t i = 0; i < sizeof(held) / sizeof(held[0]); i++)
		put(r, held[i], 0);
}
