/* What reading costs is the CPU time of the reading thread: on a busy machine it may have to wait in
 * the middle, and what others did meanwhile is not its cost. */
#include "analyzers/thrift.h"

#include "base/clock.h"

enum { TIMES = 500 };

bool sq_thrift_begin(struct sq_thrift *t)
{
	if (sq_now_ns() < t->due_ns)
		return false;
	t->begin_cpu_ns = sq_thread_cpu_ns();
	return true;
}

void sq_thrift_end(struct sq_thrift *t)
{
	t->due_ns = sq_now_ns() +
		    (t->times ? t->times : TIMES) * (sq_thread_cpu_ns() - t->begin_cpu_ns);
}
