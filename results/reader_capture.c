/* The counters' part of the spool, record by record.  Values are written only when they change, and
 * kept so until the run's axis is known (reader_rows.c).
 *
 * What a reader would get wrong: a counter's base is what it had risen by before it fell: the spool
 * begins anew from 0. */
#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "results/reader.h"

static json_int_t integer_of(const json_t *object, const char *key)
{
	return json_integer_value(json_object_get(object, key));
}

static int64_t bin_of(const struct sq_reader *r, int64_t mono_ns)
{
	int64_t t = mono_ns - r->t0_mono_ns, bin_ns = r->run->axis.bin_ns;

	return t / bin_ns - (t % bin_ns < 0);
}

/* A metric of the file that is being read. */
static struct sq_metric_draft *metric_of(const struct sq_reader *r, double number)
{
	size_t left = r->n_metrics - r->capture.first_metric;

	if (!(number >= 0) || number >= (double)left)
		return NULL;
	return &r->metrics[r->capture.first_metric + (size_t)number];
}

static int take_metric(struct sq_reader *r, const json_t *record)
{
	const char *source, *metric, *unit, *kind;
	struct sq_metric_draft *m;
	json_int_t number;

	if (json_unpack((json_t *)record, "{s:I, s:s, s:s, s:s, s:s}", "i", &number, "source",
			&source, "metric", &metric, "unit", &unit, "kind", &kind) != 0)
		return -EINVAL;
	/* Numbers are given in order. */
	if (number != (json_int_t)(r->n_metrics - r->capture.first_metric))
		return -EINVAL;
	r->metrics = sq_grow(r->metrics, r->n_metrics, &r->cap_metrics, sizeof(*r->metrics));
	m = &r->metrics[r->n_metrics++];
	memset(m, 0, sizeof(*m));
	m->rec.host = sq_strdup(r->host);
	m->rec.source = sq_strdup(source);
	m->rec.metric = sq_strdup(metric);
	m->rec.instance = sq_strdup(json_string_value(json_object_get(record, "instance")));
	m->rec.unit = sq_strdup(unit);
	m->rec.kind = strcmp(kind, "gauge") == 0 ? SQ_GAUGE : SQ_COUNTER;
	m->rec.delta = m->rec.first = m->rec.last = m->rec.min = m->rec.max = NAN;
	return 0;
}

static void take_value(struct sq_reader *r, struct sq_metric_draft *m, double value)
{
	if (m->rec.kind == SQ_COUNTER && m->seen && value < m->value) {
		m->base += m->value;
		m->rec.restarted = true;
	}
	if (!m->seen) {
		m->seen = true;
		m->rec.first = m->rec.kind == SQ_COUNTER ? 0 : value;
		/* One that begins above 0 was not there at the ticks before: it stood at 0. */
		if (m->rec.kind == SQ_COUNTER && value > 0 && r->capture.ticks.n)
			m->rec.min = 0;
	}
	m->value = value;
}

static int take_values(struct sq_reader *r, const struct sq_tick *tick, int64_t bin)
{
	for (size_t i = 0; i + 1 < tick->n; i += 2) {
		struct sq_metric_draft *m = metric_of(r, tick->v[i]);

		if (!m)
			return -EINVAL;
		take_value(r, m, tick->v[i + 1]);
		sq_reader_row_read(m, bin);
	}
	return 0;
}

/* A tick is never before the one that it follows in the file. */
static int take_tick(struct sq_reader *r, const struct sq_tick *tick)
{
	const struct sq_series *ticks = &r->capture.ticks;
	int64_t bin = bin_of(r, tick->end_ns);
	union sq_cell *cell;

	if (ticks->n && bin < ticks->first + (int64_t)ticks->n - 1)
		bin = ticks->first + (int64_t)ticks->n - 1;
	if (take_values(r, tick, bin) < 0)
		return -EINVAL;
	cell = sq_series_at(&r->capture.ticks, bin);
	if (!cell)
		return -EINVAL;
	cell->count++;
	sq_reader_saw(r, tick->end_ns - r->t0_mono_ns);
	return 0;
}

