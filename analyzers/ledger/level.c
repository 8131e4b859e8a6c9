/* When a rule's levels stood.
 *
 * What a reader would get wrong:
 * - A gauge is looked at ten times a second at best: between two readings it is taken to have been as far as
 *   the further of the two, so that a short crossing is not lost at its edges.
 * - A rate over one reading is noise (a processor's time comes in steps of 10 ms): it is taken over a second, and
 *   stands or does not for as much of that second as the counter rose in.
 * - A gauge and its limit are rows of the same instance: a process at its own limit, not at another's.  Where
 *   one row stands for all (cpu.idle beside cpu.idle of cpu0), it is the one that is meant. */
#include "analyzers/ledger/level.h"

#include <ctype.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "analyzers/ledger/supply.h"
#include "base/buf.h"
#include "base/clock.h"
#include "base/mem.h"

static const struct sq_rule_level *level_of(const struct sq_rule *rule, size_t i)
{
	return (const struct sq_rule_level *)rule->levels.v + i;
}

/* A row that stands for all of them counts in their place. */
static bool is_named(const struct sq_run *run, const struct sq_rule_level *l,
		     const struct sq_metric_rec *m, const char *host)
{
	for (size_t i = 0; i < l->names.n; i++) {
		if (strcmp(m->metric, l->names.v[i]) == 0 && strcmp(m->host, host) == 0)
			return !m->instance || !sq_run_find_metric(run, host, m->metric, NULL);
	}
	return false;
}

/* What the level's words come to; NAN: not known. */
static double limit_of(const struct sq_run *run, const struct sq_rule_level *l, const char *host)
{
	const struct sq_topic topic = { .run = run, .host = host, .needed = NAN };
	struct sq_buf b = { 0 };
	double limit = NAN;

	sq_topic_expand(&topic, l->limit, &b);
	if (isdigit((unsigned char)b.data[0]))
		limit = strtod(b.data, NULL);
	sq_buf_fini(&b);
	return limit;
}

/* One row under one level. */
struct view {
	const struct sq_run *run;
	const struct sq_rule_level *level;
	const struct sq_metric_rec *m, *limits; /* limits: NULL where the limit is a number */
	double limit;                           /* NAN: not known (yet) */
	bool *stands;
	struct sq_peak *peak;
};

/* From one reading to another the row was at `value`. */
static void judge(struct view *v, size_t from, size_t to, double value)
{
	const struct sq_rule_level *l = v->level;
	struct sq_peak *p = v->peak;
	double there = value * l->times;
	bool further = l->below ? there * p->limit < p->value * l->times * v->limit
				: there * p->limit > p->value * l->times * v->limit;

	if (isnan(v->limit))
		return;
	if (isnan(p->value) || further)
		*p = (struct sq_peak){ value, v->limit, v->m->instance };
	for (size_t i = from; i <= to && (l->below ? there <= v->limit : there >= v->limit); i++)
		v->stands[i] = true;
}

static void judge_gauge(struct view *v)
{
	size_t before = v->run->axis.n;

	for (size_t i = 0; i < v->run->axis.n; i++) {
		double value = v->m->samples[i];

		if (v->limits && !isnan(v->limits->samples[i]))
			v->limit = v->limits->samples[i];
		if (isnan(value))
			continue;
		judge(v, i, i, value);
		if (before < v->run->axis.n) {
			judge(v, before, i, value);
			judge(v, before, i, v->m->samples[before]);
		}
		before = i;
	}
}

/* Of a second in which a counter rose: from before its first rise to its last. */
static void narrow(const double *samples, size_t *from, size_t *to)
{
	double first = samples[*from], last = samples[*to];

	while (*from + 1 < *to && !(samples[*from + 1] > first)) /* a gap is no rise */
		++*from;
	while (*to > *from + 1 && !(samples[*to - 1] < last))
		--*to;
}

static double rate_of(const struct sq_run *run, const struct sq_metric_rec *m, size_t from,
		      size_t to)
{
	return (m->samples[to] - m->samples[from]) /
	       sq_seconds((int64_t)(to - from) * run->axis.bin_ns);
}

static void judge_rate(struct view *v)
{
	size_t second = (size_t)(SQ_SEC / v->run->axis.bin_ns), from = 0;

	second = second ? second : 1;
	for (size_t i = 0; i < v->run->axis.n; i++) {
		size_t next = from, a, b;
		double rate;

		if (isnan(v->m->samples[i]))
			continue;
		while (++next + second <= i)
			if (!isnan(v->m->samples[next]))
				from = next;
		if (i < from + second || isnan(v->m->samples[from]))
			continue;
		a = from;
		b = i;
		rate = rate_of(v->run, v->m, a, b);
		if (v->limits)
			v->limit = rate_of(v->run, v->limits, a, b);
		if (!v->level->below)
			narrow(v->m->samples, &a, &b);
		judge(v, a + 1, b, rate);
	}
}

