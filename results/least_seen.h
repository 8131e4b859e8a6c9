/* What a harness can see: from pairs of runs between which nothing differs, the least difference that as many pairs
 * would find. */
#ifndef SQ_RESULTS_LEAST_SEEN_H
#define SQ_RESULTS_LEAST_SEEN_H

#include <stddef.h>
#include <stdint.h>

#include <jansson.h>

#include "base/buf.h"
#include "results/verdict.h"

/* Of n differences whose true shift is 0: the shift that as many pairs would call better or worse in 8 tunes of 10, with
 * signs and draws from the seed.  In their own unit (log ratios, shares); INFINITY: so few pairs decide nothing.
 * n <= SQ_PAIRS_MAX. */
double sq_least_seen(const double *d, size_t n, double alpha, double margin, uint64_t seed);

/* Array of {metric, difference: number|null, pairs}: of each measure, judged together as sq_verdicts does.  a[i] and
 * b[i] are runs of one thing. */
json_t *sq_least_seen_json(const json_t *const *a, const json_t *const *b, size_t n,
			   const json_t *names, const struct sq_judging *how, uint64_t seed);

/* A line each, for people. */
void sq_least_seen_text(const json_t *list, struct sq_buf *out);

#endif
