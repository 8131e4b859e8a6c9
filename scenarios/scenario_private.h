/* What scenario.c, its checks and the plan share. */
#ifndef SQ_SCENARIOS_SCENARIO_PRIVATE_H
#define SQ_SCENARIOS_SCENARIO_PRIVATE_H

#include "scenarios/scenario.h"

/* What no single key can show: names, references between parts, shapes that exclude each other. */
int sq_scenario_check(const struct sq_scenario *s, struct sq_err *err);

/* NULL when the world has no such host. */
const struct sq_host_spec *sq_scenario_host(const struct sq_scenario *s, const char *name);

#endif
