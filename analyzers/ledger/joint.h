/* Several counters, one account.
 *
 * A query may have been lost in a receive buffer or in an interface's queue, and each counter rose
 * by one for it.  If one mechanism takes its failures before the other has had a say, it may take
 * those that only the other's counter rose in time for, and failures stay unexplained beside a
 * counter with rises left.  So what costs one rise at a time, as a query or a connect's SYNs do, is
 * first settled over all such counters at once, by one flow, and each case then begins with its share. */
#ifndef SQ_ANALYZERS_LEDGER_JOINT_H
#define SQ_ANALYZERS_LEDGER_JOINT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct sq_book;
struct sq_case;
struct sq_joint;
struct sq_parcel;

/* The book is borrowed. */
struct sq_joint *sq_joint_new(const struct sq_book *book);
struct sq_joint *sq_joint_free(struct sq_joint *j);

/* Takes the case over. */
void sq_joint_add(struct sq_joint *j, struct sq_case *c);

/* Once, when all are there.  cause_at_work: symptoms have their turn last (analyzers/ledger/rules.h). */
void sq_joint_solve(struct sq_joint *j, bool cause_at_work);

/* How many failures of a case's parcel are for it, and how many at most, for the rest is for others; 0,
 * and no bound, where no two counters compete. */
uint64_t sq_joint_share(const struct sq_joint *j, const struct sq_case *c,
			const struct sq_parcel *p, uint64_t *ret_most);

#endif