static void judge_row(struct view *v)
{
	if (v->level->rate)
		judge_rate(v);
	else
		judge_gauge(v);
}

/* All named rows as one; NAN where none was read. */
static void judge_sum(struct view *v, const char *host)
{
	size_t n = v->run->axis.n;
	struct sq_metric_rec sum = { .samples = sq_alloc_n(n + 1, sizeof(*sum.samples)) };

	for (size_t i = 0; i < n; i++)
		sum.samples[i] = NAN;
	for (size_t k = 0; k < v->run->n_metrics; k++) {
		const struct sq_metric_rec *m = &v->run->metrics[k];

		for (size_t i = 0; i < n && is_named(v->run, v->level, m, host); i++) {
			if (!isnan(m->samples[i]))
				sum.samples[i] = m->samples[i] +
						 (isnan(sum.samples[i]) ? 0 : sum.samples[i]);
		}
	}
	v->m = &sum;
	judge_row(v);
	free(sum.samples);
}

static void read_level(const struct sq_run *run, const struct sq_rule_level *l, const char *host,
		       bool *stands, struct sq_peak *peak)
{
	struct view v = { .run = run, .level = l, .limit = NAN, .peak = peak };

	v.stands = stands;
	*peak = (struct sq_peak){ NAN, NAN, NULL };
	if (l->limit)
		v.limit = limit_of(run, l, host);
	if (l->sum)
		judge_sum(&v, host);
	for (size_t i = 0; i < run->n_metrics && !l->sum; i++) {
		v.m = &run->metrics[i];
		if (!is_named(run, l, v.m, host))
			continue;
		if (l->limit_gauge)
			v.limits = sq_run_find_metric(run, host, l->limit_gauge, v.m->instance);
		judge_row(&v);
	}
}

/* Of this role; and of two of which one stands in for the other, the one that does.  Levels are read in order. */
static bool is_asked(const struct sq_levels *l, size_t level)
{
	if (l->role != SQ_SIDE_EITHER && !sq_side_has(level_of(l->rule, level)->side, l->role))
		return false;
	return !level_of(l->rule, level)->fallback || isnan(l->peaks[level - 1].value);
}

/* It was not read, and the next one stands in for it. */
static bool is_replaced(const struct sq_levels *l, size_t level)
{
	return isnan(l->peaks[level].value) && level + 1 < l->rule->levels.n &&
	       level_of(l->rule, level + 1)->fallback;
}

struct sq_levels sq_levels_read(const struct sq_run *run, const struct sq_rule *rule,
				const char *host, int role)
{
	struct sq_levels out = { .rule = rule,
				 .role = role,
				 .stand = sq_alloc_n(run->axis.n + 1, sizeof(bool)),
				 .peaks = sq_alloc_n(rule->levels.n + 1, sizeof(*out.peaks)) };

	memset(out.stand, true, run->axis.n);
	for (size_t k = 0; k < rule->levels.n; k++) {
		bool *stands;

		if (!is_asked(&out, k)) {
			out.peaks[k].value = NAN;
			continue;
		}
		out.asked = true;
		stands = sq_alloc_n(run->axis.n + 1, sizeof(*stands));
		read_level(run, level_of(rule, k), host, stands, &out.peaks[k]);
		for (size_t i = 0; i < run->axis.n && !is_replaced(&out, k); i++)
			out.stand[i] &= stands[i];
		free(stands);
	}
	return out;
}

void sq_levels_fini(struct sq_levels *l)
{
	free(l->stand);
	free(l->peaks);
	*l = (struct sq_levels){ 0 };
}

char *sq_levels_because(const struct sq_run *run, const struct sq_rule *rule, const char *host,
			int role)
{
	struct sq_levels l;
	char *because = NULL;

	if (!sq_frame_captured(run, host))
		return sq_printf_dup("no counters of %s were captured", host);
	l = sq_levels_read(run, rule, host, role);
	for (size_t k = 0; k < rule->levels.n && !because; k++) {
		const char *name = level_of(rule, k)->names.v[0];
		const char *absent;

		if (!isnan(l.peaks[k].value) || !is_asked(&l, k) || is_replaced(&l, k))
			continue;
		absent = sq_supply_absent(run, host, name);
		because =
			absent ? sq_printf_dup("%s was not captured on %s: %s", name, host, absent)
			       : sq_printf_dup("%s, or its limit, was not captured on %s", name,
					       host);
	}
	sq_levels_fini(&l);
	return because;
}

