/* Mechanisms that no counter shows, known by a fact of the load itself. */
#ifndef SQ_ANALYZERS_LEDGER_FACT_H
#define SQ_ANALYZERS_LEDGER_FACT_H

#include "analyzers/ledger.h"

/* Explains every failure of the rule's that is left, of the loads for which its fact holds; the
 * finding stands on the host that makes the load. */
void sq_fact_examine(struct sq_book *b, const struct sq_rule *rule, struct sq_findings *f);

#endif
