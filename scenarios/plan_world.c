/* The plan's hosts and links: which subnet, address and device each end gets, what of it a target
 * may name, and what is lost when a machine forbids the world and loopback must do.
 *
 * What a reader would get wrong: a subnet is opened for load only when the world is really made.
 * On loopback 198.18.0.2 would leave this machine by its default route; there the same texts stand
 * for 127.0.0.1. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/value.h"
#include "scenarios/cidr.h"
#include "scenarios/plan_private.h"
#include "scenarios/scenario_private.h"

static const char here[] = "127.0.0.1";

/* RFC 2544's benchmarking range in two. */
static const char *const default_subnets[] = { "198.18.0.0/16", "198.19.0.0/16" };

const char *sq_plan_place_name(const struct sq_capture_spec *c, char buffer[SQ_WHERE_NAME])
{
	return !c->host && c->where && sq_where_name(c->where, buffer) ? buffer : c->host;
}

/* Without a world each place that is read elsewhere is a host too, by its name. */
static void plan_places(struct sq_plan *plan)
{
	const struct sq_scenario *s = plan->scenario;

	for (size_t i = 0; !s->has_world && i < s->capture.n; i++) {
		const struct sq_capture_spec *c = sq_scenario_capture(s, i);
		struct sq_host_plan *place = &plan->hosts[plan->n_hosts];
		const char *name = sq_plan_place_name(c, place->far_name);

		if (!c->where || sq_plan_host(plan, name) >= 0)
			continue;
		place->name = name;
		place->far = c->where;
		plan->n_hosts++;
	}
}

static void plan_hosts(struct sq_plan *plan)
{
	const struct sq_scenario *s = plan->scenario;

	plan->n_hosts = s->has_world ? s->world.hosts.n : 1;
	plan->hosts = sq_alloc_n(plan->n_hosts + s->capture.n + 1, sizeof(*plan->hosts));
	for (size_t h = 0; h < plan->n_hosts; h++) {
		const struct sq_host_spec *spec = s->has_world ? sq_scenario_host(s, h) : NULL;

		plan->hosts[h].name = spec ? spec->name : SQ_HERE;
		plan->hosts[h].spec = spec;
		snprintf(plan->hosts[h].address, sizeof(plan->hosts[h].address), "%s", here);
	}
	plan_places(plan);
}

/* The first link before this one in the list, or any that names its subnet, that overlaps with a
 * subnet; -1 if none. */
static int find_overlap(const struct sq_plan *plan, size_t link, const char *subnet)
{
	struct sq_cidr own, other;

	if (sq_cidr_parse(subnet, &own) < 0)
		return -1;
	for (size_t i = 0; i < plan->n_links; i++)
		if (plan->links[i].spec != plan->links[link].spec && plan->links[i].subnet[0] &&
		    sq_cidr_parse(plan->links[i].subnet, &other) == 0 &&
		    sq_cidr_overlap(&own, &other))
			return (int)i;
	return -1;
}

/* Which link of the scenario it is, or is a leg of. */
static size_t spec_index(const struct sq_plan *plan, size_t link)
{
	return (size_t)(plan->links[link].spec - sq_scenario_link(plan->scenario, 0));
}

static int fail_link(const struct sq_plan *plan, size_t link, const char *key, struct sq_err *err,
		     const char *text)
{
	char pointer[SQ_POINTER_MAX];

	snprintf(pointer, sizeof(pointer), "/world/links/%zu%s", spec_index(plan, link), key);
	return sq_scenario_fail(plan->scenario, pointer, err, "%s", text);
}

static int choose_subnet(struct sq_plan *plan, size_t link, struct sq_err *err)
{
	struct sq_link_plan *l = &plan->links[link];

	for (size_t i = 0; i < sizeof(default_subnets) / sizeof(default_subnets[0]); i++)
		if (find_overlap(plan, link, default_subnets[i]) < 0) {
			snprintf(l->subnet, sizeof(l->subnet), "%s", default_subnets[i]);
			return 0;
		}
	return fail_link(plan, link, "", err,
			 "missing key \"subnet\": 198.18.0.0/16 and 198.19.0.0/16 are taken; give "
			 "subnets of your own, such as \"198.18.0.0/24\" and \"198.18.1.0/24\"");
}

/* Subnets that links name come first: the others take what those leave. */
static int plan_subnets(struct sq_plan *plan, struct sq_err *err)
{
	char text[256];
	int other, rc = 0;

	for (size_t i = 0; i < plan->n_links; i++) {
		struct sq_link_plan *l = &plan->links[i];

		if (!l->spec->subnet)
			continue;
		snprintf(l->subnet, sizeof(l->subnet), "%s", l->spec->subnet);
		other = find_overlap(plan, i, l->subnet);
		if (other < 0)
			continue;
		snprintf(text, sizeof(text),
			 "%s overlaps with %s of /world/links/%d; give each link a subnet of its "
			 "own",
			 l->subnet, plan->links[other].subnet,
			 (int)spec_index(plan, (size_t)other));
		return fail_link(plan, i, "/subnet", err, text);
	}
	for (size_t i = 0; rc == 0 && i < plan->n_links; i++) {
		struct sq_link_plan *l = &plan->links[i];

		if (!l->subnet[0] && i && l[-1].spec == l->spec)
			snprintf(l->subnet, sizeof(l->subnet), "%s", l[-1].subnet);
		else if (!l->subnet[0])
			rc = choose_subnet(plan, i, err);
	}
	return rc;
}

