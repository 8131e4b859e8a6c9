/* From a scenario to all that its run will do: the seed, hosts and addresses, targets through the
 * safety gate, times.  Nothing is started here and nothing but files and names is looked up, so that
 * a plan can be made, and refused, by anybody.
 *
 * What a reader would get wrong: the echo is made after the seed was drawn, so that running the
 * echo is running the same plan. */
#include "scenarios/plan.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/json.h"
#include "base/mem.h"
#include "base/rng.h"
#include "base/value.h"
#include "scenarios/cidr.h"
#include "scenarios/plan_private.h"
#include "scenarios/scenario_private.h"

/* Beyond the longest time-out: the last operations' own ends. */
#define DRAIN_MARGIN_NS  SQ_SEC
#define DEFAULT_INTERVAL (100 * SQ_MS)

void sq_plan_say(struct sq_strings *to, const char *fmt, ...)
{
	char text[512];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	sq_text_cut_back(text);
	to->v = sq_realloc_n(to->v, to->n + 1, sizeof(*to->v));
	to->v[to->n++] = sq_strdup(text);
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

size_t sq_plan_workers(const struct sq_plan *plan, size_t host)
{
	size_t n = 0;

	for (size_t i = 0; i < plan->n_loads; i++)
		if (plan->loads[i].host == host && (size_t)plan->loads[i].spec->workers > n)
			n = (size_t)plan->loads[i].spec->workers;
	return n;
}

/* A source that runs a command does so without a world too. */
static int check_sources(const struct sq_plan *plan, const struct sq_plan_opts *opts,
			 struct sq_err *err)
{
	char pointer[SQ_POINTER_MAX], where[SQ_PLACE_MAX];

	for (size_t i = 0; !opts->allow_exec && i < plan->scenario->capture.n; i++) {
		const struct sq_kind *kind = sq_scenario_capture(plan->scenario, i)->source.kind;

		if (!kind->programs)
			continue;
		snprintf(pointer, sizeof(pointer), "/capture/%zu/source", i);
		sq_scenario_place(plan->scenario, pointer, where);
		return sq_err_set(err, -EPERM, where,
				  "the source \"%.60s\" runs a command, which needs --allow-exec; "
				  "give it if you trust this scenario",
				  kind->name);
	}
	return 0;
}

/* A program is somebody else's code: that takes a person's word, or a shipped lab. */
static int check_programs(const struct sq_plan *plan, const struct sq_plan_opts *opts,
			  struct sq_err *err)
{
	char pointer[SQ_POINTER_MAX], where[SQ_PLACE_MAX];

	if (opts->allow_exec || plan->loopback)
		return 0;
	for (size_t i = 0; i < plan->scenario->capture.n; i++) {
		const char *place = sq_scenario_capture(plan->scenario, i)->where;

		if (!place)
			continue;
		snprintf(pointer, sizeof(pointer), "/capture/%zu/where", i);
		sq_scenario_place(plan->scenario, pointer, where);
		return sq_err_set(
			err, -EPERM, where,
			"reading through \"%.60s\" needs --allow-exec; give it if you trust "
			"this scenario",
			place);
	}
	for (size_t h = 0; h < plan->scenario->world.hosts.n; h++) {
		const struct sq_host_spec *host = sq_scenario_host(plan->scenario, h);

		for (size_t i = 0; i < host->run.n; i++) {
			const struct sq_process_spec *p = sq_host_process(host, i);

			if (!p->argv.n)
				continue;
			snprintf(pointer, sizeof(pointer), "/world/hosts/%s/run/%zu/argv",
				 host->name, i);
			sq_scenario_place(plan->scenario, pointer, where);
			return sq_err_set(
				err, -EPERM, where,
				"starting the program \"%.60s\" needs --allow-exec; give it "
				"if you trust this scenario",
				p->argv.v[0]);
		}
	}
	return 0;
}

/* A setting of the whole machine is felt by all that runs on it: no lab is trusted with one. */
static int check_globals(const struct sq_plan *plan, const struct sq_plan_opts *opts,
			 struct sq_err *err)
{
	const struct sq_pairs *global = &plan->scenario->world.sysctl;
	char pointer[SQ_POINTER_MAX], where[SQ_PLACE_MAX];

	if (opts->allow_global || plan->loopback || !global->n)
		return 0;
	sq_json_pointer_join(pointer, sizeof(pointer), "/world/sysctl", global->v[0].key);
	sq_scenario_place(plan->scenario, pointer, where);
	return sq_err_set(err, -EPERM, where,
			  "setting this to %.60s changes the whole machine for the length of the "
			  "run, which needs --allow-global",
			  global->v[0].value);
}

static int authorize(struct sq_plan *plan, const struct sq_plan_opts *opts, struct sq_err *err)
{
	const struct sq_strings *own = &plan->scenario->authorized_targets;
	char pointer[SQ_POINTER_MAX], where[SQ_PLACE_MAX];
	int rc = 0;

	for (size_t i = 0; rc == 0 && i < own->n; i++) {
		rc = sq_gate_authorize(plan->gate, own->v[i], err);
		snprintf(pointer, sizeof(pointer), "/authorized_targets/%zu", i);
		sq_scenario_place(plan->scenario, pointer, where);
		if (rc < 0 && err)
			return sq_err_set(err, rc, where, "%s", err->text);
		sq_plan_say(&plan->authorized, "%s", own->v[i]);
	}
	for (size_t i = 0; rc == 0 && i < opts->authorize.n; i++) {
		rc = sq_gate_authorize(plan->gate, opts->authorize.v[i], err);
		if (rc < 0 && err)
			return sq_err_set(err, rc, "--authorize", "%s", err->text);
		sq_plan_say(&plan->authorized, "%s", opts->authorize.v[i]);
	}
	return rc;
}

/* A load without "from" is made by the host "client", or else by the first. */
static size_t load_host(const struct sq_plan *plan, const struct sq_load_spec *spec)
{
	int host = sq_plan_host(plan, spec->from ? spec->from : "client");

	return host < 0 ? 0 : (size_t)host;
}

/* The host that a target names; else the one that has its address, which on loopback is the load's
 * own. */
int sq_plan_server(const struct sq_plan *plan, const struct sq_load_plan *load,
		   const struct sq_target *target)
{
	const char *text = target->text, *colon = strrchr(text, ':');
	struct sq_cidr own;
	struct sq_ip ip;

	for (size_t h = 0; colon && h < plan->n_hosts; h++)
		if (strlen(plan->hosts[h].name) == (size_t)(colon - text) &&
		    strncmp(plan->hosts[h].name, text, (size_t)(colon - text)) == 0)
			return (int)h;
	for (size_t h = 0; colon && h < plan->n_hosts; h++)
		if (plan->hosts[h].far &&
		    sq_where_is(plan->hosts[h].far, text, (size_t)(colon - text)))
			return (int)h;
	if (sq_ip_from_sockaddr((const struct sockaddr *)&target->addr, &ip) < 0)
		return -1;
	if (sq_ip_is_loopback(&ip))
		return (int)load->host;
	for (size_t h = 0; h < plan->n_hosts; h++) {
		const struct sq_host_spec *spec = plan->hosts[h].spec;
		struct sq_addresses more;

		for (size_t i = 0; spec && i < spec->addresses.n; i++)
			if (sq_addresses_parse(spec->addresses.v[i], &more) == 0 &&
			    sq_addresses_has(&more, &ip))
				return (int)h;
		if (sq_plan_has_any_ip(plan, h, &ip))
			return (int)h;
	}
	for (size_t i = 0; i < plan->n_links; i++)
		for (size_t end = 0; end < 2; end++)
			if (sq_cidr_parse(plan->links[i].address[end], &own) == 0 &&
			    sq_ip_equal(&own.ip, &ip))
				return (int)plan->links[i].host[end];
	return -1;
}

const struct sq_target *sq_load_target(const struct sq_load_plan *load, uint64_t i)
{
	uint64_t round = load->sources.count ? i / load->sources.count : 0;

	return load->n_targets > 1 ? &load->targets[(i + round) % load->n_targets] : &load->target;
}

/* "/load/0/source", or "/load/0/source/2" where there is more than one. */
static void point_to(size_t load, const char *key, const struct sq_strings *list, size_t i,
		     char out[SQ_POINTER_MAX])
{
	int n = snprintf(out, SQ_POINTER_MAX, "/load/%zu/%s", load, key);

	if (list->n > 1)
		snprintf(out + n, SQ_POINTER_MAX - (size_t)n, "/%zu", i);
}

static int plan_targets(struct sq_plan *plan, size_t i, struct sq_load_plan *load,
			struct sq_err *err)
{
	struct sq_strings own = load->spec->target;
	const struct sq_strings list = own.n ? own
					     : (struct sq_strings){ &plan->scenario->target, 1 };
	char pointer[SQ_POINTER_MAX] = "/target", where[SQ_PLACE_MAX];
	int rc = 0;

	load->targets = sq_alloc_n(list.n, sizeof(*load->targets));
	for (size_t k = 0; rc == 0 && k < list.n; k++) {
		struct sq_target *t = &load->targets[k];

		if (own.n)
			point_to(i, "target", &own, k, pointer);
		sq_scenario_place(plan->scenario, pointer, where);
		rc = sq_gate_target(plan->gate, list.v[k], where, t, err);
		if (rc == 0 && t->addr.ss_family != load->targets[0].addr.ss_family)
			rc = sq_scenario_fail(
				plan->scenario, pointer, err,
				"%s and %s are not of one family; give all targets in "
				"IPv4 or all in IPv6",
				t->text, load->targets[0].text);
		load->n_targets = k + 1;
	}
	load->target = load->targets[0];
	return rc;
}

static int plan_sources(struct sq_plan *plan, size_t i, struct sq_load_plan *load,
			struct sq_err *err)
{
	const struct sq_strings *list = &load->spec->source;
	char pointer[SQ_POINTER_MAX], where[SQ_PLACE_MAX];
	int rc = 0;

	for (size_t k = 0; rc == 0 && k < list->n; k++) {
		point_to(i, "source", list, k, pointer);
		sq_scenario_place(plan->scenario, pointer, where);
		rc = sq_sources_add(&load->sources, list->v[k], where, err);
		if (rc == 0 && load->sources.v[0].first.family != load->target.addr.ss_family)
			rc = sq_scenario_fail(plan->scenario, pointer, err,
					      "%s and the target %s are not of one family; give "
					      "both in IPv4 or both in IPv6",
					      list->v[k], load->target.text);
	}
	return rc;
}

static int plan_resolver(const struct sq_plan *plan, size_t i, struct sq_load_plan *load,
			 struct sq_err *err)
{
	char pointer[SQ_POINTER_MAX], where[SQ_PLACE_MAX];

	if (!load->spec->resolver)
		return 0;
	snprintf(pointer, sizeof(pointer), "/load/%zu/resolver", i);
	sq_scenario_place(plan->scenario, pointer, where);
	return sq_gate_target(plan->gate, load->spec->resolver, where, &load->resolver, err);
}

static int plan_load(struct sq_plan *plan, size_t i, const struct sq_plan_opts *opts,
		     struct sq_err *err)
{
	const struct sq_load_spec *spec = sq_scenario_load(plan->scenario, i);
	struct sq_load_plan *load = &plan->loads[i];
	int rc;

	*load = (struct sq_load_plan){ .spec = spec,
				       .host = load_host(plan, spec),
				       .index = (unsigned)i,
				       .plan = plan,
				       .seed = plan->seed,
				       .gate = plan->gate };
	plan->hosts[load->host].loads = true;
	rc = plan_targets(plan, i, load, err);
	if (rc == 0)
		rc = plan_sources(plan, i, load, err);
	if (rc == 0)
		rc = plan_resolver(plan, i, load, err);
	if (rc == 0)
		rc = sq_plan_arrivals(load, opts, err);
	return rc;
}

static int plan_loads(struct sq_plan *plan, const struct sq_plan_opts *opts, struct sq_err *err)
{
	int rc = 0;

	plan->n_loads = plan->scenario->load.n;
	plan->loads = sq_alloc_n(plan->n_loads, sizeof(*plan->loads));
	for (size_t i = 0; rc == 0 && i < plan->n_loads; i++) {
		const struct sq_load_spec *spec = sq_scenario_load(plan->scenario, i);
		int64_t length_ns;

		rc = plan_load(plan, i, opts, err);
		if (rc < 0)
			break;
		length_ns = sq_plan_length_ns(&plan->loads[i]);
		if (plan->end_ns < spec->at_ns + length_ns)
			plan->end_ns = spec->at_ns + length_ns;
		if (plan->drain_ns < spec->timeout_ns + DRAIN_MARGIN_NS)
			plan->drain_ns = spec->timeout_ns + DRAIN_MARGIN_NS;
	}
	return rc;
}

/* host -1: all of the run's own. */
static void add_capture(struct sq_plan *plan, const struct sq_capture_plan *capture, int host)
{
	for (size_t h = 0; h < plan->n_hosts; h++) {
		struct sq_capture_plan *added;

		if (host >= 0 ? (size_t)host != h : plan->hosts[h].far != NULL)
			continue;
		added = &plan->captures[plan->n_captures++];
		*added = *capture;
		added->host = h;
		plan->hosts[h].captured = true;
	}
}

static void plan_captures(struct sq_plan *plan, const struct sq_kind *default_source)
{
	const struct sq_scenario *s = plan->scenario;

	/* One that names no host becomes one for each. */
	plan->captures = sq_alloc_n((s->capture.n + 1) * plan->n_hosts, sizeof(*plan->captures));
	if (!s->has_capture && default_source)
		add_capture(plan,
			    &(struct sq_capture_plan){ .kind = default_source,
						       .interval_ns = DEFAULT_INTERVAL },
			    -1);
	for (size_t i = 0; i < s->capture.n; i++) {
		const struct sq_capture_spec *c = sq_scenario_capture(s, i);
		const struct sq_capture_plan capture = { .kind = c->source.kind,
							 .conf = c->source.conf,
							 .where = c->where,
							 .interval_ns = c->interval_ns };
		char buffer[SQ_WHERE_NAME];
		const char *host = sq_plan_place_name(c, buffer);

		if (!c->where || !plan->loopback)
			add_capture(plan, &capture, host ? sq_plan_host(plan, host) : -1);
	}
}

static int plan_all(struct sq_plan *plan, const struct sq_plan_opts *opts, struct sq_err *err)
{
	int rc = check_programs(plan, opts, err);

	if (rc == 0)
		rc = check_globals(plan, opts, err);
	if (rc == 0)
		rc = check_sources(plan, opts, err);
	if (rc == 0)
		rc = sq_plan_world(plan, plan->gate, err);
	if (rc == 0)
		rc = authorize(plan, opts, err);
	if (rc == 0)
		rc = plan_loads(plan, opts, err);
	if (rc < 0)
		return rc;
	plan_captures(plan, opts->default_source);
	if (plan->loopback)
		sq_plan_give_up(plan);
	sq_plan_limits(plan, opts);
	return 0;
}

int sq_plan_make(struct sq_scenario *scenario, const struct sq_plan_opts *opts,
		 struct sq_plan **ret_plan, struct sq_err *err)
{
	struct sq_plan *plan = sq_alloc(sizeof(*plan));
	int rc;

	plan->scenario = scenario;
	plan->gate = sq_gate_new();
	if (!scenario->has_world)
		sq_gate_look_up(plan->gate);
	plan->loopback = opts->loopback && scenario->has_world;
	plan->world = scenario->has_world && !plan->loopback;
	if (scenario->seed == SQ_OPT_UNSET)
		scenario->seed = (int64_t)sq_rng_fresh_seed();
	plan->seed = (uint64_t)scenario->seed;
	plan->echo = sq_scenario_echo(scenario);
	rc = plan_all(plan, opts, err);
	if (rc < 0)
		sq_plan_free(plan);
	else
		*ret_plan = plan;
	return rc;
}

struct sq_plan *sq_plan_free(struct sq_plan *plan)
{
	if (!plan)
		return NULL;
	json_decref(plan->echo);
	free(plan->hosts);
	free(plan->links);
	free(plan->any_ip);
	for (size_t i = 0; plan->loads && i < plan->n_loads; i++) {
		sq_sources_fini(&plan->loads[i].sources);
		free(plan->loads[i].targets);
		free(plan->loads[i].trace_ns);
	}
	free(plan->loads);
	free(plan->captures);
	strings_free(&plan->lost);
	strings_free(&plan->authorized);
	strings_free(&plan->warnings);
	sq_gate_free(plan->gate);
	sq_scenario_free(plan->scenario);
	free(plan);
	return NULL;
}
