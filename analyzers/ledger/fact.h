/* Mechanisms that no counter shows: known by a fact of the load, by the failure itself, or by levels. */
#ifndef SQ_ANALYZERS_LEDGER_FACT_H
#define SQ_ANALYZERS_LEDGER_FACT_H

#include "analyzers/ledger/ledger.h"

/* Do the levels of a rule that is a cause stand on the host of any load's target? */
bool sq_fact_cause_at_work(const struct sq_book *b, const struct sq_rule_table *rules);

/* Explains every failure of the rule's that is left and for which its fact holds. */
void sq_fact_examine(struct sq_book *b, const struct sq_rule *rule, struct sq_findings *f);

/* What is left at the end and may be the rule's, where its levels were not to be had. */
void sq_fact_note(const struct sq_book *b, const struct sq_rule *rule, struct sq_findings *f);

/* Operations that were due and never started: no failures, so outside the account. */
void sq_fact_missed(const struct sq_run *run, const struct sq_rule *rule, struct sq_findings *f);

#endif
