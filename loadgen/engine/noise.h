/* A sink's capacity that is not steady, as no real server's is: a factor that is drawn anew each 100 ms, evenly from
 * 1 - spread to 1 + spread, so that its mean is 1 and the capacity's the one that was asked for.
 *
 * A reader would get wrong: without a seed of its own each sink that starts draws other factors.  Runs that met the same
 * noise would agree with each other better than with the truth. */
#ifndef SQ_LOADGEN_ENGINE_NOISE_H
#define SQ_LOADGEN_ENGINE_NOISE_H

#include <stdint.h>

#include "base/rng.h"

struct sq_noise {
	struct sq_rng rng;
	double spread, factor;
	int64_t until_ns; /* the factor's */
};

/* seed: SQ_OPT_UNSET for a fresh one. */
void sq_noise_init(struct sq_noise *noise, double percent, int64_t seed);
double sq_noise_factor(struct sq_noise *noise, int64_t now_ns);

#endif
