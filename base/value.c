/* Values as people write them.  Everything that ends in an integer is worked out in integers of
 * 128 bits: "0.1s" is 100000000 ns exactly, and "0.1ns", which no integer holds, is refused rather
 * than rounded.  Only rates are doubles. */
#include "base/value.h"

#include <ctype.h>
#include <errno.h>
#include <math.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"

/* More digits behind the point than this are not needed by any unit, and would not fit. */
enum { FRACTION_DIGITS = 18, WORD_MAX = 63 };

struct unit {
	const char *name; /* NULL ends a list */
	int64_t scale;
};

/* Smallest first, the bare form (if any) included: parsing goes up the list, formatting down. */
static const struct unit duration_units[] = {
	{ "ns", 1 },     { "us", SQ_US },        { "ms", SQ_MS },
	{ "s", SQ_SEC }, { "min", 60 * SQ_SEC }, { "h", 3600 * SQ_SEC },
	{ NULL, 0 },
};

static const struct unit size_units[] = {
	{ "", 1 },         { "B", 1 },         { "kB", 1000 },       { "KiB", 1024 },
	{ "MB", 1000000 }, { "MiB", 1048576 }, { "GB", 1000000000 }, { "GiB", 1073741824 },
	{ NULL, 0 },
};

/* The powers of two alone are what sizes are printed in. */
static const struct unit size_output_units[] = {
	{ "B", 1 }, { "KiB", 1024 }, { "MiB", 1048576 }, { "GiB", 1073741824 }, { NULL, 0 },
};

static const struct unit bitrate_units[] = {
	{ "bit", 1 }, { "kbit", 1000 }, { "mbit", 1000000 }, { "gbit", 1000000000 }, { NULL, 0 },
};

static bool is_digit(char c)
{
	return c >= '0' && c <= '9';
}

/* The length of "DIGITS" or "DIGITS.DIGITS" at the start of s; 0 when there is none. */
static size_t number_len(const char *s)
{
	size_t len = 0, fraction;

	while (is_digit(s[len]))
		len++;
	if (!len || s[len] != '.')
		return len;
	fraction = len + 1;
	while (is_digit(s[fraction]))
		fraction++;
	return fraction > len + 1 ? fraction : 0;
}

/* number * scale, exactly. */
static int scale_number(const char *number, size_t len, int64_t scale, int64_t *ret)
{
	unsigned __int128 whole = 0, fraction = 0, power = 1;
	size_t i = 0;
	unsigned digits = 0;

	for (; i < len && number[i] != '.'; i++) {
		whole = whole * 10 + (unsigned)(number[i] - '0');
		if (whole > INT64_MAX)
			return -ERANGE;
	}
	while (len > i && number[len - 1] == '0')
		len--;
	for (i++; i < len; i++) {
		if (++digits > FRACTION_DIGITS)
			return -EINVAL;
		fraction = fraction * 10 + (unsigned)(number[i] - '0');
		power *= 10;
	}
	fraction *= (unsigned __int128)scale;
	if (fraction % power)
		return -EINVAL;
	whole = whole * (unsigned __int128)scale + fraction / power;
	if (whole > INT64_MAX)
		return -ERANGE;
	*ret = (int64_t)whole;
	return 0;
}

static int parse_with_unit(const char *s, const struct unit *units, int64_t *ret)
{
	size_t len = number_len(s);

	if (!len)
		return -EINVAL;
	for (; units->name; units++)
		if (strcmp(units->name, s + len) == 0)
			return scale_number(s, len, units->scale, ret);
	return -EINVAL;
}

int sq_parse_duration(const char *s, int64_t *ret_ns)
{
	return parse_with_unit(s, duration_units, ret_ns);
}

int sq_parse_size(const char *s, int64_t *ret_bytes)
{
	return parse_with_unit(s, size_units, ret_bytes);
}

int sq_parse_bitrate(const char *s, int64_t *ret_bit_per_s)
{
	return parse_with_unit(s, bitrate_units, ret_bit_per_s);
}

/* "/s", "/min", "/h" or nothing: how many seconds; 0 for anything else. */
static int rate_seconds(const char *s)
{
	if (!*s || strcmp(s, "/s") == 0)
		return 1;
	if (strcmp(s, "/min") == 0)
		return 60;
	return strcmp(s, "/h") == 0 ? 3600 : 0;
}

int sq_parse_rate(const char *s, double *ret_per_s)
{
	/* k and M go into the text's exponent, since 4.35 * 1000 would be rounded twice. */
	char text[400];
	size_t len = number_len(s);
	const char *rest = s + len;
	int exponent = *rest == 'k' ? 3 : *rest == 'M' ? 6 : 0;
	int seconds = rate_seconds(rest + (exponent ? 1 : 0));
	double rate;

	if (!len || !seconds)
		return -EINVAL;
	if (snprintf(text, sizeof(text), "%.*se%d", (int)len, s, exponent) >= (int)sizeof(text))
		return -ERANGE;
	rate = strtod(text, NULL);
	if (!isfinite(rate))
		return -ERANGE;
	*ret_per_s = rate / seconds;
	return 0;
}

