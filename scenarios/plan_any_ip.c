/* Hosts that have every address of a prefix (Linux calls it AnyIP): one local route in place of an
 * address each, so that thousands of source addresses cost nothing.
 *
 * What a reader would get wrong: such a prefix must lie inside the subnet of one of its host's
 * links, and hold no address of another host.  The first keeps it among the addresses that are
 * open to load; without the second, what is meant for the other host would never leave this one. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "scenarios/plan_private.h"
#include "scenarios/scenario_private.h"

/* The link of a host in whose subnet a prefix lies; false if there is none. */
static bool find_link(const struct sq_plan *plan, struct sq_any_ip_plan *any)
{
	struct sq_cidr subnet;

	for (size_t i = 0; i < plan->n_links; i++)
		for (size_t end = 0; end < 2; end++) {
			if (plan->links[i].host[end] != any->host ||
			    sq_cidr_parse(plan->links[i].subnet, &subnet) < 0 ||
			    subnet.bits > any->prefix.bits ||
			    !sq_cidr_has(&subnet, &any->prefix.ip))
				continue;
			any->link = i;
			any->end = end;
			return true;
		}
	return false;
}

enum { STRANGER_MAX = 64 };

struct stranger {
	size_t host;
	char text[STRANGER_MAX];
};

static bool holds(const struct sq_any_ip_plan *any, size_t host, const char *address,
		  struct stranger *ret)
{
	struct sq_cidr c;

	if (host == any->host || sq_cidr_parse(address, &c) < 0 ||
	    !sq_cidr_has(&any->prefix, &c.ip))
		return false;
	ret->host = host;
	sq_ip_format(&c.ip, ret->text);
	return true;
}

/* Of a host's further addresses. */
static bool holds_some(const struct sq_any_ip_plan *any, size_t host, const char *text,
		       struct stranger *ret)
{
	struct sq_addresses more;

	if (host == any->host || sq_addresses_parse(text, &more) < 0)
		return false;
	for (uint32_t i = 0; i < more.n; i++) {
		struct sq_ip ip = sq_ip_nth(&more.first, i);

		if (!sq_cidr_has(&any->prefix, &ip))
			continue;
		ret->host = host;
		sq_ip_format(&ip, ret->text);
		return true;
	}
	return false;
}

static bool holds_address(const struct sq_plan *plan, const struct sq_any_ip_plan *any,
			  struct stranger *ret)
{
	for (size_t i = 0; i < plan->n_links; i++)
		for (size_t end = 0; end < 2; end++)
			if (holds(any, plan->links[i].host[end], plan->links[i].address[end], ret))
				return true;
	for (size_t h = 0; h < plan->n_hosts; h++) {
		const struct sq_host_spec *spec = plan->hosts[h].spec;

		for (size_t i = 0; spec && i < spec->addresses.n; i++)
			if (holds_some(any, h, spec->addresses.v[i], ret))
				return true;
	}
	return false;
}

static bool overlaps(const struct sq_plan *plan, const struct sq_any_ip_plan *any,
		     struct stranger *ret)
{
	for (size_t i = 0; i < plan->n_any_ip; i++) {
		const struct sq_any_ip_plan *other = &plan->any_ip[i];

		if (other->host == any->host || !sq_cidr_overlap(&any->prefix, &other->prefix))
			continue;
		ret->host = other->host;
		snprintf(ret->text, sizeof(ret->text), "%s", other->text);
		return true;
	}
	return false;
}

static int plan_prefix(struct sq_plan *plan, struct sq_any_ip_plan *any, const char *pointer,
		       struct sq_err *err)
{
	const char *name = plan->hosts[any->host].name;
	struct stranger stranger;

	if (sq_cidr_parse(any->text, &any->prefix) < 0 || sq_cidr_mask(&any->prefix))
		return sq_scenario_fail(
			plan->scenario, pointer, err,
			"expected a prefix such as \"198.18.64.0/18\", without bits "
			"beyond it, found \"%.60s\"",
			any->text);
	if (!find_link(plan, any))
		return sq_scenario_fail(plan->scenario, pointer, err,
					"%.60s is in the subnet of none of %s's links; give a part "
					"of one, such as 198.18.64.0/18 of 198.18.0.0/16",
					any->text, name);
	if (holds_address(plan, any, &stranger) || overlaps(plan, any, &stranger))
		return sq_scenario_fail(plan->scenario, pointer, err,
					"%.60s overlaps with %s of the host \"%s\"; give a prefix "
					"without it",
					any->text, stranger.text, plan->hosts[stranger.host].name);
	return 0;
}

int sq_plan_any_ip(struct sq_plan *plan, struct sq_err *err)
{
	char pointer[SQ_POINTER_MAX];

	for (size_t h = 0; h < plan->n_hosts; h++) {
		const struct sq_host_spec *spec = plan->hosts[h].spec;

		for (size_t i = 0; spec && i < spec->any_ip.n; i++) {
			struct sq_any_ip_plan any = { .text = spec->any_ip.v[i], .host = h };
			int rc;

			snprintf(pointer, sizeof(pointer), "/world/hosts/%s/any_ip/%zu", spec->name,
				 i);
			rc = plan_prefix(plan, &any, pointer, err);
			if (rc < 0)
				return rc;
			plan->any_ip = sq_realloc_n(plan->any_ip, plan->n_any_ip + 1,
						    sizeof(*plan->any_ip));
			plan->any_ip[plan->n_any_ip++] = any;
		}
	}
	return 0;
}

bool sq_plan_has_any_ip(const struct sq_plan *plan, size_t host, const struct sq_ip *ip)
{
	for (size_t i = 0; i < plan->n_any_ip; i++)
		if (plan->any_ip[i].host == host && sq_cidr_has(&plan->any_ip[i].prefix, ip))
			return true;
	return false;
}
