/* A rate over the time of a load, in closed form: when the operation of a number is due.
 *
 * The shapes "rate", "ramp" and "steps" are one thing: stretches of time, in each of which the rate
 * is constant or changes linearly.  The engine's schedule, the plan and the checks of a scenario
 * all count by it. */
#ifndef SQ_SCENARIOS_PROFILE_H
#define SQ_SCENARIOS_PROFILE_H

#include <stddef.h>
#include <stdint.h>

#include "scenarios/scenario.h"

struct sq_stretch {
	int64_t begin_ns, length_ns; /* from the load's start */
	double from_per_s, to_per_s; /* the rate at its begin and at its end */
	int64_t first, n;            /* the number of its first operation, and how many it has */
};

struct sq_profile {
	struct sq_stretch *v;
	size_t n; /* 0: the shape has no rate of this kind */
};

/* The texts of its rates have been checked. */
struct sq_profile sq_profile_make(const struct sq_arrivals_spec *arrivals, int64_t duration_ns);
void sq_profile_fini(struct sq_profile *p);

int64_t sq_profile_total(const struct sq_profile *p);

/* The highest rate of all; 0 for none. */
double sq_profile_peak(const struct sq_profile *p);

/* The due time of the operation `number`, below the total, from the load's start.  *at is where to
 * look first, 0 to begin with: with numbers that only rise the look-up costs nothing. */
int64_t sq_profile_due(const struct sq_profile *p, size_t *at, int64_t number);

#endif
