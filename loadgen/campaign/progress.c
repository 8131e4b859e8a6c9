/* One line, redrawn twice a second: a person wants to see that it runs, and whether it goes well. */
#include "loadgen/campaign/progress.h"

#include <inttypes.h>
#include <stdio.h>

#include "base/clock.h"

void sq_progress_draw(const struct sq_live *live, int64_t since_start_ns, int64_t end_ns)
{
	uint64_t scheduled = 0, ok = 0, failed = 0, flying = 0;

	for (size_t i = 0; i < live->n_lanes; i++) {
		const struct sq_live_lane *l = &live->lane[i];

		scheduled += atomic_load_explicit(&l->scheduled, memory_order_relaxed);
		ok += atomic_load_explicit(&l->ok, memory_order_relaxed);
		failed += atomic_load_explicit(&l->failed, memory_order_relaxed);
		flying += atomic_load_explicit(&l->in_flight, memory_order_relaxed);
	}
	fprintf(stderr,
		"\r\033[K%.1f of %.1f s  scheduled %" PRIu64 "  ok %" PRIu64 "  failed %" PRIu64
		"  in flight %" PRIu64,
		sq_seconds(since_start_ns < 0 ? 0 : since_start_ns), sq_seconds(end_ns), scheduled,
		ok, failed, flying);
	fflush(stderr);
}

void sq_progress_clear(void)
{
	fputs("\r\033[K", stderr);
	fflush(stderr);
}
