/* nginx's page of stub_status:
 *
 *   Active connections: 291
 *   server accepts handled requests
 *    16630948 16630948 31070465
 *   Reading: 6 Writing: 179 Waiting: 106
 *
 * What a reader would get wrong: "accepts" less "handled" are connections that nginx closed at once,
 * because worker_connections was reached.  Whoever asks for the page is counted in all of them. */
#include "analyzers/server_stats.h"

static struct sq_span no_instance;

static const struct {
	const char *word, *row, *unit;
	enum sq_metric_kind kind;
} rows[] = {
	{ "connections:", "active", "connections", SQ_GAUGE },
	{ "accepts", "accepts", "connections", SQ_COUNTER },
	{ "handled", "handled", "connections", SQ_COUNTER },
	{ "requests", "requests", "requests", SQ_COUNTER },
	{ "Reading:", "reading", "connections", SQ_GAUGE },
	{ "Writing:", "writing", "connections", SQ_GAUGE },
	{ "Waiting:", "waiting", "connections", SQ_GAUGE },
};

static void put_named(struct sq_stats *t, struct sq_span word, struct sq_span number)
{
	uint64_t value;

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct sq_span name = { rows[i].row, rows[i].row };

		if (!sq_span_is(word, rows[i].word) || !sq_span_number(number, &value))
			continue;
		while (*name.end)
			name.end++;
		sq_stats_put(t, "nginx.", name, no_instance, rows[i].unit, rows[i].kind, value);
	}
}

/* A line of names, "server" first, and the line of their values below it. */
static void put_table(struct sq_stats *t, struct sq_span names, struct sq_span values)
{
	struct sq_span name, value;

	while (sq_span_word(&names, &name) && sq_span_word(&values, &value))
		put_named(t, name, value);
}

void sq_stats_nginx(struct sq_span text, struct sq_stats *t)
{
	struct sq_span line, word, number;

	while (sq_span_line(&text, &line)) {
		bool is_header = sq_span_begins(line, "server ");

		if (is_header && sq_span_word(&line, &word) && sq_span_line(&text, &number)) {
			put_table(t, line, number);
			continue;
		}
		while (sq_span_word(&line, &word)) {
			struct sq_span rest = line;

			if (word.end[-1] == ':' && sq_span_word(&rest, &number))
				put_named(t, word, number);
		}
	}
}
