/* The run record as the ledger looks at it.
 *
 * What is easily got wrong here: the record's samples say in which bin a reading was taken, not when
 * in it, and a reading may come late or not at all.  So a rise belongs to the whole time from the
 * bin of the reading before to the bin of its own, and no finer. */
#include "analyzers/ledger/frame.h"

#include <ctype.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "analyzers/ledger/rules.h"

int64_t sq_frame_bin_ns(const struct sq_run *run, size_t i)
{
	return (run->axis.first_bin + (int64_t)i) * run->axis.bin_ns;
}

void sq_readings_fini(struct sq_readings *r)
{
	free(r->v);
	*r = (struct sq_readings){ 0 };
}

size_t sq_readings_within(const struct sq_readings *r, int64_t lo_ns, int64_t hi_ns,
			  size_t *ret_first)
{
	size_t a = 0;
	size_t b = r->n;
	size_t first;

	while (a < b) {
		size_t mid = a + (b - a) / 2;

		if (r->v[mid].to_ns > lo_ns)
			b = mid;
		else
			a = mid + 1;
	}
	first = a;
	b = r->n;
	while (a < b) {
		size_t mid = a + (b - a) / 2;

		if (r->v[mid].from_ns < hi_ns)
			a = mid + 1;
		else
			b = mid;
	}
	*ret_first = first;
	return a - first;
}

bool sq_frame_captured(const struct sq_run *run, const char *host)
{
	for (size_t i = 0; i < run->n_metrics; i++) {
		if (strcmp(run->metrics[i].host, host) == 0)
			return true;
	}
	return false;
}

double sq_frame_delta(const struct sq_run *run, const char *host, const char *metric)
{
	double sum = NAN;

	for (size_t i = 0; i < run->n_metrics; i++) {
		const struct sq_metric_rec *m = &run->metrics[i];

		if (strcmp(m->metric, metric) == 0 && (!host || strcmp(m->host, host) == 0) &&
		    !isnan(m->delta))
			sum = isnan(sum) ? m->delta : sum + m->delta;
	}
	return sum;
}

/* The length of the host's part of "host:port" or "[v6]:port". */
static size_t host_len(const char *target)
{
	const char *colon = strrchr(target, ':');

	return colon ? (size_t)(colon - target) : strlen(target);
}

bool sq_frame_loopback(const char *target)
{
	return strncmp(target, "127.", 4) == 0 || strncmp(target, "[::1]", 5) == 0 ||
	       strcmp(target, "localhost") == 0 || strncmp(target, "localhost:", 10) == 0;
}

bool sq_frame_stands(const struct sq_target_rec *target, const char *host)
{
	return target->server && strcmp(target->server, host) == 0;
}

bool sq_frame_plays(const struct sq_load_rec *load, const char *host, int role)
{
	if (role != SQ_SIDE_SERVER)
		return load->from && strcmp(load->from, host) == 0;
	for (size_t i = 0; i < load->n_targets; i++) {
		if (sq_frame_stands(&load->targets[i], host))
			return true;
	}
	return false;
}

int sq_frame_role(const struct sq_load_rec *load, const char *host, int side)
{
	bool server = sq_side_has(side, SQ_SIDE_SERVER) &&
		      sq_frame_plays(load, host, SQ_SIDE_SERVER);
	bool client = sq_side_has(side, SQ_SIDE_CLIENT) &&
		      sq_frame_plays(load, host, SQ_SIDE_CLIENT);

	if (server && client)
		return SQ_SIDE_EITHER;
	return server ? SQ_SIDE_SERVER : client ? SQ_SIDE_CLIENT : -1;
}

const char *sq_frame_address(const struct sq_target_rec *target)
{
	return target->address ? target->address : target->target;
}

static bool is_address(const char *target)
{
	return target[0] == '[' || isdigit((unsigned char)target[0]);
}

/* "0.0.0.0:9000" takes what goes to "server:9000"; "127.0.0.2:9000" not what goes to
 * "127.0.0.1:9000". */
bool sq_frame_serves(const char *instance, const char *address)
{
	static const char *const any[] = { "0.0.0.0", "[::]", "::", "*" };
	size_t len = host_len(instance);

	if (strcmp(instance + len, address + host_len(address)) != 0)
		return false;
	for (size_t i = 0; i < sizeof(any) / sizeof(any[0]); i++) {
		if (strlen(any[i]) == len && memcmp(any[i], instance, len) == 0)
			return true;
	}
	return !is_address(address) || strncmp(instance, address, len) == 0;
}

/* Adds one row of listen.queue to what is known of a listener. */
static void add_queue(const struct sq_run *run, const struct sq_metric_rec *queue, int64_t from_ns,
		      int64_t to_ns, struct sq_listener *l)
{
	const struct sq_metric_rec *limit =
		sq_run_find_metric(run, queue->host, "listen.backlog", queue->instance);
	double backlog = NAN;

	for (size_t i = 0; i < run->axis.n; i++) {
		int64_t at_ns = sq_frame_bin_ns(run, i);

		if (limit && !isnan(limit->samples[i]))
			backlog = limit->samples[i];
		if (isnan(queue->samples[i]) || isnan(backlog) || at_ns >= to_ns ||
		    at_ns + run->axis.bin_ns <= from_ns)
			continue;
		l->samples++;
		l->full += queue->samples[i] > backlog;
		if (queue->samples[i] > l->peak)
			l->peak = queue->samples[i];
	}
	if (!isnan(backlog) && (!l->instance || queue->max > backlog))
		l->backlog = backlog;
	if (!l->instance)
		l->instance = queue->instance;
}

static bool is_queue_of(const struct sq_metric_rec *m, const char *host)
{
	return strcmp(m->metric, "listen.queue") == 0 && m->instance && strcmp(m->host, host) == 0;
}

/* host NULL: wherever the target stands. */
static bool serves_load(const char *instance, const char *host, const struct sq_load_rec *load)
{
	for (size_t i = 0; i < load->n_targets; i++) {
		const struct sq_target_rec *target = &load->targets[i];

		if ((!host || sq_frame_stands(target, host)) &&
		    sq_frame_serves(instance, sq_frame_address(target)))
			return true;
	}
	return false;
}

struct sq_listener sq_frame_listener(const struct sq_run *run, const char *host,
				     const struct sq_load_rec *load, int64_t from_ns, int64_t to_ns)
{
	struct sq_listener l = { 0 };

	for (size_t i = 0; i < run->n_metrics; i++) {
		const struct sq_metric_rec *m = &run->metrics[i];

		if (is_queue_of(m, host) && serves_load(m->instance, host, load))
			add_queue(run, m, from_ns, to_ns, &l);
	}
	return l;
}

static bool is_target(const struct sq_run *run, const char *instance)
{
	for (size_t i = 0; i < run->n_loads; i++) {
		if (serves_load(instance, NULL, &run->loads[i]))
			return true;
	}
	return false;
}

const char *sq_frame_other_full(const struct sq_run *run, const char *host, int64_t from_ns,
				int64_t to_ns)
{
	for (size_t i = 0; i < run->n_metrics; i++) {
		const struct sq_metric_rec *m = &run->metrics[i];
		struct sq_listener l = { 0 };

		if (!is_queue_of(m, host) || is_target(run, m->instance))
			continue;
		add_queue(run, m, from_ns, to_ns, &l);
		if (l.full > 0)
			return m->instance;
	}
	return NULL;
}
