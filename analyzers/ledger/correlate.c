/* Lagged correlation of failures that nothing explains, by due time, with the rises of counters.
 *
 * What a reader would get wrong:
 * - What a load asks for drives both its failures and most counters.  So what follows the number of
 *   operations that were due is taken out of both first (least squares); failures that keep step
 *   with the load altogether have nothing left to rank counters by.
 * - Series remember: shuffled bins would call everything significant.  p is the share of all circular
 *   shifts of a series that do as well.  r is the largest of several lags, and as many shifts have the
 *   same peak among theirs: p is never below lags / bins.  (Leaving these shifts out of the count told
 *   a counter of chance in 6 of 20 runs, not in one.)  So a short run can't rank many counters.
 * - q is over all pairs of the run (Benjamini and Hochberg): of those told, one in twenty is chance. */
#include "analyzers/ledger/correlate.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "analyzers/ledger/fft.h"
#include "analyzers/ledger/frame.h"
#include "base/clock.h"
#include "base/mem.h"

enum {
	FINE_POINTS = 20000, /* half an hour at 100 ms; longer runs in bins ten times as wide */
	MOST_TOLD = 20,      /* of one failure */
};

static const double told_q = 0.05;
static const int64_t latest_ns = SQ_SEC / 2; /* a counter rises with a failure, or so long after */

/* The load's own time, cut into points. */
struct window {
	size_t first, step, n; /* of the run's bins; points */
	int64_t point_ns;
	size_t lags; /* looked at: 0, 1 .. points */
};

struct pair {
	const struct sq_entry *entry;
	const struct sq_metric_rec *metric;
	double lag_s, r, p, q;
};

struct pairs {
	struct pair *v;
	size_t n, cap;
};

static struct window window_of(const struct sq_run *run, const struct sq_load_rec *load)
{
	const struct sq_axis *axis = &run->axis;
	int64_t from = load->at_ns / axis->bin_ns - axis->first_bin;
	int64_t to = (load->at_ns + load->duration_ns + axis->bin_ns - 1) / axis->bin_ns -
		     axis->first_bin;
	struct window w = { .step = 1 };
	size_t n;

	from = from < 0 ? 0 : from;
	to = to > (int64_t)axis->n ? (int64_t)axis->n : to;
	n = to > from ? (size_t)(to - from) : 0;
	w.first = (size_t)from;
	while (n / w.step > FINE_POINTS)
		w.step *= 10;
	w.n = n / w.step;
	w.point_ns = axis->bin_ns * (int64_t)w.step;
	w.lags = 1 + (size_t)((latest_ns + w.point_ns - 1) / w.point_ns);
	return w;
}

static double *points_from_counts(const struct window *w, const uint64_t *counts)
{
	double *v = sq_alloc_n(w->n + 1, sizeof(*v));

	for (size_t i = 0; i < w->n * w->step; i++)
		v[i / w->step] += (double)counts[w->first + i];
	return v;
}

/* A rise over a gap is spread over all of it: when in it the counter rose is not known. */
static double *points_from_rises(const struct sq_run *run, const struct window *w,
				 const struct sq_metric_rec *m)
{
	double *v = sq_alloc_n(w->n + 1, sizeof(*v)), before = 0;
	size_t next = m->from; /* the first bin since the reading before */

	for (size_t i = m->from; i < run->axis.n; i++) {
		double rise = (m->samples[i] - before) / (double)(i + 1 - next);

		if (isnan(m->samples[i]))
			continue;
		for (; next <= i; next++)
			if (next >= w->first && next < w->first + w->n * w->step)
				v[(next - w->first) / w->step] += rise;
		before = m->samples[i];
	}
	return v;
}

static double dot(const double *a, const double *b, size_t n)
{
	double sum = 0;

	for (size_t i = 0; i < n; i++)
		sum += a[i] * b[i];
	return sum;
}

