/* What reading costs is the CPU time of the reading thread: on a busy machine it may have to wait in
 * the middle, and what others did meanwhile is not its cost. */
#include "analyzers/thrift.h"

#include <time.h>

#include "base/clock.h"

enum { TIMES = 500 };

static int64_t cpu_ns(void)
{
	struct timespec t = { 0 };

	clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
	return t.tv_sec * SQ_SEC + t.tv_nsec;
}

bool sq_thrift_begin(struct sq_thrift *t)
{
	if (sq_now_ns() < t->due_ns)
		return false;
	t->begin_cpu_ns = cpu_ns();
	return true;
}

void sq_thrift_end(struct sq_thrift *t)
{
	t->due_ns = sq_now_ns() + (t->times ? t->times : TIMES) * (cpu_ns() - t->begin_cpu_ns);
}
