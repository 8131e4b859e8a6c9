/* Offsets by ping-pong.
 *
 * What a reader would get wrong: an answer of a far clock was given at some moment between question
 * and answer, so its offset is known within half of the round trip and no better, however often one
 * asks: the quickest answer counts, not the mean.  With age it gets worse, by as much as two clocks
 * may drift apart: a kernel steers CLOCK_MONOTONIC by up to 500 ppm (adjtimex(2)).  A later reading
 * that contradicts the one gone by shows that this was not all, and the bound grows to what it says. */
#include "analyzers/places/far_clock.h"

#include <stdlib.h>

enum { DRIFT_PER_MILLION = 500 };

/* What a reading may be wrong by at another moment. */
static int64_t doubt_ns(const struct sq_far_reading *r, int64_t now_ns)
{
	return r->half_ns + llabs(now_ns - r->at_ns) / 1000000 * DRIFT_PER_MILLION;
}

const struct sq_far_reading *sq_far_clock_best(const struct sq_far_clock *c, int64_t now_ns)
{
	const struct sq_far_reading *best = NULL;

	for (size_t i = 0; i < c->n && i < SQ_FAR_CLOCK_KEPT; i++)
		if (!best || doubt_ns(&c->v[i], now_ns) < doubt_ns(best, now_ns))
			best = &c->v[i];
	return best;
}

static void widen(struct sq_far_clock *c, int64_t by_ns)
{
	if (by_ns > c->bound_ns)
		c->bound_ns = by_ns;
}

void sq_far_clock_add(struct sq_far_clock *c, int64_t sent_ns, int64_t got_ns, int64_t far_ns)
{
	int64_t at_ns = sent_ns + (got_ns - sent_ns) / 2;
	const struct sq_far_reading *before = sq_far_clock_best(c, at_ns);
	struct sq_far_reading r = { .at_ns = at_ns,
				    .offset_ns = far_ns - at_ns,
				    .half_ns = (got_ns - sent_ns + 1) / 2 };

	if (before && llabs(r.offset_ns - before->offset_ns) > r.half_ns + doubt_ns(before, at_ns))
		widen(c, llabs(r.offset_ns - before->offset_ns) + r.half_ns);
	c->v[c->n++ % SQ_FAR_CLOCK_KEPT] = r;
}

int64_t sq_far_clock_here(struct sq_far_clock *c, int64_t far_ns)
{
	/* Offsets differ by less than what changes the choice. */
	int64_t now_ns = far_ns - c->v[(c->n - 1) % SQ_FAR_CLOCK_KEPT].offset_ns;
	const struct sq_far_reading *best = sq_far_clock_best(c, now_ns);

	widen(c, doubt_ns(best, now_ns));
	return far_ns - best->offset_ns;
}
