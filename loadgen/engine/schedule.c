/* The schedule in closed form: an operation's due time follows from its number alone, so lanes
 * need not talk and no error adds up.  Only poisson has a memory (the sum of its own gaps).  What
 * has a rate is a profile (scenarios/profile.h).
 *
 * What a reader would get wrong: with a tick the rounded time is the due time, all the way to the
 * latency; and how many operations there are is decided before the rounding, so that one which is
 * rounded up to the load's end or past it is still due. */
#include "loadgen/engine/schedule.h"

#include <stddef.h>
#include <stdlib.h>

#include "base/clock.h"
#include "base/mem.h"
#include "base/rng.h"
#include "scenarios/profile.h"

enum shape { SHAPE_PROFILE, SHAPE_POISSON, SHAPE_BURST, SHAPE_TRACE, SHAPE_CLOSED };

struct sq_schedule {
	enum shape shape;
	unsigned lane, lanes;
	int64_t at_ns, duration_ns, tick_ns;
	int64_t due_ns; /* of the next operation, from t0; SQ_NEVER at the end */

	int64_t number, total; /* of the whole load; poisson: of this lane */

	struct sq_profile profile;
	size_t stretch; /* where in it this lane is */

	const int64_t *trace_ns; /* the plan's */

	int64_t *phases; /* burst: ascending, of the streams */
	int64_t streams, burst, every_ns;

	struct sq_rng rng; /* poisson */
	double rate_per_s, elapsed_ns;

	int64_t closed, closed_count;
};

/* The parts of a load's stream of random numbers; the lanes' own (lane.c) lie between. */
enum { STREAM_PHASES = 0, STREAM_POISSON = 1 << 30 };

static uint64_t rng_stream(const struct sq_load_plan *load, uint64_t part)
{
	return ((uint64_t)load->index + 1) << 32 | part;
}

/* A lane's part of a whole: the remainder goes to the first ones. */
static int64_t share(int64_t whole, unsigned lane, unsigned lanes)
{
	return whole / lanes + (lane < whole % lanes);
}

/* Phases lie within one period of each other, so bursts come in rounds, and within a round in the
 * order of the phases. */
static int64_t burst_time(const struct sq_schedule *s, int64_t burst)
{
	return s->phases[burst % s->streams] + burst / s->streams * s->every_ns;
}

static int64_t burst_total(const struct sq_schedule *s)
{
	int64_t bursts = 0;

	for (int64_t i = 0; i < s->streams; i++)
		if (s->phases[i] < s->duration_ns)
			bursts += (s->duration_ns - s->phases[i] - 1) / s->every_ns + 1;
	return bursts * s->burst;
}

static int64_t poisson_due(struct sq_schedule *s)
{
	s->elapsed_ns += sq_rng_exp(&s->rng) * 1e9 / s->rate_per_s;
	return s->elapsed_ns < (double)s->duration_ns ? (int64_t)s->elapsed_ns : SQ_NEVER;
}

/* The due time of the operation `number`, SQ_NEVER when there is none. */
static int64_t due(struct sq_schedule *s)
{
	int64_t from_start = SQ_NEVER;

	if (s->number >= s->total)
		return SQ_NEVER;
	if (s->shape == SHAPE_PROFILE)
		from_start = sq_profile_due(&s->profile, &s->stretch, s->number);
	else if (s->shape == SHAPE_TRACE)
		from_start = s->trace_ns[s->number];
	else if (s->shape == SHAPE_BURST)
		from_start = burst_time(s, s->number / s->burst);
	else if (s->shape == SHAPE_POISSON)
		from_start = poisson_due(s);
	if (from_start == SQ_NEVER)
		return SQ_NEVER;
	if (s->tick_ns > 0)
		from_start = (from_start + s->tick_ns - 1) / s->tick_ns * s->tick_ns;
	return s->at_ns + from_start;
}

static int compare_times(const void *a, const void *b)
{
	const int64_t *x = a, *y = b;

	return (*x > *y) - (*x < *y);
}

