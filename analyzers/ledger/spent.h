/* What mechanisms took out of a counter, for those after them that look at the same one: TCPAbortOnMemory is
 * raised by too many orphans and by too little memory, and pays for each reset once.  And what they paid for
 * operations that got through in the end: a SYN that was lost in an accept queue was lost in no table of conntrack's. */
#ifndef SQ_ANALYZERS_LEDGER_SPENT_H
#define SQ_ANALYZERS_LEDGER_SPENT_H

#include <stdbool.h>

#include "analyzers/ledger/flow.h"
#include "analyzers/ledger/frame.h"
#include "analyzers/ledger/rules.h"

struct sq_spent;
struct sq_case;

/* Do the mechanisms that look at it share it?  Not what is judged by other counters. */
bool sq_spent_is_shared(const struct sq_rule_counter *c);

/* The run is borrowed. */
struct sq_spent *sq_spent_new(const struct sq_run *run);
struct sq_spent *sq_spent_free(struct sq_spent *s);

/* After a case was settled: what its failures and slow successes took, reading by reading. */
void sq_spent_add(struct sq_spent *s, const char *host, const struct sq_rule_counter *counter,
		  const char *row, const struct sq_readings *readings, const struct sq_flow *flow);

/* And what slow outcomes lost (struct sq_slow) that earlier cases have paid for. */
void sq_spent_add_slows(struct sq_spent *s, const struct sq_case *c);
uint64_t sq_spent_slow(const struct sq_spent *s, size_t outcome, size_t bin, bool segments);

/* Takes out of the readings of a counter what was spent of it before. */
void sq_spent_deduct(const struct sq_spent *s, const char *host,
		     const struct sq_rule_counter *counter, const char *row,
		     struct sq_readings *readings);

#endif
