/* Rows out of texts whose names are the text's own.  Unit and kind are the catalogue's. */
#ifndef SQ_ANALYZERS_FORMATS_STATS_ROW_H
#define SQ_ANALYZERS_FORMATS_STATS_ROW_H

#include "analyzers/formats/span.h"
#include "analyzers/source.h"

enum {
	SQ_STATS_NAME = 192,
	SQ_STATS_INSTANCE = 256,
	/* Rows of a source are kept for as long as a run lasts, so what a text may make up is bounded. */
	SQ_STATS_ROWS = 10000,
};

/* What is remembered of the last reading: the nth row of a text is nearly always the nth of the text
 * before, and only a difference costs look-ups.  All zeros is empty. */
struct sq_stats_memory {
	struct sq_stats_known *v;
	size_t n, cap;
	bool told;           /* that some are left out */
	unsigned made, next; /* rows that were registered, and the number of the next to come */
};

void sq_stats_memory_fini(struct sq_stats_memory *m);

/* One reading: of a text, into a sample. */
struct sq_stats {
	struct sq_sample *sample;
	struct sq_stats_memory *memory;
	size_t n;      /* rows put */
	size_t passed; /* what looked like a row and could not be put: too long, or too many */
};

/* A name is put together of a prefix and a span; an empty instance is none. */
void sq_stats_put(struct sq_stats *t, const char *prefix, struct sq_span name,
		  struct sq_span instance, uint64_t value);

/* The same of a number as a text has it, which may have a fraction: a row whose unit is "us" is given in
 * seconds, one in thousandths or millionths as one in ones, and of all others the whole part is left.
 * What is no number is passed over. */
void sq_stats_put_text(struct sq_stats *t, const char *prefix, struct sq_span name,
		       struct sq_span instance, struct sq_span number);

/* The same with a kind and unit that the text itself has. */
void sq_stats_put_typed(struct sq_stats *t, struct sq_span name, struct sq_span instance,
			enum sq_metric_kind kind, const char *unit, struct sq_span number);

/* Behind a reading: an event, once, when rows were passed over. */
void sq_stats_tell(struct sq_stats *t);

static inline struct sq_span sq_span_of(const char *text)
{
	struct sq_span s = { text, text };

	while (*s.end)
		s.end++;
	return s;
}

#endif
