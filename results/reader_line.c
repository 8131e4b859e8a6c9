/* A row's words and the numbers of a tick, from the record's line or from its JSON.
 *
 * An hour of two hosts has 72,000 ticks with two million pairs of numbers: as JSON trees they take half
 * of the time that the whole report does.  And a host has 700 rows, which are nine tenths of what there is to
 * read of a short run.  So a line that is one of these just as squall writes it is read letter by letter;
 * whatever else stands there goes the way of all records, which knows what is wrong. */
#include <errno.h>
#include <string.h>

#include "base/mem.h"
#include "results/reader.h"

enum { DIGITS_MAX = 18 }; /* what surely fits into 64 bits */

static void add(struct sq_tick *tick, double value)
{
	tick->v = sq_grow(tick->v, tick->n, &tick->cap, sizeof(*tick->v));
	tick->v[tick->n++] = value;
}

/* Behind `word`, or NULL. */
static const char *behind(const char *s, const char *word)
{
	size_t len = strlen(word);

	return s && strncmp(s, word, len) == 0 ? s + len : NULL;
}

/* Behind an integer of JSON, or NULL. */
static const char *integer(const char *s, int64_t *ret)
{
	bool negative = s && *s == '-';
	const char *first = s + negative, *at = first;
	int64_t n = 0;

	if (!s)
		return NULL;
	for (; *at >= '0' && *at <= '9' && at - first < DIGITS_MAX; at++)
		n = 10 * n + (*at - '0');
	if (at == first || (*first == '0' && at > first + 1) || (*at >= '0' && *at <= '9'))
		return NULL;
	*ret = negative ? -n : n;
	return at;
}

/* Behind a string that reads as it is written, ASCII without an escape, or NULL. */
static const char *quoted(const char *s, char **ret)
{
	const char *end;
	size_t len;

	if (!s || *s != '"')
		return NULL;
	for (end = ++s; *end >= ' ' && *end <= '~' && *end != '"' && *end != '\\'; end++)
		;
	if (*end != '"')
		return NULL;
	len = (size_t)(end - s);
	*ret = memcpy(sq_alloc(len + 1), s, len);
	return end + 1;
}

static const char *quoted_or_null(const char *s, char **ret)
{
	const char *null = behind(s, "null");

	return null ? null : quoted(s, ret);
}

static const char *kind(const char *s, enum sq_metric_kind *ret)
{
	const char *gauge = behind(s, "\"gauge\"");

	*ret = gauge ? SQ_GAUGE : SQ_COUNTER;
	return gauge ? gauge : behind(s, "\"counter\"");
}

/* Whether the record ends here, and the line with it; the first part's do not name it. */
static bool ends(const char *s, const char *end, int64_t *ret_part)
{
	const char *part = behind(s, ",\"part\":");

	*ret_part = 0;
	s = behind(part ? integer(part, ret_part) : s, "}\n");
	return s && s == end;
}

bool sq_row_from_line(struct sq_row *row, const char *line, size_t len)
{
	const char *s = integer(behind(line, "{\"k\":\"metric\",\"i\":"), &row->number);
	struct sq_metric_rec *rec = &row->rec;
	int64_t width;

	*rec = (struct sq_metric_rec){ 0 };
	s = quoted(behind(s, ",\"source\":"), &rec->source);
	s = quoted(behind(s, ",\"metric\":"), &rec->metric);
	s = quoted_or_null(behind(s, ",\"instance\":"), &rec->instance);
	s = quoted(behind(s, ",\"unit\":"), &rec->unit);
	s = kind(behind(s, ",\"kind\":"), &rec->kind);
	s = integer(behind(s, ",\"width\":"), &width);
	if (ends(s, line + len, &row->part))
		return true;
	sq_metric_rec_fini(rec);
	return false;
}

int sq_row_from_json(struct sq_row *row, const json_t *record)
{
	const char *source, *metric, *unit, *word;
	json_int_t number;

	if (json_unpack((json_t *)record, "{s:I, s:s, s:s, s:s, s:s}", "i", &number, "source",
			&source, "metric", &metric, "unit", &unit, "kind", &word) != 0)
		return -EINVAL;
	*row = (struct sq_row){
		.number = number,
		.part = json_integer_value(json_object_get(record, "part")),
		.rec = {
			.source = sq_strdup(source),
			.metric = sq_strdup(metric),
			.instance = sq_strdup(json_string_value(json_object_get(record, "instance"))),
			.unit = sq_strdup(unit),
			.kind = strcmp(word, "gauge") == 0 ? SQ_GAUGE : SQ_COUNTER,
		},
	};
	return 0;
}

bool sq_tick_from_line(struct sq_tick *tick, const char *line, size_t len)
{
	int64_t n;
	const char *s = integer(behind(line, "{\"k\":\"tick\",\"b\":"), &n);

	s = behind(integer(behind(s, ",\"e\":"), &tick->end_ns), ",\"v\":[");
	tick->unread = NULL;
	tick->n = 0;
	for (; s && *s != ']'; s += *s == ',' && s[1] != ']') {
		s = integer(s, &n);
		if (!s || (*s != ',' && *s != ']'))
			return false;
		add(tick, (double)n);
	}
	return ends(behind(s, "]"), line + len, &tick->part) && tick->n % 2 == 0;
}

int sq_tick_from_json(struct sq_tick *tick, const json_t *record)
{
	const json_t *v = json_object_get(record, "v"), *number;
	size_t i;

	tick->end_ns = json_integer_value(json_object_get(record, "e"));
	tick->part = json_integer_value(json_object_get(record, "part"));
	tick->unread = json_object_get(record, "unread");
	tick->n = 0;
	json_array_foreach(v, i, number) {
		if (!json_is_number(number) || (i % 2 == 0 && !json_is_integer(number)))
			return -EINVAL;
		add(tick, json_number_value(number));
	}
	return tick->n % 2 ? -EINVAL : 0;
}
