/* The counters' part of the spool: values that are written only when they change, spread out to
 * one sample a bin again.
 *
 * What a reader would get wrong:
 * - A value holds from tick to tick, but only where there is a tick: a bin in which no reading
 *   ended has none, and a bin in which its source failed has none either, whatever came before.
 * - The gap record of a source follows the tick of the same reading, so gaps are cut out when the
 *   file has been read.
 * - A counter's base is what it had risen by before it fell: the spool begins anew from 0. */
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
static struct sq_metric_draft *metric_of(const struct sq_reader *r, const json_t *number)
{
	size_t left = r->n_metrics - r->capture.first_metric;

	if (!json_is_integer(number) || json_integer_value(number) < 0 ||
	    (size_t)json_integer_value(number) >= left)
		return NULL;
	return &r->metrics[r->capture.first_metric + (size_t)json_integer_value(number)];
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
	m->samples.fill.value = NAN;
	return 0;
}

/* A counter that begins above 0 was not there at the ticks before: it stood at 0 then. */
static void zero_before(struct sq_reader *r, struct sq_metric_draft *m)
{
	const struct sq_series *ticks = &r->capture.ticks;

	for (size_t i = 0; i < ticks->n; i++)
		if (ticks->v[i].count)
			sq_series_at(&m->samples, ticks->first + (int64_t)i)->value = 0;
	if (ticks->n)
		m->rec.min = 0;
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
		if (m->rec.kind == SQ_COUNTER && value > 0)
			zero_before(r, m);
	}
	m->value = value;
}

static int take_values(struct sq_reader *r, const json_t *v)
{
	if (json_array_size(v) % 2)
		return -EINVAL;
	for (size_t i = 0; i < json_array_size(v); i += 2) {
		const json_t *value = json_array_get(v, i + 1);
		struct sq_metric_draft *m = metric_of(r, json_array_get(v, i));

		if (!m || !json_is_number(value))
			return -EINVAL;
		take_value(r, m, json_number_value(value));
	}
	return 0;
}

static void sample(struct sq_metric_draft *m, int64_t bin)
{
	double value = m->base + m->value;

	sq_series_at(&m->samples, bin)->value = value;
	m->rec.last = value;
	m->rec.delta = value - m->rec.first;
	if (!(m->rec.min <= value))
		m->rec.min = value;
	if (!(m->rec.max >= value))
		m->rec.max = value;
}

static int take_tick(struct sq_reader *r, const json_t *record)
{
	int64_t end = integer_of(record, "e"), bin = bin_of(r, end);
	union sq_cell *tick;

	if (take_values(r, json_object_get(record, "v")) < 0)
		return -EINVAL;
	tick = sq_series_at(&r->capture.ticks, bin);
	if (!tick)
		return -EINVAL;
	tick->count++;
	for (size_t i = r->capture.first_metric; i < r->n_metrics; i++)
		if (r->metrics[i].seen)
			sample(&r->metrics[i], bin);
	sq_reader_saw(r, end - r->t0_mono_ns);
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
	struct sq_metric_draft *m = metric_of(r, json_object_get(record, "i"));
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

/* Its second word, at the end, takes the place of the first. */
static int take_relay(struct sq_reader *r, const json_t *record)
{
	json_t *relays = r->run->relays, *relay;
	const char *source, *log;
	json_t *lost;
	size_t i;

	if (json_unpack((json_t *)record, "{s:s, s:s, s:o}", "source", &source, "log", &log,
			"lost_lines", &lost) != 0)
		return -EINVAL;
	json_array_foreach(relays, i, relay)
		if (strcmp(json_string_value(json_object_get(relay, "host")), r->host) == 0 &&
		    strcmp(json_string_value(json_object_get(relay, "log")), log) == 0)
			return json_object_set(relay, "lost_lines", lost);
	json_array_append_new(relays, json_pack("{s:s, s:s, s:s, s:O}", "host", r->host, "source",
						source, "log", log, "lost_lines", lost));
	return 0;
}

static int take_mail(struct sq_reader *r, const json_t *record)
{
	json_t *messages = json_object_get(record, "messages");

	return json_is_array(messages) ? json_array_extend(r->run->mail, messages) : -EINVAL;
}

/* Without a start nothing can be placed in time; what is known of the host still holds. */
static int take_timed(struct sq_reader *r, const char *kind, const json_t *record)
{
	if (!r->started)
		return 0;
	if (strcmp(kind, "tick") == 0)
		return take_tick(r, record);
	if (strcmp(kind, "restart") == 0)
		return take_restart(r, record);
	if (strcmp(kind, "gap") == 0)
		take_gap(r, record);
	return 0;
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
	else if (strcmp(kind, "relay") == 0)
		rc = take_relay(r, record);
	else if (strcmp(kind, "mail") == 0)
		rc = take_mail(r, record);
	else if (strcmp(kind, "done") == 0)
		r->done = true;
	else
		rc = take_timed(r, kind, record);
	return rc < 0 ? sq_reader_bad(r, kind, err) : 0;
}

static void cut_gap(struct sq_reader *r, const struct sq_gap_draft *gap)
{
	for (size_t i = r->capture.first_metric; i < r->n_metrics; i++) {
		struct sq_metric_draft *m = &r->metrics[i];
		int64_t at = gap->bin - m->samples.first;

		if (strcmp(m->rec.source, gap->source) == 0 && at >= 0 &&
		    at < (int64_t)m->samples.n)
			m->samples.v[at].value = NAN;
	}
}

void sq_reader_capture_end(struct sq_reader *r)
{
	struct sq_capture_draft *c = &r->capture;

	for (size_t i = 0; i < c->n_gaps; i++) {
		cut_gap(r, &c->gaps[i]);
		free(c->gaps[i].source);
	}
	free(c->gaps);
	free(c->ticks.v);
	*c = (struct sq_capture_draft){ .first_metric = r->n_metrics };
}

void sq_reader_capture_extent(const struct sq_reader *r, int64_t *lo, int64_t *hi)
{
	for (size_t i = 0; i < r->n_metrics; i++)
		sq_series_extent(&r->metrics[i].samples, lo, hi);
}

void sq_reader_capture_settle(struct sq_reader *r)
{
	struct sq_run *run = r->run;

	run->metrics = sq_alloc_n(r->n_metrics, sizeof(*run->metrics));
	for (size_t i = 0; i < r->n_metrics; i++) {
		struct sq_metric_rec *m = &r->metrics[i].rec;

		m->samples = sq_series_take(&r->metrics[i].samples, &run->axis);
		while (m->from < run->axis.n && isnan(m->samples[m->from]))
			m->from++;
		run->metrics[run->n_metrics++] = *m;
		memset(m, 0, sizeof(*m));
	}
}

void sq_reader_capture_free(struct sq_reader *r)
{
	sq_reader_capture_end(r);
	for (size_t i = 0; i < r->n_metrics; i++) {
		free(r->metrics[i].samples.v);
		sq_metric_rec_fini(&r->metrics[i].rec);
	}
	free(r->metrics);
}
