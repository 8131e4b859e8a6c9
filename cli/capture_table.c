/* A table of rates, as nstat(8) has it: counters that rose, with their rise and rate since the
 * reading before, and gauges that changed.  It is drawn from the capture's records as anybody else would. */
#include "cli/capture_table.h"

#include <inttypes.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <jansson.h>

#include "base/mem.h"

struct row {
	char *name; /* "softnet.dropped [cpu0]" */
	char *unit;
	bool gauge, seen;
	json_int_t value;
};

struct part { /* rows are numbered by the thread that wrote them */
	struct row *rows;
	size_t n, cap;
	json_int_t last_ns; /* 0: no tick yet */
};

struct sq_capture_table {
	struct part *parts;
	size_t n, cap;
};

struct sq_capture_table *sq_capture_table_new(void)
{
	return sq_alloc(sizeof(struct sq_capture_table));
}

struct sq_capture_table *sq_capture_table_free(struct sq_capture_table *t)
{
	for (size_t i = 0; t && i < t->n; i++) {
		for (size_t k = 0; k < t->parts[i].n; k++) {
			free(t->parts[i].rows[k].name);
			free(t->parts[i].rows[k].unit);
		}
		free(t->parts[i].rows);
	}
	free(t ? t->parts : NULL);
	free(t);
	return NULL;
}

static struct part *part_of(struct sq_capture_table *t, const json_t *record)
{
	size_t number = (size_t)json_integer_value(json_object_get(record, "part"));

	while (t->n <= number) {
		t->parts = sq_grow(t->parts, t->n, &t->cap, sizeof(*t->parts));
		t->parts[t->n++] = (struct part){ 0 };
	}
	return &t->parts[number];
}

static void add_row(struct part *p, const json_t *record)
{
	const char *name, *unit, *kind;
	const char *instance = json_string_value(json_object_get(record, "instance"));

	if (json_unpack((json_t *)record, "{s:s, s:s, s:s}", "metric", &name, "unit", &unit, "kind",
			&kind) != 0)
		return;
	p->rows = sq_grow(p->rows, p->n, &p->cap, sizeof(*p->rows));
	p->rows[p->n++] = (struct row){
		.name = instance ? sq_printf_dup("%s [%s]", name, instance) : sq_strdup(name),
		.unit = sq_strdup(unit),
		.gauge = strcmp(kind, "gauge") == 0,
	};
}

static void print_head(double seconds)
{
	time_t now = time(NULL);
	char clock[16];
	struct tm tm;

	localtime_r(&now, &tm);
	strftime(clock, sizeof(clock), "%H:%M:%S", &tm);
	printf("%s, %.2f s\n", clock, seconds);
}

static void print_row(const struct row *r, json_int_t value, double seconds)
{
	if (r->gauge)
		printf("  %-44s %14" JSON_INTEGER_FORMAT " %12s %s\n", r->name, value, "", r->unit);
	else
		printf("  %-44s %+14" JSON_INTEGER_FORMAT " %10.1f/s %s\n", r->name,
		       value - r->value, (double)(value - r->value) / seconds, r->unit);
}

/* The first reading is where rates begin. */
static void take_tick(struct part *p, const json_t *record)
{
	const json_t *v = json_object_get(record, "v");
	json_int_t end_ns = json_integer_value(json_object_get(record, "e"));
	double seconds = (double)(end_ns - p->last_ns) / 1e9;
	bool first = p->last_ns == 0, any = false;

	for (size_t i = 0; i + 1 < json_array_size(v); i += 2) {
		size_t number = (size_t)json_integer_value(json_array_get(v, i));
		json_int_t value = json_integer_value(json_array_get(v, i + 1));
		struct row *r = number < p->n ? &p->rows[number] : NULL;

		if (!r)
			continue;
		if (!first && (r->gauge || value > r->value)) {
			if (!any)
				print_head(seconds);
			print_row(r, value, seconds);
			any = true;
		}
		r->value = value;
	}
	p->last_ns = end_ns;
	if (any)
		fflush(stdout);
}

void sq_capture_table_record(struct sq_capture_table *t, const char *line, size_t len)
{
	json_t *record = json_loadb(line, len, 0, NULL);
	const char *kind = json_string_value(json_object_get(record, "k"));

	if (kind && strcmp(kind, "metric") == 0)
		add_row(part_of(t, record), record);
	else if (kind && strcmp(kind, "tick") == 0)
		take_tick(part_of(t, record), record);
	else if (kind && strcmp(kind, "absent") == 0)
		printf("%s is not available: %s\n",
		       json_string_value(json_object_get(record, "source")),
		       json_string_value(json_object_get(record, "because")));
	json_decref(record);
}
