/* Popularity by rank: the first is asked for most, the k-th 1/k^exponent as often (Zipf's law). */
#ifndef SQ_LOADGEN_DNS_POPULAR_H
#define SQ_LOADGEN_DNS_POPULAR_H

#include <stdint.h>

#include "base/rng.h"

struct sq_dns_popular;

/* Of n > 0 ranks; 8 bytes each, and 16 more while it is made. */
struct sq_dns_popular *sq_dns_popular_new(uint32_t n, double exponent);
struct sq_dns_popular *sq_dns_popular_free(struct sq_dns_popular *p);

/* A rank from 0 on. */
uint32_t sq_dns_popular_draw(const struct sq_dns_popular *p, struct sq_rng *rng);

#endif