static uint64_t magnitude(int64_t v)
{
	return v < 0 ? -(uint64_t)v : (uint64_t)v;
}

/* In the largest unit that leaves an integer; 0 in the given one. */
static void format_with_unit(char *out, size_t size, int64_t v, const struct unit *units,
			     const char *zero)
{
	const struct unit *best = units;
	uint64_t n = magnitude(v);

	if (!v) {
		snprintf(out, size, "%s", zero);
		return;
	}
	for (; units->name; units++)
		if (n % (uint64_t)units->scale == 0)
			best = units;
	snprintf(out, size, "%s%llu%s", v < 0 ? "-" : "",
		 (unsigned long long)(n / (uint64_t)best->scale), best->name);
}

void sq_format_duration(char *out, size_t size, int64_t ns)
{
	format_with_unit(out, size, ns, duration_units, "0s");
}

void sq_format_size(char *out, size_t size, int64_t bytes)
{
	format_with_unit(out, size, bytes, size_output_units, "0B");
}

void sq_format_bitrate(char *out, size_t size, int64_t bit_per_s)
{
	format_with_unit(out, size, bit_per_s, bitrate_units, "0bit");
}

/* Takes over a candidate that reads back to the same rate and is shorter than what stands. */
static bool keep_shorter(char best[400], const char *candidate, double per_s)
{
	double back;

	if (sq_parse_rate(candidate, &back) < 0 || back != per_s)
		return false;
	if (!best[0] || strlen(candidate) < strlen(best))
		snprintf(best, 400, "%s", candidate);
	return true;
}

void sq_format_rate(char *out, size_t size, double per_s)
{
	char best[400] = "", candidate[400];

	for (int decimals = 0; decimals <= 40 && !best[0]; decimals++) {
		snprintf(candidate, sizeof(candidate), "%.*f", decimals, per_s);
		keep_shorter(best, candidate, per_s);
	}
	/* 100/min is told as such, though 6000/h is shorter. */
	snprintf(candidate, sizeof(candidate), "%.0f/min", per_s * 60);
	if (!keep_shorter(best, candidate, per_s)) {
		snprintf(candidate, sizeof(candidate), "%.0f/h", per_s * 3600);
		keep_shorter(best, candidate, per_s);
	}
	/* What the parser takes at no length (negative, not finite) is still shown to a person. */
	if (best[0])
		snprintf(out, size, "%s", best);
	else
		snprintf(out, size, "%g", per_s);
}

static unsigned least(unsigned a, unsigned b, unsigned c)
{
	unsigned m = a < b ? a : b;

	return m < c ? m : c;
}

/* Edits of one letter, and swaps of two neighbours, that make a out of b. */
static unsigned distance(const char *a, size_t a_len, const char *b, size_t b_len)
{
	unsigned char d[WORD_MAX + 1][WORD_MAX + 1];

	for (size_t i = 0; i <= a_len; i++)
		d[i][0] = (unsigned char)i;
	for (size_t j = 0; j <= b_len; j++)
		d[0][j] = (unsigned char)j;
	for (size_t i = 1; i <= a_len; i++)
		for (size_t j = 1; j <= b_len; j++) {
			unsigned n = least(d[i - 1][j] + 1U, d[i][j - 1] + 1U,
					   d[i - 1][j - 1] + (a[i - 1] != b[j - 1]));

			if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1])
				n = least(n, n, d[i - 2][j - 2] + 1U);
			d[i][j] = (unsigned char)n;
		}
	return d[a_len][b_len];
}

const char *sq_nearest(const char *word, const char *const *words)
{
	size_t len = strlen(word);
	const char *best = NULL;
	unsigned best_distance = WORD_MAX + 1;

	if (len > WORD_MAX)
		return NULL;
	for (; *words; words++) {
		size_t other = strlen(*words), longer = other > len ? other : len;
		unsigned n;

		if (other > WORD_MAX)
			continue;
		n = distance(word, len, *words, other);
		/* One error in three letters; more is another word. */
		if (n < best_distance && n <= longer / 3) {
			best = *words;
			best_distance = n;
		}
	}
	return best;
}

void sq_text_squeeze(char *text)
{
	char *to = text;

	for (const char *p = text; *p; p++) {
		if (!isspace((unsigned char)*p))
			*to++ = *p;
		else if (to > text && to[-1] != ' ')
			*to++ = ' ';
	}
	if (to > text && to[-1] == ' ')
		to--;
	*to = '\0';
}

void sq_text_cut_back(char *text)
{
	size_t len = strlen(text), begin = len, size;
	unsigned char lead;

	while (begin > 0 && len - begin < 3 && ((unsigned char)text[begin - 1] & 0xc0) == 0x80)
		begin--;
	if (begin == 0)
		return;
	lead = (unsigned char)text[--begin];
	size = lead >= 0xf0 ? 4 : lead >= 0xe0 ? 3 : lead >= 0xc0 ? 2 : 1;
	if (len - begin < size)
		text[begin] = '\0';
}
