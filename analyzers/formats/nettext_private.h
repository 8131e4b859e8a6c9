/* Lines, words and numbers of the kernel's texts, and the groups of rows that nettext.c explains: for
 * it and for the sources that have a text of their own. */
#ifndef SQ_ANALYZERS_FORMATS_NETTEXT_PRIVATE_H
#define SQ_ANALYZERS_FORMATS_NETTEXT_PRIVATE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "analyzers/catalogue.h"
#include "analyzers/formats/nettext.h"
#include "analyzers/formats/span.h"
#include "base/mem.h"

enum { NAME_SIZE = 128 }; /* the kernel's longest is 40; one over the half is passed over */

#define NO_ROW UINT32_MAX

struct sq_nettext_group {
	char *names; /* as they stand in the text */
	size_t len;
	unsigned *rows; /* NO_ROW: passed over */
	size_t n_rows, cap_rows;
	uint64_t *highest; /* of the rows, where the kernel's own counts may step back; NULL */
};

/* At most so many digits; 16 fill the number. */
static inline bool word_hex(struct sq_span w, ptrdiff_t digits, uint64_t *ret)
{
	uint64_t v = 0;

	if (w.p == w.end || w.end - w.p > digits)
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

static inline struct sq_nettext_group *group_at(struct sq_nettext *t, size_t i)
{
	if (i == t->n_groups) {
		t->groups = sq_grow(t->groups, t->n_groups, &t->cap_groups, sizeof(*t->groups));
		t->groups[t->n_groups++] = (struct sq_nettext_group){ 0 };
	}
	return &t->groups[i];
}

static inline bool group_is(const struct sq_nettext_group *g, struct sq_span names)
{
	size_t len = (size_t)(names.end - names.p);

	return g->names && g->len == len && memcmp(g->names, names.p, len) == 0;
}

static inline void group_set(struct sq_nettext_group *g, struct sq_span names)
{
	free(g->names);
	g->len = (size_t)(names.end - names.p);
	g->names = sq_alloc(g->len);
	memcpy(g->names, names.p, g->len);
	g->n_rows = 0;
	free(g->highest);
	g->highest = NULL;
}

static inline void group_add(struct sq_nettext_group *g, unsigned row)
{
	g->rows = sq_grow(g->rows, g->n_rows, &g->cap_rows, sizeof(*g->rows));
	g->rows[g->n_rows++] = row;
}

/* prefix + separator + name; false for what is no name. */
static inline bool join_name(char out[NAME_SIZE], struct sq_span prefix, const char *separator,
			     struct sq_span name)
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

/* The row of that name; NO_ROW for what is no name. */
static inline unsigned named_row(struct sq_sample *s, struct sq_span prefix, const char *separator,
				 struct sq_span name, const char *instance)
{
	char text[NAME_SIZE];

	if (!join_name(text, prefix, separator, name))
		return NO_ROW;
	return sq_catalogue_metric(s, text, instance);
}

/* "TcpExt:" of a line, without the colon; the line goes on behind it. */
static inline bool table_prefix(struct sq_span *line, struct sq_span *ret_prefix)
{
	if (!sq_span_word(line, ret_prefix) || ret_prefix->end[-1] != ':')
		return false;
	ret_prefix->end--;
	return true;
}

static inline struct sq_span span_of(const char *text)
{
	return (struct sq_span){ text, text + strlen(text) };
}

static inline bool same_span(struct sq_span a, struct sq_span b)
{
	return a.end - a.p == b.end - b.p && memcmp(a.p, b.p, (size_t)(a.end - a.p)) == 0;
}

/* The words of a line into the rows of a group, in order. */
static inline size_t put_values(const struct sq_nettext_group *g, struct sq_span values,
				struct sq_sample *s)
{
	struct sq_span word;
	uint64_t value;
	size_t n = 0;

	for (size_t i = 0; i < g->n_rows && sq_span_word(&values, &word); i++) {
		if (g->rows[i] == NO_ROW || !sq_span_number(word, &value))
			continue;
		sq_sample_put(s, g->rows[i], value);
		n++;
	}
	return n;
}

#endif