static void take_gap(struct sq_reader *r, const json_t *record)
{
	struct sq_capture_draft *c = &r->capture;
	const char *source = json_string_value(json_object_get(record, "source"));
	const char *because = json_string_value(json_object_get(record, "because"));
	int64_t end = integer_of(record, "e");
	char *text;

	if (!source)
		return;
	sq_reader_saw(r, end - r->t0_mono_ns);
	/* One event tells of all gaps of a source; they are nulls in its series. */
	for (size_t i = 0; i < c->n_gaps; i++)
		if (strcmp(c->gaps[i].source, source) == 0)
			goto told;
	text = sq_printf_dup("could not be read at times, first because: %s",
			     because ? because : "no reason given");
	sq_reader_event(r, end - r->t0_mono_ns, r->host, source, text);
	free(text);
told:
	c->gaps = sq_grow(c->gaps, c->n_gaps, &c->cap_gaps, sizeof(*c->gaps));
	c->gaps[c->n_gaps++] =
		(struct sq_gap_draft){ .source = sq_strdup(source), .bin = bin_of(r, end) };
}

static int take_restart(struct sq_reader *r, const json_t *record)
{
	struct sq_metric_draft *m = metric_of(r, json_number_value(json_object_get(record, "i")));
	char *text;

	if (!m)
		return -EINVAL;
	m->base += m->value;
	m->value = 0;
	m->rec.restarted = true;
	text = sq_printf_dup("%s%s%s began anew", m->rec.metric, m->rec.instance ? " of " : "",
			     m->rec.instance ? m->rec.instance : "");
	sq_reader_event(r, integer_of(record, "t") - r->t0_mono_ns, r->host, m->rec.source, text);
	free(text);
	return 0;
}

static void take_absent(struct sq_reader *r, const json_t *record)
{
	const char *source = json_string_value(json_object_get(record, "source"));
	const char *because = json_string_value(json_object_get(record, "because"));

	json_array_append_new(r->run->absent,
			      json_pack("{s:s, s:s, s:s}", "host", r->host, "source",
					source ? source : "", "because", because ? because : ""));
}

/* Without a start nothing can be placed in time; what is known of the host still holds. */
static int take_timed(struct sq_reader *r, const char *kind, const json_t *record)
{
	if (!r->started)
		return 0;
	if (strcmp(kind, "tick") == 0)
		return sq_tick_from_json(&r->tick, record) < 0 ? -EINVAL : take_tick(r, &r->tick);
	if (strcmp(kind, "restart") == 0)
		return take_restart(r, record);
	if (strcmp(kind, "gap") == 0)
		take_gap(r, record);
	return 0;
}

int sq_reader_capture_line(const char *line, size_t len, void *reader, struct sq_err *err)
{
	struct sq_reader *r = reader;

	if (!r->started || !sq_tick_from_line(&r->tick, line, len))
		return 0;
	return take_tick(r, &r->tick) < 0 ? sq_reader_bad(r, "tick", err) : 1;
}

int sq_reader_capture_record(json_t *record, void *reader, struct sq_err *err)
{
	struct sq_reader *r = reader;
	const char *kind = sq_reader_kind(record);
	int rc = 0;

	if (strcmp(kind, "env") == 0)
		json_object_set(r->run->environment, r->host,
				json_object_get(record, "environment"));
	else if (strcmp(kind, "metric") == 0)
		rc = take_metric(r, record);
	else if (strcmp(kind, "absent") == 0)
		take_absent(r, record);
	else if (strcmp(kind, "done") == 0)
		r->done = true;
	else
		rc = take_timed(r, kind, record);
	return rc < 0 ? sq_reader_bad(r, kind, err) : 0;
}

void sq_reader_capture_end(struct sq_reader *r)
{
	struct sq_capture_draft *c = &r->capture;

	c->n_metrics = r->n_metrics - c->first_metric;
	r->captures = sq_grow(r->captures, r->n_captures, &r->cap_captures, sizeof(*r->captures));
	r->captures[r->n_captures++] = *c;
	*c = (struct sq_capture_draft){ .first_metric = r->n_metrics };
}

void sq_reader_capture_extent(const struct sq_reader *r, int64_t *lo, int64_t *hi)
{
	for (size_t i = 0; i < r->n_captures; i++)
		if (r->captures[i].n_metrics)
			sq_series_extent(&r->captures[i].ticks, lo, hi);
}

void sq_reader_capture_free(struct sq_reader *r)
{
	sq_reader_capture_end(r);
	for (size_t i = 0; i < r->n_captures; i++) {
		struct sq_capture_draft *c = &r->captures[i];

		for (size_t k = 0; k < c->n_gaps; k++)
			free(c->gaps[k].source);
		free(c->gaps);
		free(c->ticks.v);
	}
	for (size_t i = 0; i < r->n_metrics; i++) {
		free(r->metrics[i].changes);
		sq_metric_rec_fini(&r->metrics[i].rec);
	}
	free(r->captures);
	free(r->metrics);
	free(r->tick.v);
}
