/* The texts of /proc/net, parsed by name: kernels add columns and lines, in the middle too.
 *
 * The names are nearly always those of the last reading, so what stood before the values is kept
 * as it was ("group": a line of names, or one name) with the rows that it led to, and compared
 * whole.  Only a difference costs look-ups.  Groups are found by their place in the text: a line
 * that appears shifts the rest, which are then looked up once more.
 *
 * softnet_stat alone has no names; its columns have only ever been added at the end
 * (net/core/net-procfs.c), and the later ones are optional here. */
#include "analyzers/formats/nettext.h"

#include <errno.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "analyzers/catalogue.h"
#include "analyzers/formats/nettext_private.h"

enum { PROCESSORS = 65536 };

void sq_nettext_fini(struct sq_nettext *t)
{
	for (size_t i = 0; i < t->n_groups; i++) {
		free(t->groups[i].names);
		free(t->groups[i].rows);
		free(t->groups[i].highest);
	}
	free(t->groups);
	*t = (struct sq_nettext){ 0 };
}

static void map_table(struct sq_nettext_group *g, struct sq_span header, struct sq_sample *s)
{
	struct sq_span prefix, name;

	group_set(g, header);
	if (!table_prefix(&header, &prefix))
		return;
	while (sq_span_word(&header, &name))
		group_add(g, named_row(s, prefix, ".", name, NULL));
}

size_t sq_nettext_tables(struct sq_nettext *t, const char *text, size_t len, struct sq_sample *s)
{
	struct sq_span rest = { text, text + len }, header, values;
	size_t n = 0, place = 0;
	bool have = sq_span_line(&rest, &header);

	while (have && sq_span_line(&rest, &values)) {
		struct sq_span h = header, v = values, names, again;
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
		have = sq_span_line(&rest, &header);
	}
	return n;
}

