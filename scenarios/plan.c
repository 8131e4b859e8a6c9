/* From what a person asked for to all that will be done: addresses, devices, targets through the
 * gate, who makes load and who is watched, how long it can take. */
#include "scenarios/plan.h"

#include <arpa/inet.h>

#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/mem.h"
#include "base/rng.h"
#include "base/value.h"
#include "scenarios/cidr.h"

static void strings_add(struct sq_strings *s, char *text)
{
	s->v = sq_realloc_n(s->v, s->n + 1, sizeof(*s->v));
	s->v[s->n++] = text;
}

static void strings_free(struct sq_strings *s)
{
	for (size_t i = 0; i < s->n; i++)
		free(s->v[i]);
	free(s->v);
}

int sq_plan_host(const struct sq_plan *plan, const char *name)
{
	for (size_t i = 0; i < plan->n_hosts; i++)
		if (strcmp(plan->hosts[i].name, name) == 0)
			return (int)i;
	return -1;
}

/* "FILE: /load/0/target" */
static const char *place(const struct sq_plan *plan, char buf[256], const char *fmt, size_t i)
{
	int len = snprintf(buf, 256, "%s: ", plan->scenario->file);

#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wformat-nonliteral"
	if (len > 0 && len < 256)
		snprintf(buf + len, 256 - (size_t)len, fmt, i);
#pragma GCC diagnostic pop
	return buf;
}

static void plan_hosts(struct sq_plan *plan)
{
	const struct sq_scenario *s = plan->scenario;
	const struct sq_host_spec *specs = s->world.hosts.v;

	plan->n_hosts = s->has_world ? s->world.hosts.n : 1;
	plan->hosts = sq_alloc_n(plan->n_hosts, sizeof(*plan->hosts));
	for (size_t i = 0; i < plan->n_hosts; i++) {
		plan->hosts[i].name = s->has_world ? specs[i].name : "localhost";
		plan->hosts[i].spec = s->has_world ? &specs[i] : NULL;
		snprintf(plan->hosts[i].address, sizeof(plan->hosts[i].address), "127.0.0.1");
	}
}

/* One end of a link: its address, and the next free device of that host. */
static void plan_end(struct sq_plan *plan, struct sq_link_plan *l, int end,
		     const struct sq_cidr *subnet, unsigned *devices)
{
	struct sq_ip ip = sq_cidr_nth(subnet, (unsigned)end + 1);
	struct sq_host_plan *host = &plan->hosts[l->host[end]];
	char text[INET6_ADDRSTRLEN];

	sq_ip_format(&ip, text);
	snprintf(l->address[end], sizeof(l->address[end]), "%s/%u", text, subnet->bits);
	snprintf(l->device[end], sizeof(l->device[end]), "eth%u", devices[l->host[end]]);
	if (devices[l->host[end]]++ == 0)
		snprintf(host->address, sizeof(host->address), "%s", text);
}

static int plan_links(struct sq_plan *plan, struct sq_gate *gate, struct sq_err *err)
{
	const struct sq_link_spec *specs = plan->scenario->world.links.v;
	unsigned *devices = sq_alloc_n(plan->n_hosts, sizeof(*devices));
	char where[256];
	int rc = 0;

	plan->n_links = plan->scenario->world.links.n;
	plan->links = sq_alloc_n(plan->n_links, sizeof(*plan->links));
	for (size_t i = 0; rc == 0 && i < plan->n_links; i++) {
		struct sq_link_plan *l = &plan->links[i];
		struct sq_cidr subnet;

		l->spec = &specs[i];
		for (int end = 0; end < 2; end++)
			l->host[end] = (size_t)sq_plan_host(plan, specs[i].between.v[end]);
		if (specs[i].subnet)
			snprintf(l->subnet, sizeof(l->subnet), "%s", specs[i].subnet);
		else
			snprintf(l->subnet, sizeof(l->subnet), "198.%zu.0.0/16", 18 + i);
		place(plan, where, "/world/links/%zu/subnet", i);
		if (sq_cidr_parse(l->subnet, &subnet) < 0 || sq_cidr_mask(&subnet) ||
		    sq_ip_bits(&subnet.ip) - subnet.bits < 2)
			rc = sq_err_set(err, -EINVAL, where,
					"expected a subnet with room for two hosts such as "
					"\"198.18.0.0/16\", found \"%s\"",
					l->subnet);
		for (int end = 0; rc == 0 && end < 2; end++)
			plan_end(plan, l, end, &subnet, devices);
		if (rc == 0)
			rc = sq_gate_open_link(gate, l->subnet, err);
	}
	free(devices);
	return rc;
}

