/* A limit on the processor time of a host's servers ("cpu_percent"): a control group of their own. */
#ifndef SQ_LOADGEN_CAMPAIGN_QUOTA_H
#define SQ_LOADGEN_CAMPAIGN_QUOTA_H

#include <stddef.h>

#include "base/err.h"
#include "scenarios/plan.h"

struct sq_quotas;

/* In the keeper: makes a group for each host that has a limit, after removing what killed runs left.
 * NULL with err. */
struct sq_quotas *sq_quotas_make(const struct sq_plan *plan, struct sq_err *err);

/* In a child that becomes a server of the host: into its group, if it has one. */
int sq_quota_join(const struct sq_quotas *q, size_t host, struct sq_err *err);

/* The host's group, "/squall-run-1-server"; NULL: it has none. */
const char *sq_quota_group(const struct sq_quotas *q, size_t host);

/* Ends what is left in the groups, and removes them. NULL is nothing. */
void sq_quotas_remove(struct sq_quotas *q);

/* Removes the groups of runs that are no more; how many. */
unsigned sq_quotas_restore(void);

#endif