/* How many ends of links before this one stand in a host: the number of its next device. */
static size_t devices_before(const struct sq_plan *plan, size_t link, size_t host)
{
	size_t n = 0;

	for (size_t i = 0; i < link; i++)
		n += (plan->links[i].host[0] == host) + (plan->links[i].host[1] == host);
	return n;
}

/* member: its number among the hosts of the link, which is that of its address. */
static void plan_end(struct sq_plan *plan, size_t link, size_t end, size_t member)
{
	struct sq_link_plan *l = &plan->links[link];
	size_t host = (size_t)sq_plan_host(plan, l->spec->between.v[member]);
	size_t device = devices_before(plan, link, host);
	char address[INET6_ADDRSTRLEN];
	struct sq_cidr subnet;
	struct sq_ip ip;

	if (sq_cidr_parse(l->subnet, &subnet) < 0)
		return; /* it was checked with the scenario */
	ip = sq_ip_nth(&subnet.ip, (uint32_t)member + 1);
	sq_ip_format(&ip, address);
	l->host[end] = host;
	snprintf(l->address[end], sizeof(l->address[end]), "%s/%u", address, subnet.bits);
	snprintf(l->device[end], sizeof(l->device[end]), "eth%zu", device);
	if (device == 0)
		snprintf(plan->hosts[host].address, sizeof(plan->hosts[host].address), "%s",
			 address);
}

/* An address that the world gives: in the world it is open as it stands, on loopback it is another
 * name of 127.0.0.1. */
static int open_address(const struct sq_plan *plan, struct sq_gate *gate, const struct sq_ip *ip,
			struct sq_err *err)
{
	char text[INET6_ADDRSTRLEN + sizeof("/128")], number[INET6_ADDRSTRLEN];

	sq_ip_format(ip, number);
	if (plan->loopback) {
		sq_gate_name(gate, number, here);
		return 0;
	}
	snprintf(text, sizeof(text), "%s/%u", number, sq_ip_bits(ip));
	return sq_gate_open_link(gate, text, err);
}

/* "198.18.7.1/16", or a range of such. */
static int open_addresses(const struct sq_plan *plan, struct sq_gate *gate, const char *text,
			  struct sq_err *err)
{
	struct sq_addresses all;
	int rc = 0;

	if (sq_addresses_parse(text, &all) < 0)
		return 0; /* it was checked with the scenario */
	for (uint32_t i = 0; rc == 0 && i < all.n; i++) {
		struct sq_ip ip = sq_ip_nth(&all.first, i);

		rc = open_address(plan, gate, &ip, err);
	}
	return rc;
}

static int open_world(const struct sq_plan *plan, struct sq_gate *gate, struct sq_err *err)
{
	int rc = 0;

	for (size_t h = 0; h < plan->n_hosts; h++)
		if (!plan->hosts[h].far)
			sq_gate_name(gate, plan->hosts[h].name,
				     plan->loopback ? here : plan->hosts[h].address);
	for (size_t i = 0; rc == 0 && i < plan->n_links; i++) {
		rc = plan->loopback ? 0 : sq_gate_open_link(gate, plan->links[i].subnet, err);
		for (int end = 0; rc == 0 && end < 2; end++)
			rc = open_addresses(plan, gate, plan->links[i].address[end], err);
	}
	for (size_t h = 0; rc == 0 && h < plan->n_hosts; h++) {
		const struct sq_host_spec *spec = plan->hosts[h].spec;

		for (size_t i = 0; rc == 0 && spec && i < spec->addresses.n; i++)
			rc = open_addresses(plan, gate, spec->addresses.v[i], err);
	}
	return rc;
}

static bool is_switch(const struct sq_link_spec *spec)
{
	return spec->between.n > 2;
}

static void list_links(struct sq_plan *plan)
{
	size_t n = plan->scenario->world.links.n;

	for (size_t i = 0; i < n; i++) {
		const struct sq_link_spec *spec = sq_scenario_link(plan->scenario, i);

		plan->n_links += is_switch(spec) ? spec->between.n : 1;
	}
	plan->links = sq_alloc_n(plan->n_links, sizeof(*plan->links));
	for (size_t i = 0, at = 0; i < n; i++) {
		const struct sq_link_spec *spec = sq_scenario_link(plan->scenario, i);

		for (size_t leg = 0; leg < (is_switch(spec) ? spec->between.n : 1); leg++)
			plan->links[at++].spec = spec;
	}
}

