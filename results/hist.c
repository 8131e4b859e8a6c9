/* A log-linear histogram.  Values below 2^bits have a bucket each; above, each octave [2^e, 2^(e+1))
 * is cut into 2^bits equal ones, so a bucket is at most 2^-bits of its lowest value wide.  The
 * values below 2^bits make octave 0, so that a bucket's index is octave << bits | place in it.
 *
 * Counts of an octave are allocated when it is first hit, and kept over resets: latencies of one
 * series lie within a few octaves, and a run holds a histogram for each bin.  So recording
 * allocates nothing once each octave in use has been seen. */
#include "results/hist.h"

#include <assert.h>
#include <errno.h>
#include <math.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/json.h"
#include "base/mem.h"

enum { VALUE_BITS = 42, BITS_MAX = 16 };

#define VALUE_MAX ((INT64_C(1) << VALUE_BITS) - 1)
/* What a JSON integer holds in every reader of ours; larger sums are written as text. */
#define SUM_AS_INTEGER_MAX (INT64_C(1) << 62)

typedef unsigned __int128 sum_t;

struct sq_hist {
	unsigned bits, octaves;
	uint64_t count;
	int64_t min, max;
	sum_t sum;          /* of the values as they were given, so that merging is exact */
	uint64_t *octave[]; /* 2^bits counts each; NULL until hit */
};

static size_t octave_len(const struct sq_hist *h)
{
	return (size_t)1 << h->bits;
}

static size_t buckets(const struct sq_hist *h)
{
	return (size_t)h->octaves << h->bits;
}

static size_t index_of(const struct sq_hist *h, int64_t value)
{
	uint64_t v = (uint64_t)(value > VALUE_MAX ? VALUE_MAX : value);
	unsigned top;

	if (v < octave_len(h))
		return v;
	top = 63 - (unsigned)__builtin_clzll(v);
	/* The leading bit of v >> shift adds the 1 that makes octave 0 precede all others. */
	return ((size_t)(top - h->bits) << h->bits) + (size_t)(v >> (top - h->bits));
}

static int64_t highest_of(const struct sq_hist *h, size_t index)
{
	size_t octave = index >> h->bits, place = index & (octave_len(h) - 1);

	if (octave == 0)
		return (int64_t)index;
	return (int64_t)(((octave_len(h) + place + 1) << (octave - 1)) - 1);
}

static uint64_t *cell(struct sq_hist *h, size_t index)
{
	size_t octave = index >> h->bits;

	if (!h->octave[octave])
		h->octave[octave] = sq_alloc_n(octave_len(h), sizeof(uint64_t));
	return &h->octave[octave][index & (octave_len(h) - 1)];
}

struct sq_hist *sq_hist_new(unsigned bits)
{
	unsigned octaves = VALUE_BITS - bits + 1;
	struct sq_hist *h;

	assert(bits >= 1 && bits <= BITS_MAX);
	h = sq_alloc(sizeof(*h) + octaves * sizeof(h->octave[0]));
	h->bits = bits;
	h->octaves = octaves;
	h->min = h->max = -1;
	return h;
}

struct sq_hist *sq_hist_free(struct sq_hist *h)
{
	if (!h)
		return NULL;
	for (unsigned i = 0; i < h->octaves; i++)
		free(h->octave[i]);
	free(h);
	return NULL;
}

void sq_hist_reset(struct sq_hist *h)
{
	if (h->count == 0)
		return;
	/* Only the octaves between the two extremes can hold anything. */
	for (size_t i = index_of(h, h->min) >> h->bits; i <= index_of(h, h->max) >> h->bits; i++)
		if (h->octave[i])
			memset(h->octave[i], 0, octave_len(h) * sizeof(uint64_t));
	h->count = 0;
	h->sum = 0;
	h->min = h->max = -1;
}

static void widen(struct sq_hist *h, int64_t min, int64_t max)
{
	if (h->min < 0 || min < h->min)
		h->min = min;
	if (max > h->max)
		h->max = max;
}

void sq_hist_record(struct sq_hist *h, int64_t ns)
{
	if (ns < 0)
		ns = 0;
	++*cell(h, index_of(h, ns));
	h->count++;
	h->sum += (sum_t)ns;
	widen(h, ns, ns);
}

void sq_hist_merge(struct sq_hist *dst, const struct sq_hist *src)
{
	assert(dst->bits == src->bits);
	if (src->count == 0)
		return;
	for (size_t i = 0; i < src->octaves; i++) {
		uint64_t *to;

		if (!src->octave[i])
			continue;
		to = cell(dst, i << src->bits);
		for (size_t j = 0; j < octave_len(src); j++)
			to[j] += src->octave[i][j];
	}
	dst->count += src->count;
	dst->sum += src->sum;
	widen(dst, src->min, src->max);
}

uint64_t sq_hist_count(const struct sq_hist *h)
{
	return h->count;
}

int64_t sq_hist_min(const struct sq_hist *h)
{
	return h->min;
}

int64_t sq_hist_max(const struct sq_hist *h)
{
	return h->max;
}

double sq_hist_mean(const struct sq_hist *h)
{
	return h->count ? (double)h->sum / (double)h->count : -1;
}

/* The rank ceil(p/100 * count), at least 1; without the ceil of a rounding error. */
static uint64_t rank_of(const struct sq_hist *h, double p)
{
	double exact = p / 100 * (double)h->count;
	double rank = ceil(exact * (1 - 1e-12));

	if (!(rank >= 1))
		return 1;
	return rank >= (double)h->count ? h->count : (uint64_t)rank;
}

