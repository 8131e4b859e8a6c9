/* Paying: units that failures cost, out of units by which a counter rose.
 *
 * A supply is one reading with its rise; a demand is units that may have been counted in some of
 * the readings.  Putting a demand's units moves those of others among the readings open to them,
 * so that the order of putting takes nothing away from anybody. */
#ifndef SQ_ANALYZERS_LEDGER_FLOW_H
#define SQ_ANALYZERS_LEDGER_FLOW_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "analyzers/ledger/frame.h"

struct sq_flow;

/* The readings are borrowed. */
struct sq_flow *sq_flow_new(const struct sq_readings *supply);
struct sq_flow *sq_flow_free(struct sq_flow *f);

/* A new demand; its number.  sq_flow_open adds the readings that may hold what happened in
 * [lo_ns, hi_ns), and only ever to the newest demand. */
size_t sq_flow_demand(struct sq_flow *f);
void sq_flow_open(struct sq_flow *f, int64_t lo_ns, int64_t hi_ns);

/* The same for the readings that a demand of another flow is open to, which stand from `first` on here. */
void sq_flow_open_like(struct sq_flow *f, const struct sq_flow *other, size_t demand, size_t first);

/* Takes over all demands of another flow, with what they hold; its readings stand from `first` on here, and
 * nothing was put into those before.  The number of the first. */
size_t sq_flow_join(struct sq_flow *f, const struct sq_flow *other, size_t first);

/* What a demand holds is another's from now on, which is open to all of its readings. */
void sq_flow_move(struct sq_flow *f, size_t from, size_t to);

/* Puts as many of the units as can be; how many.  Takes them back. */
uint64_t sq_flow_put(struct sq_flow *f, size_t demand, uint64_t units);
/* The same, so that nothing more is used of readings from number `end` on. */
uint64_t sq_flow_put_below(struct sq_flow *f, size_t demand, uint64_t units, size_t end);
void sq_flow_take(struct sq_flow *f, size_t demand, uint64_t units);

/* So many units in each of n demands that follow each other: all of them (true) or none. */
bool sq_flow_put_each(struct sq_flow *f, size_t first, size_t n, uint64_t units);

/* How many of a demand's units lie in readings first .. first + n - 1. */
uint64_t sq_flow_held(const struct sq_flow *f, size_t demand, size_t first, size_t n);

/* What is left of a reading's rise, and of all. */
uint64_t sq_flow_left(const struct sq_flow *f, size_t reading);
uint64_t sq_flow_left_total(const struct sq_flow *f);

#endif
