/* What the loads came to, once the axis is known: finished series, the exemplars that are shown,
 * and an outcome for every operation.
 *
 * What a reader would get wrong: `scheduled` is never taken from one number of the file.  It is
 * the sum over its bins, and a bin in which more ended than was scheduled (a torn file) has
 * scheduled what ended; what has no outcome is "unfinished".  So scheduled equals the sum of all
 * outcomes, in each bin and in all. */
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "results/reader.h"

/* Each lane's first, then each lane's second ... */
static int by_rank(const void *a, const void *b)
{
	const struct sq_exemplar_draft *x = a, *y = b;

	if (x->rank != y->rank)
		return x->rank < y->rank ? -1 : 1;
	return (x->lane > y->lane) - (x->lane < y->lane);
}

static int by_due(const void *a, const void *b)
{
	const struct sq_exemplar_draft *x = a, *y = b;

	if (x->due_ns != y->due_ns)
		return x->due_ns < y->due_ns ? -1 : 1;
	return by_rank(a, b);
}

static json_t *choose_exemplars(struct sq_outcome_draft *o)
{
	json_t *list = json_array();
	size_t n = o->n_exemplars < SQ_READER_EXEMPLARS ? o->n_exemplars : SQ_READER_EXEMPLARS;

	if (n) {
		qsort(o->exemplars, o->n_exemplars, sizeof(*o->exemplars), by_rank);
		qsort(o->exemplars, n, sizeof(*o->exemplars), by_due);
	}
	for (size_t i = 0; i < n; i++)
		json_array_append(list, o->exemplars[i].row);
	return list;
}

static double *to_values(uint64_t *counts, size_t n)
{
	double *values = sq_alloc_n(n, sizeof(*values));

	for (size_t i = 0; i < n; i++)
		values[i] = (double)counts[i];
	free(counts);
	return values;
}

static void settle_outcome(struct sq_outcome_draft *o, size_t n_efforts, const struct sq_axis *axis)
{
	o->rec.series = sq_series_take(&o->bins, axis);
	for (size_t i = 0; i < n_efforts; i++)
		o->rec.effort_series[i] =
			to_values(sq_series_take(&o->effort_bins[i], axis), axis->n);
	o->rec.exemplars = choose_exemplars(o);
	sq_details_settle(&o->rec.details);
}

/* What ended in each bin; a bin has scheduled at least that. */
static void settle_scheduled(struct sq_load_draft *d, const struct sq_axis *axis)
{
	struct sq_load_rec *l = &d->rec;

	for (size_t i = 0; i < axis->n; i++) {
		uint64_t ended = 0;

		for (size_t k = 0; k < d->n_outcomes; k++)
			ended += d->outcomes[k].rec.series[i];
		if (l->scheduled_series[i] < ended)
			l->scheduled_series[i] = ended;
		l->scheduled += l->scheduled_series[i];
	}
}

static uint64_t unended(const struct sq_load_draft *d, size_t i)
{
	uint64_t rest = d->rec.scheduled_series[i];

	for (size_t k = 0; k < d->n_outcomes; k++)
		rest -= d->outcomes[k].rec.series[i];
	return rest;
}

static void add_unfinished(struct sq_load_draft *d, const struct sq_axis *axis)
{
	for (size_t i = 0; i < axis->n; i++) {
		int64_t bin_ns = (axis->first_bin + (int64_t)i) * axis->bin_ns;
		uint64_t rest = unended(d, i);
		struct sq_outcome_draft *o;

		if (rest == 0)
			continue;
		o = sq_reader_outcome(d, "unfinished", "", SQ_CLASS_CANCELED);
		if (!o->rec.series)
			settle_outcome(o, d->rec.n_efforts, axis);
		o->rec.series[i] += rest;
		o->rec.count += rest;
		if (bin_ns < o->rec.first_ns)
			o->rec.first_ns = bin_ns;
		o->rec.last_ns = bin_ns;
	}
}

static int outcome_group(const struct sq_outcome_rec *o)
{
	if (o->class == SQ_CLASS_OK)
		return 0;
	return sq_class_is_failure(o->class) ? 1 : 2;
}

