/* What no single key can show: unique names, references between parts, shapes of arrivals that
 * exclude each other, bounds of the whole. */
#include <errno.h>
#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/mem.h"
#include "base/value.h"
#include "scenarios/cidr.h"
#include "scenarios/scenario_private.h"

#define MAX_OPERATIONS 1e9
#define MAX_RUN_NS     (24 * 3600 * SQ_SEC)

/* Fails at a pointer of the scenario's file. */
static int bad(const struct sq_scenario *s, struct sq_err *err, const char *pointer,
	       const char *fmt, ...) __attribute__((format(printf, 4, 5)));
static int bad(const struct sq_scenario *s, struct sq_err *err, const char *pointer,
	       const char *fmt, ...)
{
	char where[256], text[512];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	snprintf(where, sizeof(where), "%s: %s", s->file, pointer);
	return sq_err_set(err, -EINVAL, where, "%s", text);
}

const struct sq_host_spec *sq_scenario_host(const struct sq_scenario *s, const char *name)
{
	const struct sq_host_spec *hosts = s->world.hosts.v;

	for (size_t i = 0; i < s->world.hosts.n; i++)
		if (strcmp(hosts[i].name, name) == 0)
			return &hosts[i];
	return NULL;
}

static const char *nearest_host(const struct sq_scenario *s, const char *word)
{
	const struct sq_host_spec *hosts = s->world.hosts.v;
	const char **names = sq_alloc_n(s->world.hosts.n + 1, sizeof(*names));
	const char *near;

	for (size_t i = 0; i < s->world.hosts.n; i++)
		names[i] = hosts[i].name;
	near = sq_nearest(word, names);
	free(names);
	return near;
}

static int check_host_name(const struct sq_scenario *s, const char *pointer, const char *name,
			   struct sq_err *err)
{
	const char *near;

	if (!s->has_world)
		return strcmp(name, "localhost") == 0
			       ? 0
			       : bad(s, err, pointer,
				     "no host \"%s\": without a world there is only \"localhost\"",
				     name);
	if (sq_scenario_host(s, name))
		return 0;
	near = nearest_host(s, name);
	if (near)
		return bad(s, err, pointer, "no host \"%s\"; did you mean \"%s\"?", name, near);
	return bad(s, err, pointer, "no host \"%s\" in /world/hosts", name);
}

static bool name_is_fit(const char *name)
{
	size_t len = strspn(name, "abcdefghijklmnopqrstuvwxyz0123456789_-");

	return name[0] >= 'a' && name[0] <= 'z' && !name[len] && len < 64 &&
	       strcmp(name, "finding") != 0 && strcmp(name, "account") != 0;
}

static int check_name(const struct sq_scenario *s, const char *pointer, const char *name,
		      struct sq_err *err)
{
	if (name_is_fit(name))
		return 0;
	return bad(s, err, pointer,
		   "expected a name of a-z, 0-9, _ and - that begins with a letter (and is not "
		   "\"finding\" or \"account\"), found \"%s\"",
		   name);
}

static int check_cidr(const struct sq_scenario *s, const char *pointer, const char *text,
		      struct sq_err *err)
{
	struct sq_cidr cidr;

	if (sq_cidr_parse(text, &cidr) == 0)
		return 0;
	return bad(s, err, pointer,
		   "expected an address with prefix length such as \"198.18.0.0/16\", found \"%s\"",
		   text);
}

static int check_process(const struct sq_scenario *s, const char *pointer,
			 const struct sq_process_spec *p, struct sq_err *err)
{
	if (!p->sink.kind == !p->argv.n)
		return bad(s, err, pointer, "expected exactly one of \"sink\" and \"argv\"");
	return 0;
}

