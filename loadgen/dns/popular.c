/* Walker's alias table, filled by Vose's method: of n columns of equal weight each holds a rank and,
 * on top of it, part of one that is too popular for a column of its own.  A draw is a column and a
 * height, whatever n is. */
#include "loadgen/dns/popular.h"

#include <math.h>
#include <stdlib.h>

#include "base/mem.h"

struct column {
	uint32_t own;   /* heights below it, of 2^32, are the column's own rank */
	uint32_t other; /* the rest is this one's */
};

struct sq_dns_popular {
	uint32_t n;
	struct column columns[];
};

/* Weights whose mean is 1. */
static double *weights_new(uint32_t n, double exponent)
{
	double *weights = sq_alloc_n(n, sizeof(*weights)), sum = 0;

	for (uint32_t i = n; i-- > 0;) /* the small ones first: nothing of them is lost */
		sum += weights[i] = pow((double)i + 1, -exponent);
	for (uint32_t i = 0; i < n; i++)
		weights[i] *= n / sum;
	return weights;
}

/* The ranks with less than a column, from the front, and those with more, from the back. */
struct heaps {
	uint32_t *ranks;
	uint32_t n, poor, rich;
};

static void heap_add(struct heaps *h, uint32_t rank, double weight)
{
	if (weight < 1)
		h->ranks[h->poor++] = rank;
	else
		h->ranks[--h->rich] = rank;
}

/* A poor one's column is filled up by a rich one, which then is as rich or poor as what is left. */
static void columns_fill(struct sq_dns_popular *p, double *weights)
{
	struct heaps h = { sq_alloc_n(p->n, sizeof(*h.ranks)), p->n, 0, p->n };

	for (uint32_t i = 0; i < p->n; i++) {
		p->columns[i] = (struct column){ UINT32_MAX, i };
		heap_add(&h, i, weights[i]);
	}
	while (h.poor > 0 && h.rich < h.n) {
		uint32_t poor = h.ranks[--h.poor], rich = h.ranks[h.rich++];

		p->columns[poor] = (struct column){ (uint32_t)(weights[poor] * 0x1p32), rich };
		weights[rich] -= 1 - weights[poor];
		heap_add(&h, rich, weights[rich]);
	}
	free(h.ranks);
}

struct sq_dns_popular *sq_dns_popular_new(uint32_t n, double exponent)
{
	struct sq_dns_popular *p = sq_alloc(sizeof(*p) + (size_t)n * sizeof(*p->columns));
	double *weights = weights_new(n, exponent);

	p->n = n;
	columns_fill(p, weights);
	free(weights);
	return p;
}

struct sq_dns_popular *sq_dns_popular_free(struct sq_dns_popular *p)
{
	free(p);
	return NULL;
}

uint32_t sq_dns_popular_draw(const struct sq_dns_popular *p, struct sq_rng *rng)
{
	uint32_t at = (uint32_t)sq_rng_below(rng, p->n);

	return (uint32_t)(sq_rng_u64(rng) >> 32) <= p->columns[at].own ? at : p->columns[at].other;
}