/* Successes, failures, what is nobody's; the most frequent first. */
static int by_weight(const void *a, const void *b)
{
	const struct sq_outcome_rec *x = a, *y = b;
	int order = outcome_group(x) - outcome_group(y);

	if (order)
		return order;
	if (x->count != y->count)
		return x->count > y->count ? -1 : 1;
	order = strcmp(x->code, y->code);
	return order ? order : strcmp(x->phase, y->phase);
}

static void hand_over_outcomes(struct sq_load_draft *d)
{
	struct sq_load_rec *l = &d->rec;

	l->outcomes = sq_alloc_n(d->n_outcomes, sizeof(*l->outcomes));
	for (size_t i = 0; i < d->n_outcomes; i++) {
		struct sq_outcome_rec *o = &d->outcomes[i].rec;

		if (o->count == 0)
			continue;
		l->outcomes[l->n_outcomes++] = *o;
		memset(o, 0, sizeof(*o));
	}
	qsort(l->outcomes, l->n_outcomes, sizeof(*l->outcomes), by_weight);
}

/* When it came to its count: with the last due time, or the last end. */
static int64_t count_end_ns(const struct sq_load_draft *d)
{
	int64_t end_ns = d->end_done ? d->done_ns : 0;

	for (size_t i = 0; i < d->rec.n_outcomes; i++)
		if (d->rec.outcomes[i].last_ns > end_ns)
			end_ns = d->rec.outcomes[i].last_ns;
	return end_ns;
}

static int64_t stop_ns(const struct sq_load_rec *l, const struct sq_axis *axis)
{
	int64_t end_ns = l->at_ns;

	for (size_t i = 0; i < axis->n; i++)
		if (l->scheduled_series[i])
			end_ns = (axis->first_bin + (int64_t)i + 1) * axis->bin_ns;
	return end_ns;
}

/* The planned duration, or what it came to of a load that ended before, by its count or with its run. */
static void settle_duration(struct sq_load_draft *d, const struct sq_run *run)
{
	struct sq_load_rec *l = &d->rec;
	int64_t end_ns;

	if (d->end_count > 0 && l->scheduled >= d->end_count)
		end_ns = count_end_ns(d);
	else if (l->duration_ns > 0 && strcmp(run->outcome, "completed") == 0)
		return;
	else
		end_ns = stop_ns(l, &run->axis);
	if (l->duration_ns <= 0 || end_ns - l->at_ns < l->duration_ns)
		l->duration_ns = end_ns - l->at_ns;
}

static void settle_bursts(struct sq_load_draft *d)
{
	if (d->n_bursts)
		d->rec.emission = sq_hist_new(SQ_HIST_FINE);
	for (size_t i = 0; i < d->n_bursts; i++)
		sq_hist_record(d->rec.emission, d->bursts[i].last_ns - d->bursts[i].first_ns);
}

static void settle_load(struct sq_load_draft *d, const struct sq_run *run)
{
	struct sq_load_rec *l = &d->rec;

	for (size_t i = 0; i < d->n_outcomes; i++)
		settle_outcome(&d->outcomes[i], l->n_efforts, &run->axis);
	for (size_t i = 0; i < l->n_accepted; i++)
		sq_accepted_settle(&l->accepted[i]);
	l->scheduled_series = sq_series_take(&d->scheduled, &run->axis);
	l->sent_series = sq_series_take(&d->sent, &run->axis);
	l->bin_latency = sq_series_take(&d->latency, &run->axis);
	l->lag_max_s = sq_series_take(&d->lag_max, &run->axis);
	settle_bursts(d);
	settle_scheduled(d, &run->axis);
	add_unfinished(d, &run->axis);
	hand_over_outcomes(d);
	settle_duration(d, run);
}

void sq_reader_loads_settle(struct sq_reader *r)
{
	struct sq_run *run = r->run;

	run->loads = sq_alloc_n(r->n_loads, sizeof(*run->loads));
	for (size_t i = 0; i < r->n_loads; i++) {
		settle_load(&r->loads[i], run);
		run->loads[run->n_loads++] = r->loads[i].rec;
		memset(&r->loads[i].rec, 0, sizeof(r->loads[i].rec));
	}
}
