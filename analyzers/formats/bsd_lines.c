/* netstat -s and netstat -m: a number, and what it counts, on each line.
 *
 *   tcp:                                             105 mbufs in use:
 *       9 packets sent                                   97 mbufs allocated to data
 *           7 data packets (512 bytes)               96/376/6144 mbuf clusters in use (current/peak/max)
 *       4 syncache entries added                     852 Kbytes allocated to network (25% in use)
 *           1 dropped                                0/0 requests for mbufs denied (mbufs/clusters)
 *
 * A row is "bsd.PROTOCOL.WORDS", or "bsd.mbuf.WORDS" by what stands in the brackets.
 *
 * What a reader would get wrong:
 * - "1 dropped" alone says nothing: what stands deeper is named behind the line that it belongs to,
 *   "bsd.tcp.syncache_entry_added.dropped".
 * - A second number of a line, in brackets, is a row of its own: "bsd.tcp.packet_sent.data_packet.byte".
 * - netstat -m says "mbufs in use" on both systems, and clusters by current/peak/max on OpenBSD, by
 *   current/cache/total/max on FreeBSD; OpenBSD's old "85/1048 mapped pages in use" is current/total. */
#include <stdio.h>
#include <string.h>

#include "analyzers/formats/bsd_text.h"

enum {
	VALUES = 6, /* of a line, between slashes */
	DEPTH = 6,
};

/* One line, taken apart. */
struct count {
	uint64_t values[VALUES];
	size_t n;
	char name[SQ_BSD_NAME];  /* of all words that are not in brackets with a number */
	char aside[SQ_BSD_NAME]; /* of those; "" when there are none */
	uint64_t aside_value;
	struct sq_span labels[VALUES]; /* of the values; as many, or none */
	size_t n_labels;
};

/* "96/376/6144" or "2304K/1849K/4154K" */
static bool take_values(struct sq_span word, struct count *c)
{
	struct sq_span value;

	c->n = 0;
	while (c->n < VALUES) {
		bool last = !sq_span_cut(&word, '/', &value);

		if (!sq_span_bytes(last ? word : value, &c->values[c->n++]))
			return false;
		if (last)
			return true;
	}
	return false;
}

/* "current/peak/max": as many as there are values. */
static bool take_labels(struct sq_span text, struct count *c)
{
	size_t n = 0;

	if (c->n < 2)
		return false;
	while (n < VALUES && sq_span_cut(&text, '/', &c->labels[n]))
		n++;
	if (n == VALUES)
		return false;
	c->labels[n++] = text;
	c->n_labels = n == c->n ? n : 0;
	return c->n_labels > 0;
}

/* "for 512 bytes", "25% in use": its first number, and the words about it. */
static bool take_aside(struct sq_span text, struct count *c)
{
	struct sq_span rest = text, word;

	while (sq_span_word(&rest, &word)) {
		struct sq_span number = word;

		number.end -= word.end[-1] == '%';
		if (!sq_span_number(number, &c->aside_value))
			continue;
		c->aside[0] = '\0';
		sq_bsd_name(c->aside, (struct sq_span){ text.p, word.p });
		return sq_bsd_name(c->aside, rest);
	}
	return false;
}

/* The words behind the number: what stands in brackets is labels, an aside, or words like others. */
static bool take_words(struct sq_span text, struct count *c)
{
	struct sq_span before, inside, rest = text;

	while (sq_span_cut(&rest, '(', &before) && sq_span_cut(&rest, ')', &inside)) {
		if (!take_labels(inside, c) && !take_aside(inside, c))
			before.end = inside.end;
		sq_bsd_name(c->name, before);
		text = rest;
	}
	return sq_bsd_name(c->name, text);
}

/* "97 mbufs allocated to data", or the other way round: "echo reply: 5". */
static bool take_line(struct sq_span line, struct count *c)
{
	struct sq_span rest = line, word, name;

	*c = (struct count){ .n = 0 };
	if (sq_span_word(&rest, &word) && take_values(word, c))
		return take_words(rest, c);
	rest = line;
	if (!sq_span_cut(&rest, ':', &name) || !take_values(sq_span_trim(rest), c) || c->n != 1)
		return false;
	return sq_bsd_name(c->name, name);
}

