/* Random numbers that a seed reproduces: xoshiro256** seeded by splitmix64. */
#ifndef SQ_BASE_RNG_H
#define SQ_BASE_RNG_H

#include <stddef.h>
#include <stdint.h>

struct sq_rng {
	uint64_t s[4];
};

/* Independent streams of one seed: the same (seed, stream) gives the same numbers. */
void sq_rng_init(struct sq_rng *rng, uint64_t seed, uint64_t stream);
uint64_t sq_rng_u64(struct sq_rng *rng);
uint64_t sq_rng_below(struct sq_rng *rng, uint64_t n); /* 0 .. n-1, unbiased; n > 0 */
double sq_rng_double(struct sq_rng *rng);              /* [0, 1) */
double sq_rng_exp(struct sq_rng *rng);                 /* exponential, mean 1 */

/* 0 .. n-1 in an order of which each is equally likely. */
void sq_rng_order(struct sq_rng *rng, size_t *order, size_t n);

/* A seed for a run that named none: 53 bits at most, so that JSON readers keep it whole. */
uint64_t sq_rng_fresh_seed(void);

#endif
