/* A host whose loads close first has a port in TIME_WAIT for each connection of the last minute.  From
 * half of its ports on connect(2) from one address to one target walks over all that are taken, so
 * that a load grows slow by itself: what looks like the target's latency then is the client's.
 *
 * What a reader would get wrong: /proc/net/sockstat counts the whole namespace, so that it is held
 * against what all loads of the host together have of addresses and targets; loads that have the same
 * of both share their ports. */
#include "analyzers/ledger/warnings.h"

#include <stdlib.h>
#include <string.h>

#include "analyzers/ledger/frame.h"
#include "base/clock.h"
#include "base/mem.h"
#include "scenarios/plan.h"

/* What is taken beside TIME_WAIT, and what the kernel keeps of one parity, is little. */
#define NEARLY 0.99

/* Whether two loads of a host take ports of the same addresses for the same targets. */
static bool same_ends(const struct sq_load_rec *a, const struct sq_load_rec *b)
{
	if (!sq_same_text(a->source, b->source) || a->n_targets != b->n_targets)
		return false;
	for (size_t i = 0; i < a->n_targets; i++)
		if (strcmp(sq_frame_address(&a->targets[i]), sq_frame_address(&b->targets[i])) != 0)
			return false;
	return true;
}

static bool leaves_ports(const struct sq_load_rec *l, const char *host)
{
	return l->time_wait && strcmp(l->from, host) == 0;
}

static bool counted_before(const struct sq_run *run, size_t load, const char *host)
{
	for (size_t i = 0; i < load; i++)
		if (leaves_ports(&run->loads[i], host) &&
		    same_ends(&run->loads[i], &run->loads[load]))
			return true;
	return false;
}

/* Half of the ports, as often as a port can be taken; 0 for a host whose closes leave none. */
static double half_ports(const struct sq_run *run, const char *host)
{
	const char *range = sq_run_sysctl(run, host, "net.ipv4.ip_local_port_range");
	double pairs = 0;

	for (size_t i = 0; i < run->n_loads; i++) {
		const struct sq_load_rec *l = &run->loads[i];

		if (leaves_ports(l, host) && !counted_before(run, i, host))
			pairs += (double)(l->sources ? l->sources : 1) * (double)l->n_targets;
	}
	return range ? pairs * sq_port_range_size(range) / 2 : 0;
}

static void warn_time_wait(struct sq_run *run, const char *host, double half)
{
	const struct sq_metric_rec *tw = sq_run_find_metric(run, host, "sockstat.TCP.tw", NULL);
	size_t at = 0;
	char *text;

	while (tw && at < run->axis.n && !(tw->samples[at] >= NEARLY * half))
		at++;
	if (!tw || at == run->axis.n)
		return;
	text = sq_printf_dup(
		"%s has %.0f sockets in TIME_WAIT, about half of the ports that its "
		"sources have (%.0f), and later up to %.0f; connect(2) is slow from here on, "
		"and what the load waits for is the client; give more addresses "
		"(\"source\")",
		host, tw->samples[at], half, tw->max);
	sq_run_warn(run, sq_seconds((run->axis.first_bin + (int64_t)at) * run->axis.bin_ns), text);
	free(text);
}

static bool first_of_host(const struct sq_run *run, size_t load)
{
	for (size_t i = 0; i < load; i++)
		if (strcmp(run->loads[i].from, run->loads[load].from) == 0)
			return false;
	return true;
}

void sq_warn(struct sq_run *run)
{
	for (size_t i = 0; i < run->n_loads; i++) {
		const char *host = run->loads[i].from;
		double half = first_of_host(run, i) ? half_ports(run, host) : 0;

		if (half > 0)
			warn_time_wait(run, host, half);
	}
}
