/* Recorded due times: a text file of seconds from the load's start, one a line, ascending; blank
 * lines and # comments are passed over. */
#ifndef SQ_SCENARIOS_TRACE_H
#define SQ_SCENARIOS_TRACE_H

#include <stddef.h>
#include <stdint.h>

#include "base/err.h"

#define SQ_TRACE_MAX 10000000

/* The times are the caller's to free.  -errno, -EINVAL with the file's line. */
int sq_trace_read(const char *path, int64_t **ret_at_ns, size_t *ret_n, struct sq_err *err);

/* Plays it at so many times the recorded speed, in place; how many are due before duration_ns. */
size_t sq_trace_play(int64_t *at_ns, size_t n, double speed, int64_t duration_ns);

#endif
