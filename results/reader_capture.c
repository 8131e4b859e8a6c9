/* The counters' part of the spool, record by record.  Values are written only when they change, and
 * kept so until the run's axis is known (reader_rows.c).
 *
 * What a reader would get wrong:
 * - Metrics, ticks and gaps are of one part of the file: the thread that wrote them.
 * - A file that is not the run's own (reader_join.c) may have begun long before it: what its counters
 *   had risen by then is taken off.
 * - A counter's base is what it had risen by before it fell: the spool begins anew from 0. */
#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "results/reader.h"

enum { PARTS = 4096 };

static json_int_t integer_of(const json_t *object, const char *key)
{
	return json_integer_value(json_object_get(object, key));
}

static int64_t time_of(const struct sq_reader *r, const json_t *record, const char *key)
{
	return integer_of(record, key) - r->capture.zero_ns;
}

static int64_t bin_of(const struct sq_reader *r, int64_t t_ns)
{
	int64_t bin_ns = r->run->axis.bin_ns;

	return t_ns / bin_ns - (t_ns % bin_ns < 0);
}

/* Whether a time is the run's: of its own files each is. */
static bool wanted(const struct sq_reader *r, int64_t bin)
{
	const struct sq_capture_draft *c = &r->capture;

	return !c->joined || (bin >= c->first_bin && bin <= c->last_bin);
}

static struct sq_part_draft *part_at(struct sq_reader *r, json_int_t number)
{
	struct sq_capture_draft *c = &r->capture;

	if (number < 0 || number >= PARTS)
		return NULL;
	while (c->n_parts <= (size_t)number) {
		c->parts = sq_grow(c->parts, c->n_parts, &c->cap_parts, sizeof(*c->parts));
		c->parts[c->n_parts++] = (struct sq_part_draft){ 0 };
	}
	return &c->parts[number];
}

static struct sq_part_draft *part_of(struct sq_reader *r, const json_t *record)
{
	return part_at(r, integer_of(record, "part"));
}

static struct sq_metric_draft *metric_of(const struct sq_reader *r, const struct sq_part_draft *p,
					 double number)
{
	if (!(number >= 0) || number >= (double)p->n)
		return NULL;
	return &r->metrics[p->metrics[(size_t)number]];
}

static int take_row(struct sq_reader *r, struct sq_row *row)
{
	struct sq_part_draft *p = part_at(r, row->part);
	struct sq_metric_draft *m;

	/* Numbers are given in order. */
	if (!p || row->number != (int64_t)p->n) {
		sq_metric_rec_fini(&row->rec);
		return -EINVAL;
	}
	p->metrics = sq_grow(p->metrics, p->n, &p->cap, sizeof(*p->metrics));
	p->metrics[p->n++] = r->n_metrics;
	r->metrics = sq_grow(r->metrics, r->n_metrics, &r->cap_metrics, sizeof(*r->metrics));
	m = &r->metrics[r->n_metrics++];
	*m = (struct sq_metric_draft){ .rec = row->rec };
	m->rec.host = sq_strdup(r->host);
	m->rec.delta = m->rec.first = m->rec.last = m->rec.min = m->rec.max = NAN;
	return 0;
}

static int take_row_record(struct sq_reader *r, const json_t *record)
{
	struct sq_row row;

	return sq_row_from_json(&row, record) == 0 ? take_row(r, &row) : -EINVAL;
}

static void take_value(const struct sq_part_draft *p, struct sq_metric_draft *m, double value)
{
	if (m->rec.kind == SQ_COUNTER && m->seen && value < m->value) {
		m->base += m->value;
		m->rec.restarted = true;
	}
	if (!m->seen) {
		m->seen = true;
		m->rec.first = m->rec.kind == SQ_COUNTER ? 0 : value;
		/* One that begins above 0 was not there at the ticks before: it stood at 0. */
		if (m->rec.kind == SQ_COUNTER && value > 0 && p->ticks.n)
			m->rec.min = 0;
	}
	m->value = value;
}

static int take_values(struct sq_reader *r, const struct sq_part_draft *p,
		       const struct sq_tick *tick)
{
	for (size_t i = 0; i + 1 < tick->n; i += 2) {
		struct sq_metric_draft *m = metric_of(r, p, tick->v[i]);

		if (!m)
			return -EINVAL;
		take_value(p, m, tick->v[i + 1]);
	}
	return 0;
}

