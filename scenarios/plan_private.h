/* What the files of the plan share. */
#ifndef SQ_SCENARIOS_PLAN_PRIVATE_H
#define SQ_SCENARIOS_PLAN_PRIVATE_H

#include "scenarios/plan.h"

/* The prefixes of hosts, after links have their addresses.  -EINVAL. */
int sq_plan_any_ip(struct sq_plan *plan, struct sq_err *err);

/* Hosts, links with their addresses and devices, and the names and ranges that they open.  With
 * plan->loopback links stand for what they would have been, until sq_plan_give_up ends them.
 * -EINVAL. */
int sq_plan_world(struct sq_plan *plan, struct sq_gate *gate, struct sq_err *err);

/* What the place that a capture reads is called. */
const char *sq_plan_place_name(const struct sq_capture_spec *c, char buffer[SQ_WHERE_NAME]);

/* Loopback instead of the world: says in plan->lost what is gone, and takes the links away. */
void sq_plan_give_up(struct sq_plan *plan);

/* plan_arrivals.c: the load's phase, tick and trace.  -EINVAL, -errno of the trace's file. */
int sq_plan_arrivals(struct sq_load_plan *load, const struct sq_plan_opts *opts,
		     struct sq_err *err);
/* From its own start to when it has started its last operation. */
int64_t sq_plan_length_ns(const struct sq_load_plan *load);

/* plan_limits.c: asks drivers what operations cost, and warns of what the hosts have not. */
void sq_plan_limits(struct sq_plan *plan, const struct sq_plan_opts *opts);

void sq_plan_say(struct sq_strings *to, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

#endif