static struct sq_gate *plan_gate(struct sq_plan *plan, const struct sq_plan_opts *opts,
				 struct sq_err *err)
{
	const struct sq_strings *lists[] = { &plan->scenario->authorized_targets,
					     &opts->authorize };
	struct sq_gate *gate = sq_gate_new();

	if (plan->world && plan_links(plan, gate, err) < 0)
		return sq_gate_free(gate);
	for (size_t i = 0; plan->scenario->has_world && i < plan->n_hosts; i++)
		sq_gate_name(gate, plan->hosts[i].name, plan->hosts[i].address);
	for (size_t k = 0; k < 2; k++)
		for (size_t i = 0; i < lists[k]->n; i++) {
			if (sq_gate_authorize(gate, lists[k]->v[i], err) < 0)
				return sq_gate_free(gate);
			strings_add(&plan->authorized, sq_strdup(lists[k]->v[i]));
		}
	return gate;
}

static size_t default_from(const struct sq_plan *plan)
{
	int client = sq_plan_host(plan, "client");

	return client < 0 ? 0 : (size_t)client;
}

static int plan_loads(struct sq_plan *plan, const struct sq_gate *gate, struct sq_err *err)
{
	const struct sq_load_spec *specs = plan->scenario->load.v;
	char where[256];
	int rc = 0;

	plan->n_loads = plan->scenario->load.n;
	plan->loads = sq_alloc_n(plan->n_loads, sizeof(*plan->loads));
	for (size_t i = 0; rc == 0 && i < plan->n_loads; i++) {
		const struct sq_load_spec *spec = &specs[i];
		struct sq_load_plan *l = &plan->loads[i];
		const char *target = spec->target ? spec->target : plan->scenario->target;

		l->spec = spec;
		l->index = (unsigned)i;
		l->host = spec->from ? (size_t)sq_plan_host(plan, spec->from) : default_from(plan);
		plan->hosts[l->host].loads = true;
		if (strcmp(spec->arrivals.phase, "random") == 0 ||
		    sq_parse_duration(spec->arrivals.phase, &l->phase_ns) < 0)
			l->phase_ns = -1;
		place(plan, where, spec->target ? "/load/%zu/target" : "/target", i);
		rc = sq_gate_target(gate, target, where, &l->target, err);
	}
	return rc;
}

static void capture_add(struct sq_plan *plan, const struct sq_capture_spec *spec,
			const struct sq_kind *kind, size_t host)
{
	struct sq_capture_plan *c;

	plan->captures =
		sq_realloc_n(plan->captures, plan->n_captures + 1, sizeof(*plan->captures));
	c = &plan->captures[plan->n_captures++];
	c->kind = kind;
	c->conf = spec ? spec->source.conf : NULL;
	c->host = host;
	c->interval_ns = spec ? spec->interval_ns : 100 * SQ_MS;
	plan->hosts[host].captured = true;
}

static void plan_captures(struct sq_plan *plan, const struct sq_kind *default_source)
{
	const struct sq_capture_spec *specs = plan->scenario->capture.v;

	for (size_t h = 0; h < plan->n_hosts && !plan->scenario->has_capture; h++)
		capture_add(plan, NULL, default_source, h);
	for (size_t i = 0; i < plan->scenario->capture.n; i++)
		for (size_t h = 0; h < plan->n_hosts; h++)
			if (!specs[i].host || strcmp(specs[i].host, plan->hosts[h].name) == 0)
				capture_add(plan, &specs[i], specs[i].source.kind, h);
}

static int check_programs(const struct sq_plan *plan, struct sq_err *err)
{
	for (size_t h = 0; h < plan->n_hosts; h++) {
		const struct sq_host_spec *spec = plan->hosts[h].spec;
		const struct sq_process_spec *run = spec ? spec->run.v : NULL;

		for (size_t i = 0; run && i < spec->run.n; i++) {
			char where[256];

			if (run[i].sink.kind)
				continue;
			snprintf(where, sizeof(where), "%s: /world/hosts/%s/run/%zu/argv",
				 plan->scenario->file, spec->name, i);
			return sq_err_set(err, -EPERM, where,
					  "it starts \"%s\": that needs --allow-exec",
					  run[i].argv.v[0]);
		}
	}
	return 0;
}