size_t sq_nettext_lines(struct sq_nettext *t, const char *text, size_t len, struct sq_sample *s)
{
	struct sq_span rest = { text, text + len }, line;
	size_t n = 0, place = 0;

	while (sq_span_line(&rest, &line)) {
		struct sq_span name, word, none = { text, text };
		struct sq_nettext_group *g;
		uint64_t value;

		if (!sq_span_word(&line, &name) || !sq_span_word(&line, &word) ||
		    !sq_span_number(word, &value))
			continue;
		g = group_at(t, place++);
		if (!group_is(g, name)) {
			group_set(g, name);
			group_add(g, named_row(s, none, "", name, NULL));
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

	snprintf(text, sizeof(text), "sockstat.%s", what);
	return sq_catalogue_metric(s, text, NULL);
}

/* The names stand among the values, so each is put together anew; there are only a dozen. */
size_t sq_nettext_sockstat(struct sq_nettext *t, const char *text, size_t len, struct sq_sample *s)
{
	struct sq_span rest = { text, text + len }, line, protocol, name, word;
	size_t n = 0, place = 0;

	while (sq_span_line(&rest, &line)) {
		if (!table_prefix(&line, &protocol))
			continue;
		while (sq_span_word(&line, &name) && sq_span_word(&line, &word)) {
			char what[NAME_SIZE];
			struct sq_nettext_group *g;
			struct sq_span whole;
			uint64_t value;

			if (!join_name(what, protocol, ".", name) || !sq_span_number(word, &value))
				continue;
			whole = (struct sq_span){ what, what + strlen(what) };
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
	const char *name;
	size_t place;
} softnet_columns[] = {
	{ "softnet.processed", 0 },         { "softnet.dropped", 1 },
	{ "softnet.time_squeeze", 2 },      { "softnet.received_rps", 9 },
	{ "softnet.flow_limit_count", 10 },
};

enum {
	SOFTNET_COLUMNS = sizeof(softnet_columns) / sizeof(softnet_columns[0]),
	SOFTNET_CPU = 12, /* since Linux 5.10: lines of processors that are off are left out */
	SOFTNET_WORDS = 13,
};

static unsigned softnet_row(struct sq_sample *s, size_t column, uint64_t cpu)
{
	char instance[32];

	snprintf(instance, sizeof(instance), "cpu%u", (unsigned)cpu);
	return sq_catalogue_metric(s, softnet_columns[column].name, instance);
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
	struct sq_span rest = { text, text + len }, line, word;
	uint64_t words[SOFTNET_WORDS], cpu, number = 0;
	size_t n = 0;

	for (; sq_span_line(&rest, &line); number++) {
		size_t n_words = 0;

		while (n_words < SOFTNET_WORDS && sq_span_word(&line, &word) &&
		       word_hex(word, 8, &words[n_words]))
			n_words++;
		cpu = n_words > SOFTNET_CPU ? words[SOFTNET_CPU] : number;
		if (cpu < PROCESSORS)
			n += softnet_put(t, words, n_words, cpu, s);
	}
	return n;
}

enum { STAT_COLUMNS = 64 }; /* nf_conntrack, the widest, has 17 */

static size_t put_sums(const struct sq_nettext_group *g, const uint64_t *sums, size_t n_sums,
		       struct sq_sample *s)
{
	size_t n = 0;

	for (size_t i = 0; i < n_sums && i < g->n_rows; i++) {
		if (g->rows[i] == NO_ROW)
			continue;
		sq_sample_put(s, g->rows[i], sums[i]);
		n++;
	}
	return n;
}

/* The sums of the lines below the names; how many columns there are. */
static size_t sum_columns(struct sq_span header, struct sq_span rest, uint64_t sums[STAT_COLUMNS])
{
	struct sq_span line, word, name;
	uint64_t value;
	size_t n = 0;

	for (bool first = true; sq_span_line(&rest, &line); first = false) {
		struct sq_span names = header;
		size_t i = 0;

		for (; i < STAT_COLUMNS && sq_span_word(&names, &name) &&
		       sq_span_word(&line, &word) && word_hex(word, 16, &value);
		     i++)
			if (first || !same_span(name, span_of("entries")))
				sums[i] += value;
		n = i > n ? i : n;
	}
	return n;
}

size_t sq_nettext_processors(struct sq_nettext *t, const char *prefix, const char *instance,
			     const char *text, size_t len, struct sq_sample *s)
{
	struct sq_span rest = { text, text + len }, header = rest, word;
	struct sq_nettext_group *g = group_at(t, 0);
	uint64_t sums[STAT_COLUMNS] = { 0 };

	if (!sq_span_line(&rest, &header))
		return 0;
	if (!group_is(g, header)) {
		group_set(g, header);
		for (struct sq_span names = header; sq_span_word(&names, &word);)
			group_add(g, named_row(s, span_of(prefix), ".", word, instance));
	}
	return put_sums(g, sums, sum_columns(header, rest, sums), s);
}

int sq_nettext_file_open(struct sq_nettext_file *f, struct sq_place *place, const char *path,
			 struct sq_err *err)
{
	return sq_procfile_open(&f->file, place, path, err);
}

int sq_nettext_file_read(struct sq_nettext_file *f, const struct sq_sample *s)
{
	bool put = f->put;
	int rc = sq_procfile_read(&f->file);

	f->put = false;
	if (rc < 0)
		return rc;
	f->put = put && f->file.same && sq_sample_kept(s);
	return !f->put;
}

int sq_nettext_file_sample(struct sq_nettext_file *f, sq_nettext_parser *parse, struct sq_sample *s)
{
	int rc = sq_nettext_file_read(f, s);

	if (rc <= 0)
		return rc;
	/* Not one row known: not the text we take it for, and no set of zeros. */
	f->put = parse(&f->parsed, f->file.text, f->file.len, s) > 0;
	return f->put ? 0 : -EBADMSG;
}

void sq_nettext_file_close(void *state)
{
	struct sq_nettext_file *f = state;

	sq_procfile_close(&f->file);
	sq_nettext_fini(&f->parsed);
}