static int check_host(const struct sq_scenario *s, const struct sq_host_spec *h, struct sq_err *err)
{
	char pointer[192];
	int rc;

	snprintf(pointer, sizeof(pointer), "/world/hosts/%s", h->name);
	rc = check_name(s, pointer, h->name, err);
	for (size_t i = 0; rc == 0 && i < h->addresses.n; i++) {
		snprintf(pointer, sizeof(pointer), "/world/hosts/%s/addresses/%zu", h->name, i);
		rc = check_cidr(s, pointer, h->addresses.v[i], err);
	}
	for (size_t i = 0; rc == 0 && i < h->run.n; i++) {
		snprintf(pointer, sizeof(pointer), "/world/hosts/%s/run/%zu", h->name, i);
		rc = check_process(s, pointer, (const struct sq_process_spec *)h->run.v + i, err);
	}
	return rc;
}

static int check_link(const struct sq_scenario *s, size_t i, const struct sq_link_spec *l,
		      struct sq_err *err)
{
	char pointer[192];
	int rc = 0;

	snprintf(pointer, sizeof(pointer), "/world/links/%zu/between", i);
	if (l->between.n != 2 || strcmp(l->between.v[0], l->between.v[1]) == 0)
		return bad(s, err, pointer, "expected the names of two different hosts");
	for (size_t k = 0; rc == 0 && k < 2; k++) {
		snprintf(pointer, sizeof(pointer), "/world/links/%zu/between/%zu", i, k);
		rc = check_host_name(s, pointer, l->between.v[k], err);
	}
	snprintf(pointer, sizeof(pointer), "/world/links/%zu/subnet", i);
	if (rc == 0 && l->subnet)
		rc = check_cidr(s, pointer, l->subnet, err);
	if (rc == 0 && !l->subnet && i >= 2)
		rc = bad(s, err, pointer, "the third and further links need a \"subnet\"");
	snprintf(pointer, sizeof(pointer), "/world/links/%zu/shape/host", i);
	if (rc == 0 && l->shape.host && strcmp(l->shape.host, l->between.v[0]) != 0 &&
	    strcmp(l->shape.host, l->between.v[1]) != 0)
		rc = bad(s, err, pointer, "expected \"%s\" or \"%s\", found \"%s\"",
			 l->between.v[0], l->between.v[1], l->shape.host);
	return rc;
}

static int check_phase(const struct sq_scenario *s, const char *pointer,
		       const struct sq_arrivals_spec *a, struct sq_err *err)
{
	int64_t phase;

	if (strcmp(a->phase, "random") == 0)
		return 0;
	if (sq_parse_duration(a->phase, &phase) < 0)
		return bad(s, err, pointer,
			   "expected \"random\" or a duration such as \"0s\", found \"%s\"",
			   a->phase);
	if (a->every_ns != SQ_OPT_UNSET && phase >= a->every_ns)
		return bad(s, err, pointer, "expected less than \"every\", found \"%s\"", a->phase);
	return 0;
}

/* How many operations a load can make at most; NAN for a closed loop without a count. */
static double operations(const struct sq_load_spec *l)
{
	const struct sq_arrivals_spec *a = &l->arrivals;
	double seconds = sq_seconds(l->duration_ns), n = NAN;

	if (!isnan(a->rate_per_s))
		n = a->rate_per_s * seconds;
	else if (!isnan(a->poisson_per_s))
		n = a->poisson_per_s * seconds;
	else if (a->burst != SQ_OPT_UNSET)
		n = (double)a->burst * (double)a->streams *
		    (a->every_ns == SQ_OPT_UNSET
			     ? 1
			     : ceil((double)l->duration_ns / (double)a->every_ns));
	if (l->count != SQ_OPT_UNSET && !(n < (double)l->count))
		n = (double)l->count;
	return n;
}