static void center(double *v, size_t n)
{
	double mean = 0;

	for (size_t i = 0; i < n; i++)
		mean += v[i] / (double)n;
	for (size_t i = 0; i < n; i++)
		v[i] -= mean;
}

/* Takes out what follows the centred driver, and scales what is left to a length of 1.  False when
 * next to nothing is. */
static bool settle(double *v, const double *driver, size_t n)
{
	double of_driver = dot(driver, driver, n), whole, slope, left;

	center(v, n);
	whole = dot(v, v, n);
	slope = of_driver > 0 ? dot(v, driver, n) / of_driver : 0;
	for (size_t i = 0; i < n; i++)
		v[i] -= slope * driver[i];
	left = dot(v, v, n);
	if (!(left > 1e-9 * whole))
		return false;
	for (size_t i = 0; i < n; i++)
		v[i] /= sqrt(left);
	return true;
}

/* The largest of r at the lags of a shift; *ret_lag is the lag. */
static double best_at(const struct window *w, const double *r, size_t shift, size_t *ret_lag)
{
	double best = -INFINITY;

	for (size_t lag = 0; lag < w->lags; lag++) {
		size_t at = shift + lag < w->n ? shift + lag : shift + lag - w->n;

		if (r[at] > best) {
			best = r[at];
			*ret_lag = lag;
		}
	}
	return best;
}

static struct pair rank(const struct window *w, const double *r)
{
	size_t lag = 0, other, as_good = 0;
	struct pair p = { .r = best_at(w, r, 0, &lag) };

	for (size_t shift = 0; shift < w->n; shift++)
		as_good += best_at(w, r, shift, &other) >= p.r - 1e-12;
	p.lag_s = sq_seconds((int64_t)lag * w->point_ns);
	p.p = (double)as_good / (double)w->n;
	return p;
}

static bool names(const struct sq_strings *list, const char *metric)
{
	for (size_t i = 0; i < list->n; i++) {
		if (strcmp(list->v[i], metric) == 0)
			return true;
	}
	return false;
}

static bool rule_names(const struct sq_rule *rule, const char *metric)
{
	for (size_t i = 0; i < rule->counters.n; i++) {
		const struct sq_rule_counter *c = sq_rule_counter(rule, i);

		if (names(&c->names, metric) || names(&c->also, metric) || names(&c->less, metric))
			return true;
	}
	return false;
}

/* Has a finding of this failure used the counter? */
static bool used(const struct sq_rule_table *rules, const struct sq_findings *f,
		 const struct sq_entry *e, const struct sq_metric_rec *m)
{
	for (size_t i = 0; i < f->n; i++) {
		if (!sq_same_text(f->v[i].load, e->load->name) ||
		    strcmp(f->v[i].failure, e->failure) != 0 || strcmp(f->v[i].host, m->host) != 0)
			continue;
		for (size_t k = 0; k < rules->n; k++)
			if (strcmp(rules->v[k].id, f->v[i].mechanism) == 0 &&
			    rule_names(&rules->v[k], m->metric))
				return true;
	}
	return false;
}

static void add_pair(struct pairs *pairs, struct pair p, const struct sq_entry *e,
		     const struct sq_metric_rec *m)
{
	p.entry = e;
	p.metric = m;
	pairs->v = sq_grow(pairs->v, pairs->n, &pairs->cap, sizeof(*pairs->v));
	pairs->v[pairs->n++] = p;
}

/* One failure against every counter that moved. */
static void rank_all(const struct sq_book *book, const struct sq_rule_table *rules,
		     const struct sq_findings *f, const struct sq_entry *e, const struct window *w,
		     struct pairs *pairs)
{
	const struct sq_run *run = book->run;
	double *driver = points_from_counts(w, e->load->scheduled_series);
	double *failures = points_from_counts(w, e->left), *r = sq_alloc_n(w->n, sizeof(*r));
	struct sq_fft *fft = sq_fft_new(w->n);
	double *spectrum = NULL;

