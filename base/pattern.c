/* A pattern is kept as pieces, each a literal text and the range behind it (the last piece may have
 * none).  Written from its index as a number in mixed radix: the last range is the lowest digit. */
#include "base/pattern.h"

#include <assert.h>
#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"

/* The numbers of a range have at most so many digits, so that none overflows. */
enum { DIGITS_MAX = 18 };

struct piece {
	size_t at, len;        /* its literal, in the pattern's text */
	uint64_t first, count; /* count 1 and width 0: no range behind it */
	unsigned width;        /* numbers are padded with zeros to it */
};

struct sq_pattern {
	char *text;
	struct piece *pieces;
	size_t n_pieces, cap_pieces;
	uint64_t count;
	size_t longest;
};

static unsigned digits_of(uint64_t v)
{
	unsigned n = 1;

	for (; v >= 10; v /= 10)
		n++;
	return n;
}

/* The number at s; how many digits it has, 0 when there is none or it is too long. */
static unsigned read_number(const char *s, uint64_t *ret)
{
	unsigned n = 0;

	*ret = 0;
	for (; s[n] >= '0' && s[n] <= '9'; n++) {
		if (n == DIGITS_MAX)
			return 0;
		*ret = *ret * 10 + (uint64_t)(s[n] - '0');
	}
	return n;
}

/* "{1-1000}" at s; its length, 0 when it is no range. */
static size_t read_range(const char *s, struct piece *ret)
{
	uint64_t last;
	unsigned first_len = read_number(s + 1, &ret->first), last_len;

	if (!first_len || s[1 + first_len] != '-')
		return 0;
	last_len = read_number(s + first_len + 2, &last);
	if (!last_len || s[first_len + 2 + last_len] != '}' || last < ret->first)
		return 0;
	ret->count = last - ret->first + 1;
	ret->width = first_len;
	return first_len + last_len + 3;
}

/* The piece at *at, which moves behind it; false when its braces hold no range. */
static bool read_piece(const char *text, size_t *at, struct piece *ret)
{
	size_t range;

	*ret = (struct piece){ .at = *at, .len = strcspn(text + *at, "{}"), .count = 1 };
	*at += ret->len;
	if (!text[*at])
		return true;
	range = text[*at] == '{' ? read_range(text + *at, ret) : 0;
	*at += range;
	return range > 0;
}

static size_t longest_of(const struct piece *piece)
{
	unsigned digits = digits_of(piece->first + piece->count - 1);

	if (piece->width == 0)
		return piece->len;
	return piece->len + (digits > piece->width ? digits : piece->width);
}

static int read_pieces(struct sq_pattern *p, const char *where, struct sq_err *err)
{
	size_t at = 0;

	do {
		struct piece piece;
		size_t brace = at + strcspn(p->text + at, "{}");

		if (!read_piece(p->text, &at, &piece))
			return sq_err_set(err, -EINVAL, where,
					  "'%s' in '%s' is no range of numbers; write it as "
					  "{1-1000} or {001-100}",
					  p->text + brace, p->text);
		if (__builtin_mul_overflow(p->count, piece.count, &p->count) ||
		    p->count > INT64_MAX)
			return sq_err_set(err, -EINVAL, where,
					  "'%s' stands for more texts than can be counted",
					  p->text);
		p->longest += longest_of(&piece);
		p->pieces = sq_grow(p->pieces, p->n_pieces, &p->cap_pieces, sizeof(*p->pieces));
		p->pieces[p->n_pieces++] = piece;
	} while (p->text[at]);
	return 0;
}

struct sq_pattern *sq_pattern_new(const char *text, const char *where, struct sq_err *err)
{
	struct sq_pattern *p = sq_alloc(sizeof(*p));

	p->text = sq_strdup(text);
	p->count = 1;
	if (read_pieces(p, where, err) < 0)
		return sq_pattern_free(p);
	return p;
}

struct sq_pattern *sq_pattern_free(struct sq_pattern *p)
{
	if (!p)
		return NULL;
	free(p->pieces);
	free(p->text);
	free(p);
	return NULL;
}

uint64_t sq_pattern_count(const struct sq_pattern *p)
{
	return p->count;
}

size_t sq_pattern_longest(const struct sq_pattern *p)
{
	return p->longest;
}

static char *write_number(char *out, uint64_t v, unsigned width)
{
	unsigned n = digits_of(v);

	n = n > width ? n : width;
	for (unsigned i = n; i-- > 0; v /= 10)
		out[i] = (char)('0' + v % 10);
	return out + n;
}

size_t sq_pattern_write(const struct sq_pattern *p, uint64_t index, char *out, size_t size)
{
	uint64_t below = p->count; /* texts that differ in the ranges from here on */
	char *end = out;

	assert(size > p->longest);
	(void)size;
	index %= p->count;
	for (size_t i = 0; i < p->n_pieces; i++) {
		const struct piece *piece = &p->pieces[i];

		memcpy(end, p->text + piece->at, piece->len);
		end += piece->len;
		if (piece->width == 0)
			continue;
		below /= piece->count;
		end = write_number(end, piece->first + index / below, piece->width);
		index %= below;
	}
	*end = '\0';
	return (size_t)(end - out);
}
