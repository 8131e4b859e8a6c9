/* The text format of Prometheus (node_exporter, pmproxy and all others):
 *
 *   # TYPE http_requests_total counter
 *   http_requests_total{method="post",code="200"} 1027 1395066363000
 *
 * A row has the metric's name, and the labels as they stand there for its instance.
 *
 * What a reader would get wrong:
 * - What "# TYPE" does not call a counter is a gauge; of a histogram all parts are counters, of a summary
 *   _sum and _count.
 * - Values may have fractions, rows have none: seconds become microseconds, shares of one (_ratio)
 *   millionths, load averages thousandths; of all others the whole part is left.  NaN and infinities
 *   are no readings.
 * - A label's text may hold anything, quoted: braces, blanks, escaped quotes. */
#include <fnmatch.h>
#include <string.h>

#include "analyzers/formats/server_stats.h"

/* Of a TYPE line; it holds for the samples below it that have its name. */
struct family {
	struct sq_span name, type;
};

/* By how a name ends. */
static const struct {
	const char *end, *unit;
} units[] = {
	{ "_count", "events" },          { "_bucket", "events" },     { "_seconds", "us" },
	{ "_seconds_total", "us" },      { "_seconds_sum", "us" },    { "_ratio", "millionths" },
	{ "load1", "thousandths" },      { "load5", "thousandths" },  { "load15", "thousandths" },
	{ "_bytes", "bytes" },           { "_bytes_total", "bytes" }, { "_bytes_sum", "bytes" },
	{ "_packets_total", "packets" },
};

static const char *unit_of(struct sq_span name)
{
	for (size_t i = 0; i < sizeof(units) / sizeof(units[0]); i++) {
		size_t len = strlen(units[i].end);

		if (sq_span_len(name) > len && memcmp(name.end - len, units[i].end, len) == 0)
			return units[i].unit;
	}
	return "";
}

static void read_comment(struct sq_span line, struct family *family)
{
	struct sq_span hash, word;

	if (sq_span_word(&line, &hash) && sq_span_is(hash, "#") && sq_span_word(&line, &word) &&
	    sq_span_is(word, "TYPE") && sq_span_word(&line, &family->name) &&
	    !sq_span_word(&line, &family->type))
		family->type = line;
}

static enum sq_metric_kind kind_of(const struct family *family, struct sq_span name)
{
	size_t len = sq_span_len(family->name);
	struct sq_span rest = { name.p + len, name.end };

	if (sq_span_len(name) < len || memcmp(name.p, family->name.p, len) != 0)
		return SQ_GAUGE;
	if (sq_span_is(family->type, "counter") || sq_span_is(family->type, "histogram"))
		return sq_span_is(rest, "_created") ? SQ_GAUGE : SQ_COUNTER;
	if (sq_span_is(family->type, "summary") &&
	    (sq_span_is(rest, "_sum") || sq_span_is(rest, "_count")))
		return SQ_COUNTER;
	return SQ_GAUGE;
}

/* "{...}" off the front of a line, without the braces; false when it has no end. */
static bool take_labels(struct sq_span *line, struct sq_span *ret)
{
	bool quoted = false;

	*ret = (struct sq_span){ line->p, line->p };
	if (!sq_span_begins(*line, "{"))
		return true;
	for (const char *p = line->p + 1; p < line->end; p++) {
		if (quoted && *p == '\\' && p + 1 < line->end)
			p++;
		else if (*p == '"')
			quoted = !quoted;
		else if (*p == '}' && !quoted) {
			*ret = (struct sq_span){ line->p + 1, p };
			line->p = p + 1;
			return true;
		}
	}
	return false;
}

static bool take_name(struct sq_span *line, struct sq_span *ret)
{
	*ret = (struct sq_span){ line->p, line->p };
	while (line->p < line->end && *line->p != '{' && *line->p != ' ' && *line->p != '\t')
		line->p++;
	ret->end = line->p;
	return ret->end > ret->p;
}

static bool wanted(const struct sq_strings *names, struct sq_span name)
{
	char text[SQ_STATS_NAME];

	if (!names || !names->n)
		return true;
	if (sq_span_len(name) >= sizeof(text))
		return false;
	memcpy(text, name.p, sq_span_len(name));
	text[sq_span_len(name)] = '\0';
	for (size_t i = 0; i < names->n; i++)
		if (fnmatch(names->v[i], text, 0) == 0)
			return true;
	return false;
}

static void read_sample(struct sq_span line, const struct family *family,
			const struct sq_strings *names, struct sq_stats *t)
{
	struct sq_span name, labels, number;

	if (take_name(&line, &name) && wanted(names, name) && take_labels(&line, &labels) &&
	    sq_span_word(&line, &number))
		sq_stats_put_typed(t, name, labels, kind_of(family, name), unit_of(name), number);
}

void sq_stats_prometheus(struct sq_span text, const struct sq_strings *names, struct sq_stats *t)
{
	struct family family = { { text.p, text.p }, { text.p, text.p } };
	struct sq_span line;

	while (sq_span_line(&text, &line)) {
		line = sq_span_trim(line);
		if (sq_span_begins(line, "#"))
			read_comment(line, &family);
		else if (sq_span_len(line) > 0)
			read_sample(line, &family, names, t);
	}
}
