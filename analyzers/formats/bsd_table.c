/* Tables of BSD's tools: a line of column names, and a line for each thing, whose name may have blanks
 * in it.
 *
 *   Name   Size Requests  Fail Releases ...      ITEM            SIZE  LIMIT  USED  FREE FAIL
 *   mclpl  2048  1758499 14725  1757480 ...      mbuf_cluster:   2048, 25600, 2831,  511,   0
 *
 * Rows are "bsd.pool.Fail" (vmstat -m of OpenBSD), "bsd.malloc.InUse" (the types of both),
 * "bsd.zone.FAIL" (vmstat -z), by the thing's name; "listen.queue" and "listen.backlog" by address,
 * as on Linux, so that the same mechanisms are found.
 *
 * What a reader would get wrong:
 * - Columns go by their names: OpenBSD's Releases became InUse, FreeBSD has dropped HighUse.
 * - A name ends where the values begin, counted from the line's end: "CAM DEV" is one, and the last
 *   column, Size(s), may be empty.
 * - Pages are not items: a pool's Npage, Hiwat and Maxpg count pages.  A Maxpg "inf" is no value. */
#include <stdio.h>
#include <string.h>

#include "analyzers/formats/bsd_text.h"

enum { COLUMNS = 24 };

struct table {
	const char *prefix;
	struct sq_span names[COLUMNS];
	size_t n;      /* the first is that of the things' names */
	bool open_end; /* the last column may be empty */
};

/* A word of a value's column; "-" and "inf" stand for one that is none. */
static bool is_value(struct sq_span w)
{
	uint64_t v;

	return sq_span_is(w, "-") || sq_span_is(w, "inf") || sq_span_bytes(w, &v);
}

/* Values may have commas between them, or behind them. */
static bool next_value(struct sq_span *line, struct sq_span *ret)
{
	while (line->p < line->end && (*line->p == ',' || *line->p == ' ' || *line->p == '\t'))
		line->p++;
	ret->p = line->p;
	while (line->p < line->end && *line->p != ',' && *line->p != ' ' && *line->p != '\t')
		line->p++;
	ret->end = line->p;
	return ret->end > ret->p;
}

static bool has_name(const struct table *table, struct sq_span name)
{
	for (size_t i = 0; i < table->n; i++)
		if (sq_span_len(table->names[i]) == sq_span_len(name) &&
		    memcmp(table->names[i].p, name.p, sq_span_len(name)) == 0)
			return true;
	return false;
}

/* A name that comes again (OpenBSD has three columns Limit) is not the same column's: no name. */
static void read_names(struct table *table, const char *prefix, struct sq_span line)
{
	struct sq_span word;

	table->prefix = prefix;
	table->n = 0;
	table->open_end = false;
	while (table->n < COLUMNS && sq_span_word(&line, &word)) {
		table->open_end = sq_span_is(word, "Size(s)");
		if (table->open_end)
			break;
		if (has_name(table, word))
			word.end = word.p;
		table->names[table->n++] = word;
	}
}

/* The row's values are all there, and nothing is left but what may be. */
static bool values_fit(const struct table *table, struct sq_span values, bool ends_name)
{
	struct sq_span value;

	for (size_t i = 1; i < table->n; i++)
		if (!next_value(&values, &value) || !is_value(value))
			return false;
	if (table->open_end)
		sq_span_word(&values, &value);
	return ends_name || !sq_span_word(&values, &value);
}

/* A name's end is its colon, or where as many values follow as there are columns: "bus 8" is one. */
static bool split(const struct table *table, struct sq_span line, struct sq_span *ret_name,
		  struct sq_span *ret_values)
{
	struct sq_span rest = line, word;

	while (sq_span_word(&rest, &word)) {
		if (!values_fit(table, rest, word.end[-1] == ':'))
			continue;
		*ret_name = (struct sq_span){ line.p, word.end };
		*ret_values = rest;
		return true;
	}
	return false;
}

static void put_value(struct sq_stats *t, const struct table *table, size_t column,
		      const char *thing, struct sq_span value)
{
	char row[SQ_BSD_NAME];
	uint64_t v;
	int len = snprintf(row, sizeof(row), "%s.%.*s", table->prefix,
			   (int)sq_span_len(table->names[column]), table->names[column].p);

	if (len > 0 && (size_t)len < sizeof(row) && sq_span_len(table->names[column]) &&
	    sq_span_bytes(value, &v))
		sq_bsd_put(t, row, thing, v);
}

