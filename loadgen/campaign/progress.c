/* One line, redrawn twice a second: a person wants to see that it runs, and whether it goes well. */
#include "loadgen/campaign/progress.h"

#include <inttypes.h>
#include <stdio.h>

#include "base/clock.h"

void sq_progress_draw(const struct sq_live *live, int64_t since_start_ns, int64_t end_ns)
{
	const struct sq_live_sum sum = sq_live_sum(live);

	fprintf(stderr,
		"\r\033[K%.1f of %.1f s  scheduled %" PRIu64 "  ok %" PRIu64 "  failed %" PRIu64
		"  in flight %" PRIu64,
		sq_seconds(since_start_ns < 0 ? 0 : since_start_ns), sq_seconds(end_ns),
		sum.scheduled, sum.ok, sum.failed, sum.in_flight);
	fflush(stderr);
}

void sq_progress_clear(void)
{
	fputs("\r\033[K", stderr);
	fflush(stderr);
}
