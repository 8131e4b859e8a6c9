/* When a load's operations are due, as far as the plan settles it: the phase of bursts, the times of
 * a trace, the tick that due times are rounded up to, and when the last of them has started.
 *
 * What a reader would get wrong: a trace is read here, once, and never by a lane, so that a file
 * which cannot be used is refused before anything is started. */
#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/value.h"
#include "scenarios/plan_private.h"
#include "scenarios/profile.h"
#include "scenarios/scenario_private.h"
#include "scenarios/trace.h"

/* From this rate on cheap operations are started several at a wake-up: there a wake-up for each
 * costs more than the operation. */
#define TICK_FROM_PER_S 8000
#define TICK_NS         (500 * SQ_US)

static int64_t phase_of(const struct sq_arrivals_spec *a)
{
	int64_t phase_ns = SQ_PHASE_RANDOM;

	if (strcmp(a->phase, "stagger") == 0)
		phase_ns = SQ_PHASE_STAGGER;
	else if (strcmp(a->phase, "random") != 0)
		(void)sq_parse_duration(a->phase, &phase_ns); /* checked with the scenario */
	else if (a->burst != SQ_OPT_UNSET && a->every_ns == SQ_OPT_UNSET)
		phase_ns = 0; /* a single burst has no "every" to be at random in */
	return phase_ns;
}

static int64_t tick_of(const struct sq_load_spec *spec, const struct sq_plan_opts *opts)
{
	struct sq_profile profile;
	double peak;

	if (spec->tick_ns != SQ_OPT_UNSET)
		return spec->tick_ns;
	if (!opts->batches || !opts->batches(spec->driver.kind))
		return 0;
	profile = sq_profile_make(&spec->arrivals, spec->duration_ns);
	peak = sq_profile_peak(&profile);
	sq_profile_fini(&profile);
	return peak >= TICK_FROM_PER_S ? TICK_NS : 0;
}

static int read_trace(struct sq_load_plan *load, const struct sq_plan_opts *opts,
		      struct sq_err *err)
{
	const struct sq_load_spec *spec = load->spec;
	const char *path = spec->arrivals.trace;
	int rc = opts->trace ? opts->trace(spec->driver.kind, path, &load->trace_ns, &load->n_trace,
					   err)
			     : sq_trace_read(path, &load->trace_ns, &load->n_trace, err);

	if (rc < 0)
		return rc;
	load->n_trace = sq_trace_play(load->trace_ns, load->n_trace, spec->arrivals.speed,
				      spec->duration_ns);
	if (load->n_trace == 0)
		return sq_err_set(err, -EINVAL, path,
				  "none of its times lies within the load's duration; make that "
				  "longer, or \"speed\" higher");
	return 0;
}

/* When the operation of that number is due; SQ_NEVER: the load has no rate, or ends before it. */
static int64_t profile_due_ns(const struct sq_load_spec *spec, int64_t number)
{
	struct sq_profile profile = sq_profile_make(&spec->arrivals, spec->duration_ns);
	int64_t due_ns = SQ_NEVER;
	size_t at = 0;

	if (number < sq_profile_total(&profile))
		due_ns = sq_profile_due(&profile, &at, number);
	sq_profile_fini(&profile);
	return due_ns;
}

/* Wherever in "every" the phases are; a burst that is the only one has none after it. */
static int64_t burst_next_ns(const struct sq_load_plan *load)
{
	const struct sq_arrivals_spec *a = &load->spec->arrivals;
	double rounds = ceil((double)load->spec->count / (double)a->burst) / (double)a->streams;
	double next_ns;

	if (a->every_ns == SQ_OPT_UNSET)
		return SQ_NEVER;
	if (load->phase_ns != SQ_PHASE_STAGGER)
		rounds = ceil(rounds);
	next_ns = rounds * (double)a->every_ns;
	return next_ns < 0x1p62 ? (int64_t)next_ns : SQ_NEVER;
}

/* A count ends it where the operation after the last would be due: 20 at 100/s fill 200 ms.  Of a closed loop, and of
 * times that are drawn, only running can tell. */
static int64_t span_of(const struct sq_load_plan *load)
{
	const struct sq_load_spec *spec = load->spec;
	int64_t next_ns = SQ_NEVER;

	if (spec->count == SQ_OPT_UNSET)
		return spec->duration_ns;
	if (load->n_trace)
		next_ns = spec->count < (int64_t)load->n_trace ? load->trace_ns[spec->count]
							       : SQ_NEVER;
	else if (spec->arrivals.burst != SQ_OPT_UNSET)
		next_ns = burst_next_ns(load);
	else
		next_ns = profile_due_ns(spec, spec->count);
	return next_ns < spec->duration_ns ? next_ns : spec->duration_ns;
}

int sq_plan_arrivals(struct sq_load_plan *load, const struct sq_plan_opts *opts, struct sq_err *err)
{
	int rc = 0;

	load->phase_ns = phase_of(&load->spec->arrivals);
	load->tick_ns = tick_of(load->spec, opts);
	if (load->spec->arrivals.trace)
		rc = read_trace(load, opts, err);
	load->span_ns = span_of(load);
	return rc;
}

static int64_t burst_end_ns(const struct sq_load_plan *load)
{
	const struct sq_arrivals_spec *a = &load->spec->arrivals;
	double rounds = ceil((double)load->spec->count / ((double)a->burst * (double)a->streams));
	/* Streams whose phases differ have had their k-th burst by k times "every". */
	double end_ns = (load->phase_ns < 0 ? rounds : rounds - 1) *
			(double)(a->every_ns == SQ_OPT_UNSET ? 0 : a->every_ns);

	end_ns += (load->phase_ns < 0 ? 0 : (double)load->phase_ns) + 1;
	return end_ns < 0x1p62 ? (int64_t)end_ns : SQ_NEVER;
}

/* When a load that its count bounds has come to its last operation; never before that, and SQ_NEVER
 * where only running it can tell. */
static int64_t count_end_ns(const struct sq_load_plan *load)
{
	int64_t last_ns;

	if (load->spec->count == SQ_OPT_UNSET)
		return SQ_NEVER;
	if (load->spec->arrivals.burst != SQ_OPT_UNSET)
		return burst_end_ns(load);
	last_ns = profile_due_ns(load->spec, load->spec->count - 1);
	return last_ns == SQ_NEVER ? SQ_NEVER : last_ns + 1;
}

int64_t sq_plan_length_ns(const struct sq_load_plan *load)
{
	int64_t count = load->spec->count, end_ns;

	if (load->n_trace)
		end_ns = load->trace_ns[count != SQ_OPT_UNSET && count < (int64_t)load->n_trace
						? count - 1
						: (int64_t)load->n_trace - 1] +
			 1;
	else
		end_ns = count_end_ns(load);
	if (end_ns > load->spec->duration_ns)
		end_ns = load->spec->duration_ns;
	return end_ns + load->tick_ns;
}
