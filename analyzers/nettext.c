/* The texts of /proc/net, parsed by name: kernels add columns and lines, in the middle too.
 *
 * The names are nearly always those of the last reading, so what stood before the values is kept
 * as it was ("group": a line of names, or one name) with the rows that it led to, and compared
 * whole.  Only a difference costs look-ups.  Groups are found by their place in the text: a line
 * that appears shifts the rest, which are then looked up once more.
 *
 * softnet_stat alone has no names; its columns have only ever been added at the end
 * (net/core/net-procfs.c), and the later ones are optional here. */
#include "analyzers/nettext.h"

#include <errno.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "analyzers/mib.h"
#include "base/mem.h"

enum {
	NAME_SIZE = 128, /* the kernel's longest is 40; one over the half is passed over */
	PROCESSORS = 65536,
};

#define NO_ROW UINT32_MAX

struct sq_nettext_group {
	char *names; /* as they stand in the text */
	size_t len;
	unsigned *rows; /* NO_ROW: passed over */
	size_t n_rows, cap_rows;
};

/* A stretch of the text. */
struct span {
	const char *p, *end;
};

void sq_nettext_fini(struct sq_nettext *t)
{
	for (size_t i = 0; i < t->n_groups; i++) {
		free(t->groups[i].names);
		free(t->groups[i].rows);
	}
	free(t->groups);
	*t = (struct sq_nettext){ 0 };
}

/* The next line without its end; false at the end of the text. */
static bool next_line(struct span *text, struct span *ret_line)
{
	const char *end;

	if (text->p >= text->end)
		return false;
	end = memchr(text->p, '\n', (size_t)(text->end - text->p));
	if (!end)
		end = text->end;
	*ret_line = (struct span){ text->p, end };
	text->p = end < text->end ? end + 1 : end;
	return true;
}

static bool is_blank(char c)
{
	return c == ' ' || c == '\t';
}

static bool next_word(struct span *line, struct span *ret_word)
{
	while (line->p < line->end && is_blank(*line->p))
		line->p++;
	if (line->p == line->end)
		return false;
	ret_word->p = line->p;
	while (line->p < line->end && !is_blank(*line->p))
		line->p++;
	ret_word->end = line->p;
	return true;
}

/* A whole decimal word; a negative one as two's complement. */
static bool word_number(struct span w, uint64_t *ret)
{
	bool negative = w.p < w.end && *w.p == '-';
	uint64_t v = 0;

	w.p += negative;
	if (w.p == w.end)
		return false;
	for (; w.p < w.end; w.p++) {
		if (*w.p < '0' || *w.p > '9' || __builtin_mul_overflow(v, 10, &v) ||
		    __builtin_add_overflow(v, (uint64_t)(*w.p - '0'), &v))
			return false;
	}
	*ret = negative ? -v : v;
	return true;
}

static bool word_hex32(struct span w, uint64_t *ret)
{
	uint64_t v = 0;

	if (w.p == w.end || w.end - w.p > 8)
		return false;
	for (; w.p < w.end; w.p++) {
		char c = *w.p;
		unsigned digit = c >= '0' && c <= '9'   ? (unsigned)(c - '0')
				 : c >= 'a' && c <= 'f' ? (unsigned)(c - 'a' + 10)
							: 16;

		if (digit > 15)
			return false;
		v = v << 4 | digit;
	}
	*ret = v;
	return true;
}

static struct sq_nettext_group *group_at(struct sq_nettext *t, size_t i)
{
	if (i == t->n_groups) {
		t->groups = sq_grow(t->groups, t->n_groups, &t->cap_groups, sizeof(*t->groups));
		t->groups[t->n_groups++] = (struct sq_nettext_group){ 0 };
	}
	return &t->groups[i];
}

static bool group_is(const struct sq_nettext_group *g, struct span names)
{
	size_t len = (size_t)(names.end - names.p);

	return g->names && g->len == len && memcmp(g->names, names.p, len) == 0;
}

static void group_set(struct sq_nettext_group *g, struct span names)
{
	free(g->names);
	g->len = (size_t)(names.end - names.p);
	g->names = sq_alloc(g->len);
	memcpy(g->names, names.p, g->len);
	g->n_rows = 0;
}

static void group_add(struct sq_nettext_group *g, unsigned row)
{
	g->rows = sq_grow(g->rows, g->n_rows, &g->cap_rows, sizeof(*g->rows));
	g->rows[g->n_rows++] = row;
}

