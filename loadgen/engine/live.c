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
