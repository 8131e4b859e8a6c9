/* The clocks.  CLOCK_MONOTONIC is the same in every process of the machine, whatever its
 * namespaces (time namespaces are never made), so times may cross the channel between them. */
#include "base/clock.h"

#include <sys/timex.h>

#include <time.h>

static int64_t read_ns(clockid_t clock)
{
	struct timespec ts;

	clock_gettime(clock, &ts);
	return ts.tv_sec * SQ_SEC + ts.tv_nsec;
}

int64_t sq_now_ns(void)
{
	return read_ns(CLOCK_MONOTONIC);
}

int64_t sq_wall_ns(void)
{
	return read_ns(CLOCK_REALTIME);
}

int64_t sq_wall_error_ns(void)
{
	struct timex t = { .modes = 0 };

	if (adjtimex(&t) == -1 || (t.status & STA_UNSYNC))
		return -1;
	return t.maxerror * SQ_US;
}

int64_t sq_thread_cpu_ns(void)
{
	return read_ns(CLOCK_THREAD_CPUTIME_ID);
}

void sq_sleep_until(int64_t when_ns)
{
	struct timespec ts;

	if (when_ns <= 0)
		return;
	ts = (struct timespec){ .tv_sec = when_ns / SQ_SEC, .tv_nsec = when_ns % SQ_SEC };
	clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &ts, NULL);
}
