#include "loadgen/engine/noise.h"

#include "base/clock.h"
#include "base/opt.h"

#define STRETCH_NS (100 * SQ_MS)

void sq_noise_init(struct sq_noise *noise, double percent, int64_t seed)
{
	*noise = (struct sq_noise){ .spread = percent / 100, .factor = 1 };
	sq_rng_init(&noise->rng, seed == SQ_OPT_UNSET ? sq_rng_fresh_seed() : (uint64_t)seed, 0);
}

double sq_noise_factor(struct sq_noise *noise, int64_t now_ns)
{
	if (noise->spread > 0 && now_ns >= noise->until_ns) {
		noise->until_ns = now_ns + STRETCH_NS;
		noise->factor = 1 + noise->spread * (2 * sq_rng_double(&noise->rng) - 1);
	}
	return noise->factor;
}
