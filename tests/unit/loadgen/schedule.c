/* The schedule: exact numbers and times, whole loads whatever the lanes, the same by the seed. */
#include "loadgen/engine/schedule.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "base/clock.h"
#include "base/mem.h"

struct load {
	struct sq_load_spec spec;
	struct sq_load_plan plan;
};

struct times {
	int64_t *v;
	size_t n, cap;
};

static void init(struct load *l)
{
	*l = (struct load){ .spec = { .duration_ns = SQ_SEC, .count = SQ_OPT_UNSET } };
	l->spec.arrivals = (struct sq_arrivals_spec){ .rate_per_s = NAN,
						      .poisson_per_s = NAN,
						      .burst = SQ_OPT_UNSET,
						      .every_ns = SQ_OPT_UNSET,
						      .streams = SQ_OPT_UNSET,
						      .closed = SQ_OPT_UNSET };
	l->plan = (struct sq_load_plan){ .spec = &l->spec, .phase_ns = -1 };
}

static void collect(const struct load *l, uint64_t seed, unsigned lane, unsigned lanes,
		    struct times *t)
{
	struct sq_schedule *s = sq_schedule_new(&l->plan, seed, lane, lanes);
	int64_t last = 0;

	while (sq_schedule_peek(s) != SQ_NEVER) {
		assert_true(sq_schedule_peek(s) >= last);
		last = sq_schedule_peek(s);
		t->v = sq_grow(t->v, t->n, &t->cap, sizeof(*t->v));
		t->v[t->n++] = last;
		sq_schedule_next(s);
	}
	sq_schedule_next(s);
	assert_true(sq_schedule_peek(s) == SQ_NEVER);
	sq_schedule_free(s);
}

static int compare(const void *a, const void *b)
{
	const int64_t *x = a, *y = b;

	return (*x > *y) - (*x < *y);
}

static struct times all(const struct load *l, uint64_t seed, unsigned lanes)
{
	struct times t = { 0 };

	for (unsigned lane = 0; lane < lanes; lane++)
		collect(l, seed, lane, lanes, &t);
	if (t.n)
		qsort(t.v, t.n, sizeof(*t.v), compare);
	return t;
}

static void assert_same(const struct times *a, const struct times *b)
{
	assert_int_equal(a->n, b->n);
	for (size_t i = 0; i < a->n; i++)
		assert_int_equal(a->v[i], b->v[i]);
}

static void rate_is_exact(void **state)
{
	const struct {
		double rate;
		int64_t duration_ns;
		size_t n;
	} cases[] = {
		{ 2000, 10 * SQ_SEC, 20000 },       { 1000.0 / 60, 60 * SQ_SEC, 1000 },
		{ 24000.0 / 60, 3 * SQ_SEC, 1200 }, { 0.1, 30 * SQ_SEC, 3 },
		{ 1.0 / 3, 9 * SQ_SEC, 3 },         { 3, SQ_SEC / 2, 2 },
		{ 1e6, SQ_SEC / 4, 250000 },        { 7, 1, 1 },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		struct load l;
		struct times t;

		init(&l);
		l.spec.arrivals.rate_per_s = cases[i].rate;
		l.spec.duration_ns = cases[i].duration_ns;
		t = all(&l, 1, 3);
		assert_int_equal(t.n, cases[i].n);
		for (size_t k = 0; k < t.n; k++) {
			double want = (double)k * 1e9 / cases[i].rate;

			assert_true(fabs((double)t.v[k] - want) <= 1);
			assert_true(t.v[k] < cases[i].duration_ns);
		}
		free(t.v);
	}
}

static void at_and_count_bound_it(void **state)
{
	struct load l;
	struct times t;

	(void)state;
	init(&l);
	l.spec.arrivals.rate_per_s = 1000;
	l.spec.at_ns = 5 * SQ_SEC;
	l.spec.count = 10;
	t = all(&l, 1, 4);
	assert_int_equal(t.n, 10);
	assert_int_equal(t.v[0], 5 * SQ_SEC);
	assert_int_equal(t.v[9], 5 * SQ_SEC + 9 * SQ_MS);
	free(t.v);
}

static void bursts_of(struct load *l)
{
	init(l);
	l->spec.duration_ns = 3 * SQ_SEC;
	l->spec.arrivals.burst = 128;
	l->spec.arrivals.every_ns = SQ_SEC;
	l->spec.arrivals.streams = 4;
}