/* prefix + separator + name; false for what is no name. */
static bool join_name(char out[NAME_SIZE], struct span prefix, const char *separator,
		      struct span name)
{
	if (prefix.end - prefix.p > NAME_SIZE / 3 || name.end - name.p > NAME_SIZE / 2)
		return false;
	snprintf(out, NAME_SIZE, "%.*s%s%.*s", (int)(prefix.end - prefix.p), prefix.p, separator,
		 (int)(name.end - name.p), name.p);
	/* The names go into JSON: one that isn't plain ASCII would spoil the record. */
	for (const char *p = out; *p; p++)
		if (*p <= ' ' || *p > '~')
			return false;
	return out[0] != '\0';
}

static unsigned mib_row(struct sq_sample *s, struct span prefix, const char *separator,
			struct span name)
{
	char text[NAME_SIZE];
	struct sq_metric m = { .name = text };

	if (!join_name(text, prefix, separator, name))
		return NO_ROW;
	sq_mib_describe(&m);
	return sq_sample_metric(s, &m);
}

/* "TcpExt:" of a line, without the colon; the line goes on behind it. */
static bool table_prefix(struct span *line, struct span *ret_prefix)
{
	if (!next_word(line, ret_prefix) || ret_prefix->end[-1] != ':')
		return false;
	ret_prefix->end--;
	return true;
}

static bool same_span(struct span a, struct span b)
{
	return a.end - a.p == b.end - b.p && memcmp(a.p, b.p, (size_t)(a.end - a.p)) == 0;
}

static void map_table(struct sq_nettext_group *g, struct span header, struct sq_sample *s)
{
	struct span prefix, name;

	group_set(g, header);
	if (!table_prefix(&header, &prefix))
		return;
	while (next_word(&header, &name))
		group_add(g, mib_row(s, prefix, ".", name));
}

static size_t put_values(const struct sq_nettext_group *g, struct span values, struct sq_sample *s)
{
	struct span word;
	uint64_t value;
	size_t n = 0;

	for (size_t i = 0; i < g->n_rows && next_word(&values, &word); i++) {
		if (g->rows[i] == NO_ROW || !word_number(word, &value))
			continue;
		sq_sample_put(s, g->rows[i], value);
		n++;
	}
	return n;
}

size_t sq_nettext_tables(struct sq_nettext *t, const char *text, size_t len, struct sq_sample *s)
{
	struct span rest = { text, text + len }, header, values;
	size_t n = 0, place = 0;
	bool have = next_line(&rest, &header);

	while (have && next_line(&rest, &values)) {
		struct span h = header, v = values, names, again;
		struct sq_nettext_group *g;

		/* Not a pair: the second line may be the first of one. */
		if (!table_prefix(&h, &names) || !table_prefix(&v, &again) ||
		    !same_span(names, again)) {
			header = values;
			continue;
		}
		g = group_at(t, place++);
		if (!group_is(g, header))
			map_table(g, header, s);
		n += put_values(g, v, s);
		have = next_line(&rest, &header);
	}
	return n;
}

size_t sq_nettext_lines(struct sq_nettext *t, const char *text, size_t len, struct sq_sample *s)
{
	struct span rest = { text, text + len }, line;
	size_t n = 0, place = 0;

	while (next_line(&rest, &line)) {
		struct span name, word, none = { text, text };
		struct sq_nettext_group *g;
		uint64_t value;

		if (!next_word(&line, &name) || !next_word(&line, &word) ||
		    !word_number(word, &value))
			continue;
		g = group_at(t, place++);
		if (!group_is(g, name)) {
			group_set(g, name);
			group_add(g, mib_row(s, none, "", name));
		}
		if (g->rows[0] == NO_ROW)
			continue;
		sq_sample_put(s, g->rows[0], value);
		n++;
	}
	return n;
}

/* what: "TCP.inuse" */
static unsigned sockstat_row(struct sq_sample *s, const char *what)
{
	char text[NAME_SIZE + 16];
	struct sq_metric m = { .name = text, .unit = "sockets", .kind = SQ_GAUGE, .width = 64 };

	snprintf(text, sizeof(text), "sockstat.%s", what);
	/* "mem" counts pages, FRAG's "memory" bytes (net/ipv4/proc.c). */
	if (strcmp(what, "FRAG.memory") == 0)
		m.unit = "bytes";
	else if (strncmp(what, "FRAG.", 5) == 0)
		m.unit = "";
	else if (strstr(what, ".mem"))
		m.unit = "pages";
	return sq_sample_metric(s, &m);
}

