/* What mechanisms took out of a counter, for those after them that look at the same one: TCPAbortOnMemory is
 * raised by too many orphans and by too little memory, and pays for each reset once. */
#ifndef SQ_ANALYZERS_LEDGER_SPENT_H
#define SQ_ANALYZERS_LEDGER_SPENT_H

#include <stdbool.h>

#include "analyzers/ledger/flow.h"
#include "analyzers/ledger/frame.h"
#include "analyzers/ledger/rules.h"

struct sq_spent;

/* Do the mechanisms that look at it share it?  Not what is judged by other counters. */
bool sq_spent_is_shared(const struct sq_rule_counter *c);

struct sq_spent *sq_spent_new(void);
struct sq_spent *sq_spent_free(struct sq_spent *s);

/* After a case was settled: what its failures and slow successes took, reading by reading. */
void sq_spent_add(struct sq_spent *s, const char *host, const struct sq_rule_counter *counter,
		  const char *row, const struct sq_readings *readings, const struct sq_flow *flow);

/* Takes out of the readings of a counter what was spent of it before. */
void sq_spent_deduct(const struct sq_spent *s, const char *host,
		     const struct sq_rule_counter *counter, const char *row,
		     struct sq_readings *readings);

#endif