/* What a world's scenario can't show on loopback. */
static void plan_lost_host(struct sq_plan *plan, const struct sq_host_spec *h)
{
	const struct sq_process_spec *run = h->run.v;

	for (size_t i = 0; i < h->sysctl.n; i++)
		strings_add(&plan->lost, sq_printf_dup("%s: %s = %s is not set", h->name,
						       h->sysctl.v[i].key, h->sysctl.v[i].value));
	for (size_t i = 0; i < h->nft.n; i++)
		strings_add(&plan->lost,
			    sq_printf_dup("%s: packet-filter rules are not loaded", h->name));
	for (size_t i = 0; i < h->addresses.n; i++)
		strings_add(&plan->lost, sq_printf_dup("%s: address %s is not there", h->name,
						       h->addresses.v[i]));
	for (size_t i = 0; i < h->run.n; i++)
		if (!run[i].sink.kind)
			strings_add(&plan->lost, sq_printf_dup("%s: \"%s\" is not started", h->name,
							       run[i].argv.v[0]));
}

static void plan_lost(struct sq_plan *plan)
{
	const struct sq_link_spec *links = plan->scenario->world.links.v;

	strings_add(&plan->lost,
		    sq_printf_dup("all hosts are one machine on loopback: the counters of client "
				  "and server are one and the same"));
	for (size_t i = 0; i < plan->n_hosts; i++)
		plan_lost_host(plan, plan->hosts[i].spec);
	for (size_t i = 0; i < plan->scenario->world.links.n; i++)
		if (links[i].shape.rate_bit_per_s != SQ_OPT_UNSET)
			strings_add(&plan->lost,
				    sq_printf_dup("the link between %s and %s is not shaped",
						  links[i].between.v[0], links[i].between.v[1]));
}

static void plan_bounds(struct sq_plan *plan)
{
	for (size_t i = 0; i < plan->n_loads; i++) {
		const struct sq_load_spec *l = plan->loads[i].spec;

		if (l->at_ns + l->duration_ns > plan->end_ns)
			plan->end_ns = l->at_ns + l->duration_ns;
		if (l->timeout_ns + SQ_SEC > plan->drain_ns)
			plan->drain_ns = l->timeout_ns + SQ_SEC;
	}
}

int sq_plan_make(struct sq_scenario *scenario, const struct sq_plan_opts *opts,
		 struct sq_plan **ret_plan, struct sq_err *err)
{
	struct sq_plan *plan = sq_alloc(sizeof(*plan));
	struct sq_gate *gate;
	int rc;

	plan->scenario = scenario;
	plan->loopback = scenario->has_world && opts->loopback;
	plan->world = scenario->has_world && !opts->loopback;
	if (scenario->seed == SQ_OPT_UNSET)
		scenario->seed = (int64_t)sq_rng_fresh_seed();
	plan->seed = (uint64_t)scenario->seed;
	plan_hosts(plan);
	gate = plan_gate(plan, opts, err);
	if (!gate) {
		rc = err->code;
		goto fail;
	}
	rc = plan_loads(plan, gate, err);
	sq_gate_free(gate);
	if (rc == 0 && !opts->allow_exec)
		rc = check_programs(plan, err);
	if (rc < 0)
		goto fail;
	plan_captures(plan, opts->default_source);
	if (plan->loopback)
		plan_lost(plan);
	plan_bounds(plan);
	plan->echo = sq_scenario_echo(scenario);
	*ret_plan = plan;
	return 0;
fail:
	sq_plan_free(plan);
	return rc;
}

struct sq_plan *sq_plan_free(struct sq_plan *plan)
{
	if (plan) {
		sq_scenario_free(plan->scenario);
		json_decref(plan->echo);
		strings_free(&plan->lost);
		strings_free(&plan->authorized);
		free(plan->hosts);
		free(plan->links);
		free(plan->loads);
		free(plan->captures);
		free(plan);
	}
	return NULL;
}
