/* Rows on the run's axis: what was written when it changed, spread out to one sample a bin again.
 *
 * What a reader would get wrong:
 * - A value holds from tick to tick, but only where there is a tick: a bin in which no reading
 *   ended has none, and a bin in which its source failed has none either, whatever came before.
 * - A source that is read more rarely than others has values in the bins of its own readings alone: what
 *   it counted between them came at no time that is known, and zeros there would say otherwise.
 * - The gap record of a source follows the tick of the same reading, so gaps are cut out last.
 * - Of 500 rows 60 move.  An hour of the others at 10 Hz would be 127 MB of the same numbers, so
 *   that rows which read the same all the time have their samples in common. */
#include <assert.h>
#include <errno.h>
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

static struct sq_unread_draft *unread_of(const struct sq_part_draft *p, const char *source)
{
	for (size_t i = 0; i < p->n_unread; i++)
		if (strcmp(p->unread[i].source, source) == 0)
			return &p->unread[i];
	return NULL;
}

int sq_reader_unread(struct sq_part_draft *p, const json_t *unread, int64_t bin)
{
	const json_t *name;
	size_t i;

	json_array_foreach(unread, i, name) {
		const char *source = json_string_value(name);
		struct sq_unread_draft *u = source ? unread_of(p, source) : NULL;
		union sq_cell *cell;

		if (!source)
			return -EINVAL;
		if (!u) {
			p->unread =
				sq_grow(p->unread, p->n_unread, &p->cap_unread, sizeof(*p->unread));
			u = &p->unread[p->n_unread++];
			*u = (struct sq_unread_draft){ .source = sq_strdup(source) };
		}
		cell = sq_series_at(&u->ticks, bin);
		if (!cell)
			return -EINVAL;
		cell->count++;
	}
	return 0;
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

/* Bins in which no tick read it. */
static void cut_unread(const struct sq_part_draft *p, const char *source,
		       const struct sq_axis *axis, double *samples)
{
	const struct sq_unread_draft *u = unread_of(p, source);

	for (size_t i = 0; u && i < u->ticks.n; i++) {
		int64_t bin = u->ticks.first + (int64_t)i;

		if (u->ticks.v[i].count &&
		    u->ticks.v[i].count >= p->ticks.v[bin - p->ticks.first].count)
			samples[bin - axis->first_bin] = NAN;
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
	cut_unread(&c->parts[part], m->rec.source, axis, samples);
	cut_gaps(c, part, m->rec.source, axis, samples);
	return samples;
}

/* Whether a source has no value in bins of its part that others have one in. */
static bool has_gaps(const struct sq_capture_draft *c, const struct sq_part_draft *p,
		     const char *source)
{
	if (unread_of(p, source))
		return true;
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

/* An earlier constant row of the same part that read the same, in the same bins; NULL: none. */
static struct sq_metric_draft *twin_of(const struct sq_reader *r, const struct sq_part_draft *p,
				       size_t n, const struct sq_metric_draft *m)
{
	for (size_t i = 0; i < n; i++) {
		struct sq_metric_draft *other = &r->metrics[p->metrics[i]];

		if (other->keeps && same_constant(other, m) &&
		    (strcmp(other->rec.source, m->rec.source) == 0 || (!other->gaps && !m->gaps)))
			return other;
	}
	return NULL;
}

static void settle_part(const struct sq_reader *r, const struct sq_capture_draft *c, size_t part)
{
	const struct sq_part_draft *p = &c->parts[part];

	for (size_t i = 0; i < p->n; i++) {
		struct sq_metric_draft *m = &r->metrics[p->metrics[i]], *twin = NULL;

		m->gaps = has_gaps(c, p, m->rec.source);
		if (is_constant(m))
			twin = twin_of(r, p, i, m);
		m->keeps = is_constant(m) && !twin;
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