	center(driver, w->n);
	if (settle(failures, driver, w->n))
		spectrum = sq_fft_spectrum(fft, failures);
	for (size_t i = 0; spectrum && i < run->n_metrics; i++) {
		const struct sq_metric_rec *m = &run->metrics[i];
		double *rises, *of_rises;

		if (m->kind != SQ_COUNTER || !(m->delta > 0) || sq_is_effect(m->metric) ||
		    used(rules, f, e, m))
			continue;
		rises = points_from_rises(run, w, m);
		if (settle(rises, driver, w->n)) {
			of_rises = sq_fft_spectrum(fft, rises);
			sq_fft_products(fft, spectrum, of_rises, r);
			add_pair(pairs, rank(w, r), e, m);
			free(of_rises);
		}
		free(rises);
	}
	free(spectrum);
	sq_fft_free(fft);
	free(driver);
	free(failures);
	free(r);
}

static int by_p(const void *a, const void *b)
{
	const struct pair *x = a, *y = b;

	if (x->p != y->p)
		return x->p < y->p ? -1 : 1;
	if (x->r != y->r)
		return x->r > y->r ? -1 : 1;
	if (x->entry != y->entry)
		return x->entry < y->entry ? -1 : 1;
	return (x->metric > y->metric) - (x->metric < y->metric);
}

/* Benjamini and Hochberg: the least share of chance among all that are told with this one. */
static void set_q(struct pairs *pairs)
{
	double least = 1;

	if (pairs->n)
		qsort(pairs->v, pairs->n, sizeof(*pairs->v), by_p);
	for (size_t i = pairs->n; i-- > 0;) {
		least = fmin(least, pairs->v[i].p * (double)pairs->n / (double)(i + 1));
		pairs->v[i].q = least;
	}
}

static size_t tell(const struct pairs *pairs, const struct sq_entry *e, struct sq_findings *f)
{
	size_t told = 0;

	for (size_t i = 0; i < pairs->n && told < MOST_TOLD; i++) {
		const struct pair *p = &pairs->v[i];
		struct sq_mover *m;

		if (p->entry != e || p->q > told_q || p->r <= 0)
			continue;
		m = sq_findings_mover(f, e->load->name, e->failure, p->metric->host,
				      p->metric->metric, p->metric->instance);
		m->lag_s = p->lag_s;
		m->r = p->r;
		m->p = p->p;
		m->q = p->q;
		told++;
	}
	return told;
}

/* One counter alone can't be told from chance when even the least p there is, times all pairs, is
 * too much. */
static void note_short(const struct window *w, const struct sq_entry *e, size_t n_pairs,
		       struct sq_findings *f)
{
	double points = ceil((double)(w->lags * n_pairs) / told_q);
	char *because;

	if ((double)w->n >= points)
		return;
	because = sq_printf_dup("%s of %s: %zu bins of %g s are too few to tell which of %zu "
				"counters moves with it from chance; a load of %.0f s has enough",
				e->failure, e->load->name, w->n, sq_seconds(w->point_ns), n_pairs,
				points * sq_seconds(w->point_ns));
	sq_findings_not_examined(f, "moves_with", NULL, because);
	free(because);
}

void sq_correlate(const struct sq_book *book, const struct sq_rule_table *rules,
		  struct sq_findings *f)
{
	struct pairs pairs = { 0 };

	for (size_t i = 0; i < book->n; i++) {
		const struct sq_entry *e = &book->v[i];
		struct window w = window_of(book->run, e->load);

		if (e->explained < e->outcome->count && w.n > w.lags)
			rank_all(book, rules, f, e, &w, &pairs);
	}
	set_q(&pairs);
	for (size_t i = 0; i < book->n; i++) {
		struct window w = window_of(book->run, book->v[i].load);

		if (book->v[i].explained < book->v[i].outcome->count &&
		    tell(&pairs, &book->v[i], f) == 0)
			note_short(&w, &book->v[i], pairs.n, f);
	}
	free(pairs.v);
}
