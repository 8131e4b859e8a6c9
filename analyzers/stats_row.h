/* Rows out of texts whose names are the text's own: put by name, each time anew. */
#ifndef SQ_ANALYZERS_STATS_ROW_H
#define SQ_ANALYZERS_STATS_ROW_H

#include "analyzers/source.h"
#include "analyzers/span.h"

enum { SQ_STATS_NAME = 192, SQ_STATS_INSTANCE = 256 };

/* What a reading may put into a sample: rows are kept for as long as a run lasts, so what a text may
 * make up is bounded. */
enum { SQ_STATS_ROWS = 10000 };

/* One reading: of a text, into a sample. */
struct sq_stats {
	struct sq_sample *sample;
	size_t n;      /* rows put */
	size_t passed; /* what looked like a row and could not be put: too long, or too many */
};

/* Counts are 64 bits wide.  A name is put together of a prefix and a span; the instance may be empty,
 * which is none. */
void sq_stats_put(struct sq_stats *t, const char *prefix, struct sq_span name,
		  struct sq_span instance, const char *unit, enum sq_metric_kind kind,
		  uint64_t value);

/* How a row counts, by what its name looks like (fnmatch(3)); the first that fits. */
struct sq_stats_word {
	const char *pattern; /* NULL ends a table, and fits all */
	const char *unit;
	enum sq_metric_kind kind;
	double scale; /* 0: 1 */
};

const struct sq_stats_word *sq_stats_word(const struct sq_stats_word *words, struct sq_span name);

#endif
