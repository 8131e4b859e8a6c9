/* What a relay put off after it had said 250: failures that no client sees. */
#ifndef SQ_ANALYZERS_LEDGER_RELAY_H
#define SQ_ANALYZERS_LEDGER_RELAY_H

#include "analyzers/ledger/rules.h"
#include "results/run.h"

/* A finding of each host whose deliveries were deferred for what the rule names; none when the rule
 * is not of that kind (SQ_FACT_RELAY_LOOKUP). */
void sq_relay_examine(const struct sq_run *run, const struct sq_rule *rule, struct sq_findings *f);

#endif
