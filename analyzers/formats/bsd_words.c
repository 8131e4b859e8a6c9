/* The heads of top, pf's counters, sysctl's values, and what the kernel's messages count.
 *
 * What a reader would get wrong:
 * - top's memory is by system: OpenBSD says "Real: 26M/55M act/tot Free: 95M Swap: 0K/516M used/tot",
 *   FreeBSD "26M Active, 55M Inact, 95M Free".  Rows have these words.
 * - Shares of time stand in tenths of a percent, load averages in hundredths: rows are whole numbers.
 * - What the kernel holds back of its RSTs and ICMP errors it counts nowhere, but says so: "Limiting
 *   closed port RST response from 250 to 200 packets/sec".  dmesg keeps its last messages only, so
 *   that these counts may fall; and it says so once a second at most. */
#include <stdio.h>
#include <string.h>

#include "analyzers/formats/bsd_text.h"

static void put_words(struct sq_stats *t, const char *row, struct sq_span words, uint64_t value)
{
	char instance[SQ_BSD_NAME] = "";

	if (sq_bsd_name(instance, words))
		sq_bsd_put(t, row, instance, value);
}

/* The word without a comma or semicolon behind it. */
static struct sq_span bare(struct sq_span word)
{
	while (word.p < word.end && (word.end[-1] == ',' || word.end[-1] == ';'))
		word.end--;
	return word;
}

/* ---- top ---- */

static void read_load(struct sq_stats *t, struct sq_span line)
{
	static const char *const minutes[] = { "1 min", "5 min", "15 min" };
	struct sq_span word;
	uint64_t v;

	for (size_t i = 0; i < 3 && sq_span_word(&line, &word); i++)
		if (sq_span_scaled(bare(word), 100, &v))
			sq_bsd_put(t, "load", minutes[i], v);
}

/* "28 processes: 27 idle, 1 on processor" */
static void read_processes(struct sq_stats *t, struct sq_span line)
{
	struct sq_span part, number;
	uint64_t v;
	bool more = true;

	if (!sq_span_word(&line, &number) || !sq_span_number(number, &v))
		return;
	sq_bsd_put(t, "processes", "all", v);
	if (!sq_span_cut(&line, ':', &part))
		return;
	while (more) {
		more = sq_span_cut(&line, ',', &part);
		if (!more)
			part = line;
		if (sq_span_word(&part, &number) && sq_span_number(number, &v))
			put_words(t, "processes", part, v);
	}
}

/* "0.2% user, 22.9% interrupt", also without a blank behind the comma. */
static void read_cpu(struct sq_stats *t, struct sq_span line)
{
	struct sq_span share, name;
	uint64_t v;

	while (sq_span_cut(&line, '%', &share)) {
		while (share.p < share.end &&
		       (*share.p == ' ' || *share.p == ',' || *share.p == '\t'))
			share.p++;
		if (!sq_span_word(&line, &name))
			return;
		for (const char *p = name.p; p < name.end; p++)
			if (*p == ',') {
				name.end = p;
				line.p = p;
			}
		if (sq_span_scaled(share, 10, &v))
			put_words(t, "cpu", name, v);
	}
}

static void put_bytes(struct sq_stats *t, const char *before, struct sq_span name,
		      struct sq_span word)
{
	char whole[SQ_BSD_NAME];
	uint64_t v;

	snprintf(whole, sizeof(whole), "%s %.*s", before, (int)sq_span_len(name), name.p);
	if (sq_span_bytes(word, &v))
		put_words(t, "memory", sq_span_of(whole), v);
}

/* "Real: 26M/55M act/tot Free: 95M Swap: 0K/516M used/tot" */
static void read_openbsd_memory(struct sq_stats *t, struct sq_span line)
{
	struct sq_span key, value, first, names, name;
	char before[32];

	while (sq_span_word(&line, &key) && sq_span_word(&line, &value)) {
		snprintf(before, sizeof(before), "%.*s", (int)sq_span_len(key), key.p);
		if (!sq_span_cut(&value, '/', &first)) {
			put_bytes(t, before, sq_span_of(""), bare(value));
			continue;
		}
		if (!sq_span_word(&line, &names) || !sq_span_cut(&names, '/', &name))
			return;
		put_bytes(t, before, name, first);
		put_bytes(t, before, names, value);
	}
}

/* "26M Active, 55M Inact, 95M Free" */
static void read_freebsd_memory(struct sq_stats *t, const char *before, struct sq_span line)
{
	struct sq_span value, name;

	while (sq_span_word(&line, &value) && sq_span_word(&line, &name))
		put_bytes(t, before, bare(name), value);
}

static bool take_begin(struct sq_span *line, const char *begin)
{
	if (!sq_span_begins(*line, begin))
		return false;
	line->p += strlen(begin);
	return true;
}

void sq_bsd_top(struct sq_span text, struct sq_stats *t)
{
	struct sq_span line;
	const char *at;

	while (sq_span_line(&text, &line)) {
		line = sq_span_trim(line);
		at = sq_span_find(line, "load averages:");
		if (at)
			read_load(t, (struct sq_span){ at + strlen("load averages:"), line.end });
		else if (sq_span_find(line, " processes:"))
			read_processes(t, line);
		else if (take_begin(&line, "CPU states:") || take_begin(&line, "CPU:") ||
			 take_begin(&line, "All CPUs:"))
			read_cpu(t, line);
		else if (take_begin(&line, "Memory:"))
			read_openbsd_memory(t, line);
		else if (take_begin(&line, "Mem:"))
			read_freebsd_memory(t, "", line);
		else if (take_begin(&line, "Swap:"))
			read_freebsd_memory(t, "swap", line);
		else if (sq_span_begins(line, "PID "))
			break; /* processes: other people's names */
	}
}

