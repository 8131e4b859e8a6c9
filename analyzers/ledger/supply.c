/* From the record's rows to readings.
 *
 * Rows of a counter are summed by their rises, so that a row that restarts or comes late takes
 * nothing away from the others.  Two counters that count the same event ("also", "less") are read
 * one after the other in a tick: what comes between the two is seen by one of them a reading later.
 * So each reading is matched with what the one before left over, and with no more. */
#include "analyzers/ledger/supply.h"

#include <ctype.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"

/* ---- ports ---- */

enum { WELL_KNOWN = 1024 }; /* from here on a port may be a client's own, to which answers go */

static bool has_port(const struct sq_load_rec *load, double port)
{
	for (size_t i = 0; i < load->n_targets; i++) {
		const char *colon = strrchr(sq_frame_address(&load->targets[i]), ':');

		if (colon && strtod(colon + 1, NULL) == port)
			return true;
	}
	return false;
}

/* Is it known that what has this port is none of the load's? */
static bool is_others(const struct sq_run *run, const struct sq_load_rec *load, double port)
{
	if (has_port(load, port))
		return false;
	for (size_t i = 0; i < run->n_loads; i++) {
		if (has_port(&run->loads[i], port))
			return true;
	}
	return port < WELL_KNOWN;
}

/* port: as struct sq_rule_counter's; NULL: a row may be about any. */
static bool row_concerns(const struct sq_run *run, const struct sq_metric_rec *m, const char *port,
			 const struct sq_load_rec *load)
{
	const struct sq_metric_rec *about =
		port ? sq_run_find_metric(run, m->host, port, m->instance) : NULL;

	return !about || !is_others(run, load, about->max);
}

static bool row_concerns_any(const struct sq_run *run, const struct sq_metric_rec *m,
			     const char *port)
{
	for (size_t i = 0; i < run->n_loads; i++) {
		if (row_concerns(run, m, port, &run->loads[i]))
			return true;
	}
	return false;
}

bool sq_supply_concerns(const struct sq_run *run, const char *host, const struct sq_rule_counter *c,
			const struct sq_load_rec *load)
{
	bool others = false;

	for (size_t i = 0; c->port && i < run->n_metrics; i++) {
		const struct sq_metric_rec *m = &run->metrics[i];

		if (strcmp(m->metric, c->names.v[0]) != 0 || strcmp(m->host, host) != 0 ||
		    !(m->delta > 0))
			continue;
		if (row_concerns(run, m, c->port, load))
			return true;
		others = true;
	}
	return !others;
}

/* ---- rises ---- */

struct rises { /* by bin */
	double *v;
	bool *read;
};

static struct rises rises_new(const struct sq_run *run)
{
	return (struct rises){ .v = sq_alloc_n(run->axis.n + 1, sizeof(double)),
			       .read = sq_alloc_n(run->axis.n + 1, sizeof(bool)) };
}

static void rises_fini(struct rises *r)
{
	free(r->v);
	free(r->read);
}

static void add_row(const struct sq_run *run, const struct sq_metric_rec *m, struct rises *r)
{
	double before = 0; /* a counter that appears in mid-run counts from 0 */

	for (size_t i = 0; i < run->axis.n; i++) {
		double value = m->samples[i];

		if (isnan(value))
			continue;
		/* A restart: what it shows now has come since. */
		r->v[i] += value >= before ? value - before : value;
		r->read[i] = true;
		before = value;
	}
}

static bool of_source(const struct sq_metric_rec *m, const char *host, const char *source,
		      size_t len)
{
	return strlen(m->source) == len && strncmp(m->source, source, len) == 0 &&
	       strcmp(m->host, host) == 0;
}

/* A source that was read and has no row of the counter has seen none of it. */
static void add_reads_of_source(const struct sq_run *run, const char *host, const char *source,
				size_t len, struct rises *r)
{
	const double *done = NULL;

	for (size_t k = 0; k < run->n_metrics; k++) {
		const struct sq_metric_rec *m = &run->metrics[k];

		if (!of_source(m, host, source, len) || (m->shared && m->samples == done))
			continue;
		if (m->shared)
			done = m->samples;
		for (size_t i = 0; i < run->axis.n; i++)
			r->read[i] |= !isnan(m->samples[i]);
	}
}

/* Of all rows where row is NULL, but for those that are about none of the loads' ports. */
static struct rises rises_of(const struct sq_run *run, const char *host,
			     const struct sq_strings *names, const char *row, const char *port)
{
	struct rises r = rises_new(run);

	for (size_t k = 0; k < names->n; k++) {
		const char *name = names->v[k];

		for (size_t i = 0; i < run->n_metrics; i++) {
			const struct sq_metric_rec *m = &run->metrics[i];

			if (strcmp(m->metric, name) == 0 && strcmp(m->host, host) == 0 &&
			    (!row || (m->instance && strcmp(m->instance, row) == 0)) &&
			    row_concerns_any(run, m, port))
				add_row(run, m, &r);
		}
		add_reads_of_source(run, host, name, strcspn(name, "."), &r);
	}
	return r;
}

