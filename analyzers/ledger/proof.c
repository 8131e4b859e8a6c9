#include "analyzers/ledger/proof.h"

#include <math.h>

#define CHANCE 0.05 /* of being fooled */
#define MOST   0.8  /* of what the finding explains must go */

static const char *const names[] = { "proved", "partly", "withdrawn", "undecided" };

const char *sq_proof_verdict_name(enum sq_proof_verdict v)
{
	return names[v];
}

static double rate(const struct sq_proof_count *c)
{
	return c->scheduled ? (double)c->failed / (double)c->scheduled : 0;
}

static double choose(size_t n, size_t k)
{
	double c = 1;

	for (size_t i = 1; i <= k; i++)
		c *= (double)(n - k + i) / (double)i;
	return c;
}

double sq_proof_chance(const struct sq_proof_pair *pairs, size_t n)
{
	size_t differ = 0, less = 0;
	double sum = 0;

	for (size_t i = 0; i < n; i++) {
		double without = rate(&pairs[i].without), with = rate(&pairs[i].with);

		differ += with < without || with > without;
		less += with < without;
	}
	for (size_t k = less; k <= differ; k++)
		sum += choose(differ, k);
	return sum / pow(2, (double)differ);
}

struct sq_proof_pair sq_proof_sum(const struct sq_proof_pair *pairs, size_t n)
{
	struct sq_proof_pair all = { 0 };

	for (size_t i = 0; i < n; i++) {
		all.without.failed += pairs[i].without.failed;
		all.without.scheduled += pairs[i].without.scheduled;
		all.without.others += pairs[i].without.others;
		all.with.others += pairs[i].with.others;
		all.with.failed += pairs[i].with.failed;
		all.with.scheduled += pairs[i].with.scheduled;
	}
	return all;
}

enum sq_proof_verdict sq_proof_judge(const struct sq_proof_pair *pairs, size_t n, double share)
{
	struct sq_proof_pair all = sq_proof_sum(pairs, n);
	double before = rate(&all.without), gone = before - rate(&all.with);

	if (all.without.failed == 0 || share <= 0)
		return SQ_VERDICT_UNDECIDED;
	if (sq_proof_chance(pairs, n) <= CHANCE)
		return gone >= MOST * share * before ? SQ_VERDICT_PROVED : SQ_VERDICT_PARTLY;
	/* So few pairs that even all of them could not have decided. */
	return pow(0.5, (double)n) > CHANCE ? SQ_VERDICT_UNDECIDED : SQ_VERDICT_WITHDRAWN;
}

double sq_proof_bound(int64_t scheduled)
{
	return scheduled ? fmin(1, 3 / (double)scheduled) : 1;
}