/* The names stand among the values, so each is put together anew; there are only a dozen. */
size_t sq_nettext_sockstat(struct sq_nettext *t, const char *text, size_t len, struct sq_sample *s)
{
	struct span rest = { text, text + len }, line, protocol, name, word;
	size_t n = 0, place = 0;

	while (next_line(&rest, &line)) {
		if (!table_prefix(&line, &protocol))
			continue;
		while (next_word(&line, &name) && next_word(&line, &word)) {
			char what[NAME_SIZE];
			struct sq_nettext_group *g;
			struct span whole;
			uint64_t value;

			if (!join_name(what, protocol, ".", name) || !word_number(word, &value))
				continue;
			whole = (struct span){ what, what + strlen(what) };
			g = group_at(t, place++);
			if (!group_is(g, whole)) {
				group_set(g, whole);
				group_add(g, sockstat_row(s, what));
			}
			sq_sample_put(s, g->rows[0], value);
			n++;
		}
	}
	return n;
}

/* Where a column stands on a line of softnet_stat. */
static const struct {
	const char *name, *unit;
	size_t place;
} softnet_columns[] = {
	{ "softnet.processed", "packets", 0 },         { "softnet.dropped", "packets", 1 },
	{ "softnet.time_squeeze", "events", 2 },       { "softnet.received_rps", "events", 9 },
	{ "softnet.flow_limit_count", "packets", 10 },
};

enum {
	SOFTNET_COLUMNS = sizeof(softnet_columns) / sizeof(softnet_columns[0]),
	SOFTNET_CPU = 12, /* since Linux 5.10: lines of processors that are off are left out */
	SOFTNET_WORDS = 13,
};

static unsigned softnet_row(struct sq_sample *s, size_t column, uint64_t cpu)
{
	char instance[32];
	struct sq_metric m = {
		.name = softnet_columns[column].name,
		.unit = softnet_columns[column].unit,
		.instance = instance,
		.kind = SQ_COUNTER,
		.width = 32,
	};

	snprintf(instance, sizeof(instance), "cpu%u", (unsigned)cpu);
	return sq_sample_metric(s, &m);
}

/* The processor's group holds a row for each known column. */
static size_t softnet_put(struct sq_nettext *t, const uint64_t *words, size_t n_words, uint64_t cpu,
			  struct sq_sample *s)
{
	struct sq_nettext_group *g;
	size_t n = 0;

	while (t->n_groups <= cpu)
		group_at(t, t->n_groups);
	g = &t->groups[cpu];
	for (size_t c = 0; c < SOFTNET_COLUMNS && softnet_columns[c].place < n_words; c++) {
		if (c == g->n_rows)
			group_add(g, softnet_row(s, c, cpu));
		sq_sample_put(s, g->rows[c], words[softnet_columns[c].place]);
		n++;
	}
	return n;
}

size_t sq_nettext_softnet(struct sq_nettext *t, const char *text, size_t len, struct sq_sample *s)
{
	struct span rest = { text, text + len }, line, word;
	uint64_t words[SOFTNET_WORDS], cpu, number = 0;
	size_t n = 0;

	for (; next_line(&rest, &line); number++) {
		size_t n_words = 0;

		while (n_words < SOFTNET_WORDS && next_word(&line, &word) &&
		       word_hex32(word, &words[n_words]))
			n_words++;
		cpu = n_words > SOFTNET_CPU ? words[SOFTNET_CPU] : number;
		if (cpu < PROCESSORS)
			n += softnet_put(t, words, n_words, cpu, s);
	}
	return n;
}

int sq_nettext_file_open(struct sq_nettext_file *f, struct sq_place *place, const char *path,
			 struct sq_err *err)
{
	return sq_procfile_open(&f->file, place, path, err);
}

int sq_nettext_file_sample(struct sq_nettext_file *f, sq_nettext_parser *parse, struct sq_sample *s)
{
	int rc = sq_procfile_read(&f->file);

	if (rc < 0)
		return rc;
	/* Not one row known: not the text we take it for, and no set of zeros. */
	return parse(&f->parsed, f->file.text, f->file.len, s) ? 0 : -EBADMSG;
}

void sq_nettext_file_close(void *state)
{
	struct sq_nettext_file *f = state;

	sq_procfile_close(&f->file);
	sq_nettext_fini(&f->parsed);
}