/* ---- pfctl ---- */

/* "current entries   12", "searches  1234567  123.4/s": under their heading. */
static void read_pf_count(struct sq_stats *t, const char heading[SQ_BSD_NAME], struct sq_span line)
{
	char row[SQ_BSD_NAME];
	struct sq_span rest = line, word;
	uint64_t v;

	while (sq_span_word(&rest, &word)) {
		if (word.p == line.p || !sq_span_number(word, &v))
			continue;
		memcpy(row, heading, sizeof(row));
		if (sq_bsd_name(row, (struct sq_span){ line.p, word.p }))
			sq_bsd_put(t, row, "", v);
		return;
	}
}

/* "states        hard limit   100000" */
static void read_pf_limit(struct sq_stats *t, struct sq_span line, const char *at)
{
	struct sq_span number = { at + strlen("hard limit"), line.end }, name = { line.p, at };
	static const char row[] = "bsd.pf.limit";
	uint64_t v;

	if (sq_span_number(sq_span_trim(number), &v))
		sq_stats_put(t, "", sq_span_of(row), sq_span_trim(name), v);
}

/* "State Table      Total     Rate" is "pf.State_Table."; "" for a line that is no heading. */
static void read_pf_heading(struct sq_span line, char heading[SQ_BSD_NAME])
{
	struct sq_span name = { line.p, line.p }, word;
	char text[SQ_BSD_NAME] = "";

	for (struct sq_span rest = line; sq_span_word(&rest, &word) && !sq_span_is(word, "Total");)
		name.end = word.end;
	heading[0] = '\0';
	if (!sq_span_find(line, ":") && sq_bsd_name(text, name))
		snprintf(heading, SQ_BSD_NAME, "pf.%.*s.", SQ_BSD_NAME - 5, text);
}

void sq_bsd_pfctl(struct sq_span text, struct sq_stats *t)
{
	char heading[SQ_BSD_NAME] = "";
	struct sq_span line;

	while (sq_span_line(&text, &line)) {
		const char *limit = sq_span_find(line, "hard limit");

		if (limit)
			read_pf_limit(t, line, limit);
		else if (!sq_span_begins(line, "  "))
			read_pf_heading(line, heading);
		else if (heading[0])
			read_pf_count(t, heading, sq_span_trim(line));
	}
}

/* ---- sysctl ---- */

/* "kern.ipc.somaxconn: 128" of FreeBSD, "kern.somaxconn=128" of OpenBSD. */
void sq_bsd_sysctl(struct sq_span text, struct sq_stats *t)
{
	struct sq_span line, name, value;
	uint64_t v;

	while (sq_span_line(&text, &line)) {
		value = line;
		if (!sq_span_cut(&value, '=', &name) && !sq_span_cut(&value, ':', &name))
			continue;
		if (sq_span_len(name) > 0 && sq_span_number(sq_span_trim(value), &v))
			sq_stats_put(t, "bsd.sysctl.", sq_span_trim(name), sq_span_of(""), v);
	}
}

/* ---- dmesg ---- */

/* "Limiting KIND from 250 to 200 packets/sec": how many it held back. */
static bool take_limiting(struct sq_span line, uint64_t *ret_held)
{
	const char *begin = sq_span_find(line, "Limiting "), *from, *to;
	struct sq_span rest, word;
	uint64_t sent, came;

	if (!begin)
		return false;
	rest = (struct sq_span){ begin + strlen("Limiting "), line.end };
	from = sq_span_find(rest, " from ");
	if (!from)
		return false;
	rest.p = from + strlen(" from ");
	to = sq_span_find(rest, " to ");
	if (!to || !sq_span_number(sq_span_trim((struct sq_span){ rest.p, to }), &came))
		return false;
	rest.p = to + strlen(" to ");
	if (!sq_span_word(&rest, &word) || !sq_span_number(word, &sent) || sent > came)
		return false;
	*ret_held = came - sent;
	return true;
}

enum message { QUEUES, CLUSTERS, FILES, MESSAGES };

static const char *const message_names[MESSAGES] = {
	[QUEUES] = "listen queue overflow",
	[CLUSTERS] = "mbuf clusters exhausted",
	[FILES] = "file table full",
};

static const struct {
	const char *text;
	enum message message;
} texts[] = {
	{ "Listen queue overflow", QUEUES },       { "mclpool limit reached", CLUSTERS },
	{ "mclpl: limit reached", CLUSTERS },      { "mb_map full", CLUSTERS },
	{ "nmbclusters limit reached", CLUSTERS }, { "file: table is full", FILES },
	{ "maxfiles limit exceeded", FILES },
};

static enum message message_of(struct sq_span line)
{
	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++)
		if (sq_span_find(line, texts[i].text))
			return texts[i].message;
	return MESSAGES;
}

void sq_bsd_dmesg(struct sq_span text, struct sq_stats *t)
{
	uint64_t limited = 0, held = 0, seen[MESSAGES + 1] = { 0 }, n;
	struct sq_span line;

	if (text.p == text.end)
		return;
	while (sq_span_line(&text, &line)) {
		if (take_limiting(line, &n)) {
			limited++;
			held += n;
		} else
			seen[message_of(line)]++;
	}
	sq_bsd_put(t, "dmesg", "response limited", limited);
	for (size_t i = 0; i < MESSAGES; i++)
		sq_bsd_put(t, "dmesg", message_names[i], seen[i]);
	sq_bsd_put(t, "icmplim.held_back", "", held);
}
