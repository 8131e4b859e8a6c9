/* By processor time, not by the clock: a reading that was held up has cost nothing. */
#include "analyzers/cost.h"

#include <time.h>

#include "base/clock.h"

enum { TIMES = 300 };

static int64_t cpu_ns(void)
{
	struct timespec t = { 0 };

	clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
	return t.tv_sec * SQ_SEC + t.tv_nsec;
}

bool sq_cost_due(struct sq_cost *c)
{
	if (sq_now_ns() < c->next_ns)
		return false;
	c->begin_cpu_ns = cpu_ns();
	return true;
}

void sq_cost_done(struct sq_cost *c, int64_t least_ns)
{
	int64_t rest_ns = TIMES * (cpu_ns() - c->begin_cpu_ns);

	c->next_ns = sq_now_ns() + (rest_ns > least_ns ? rest_ns : least_ns);
}
