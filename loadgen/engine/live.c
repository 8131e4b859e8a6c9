/* The shared pages of the live view. */
#include "loadgen/engine/live.h"

#include <sys/mman.h>

static size_t live_size(size_t n_lanes)
{
	return sizeof(struct sq_live) + n_lanes * sizeof(struct sq_live_lane);
}

struct sq_live *sq_live_new(size_t n_lanes)
{
	struct sq_live *live = mmap(NULL, live_size(n_lanes), PROT_READ | PROT_WRITE,
				    MAP_SHARED | MAP_ANONYMOUS, -1, 0);

	if (live == MAP_FAILED)
		return NULL;
	live->n_lanes = n_lanes;
	return live;
}

struct sq_live *sq_live_free(struct sq_live *live)
{
	if (live)
		munmap(live, live_size(live->n_lanes));
	return NULL;
}

static uint64_t value(const _Atomic uint64_t *p)
{
	return atomic_load_explicit(p, memory_order_relaxed);
}

struct sq_live_sum sq_live_sum(const struct sq_live *live)
{
	struct sq_live_sum sum = { 0 };

	for (size_t i = 0; i < live->n_lanes; i++) {
		const struct sq_live_lane *l = &live->lane[i];

		sum.scheduled += value(&l->scheduled);
		sum.ok += value(&l->ok);
		sum.failed += value(&l->failed);
		sum.other += value(&l->other);
		sum.in_flight += value(&l->in_flight);
		for (size_t k = 0; k < SQ_COUNTS_MAX; k++)
			sum.counts[k] += value(&l->counts[k]);
	}
	return sum;
}
