/* Settling a case: slow successes pay first, then failures, each with its whole dose or not at all.
 *
 * Which failures, when the rises don't do for all?  First each claim takes, bin by bin, the share
 * of it that fits the counter over time (sq_case_fit): of two loads that fail at the same time, the
 * one whose ups and downs the counter follows.  What is then left over goes to all in
 * proportion, by largest remainders. */
#include <assert.h>
#include <stdlib.h>

#include "analyzers/ledger/case.h"
#include "analyzers/ledger/joint.h"
#include "base/mem.h"

/* More failures of a parcel, each with its whole dose; all of them or none. */
static bool parcel_put(struct sq_case *c, struct sq_parcel *p, uint64_t n)
{
	if (!sq_flow_put_each(c->flow, p->demand, p->n_demands, n * p->units))
		return false;
	p->explained += n;
	return true;
}

static void parcel_take(struct sq_case *c, struct sq_parcel *p, uint64_t n)
{
	for (size_t i = 0; i < p->n_demands; i++)
		sq_flow_take(c->flow, p->demand + i, n * p->units);
	p->explained -= n;
}

void sq_apportion(const uint64_t *want, size_t n, uint64_t total, uint64_t sum, uint64_t *ret_share)
{
	uint64_t given = 0;

	for (size_t i = 0; i < n; i++) {
		ret_share[i] = (uint64_t)((unsigned __int128)want[i] * sum / total);
		given += ret_share[i];
	}
	for (; given < sum; given++) {
		size_t best = n;
		__int128 most = 0;

		for (size_t i = 0; i < n; i++) {
			__int128 rest = (__int128)want[i] * sum - (__int128)ret_share[i] * total;

			if (ret_share[i] < want[i] && (best == n || rest > most)) {
				best = i;
				most = rest;
			}
		}
		assert(best < n);
		ret_share[best]++;
	}
}

/* Parcels of one bin: `sum` failures of those wanted, shared out; all of them or none. */
static bool bin_put(struct sq_case *c, struct sq_parcel *p, size_t n, const uint64_t *want,
		    uint64_t total, uint64_t sum, uint64_t *share)
{
	sq_apportion(want, n, total, sum, share);
	for (size_t i = 0; i < n; i++) {
		if (parcel_put(c, &p[i], share[i]))
			continue;
		while (i-- > 0)
			parcel_take(c, &p[i], share[i]);
		return false;
	}
	return true;
}

/* As many as can be. */
static void bin_settle(struct sq_case *c, struct sq_parcel *p, size_t n, const uint64_t *want,
		       uint64_t *share)
{
	uint64_t total = 0;
	uint64_t low = 0;
	uint64_t high;

	for (size_t i = 0; i < n; i++)
		total += want[i];
	if (total == 0 || bin_put(c, p, n, want, total, total, share))
		return;
	high = total;
	while (high - low > 1) {
		uint64_t mid = low + (high - low) / 2;

		if (bin_put(c, p, n, want, total, mid, share)) {
			for (size_t i = 0; i < n; i++)
				parcel_take(c, &p[i], share[i]);
			low = mid;
		} else {
			high = mid;
		}
	}
	/* Taking back leaves no trace but where others' units lie: what fitted still fits. */
	if (low > 0)
		bin_put(c, p, n, want, total, low, share);
	else
		for (size_t i = 0; i < n; i++)
			share[i] = 0;
	for (size_t i = 0; n > 1 && i < n; i++) {
		while (share[i] < want[i] && parcel_put(c, &p[i], 1))
			share[i]++;
	}
}

/* What the fit gives a claim up to and with this parcel, less what it took before. */
static uint64_t fitted(const struct sq_claim *cl, uint64_t *due, uint64_t *taken,
		       const struct sq_parcel *p)
{
	uint64_t aim, want;

	*due += p->most;
	aim = cl->weight >= 1 ? *due : (uint64_t)(cl->weight * (double)*due);
	want = aim > *taken ? aim - *taken : 0;
	want = want < p->most - p->explained ? want : p->most - p->explained;
	*taken += want;
	return want;
}

static void settle_failures(struct sq_case *c, bool waits, bool by_fit)
{
	uint64_t *due = sq_alloc_n(c->n_claims + 1, sizeof(*due));
	uint64_t *taken = sq_alloc_n(c->n_claims + 1, sizeof(*taken));
	uint64_t *want = sq_alloc_n(2 * c->n_claims + 1, sizeof(*want));
	uint64_t *share = sq_alloc_n(2 * c->n_claims + 1, sizeof(*share));
	size_t n;

	for (size_t i = 0; i < c->n_parcels; i += n) {
		struct sq_parcel *p = &c->parcels[i];

		for (n = 0; i + n < c->n_parcels && p[n].bin == p->bin; n++) {
			size_t cl = p[n].claim;

			if (c->claims[cl].waits != waits)
				want[n] = 0;
			else
				want[n] =
					by_fit ? fitted(&c->claims[cl], &due[cl], &taken[cl], &p[n])
					       : p[n].most - p[n].explained;
		}
		bin_settle(c, p, n, want, share);
	}
	free(due);
	free(taken);
	free(want);
	free(share);
}

uint64_t sq_case_unexplained(const struct sq_case *c)
{
	uint64_t n = 0;

	for (size_t i = 0; i < c->n_claims; i++)
		n += c->claims[i].entry->outcome->count - c->claims[i].entry->explained;
	return n;
}

/* First what the joint account of several counters leaves to this one; what it has for others is theirs. */
static void settle_joint(struct sq_case *c, const struct sq_joint *joint)
{
	for (size_t i = 0; joint && i < c->n_parcels; i++) {
		struct sq_parcel *p = &c->parcels[i];
		uint64_t share, most;

		if (!sq_parcel_is_joint(c, p))
			continue;
		share = sq_joint_share(joint, c, p, &most);
		p->most = most < p->count ? most : p->count;
		share = share < p->most ? share : p->most;
		if (share > 0)
			parcel_put(c, p, share);
	}
}

void sq_case_settle(struct sq_case *c, const struct sq_joint *joint)
{
	settle_joint(c, joint);
	for (int waits = 0; waits < 2; waits++) {
		for (size_t i = 0; i < c->n_slows; i++) {
			if (c->slows[i].waits == waits)
				c->slow_paid += sq_flow_put(c->flow, c->slows[i].demand,
							    c->slows[i].wanted);
		}
		if (c->n_claims > 1) {
			sq_case_fit(c, waits);
			settle_failures(c, waits, true);
		}
		settle_failures(c, waits, false);
	}
	for (size_t i = 0; i < c->n_parcels; i++) {
		struct sq_parcel *p = &c->parcels[i];
		struct sq_claim *cl = &c->claims[p->claim];

		cl->explained += p->explained;
		cl->paid += p->explained * p->n_demands * p->units;
		cl->entry->left[p->bin] -= p->explained;
		cl->entry->explained += p->explained;
	}
}
