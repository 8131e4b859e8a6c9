/* nginx's page of stub_status:
 *
 *   Active connections: 291
 *   server accepts handled requests
 *    16630948 16630948 31070465
 *   Reading: 6 Writing: 179 Waiting: 106
 *
 * What a reader would get wrong: "accepts" less "handled" are connections that nginx closed at once,
 * because worker_connections was reached.  Whoever asks for the page is counted in all of them. */
#include "analyzers/formats/server_stats.h"

static const struct {
	const char *word, *row;
} rows[] = {
	{ "connections:", "active" }, { "accepts", "accepts" },  { "handled", "handled" },
	{ "requests", "requests" },   { "Reading:", "reading" }, { "Writing:", "writing" },
	{ "Waiting:", "waiting" },
};

static void put_named(struct sq_stats *t, struct sq_span word, struct sq_span number)
{
	uint64_t value;

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		if (sq_span_is(word, rows[i].word) && sq_span_number(number, &value))
			sq_stats_put(t, "nginx.", sq_span_of(rows[i].row), sq_span_of(""), value);
}

/* A line of names, and the line of their values below it. */
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
		bool names = sq_span_begins(line, "server ");

		while (sq_span_word(&line, &word)) {
			struct sq_span rest = line;

			if (names && sq_span_line(&text, &number)) {
				put_table(t, line, number);
				break;
			}
			if (word.end[-1] == ':' && sq_span_word(&rest, &number))
				put_named(t, word, number);
		}
	}
}
