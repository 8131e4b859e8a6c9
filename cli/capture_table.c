/* A table of what changed, in the manner of nstat(8): counters that rose, with their rise and rate since
 * their last reading, then gauges that moved, in the order of sources; what the reading itself took is
 * the last line.  It is drawn from the capture's records as anybody else would.
 *
 * What a reader would get wrong:
 * - A tick is one thread's.  Those that come together are one table: it is printed when no more came for
 *   a while, or a thread is there again (sq_capture_table_print).
 * - A gauge is measured against what was printed of it, so that one that creeps is seen too.
 * - Rises are added up, for a thread that waits may be behind by a table. */
#include "cli/capture_table.h"

#include <ctype.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <jansson.h>

#include "base/clock.h"
#include "base/mem.h"

enum { MOVED_PERCENT = 5 };

struct row {
	char *metric, *instance; /* "softnet.dropped", "cpu0" or NULL */
	char *unit;
	size_t source, part;
	size_t head; /* of a processor's: the row that stands for all of them, else itself */
	bool gauge;
	json_int_t value, printed; /* printed: of a gauge */
	json_int_t rise;           /* of a counter, since the last table */
};

struct part {         /* rows are numbered by the thread that wrote them */
	size_t *rows; /* where they stand in the table */
	size_t n, cap;
	int64_t last_ns; /* of its last tick; 0: none yet */
	int64_t took_ns; /* of its ticks since the last table */
	bool ticked;
};

struct sq_capture_table {
	struct part *parts;
	size_t n_parts, cap_parts;
	struct row *rows;
	size_t n_rows, cap_rows;
	char **sources; /* as they came */
	size_t n_sources, cap_sources;
	bool all;
};

struct sq_capture_table *sq_capture_table_new(bool all)
{
	struct sq_capture_table *t = sq_alloc(sizeof(*t));

	t->all = all;
	return t;
}

struct sq_capture_table *sq_capture_table_free(struct sq_capture_table *t)
{
	if (!t)
		return NULL;
	for (size_t i = 0; i < t->n_rows; i++) {
		free(t->rows[i].metric);
		free(t->rows[i].instance);
		free(t->rows[i].unit);
	}
	for (size_t i = 0; i < t->n_parts; i++)
		free(t->parts[i].rows);
	for (size_t i = 0; i < t->n_sources; i++)
		free(t->sources[i]);
	free(t->rows);
	free(t->parts);
	free(t->sources);
	free(t);
	return NULL;
}

static size_t part_of(struct sq_capture_table *t, const json_t *record)
{
	size_t number = (size_t)json_integer_value(json_object_get(record, "part"));

	while (t->n_parts <= number) {
		t->parts = sq_grow(t->parts, t->n_parts, &t->cap_parts, sizeof(*t->parts));
		t->parts[t->n_parts++] = (struct part){ 0 };
	}
	return number;
}

static size_t source_of(struct sq_capture_table *t, const char *name)
{
	for (size_t i = 0; i < t->n_sources; i++)
		if (strcmp(t->sources[i], name) == 0)
			return i;
	t->sources = sq_grow(t->sources, t->n_sources, &t->cap_sources, sizeof(*t->sources));
	t->sources[t->n_sources] = sq_strdup(name);
	return t->n_sources++;
}

static bool is_processors(const struct row *r)
{
	return r->instance && strncmp(r->instance, "cpu", 3) == 0 &&
	       isdigit((unsigned char)r->instance[3]);
}

/* The sum, where the source has one, or else the first processor's. */
static size_t head_of(const struct sq_capture_table *t, size_t at)
{
	const struct row *r = &t->rows[at];

	for (size_t i = 0; is_processors(r) && i < at; i++)
		if (t->rows[i].part == r->part && strcmp(t->rows[i].metric, r->metric) == 0)
			return i;
	return at;
}

static void add_row(struct sq_capture_table *t, const json_t *record)
{
	const char *source, *metric, *unit, *kind;
	const char *instance = json_string_value(json_object_get(record, "instance"));
	size_t part = part_of(t, record);
	struct part *p = &t->parts[part];

	if (json_unpack((json_t *)record, "{s:s, s:s, s:s, s:s}", "source", &source, "metric",
			&metric, "unit", &unit, "kind", &kind) != 0)
		return;
	p->rows = sq_grow(p->rows, p->n, &p->cap, sizeof(*p->rows));
	p->rows[p->n++] = t->n_rows;
	t->rows = sq_grow(t->rows, t->n_rows, &t->cap_rows, sizeof(*t->rows));
	t->rows[t->n_rows] = (struct row){
		.metric = sq_strdup(metric),
		.instance = instance ? sq_strdup(instance) : NULL,
		.unit = sq_strdup(unit),
		.source = source_of(t, source),
		.part = part,
		.gauge = strcmp(kind, "gauge") == 0,
	};
	t->rows[t->n_rows].head = head_of(t, t->n_rows);
	t->n_rows++;
}

/* ---- what is printed ---- */

static bool is_cost(const struct row *r)
{
	return strcmp(r->metric, "capture.took") == 0;
}

static bool has_moved(const struct sq_capture_table *t, const struct row *r)
{
	double by = (double)(r->value - r->printed) * 100;
	double least = t->all ? 0 : (double)r->printed * MOVED_PERCENT;

	return r->value != r->printed && (by < 0 ? -by : by) >= least;
}

/* Of all processors, unless each is printed by itself. */
static json_int_t rise_of(const struct sq_capture_table *t, size_t at)
{
	json_int_t rise = t->rows[at].rise;

	if (t->all || !is_processors(&t->rows[at]))
		return rise;
	for (size_t i = at + 1; i < t->n_rows; i++)
		rise += t->rows[i].head == at ? t->rows[i].rise : 0;
	return rise;
}

