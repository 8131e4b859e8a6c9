/* Counts and times of rates.
 *
 * What a reader would get wrong: the number of operations of a rate is ceil(rate x duration), but
 * a rate such as 1000/min is no exact double, and a product that is a hair over a whole number
 * must not give one operation more.  A product within its own rounding error of a whole number is
 * that number.  It is so for each stretch: each step begins with an operation of its own, and the
 * total is the sum over the steps. */
#include "scenarios/profile.h"

#include <math.h>
#include <stdlib.h>

#include "base/mem.h"
#include "base/value.h"

static int64_t count(long double mean_per_s, int64_t length_ns)
{
	long double exact = mean_per_s * (long double)length_ns / 1e9L;
	long double whole = roundl(exact);

	return (int64_t)(fabsl(exact - whole) <= exact * 0x1p-50L ? whole : ceill(exact));
}

static void add(struct sq_profile *p, int64_t begin_ns, int64_t end_ns, double from, double to)
{
	const struct sq_stretch *last = p->n ? &p->v[p->n - 1] : NULL;

	p->v[p->n++] = (struct sq_stretch){
		.begin_ns = begin_ns,
		.length_ns = end_ns - begin_ns,
		.from_per_s = from,
		.to_per_s = to,
		.first = last ? last->first + last->n : 0,
		.n = count(((long double)from + (long double)to) / 2, end_ns - begin_ns),
	};
}

static double rate_of(const char *text)
{
	double per_s = 0;

	(void)sq_parse_rate(text, &per_s); /* checked with the scenario */
	return per_s;
}

struct sq_profile sq_profile_make(const struct sq_arrivals_spec *a, int64_t duration_ns)
{
	const struct sq_strings *steps = &a->steps;
	struct sq_profile p = { .v = sq_alloc_n(steps->n + 1, sizeof(*p.v)) };

	if (a->rate_per_s > 0)
		add(&p, 0, duration_ns, a->rate_per_s, a->rate_per_s);
	else if (a->ramp.n == 2)
		add(&p, 0, duration_ns, rate_of(a->ramp.v[0]), rate_of(a->ramp.v[1]));
	for (size_t i = 0; i < steps->n; i++) {
		int64_t n = (int64_t)steps->n, k = (int64_t)i;

		add(&p, duration_ns * k / n, duration_ns * (k + 1) / n, rate_of(steps->v[i]),
		    rate_of(steps->v[i]));
	}
	return p;
}

void sq_profile_fini(struct sq_profile *p)
{
	free(p->v);
	*p = (struct sq_profile){ 0 };
}

int64_t sq_profile_total(const struct sq_profile *p)
{
	return p->n ? p->v[p->n - 1].first + p->v[p->n - 1].n : 0;
}

double sq_profile_peak(const struct sq_profile *p)
{
	double peak = 0;

	for (size_t i = 0; i < p->n; i++)
		peak = fmax(peak, fmax(p->v[i].from_per_s, p->v[i].to_per_s));
	return peak;
}

/* When i operations have come due: of n(t) = from t + (to - from) t^2 / 2D the root that subtracts
 * nothing, 2i / (from + sqrt(from^2 + 2i (to - from) / D)).  For a constant rate it is i / from. */
static long double time_of(const struct sq_stretch *s, int64_t i)
{
	long double from = s->from_per_s, to = s->to_per_s, square;

	if (i == 0)
		return 0;
	if (s->from_per_s == s->to_per_s)
		return (long double)i * 1e9L / from;
	square =
		from * from + 2 * (long double)i * (to - from) / ((long double)s->length_ns / 1e9L);
	return 2 * (long double)i * 1e9L / (from + (square > 0 ? sqrtl(square) : 0));
}

int64_t sq_profile_due(const struct sq_profile *p, size_t *at, int64_t number)
{
	while (number >= p->v[*at].first + p->v[*at].n)
		++*at;
	return p->v[*at].begin_ns + (int64_t)time_of(&p->v[*at], number - p->v[*at].first);
}