static void bursts_have_phases(void **state)
{
	struct load l;
	struct times t, other;

	(void)state;
	bursts_of(&l);
	t = all(&l, 42, 4);
	assert_int_equal(t.n, 1536);
	for (size_t i = 0; i < t.n; i++) {
		/* Whole bursts, each a second after its stream's last. */
		assert_int_equal(t.v[i], t.v[i / 128 * 128]);
		if (i >= 512)
			assert_int_equal(t.v[i], t.v[i - 512] + SQ_SEC);
	}
	assert_true(t.v[0] != t.v[128] && t.v[128] != t.v[256] && t.v[384] < SQ_SEC);
	other = all(&l, 43, 4);
	assert_true(other.v[0] != t.v[0]);
	free(other.v);
	free(t.v);

	l.plan.phase_ns = 100 * SQ_MS;
	t = all(&l, 42, 3);
	assert_int_equal(t.n, 1536);
	assert_int_equal(t.v[0], 100 * SQ_MS);
	assert_int_equal(t.v[511], 100 * SQ_MS);
	assert_int_equal(t.v[512], 1100 * SQ_MS);
	free(t.v);

	/* The phase decides whether a stream's last burst still falls into the duration. */
	l.spec.duration_ns = 2 * SQ_SEC + 100 * SQ_MS;
	t = all(&l, 42, 3);
	assert_int_equal(t.n, 1024);
	free(t.v);
	l.spec.duration_ns += 1;
	l.spec.count = 1100;
	t = all(&l, 42, 3);
	assert_int_equal(t.n, 1100);
	free(t.v);
}

/* The whole does not depend on how many lanes make it. */
static void lanes_partition_the_whole(void **state)
{
	struct load l;

	(void)state;
	for (int shape = 0; shape < 2; shape++) {
		struct times one;

		bursts_of(&l);
		if (shape == 1)
			l.spec.arrivals = (struct sq_arrivals_spec){ .rate_per_s = 777.7 };
		one = all(&l, 7, 1);
		for (unsigned lanes = 2; lanes < 8; lanes++) {
			struct times t = all(&l, 7, lanes);

			assert_same(&one, &t);
			free(t.v);
		}
		free(one.v);
	}
}

static struct sq_strings rates(const char **v, size_t n)
{
	return (struct sq_strings){ .v = (char **)v, .n = n };
}

/* n(t) = from t + (to - from) t^2 / 2D has come to i at the due time of operation i. */
static void ramps_are_exact(void **state)
{
	static const char *ends[][2] = {
		{ "1000/s", "5000/s" },  { "5000/s", "1000/s" },     { "2000/s", "2000/s" },
		{ "0", "4000/s" },       { "4000/s", "0" },          { "0.001/s", "100000/s" },
		{ "100000/s", "0.001" }, { "1000/min", "1001/min" },
	};
	static const double from[] = { 1000, 5000, 2000, 0, 4000, 0.001, 1e5, 1000 / 60. };
	static const double to[] = { 5000, 1000, 2000, 4000, 0, 1e5, 0.001, 1001 / 60. };
	static const size_t want[] = { 6000, 6000, 4000, 4000, 4000, 100001, 100001, 34 };
	struct load l;

	(void)state;
	for (size_t c = 0; c < sizeof(want) / sizeof(*want); c++) {
		struct times one, three;

		init(&l);
		l.spec.duration_ns = 2 * SQ_SEC;
		l.spec.arrivals.ramp = rates(ends[c], 2);
		one = all(&l, 1, 1);
		three = all(&l, 1, 3);
		assert_int_equal(one.n, want[c]);
		assert_same(&one, &three);
		assert_int_equal(one.v[0], 0);
		for (size_t i = 0; i < one.n; i++) {
			double t = (double)one.v[i] / 1e9, step = 2e-9 * fmax(from[c], to[c]);
			double n = from[c] * t + (to[c] - from[c]) * t * t / 4;

			/* The time is cut to whole nanoseconds. */
			assert_true(n <= (double)i + 1e-6 && n >= (double)i - step - 1e-6);
			assert_true(one.v[i] < 2 * SQ_SEC);
		}
		free(one.v);
		free(three.v);
	}
}

static void steps_are_slices(void **state)
{
	const char *v[] = { "1000/s", "0", "3000/s", "10/s" };
	struct load l;
	struct times one, three;

	(void)state;
	init(&l);
	l.spec.arrivals.steps = rates(v, 4);
	l.spec.at_ns = SQ_SEC;
	one = all(&l, 1, 1);
	three = all(&l, 1, 3);
	assert_same(&one, &three);
	assert_int_equal(one.n, 250 + 0 + 750 + 3); /* 2.5 of the last slice are 3 */
	assert_int_equal(one.v[0], SQ_SEC);
	assert_int_equal(one.v[249], SQ_SEC + 249 * SQ_MS);
	assert_int_equal(one.v[250], SQ_SEC + 500 * SQ_MS);
	assert_int_equal(one.v[253], SQ_SEC + 501 * SQ_MS);
	assert_int_equal(one.v[1000], SQ_SEC + 750 * SQ_MS);
	assert_int_equal(one.v[1002], SQ_SEC + 950 * SQ_MS);
	free(one.v);
	free(three.v);

	/* One step is a rate, and a count bounds it. */
	l.spec.arrivals.steps = rates(v, 1);
	l.spec.at_ns = 0;
	l.spec.count = 7;
	one = all(&l, 1, 3);
	assert_int_equal(one.n, 7);
	assert_int_equal(one.v[6], 6 * SQ_MS);
	free(one.v);
}

