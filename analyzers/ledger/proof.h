/* What pairs of runs say of a change. */
#ifndef SQ_ANALYZERS_LEDGER_PROOF_H
#define SQ_ANALYZERS_LEDGER_PROOF_H

#include <stddef.h>
#include <stdint.h>

struct sq_proof_count {
	int64_t failed, scheduled;
	int64_t others; /* failures of other kinds, which decide nothing */
};

struct sq_proof_pair {
	struct sq_proof_count without, with; /* the change */
};

enum sq_proof_verdict {
	SQ_VERDICT_PROVED,
	SQ_VERDICT_PARTLY,
	SQ_VERDICT_WITHDRAWN,
	SQ_VERDICT_UNDECIDED
};

const char *sq_proof_verdict_name(enum sq_proof_verdict v);

/* One-sided sign test over the pairs that differ: the chance that so many would fail less with the
 * change if it did nothing. 1 when none differs. */
double sq_proof_chance(const struct sq_proof_pair *pairs, size_t n);

struct sq_proof_pair sq_proof_sum(const struct sq_proof_pair *pairs, size_t n);

/* share: what part of these failures the finding explains.  Proved: that part went, but for a fifth
 * of it, with a chance of at most 1 in 20. */
enum sq_proof_verdict sq_proof_judge(const struct sq_proof_pair *pairs, size_t n, double share);

/* The upper 95 % bound of a rate of which not one was seen (the rule of three). */
double sq_proof_bound(int64_t scheduled);

#endif
