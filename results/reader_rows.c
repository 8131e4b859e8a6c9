/* Rows on the run's axis: what was written when it changed, spread out to one sample a bin again.
 *
 * What a reader would get wrong:
 * - A value holds from tick to tick, but only where there is a tick: a bin in which no reading
 *   ended has none, and a bin in which its source failed has none either, whatever came before.
 * - The gap record of a source follows the tick of the same reading, so gaps are cut out last.
 * - Of 500 rows 60 move.  An hour of the others at 10 Hz would be 127 MB of the same numbers, so
 *   that rows which read the same all the time have their samples in common. */
#include <assert.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "results/reader.h"

void sq_reader_row_read(struct sq_metric_draft *m, int64_t bin)
{
	struct sq_metric_rec *rec = &m->rec;
	double value = m->base + m->value - m->zero;

	rec->last = value;
	rec->delta = value - rec->first;
	if (!(rec->min <= value))
		rec->min = value;
	if (!(rec->max >= value))
		rec->max = value;
	if (m->n_changes == 0 || m->changes[m->n_changes - 1].bin != bin) {
		m->changes =
			sq_grow(m->changes, m->n_changes, &m->cap_changes, sizeof(*m->changes));
		m->changes[m->n_changes++].bin = bin;
	}
	m->changes[m->n_changes - 1].value = value;
}

/* A counter that begins above 0 was not there at the ticks before: it stood at 0 then. */
static bool begins_late(const struct sq_metric_draft *m)
{
	return m->rec.kind == SQ_COUNTER && m->n_changes && m->changes[0].value > 0;
}

static void cut_gaps(const struct sq_capture_draft *c, size_t part, const char *source,
		     const struct sq_axis *axis, double *samples)
{
	for (size_t i = 0; i < c->n_gaps; i++) {
		int64_t at = c->gaps[i].bin - axis->first_bin;

		if (at >= 0 && at < (int64_t)axis->n && c->gaps[i].part == part &&
		    strcmp(c->gaps[i].source, source) == 0)
			samples[at] = NAN;
	}
}

static double *lay_out(const struct sq_metric_draft *m, const struct sq_capture_draft *c,
		       size_t part, const struct sq_axis *axis)
{
	const struct sq_series *ticks = &c->parts[part].ticks;
	double *samples = sq_alloc_n(axis->n, sizeof(*samples));
	double value = begins_late(m) ? 0 : NAN;
	size_t k = 0;

	for (size_t i = 0; i < axis->n; i++)
		samples[i] = NAN;
	for (size_t i = 0; i < ticks->n; i++) {
		int64_t bin = ticks->first + (int64_t)i;

		while (k < m->n_changes && m->changes[k].bin <= bin)
			value = m->changes[k++].value;
		if (ticks->v[i].count)
			samples[bin - axis->first_bin] = value;
	}
	cut_gaps(c, part, m->rec.source, axis, samples);
	return samples;
}

static bool has_gaps(const struct sq_capture_draft *c, const char *source)
{
	for (size_t i = 0; i < c->n_gaps; i++)
		if (strcmp(c->gaps[i].source, source) == 0)
			return true;
	return false;
}

static bool is_constant(const struct sq_metric_draft *m)
{
	return m->n_changes == 0 || (m->n_changes == 1 && !begins_late(m));
}

static bool same_constant(const struct sq_metric_draft *a, const struct sq_metric_draft *b)
{
	if (a->n_changes != b->n_changes || a->n_changes == 0)
		return a->n_changes == b->n_changes;
	assert(a->changes && b->changes);
	return a->changes[0].bin == b->changes[0].bin && a->changes[0].value == b->changes[0].value;
}

/* An earlier constant row of the same part that read the same; NULL: none. */
static struct sq_metric_draft *twin_of(const struct sq_reader *r, const struct sq_part_draft *p,
				       size_t n, const struct sq_metric_draft *m)
{
	for (size_t i = 0; i < n; i++) {
		struct sq_metric_draft *other = &r->metrics[p->metrics[i]];

		if (other->keeps && same_constant(other, m))
			return other;
	}
	return NULL;
}

static void settle_part(const struct sq_reader *r, const struct sq_capture_draft *c, size_t part)
{
	const struct sq_part_draft *p = &c->parts[part];

	for (size_t i = 0; i < p->n; i++) {
		struct sq_metric_draft *m = &r->metrics[p->metrics[i]], *twin = NULL;
		bool plain = is_constant(m) && !has_gaps(c, m->rec.source);

		if (plain)
			twin = twin_of(r, p, i, m);
		m->keeps = plain && !twin;
		m->rec.shared = twin != NULL;
		m->rec.samples = twin ? twin->rec.samples : lay_out(m, c, part, &r->run->axis);
		if (m->keeps) /* those after it are held against it */
			continue;
		free(m->changes);
		m->changes = NULL;
	}
}

void sq_reader_rows_settle(struct sq_reader *r)
{
	struct sq_run *run = r->run;

	for (size_t i = 0; i < r->n_captures; i++)
		for (size_t k = 0; k < r->captures[i].n_parts; k++)
			settle_part(r, &r->captures[i], k);
	run->metrics = sq_alloc_n(r->n_metrics, sizeof(*run->metrics));
	for (size_t i = 0; i < r->n_metrics; i++) {
		struct sq_metric_rec *m = &r->metrics[i].rec;

		while (m->from < run->axis.n && isnan(m->samples[m->from]))
			m->from++;
		run->metrics[run->n_metrics++] = *m;
		memset(m, 0, sizeof(*m));
	}
}
