/* Least squares with bounds: shares x in 0..1 of the claims' doses that together come nearest to
 * the counter's rises over time.
 *
 * Both sides are first smeared over three readings, for a dose may show one reading late.  Claims
 * that fail in step can't be told apart; a slight pull towards one common share then gives all the
 * same, instead of whatever the arithmetic happened on. */
#include <math.h>
#include <stdlib.h>

#include "analyzers/ledger/case.h"
#include "base/mem.h"

static const double pull = 1e-5; /* of a claim's own weight in the sum of squares */
static const double nearly = 0.02;

static double bounded(double x)
{
	return x < 0 ? 0 : x > 1 ? 1 : x;
}

int64_t sq_case_syn_mid_ns(const struct sq_case *c, const struct sq_parcel *p, size_t syn)
{
	const struct sq_syn_schedule *s = &c->claims[p->claim].schedule;
	int64_t at = s->at_ns[syn < s->n ? syn : s->n - 1];

	return p->due_ns + c->run->axis.bin_ns / 2 + at + sq_syn_late_ns(at) / 4;
}

/* units spread over the readings that may hold what happened in a time. */
static void spread(const struct sq_case *c, double *dose, int64_t lo_ns, int64_t hi_ns,
		   double units)
{
	size_t first;
	size_t n = sq_readings_within(&c->readings, lo_ns, hi_ns, &first);

	for (size_t i = first; i < first + n; i++)
		dose[i] += units / (double)n;
}

static void add_parcel(const struct sq_case *c, const struct sq_parcel *p, double *dose)
{
	const struct sq_claim *cl = &c->claims[p->claim];

	for (size_t i = 0; i < p->n_demands; i++) {
		int64_t mid = sq_case_syn_mid_ns(c, p, i);

		if (cl->pay->dose == SQ_DOSE_SYN_SCHEDULE)
			spread(c, dose, mid, mid + 1, (double)p->most);
		else
			spread(c, dose, p->due_ns,
			       p->due_ns + c->run->axis.bin_ns + cl->entry->load->timeout_ns,
			       (double)(p->most * p->units));
	}
}

static void smear(double *v, size_t n)
{
	double before = 0;

	for (size_t i = 0; i < n; i++) {
		double here = v[i];

		v[i] = before + here + (i + 1 < n ? v[i + 1] : 0);
		before = here;
	}
}

static double dot(const double *a, const double *b, size_t n)
{
	double sum = 0;

	for (size_t i = 0; i < n; i++)
		sum += a[i] * b[i];
	return sum;
}

/* products[i * (n + 1) + j]: of claims i and j; j == n: of claim i and the rises. */
static double *products_of(const struct sq_case *c, bool waits)
{
	size_t n = c->n_claims;
	size_t len = c->readings.n;
	double *dose = sq_alloc_n((n + 1) * (len + 1), sizeof(*dose));
	double *products = sq_alloc_n(n * (n + 1), sizeof(*products));

	for (size_t i = 0; i < c->n_parcels; i++) {
		if (c->claims[c->parcels[i].claim].waits == waits)
			add_parcel(c, &c->parcels[i], dose + c->parcels[i].claim * len);
	}
	for (size_t i = 0; i < len; i++)
		dose[n * len + i] = (double)sq_flow_left(c->flow, i);
	for (size_t i = 0; i <= n; i++)
		smear(dose + i * len, len);
	for (size_t i = 0; i < n; i++) {
		for (size_t j = 0; j <= n; j++)
			products[i * (n + 1) + j] = dot(dose + i * len, dose + j * len, len);
	}
	free(dose);
	return products;
}

static double common_share(const double *products, size_t n)
{
	double all = 0;
	double rises = 0;

	for (size_t i = 0; i < n; i++) {
		for (size_t j = 0; j < n; j++)
			all += products[i * (n + 1) + j];
		rises += products[i * (n + 1) + n];
	}
	return all > 0 ? bounded(rises / all) : 1;
}

/* Coordinate descent: the sum of squares is convex, so it ends at its least. */
void sq_case_fit(struct sq_case *c, bool waits)
{
	size_t n = c->n_claims;
	double *products = products_of(c, waits);
	double common = common_share(products, n);
	double moved = 1;

	for (size_t i = 0; i < n; i++)
		c->claims[i].weight = common;
	for (int round = 0; round < 100000 && moved > 1e-12; round++) {
		moved = 0;
		for (size_t i = 0; i < n; i++) {
			const double *row = products + i * (n + 1);
			double sum = row[n] + pull * row[i] * common;
			double was = c->claims[i].weight;

			for (size_t j = 0; j < n; j++)
				sum -= j == i ? 0 : row[j] * c->claims[j].weight;
			if (row[i] > 0)
				c->claims[i].weight = bounded(sum / (row[i] * (1 + pull)));
			moved = fmax(moved, fabs(c->claims[i].weight - was));
		}
	}
	for (size_t i = 0; i < n; i++) {
		double *w = &c->claims[i].weight;

		*w = *w < nearly ? 0 : *w > 1 - nearly ? 1 : *w;
	}
	free(products);
}