bool sq_levels_stood(const struct sq_run *run, const struct sq_levels *l, size_t from, size_t to)
{
	for (size_t i = from; i <= to && i < run->axis.n; i++) {
		if (l->stand[i])
			return true;
	}
	return false;
}

/* A reading says that something rose since the one before, but not when: either end will do. */
void sq_levels_mask(const struct sq_run *run, const struct sq_levels *l, struct sq_readings *r)
{
	int64_t start = sq_frame_bin_ns(run, 0);

	for (size_t i = 0; i < r->n; i++) {
		int64_t from = (r->v[i].from_ns - start) / run->axis.bin_ns;
		int64_t to = (r->v[i].to_ns - start) / run->axis.bin_ns;

		if (sq_levels_stood(run, l, from > 0 ? (size_t)from : 0, to > 0 ? (size_t)to : 0))
			continue;
		r->total -= r->v[i].rise;
		r->v[i].rise = 0;
	}
}

void sq_levels_say(const struct sq_levels *l, const struct sq_topic *topic, json_t *evidence)
{
	struct sq_buf b = { 0 };

	for (size_t k = 0; k < l->rule->levels.n; k++) {
		struct sq_topic at = *topic;

		if (!is_asked(l, k) || is_replaced(l, k))
			continue;
		at.value = l->peaks[k].value;
		at.limit = l->peaks[k].limit;
		at.row = l->peaks[k].row;
		sq_topic_expand(&at, level_of(l->rule, k)->text, &b);
		json_array_append_new(evidence, json_string(b.data));
		sq_buf_reset(&b);
	}
	sq_buf_fini(&b);
}

/* ---- the target's queue meanwhile ---- */

static bool is_queue_of(const struct sq_metric_rec *m, const char *host,
			const struct sq_load_rec *load)
{
	if (!m->instance || strcmp(m->host, host) != 0 ||
	    (strcmp(m->metric, "listen.queue") != 0 && strcmp(m->metric, "udp.rx_queue") != 0))
		return false;
	for (size_t i = 0; i < load->n_targets; i++) {
		if (sq_frame_stands(&load->targets[i], host) &&
		    sq_frame_serves(m->instance, sq_frame_address(&load->targets[i])))
			return true;
	}
	return false;
}

/* At the edges of a level it is not known when within a reading's time it began or ended. */
static bool is_inside(const struct sq_run *run, const struct sq_levels *l, size_t i)
{
	return l->stand[i] && (i == 0 || l->stand[i - 1]) &&
	       (i + 1 >= run->axis.n || l->stand[i + 1]);
}

struct queue {
	enum sq_queue_state state;
	bool empty; /* at each reading, of two at least */
};

static struct queue queue_of(const struct sq_run *run, const struct sq_levels *l,
			     const struct sq_metric_rec *m)
{
	struct queue q = { SQ_QUEUE_UNKNOWN, false };
	double before = NAN, most = 0;

	for (size_t i = 0; i < run->axis.n; i++) {
		double value = m->samples[i];

		if (!is_inside(run, l, i))
			before = NAN;
		if (!is_inside(run, l, i) || isnan(value))
			continue;
		if (value < before)
			return (struct queue){ SQ_QUEUE_MOVED, false };
		if (before > 0)
			q.state = SQ_QUEUE_STOOD;
		most = fmax(most, value);
		q.empty = most == 0 && (q.empty || !isnan(before));
		before = value;
	}
	return q;
}

/* A connect that failed would have been in the accept queue.  A query would have been in the socket's, unless it went
 * over a connection. */
static bool would_queue(const char *phase, bool listens)
{
	return strcmp(phase, "connect") == 0 || (strcmp(phase, "query") == 0 && !listens);
}

enum sq_queue_state sq_levels_queue(const struct sq_run *run, const struct sq_levels *l,
				    const char *host, const struct sq_load_rec *load,
				    const char *phase)
{
	enum sq_queue_state state = SQ_QUEUE_UNKNOWN;
	bool empty = false, listens = false;

	for (size_t i = 0; i < run->n_metrics; i++) {
		const struct sq_metric_rec *m = &run->metrics[i];
		struct queue q;

		if (!is_queue_of(m, host, load))
			continue;
		q = queue_of(run, l, m);
		if (q.state == SQ_QUEUE_MOVED)
			return SQ_QUEUE_MOVED;
		state = q.state == SQ_QUEUE_STOOD ? q.state : state;
		empty |= q.empty;
		listens |= strcmp(m->metric, "listen.queue") == 0;
	}
	return state == SQ_QUEUE_UNKNOWN && empty && would_queue(phase, listens) ? SQ_QUEUE_MOVED
										 : state;
}
