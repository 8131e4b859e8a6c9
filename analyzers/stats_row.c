/* What becomes of a name that a server or a tool printed: a row's.  Names and instances go into JSON
 * and into expectations, so each is plain ASCII, and what is not has a '?' in its place; one that is
 * too long is no row, since cut to its length it might be another's. */
#include "analyzers/stats_row.h"

#include <fnmatch.h>
#include <stdio.h>
#include <string.h>

static bool copy_plain(char *out, size_t size, const char *prefix, struct sq_span text)
{
	size_t before = strlen(prefix), len = sq_span_len(text);

	if (before + len >= size)
		return false;
	memcpy(out, prefix, before);
	for (size_t i = 0; i < len; i++) {
		char c = text.p[i];

		out[before + i] = c < ' ' || c > '~' ? '?' : c;
	}
	out[before + len] = '\0';
	return before + len > 0;
}

void sq_stats_put(struct sq_stats *t, const char *prefix, struct sq_span name,
		  struct sq_span instance, const char *unit, enum sq_metric_kind kind,
		  uint64_t value)
{
	char text[SQ_STATS_NAME], at[SQ_STATS_INSTANCE];
	bool whole = instance.p == instance.end;

	if (t->n >= SQ_STATS_ROWS || !copy_plain(text, sizeof(text), prefix, name) ||
	    (!whole && !copy_plain(at, sizeof(at), "", instance))) {
		t->passed++;
		return;
	}
	sq_sample_put(t->sample,
		      sq_sample_metric(t->sample,
				       &(struct sq_metric){
					       .name = text,
					       .instance = whole ? NULL : at,
					       .unit = unit,
					       .kind = kind,
					       .width = 64,
				       }),
		      value);
	t->n++;
}

const struct sq_stats_word *sq_stats_word(const struct sq_stats_word *words, struct sq_span name)
{
	char text[SQ_STATS_NAME];

	if (!copy_plain(text, sizeof(text), "", name))
		text[0] = '\0';
	while (words->pattern && fnmatch(words->pattern, text, 0) != 0)
		words++;
	return words;
}