static bool is_told(const struct sq_capture_table *t, size_t at)
{
	const struct row *r = &t->rows[at];

	if (!t->all && (is_cost(r) || r->head != at))
		return false;
	return r->gauge ? has_moved(t, r) : rise_of(t, at) > 0;
}

static void print_row(const struct sq_capture_table *t, size_t at)
{
	struct row *r = &t->rows[at];
	int64_t took_ns = t->parts[r->part].took_ns;
	bool apart = r->instance && (t->all || r->gauge || !is_processors(r));
	json_int_t rise = rise_of(t, at);
	char name[256];

	snprintf(name, sizeof(name), "%s%s%s%s", r->metric, apart ? " [" : "",
		 apart ? r->instance : "", apart ? "]" : "");
	if (r->gauge)
		printf("  %-44s %14" JSON_INTEGER_FORMAT " %12s %s\n", name, r->value, "", r->unit);
	else
		printf("  %-44s %+14" JSON_INTEGER_FORMAT " %10.1f/s %s\n", name, rise,
		       (double)rise * SQ_SEC / (double)(took_ns > 0 ? took_ns : 1), r->unit);
	r->printed = r->value;
}

static size_t print_rows(struct sq_capture_table *t, bool gauges)
{
	size_t n = 0;

	for (size_t source = 0; source < t->n_sources; source++)
		for (size_t i = 0; i < t->n_rows; i++) {
			const struct row *r = &t->rows[i];

			if (r->source != source || r->gauge != gauges || !is_told(t, i))
				continue;
			print_row(t, i);
			n++;
		}
	return n;
}

static void print_clock(void)
{
	time_t now = time(NULL);
	char clock[16];
	struct tm tm;

	localtime_r(&now, &tm);
	strftime(clock, sizeof(clock), "%H:%M:%S", &tm);
	fputs(clock, stdout);
}

static void print_cost(const struct sq_capture_table *t, int64_t took_ns)
{
	double us = 0;

	for (size_t i = 0; i < t->n_rows; i++)
		us += is_cost(&t->rows[i]) ? (double)t->rows[i].rise : 0;
	if (us > 0)
		printf("  reading took %.1f ms, %.1f %% of a processor at most\n", us / 1e3,
		       us * 1e3 * 100 / (double)took_ns);
}

/* Since the last table; rates are of each thread's own time. */
static void forget_rises(struct sq_capture_table *t)
{
	for (size_t i = 0; i < t->n_rows; i++)
		if (t->parts[t->rows[i].part].ticked)
			t->rows[i].rise = 0;
	for (size_t i = 0; i < t->n_parts; i++) {
		t->parts[i].ticked = false;
		t->parts[i].took_ns = 0;
	}
}

bool sq_capture_table_pending(const struct sq_capture_table *t)
{
	for (size_t i = 0; i < t->n_parts; i++)
		if (t->parts[i].ticked)
			return true;
	return false;
}

void sq_capture_table_print(struct sq_capture_table *t)
{
	int64_t took_ns = 0;

	for (size_t i = 0; i < t->n_parts; i++)
		if (t->parts[i].took_ns > took_ns)
			took_ns = t->parts[i].took_ns;
	if (took_ns > 0) {
		print_clock();
		printf(", %.2f s\n", (double)took_ns / SQ_SEC);
		if (print_rows(t, false) + print_rows(t, true) == 0)
			puts("  nothing rose");
		print_cost(t, took_ns);
		fflush(stdout);
	}
	forget_rises(t);
}

/* ---- records ---- */

static void take_value(struct row *r, json_int_t value, bool first)
{
	if (!r->gauge && !first && value > r->value)
		r->rise += value - r->value;
	if (first && r->gauge)
		r->printed = value;
	r->value = value;
}

/* The first reading is where rates begin. */
static void take_tick(struct sq_capture_table *t, const json_t *record)
{
	struct part *p = &t->parts[part_of(t, record)];
	const json_t *v = json_object_get(record, "v");
	int64_t end_ns = json_integer_value(json_object_get(record, "e"));
	bool first = p->last_ns == 0;

	if (p->ticked)
		sq_capture_table_print(t);
	for (size_t i = 0; i + 1 < json_array_size(v); i += 2) {
		size_t number = (size_t)json_integer_value(json_array_get(v, i));

		if (number < p->n)
			take_value(&t->rows[p->rows[number]],
				   json_integer_value(json_array_get(v, i + 1)), first);
	}
	p->took_ns += first ? 0 : end_ns - p->last_ns;
	p->last_ns = end_ns;
	p->ticked = true;
}

/* What is no number: an event, a source that is not there, one that gave nothing. */
static void tell(const json_t *record, const char *key, const char *between)
{
	const char *source = json_string_value(json_object_get(record, "source"));
	const char *text = json_string_value(json_object_get(record, key));

	print_clock();
	printf(" %s%s %s\n", source ? source : "", between, text ? text : "");
	fflush(stdout);
}

void sq_capture_table_record(struct sq_capture_table *t, const char *line, size_t len)
{
	json_t *record = json_loadb(line, len, 0, NULL);
	const char *kind = json_string_value(json_object_get(record, "k"));

	if (!kind)
		kind = "";
	if (strcmp(kind, "metric") == 0)
		add_row(t, record);
	else if (strcmp(kind, "tick") == 0)
		take_tick(t, record);
	else if (strcmp(kind, "absent") == 0)
		tell(record, "because", " is not available:");
	else if (strcmp(kind, "there") == 0)
		tell(record, "", " is there now");
	else if (strcmp(kind, "gap") == 0)
		tell(record, "because", " gave nothing:");
	else if (strcmp(kind, "event") == 0)
		tell(record, "text", ":");
	json_decref(record);
}
