/* The one time type: int64_t nanoseconds of CLOCK_MONOTONIC. */
#ifndef SQ_BASE_CLOCK_H
#define SQ_BASE_CLOCK_H

#include <stdint.h>

#define SQ_US  INT64_C(1000)
#define SQ_MS  INT64_C(1000000)
#define SQ_SEC INT64_C(1000000000)

#define SQ_NEVER INT64_MAX

int64_t sq_now_ns(void);

/* CLOCK_REALTIME, for the one wall-clock anchor of a run. */
int64_t sq_wall_ns(void);

/* By how much CLOCK_REALTIME may be wrong, as whoever sets it (ntpd, chronyd) tells the kernel; -1: nobody
 * does. */
int64_t sq_wall_error_ns(void);

/* Processor time of the calling thread. */
int64_t sq_thread_cpu_ns(void);

/* Sleeps until the given monotonic time; returns early only on a signal. */
void sq_sleep_until(int64_t when_ns);

static inline double sq_seconds(int64_t ns)
{
	return (double)ns / 1e9;
}

#endif
