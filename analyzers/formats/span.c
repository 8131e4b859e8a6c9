/* Lines, words and numbers of a text.  What a reader would get wrong: a number that does not fit is no
 * number, since a counter cut to its low bits would be a false one; and strtod's own additions (inf,
 * nan, hexadecimal) are none either. */
#include "analyzers/formats/span.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { NUMBER = 64 }; /* characters of the longest that is taken for one */

static bool is_blank(char c)
{
	return c == ' ' || c == '\t' || c == '\r';
}

bool sq_span_line(struct sq_span *text, struct sq_span *ret_line)
{
	struct sq_span rest = *text;

	if (rest.p >= rest.end)
		return false;
	if (!sq_span_cut(text, '\n', ret_line)) {
		*ret_line = rest;
		text->p = text->end;
	}
	return true;
}

bool sq_span_word(struct sq_span *line, struct sq_span *ret_word)
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

bool sq_span_cut(struct sq_span *s, char c, struct sq_span *ret_before)
{
	const char *at = s->p < s->end ? memchr(s->p, c, sq_span_len(*s)) : NULL;

	if (!at)
		return false;
	*ret_before = (struct sq_span){ s->p, at };
	s->p = at + 1;
	return true;
}

struct sq_span sq_span_trim(struct sq_span s)
{
	while (s.p < s.end && is_blank(*s.p))
		s.p++;
	while (s.p < s.end && is_blank(s.end[-1]))
		s.end--;
	return s;
}

bool sq_span_is(struct sq_span s, const char *text)
{
	return sq_span_len(s) == strlen(text) && sq_span_begins(s, text);
}

bool sq_span_begins(struct sq_span s, const char *text)
{
	size_t len = strlen(text);

	return sq_span_len(s) >= len && memcmp(s.p, text, len) == 0;
}

const char *sq_span_find(struct sq_span s, const char *text)
{
	return s.p < s.end ? memmem(s.p, sq_span_len(s), text, strlen(text)) : NULL;
}

bool sq_span_number(struct sq_span s, uint64_t *ret)
{
	bool negative = s.p < s.end && *s.p == '-';
	uint64_t v = 0;

	s.p += negative;
	if (s.p == s.end)
		return false;
	for (; s.p < s.end; s.p++) {
		if (*s.p < '0' || *s.p > '9' || __builtin_mul_overflow(v, 10, &v) ||
		    __builtin_add_overflow(v, (uint64_t)(*s.p - '0'), &v))
			return false;
	}
	*ret = negative ? -v : v;
	return true;
}

bool sq_span_scaled(struct sq_span s, double scale, uint64_t *ret)
{
	char text[NUMBER], *end;
	size_t len = sq_span_len(s);
	double v;

	if (scale == 1 && sq_span_number(s, ret))
		return true;
	if (len == 0 || len >= sizeof(text))
		return false;
	memcpy(text, s.p, len);
	text[len] = '\0';
	if (strspn(text, "0123456789+-.eE") != len)
		return false;
	v = strtod(text, &end) * scale;
	if (*end != '\0' || !isfinite(v) || fabs(v) >= 0x1p63)
		return false;
	*ret = (uint64_t)(int64_t)v;
	return true;
}

bool sq_span_bytes(struct sq_span s, uint64_t *ret)
{
	static const char units[] = "BKMGT";
	const char *unit = s.p < s.end && s.end[-1] ? strchr(units, s.end[-1]) : NULL;
	uint64_t v, factor = unit ? UINT64_C(1) << 10 * (unit - units) : 1;

	s.end -= unit != NULL;
	if (!sq_span_number(s, &v) || __builtin_mul_overflow(v, factor, &v))
		return false;
	*ret = v;
	return true;
}
