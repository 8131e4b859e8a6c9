/* xoshiro256** 1.0 (Blackman and Vigna, 2018), its state filled by splitmix64 as its authors
 * advise.  A stream is another starting point of splitmix64, mixed so that the streams 0, 1, 2 of
 * one seed share nothing with those of the next seed. */
#include "base/rng.h"

#include <sys/random.h>

#include <math.h>
#include <unistd.h>

#include "base/clock.h"

static uint64_t rotate_left(uint64_t x, unsigned k)
{
	return x << k | x >> (64 - k);
}

static uint64_t splitmix64(uint64_t *state)
{
	uint64_t z = *state += UINT64_C(0x9e3779b97f4a7c15);

	z = (z ^ z >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
	z = (z ^ z >> 27) * UINT64_C(0x94d049bb133111eb);
	return z ^ z >> 31;
}

void sq_rng_init(struct sq_rng *rng, uint64_t seed, uint64_t stream)
{
	uint64_t state = seed;

	/* Stream 0 is the plain seeding, which published sequences can be checked against. */
	if (stream)
		state = splitmix64(&state) ^ splitmix64(&stream);
	for (int i = 0; i < 4; i++)
		rng->s[i] = splitmix64(&state);
}

uint64_t sq_rng_u64(struct sq_rng *rng)
{
	uint64_t *s = rng->s;
	uint64_t result = rotate_left(s[1] * 5, 7) * 9;
	uint64_t t = s[1] << 17;

	s[2] ^= s[0];
	s[3] ^= s[1];
	s[1] ^= s[2];
	s[0] ^= s[3];
	s[2] ^= t;
	s[3] = rotate_left(s[3], 45);
	return result;
}

uint64_t sq_rng_below(struct sq_rng *rng, uint64_t n)
{
	/* 2^64 mod n: numbers below it would make the small remainders too frequent. */
	uint64_t reject = -n % n, x;

	do
		x = sq_rng_u64(rng);
	while (x < reject);
	return x % n;
}

double sq_rng_double(struct sq_rng *rng)
{
	return (double)(sq_rng_u64(rng) >> 11) * 0x1.0p-53;
}

double sq_rng_exp(struct sq_rng *rng)
{
	return -log1p(-sq_rng_double(rng));
}

void sq_rng_order(struct sq_rng *rng, size_t *order, size_t n)
{
	for (size_t i = 0; i < n; i++)
		order[i] = i;
	for (size_t i = n; i > 1; i--) {
		size_t k = (size_t)sq_rng_below(rng, i), other = order[k];

		order[k] = order[i - 1];
		order[i - 1] = other;
	}
}

uint64_t sq_rng_fresh_seed(void)
{
	uint64_t seed;

	/* Up to 256 bytes are whole or fail; a kernel without it still gives a seed of its own. */
	if (getrandom(&seed, sizeof(seed), 0) != sizeof(seed)) {
		uint64_t mix = (uint64_t)sq_wall_ns() ^ (uint64_t)getpid() << 40;

		seed = splitmix64(&mix);
	}
	return seed >> 11;
}
