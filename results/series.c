/* Growing series.  Bins come nearly in order, so growth is nearly always at the end, where it is
 * amortised; in front it copies.  All kinds of cells are 8 bytes, which lets an array of cells
 * stand for an array of counts, of values or of histograms. */
#include "results/series.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"

/* 19 days at 100 ms.  What lies beyond is damage, and must not become an allocation. */
#define BIN_MAX (INT64_C(1) << 24)

_Static_assert(sizeof(union sq_cell) == sizeof(uint64_t) &&
		       sizeof(union sq_cell) == sizeof(double) &&
		       sizeof(union sq_cell) == sizeof(struct sq_hist *),
	       "cells of one size");

static void extend_front(struct sq_series *s, size_t by)
{
	union sq_cell *v = sq_alloc_n(s->n + by, sizeof(*v));

	for (size_t i = 0; i < by; i++)
		v[i] = s->fill;
	if (s->n)
		memcpy(v + by, s->v, s->n * sizeof(*v));
	free(s->v);
	s->v = v;
	s->n += by;
	s->cap = s->n;
	s->first -= (int64_t)by;
}

union sq_cell *sq_series_at(struct sq_series *s, int64_t bin)
{
	if (bin < -BIN_MAX || bin > BIN_MAX)
		return NULL;
	if (s->n == 0)
		s->first = bin;
	if (bin < s->first)
		extend_front(s, (size_t)(s->first - bin));
	while (bin - s->first >= (int64_t)s->n) {
		s->v = sq_grow(s->v, s->n, &s->cap, sizeof(*s->v));
		s->v[s->n++] = s->fill;
	}
	return &s->v[bin - s->first];
}

int sq_series_add(struct sq_series *s, const json_t *pairs, uint64_t *total)
{
	if (!json_is_array(pairs) || json_array_size(pairs) % 2)
		return -EINVAL;
	for (size_t i = 0; i < json_array_size(pairs); i += 2) {
		const json_t *bin = json_array_get(pairs, i), *n = json_array_get(pairs, i + 1);
		union sq_cell *cell;

		if (!json_is_integer(bin) || !json_is_integer(n) || json_integer_value(n) < 0)
			return -EINVAL;
		cell = sq_series_at(s, json_integer_value(bin));
		if (!cell)
			return -EINVAL;
		cell->count += (uint64_t)json_integer_value(n);
		*total += (uint64_t)json_integer_value(n);
	}
	return 0;
}

void sq_series_extent(const struct sq_series *s, int64_t *lo, int64_t *hi)
{
	int64_t last = s->first + (int64_t)s->n - 1;

	if (s->n == 0)
		return;
	if (s->first < *lo)
		*lo = s->first;
	if (last > *hi)
		*hi = last;
}

void *sq_series_take(struct sq_series *s, const struct sq_axis *axis)
{
	union sq_cell *all = sq_alloc_n(axis->n, sizeof(*all));

	for (size_t i = 0; i < axis->n; i++)
		all[i] = s->fill;
	if (s->n) {
		size_t at = (size_t)(s->first - axis->first_bin);

		assert(s->first >= axis->first_bin && at + s->n <= axis->n);
		memcpy(all + at, s->v, s->n * sizeof(*all));
	}
	free(s->v);
	*s = (struct sq_series){ .fill = s->fill };
	return all;
}
