/* The transform's circular products against the direct sum. */
#include "analyzers/ledger/fft.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "base/mem.h"
#include "base/rng.h"

static double direct(const double *a, const double *b, size_t n, size_t k)
{
	double sum = 0;

	for (size_t i = 0; i < n; i++)
		sum += a[i] * b[(i + k) % n];
	return sum;
}

static void compare(size_t n, uint64_t seed)
{
	double *a = sq_alloc_n(n, sizeof(*a)), *b = sq_alloc_n(n, sizeof(*b));
	double *got = sq_alloc_n(n, sizeof(*got)), *sa, *sb;
	struct sq_fft *f = sq_fft_new(n);
	struct sq_rng rng;

	sq_rng_init(&rng, seed, n);
	for (size_t i = 0; i < n; i++) {
		a[i] = sq_rng_double(&rng) * 1000 - 300;
		b[i] = sq_rng_exp(&rng);
	}
	sa = sq_fft_spectrum(f, a);
	sb = sq_fft_spectrum(f, b);
	sq_fft_products(f, sa, sb, got);
	for (size_t k = 0; k < n; k++) {
		double want = direct(a, b, n, k);

		if (fabs(got[k] - want) > 1e-9 * (double)n * 1000)
			fail_msg("n %zu, shift %zu: got %g, want %g", n, k, got[k], want);
	}
	free(a);
	free(b);
	free(got);
	free(sa);
	free(sb);
	sq_fft_free(f);
}

static void test_direct_sum(void **state)
{
	static const size_t lengths[] = { 1, 2, 3, 7, 8, 64, 100, 255, 257, 600 };

	(void)state;
	for (size_t i = 0; i < sizeof(lengths) / sizeof(lengths[0]); i++)
		compare(lengths[i], i);
}

/* What comes three later shows at shift 3, and around the end. */
static void test_shift(void **state)
{
	double a[10] = { [2] = 1, [9] = 2 }, b[10] = { [5] = 1, [2] = 2 }, got[10], *sa, *sb;
	struct sq_fft *f = sq_fft_new(10);

	(void)state;
	sa = sq_fft_spectrum(f, a);
	sb = sq_fft_spectrum(f, b);
	sq_fft_products(f, sa, sb, got);
	for (size_t k = 0; k < 10; k++)
		assert_true(fabs(got[k] - (k == 3 ? 5 : k == 0 || k == 6 ? 2 : 0)) < 1e-12);
	free(sa);
	free(sb);
	sq_fft_free(f);
	assert_null(sq_fft_free(NULL));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_direct_sum),
		cmocka_unit_test(test_shift),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