/* What changed stands from here on; at the first tick of the run, all that is known. */
static void keep_values(struct sq_reader *r, const struct sq_part_draft *p,
			const struct sq_tick *tick, bool all, int64_t bin)
{
	for (size_t i = 0; all && i < p->n; i++)
		if (r->metrics[p->metrics[i]].seen)
			sq_reader_row_read(&r->metrics[p->metrics[i]], bin);
	for (size_t i = 0; !all && i + 1 < tick->n; i += 2)
		sq_reader_row_read(metric_of(r, p, tick->v[i]), bin);
}

/* At the run's first tick of a file that began before it: what is known stands at its beginning. */
static void enter_run(struct sq_reader *r, struct sq_part_draft *p)
{
	for (size_t i = 0; i < p->n; i++) {
		struct sq_metric_draft *m = &r->metrics[p->metrics[i]];

		if (!m->seen)
			continue;
		m->rec.restarted = false;
		if (m->rec.kind == SQ_COUNTER)
			m->zero = m->base + m->value;
		else
			m->rec.first = m->value;
	}
	p->entered = true;
}

/* A tick is never before the one that it follows in its part of the file. */
static int take_tick(struct sq_reader *r, const struct sq_tick *tick)
{
	struct sq_part_draft *p = part_at(r, tick->part);
	int64_t t_ns = tick->end_ns - r->capture.zero_ns, bin = bin_of(r, t_ns);
	bool enters = r->capture.joined && p && !p->entered;
	union sq_cell *cell;

	if (!p)
		return -EINVAL;
	if (!r->capture.ticked)
		r->capture.began_ns = t_ns;
	r->capture.ticked = true;
	r->capture.ended_ns = t_ns;
	if (p->ticks.n && bin < p->ticks.first + (int64_t)p->ticks.n - 1)
		bin = p->ticks.first + (int64_t)p->ticks.n - 1;
	if (!wanted(r, bin))
		return bin < r->capture.first_bin ? take_values(r, p, tick) : 0;
	if (enters)
		enter_run(r, p);
	if (take_values(r, p, tick) < 0)
		return -EINVAL;
	cell = sq_series_at(&p->ticks, bin);
	if (!cell || sq_reader_unread(p, tick->unread, bin) < 0)
		return -EINVAL;
	cell->count++;
	keep_values(r, p, tick, enters, bin);
	sq_reader_saw(r, t_ns);
	return 0;
}

static int take_tick_record(struct sq_reader *r, const json_t *record)
{
	return sq_tick_from_json(&r->tick, record) == 0 ? take_tick(r, &r->tick) : -EINVAL;
}

static void take_gap(struct sq_reader *r, const json_t *record)
{
	struct sq_capture_draft *c = &r->capture;
	const char *source = json_string_value(json_object_get(record, "source"));
	const char *because = json_string_value(json_object_get(record, "because"));
	int64_t t_ns = time_of(r, record, "e");
	char *text;

	if (!source || !part_of(r, record) || !wanted(r, bin_of(r, t_ns)))
		return;
	sq_reader_saw(r, t_ns);
	/* One event tells of all gaps of a source; they are nulls in its series. */
	for (size_t i = 0; i < c->n_gaps; i++)
		if (strcmp(c->gaps[i].source, source) == 0)
			goto told;
	text = sq_printf_dup("could not be read at times, first because: %s",
			     because ? because : "no reason given");
	sq_reader_event(r, t_ns, r->host, source, text);
	free(text);
told:
	c->gaps = sq_grow(c->gaps, c->n_gaps, &c->cap_gaps, sizeof(*c->gaps));
	c->gaps[c->n_gaps++] = (struct sq_gap_draft){ .source = sq_strdup(source),
						      .part = (size_t)integer_of(record, "part"),
						      .bin = bin_of(r, t_ns) };
}

/* A server that is started again begins all its counters anew, at one reading: that is one event. */
static void tell_anew(struct sq_reader *r, int64_t t_ns, const struct sq_metric_rec *m)
{
	struct sq_event_rec *last = r->run->n_events ? &r->run->events[r->run->n_events - 1] : NULL;
	bool more = r->capture.anew && last && last->t_ns == t_ns &&
		    strcmp(last->host, r->host) == 0 && strcmp(last->source, m->source) == 0;
	char *text;

	r->capture.anew = more ? r->capture.anew + 1 : 1;
	if (more) {
		free(last->text);
		last->text = sq_printf_dup("%zu counters began anew", r->capture.anew);
		return;
	}
	text = sq_printf_dup("%s%s%s began anew", m->metric, m->instance ? " of " : "",
			     m->instance ? m->instance : "");
	sq_reader_event(r, t_ns, r->host, m->source, text);
	free(text);
}

