/* Which change puts a finding to the test.
 *
 * What a reader would get wrong: a rule knows settings, not scenarios.  A sysctl goes to the host that
 * the finding names, or to the machine; a key of the server to the built-in target that listens where
 * the finding's load goes.  Of a program that squall did not start, only the sysctl can be changed. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "analyzers/ledger/rules.h"
#include "analyzers/ledger/rules_own.h"
#include "base/json.h"
#include "base/mem.h"
#include "base/sysctl.h"
#include "cli/prove.h"
#include "results/draw.h"

void sq_change_fini(struct sq_change *c)
{
	json_decref(c->set);
	json_decref(c->sysctl);
	free(c->text);
	*c = (struct sq_change){ 0 };
}

static const json_t *find_load(const json_t *scenario, const char *name)
{
	const json_t *load;
	size_t i;

	json_array_foreach(json_object_get(scenario, "load"), i, load)
		if (strcmp(sq_draw_text(load, "name"), name) == 0)
			return load;
	return NULL;
}

static const char *port_of(const char *target)
{
	const char *colon = strrchr(target, ':');

	return colon ? colon : "";
}

/* The built-in target on that host which listens on the port that the load goes to; -1: none. */
static int find_server(const json_t *scenario, const char *host, const char *load_name)
{
	const json_t *load = find_load(scenario, load_name);
	const json_t *hosts = json_object_get(json_object_get(scenario, "world"), "hosts");
	const json_t *own = json_object_get(load, "target"), *run;
	const char *target = sq_draw_text(scenario, "target");
	size_t i;

	if (json_is_array(own))
		own = json_array_get(own, 0);
	if (json_is_string(own))
		target = json_string_value(own);
	json_array_foreach(json_object_get(json_object_get(hosts, host), "run"), i, run) {
		const char *listen = sq_draw_text(run, "listen");

		if (*listen && strcmp(port_of(listen), port_of(target)) == 0)
			return (int)i;
	}
	return -1;
}

static void add_set(struct sq_change *c, const char *parent, const char *key, const char *value)
{
	char pointer[512];

	sq_json_pointer_join(pointer, sizeof(pointer), parent, key);
	json_object_set_new(c->set, pointer, json_string(value));
}

static void change_world(const struct sq_rule_change *change, const json_t *scenario,
			 const json_t *finding, struct sq_change *ret)
{
	const char *host = sq_draw_text(finding, "host");
	int server = find_server(scenario, host, sq_draw_text(finding, "load"));
	char parent[256];

	for (size_t i = 0; i < change->sysctl.n; i++) {
		const struct sq_pair *p = &change->sysctl.v[i];

		snprintf(parent, sizeof(parent), "/world/hosts/%s/sysctl", host);
		add_set(ret, sq_sysctl_is_global(p->key) ? "/world/sysctl" : parent, p->key,
			p->value);
	}
	snprintf(parent, sizeof(parent), "/world/hosts/%s/run/%d", host, server);
	ret->part = server < 0 && change->server.n;
	for (size_t i = 0; server >= 0 && i < change->server.n; i++)
		add_set(ret, parent, change->server.v[i].key, change->server.v[i].value);
}

static int change_machine(const struct sq_rule_change *change, bool allow_global,
			  struct sq_change *ret, struct sq_err *err)
{
	for (size_t i = 0; i < change->sysctl.n; i++)
		json_object_set_new(ret->sysctl, change->sysctl.v[i].key,
				    json_string(change->sysctl.v[i].value));
	ret->part = change->server.n > 0;
	if (change->sysctl.n && !allow_global)
		return sq_err_set(err, -EPERM, change->sysctl.v[0].key,
				  "to prove it this setting of this machine must be changed for "
				  "some runs, which needs --allow-global");
	return 0;
}

static int change_by_rule(const json_t *scenario, const json_t *finding, bool allow_global,
			  struct sq_change *ret, struct sq_err *err)
{
	const char *mechanism = sq_draw_text(finding, "mechanism");
	struct sq_rule_table rules;
	int rc = sq_rule_table_load(sq_rules_all(), &rules, err);

	for (size_t i = 0; rc == 0 && i < rules.n; i++) {
		if (strcmp(rules.v[i].id, mechanism) != 0)
			continue;
		if (json_object_get(scenario, "world"))
			change_world(&rules.v[i].change, scenario, finding, ret);
		else if (strcmp(sq_draw_text(finding, "host"), "localhost") != 0)
			rc = sq_err_set(
				err, -ENOTSUP, mechanism,
				"its settings are those of %s, which prove does not change; "
				"change them there and compare the runs, or give --set",
				sq_draw_text(finding, "host"));
		else
			rc = change_machine(&rules.v[i].change, allow_global, ret, err);
	}
	sq_rule_table_fini(&rules);
	if (rc == 0 && !json_object_size(ret->set) && !json_object_size(ret->sysctl))
		rc = sq_err_set(err, -ENOENT, mechanism,
				"nothing is known that would take it away here; name the change "
				"with --set POINTER=VALUE");
	ret->text = sq_strdup("the setting that the mechanism names");
	return rc;
}

static int change_by_user(const struct sq_strings *set, struct sq_change *ret, struct sq_err *err)
{
	for (size_t i = 0; i < set->n; i++) {
		const char *equals = strchr(set->v[i], '=');
		char *pointer;

		if (!equals || *set->v[i] != '/')
			return sq_err_set(err, -EINVAL, set->v[i],
					  "expected POINTER=VALUE, as in /load/0/threads=4");
		pointer = sq_printf_dup("%.*s", (int)(equals - set->v[i]), set->v[i]);
		json_object_set_new(ret->set, pointer, json_string(equals + 1));
		free(pointer);
	}
	ret->text = sq_strdup("what --set says");
	return 0;
}

int sq_change_find(const json_t *scenario, const json_t *finding, const struct sq_strings *set,
		   bool allow_global, struct sq_change *ret, struct sq_err *err)
{
	const json_t *cure = json_object_get(scenario, "cure");
	const char *claimed = sq_draw_text(scenario, "finding");
	int rc;

	*ret = (struct sq_change){ .set = json_object(), .sysctl = json_object() };
	if (set && set->n) {
		rc = change_by_user(set, ret, err);
		if (rc < 0)
			sq_change_fini(ret);
		return rc;
	}
	if (cure && strcmp(claimed, sq_draw_text(finding, "mechanism")) == 0) {
		json_object_update(ret->set, json_object_get(cure, "set"));
		ret->text = sq_strdup(sq_draw_text(cure, "text"));
		return 0;
	}
	rc = change_by_rule(scenario, finding, allow_global, ret, err);
	if (rc < 0)
		sq_change_fini(ret);
	return rc;
}
