/* A radix-2 transform in place (Cooley and Tukey), checked against the direct sum by its test.
 *
 * What a reader would get wrong: n is any number, the transform's length is a power of two.  So
 * series are padded with zeros to at least twice their length, which gives the products of a series
 * that ends; the circular ones are these at k and at k - n together. */
#include "analyzers/ledger/fft.h"

#include <math.h>
#include <stdlib.h>

#include "base/mem.h"

struct sq_fft {
	size_t n, size; /* of a series; of a transform */
	double *turns;  /* cos and sin of 2 pi i / size, for i < size / 2 */
};

struct sq_fft *sq_fft_new(size_t n)
{
	struct sq_fft *f = sq_alloc(sizeof(*f));

	f->n = n;
	for (f->size = 2; f->size < 2 * n; f->size *= 2)
		;
	f->turns = sq_alloc_n(f->size, sizeof(*f->turns));
	for (size_t i = 0; i < f->size / 2; i++) {
		double angle = 2 * M_PI * (double)i / (double)f->size;

		f->turns[2 * i] = cos(angle);
		f->turns[2 * i + 1] = sin(angle);
	}
	return f;
}

struct sq_fft *sq_fft_free(struct sq_fft *f)
{
	if (!f)
		return NULL;
	free(f->turns);
	free(f);
	return NULL;
}

static void swap(double *v, size_t i, size_t j)
{
	double re = v[2 * i], im = v[2 * i + 1];

	v[2 * i] = v[2 * j];
	v[2 * i + 1] = v[2 * j + 1];
	v[2 * j] = re;
	v[2 * j + 1] = im;
}

static void reverse_bits(double *v, size_t size)
{
	for (size_t i = 1, j = 0; i < size; i++) {
		size_t bit = size >> 1;

		for (; j & bit; bit >>= 1)
			j ^= bit;
		j ^= bit;
		if (i < j)
			swap(v, i, j);
	}
}

/* v[b] turned by -angle (forward) or +angle, added to and taken from v[a]. */
static void butterfly(double *v, size_t a, size_t b, const double *turn, double sign)
{
	double re = v[2 * b] * turn[0] - sign * v[2 * b + 1] * turn[1];
	double im = v[2 * b + 1] * turn[0] + sign * v[2 * b] * turn[1];

	v[2 * b] = v[2 * a] - re;
	v[2 * b + 1] = v[2 * a + 1] - im;
	v[2 * a] += re;
	v[2 * a + 1] += im;
}

/* size complex numbers, real and imaginary part in turn; sign -1 forward, +1 back (times size). */
static void transform(const struct sq_fft *f, double *v, double sign)
{
	reverse_bits(v, f->size);
	for (size_t half = 1; half < f->size; half *= 2) {
		size_t stride = f->size / (2 * half);

		for (size_t at = 0; at < f->size; at += 2 * half)
			for (size_t i = 0; i < half; i++)
				butterfly(v, at + i, at + i + half, f->turns + 2 * i * stride,
					  sign);
	}
}

double *sq_fft_spectrum(const struct sq_fft *f, const double *v)
{
	double *s = sq_alloc_n(2 * f->size, sizeof(*s));

	for (size_t i = 0; i < f->n; i++)
		s[2 * i] = v[i];
	transform(f, s, -1);
	return s;
}

void sq_fft_products(const struct sq_fft *f, const double *a_spectrum, const double *b_spectrum,
		     double *ret)
{
	const double *a = a_spectrum, *b = b_spectrum;
	double *v = sq_alloc_n(2 * f->size, sizeof(*v));

	for (size_t i = 0; i < 2 * f->size; i += 2) { /* a's conjugate times b */
		v[i] = a[i] * b[i] + a[i + 1] * b[i + 1];
		v[i + 1] = a[i] * b[i + 1] - a[i + 1] * b[i];
	}
	transform(f, v, 1);
	for (size_t k = 0; k < f->n; k++) {
		double before = k ? v[2 * (f->size - (f->n - k))] : 0;

		ret[k] = (v[2 * k] + before) / (double)f->size;
	}
	free(v);
}
