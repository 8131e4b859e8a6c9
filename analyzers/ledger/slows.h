/* Slow outcomes that several cases claim: the SYNs and segments that what got through in the end lost on
 * its way.  Settled by itself each case pays for all of them; together they pay once. */
#ifndef SQ_ANALYZERS_LEDGER_SLOWS_H
#define SQ_ANALYZERS_LEDGER_SLOWS_H

#include <stddef.h>

#include "analyzers/ledger/flow.h"
#include "analyzers/ledger/line.h"

struct sq_slows;

/* Makes one demand of each in the joint flow, and puts it; parts that were joined into that bring what they hold. */
struct sq_slows *sq_slows_open(struct sq_flow *f, const struct sq_lined *parts, size_t n);

/* Takes them out of the cases, and gives each its share of what the flow holds. */
void sq_slows_take_back(const struct sq_slows *s);
void sq_slows_give_back(const struct sq_slows *s);
void sq_slows_free(struct sq_slows *s);

#endif
