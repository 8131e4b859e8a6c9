/* What a load would take of the host that makes it, and whether it has that: warnings, not refusals,
 * since only the run can tell how much of it comes true.
 *
 * Local ports: an address that closes first keeps its port for 60 s (TIME_WAIT), for each target.
 * connect(2) tries half of the ports first, those of one parity.  Once they are taken it walks over
 * all of them each time before it tries the others, so that it takes 2000 us instead of 28 long before it
 * says EADDRNOTAVAIL.
 *
 * What a reader would get wrong: a port in TIME_WAIT may be used again after 1 s where
 * tcp_tw_reuse lets it, and by default it does on loopback. */
#include <sys/resource.h>

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/sysctl.h"
#include "scenarios/plan_private.h"
#include "scenarios/profile.h"
#include "scenarios/scenario_private.h"

/* The kernel's own, and so those of every new network namespace. */
#define PORTS_DEFAULT "32768 60999"
#define REUSE_DEFAULT "2"

#define TIME_WAIT_NS (60 * SQ_SEC)
#define REUSED_NS    SQ_SEC

/* Of a process of ours, beside what its operations open. */
enum { OWN_FILES = 64 };

static bool same_sysctl(const char *a, const char *b)
{
	char name_a[SQ_SYSCTL_NAME], name_b[SQ_SYSCTL_NAME];

	return sq_sysctl_name(a, name_a) == 0 && sq_sysctl_name(b, name_b) == 0 &&
	       strcmp(name_a, name_b) == 0;
}

/* As it will be on the host: a world's is made anew. */
static void host_sysctl(const struct sq_plan *plan, size_t host, const char *name,
			const char *fallback, char *out, size_t size)
{
	const struct sq_host_spec *spec = plan->hosts[host].spec;

	snprintf(out, size, "%s", fallback);
	if (!plan->world)
		sq_sysctl_read(name, out, size);
	for (size_t i = 0; plan->world && spec && i < spec->sysctl.n; i++)
		if (same_sysctl(spec->sysctl.v[i].key, name))
			snprintf(out, size, "%s", spec->sysctl.v[i].value);
}

double sq_port_range_size(const char *range)
{
	char *end;
	long low = strtol(range, &end, 10), high = strtol(end, NULL, 10);

	return low > 0 && high >= low ? (double)(high - low + 1) : 0;
}

static double host_ports(const struct sq_plan *plan, size_t host)
{
	char range[64];

	host_sysctl(plan, host, "net.ipv4.ip_local_port_range", PORTS_DEFAULT, range,
		    sizeof(range));
	return sq_port_range_size(range);
}

static bool soon_reused(const struct sq_plan *plan, const struct sq_load_plan *load)
{
	char reuse[16];
	struct sq_ip ip;
	bool loopback;

	host_sysctl(plan, load->host, "net.ipv4.tcp_tw_reuse", REUSE_DEFAULT, reuse, sizeof(reuse));
	loopback = sq_ip_from_sockaddr((const struct sockaddr *)&load->target.addr, &ip) == 0 &&
		   sq_ip_is_loopback(&ip);
	return reuse[0] == '1' || (reuse[0] == '2' && loopback);
}

/* At the highest rate of the load; 0 for a closed loop, whose rate is the target's. */
static double rate_within(const struct sq_load_spec *spec, int64_t ns)
{
	struct sq_profile profile = sq_profile_make(&spec->arrivals, spec->duration_ns);
	double peak = sq_profile_peak(&profile);

	sq_profile_fini(&profile);
	return (spec->arrivals.poisson_per_s > 0 ? spec->arrivals.poisson_per_s : peak) *
	       sq_seconds(ns);
}

/* Bursts come whole: however short a time is, one may fall into it. */
static double bursts_within(const struct sq_arrivals_spec *a, int64_t ns)
{
	int64_t rounds = a->every_ns > 0 ? ns / a->every_ns : 0;

	return (double)(rounds + 1) * (double)a->burst * (double)a->streams;
}

/* Where a trace is densest. */
static double trace_within(const struct sq_load_plan *load, int64_t ns)
{
	size_t n = load->n_trace, from = 0, most = 0;

	if (load->spec->count != SQ_OPT_UNSET && (uint64_t)load->spec->count < n)
		n = (size_t)load->spec->count;
	for (size_t i = 0; i < n; i++) {
		while (load->trace_ns[i] - load->trace_ns[from] > ns)
			from++;
		if (i + 1 - from > most)
			most = i + 1 - from;
	}
	return (double)most;
}

/* How many of its operations fall into so much time, at most. */
static double within(const struct sq_load_plan *load, int64_t ns)
{
	const struct sq_load_spec *spec = load->spec;

	if (load->n_trace)
		return trace_within(load, ns);
	return fmin(sq_load_operations(spec), spec->arrivals.burst > 0
						      ? bursts_within(&spec->arrivals, ns)
						      : rate_within(spec, ns));
}

static void warn_ports(struct sq_plan *plan, struct sq_load_plan *load)
{
	double targets = (double)load->n_targets;
	double sources = load->sources.count ? (double)load->sources.count : 1;
	double half = host_ports(plan, load->host) / 2;
	double taken = within(load, load->soon_reused ? REUSED_NS : TIME_WAIT_NS);

	if (half <= 0 || taken <= half * sources * targets)
		return;
	sq_plan_say(&plan->warnings,
		    "%s: %.0f ports of %s come to be in TIME_WAIT, and connect(2) slows down from "
		    "half of its %.0f on, for each source address and target: it comes from %.0f "
		    "and needs %.0f addresses (\"source\"), or a driver that closes by reset",
		    load->spec->name, taken, plan->hosts[load->host].name, 2 * half, sources,
		    ceil(taken / (half * targets)));
}

/* In each of its workers. */
static double open_files(const struct sq_load_plan *load)
{
	const struct sq_load_spec *spec = load->spec;
	double n = (double)spec->arrivals.closed;

	if (!load->cost.socket)
		return 0;
	if (spec->arrivals.closed <= 0)
		n = within(load, load->cost.hold_ns);
	if (spec->max_open > 0)
		n = fmin(n, (double)spec->max_open);
	return n / (double)spec->workers;
}

static void warn_files(struct sq_plan *plan, size_t host)
{
	struct rlimit limit;
	double files = 0;

	for (size_t i = 0; i < plan->n_loads; i++)
		if (plan->loads[i].host == host)
			files += open_files(&plan->loads[i]);
	if (getrlimit(RLIMIT_NOFILE, &limit) == -1 || limit.rlim_max == RLIM_INFINITY ||
	    files + OWN_FILES <= (double)limit.rlim_max)
		return;
	sq_plan_say(
		&plan->warnings,
		"%s: %.0f connections come to be open in one process, whose limit of open files "
		"is %.0f (EMFILE beyond it); raise the hard limit, or spread the load over more "
		"\"workers\"",
		plan->hosts[host].name, files, (double)limit.rlim_max);
}

void sq_plan_limits(struct sq_plan *plan, const struct sq_plan_opts *opts)
{
	for (size_t i = 0; opts->cost && i < plan->n_loads; i++) {
		struct sq_load_plan *load = &plan->loads[i];

		opts->cost(&load->spec->driver, &load->cost);
		if (!load->cost.time_wait)
			continue;
		load->soon_reused = soon_reused(plan, load);
		warn_ports(plan, load);
	}
	for (size_t h = 0; h < plan->n_hosts; h++)
		warn_files(plan, h);
}
