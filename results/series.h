/* A series by bins whose ends are not known yet: it grows wherever something is put. */
#ifndef SQ_RESULTS_SERIES_H
#define SQ_RESULTS_SERIES_H

#include <stddef.h>
#include <stdint.h>

#include <jansson.h>

#include "results/run.h"

union sq_cell {
	uint64_t count;
	double value;
	struct sq_hist *hist;
};

struct sq_series {
	union sq_cell fill; /* what a bin holds that nothing was put in */
	int64_t first;      /* the bin of v[0] */
	size_t n, cap;
	union sq_cell *v;
};

/* The cell of a bin, made when missing; NULL for a bin that no run can have (damaged files). */
union sq_cell *sq_series_at(struct sq_series *s, int64_t bin);

/* Adds [bin, n, bin, n ...] to counts, and all n to *total.  -EINVAL when it is no such list. */
int sq_series_add(struct sq_series *s, const json_t *pairs, uint64_t *total);

/* Makes lo..hi cover it. */
void sq_series_extent(const struct sq_series *s, int64_t *lo, int64_t *hi);

/* axis->n cells of their own (the same as an array of one member's type); the series is empty
 * after it. The axis must cover it. */
void *sq_series_take(struct sq_series *s, const struct sq_axis *axis);

#endif
