/* What a mechanism has to pay with on a host: how often its counter rose, and when. */
#ifndef SQ_ANALYZERS_LEDGER_SUPPLY_H
#define SQ_ANALYZERS_LEDGER_SUPPLY_H

#include <stdbool.h>

#include "analyzers/ledger/frame.h"
#include "analyzers/ledger/rules.h"
#include "base/buf.h"
#include "results/run.h"

/* Were the counter and those that it is judged by read on the host?  A counter of a source that was
 * read, but has no row, was: it stood still. */
bool sq_supply_read(const struct sq_run *run, const char *host, const struct sq_rule_counter *c);

/* Why not; the caller frees it. */
char *sq_supply_because(const struct sq_run *run, const char *host,
			const struct sq_rule_counter *c);

/* What the capture said of the source that a metric's name begins with; NULL: nothing. */
const char *sq_supply_absent(const struct sq_run *run, const char *host, const char *name);

/* Which row the failures of one of a load's targets show in: an instance, borrowed from the record;
 * NULL: all rows.  False when there is none, so that it has no failures there. */
bool sq_supply_row(const struct sq_run *run, const char *host, const struct sq_rule_counter *c,
		   const struct sq_load_rec *load, size_t target, const char **ret_row);
/* Is a row that of any of a load's targets? */
bool sq_supply_has_row(const struct sq_run *run, const char *host, const struct sq_rule_counter *c,
		       const struct sq_load_rec *load, const char *row);

/* Every reading in order, those without a rise too.  Gaps lie within a reading, for what rose in a
 * gap is seen at its end.  Rows about a port that is known to be none of the loads' don't count.
 * sq_readings_fini frees them. */
struct sq_readings sq_supply_readings(const struct sq_run *run, const char *host,
				      const struct sq_rule_counter *c, const char *row);

/* The counter in the words of people: "RcvbufErrors", "udp.drops of 0.0.0.0:53". */
void sq_supply_name(const struct sq_rule_counter *c, const char *row, struct sq_buf *out);

/* May the rows that rose be about the load?  False where each of them is about one port, and that is another load's
 * target, or a well-known one, and none of this load's. */
bool sq_supply_concerns(const struct sq_run *run, const char *host, const struct sq_rule_counter *c,
			const struct sq_load_rec *load);

#endif
