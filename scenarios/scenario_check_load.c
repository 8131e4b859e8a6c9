/* The checks of loads: what they are called, when their operations start, and that they end. */
#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "base/value.h"
#include "scenarios/profile.h"
#include "scenarios/scenario_private.h"

/* No run is longer, no load larger. */
#define RUN_MAX_NS     (INT64_C(24) * 3600 * SQ_SEC)
#define OPERATIONS_MAX 1e9

#define RATE_MIN_PER_S 0.001
#define RATE_MAX_PER_S 1e7
enum { STEPS_MAX = 1000 };

struct check {
	const struct sq_scenario *s;
	const struct sq_load_spec *load;
	size_t index;
	struct sq_err *err;
};

/* "/load/N" and what follows. */
static const char *pointer_to(const struct check *c, const char *rest, char out[SQ_POINTER_MAX])
{
	snprintf(out, SQ_POINTER_MAX, "/load/%zu%s", c->index, rest);
	return out;
}

static int check_name(const struct check *c)
{
	const char *name = c->load->name;
	char at[SQ_POINTER_MAX];
	int rc = sq_scenario_check_name(c->s, name, "load", pointer_to(c, "/name", at), c->err);

	if (rc < 0)
		return rc;
	for (size_t i = 0; i < c->index; i++)
		if (strcmp(sq_scenario_load(c->s, i)->name, name) == 0)
			return sq_scenario_fail(
				c->s, at, c->err,
				"/load/%zu is called \"%s\" already; give each load "
				"a name of its own",
				i, name);
	if (strcmp(name, SQ_HERE) != 0 &&
	    (!c->s->has_world || sq_scenario_check_host(c->s, name, "", NULL) < 0))
		return 0;
	return sq_scenario_fail(c->s, at, c->err,
				"a host is called \"%s\" already; expectations could not tell them "
				"apart, so choose another name",
				name);
}

static int check_ends(const struct check *c)
{
	char at[SQ_POINTER_MAX];

	if (!c->load->target.n && !c->s->target)
		return sq_scenario_fail(c->s, pointer_to(c, "", at), c->err,
					"missing key \"target\", and the scenario has none either");
	return sq_scenario_check_host(c->s, c->load->from, pointer_to(c, "/from", at), c->err);
}

static int check_times(const struct check *c)
{
	const struct sq_load_spec *l = c->load;
	char at[SQ_POINTER_MAX], found[64], limit[64];

	sq_format_duration(limit, sizeof(limit), l->duration_ns);
	if (l->warmup_ns >= l->duration_ns) {
		sq_format_duration(found, sizeof(found), l->warmup_ns);
		return sq_scenario_fail(c->s, pointer_to(c, "/warmup", at), c->err,
					"expected less than the duration of %s, found %s", limit,
					found);
	}
	if (l->at_ns > RUN_MAX_NS - l->duration_ns) {
		sq_format_duration(found, sizeof(found), l->at_ns);
		return sq_scenario_fail(c->s, pointer_to(c, "/duration", at), c->err,
					"%s from %s on would end after more than 24h, which no run "
					"may take; shorten it",
					limit, found);
	}
	return 0;
}

/* Exactly one; the name of the one given. */
static int check_one_shape(const struct check *c)
{
	const struct sq_arrivals_spec *a = &c->load->arrivals;
	const struct {
		const char *name;
		bool given;
	} shapes[] = {
		{ "rate", !isnan(a->rate_per_s) },
		{ "ramp", a->ramp.n > 0 },
		{ "steps", a->steps.n > 0 },
		{ "poisson", !isnan(a->poisson_per_s) },
		{ "burst", a->burst != SQ_OPT_UNSET },
		{ "trace", a->trace != NULL },
		{ "closed", a->closed != SQ_OPT_UNSET },
	};
	const char *first = NULL;
	char at[SQ_POINTER_MAX];

	for (size_t i = 0; i < sizeof(shapes) / sizeof(shapes[0]); i++) {
		if (!shapes[i].given)
			continue;
		if (first)
			return sq_scenario_fail(c->s, pointer_to(c, "/arrivals", at), c->err,
						"both \"%s\" and \"%s\" are given; keep one", first,
						shapes[i].name);
		first = shapes[i].name;
	}
	if (first)
		return 0;
	return sq_scenario_fail(
		c->s, pointer_to(c, "/arrivals", at), c->err,
		"expected one of \"rate\", \"ramp\", \"steps\", \"poisson\", \"burst\", "
		"\"trace\" and \"closed\", found none");
}

