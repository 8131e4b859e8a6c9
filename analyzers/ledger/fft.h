/* Sums of products of two series at every shift, by Fourier transforms: an hour of seconds against
 * itself shifted 3,600 times is 13 million products directly, and 0.6 million this way. */
#ifndef SQ_ANALYZERS_LEDGER_FFT_H
#define SQ_ANALYZERS_LEDGER_FFT_H

#include <stddef.h>

/* For series of one length. */
struct sq_fft;

struct sq_fft *sq_fft_new(size_t n); /* n > 0 */
struct sq_fft *sq_fft_free(struct sq_fft *f);

/* The transform of n values: an array of the caller's to free, for sq_fft_products alone. */
double *sq_fft_spectrum(const struct sq_fft *f, const double *v);

/* ret[k] = sum over i of a[i] * b[(i + k) mod n], for k = 0 .. n - 1. */
void sq_fft_products(const struct sq_fft *f, const double *a_spectrum, const double *b_spectrum,
		     double *ret);

#endif
