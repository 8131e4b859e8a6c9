/* What pairs of runs say of a change. */
#ifndef SQ_CLI_PROVE_VERDICT_H
#define SQ_CLI_PROVE_VERDICT_H

#include <stddef.h>
#include <stdint.h>

struct sq_prove_count {
	int64_t failed, scheduled;
};

struct sq_prove_pair {
	struct sq_prove_count without, with; /* the change */
};

enum sq_prove_verdict {
	SQ_VERDICT_PROVED,
	SQ_VERDICT_PARTLY,
	SQ_VERDICT_WITHDRAWN,
	SQ_VERDICT_UNDECIDED
};

const char *sq_prove_verdict_name(enum sq_prove_verdict v);

/* One-sided sign test over the pairs that differ: the chance that so many would fail less with the
 * change if it did nothing. 1 when none differs. */
double sq_prove_chance(const struct sq_prove_pair *pairs, size_t n);

struct sq_prove_pair sq_prove_sum(const struct sq_prove_pair *pairs, size_t n);

/* share: what part of these failures the finding explains.  Proved: that part went, but for a fifth
 * of it, with a chance of at most 1 in 20. */
enum sq_prove_verdict sq_prove_judge(const struct sq_prove_pair *pairs, size_t n, double share);

/* The upper 95 % bound of a rate of which not one was seen (the rule of three). */
double sq_prove_bound(int64_t scheduled);

#endif
