/* Stretches of a text that somebody else wrote: lines, words, numbers.  Nothing is copied, and
 * nothing needs a NUL at its end. */
#ifndef SQ_ANALYZERS_FORMATS_SPAN_H
#define SQ_ANALYZERS_FORMATS_SPAN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct sq_span {
	const char *p, *end;
};

static inline size_t sq_span_len(struct sq_span s)
{
	return (size_t)(s.end - s.p);
}

/* The next line, without its end, or the next word (between blanks), which is taken off the front;
 * false when there is none. */
bool sq_span_line(struct sq_span *text, struct sq_span *ret_line);
bool sq_span_word(struct sq_span *line, struct sq_span *ret_word);

/* What stands before the first c, which is taken off together with it; false when there is no c. */
bool sq_span_cut(struct sq_span *s, char c, struct sq_span *ret_before);

struct sq_span sq_span_trim(struct sq_span s); /* without blanks at its ends */
bool sq_span_is(struct sq_span s, const char *text);
bool sq_span_begins(struct sq_span s, const char *text);
const char *sq_span_find(struct sq_span s, const char *text); /* NULL: not in it */

/* A whole decimal number and nothing else, a negative one as two's complement. */
bool sq_span_number(struct sq_span s, uint64_t *ret);

/* A number with a fraction or an exponent too, times scale, cut to its whole part; false for one
 * that is not finite, or does not fit. */
bool sq_span_scaled(struct sq_span s, double scale, uint64_t *ret);

/* "26M", "1849K", "0K", "512B": bytes. */
bool sq_span_bytes(struct sq_span s, uint64_t *ret);

#endif