static int take_restart(struct sq_reader *r, const json_t *record)
{
	struct sq_part_draft *p = part_of(r, record);
	struct sq_metric_draft *m =
		p ? metric_of(r, p, json_number_value(json_object_get(record, "i"))) : NULL;
	int64_t t_ns = time_of(r, record, "t");

	if (!m)
		return -EINVAL;
	m->base += m->value;
	m->value = 0;
	m->rec.restarted = true;
	if (wanted(r, bin_of(r, t_ns)))
		tell_anew(r, t_ns, &m->rec);
	return 0;
}

static int take_event(struct sq_reader *r, const json_t *record)
{
	const char *source, *text;

	if (json_unpack((json_t *)record, "{s:s, s:s}", "source", &source, "text", &text) != 0 ||
	    !json_is_integer(json_object_get(record, "t")))
		return -EINVAL;
	if (wanted(r, bin_of(r, time_of(r, record, "t"))))
		sq_reader_event(r, time_of(r, record, "t"), r->host, source, text);
	return 0;
}

/* A place that could not be reached for a while: there are no ticks to cut. */
static int take_lost(struct sq_reader *r, const json_t *record)
{
	int64_t from_ns = time_of(r, record, "b"), until_ns = time_of(r, record, "e");
	const char *through, *because;
	char *text;

	if (json_unpack((json_t *)record, "{s:s, s:s}", "where", &through, "because", &because) !=
	    0)
		return -EINVAL;
	if (!wanted(r, bin_of(r, from_ns)))
		return 0;
	text = sq_printf_dup("nothing was read for %.2f s: %s", (double)(until_ns - from_ns) / 1e9,
			     because);
	sq_reader_event(r, from_ns, r->host, through, text);
	sq_reader_saw(r, until_ns);
	free(text);
	return 0;
}

static json_t *seconds_of(const json_t *record, const char *key)
{
	const json_t *ns = json_object_get(record, key);

	return json_is_integer(ns) ? json_real((double)json_integer_value(ns) / 1e9) : json_null();
}

static void add_clocks(struct sq_reader *r, const json_t *record)
{
	json_array_append_new(
		r->run->clocks,
		json_pack("{s:s, s:O, s:O, s:o, s:o, s:O}", "host", r->host, "through",
			  json_object_get(record, "where"), "how", json_object_get(record, "how"),
			  "offset_s", seconds_of(record, "offset_ns"), "bound_s",
			  seconds_of(record, "bound_ns"), "n", json_object_get(record, "n")));
}