/* Keys that would mean nothing are told, not ignored. */
static int check_company(const struct check *c)
{
	const struct sq_load_spec *l = c->load;
	const struct sq_arrivals_spec *a = &l->arrivals;
	bool burst = a->burst != SQ_OPT_UNSET;
	const struct {
		const char *key, *beside;
		bool wrong;
	} keys[] = {
		{ "/arrivals/every", "beside \"burst\"", !burst && a->every_ns != SQ_OPT_UNSET },
		{ "/arrivals/streams", "beside \"burst\"", !burst && a->streams != 1 },
		{ "/arrivals/phase", "beside \"burst\"",
		  !burst && strcmp(a->phase, "random") != 0 },
		{ "/arrivals/speed", "beside \"trace\"", !a->trace && a->speed != 1 },
	};
	char at[SQ_POINTER_MAX];

	for (size_t i = 0; i < sizeof(keys) / sizeof(keys[0]); i++)
		if (keys[i].wrong)
			return sq_scenario_fail(c->s, pointer_to(c, keys[i].key, at), c->err,
						"it has a meaning %s only; remove it",
						keys[i].beside);
	return 0;
}

/* Each a rate, and one of them more than 0. */
static int check_rates(const struct check *c, const char *key, const struct sq_strings *rates)
{
	char rest[64], at[SQ_POINTER_MAX];
	double per_s, peak = 0;

	for (size_t i = 0; i < rates->n; i++) {
		snprintf(rest, sizeof(rest), "/arrivals/%s/%zu", key, i);
		if (sq_parse_rate(rates->v[i], &per_s) < 0 || per_s > RATE_MAX_PER_S)
			return sq_scenario_fail(c->s, pointer_to(c, rest, at), c->err,
						"expected a rate of at most 10000000/s such as "
						"\"24000/min\", found \"%.60s\"",
						rates->v[i]);
		peak = fmax(peak, per_s);
	}
	if (peak >= RATE_MIN_PER_S || rates->n == 0)
		return 0;
	snprintf(rest, sizeof(rest), "/arrivals/%s", key);
	return sq_scenario_fail(c->s, pointer_to(c, rest, at), c->err,
				"expected a rate of at least 0.001/s among them, found none");
}

static int check_profile(const struct check *c)
{
	const struct sq_arrivals_spec *a = &c->load->arrivals;
	char at[SQ_POINTER_MAX];
	int rc;

	if (a->ramp.n && a->ramp.n != 2)
		return sq_scenario_fail(c->s, pointer_to(c, "/arrivals/ramp", at), c->err,
					"expected two rates, at its begin and at its end, found "
					"%zu",
					a->ramp.n);
	if (a->steps.n > STEPS_MAX)
		return sq_scenario_fail(c->s, pointer_to(c, "/arrivals/steps", at), c->err,
					"expected at most %d rates, found %zu", STEPS_MAX,
					a->steps.n);
	rc = check_rates(c, "ramp", &a->ramp);
	return rc < 0 ? rc : check_rates(c, "steps", &a->steps);
}

static int check_phase(const struct check *c)
{
	const struct sq_arrivals_spec *a = &c->load->arrivals;
	bool once = a->every_ns == SQ_OPT_UNSET;
	int64_t limit_ns = once ? c->load->duration_ns : a->every_ns, phase_ns;
	char at[SQ_POINTER_MAX], limit[64];

	if (strcmp(a->phase, "random") == 0 || (strcmp(a->phase, "stagger") == 0 && !once) ||
	    (sq_parse_duration(a->phase, &phase_ns) == 0 && phase_ns < limit_ns))
		return 0;
	sq_format_duration(limit, sizeof(limit), limit_ns);
	return sq_scenario_fail(c->s, pointer_to(c, "/arrivals/phase", at), c->err,
				"expected \"random\"%s or a duration below %s (its \"%s\"), found "
				"\"%.60s\"",
				once ? "" : ", \"stagger\"", limit, once ? "duration" : "every",
				a->phase);
}