/* The same load in as many slices as there are streams. */
static void streams_stagger(void **state)
{
	struct load l;
	struct times one, three;

	(void)state;
	bursts_of(&l);
	l.plan.phase_ns = SQ_PHASE_STAGGER;
	one = all(&l, 1, 1);
	three = all(&l, 2, 3);
	assert_same(&one, &three);
	assert_int_equal(one.n, 1536);
	for (size_t i = 0; i < one.n; i++)
		assert_int_equal(one.v[i], (int64_t)(i / 128) * 250 * SQ_MS);
	free(one.v);
	free(three.v);
}

static void traces_are_played(void **state)
{
	int64_t at_ns[] = { 0, 5, 5, SQ_MS, 900 * SQ_MS };
	struct load l;
	struct times t;

	(void)state;
	for (unsigned lanes = 1; lanes <= 3; lanes += 2) {
		init(&l);
		l.plan.trace_ns = at_ns;
		l.plan.n_trace = 5;
		l.spec.at_ns = 7;
		t = all(&l, 1, lanes);
		assert_int_equal(t.n, 5);
		for (size_t i = 0; i < t.n; i++)
			assert_int_equal(t.v[i], 7 + at_ns[i]);
		free(t.v);
		l.spec.count = 2;
		t = all(&l, 1, lanes);
		assert_int_equal(t.n, 2);
		free(t.v);
	}
}

/* As many as without it, each less than a tick later, and none beside a tick. */
static void a_tick_rounds_up(void **state)
{
	static const int64_t tick_ns = 500 * SQ_US;
	struct load l;

	(void)state;
	for (int shape = 0; shape < 3; shape++) {
		struct times exact, one, three;

		bursts_of(&l);
		if (shape > 0)
			init(&l);
		if (shape == 1)
			l.spec.arrivals.rate_per_s = 12345;
		else if (shape == 2)
			l.spec.arrivals.poisson_per_s = 5000;
		l.spec.at_ns = 123;
		exact = all(&l, 7, 3);
		l.plan.tick_ns = tick_ns;
		one = all(&l, 7, shape == 2 ? 3 : 1);
		three = all(&l, 7, 3);
		assert_same(&one, &three);
		assert_int_equal(exact.n, one.n);
		for (size_t i = 0; i < one.n; i++) {
			assert_int_equal((one.v[i] - 123) % tick_ns, 0);
			assert_in_range(one.v[i] - exact.v[i], 0, tick_ns - 1);
		}
		/* The last of 12345 is due 81 us before the end: at the end, then, and it is. */
		if (shape == 1)
			assert_int_equal(one.v[one.n - 1], 123 + SQ_SEC);
		free(exact.v);
		free(one.v);
		free(three.v);
	}
}

static void poisson_is_random_by_the_seed(void **state)
{
	struct load l;
	struct times a, b, c;
	double squares = 0;

	(void)state;
	init(&l);
	l.spec.duration_ns = 10 * SQ_SEC;
	l.spec.arrivals.poisson_per_s = 2000;
	a = all(&l, 1, 4);
	b = all(&l, 1, 4);
	c = all(&l, 2, 4);
	assert_same(&a, &b);
	assert_true(a.n != c.n || a.v[0] != c.v[0]);
	assert_in_range(a.n, 19400, 20600); /* 20,000, 4 standard deviations */
	/* Gaps of mean 0.5 ms are exponential when their mean square is 2 x mean^2. */
	for (size_t i = 1; i < a.n; i++)
		squares += pow((double)(a.v[i] - a.v[i - 1]) / 5e5, 2);
	assert_true(fabs(squares / (double)a.n - 2) < 0.2);
	free(b.v);
	free(c.v);
	l.spec.count = 1001;
	b = all(&l, 1, 4);
	assert_int_equal(b.n, 1001);
	free(a.v);
	free(b.v);
}

static void closed_is_shared(void **state)
{
	struct load l;
	int64_t closed = 0, count = 0;

	(void)state;
	init(&l);
	l.spec.arrivals.closed = 3;
	l.spec.count = 100;
	for (unsigned lane = 0; lane < 4; lane++) {
		struct sq_schedule *s = sq_schedule_new(&l.plan, 1, lane, 4);

		assert_true(sq_schedule_peek(s) == SQ_NEVER);
		closed += sq_schedule_closed(s);
		if (sq_schedule_closed(s))
			count += sq_schedule_closed_count(s);
		sq_schedule_free(s);
	}
	assert_int_equal(closed, 3);
	assert_int_equal(count, 100);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(rate_is_exact),
		cmocka_unit_test(at_and_count_bound_it),
		cmocka_unit_test(bursts_have_phases),
		cmocka_unit_test(lanes_partition_the_whole),
		cmocka_unit_test(ramps_are_exact),
		cmocka_unit_test(steps_are_slices),
		cmocka_unit_test(streams_stagger),
		cmocka_unit_test(traces_are_played),
		cmocka_unit_test(a_tick_rounds_up),
		cmocka_unit_test(poisson_is_random_by_the_seed),
		cmocka_unit_test(closed_is_shared),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
