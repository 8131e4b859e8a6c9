/* What the supervisor sees of a run while it goes on: shared memory, mapped before the processes
 * are forked, each slot written by one lane alone. */
#ifndef SQ_LOADGEN_ENGINE_LIVE_H
#define SQ_LOADGEN_ENGINE_LIVE_H

#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>

#include "results/tally.h"

struct sq_live_lane {
	_Alignas(64) _Atomic uint64_t scheduled;
	_Atomic uint64_t ok, failed, other; /* other: canceled, missed */
	_Atomic uint64_t in_flight;
	_Atomic int64_t lag_ns;                 /* of the latest start */
	_Atomic uint64_t counts[SQ_COUNTS_MAX]; /* the driver's */
};

struct sq_live {
	size_t n_lanes;
	struct sq_live_lane lane[];
};

/* Of all lanes, so far. */
struct sq_live_sum {
	uint64_t scheduled, ok, failed, other, in_flight;
	uint64_t counts[SQ_COUNTS_MAX];
};

/* Anonymous shared memory; NULL when there is none. */
struct sq_live *sq_live_new(size_t n_lanes);
struct sq_live *sq_live_free(struct sq_live *live);

struct sq_live_sum sq_live_sum(const struct sq_live *live);

/* A single-writer increment: no locked instruction. */
static inline void sq_live_add(_Atomic uint64_t *p, uint64_t n)
{
	atomic_store_explicit(p, atomic_load_explicit(p, memory_order_relaxed) + n,
			      memory_order_relaxed);
}

#endif