static int64_t phase(const struct sq_schedule *s, const struct sq_load_plan *load, int64_t stream,
		     struct sq_rng *rng)
{
	if (load->phase_ns == SQ_PHASE_STAGGER)
		return stream * s->every_ns / s->streams;
	if (load->phase_ns == SQ_PHASE_RANDOM)
		return (int64_t)sq_rng_below(rng, (uint64_t)s->every_ns);
	return load->phase_ns;
}

static void init_burst(struct sq_schedule *s, const struct sq_load_plan *load, uint64_t seed)
{
	const struct sq_arrivals_spec *a = &load->spec->arrivals;
	struct sq_rng rng;

	s->shape = SHAPE_BURST;
	s->burst = a->burst;
	s->every_ns = a->every_ns > 0 ? a->every_ns : s->duration_ns;
	s->streams = a->streams > 0 ? a->streams : 1;
	s->phases = sq_alloc_n((size_t)s->streams, sizeof(*s->phases));
	/* The same in every lane. */
	sq_rng_init(&rng, seed, rng_stream(load, STREAM_PHASES));
	for (int64_t i = 0; i < s->streams; i++)
		s->phases[i] = phase(s, load, i, &rng);
	qsort(s->phases, (size_t)s->streams, sizeof(*s->phases), compare_times);
	s->total = burst_total(s);
}

/* A lane that keeps nothing in flight can start nothing, so the count is shared by those that do. */
static void init_closed(struct sq_schedule *s, int64_t closed, int64_t count)
{
	unsigned busy = closed < s->lanes ? (unsigned)closed : s->lanes;

	s->shape = SHAPE_CLOSED;
	s->closed = share(closed, s->lane, s->lanes);
	s->closed_count = INT64_MAX;
	if (count >= 0)
		s->closed_count = s->lane < busy ? share(count, s->lane, busy) : 0;
}

struct sq_schedule *sq_schedule_new(const struct sq_load_plan *load, uint64_t seed, unsigned lane,
				    unsigned lanes)
{
	const struct sq_load_spec *spec = load->spec;
	const struct sq_arrivals_spec *a = &spec->arrivals;
	struct sq_schedule *s = sq_alloc(sizeof(*s));

	s->lane = lane;
	s->lanes = lanes;
	s->at_ns = spec->at_ns;
	s->duration_ns = spec->duration_ns;
	s->tick_ns = load->tick_ns;
	s->number = lane;
	if (a->poisson_per_s > 0) {
		s->shape = SHAPE_POISSON;
		s->rate_per_s = a->poisson_per_s / lanes;
		s->number = 0;
		s->total = INT64_MAX;
		sq_rng_init(&s->rng, seed, rng_stream(load, STREAM_POISSON + lane));
	} else if (a->burst > 0) {
		init_burst(s, load, seed);
	} else if (a->closed > 0) {
		init_closed(s, a->closed, spec->count);
	} else if (load->n_trace) {
		s->shape = SHAPE_TRACE;
		s->trace_ns = load->trace_ns;
		s->total = (int64_t)load->n_trace;
	} else {
		s->profile = sq_profile_make(a, s->duration_ns);
		s->total = sq_profile_total(&s->profile);
	}
	if (spec->count >= 0 && s->shape == SHAPE_POISSON)
		s->total = share(spec->count, lane, lanes);
	else if (spec->count >= 0 && spec->count < s->total)
		s->total = spec->count;
	s->due_ns = due(s);
	return s;
}

struct sq_schedule *sq_schedule_free(struct sq_schedule *s)
{
	if (!s)
		return NULL;
	sq_profile_fini(&s->profile);
	free(s->phases);
	free(s);
	return NULL;
}

int64_t sq_schedule_peek(const struct sq_schedule *s)
{
	return s->due_ns;
}

void sq_schedule_next(struct sq_schedule *s)
{
	if (s->due_ns == SQ_NEVER)
		return;
	s->number += s->shape == SHAPE_POISSON ? 1 : s->lanes;
	s->due_ns = due(s);
}

int64_t sq_schedule_closed(const struct sq_schedule *s)
{
	return s->closed;
}

int64_t sq_schedule_closed_count(const struct sq_schedule *s)
{
	return s->closed_count;
}