static int take_clocks(struct sq_reader *r, json_t *record)
{
	struct sq_part_draft *p = part_of(r, record);

	if (!p || !json_is_string(json_object_get(record, "where")) ||
	    !json_is_string(json_object_get(record, "how")) ||
	    !json_is_integer(json_object_get(record, "n")))
		return -EINVAL;
	json_decref(p->clocks);
	p->clocks = json_incref(record);
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

/* One of that name is not absent any more. */
static int take_there(struct sq_reader *r, const json_t *record)
{
	const char *source = json_string_value(json_object_get(record, "source"));
	int64_t t_ns = time_of(r, record, "t");
	const json_t *absent;
	size_t i;

	if (!source)
		return -EINVAL;
	json_array_foreach(r->run->absent, i, absent) {
		if (strcmp(json_string_value(json_object_get(absent, "host")), r->host) != 0 ||
		    strcmp(json_string_value(json_object_get(absent, "source")), source) != 0)
			continue;
		json_array_remove(r->run->absent, i);
		break;
	}
	if (wanted(r, bin_of(r, t_ns)))
		sq_reader_event(r, t_ns, r->host, source,
				"it was not there at the beginning; its counters begin here");
	return 0;
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
		return take_tick_record(r, record);
	if (strcmp(kind, "restart") == 0)
		return take_restart(r, record);
	if (strcmp(kind, "event") == 0)
		return take_event(r, record);
	if (strcmp(kind, "lost") == 0)
		return take_lost(r, record);
	if (strcmp(kind, "gap") == 0)
		take_gap(r, record);
	return 0;
}

int sq_reader_capture_line(const char *line, size_t len, void *reader, struct sq_err *err)
{
	struct sq_reader *r = reader;
	struct sq_row row;

	if (r->capture.joined && !r->capture.placed)
		return 0;
	if (sq_row_from_line(&row, line, len))
		return take_row(r, &row) < 0 ? sq_reader_bad(r, "metric", err) : 1;
	if (!r->started || !sq_tick_from_line(&r->tick, line, len))
		return 0;
	return take_tick(r, &r->tick) < 0 ? sq_reader_bad(r, "tick", err) : 1;
}

/* What a far place says of itself is another machine's, and stands only where the run's own host does
 * not: a world's host is what the scenario made it. */
static void take_environment(const struct sq_reader *r, const json_t *record)
{
	json_t *environment = json_object_get(record, "environment");
	bool far = r->capture.joined || integer_of(record, "part") > 0;

	if (far && json_object_get(r->run->environment, r->host))
		return;
	if (!far)
		json_object_update_missing(json_object_get(environment, "sysctls"), r->globals);
	json_object_set(r->run->environment, r->host, environment);
}

int sq_reader_capture_record(json_t *record, void *reader, struct sq_err *err)
{
	struct sq_reader *r = reader;
	const char *kind = sq_reader_kind(record);
	int rc = 0;

	if (r->capture.joined && !r->capture.placed)
		return sq_reader_place(r, record, err);
	if (strcmp(kind, "env") == 0)
		take_environment(r, record);
	else if (strcmp(kind, "metric") == 0)
		rc = take_row_record(r, record);
	else if (strcmp(kind, "absent") == 0)
		take_absent(r, record);
	else if (strcmp(kind, "there") == 0)
		rc = take_there(r, record);
	else if (strcmp(kind, "relay") == 0)
		rc = take_relay(r, record);
	else if (strcmp(kind, "mail") == 0)
		rc = take_mail(r, record);
	else if (strcmp(kind, "wall") == 0 && r->capture.joined)
		sq_reader_place_again(r, record);
	else if (strcmp(kind, "done") == 0)
		r->done = true;
	else if (strcmp(kind, "clocks") == 0)
		rc = take_clocks(r, record);
	else
		rc = take_timed(r, kind, record);
	return rc < 0 ? sq_reader_bad(r, kind, err) : 0;
}

void sq_reader_capture_begin(struct sq_reader *r)
{
	r->capture = (struct sq_capture_draft){ .zero_ns = r->t0_mono_ns };
}

void sq_reader_capture_end(struct sq_reader *r)
{
	struct sq_capture_draft *c = &r->capture;

	for (size_t i = 0; i < c->n_parts; i++) {
		if (c->parts[i].clocks)
			add_clocks(r, c->parts[i].clocks);
		json_decref(c->parts[i].clocks);
		c->parts[i].clocks = NULL;
	}
	r->captures = sq_grow(r->captures, r->n_captures, &r->cap_captures, sizeof(*r->captures));
	r->captures[r->n_captures++] = *c;
	*c = (struct sq_capture_draft){ 0 };
}

void sq_reader_capture_extent(const struct sq_reader *r, int64_t *lo, int64_t *hi)
{
	for (size_t i = 0; i < r->n_captures; i++)
		for (size_t k = 0; k < r->captures[i].n_parts; k++)
			if (r->captures[i].parts[k].n)
				sq_series_extent(&r->captures[i].parts[k].ticks, lo, hi);
}

static void free_file(struct sq_capture_draft *c)
{
	for (size_t i = 0; i < c->n_gaps; i++)
		free(c->gaps[i].source);
	for (size_t i = 0; i < c->n_parts; i++) {
		json_decref(c->parts[i].clocks);
		for (size_t k = 0; k < c->parts[i].n_unread; k++) {
			free(c->parts[i].unread[k].source);
			free(c->parts[i].unread[k].ticks.v);
		}
		free(c->parts[i].unread);
		free(c->parts[i].metrics);
		free(c->parts[i].ticks.v);
	}
	free(c->parts);
	free(c->gaps);
}

void sq_reader_capture_free(struct sq_reader *r)
{
	free_file(&r->capture);
	for (size_t i = 0; i < r->n_captures; i++)
		free_file(&r->captures[i]);
	for (size_t i = 0; i < r->n_metrics; i++) {
		free(r->metrics[i].changes);
		sq_metric_rec_fini(&r->metrics[i].rec);
	}
	free(r->captures);
	free(r->metrics);
	free(r->tick.v);
}
