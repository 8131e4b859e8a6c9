/* When operations are due: an absolute schedule, worked out from the plan and the seed alone.
 * The whole load's operations are numbered; lane L of N gets those whose number is L modulo N
 * (poisson: each lane draws its own stream at rate / N, which superposes to the whole). */
#ifndef SQ_LOADGEN_ENGINE_SCHEDULE_H
#define SQ_LOADGEN_ENGINE_SCHEDULE_H

#include <stdbool.h>
#include <stdint.h>

#include "scenarios/plan.h"

struct sq_schedule;

struct sq_schedule *sq_schedule_new(const struct sq_load_plan *load, uint64_t seed, unsigned lane,
				    unsigned lanes);
struct sq_schedule *sq_schedule_free(struct sq_schedule *s);

/* The due time of this lane's next operation, from t0; SQ_NEVER at the end, and always for a
 * closed loop. */
int64_t sq_schedule_peek(const struct sq_schedule *s);
void sq_schedule_next(struct sq_schedule *s);

/* How many a closed loop keeps in flight in this lane (0: an open loop), and how many operations
 * it may start in all (INT64_MAX: bounded by time alone). */
int64_t sq_schedule_closed(const struct sq_schedule *s);
int64_t sq_schedule_closed_count(const struct sq_schedule *s);

#endif