static void put(struct sq_stats *t, const char *before, const char *name, struct sq_span label,
		uint64_t value)
{
	char whole[SQ_STATS_NAME], at[SQ_STATS_INSTANCE];
	int len = snprintf(whole, sizeof(whole), "%s%s", before, name);

	if (len < 0 || (size_t)len >= sizeof(whole) || sq_span_len(label) >= sizeof(at)) {
		t->passed++;
		return;
	}
	snprintf(at, sizeof(at), "%.*s", (int)sq_span_len(label), label.p);
	sq_bsd_put(t, whole, at, value);
}

/* "": none. */
static struct sq_span label_of(const struct count *c, size_t i)
{
	if (c->n_labels)
		return c->labels[i];
	if (c->n == 2)
		return sq_span_of(i == 0 ? "current" : "total");
	return sq_span_of("");
}

static void put_count(struct sq_stats *t, const char *before, const struct count *c)
{
	char name[2 * SQ_BSD_NAME];

	/* Whose so many values are, the line must say. */
	for (size_t i = 0; i < c->n && (c->n <= 2 || c->n_labels); i++)
		put(t, before, c->name, label_of(c, i), c->values[i]);
	if (!c->aside[0])
		return;
	snprintf(name, sizeof(name), "%s.%s", c->name, c->aside);
	put(t, before, name, sq_span_of(""), c->aside_value);
}

/* ---- what a line belongs to ---- */

struct level {
	size_t indent, len; /* how deep it stands; how much of `before` is its and its parents' */
};

struct walk {
	char before[SQ_STATS_NAME]; /* "tcp.syncache_entry_added." */
	struct level levels[DEPTH];
	size_t n;
};

static size_t indent_of(struct sq_span line)
{
	size_t n = 0;

	for (; line.p < line.end && (*line.p == ' ' || *line.p == '\t'); line.p++)
		n = *line.p == '\t' ? (n / 8 + 1) * 8 : n + 1;
	return n;
}

/* Ends what stood as deep as this line or deeper. */
static void leave_levels(struct walk *w, size_t indent)
{
	while (w->n > 0 && w->levels[w->n - 1].indent >= indent)
		w->n--;
	w->before[w->n ? w->levels[w->n - 1].len : 0] = '\0';
}

static void enter_level(struct walk *w, size_t indent, const char *name)
{
	size_t len = strlen(w->before);

	if (w->n == DEPTH || len + strlen(name) + 2 > sizeof(w->before))
		return;
	snprintf(w->before + len, sizeof(w->before) - len, "%s.", name);
	w->levels[w->n++] = (struct level){ indent, len + strlen(name) + 1 };
}

/* "tcp:" */
static bool take_header(struct sq_span line, char name[SQ_BSD_NAME])
{
	line = sq_span_trim(line);
	if (line.p == line.end || line.end[-1] != ':')
		return false;
	line.end--;
	name[0] = '\0';
	return sq_bsd_name(name, line);
}

void sq_bsd_netstat_s(struct sq_span text, struct sq_stats *t)
{
	struct walk w = { .n = 0 };
	char header[SQ_BSD_NAME];
	struct sq_span line;
	struct count c;

	while (sq_span_line(&text, &line)) {
		size_t indent = indent_of(line);

		if (sq_span_len(sq_span_trim(line)) == 0)
			continue;
		leave_levels(&w, indent);
		if (take_line(line, &c)) {
			put_count(t, w.before, &c);
			enter_level(&w, indent, c.name);
		} else if (take_header(line, header))
			enter_level(&w, indent, header);
	}
}

void sq_bsd_netstat_m(struct sq_span text, struct sq_stats *t)
{
	struct sq_span line;
	struct count c;

	while (sq_span_line(&text, &line))
		if (take_line(line, &c))
			put_count(t, "mbuf.", &c);
}