static int check_arrivals(const struct sq_scenario *s, const char *base,
			  const struct sq_load_spec *l, struct sq_err *err)
{
	const struct sq_arrivals_spec *a = &l->arrivals;
	int shapes = !isnan(a->rate_per_s) + !isnan(a->poisson_per_s) + (a->burst != SQ_OPT_UNSET) +
		     (a->closed != SQ_OPT_UNSET);
	char pointer[192];

	snprintf(pointer, sizeof(pointer), "%s/arrivals", base);
	if (shapes != 1)
		return bad(s, err, pointer,
			   "expected exactly one of \"rate\", \"poisson\", \"burst\" and "
			   "\"closed\", found %s",
			   shapes ? "several" : "none");
	if (operations(l) > MAX_OPERATIONS)
		return bad(s, err, pointer, "expected at most 10^9 operations, found %.3g",
			   operations(l));
	if (a->burst == SQ_OPT_UNSET)
		return 0;
	snprintf(pointer, sizeof(pointer), "%s/arrivals/every", base);
	if (a->every_ns == SQ_OPT_UNSET &&
	    (l->count == SQ_OPT_UNSET || l->count > a->burst * a->streams))
		return bad(s, err, pointer,
			   "missing: a burst needs \"every\", or a \"count\" "
			   "of one burst at most");
	snprintf(pointer, sizeof(pointer), "%s/arrivals/phase", base);
	return check_phase(s, pointer, a, err);
}

static int check_load(const struct sq_scenario *s, size_t i, const struct sq_load_spec *l,
		      struct sq_err *err)
{
	const struct sq_load_spec *all = s->load.v;
	char base[64], pointer[192];
	int rc;

	snprintf(base, sizeof(base), "/load/%zu", i);
	snprintf(pointer, sizeof(pointer), "%s/name", base);
	rc = check_name(s, pointer, l->name, err);
	for (size_t k = 0; rc == 0 && k < i; k++)
		if (strcmp(all[k].name, l->name) == 0)
			rc = bad(s, err, pointer, "\"%s\" is the name of /load/%zu already",
				 l->name, k);
	if (rc == 0 && sq_scenario_host(s, l->name))
		rc = bad(s, err, pointer, "\"%s\" is the name of a host already", l->name);
	snprintf(pointer, sizeof(pointer), "%s/from", base);
	if (rc == 0 && l->from)
		rc = check_host_name(s, pointer, l->from, err);
	snprintf(pointer, sizeof(pointer), "%s/target", base);
	if (rc == 0 && !l->target && !s->target)
		rc = bad(s, err, pointer, "missing: give the load or the scenario a \"target\"");
	snprintf(pointer, sizeof(pointer), "%s/warmup", base);
	if (rc == 0 && l->warmup_ns >= l->duration_ns)
		rc = bad(s, err, pointer, "expected less than \"duration\"");
	snprintf(pointer, sizeof(pointer), "%s/duration", base);
	if (rc == 0 && l->at_ns + l->duration_ns > MAX_RUN_NS)
		rc = bad(s, err, pointer, "expected an end within 24 h (\"at\" included)");
	return rc < 0 ? rc : check_arrivals(s, base, l, err);
}

int sq_scenario_check(const struct sq_scenario *s, struct sq_err *err)
{
	const struct sq_host_spec *hosts = s->world.hosts.v;
	const struct sq_link_spec *links = s->world.links.v;
	const struct sq_load_spec *loads = s->load.v;
	const struct sq_capture_spec *captures = s->capture.v;
	char pointer[64];
	int rc = check_name(s, "/name", s->name, err);

	for (size_t i = 0; rc == 0 && i < s->world.hosts.n; i++)
		rc = check_host(s, &hosts[i], err);
	for (size_t i = 0; rc == 0 && i < s->world.links.n; i++)
		rc = check_link(s, i, &links[i], err);
	for (size_t i = 0; rc == 0 && i < s->load.n; i++)
		rc = check_load(s, i, &loads[i], err);
	for (size_t i = 0; rc == 0 && i < s->capture.n; i++) {
		snprintf(pointer, sizeof(pointer), "/capture/%zu/host", i);
		if (captures[i].host)
			rc = check_host_name(s, pointer, captures[i].host, err);
	}
	for (size_t i = 0; rc == 0 && i < s->authorized_targets.n; i++) {
		snprintf(pointer, sizeof(pointer), "/authorized_targets/%zu", i);
		rc = check_cidr(s, pointer, s->authorized_targets.v[i], err);
	}
	return rc;
}
