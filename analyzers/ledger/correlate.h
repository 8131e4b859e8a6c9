/* What moves with the failures that no mechanism explains.  Never a cause, and in no finding: a
 * counter that moves with failures may follow from them, or both from a third. */
#ifndef SQ_ANALYZERS_LEDGER_CORRELATE_H
#define SQ_ANALYZERS_LEDGER_CORRELATE_H

#include <stdbool.h>

#include "analyzers/ledger/ledger.h"
#include "analyzers/ledger/rules.h"
#include "results/run.h"

/* Fills f->movers from what the book has left, after all mechanisms; a failure whose run is too short
 * to rank counters by is noted as not examined. */
void sq_correlate(const struct sq_book *book, const struct sq_rule_table *rules,
		  struct sq_findings *f);

/* A counter that rises because operations fail, whatever they fail of. */
bool sq_is_effect(const char *metric);

#endif
