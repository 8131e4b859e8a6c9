/* The clock of another machine, set against ours by asking for it and timing the answer. */
#ifndef SQ_ANALYZERS_PLACES_FAR_CLOCK_H
#define SQ_ANALYZERS_PLACES_FAR_CLOCK_H

#include <stddef.h>
#include <stdint.h>

enum { SQ_FAR_CLOCK_KEPT = 16 };

struct sq_far_reading {
	int64_t at_ns, offset_ns, half_ns; /* when, far clock less ours, half of the round trip */
};

/* All zeros is one that was never asked. */
struct sq_far_clock {
	struct sq_far_reading v[SQ_FAR_CLOCK_KEPT]; /* the last ones, in turn */
	size_t n;                                   /* all there were */
	int64_t bound_ns; /* the most that any time handed out may be wrong by */
};

/* Asked at sent_ns, answered at got_ns (both ours) with far_ns. */
void sq_far_clock_add(struct sq_far_clock *c, int64_t sent_ns, int64_t got_ns, int64_t far_ns);

/* The reading to go by at a moment (ours); NULL: never asked. */
const struct sq_far_reading *sq_far_clock_best(const struct sq_far_clock *c, int64_t now_ns);

/* A far time on our clock, which was asked at least once. */
int64_t sq_far_clock_here(struct sq_far_clock *c, int64_t far_ns);

#endif