static int check_burst(const struct check *c)
{
	const struct sq_load_spec *l = c->load;
	const struct sq_arrivals_spec *a = &l->arrivals;
	long long once = a->burst * a->streams;
	char at[SQ_POINTER_MAX];

	if (a->every_ns == SQ_OPT_UNSET && (l->count == SQ_OPT_UNSET || l->count > once))
		return sq_scenario_fail(
			c->s, pointer_to(c, "/arrivals", at), c->err,
			"missing key \"every\", the time from burst to burst; a single "
			"burst needs a \"count\" of at most %lld instead",
			once);
	return check_phase(c);
}

static int check_closed(const struct check *c)
{
	const struct sq_load_spec *l = c->load;
	bool open = l->max_open != SQ_OPT_UNSET && l->arrivals.closed > l->max_open;
	char at[SQ_POINTER_MAX];

	if (!open && l->arrivals.closed <= l->max_in_flight)
		return 0;
	return sq_scenario_fail(c->s, pointer_to(c, "/arrivals/closed", at), c->err,
				"%lld %s are more than \"%s\" allows (%lld); change one of them",
				(long long)l->arrivals.closed, open ? "open" : "in flight",
				open ? "max_open" : "max_in_flight",
				(long long)(open ? l->max_open : l->max_in_flight));
}

/* A process has at least one of the threads, and a thread at least one of the open. */
static int check_threads(const struct check *c)
{
	const struct sq_load_spec *l = c->load;
	char at[SQ_POINTER_MAX];

	if (l->workers > l->threads)
		return sq_scenario_fail(c->s, pointer_to(c, "/workers", at), c->err,
					"%lld processes cannot share %lld threads; give as many "
					"\"threads\" at least",
					(long long)l->workers, (long long)l->threads);
	if (l->max_open != SQ_OPT_UNSET && l->max_open < l->threads)
		return sq_scenario_fail(
			c->s, pointer_to(c, "/max_open", at), c->err,
			"%lld threads cannot share %lld; give one for each thread at "
			"least",
			(long long)l->threads, (long long)l->max_open);
	return 0;
}

static int check_arrivals(const struct check *c)
{
	const struct sq_load_spec *l = c->load;
	int rc = check_one_shape(c);

	if (rc == 0)
		rc = check_company(c);
	if (rc == 0)
		rc = check_profile(c);
	if (rc == 0 && l->arrivals.burst != SQ_OPT_UNSET)
		rc = check_burst(c);
	return rc == 0 && l->arrivals.closed != SQ_OPT_UNSET ? check_closed(c) : rc;
}

double sq_load_operations(const struct sq_load_spec *l)
{
	const struct sq_arrivals_spec *a = &l->arrivals;
	struct sq_profile profile = sq_profile_make(a, l->duration_ns);
	double n = (double)sq_profile_total(&profile);

	sq_profile_fini(&profile);
	if (!isnan(a->poisson_per_s))
		n = ceil(a->poisson_per_s * sq_seconds(l->duration_ns));
	else if (a->burst != SQ_OPT_UNSET)
		n = (double)a->burst * (double)a->streams *
		    (a->every_ns == SQ_OPT_UNSET
			     ? 1
			     : ceil((double)l->duration_ns / (double)a->every_ns));
	return l->count != SQ_OPT_UNSET && n > (double)l->count ? (double)l->count : n;
}

static int check_size(const struct check *c)
{
	double n = sq_load_operations(c->load);
	char at[SQ_POINTER_MAX];

	if (n <= OPERATIONS_MAX)
		return 0;
	return sq_scenario_fail(
		c->s, pointer_to(c, "", at), c->err,
		"it would make %.0f operations, and a load makes %.0f at most; lower "
		"its rate or its duration, or give a \"count\"",
		n, OPERATIONS_MAX);
}

int sq_scenario_check_loads(const struct sq_scenario *s, struct sq_err *err)
{
	static int (*const checks[])(const struct check *) = {
		check_name, check_ends, check_times, check_threads, check_arrivals, check_size,
	};
	int rc = 0;

	for (size_t i = 0; rc == 0 && i < s->load.n; i++) {
		struct check c = { .s = s, .load = sq_scenario_load(s, i), .index = i, .err = err };

		for (size_t k = 0; rc == 0 && k < sizeof(checks) / sizeof(checks[0]); k++)
			rc = checks[k](&c);
	}
	return rc;
}