static void plan_ends(struct sq_plan *plan)
{
	for (size_t i = 0, leg = 0; i < plan->n_links; i++) {
		struct sq_link_plan *l = &plan->links[i];

		leg = i && l[-1].spec == l->spec ? leg + 1 : 0;
		l->host[0] = l->host[1] = SQ_SWITCH;
		plan_end(plan, i, 0, leg);
		if (!is_switch(l->spec))
			plan_end(plan, i, 1, 1);
	}
}

int sq_plan_world(struct sq_plan *plan, struct sq_gate *gate, struct sq_err *err)
{
	int rc;

	plan_hosts(plan);
	list_links(plan);
	rc = plan_subnets(plan, err);
	if (rc < 0)
		return rc;
	plan_ends(plan);
	if (plan->loopback)
		for (size_t h = 0; h < plan->n_hosts; h++)
			snprintf(plan->hosts[h].address, sizeof(plan->hosts[h].address), "%s",
				 here);
	rc = sq_plan_any_ip(plan, err);
	return rc < 0 ? rc : open_world(plan, gate, err);
}

static void lose_counters(struct sq_plan *plan)
{
	struct sq_buf names = { 0 };

	if (plan->n_hosts < 2)
		return;
	for (size_t h = 0; h < plan->n_hosts; h++)
		sq_buf_printf(&names, "%s%s",
			      h == 0                   ? ""
			      : h + 1 == plan->n_hosts ? " and "
						       : ", ",
			      plan->hosts[h].name);
	sq_plan_say(&plan->lost, "counters of %s are one and the same on loopback", names.data);
	sq_buf_fini(&names);
}

static void lose_host(struct sq_plan *plan, const struct sq_host_spec *spec)
{
	const char *name = spec->name;

	for (size_t i = 0; i < spec->addresses.n; i++)
		sq_plan_say(&plan->lost, "%s: the address %s is not added", name,
			    spec->addresses.v[i]);
	for (size_t i = 0; i < spec->any_ip.n; i++)
		sq_plan_say(&plan->lost, "%s: it does not have the addresses of %s", name,
			    spec->any_ip.v[i]);
	for (size_t i = 0; i < spec->sysctl.n; i++)
		sq_plan_say(&plan->lost, "%s: the sysctl %s is not set to %s", name,
			    spec->sysctl.v[i].key, spec->sysctl.v[i].value);
	for (size_t i = 0; i < spec->nft.n; i++)
		sq_plan_say(&plan->lost, "%s: nft rule set %zu of %zu is not loaded", name, i + 1,
			    spec->nft.n);
	for (size_t i = 0; i < spec->files.n; i++)
		sq_plan_say(&plan->lost, "%s: its own %s does not stand there", name,
			    spec->files.v[i].key);
	if (spec->nofile > 0)
		sq_plan_say(&plan->lost, "%s: the limit of %lld open files is not set", name,
			    (long long)spec->nofile);
	if (spec->cpus)
		sq_plan_say(&plan->lost, "%s: it is not kept to the processors %s", name,
			    spec->cpus);
	if (spec->cpu_percent > 0)
		sq_plan_say(&plan->lost, "%s: its servers' processor time is not limited to %g %%",
			    name, spec->cpu_percent);
	for (size_t i = 0; i < spec->run.n; i++) {
		const struct sq_process_spec *p = sq_host_process(spec, i);

		if (p->argv.n)
			sq_plan_say(&plan->lost, "%s: the program %s is not started", name,
				    p->argv.v[0]);
	}
}

static void lose_places(struct sq_plan *plan)
{
	for (size_t i = 0; i < plan->scenario->capture.n; i++) {
		const struct sq_capture_spec *c = sq_scenario_capture(plan->scenario, i);

		if (c->where)
			sq_plan_say(&plan->lost, "%s: %s is not read through %s", c->host,
				    c->source.kind->name, c->where);
	}
}

void sq_plan_give_up(struct sq_plan *plan)
{
	lose_counters(plan);
	for (size_t i = 0; i < plan->scenario->world.sysctl.n; i++)
		sq_plan_say(&plan->lost, "this machine's sysctl %s is not set to %s",
			    plan->scenario->world.sysctl.v[i].key,
			    plan->scenario->world.sysctl.v[i].value);
	lose_places(plan);
	for (size_t h = 0; h < plan->n_hosts; h++)
		lose_host(plan, plan->hosts[h].spec);
	for (size_t i = 0; i < plan->scenario->world.links.n; i++) {
		const struct sq_link_spec *l = sq_scenario_link(plan->scenario, i);
		char rate[64];

		if (l->delay_ns > 0 || l->loss_percent > 0)
			sq_plan_say(&plan->lost,
				    "the link between %s and %s delays and loses nothing",
				    l->between.v[0], l->between.v[1]);
		if (l->shape.rate_bit_per_s == SQ_OPT_UNSET)
			continue;
		sq_format_bitrate(rate, sizeof(rate), l->shape.rate_bit_per_s);
		sq_plan_say(&plan->lost, "the link between %s and %s is not shaped to %s",
			    l->between.v[0], l->between.v[1], rate);
	}
	free(plan->links);
	plan->links = NULL;
	plan->n_links = plan->n_any_ip = 0;
}