/* What one reading of a counter leaves over to the next. */
struct carry {
	double gathered; /* since the last reading of both */
	double left;     /* of that reading */
};

/* Uses up so much, the older first; what stays unused of the older is returned. */
static double carry_use(struct carry *c, double used)
{
	double of_left = used < c->left ? used : c->left;
	double stale = c->left - of_left;

	c->left = c->gathered - (used - of_left);
	c->gathered = 0;
	return stale;
}

/* Splits a into what rose together with b, and the rest. */
static void split(const struct sq_run *run, const struct rises *a, const struct rises *b,
		  struct rises *joint, struct rises *rest)
{
	struct carry ca = { 0 }, cb = { 0 };
	size_t last = run->axis.n;

	for (size_t i = 0; i < run->axis.n; i++) {
		double most_a, most_b, both, stale;

		ca.gathered += a->v[i];
		cb.gathered += b->v[i];
		if (!a->read[i] || !b->read[i])
			continue;
		most_a = ca.gathered + ca.left;
		most_b = cb.gathered + cb.left;
		both = most_a < most_b ? most_a : most_b;
		stale = carry_use(&ca, both);
		carry_use(&cb, both);
		joint->v[i] = both;
		joint->read[i] = rest->read[i] = true;
		if (last < run->axis.n)
			rest->v[last] += stale;
		last = i;
	}
	if (last < run->axis.n)
		rest->v[last] += ca.left;
}

/* Keeps of r what rose together with those counters, or what did not. */
static void judge(const struct sq_run *run, const char *host, const struct sq_strings *by,
		  bool together, struct rises *r)
{
	struct rises other, joint, rest;

	if (by->n == 0)
		return;
	other = rises_of(run, host, by, NULL, NULL);
	joint = rises_new(run);
	rest = rises_new(run);
	split(run, r, &other, &joint, &rest);
	rises_fini(r);
	rises_fini(&other);
	*r = together ? joint : rest;
	rises_fini(together ? &rest : &joint);
}

struct sq_readings sq_supply_readings(const struct sq_run *run, const char *host,
				      const struct sq_rule_counter *c, const char *row)
{
	struct sq_readings out = { .v = sq_alloc_n(run->axis.n + 1, sizeof(*out.v)) };
	struct rises r = rises_of(run, host, &c->names, row, c->port);
	int64_t from_ns = INT64_MIN;

	judge(run, host, &c->also, true, &r);
	judge(run, host, &c->less, false, &r);
	for (size_t i = 0; i < run->axis.n; i++) {
		int64_t at_ns = sq_frame_bin_ns(run, i);

		if (!r.read[i])
			continue;
		if (from_ns == INT64_MIN)
			from_ns = at_ns - run->axis.bin_ns;
		out.v[out.n++] = (struct sq_reading){
			.from_ns = from_ns,
			.to_ns = at_ns + run->axis.bin_ns,
			.rise = (uint64_t)llround(r.v[i]),
		};
		out.total += (uint64_t)llround(r.v[i]);
		from_ns = at_ns;
	}
	rises_fini(&r);
	return out;
}

/* ---- was it read ---- */

static bool row_read(const struct sq_run *run, const struct sq_metric_rec *m)
{
	for (size_t i = m->from; i < run->axis.n; i++) {
		if (!isnan(m->samples[i]))
			return true;
	}
	return false;
}

static bool any_read(const struct sq_run *run, const char *host, const struct sq_strings *names)
{
	for (size_t k = 0; k < names->n; k++) {
		const char *name = names->v[k];

		for (size_t i = 0; i < run->n_metrics; i++) {
			const struct sq_metric_rec *m = &run->metrics[i];

			if ((of_source(m, host, name, strcspn(name, ".")) ||
			     (strcmp(m->metric, name) == 0 && strcmp(m->host, host) == 0)) &&
			    row_read(run, m))
				return true;
		}
	}
	return false;
}

bool sq_supply_read(const struct sq_run *run, const char *host, const struct sq_rule_counter *c)
{
	return any_read(run, host, &c->names) &&
	       (c->also.n == 0 || any_read(run, host, &c->also)) &&
	       (c->less.n == 0 || any_read(run, host, &c->less));
}

const char *sq_supply_absent(const struct sq_run *run, const char *host, const char *name)
{
	size_t len = strcspn(name, "."), i;
	const json_t *a;

	json_array_foreach(run->absent, i, a) {
		const char *source = json_string_value(json_object_get(a, "source"));
		const char *on = json_string_value(json_object_get(a, "host"));

		if (source && on && strlen(source) == len && strncmp(source, name, len) == 0 &&
		    strcmp(on, host) == 0)
			return json_string_value(json_object_get(a, "because"));
	}
	return NULL;
}