int64_t sq_hist_percentile(const struct sq_hist *h, double p)
{
	uint64_t left;

	if (h->count == 0)
		return -1;
	left = rank_of(h, p);
	for (size_t i = 0; i < buckets(h); i++) {
		const uint64_t *octave = h->octave[i >> h->bits];
		uint64_t n;

		if (!octave) {
			i |= octave_len(h) - 1;
			continue;
		}
		n = octave[i & (octave_len(h) - 1)];
		if (n < left) {
			left -= n;
			continue;
		}
		/* The last bucket also holds all that is larger, up to max. */
		if (i == buckets(h) - 1 || highest_of(h, i) > h->max)
			return h->max;
		return highest_of(h, i);
	}
	return h->max;
}

static json_t *sum_to_json(sum_t sum)
{
	char digits[48], *p = digits + sizeof(digits) - 1;

	if (sum <= SUM_AS_INTEGER_MAX)
		return json_integer((json_int_t)sum);
	*p = '\0';
	for (; sum; sum /= 10)
		*--p = (char)('0' + (int)(sum % 10));
	return json_string(p);
}

static bool sum_from_json(const json_t *j, sum_t *ret)
{
	const char *s = json_string_value(j);
	sum_t sum = 0;

	if (json_is_integer(j) && json_integer_value(j) >= 0) {
		*ret = (sum_t)json_integer_value(j);
		return true;
	}
	if (!s || !*s || strlen(s) > 38)
		return false;
	for (; *s; s++) {
		if (*s < '0' || *s > '9')
			return false;
		sum = sum * 10 + (sum_t)(*s - '0');
	}
	*ret = sum;
	return true;
}

json_t *sq_hist_to_json(const struct sq_hist *h)
{
	json_t *c = json_array();

	for (size_t i = 0; i < h->octaves; i++)
		for (size_t j = 0; h->octave[i] && j < octave_len(h); j++)
			if (h->octave[i][j]) {
				json_array_append_new(c,
						      json_integer((json_int_t)(i << h->bits | j)));
				json_array_append_new(c, json_integer((json_int_t)h->octave[i][j]));
			}
	return json_pack("{s:i, s:I, s:I, s:I, s:o, s:o}", "bits", (int)h->bits, "count",
			 (json_int_t)h->count, "min", (json_int_t)h->min, "max", (json_int_t)h->max,
			 "sum", sum_to_json(h->sum), "c", c);
}

/* Whether c is a list of buckets of h that holds count values between min and max. */
static bool counts_fit(const struct sq_hist *h, const json_t *c, json_int_t count, json_int_t min,
		       json_int_t max)
{
	json_int_t total = 0;

	if (!json_is_array(c) || json_array_size(c) % 2 || count < 0)
		return false;
	if (count == 0)
		return json_array_size(c) == 0;
	if (min < 0 || max < min)
		return false;
	for (size_t i = 0; i < json_array_size(c); i += 2) {
		const json_t *at = json_array_get(c, i), *n = json_array_get(c, i + 1);
		json_int_t index = json_integer_value(at);

		if (!json_is_integer(at) || !json_is_integer(n) || json_integer_value(n) <= 0 ||
		    index < (json_int_t)index_of(h, min) || index > (json_int_t)index_of(h, max) ||
		    json_integer_value(n) > count - total)
			return false;
		total += json_integer_value(n);
	}
	return total == count;
}

int sq_hist_merge_json(struct sq_hist *h, const json_t *j)
{
	json_int_t bits, count, min, max;
	const json_t *sum, *c;
	sum_t s;

	if (json_unpack((json_t *)j, "{s:I, s:I, s:I, s:I, s:o, s:o}", "bits", &bits, "count",
			&count, "min", &min, "max", &max, "sum", &sum, "c", &c) != 0)
		return -EINVAL;
	if (bits != (json_int_t)h->bits || !sum_from_json(sum, &s) ||
	    !counts_fit(h, c, count, min, max))
		return -EINVAL;
	if (count == 0)
		return 0;
	for (size_t i = 0; i < json_array_size(c); i += 2)
		*cell(h, (size_t)json_integer_value(json_array_get(c, i))) +=
			(uint64_t)json_integer_value(json_array_get(c, i + 1));
	h->count += (uint64_t)count;
	h->sum += s;
	widen(h, min, max);
	return 0;
}

json_t *sq_hist_summary(const struct sq_hist *h)
{
	if (h->count == 0)
		return json_null();
	return json_pack("{s:I, s:o, s:o, s:o, s:o, s:o, s:o, s:o}", "count", (json_int_t)h->count,
			 "min_s", sq_json_real(sq_seconds(h->min)), "mean_s",
			 sq_json_real(sq_hist_mean(h) / 1e9), "p50_s",
			 sq_json_real(sq_seconds(sq_hist_percentile(h, 50))), "p90_s",
			 sq_json_real(sq_seconds(sq_hist_percentile(h, 90))), "p99_s",
			 sq_json_real(sq_seconds(sq_hist_percentile(h, 99))), "p999_s",
			 sq_json_real(sq_seconds(sq_hist_percentile(h, 99.9))), "max_s",
			 sq_json_real(sq_seconds(h->max)));
}
