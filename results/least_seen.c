/* The least difference that is found, by bootstrap (Efron, Ann. Stat. 7, 1979).
 *
 * What a reader would get wrong:
 * - Nothing differs between the runs of an A/A pair, so each difference might as well have the other sign: draws take
 *   either.
 * - Adding a shift to all differences moves Hodges and Lehmann's interval by just that.  So one interval of each draw
 *   tells from which shift on it would be found: no search is needed.
 * - Half the interval's width would be found in 5 tunes of 10 only. */
#include "results/least_seen.h"

#include <math.h>
#include <stdlib.h>

#include "base/json.h"
#include "base/mem.h"
#include "base/rng.h"
#include "results/draw.h"
#include "results/stats.h"

enum { DRAWS = 400 };
#define FOUND 0.8 /* of the draws */

static void draw(struct sq_rng *rng, const double *d, size_t n, double *ret)
{
	for (size_t i = 0; i < n; i++) {
		double one = d[sq_rng_below(rng, n)];

		ret[i] = sq_rng_below(rng, 2) ? one : -one;
	}
}

double sq_least_seen(const double *d, size_t n, double alpha, double margin, uint64_t seed)
{
	double found[DRAWS], *drawn = sq_alloc_n(n, sizeof(*drawn));
	struct sq_rng rng;

	sq_rng_init(&rng, seed, 0);
	for (size_t i = 0; i < DRAWS; i++) {
		struct sq_shift s;

		draw(&rng, d, n, drawn);
		s = sq_hodges_lehmann(drawn, n, alpha);
		/* All of it above 0, and the shift itself beyond the margin. */
		found[i] = fmax(-s.lo, margin - s.shift);
	}
	free(drawn);
	sq_sort(found, DRAWS);
	return found[(size_t)(FOUND * DRAWS)];
}

static json_t *one_json(const json_t *const *a, const json_t *const *b, size_t n, const char *name,
			const struct sq_judging *how, uint64_t seed)
{
	double *d = sq_alloc_n(n + 1, sizeof(*d)), *before = sq_alloc_n(n + 1, sizeof(*d)),
	       least = INFINITY;
	bool share = sq_measure_is_share(name);
	size_t pairs = 0;

	for (size_t i = 0; i < n; i++) {
		before[pairs] = sq_report_measure(a[i], name);
		d[pairs] = sq_report_difference(a[i], b[i], name);
		pairs += !isnan(d[pairs]);
	}
	if (pairs > 0)
		least = sq_least_seen(d, pairs, how->alpha,
				      sq_measure_margin(name, before, pairs, how->margin), seed);
	free(before);
	free(d);
	return json_pack("{s:s, s:o, s:I}", "metric", name, "difference",
			 sq_json_real(share ? least : expm1(least)), "pairs", (json_int_t)pairs);
}

json_t *sq_least_seen_json(const json_t *const *a, const json_t *const *b, size_t n,
			   const json_t *names, const struct sq_judging *how, uint64_t seed)
{
	/* Holm's first step, which the least p of all measures must pass. */
	struct sq_judging each = { how->alpha / (double)json_array_size(names), how->margin, 0 };
	json_t *list = json_array(), *name;
	size_t i;

	json_array_foreach(names, i, name)
		json_array_append_new(list,
				      one_json(a, b, n, json_string_value(name), &each, seed));
	return list;
}

void sq_least_seen_text(const json_t *list, struct sq_buf *out)
{
	const json_t *one;
	size_t i;

	sq_buf_puts(out, "the least difference that as many pairs would find, 8 times in 10:\n");
	json_array_foreach(list, i, one) {
		const char *name = sq_draw_text(one, "metric");
		const json_t *difference = json_object_get(one, "difference");

		sq_buf_printf(out, "  %-28s ", name);
		if (json_is_number(difference))
			sq_buf_printf(out, "%.2g %s\n", 100 * json_number_value(difference),
				      sq_measure_is_share(name) ? "points" : "%");
		else
			sq_buf_puts(out, "none: too few pairs to decide anything\n");
	}
}
