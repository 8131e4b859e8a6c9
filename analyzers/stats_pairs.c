/* The statistics of unbound, NSD and Knot: a name and a value on each line, "total.num.queries=17" or
 * "mod-stats.response-code[NOERROR] = 17".  Rows have these names behind the server's own.
 *
 * What a reader would get wrong:
 * - unbound and NSD print seconds with a fraction; a row is a whole number, so these are microseconds,
 *   and averages thousandths.
 * - unbound's "total." is the sum of its "threadN.", and of averages the average: to add the two up
 *   counts everything twice.
 * - Knot counts by query and answer only with its module mod-stats, for the server or for zones. */
#include <stdio.h>
#include <string.h>

#include "analyzers/server_stats.h"

static const struct sq_stats_word unbound_words[] = {
	{ "time.*", "us", SQ_GAUGE, 1e6 },
	{ "*.recursion.time.*", "us", SQ_GAUGE, 1e6 },
	{ "*.avg", "queries/1000", SQ_GAUGE, 1000 },
	{ "*.requestlist.max", "queries", SQ_GAUGE, 1 },
	{ "*.requestlist.current.*", "queries", SQ_GAUGE, 1 },
	{ "*.tcpusage", "buffers", SQ_GAUGE, 1 },
	{ "mem.*", "bytes", SQ_GAUGE, 1 },
	{ "*.count", "entries", SQ_GAUGE, 1 },
	{ "num.answer.*", "answers", SQ_COUNTER, 1 },
	{ NULL, "queries", SQ_COUNTER, 1 },
};

static const struct sq_stats_word nsd_words[] = {
	{ "time.*", "us", SQ_GAUGE, 1e6 },  { "size.*", "bytes", SQ_GAUGE, 1 },
	{ "zone.*", "zones", SQ_GAUGE, 1 }, { "num.rcode.*", "answers", SQ_COUNTER, 1 },
	{ NULL, "queries", SQ_COUNTER, 1 },
};

static const struct sq_stats_word knot_words[] = {
	{ "server.zone-count", "zones", SQ_GAUGE, 1 },
	{ "*-bytes", "bytes", SQ_COUNTER, 1 },
	{ "*.response-*", "answers", SQ_COUNTER, 1 },
	{ NULL, "queries", SQ_COUNTER, 1 },
};

/* "mod-stats.response-code[NOERROR]" without what stands in the brackets, which it returns. */
static struct sq_span take_index(struct sq_span *name)
{
	struct sq_span index = { name->end, name->end };
	const char *open = sq_span_find(*name, "[");

	if (open && open > name->p && name->end[-1] == ']') {
		index = (struct sq_span){ open + 1, name->end - 1 };
		name->end = open;
	}
	return index;
}

/* "[example.test.] NAME" without the zone, which it returns. */
static struct sq_span take_zone(struct sq_span *name)
{
	struct sq_span zone = { name->p, name->p };

	if (sq_span_begins(*name, "[") && sq_span_cut(name, ']', &zone))
		zone.p++;
	*name = sq_span_trim(*name);
	return zone;
}

static void put_pair(struct sq_stats *t, const char *prefix, const struct sq_stats_word *words,
		     struct sq_span name, struct sq_span value)
{
	struct sq_span zone = take_zone(&name), index = take_index(&name);
	const struct sq_stats_word *word = sq_stats_word(words, name);
	char instance[SQ_STATS_INSTANCE];
	uint64_t v;
	int len;

	if (sq_span_len(name) == 0 || !sq_span_scaled(value, word->scale, &v))
		return;
	len = snprintf(instance, sizeof(instance), "%.*s%s%.*s", (int)sq_span_len(zone), zone.p,
		       sq_span_len(zone) && sq_span_len(index) ? " " : "", (int)sq_span_len(index),
		       index.p);
	if (len < 0 || (size_t)len >= sizeof(instance)) {
		t->passed++;
		return;
	}
	sq_stats_put(t, prefix, name, (struct sq_span){ instance, instance + strlen(instance) },
		     word->unit, word->kind, v);
}

static void parse_pairs(struct sq_span text, const char *prefix, const struct sq_stats_word *words,
			struct sq_stats *t)
{
	struct sq_span line, name;

	while (sq_span_line(&text, &line))
		if (sq_span_cut(&line, '=', &name))
			put_pair(t, prefix, words, sq_span_trim(name), sq_span_trim(line));
}

void sq_stats_unbound(struct sq_span text, struct sq_stats *t)
{
	parse_pairs(text, "unbound.", unbound_words, t);
}

void sq_stats_nsd(struct sq_span text, struct sq_stats *t)
{
	parse_pairs(text, "nsd.", nsd_words, t);
}

void sq_stats_knot(struct sq_span text, struct sq_stats *t)
{
	parse_pairs(text, "knot.", knot_words, t);
}