static void read_row(struct sq_stats *t, const struct table *table, struct sq_span line)
{
	char text[SQ_STATS_INSTANCE];
	struct sq_span name, values, value;

	if (table->n < 2 || !split(table, line, &name, &values))
		return;
	name = sq_span_trim(name);
	if (name.end[-1] == ':')
		name.end--;
	if (sq_span_len(name) == 0 || sq_span_len(name) >= sizeof(text)) {
		t->passed++;
		return;
	}
	memcpy(text, name.p, sq_span_len(name));
	text[sq_span_len(name)] = '\0';
	for (size_t i = 1; i < table->n && next_value(&values, &value); i++)
		put_value(t, table, i, text, value);
}

static void read_tables(struct sq_span text, struct sq_stats *t)
{
	struct table table = { .n = 0 };
	struct sq_span line, rest, word, second;

	while (sq_span_line(&text, &line)) {
		rest = line;
		if (!sq_span_word(&rest, &word) || !sq_span_word(&rest, &second))
			continue;
		if (sq_span_is(word, "Name") && sq_span_is(second, "Size"))
			read_names(&table, "pool", line);
		else if (sq_span_is(word, "Type"))
			read_names(&table, "malloc", line);
		else if (sq_span_is(word, "ITEM"))
			read_names(&table, "zone", line);
		else
			read_row(t, &table, line);
	}
}

void sq_bsd_vmstat_m(struct sq_span text, struct sq_stats *t)
{
	read_tables(text, t);
}

void sq_bsd_vmstat_z(struct sq_span text, struct sq_stats *t)
{
	read_tables(text, t);
}

/* ---- sockets ---- */

/* "*.80", "127.0.0.1.80", "::1.80" as Linux's sources have them: "0.0.0.0:80", "[::1]:80". */
static bool address_text(struct sq_span a, bool six, char *out, size_t size)
{
	const char *dot = a.p < a.end ? memrchr(a.p, '.', sq_span_len(a)) : NULL;
	struct sq_span ip = { a.p, dot };
	uint64_t port;
	int len;

	if (!dot || !sq_span_number((struct sq_span){ dot + 1, a.end }, &port))
		return false;
	six = six || sq_span_find(ip, ":");
	if (sq_span_is(ip, "*"))
		len = snprintf(out, size, "%s:%u", six ? "[::]" : "0.0.0.0", (unsigned)port);
	else
		len = snprintf(out, size, "%s%.*s%s:%u", six ? "[" : "", (int)sq_span_len(ip), ip.p,
			       six ? "]" : "", (unsigned)port);
	return len > 0 && (size_t)len < size;
}

/* Outside the names of "bsd.": what they mean is the same as on Linux. */
static void put_gauge(struct sq_stats *t, const char *name, const char *instance, uint64_t value)
{
	sq_stats_put(t, "", sq_span_of(name), sq_span_of(instance), value);
}

/* "tcp4  0/0/128  *.80", or without the protocol. */
void sq_bsd_netstat_lan(struct sq_span text, struct sq_stats *t)
{
	struct sq_span line, word, part, queue, embryonic;
	char address[SQ_STATS_INSTANCE];
	uint64_t q, e, most;

	while (sq_span_line(&text, &line)) {
		bool six = sq_span_find(line, "tcp6") != NULL;

		if (!sq_span_word(&line, &word))
			continue;
		if (sq_span_begins(word, "tcp") && !sq_span_word(&line, &word))
			continue;
		part = word;
		if (!sq_span_cut(&part, '/', &queue) || !sq_span_cut(&part, '/', &embryonic) ||
		    !sq_span_number(queue, &q) || !sq_span_number(embryonic, &e) ||
		    !sq_span_number(part, &most) || !sq_span_word(&line, &word) ||
		    !address_text(word, six, address, sizeof(address)))
			continue;
		put_gauge(t, "listen.queue", address, q);
		put_gauge(t, "listen.incomplete", address, e);
		put_gauge(t, "listen.backlog", address, most);
	}
}

/* "tcp  0  5346  172.23.1.1.22  10.172.2.32.1156  ESTABLISHED": sums over all connections. */
void sq_bsd_netstat_an(struct sq_span text, struct sq_stats *t)
{
	uint64_t recv_q = 0, send_q = 0, established = 0, r, s;
	struct sq_span line, word, in, out;
	bool known = false;

	while (sq_span_line(&text, &line)) {
		if (!sq_span_word(&line, &word))
			continue;
		known = known || sq_span_is(word, "Proto");
		if (!sq_span_begins(word, "tcp") || !sq_span_word(&line, &in) ||
		    !sq_span_word(&line, &out) || !sq_span_number(in, &r) ||
		    !sq_span_number(out, &s) || sq_span_find(line, "LISTEN"))
			continue;
		recv_q += r;
		send_q += s;
		established += sq_span_find(line, "ESTABLISHED") != NULL;
	}
	if (!known)
		return;
	put_gauge(t, "tcp.recv_q", "", recv_q);
	put_gauge(t, "tcp.send_q", "", send_q);
	put_gauge(t, "tcp.established", "", established);
}