char *sq_supply_because(const struct sq_run *run, const char *host, const struct sq_rule_counter *c)
{
	const struct sq_strings *lists[] = { &c->names, &c->also, &c->less };
	const char *name = c->names.v[0], *because;

	if (!sq_frame_captured(run, host))
		return sq_printf_dup("no counters of %s were captured", host);
	for (size_t i = 0; i < sizeof(lists) / sizeof(lists[0]); i++) {
		if (lists[i]->n > 0 && !any_read(run, host, lists[i])) {
			name = lists[i]->v[0];
			break;
		}
	}
	because = sq_supply_absent(run, host, name);
	return because ? sq_printf_dup("%s was not captured on %s: %s", name, host, because)
		       : sq_printf_dup("%s was not captured on %s", name, host);
}

/* ---- rows ---- */

/* The device of a host that leads to another. */
static const char *device_to(const struct sq_run *run, const char *host, const char *peer)
{
	const json_t *link;
	size_t i;

	json_array_foreach(run->links, i, link) {
		const json_t *hosts = json_object_get(link, "hosts");
		const json_t *devices = json_object_get(link, "devices");

		for (size_t end = 0; end < 2; end++) {
			const char *a = json_string_value(json_array_get(hosts, end));
			const char *b = json_string_value(json_array_get(hosts, 1 - end));

			if (a && b && strcmp(a, host) == 0 && strcmp(b, peer) == 0)
				return json_string_value(json_array_get(devices, end));
		}
	}
	return NULL;
}

static const char *socket_row(const struct sq_run *run, const char *host, const char *metric,
			      const char *address)
{
	for (size_t i = 0; i < run->n_metrics; i++) {
		const struct sq_metric_rec *m = &run->metrics[i];

		if (m->instance && strcmp(m->metric, metric) == 0 && strcmp(m->host, host) == 0 &&
		    sq_frame_serves(m->instance, address))
			return m->instance;
	}
	return NULL;
}

/* Nobody was seen to listen there; not so where nobody looked. */
static bool is_unserved(const struct sq_run *run, const char *host, int unserved,
			const char *address)
{
	bool tcp = unserved == SQ_UNSERVED_TCP;

	return sq_run_find_metric(run, host, tcp ? "listen.sockets" : "udp.sockets", NULL) &&
	       !socket_row(run, host, tcp ? "listen.queue" : "udp.rx_queue", address);
}

bool sq_supply_row(const struct sq_run *run, const char *host, const struct sq_rule_counter *c,
		   const struct sq_load_rec *load, size_t target, const char **ret_row)
{
	const struct sq_target_rec *to = &load->targets[target];
	bool server = sq_frame_stands(to, host);
	const char *peer = server ? load->from : to->server;

	*ret_row = NULL;
	if (!server &&
	    !(sq_side_has(c->side, SQ_SIDE_CLIENT) && sq_frame_plays(load, host, SQ_SIDE_CLIENT)))
		return false; /* another of its targets stands here */
	if (c->many_targets && load->n_targets < 2)
		return false;
	if (c->unserved != SQ_UNSERVED_NO &&
	    !is_unserved(run, host, c->unserved, sq_frame_address(to)))
		return false;
	if (c->rows == SQ_ROWS_MACHINE && json_array_size(run->links) > 0)
		return false;
	*ret_row = c->instance;
	if (c->instance)
		return true;
	if (c->rows == SQ_ROWS_TARGET) {
		*ret_row = socket_row(run, host, c->names.v[0], sq_frame_address(to));
		return *ret_row != NULL;
	}
	if (c->rows == SQ_ROWS_PATH && peer)
		*ret_row = strcmp(peer, host) == 0 ? "lo" : device_to(run, host, peer);
	return true;
}

bool sq_supply_has_row(const struct sq_run *run, const char *host, const struct sq_rule_counter *c,
		       const struct sq_load_rec *load, const char *row)
{
	const char *own;

	for (size_t i = 0; i < load->n_targets; i++) {
		if (sq_supply_row(run, host, c, load, i, &own) && sq_same_text(own, row))
			return true;
	}
	return false;
}

void sq_supply_name(const struct sq_rule_counter *c, const char *row, struct sq_buf *out)
{
	for (size_t i = 0; i < c->names.n && i < 1; i++) {
		const char *name = c->names.v[i], *dot = strrchr(name, '.');

		/* The kernel's own counters are known by their last word. */
		sq_buf_puts(out, isupper((unsigned char)name[0]) && dot ? dot + 1 : name);
	}
	if (row)
		sq_buf_printf(out, " of %s", row);
}
