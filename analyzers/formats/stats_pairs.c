/* The statistics of unbound, NSD and Knot: a name and a value on each line, "total.num.queries=17" or
 * "mod-stats.response-code[NOERROR] = 17".  Rows have these names behind the server's own; what stands
 * in brackets, and the number of a thread or a process, is the row's instance.
 *
 * What a reader would get wrong:
 * - unbound and NSD print seconds with a fraction; a row is a whole number, so these are microseconds,
 *   and averages thousandths.
 * - unbound's "total." is the sum of its "threadN.", and of averages the average: to add the two up
 *   counts everything twice.
 * - Knot counts by query and answer only with its module mod-stats, for the server or for zones. */
#include <stdio.h>
#include <string.h>

#include "analyzers/formats/server_stats.h"

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

/* "thread0.num.queries" is "thread.num.queries" of 0. */
static struct sq_span take_worker(const char *worker, struct sq_span *name, const char **ret_prefix)
{
	struct sq_span rest = *name, number = { name->p, name->p };
	uint64_t v;

	*ret_prefix = "";
	if (!worker || !sq_span_begins(rest, worker))
		return number;
	rest.p += strlen(worker);
	if (!sq_span_cut(&rest, '.', &number) || !sq_span_number(number, &v))
		return (struct sq_span){ name->p, name->p };
	*name = rest;
	*ret_prefix = worker;
	return number;
}

static void put_pair(struct sq_stats *t, const char *prefix, const char *worker,
		     struct sq_span name, struct sq_span value)
{
	char instance[SQ_STATS_INSTANCE], row[SQ_STATS_NAME];
	const char *of_worker;
	struct sq_span zone = take_zone(&name), index = take_index(&name);
	struct sq_span number = take_worker(worker, &name, &of_worker);
	int len = snprintf(row, sizeof(row), "%s%s%.*s", of_worker, *of_worker ? "." : "",
			   (int)sq_span_len(name), name.p);
	int at = snprintf(instance, sizeof(instance), "%.*s%.*s%s%.*s", (int)sq_span_len(number),
			  number.p, (int)sq_span_len(zone), zone.p,
			  sq_span_len(zone) && sq_span_len(index) ? " " : "",
			  (int)sq_span_len(index), index.p);

	if (len < 0 || (size_t)len >= sizeof(row) || at < 0 || (size_t)at >= sizeof(instance))
		t->passed++;
	else
		sq_stats_put_text(t, prefix, sq_span_of(row), sq_span_of(instance), value);
}

static void parse_pairs(struct sq_span text, const char *prefix, const char *worker,
			struct sq_stats *t)
{
	struct sq_span line, name;

	while (sq_span_line(&text, &line))
		if (sq_span_cut(&line, '=', &name))
			put_pair(t, prefix, worker, sq_span_trim(name), sq_span_trim(line));
}

void sq_stats_unbound(struct sq_span text, struct sq_stats *t)
{
	parse_pairs(text, "unbound.", "thread", t);
}

void sq_stats_nsd(struct sq_span text, struct sq_stats *t)
{
	parse_pairs(text, "nsd.", "server", t);
}

void sq_stats_knot(struct sq_span text, struct sq_stats *t)
{
	parse_pairs(text, "knot.", NULL, t);
}
