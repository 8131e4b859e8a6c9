/* The numbers of a tick, from its line or from its JSON.
 *
 * An hour of two hosts has 72,000 ticks with two million pairs of numbers: as JSON trees they take half
 * of the time that the whole report does.  So a line that is a tick just as squall writes it is read
 * digit by digit; whatever else stands there goes the way of all records, which knows what is wrong. */
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

bool sq_tick_from_line(struct sq_tick *tick, const char *line, size_t len)
{
	int64_t n;
	const char *s = integer(behind(line, "{\"k\":\"tick\",\"b\":"), &n);

	s = behind(integer(behind(s, ",\"e\":"), &tick->end_ns), ",\"v\":[");
	tick->n = 0;
	for (; s && *s != ']'; s += *s == ',' && s[1] != ']') {
		s = integer(s, &n);
		if (!s || (*s != ',' && *s != ']'))
			return false;
		add(tick, (double)n);
	}
	s = behind(s, "]}\n");
	return s && s == line + len && tick->n % 2 == 0;
}

int sq_tick_from_json(struct sq_tick *tick, const json_t *record)
{
	const json_t *v = json_object_get(record, "v"), *number;
	size_t i;

	tick->end_ns = json_integer_value(json_object_get(record, "e"));
	tick->n = 0;
	json_array_foreach(v, i, number) {
		if (!json_is_number(number) || (i % 2 == 0 && !json_is_integer(number)))
			return -EINVAL;
		add(tick, json_number_value(number));
	}
	return tick->n % 2 ? -EINVAL : 0;
}
