/* The first record of a run's spool. */
#ifndef SQ_LOADGEN_CAMPAIGN_HEAD_H
#define SQ_LOADGEN_CAMPAIGN_HEAD_H

#include <jansson.h>

#include "scenarios/plan.h"

/* "head" of docs/spool.md; meta: what it says of the run (id, argv ...), borrowed.  New reference. */
json_t *sq_campaign_head(const struct sq_plan *plan, const json_t *meta);

#endif
