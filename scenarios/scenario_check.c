/* What a table of keys can't say of a scenario: forms of names and addresses, references between
 * its parts.  The first fault found is told, at its JSON pointer; loads are in
 * scenario_check_load.c. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/json.h"
#include "base/mem.h"
#include "base/sysctl.h"
#include "base/value.h"
#include "scenarios/cidr.h"
#include "scenarios/scenario_private.h"
#include "scenarios/where.h"

enum { NAME_MAX_LEN = 32, RUN_NAME_MAX_LEN = 64 };

#define LOWER  "abcdefghijklmnopqrstuvwxyz"
#define UPPER  "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
#define DIGITS "0123456789"

int sq_scenario_check_name(const struct sq_scenario *s, const char *name, const char *what,
			   const char *pointer, struct sq_err *err)
{
	static const char *const reserved[] = { "finding", "account", "delivery" };

	if (!strspn(name, LOWER) || name[strspn(name, LOWER DIGITS "_-")] ||
	    strlen(name) > NAME_MAX_LEN)
		return sq_scenario_fail(s, pointer, err,
					"expected the name of a %s: a small letter, then at most "
					"%d more of a-z, 0-9, _ and -, found \"%.60s\"",
					what, NAME_MAX_LEN - 1, name);
	for (size_t i = 0; i < sizeof(reserved) / sizeof(reserved[0]); i++)
		if (strcmp(name, reserved[i]) == 0)
			return sq_scenario_fail(s, pointer, err,
						"\"%s\" has a meaning of its own in expectations; "
						"choose another name",
						name);
	return 0;
}

/* It becomes a folder's name. */
static int check_run_name(const struct sq_scenario *s, struct sq_err *err)
{
	const char *name = s->name;

	if (strspn(name, LOWER UPPER DIGITS) && !name[strspn(name, LOWER UPPER DIGITS "._-")] &&
	    strlen(name) <= RUN_NAME_MAX_LEN)
		return 0;
	return sq_scenario_fail(s, "/name", err,
				"expected a letter or digit, then at most %d more of letters, "
				"digits, '.', '_' and '-', found \"%.60s\"",
				RUN_NAME_MAX_LEN - 1, name);
}

static int fail_host(const struct sq_scenario *s, const char *host, const char *pointer,
		     struct sq_err *err)
{
	const char **words = sq_alloc_n(s->world.hosts.n + 1, sizeof(*words));
	struct sq_buf known = { 0 };
	const char *near;
	int rc;

	for (size_t i = 0; i < s->world.hosts.n; i++) {
		words[i] = sq_scenario_host(s, i)->name;
		sq_buf_printf(&known, "%s%s", i ? ", " : "", words[i]);
	}
	near = sq_nearest(host, words);
	if (near)
		rc = sq_scenario_fail(s, pointer, err,
				      "unknown host \"%.60s\"; did you mean \"%s\"?", host, near);
	else
		rc = sq_scenario_fail(s, pointer, err, "unknown host \"%.60s\"; known here: %s",
				      host, known.len ? known.data : SQ_HERE);
	sq_buf_fini(&known);
	free(words);
	return rc;
}

static bool is_host(const struct sq_scenario *s, const char *host)
{
	if (!s->has_world)
		return strcmp(host, SQ_HERE) == 0;
	for (size_t i = 0; i < s->world.hosts.n; i++)
		if (strcmp(sq_scenario_host(s, i)->name, host) == 0)
			return true;
	return false;
}

int sq_scenario_check_host(const struct sq_scenario *s, const char *host, const char *pointer,
			   struct sq_err *err)
{
	return !host || is_host(s, host) ? 0 : fail_host(s, host, pointer, err);
}

static int check_process(const struct sq_scenario *s, const struct sq_process_spec *p,
			 const char *pointer, struct sq_err *err)
{
	if (p->sink.kind && p->once)
		return sq_scenario_fail(s, pointer, err,
					"\"once\" is for programs: a built-in sink does not end");
	if (p->sink.kind && p->argv.n)
		return sq_scenario_fail(s, pointer, err,
					"both \"sink\" and \"argv\" are given; keep one");
	if (!p->sink.kind && !p->argv.n)
		return sq_scenario_fail(s, pointer, err,
					"expected \"sink\" (a built-in target) or \"argv\" (a "
					"program), found neither");
	if (p->argv.n && !*p->argv.v[0])
		return sq_scenario_fail(s, pointer, err,
					"expected the name of a program first in \"argv\", found "
					"\"\"");
	return 0;
}

static int check_addresses(const struct sq_scenario *s, const struct sq_host_spec *h,
			   const char *pointer, struct sq_err *err)
{
	char at[SQ_POINTER_MAX];
	struct sq_addresses c;

	for (size_t i = 0; i < h->addresses.n; i++) {
		const char *text = h->addresses.v[i];

		snprintf(at, sizeof(at), "%.150s/addresses/%zu", pointer, i);
		if (sq_addresses_parse(text, &c) < 0)
			return sq_scenario_fail(s, at, err,
						"expected an address and its prefix such as "
						"\"198.18.7.1/16\", or at most %d of them such as "
						"\"198.18.64.1-198.18.73.254/16\", found \"%.60s\"",
						SQ_ADDRESSES_MAX, text);
		if (sq_ip_is_loopback(&c.first) || sq_ip_is_unspecified(&c.first) ||
		    sq_ip_is_group(&c.first))
			return sq_scenario_fail(
				s, at, err,
				"%.60s can't be a host's own address; choose one of "
				"198.18.0.0/15",
				text);
	}
	return 0;
}

/* The rest of a sysctl's form is the world's; but nothing outside net. belongs to one host. */
static int check_sysctls(const struct sq_scenario *s, const struct sq_host_spec *h,
			 const char *pointer, struct sq_err *err)
{
	for (size_t i = 0; i < h->sysctl.n; i++) {
		const char *key = h->sysctl.v[i].key;
		char at[SQ_POINTER_MAX];

		if (strncmp(key, "net.", 4) == 0 || strncmp(key, "net/", 4) == 0)
			continue;
		snprintf(at, sizeof(at), "%.150s/sysctl", pointer);
		sq_json_pointer_join(at, sizeof(at), at, key);
		return sq_scenario_fail(s, at, err,
					"a host may set sysctls below net. only; name one, such as "
					"net.core.somaxconn");
	}
	return 0;
}

/* What a host has for itself is set there, where it harms nobody. */
static int check_global_sysctls(const struct sq_scenario *s, struct sq_err *err)
{
	for (size_t i = 0; i < s->world.sysctl.n; i++) {
		const char *key = s->world.sysctl.v[i].key;
		char at[SQ_POINTER_MAX];

		sq_json_pointer_join(at, sizeof(at), "/world/sysctl", key);
		if (strstr(key, "nf_hooks_lwtunnel"))
			return sq_scenario_fail(s, at, err,
						"once set it can't be set back; leave it out");
		if (sq_sysctl_is_global(key))
			continue;
		return sq_scenario_fail(s, at, err,
					"is not known as a setting of the whole machine; set it on "
					"a host, in /world/hosts/NAME/sysctl");
	}
	return 0;
}

static int check_files(const struct sq_scenario *s, const struct sq_host_spec *h,
		       const char *pointer, struct sq_err *err)
{
	for (size_t i = 0; i < h->files.n; i++) {
		const char *path = h->files.v[i].key;
		char at[SQ_POINTER_MAX];

		if (path[0] == '/' && path[1])
			continue;
		snprintf(at, sizeof(at), "%.150s/files", pointer);
		sq_json_pointer_join(at, sizeof(at), at, path);
		return sq_scenario_fail(s, at, err,
					"expected a path such as /etc/resolv.conf, found \"%.60s\"",
					path);
	}
	return 0;
}

static int check_cpus(const struct sq_scenario *s, const struct sq_host_spec *h,
		      const char *pointer, struct sq_err *err)
{
	char at[SQ_POINTER_MAX];
	cpu_set_t set;

	if (!h->cpus || sq_cpus_parse(h->cpus, &set) == 0)
		return 0;
	snprintf(at, sizeof(at), "%.150s/cpus", pointer);
	return sq_scenario_fail(s, at, err,
				"expected processors by their numbers, such as \"0\" or \"0-3,8\", "
				"found \"%.60s\"",
				h->cpus);
}

static int check_host(const struct sq_scenario *s, const struct sq_host_spec *h, struct sq_err *err)
{
	char pointer[SQ_POINTER_MAX], at[SQ_POINTER_MAX];
	int rc;

	sq_json_pointer_join(pointer, sizeof(pointer), "/world/hosts", h->name);
	if (strcmp(h->name, SQ_HERE) == 0)
		return sq_scenario_fail(s, pointer, err,
					"\"%s\" is this machine in targets; choose another name",
					SQ_HERE);
	rc = sq_scenario_check_name(s, h->name, "host", pointer, err);
	if (rc == 0)
		rc = check_addresses(s, h, pointer, err);
	if (rc == 0)
		rc = check_sysctls(s, h, pointer, err);
	if (rc == 0)
		rc = check_files(s, h, pointer, err);
	if (rc == 0)
		rc = check_cpus(s, h, pointer, err);
	for (size_t i = 0; rc == 0 && i < h->run.n; i++) {
		snprintf(at, sizeof(at), "%.150s/run/%zu", pointer, i);
		rc = check_process(s, sq_host_process(h, i), at, err);
	}
	return rc;
}

static int check_subnet(const struct sq_scenario *s, const char *text, size_t hosts,
			const char *pointer, struct sq_err *err)
{
	char base[INET6_ADDRSTRLEN];
	struct sq_cidr c;
	unsigned most;

	if (sq_cidr_parse(text, &c) < 0)
		return sq_scenario_fail(
			s, pointer, err,
			"expected a subnet such as \"198.18.0.0/16\", found \"%.60s\"", text);
	if (sq_cidr_mask(&c)) {
		sq_ip_format(&c.ip, base);
		return sq_scenario_fail(s, pointer, err,
					"%.60s has bits beyond its prefix; write %s/%u", text, base,
					c.bits);
	}
	most = sq_ip_bits(&c.ip) - 2;
	/* The subnet's own address and the one for all of it are nobody's. */
	while (sq_ip_bits(&c.ip) - most < 32 && (1U << (sq_ip_bits(&c.ip) - most)) < hosts + 2)
		most--;
	if (c.bits > most)
		return sq_scenario_fail(s, pointer, err,
					"%.60s has no room for %zu hosts; give a prefix of at most "
					"/%u",
					text, hosts, most);
	if (c.bits < 8 || sq_ip_is_loopback(&c.ip) || sq_ip_is_unspecified(&c.ip) ||
	    sq_ip_is_group(&c.ip))
		return sq_scenario_fail(
			s, pointer, err,
			"%.60s is no subnet for a link; choose one of 198.18.0.0/15", text);
	return 0;
}

/* Whether a word is one of the first n. */
static bool among(const struct sq_strings *words, size_t n, const char *word)
{
	for (size_t i = 0; i < n; i++)
		if (strcmp(words->v[i], word) == 0)
			return true;
	return false;
}

static int check_between(const struct sq_scenario *s, const struct sq_link_spec *l, size_t link,
			 struct sq_err *err)
{
	char pointer[SQ_POINTER_MAX];
	int rc = 0;

	snprintf(pointer, sizeof(pointer), "/world/links/%zu/between", link);
	if (l->between.n < 2)
		return sq_scenario_fail(s, pointer, err,
					"expected the names of 2 hosts or more, found %zu",
					l->between.n);
	for (size_t i = 0; rc == 0 && i < l->between.n; i++) {
		snprintf(pointer, sizeof(pointer), "/world/links/%zu/between/%zu", link, i);
		rc = sq_scenario_check_host(s, l->between.v[i], pointer, err);
	}
	for (size_t i = 1; rc == 0 && i < l->between.n; i++)
		if (among(&l->between, i, l->between.v[i]))
			rc = sq_scenario_fail(
				s, pointer, err,
				"a link joins different hosts, and this is \"%s\" again",
				l->between.v[i]);
	return rc;
}

static int check_shape(const struct sq_scenario *s, const struct sq_link_spec *l, size_t link,
		       struct sq_err *err)
{
	const char *host = l->shape.host;
	char pointer[SQ_POINTER_MAX];
	int rc;

	if (!host)
		return 0;
	snprintf(pointer, sizeof(pointer), "/world/links/%zu/shape/host", link);
	rc = sq_scenario_check_host(s, host, pointer, err);
	if (rc == 0 && !among(&l->between, l->between.n, host))
		return sq_scenario_fail(s, pointer, err,
					"\"%s\" is no end of this link; name %s or %s", host,
					l->between.v[0], l->between.v[1]);
	return rc;
}

static int check_world(const struct sq_scenario *s, struct sq_err *err)
{
	char pointer[SQ_POINTER_MAX];
	int rc = check_global_sysctls(s, err);

	for (size_t i = 0; rc == 0 && i < s->world.hosts.n; i++)
		rc = check_host(s, sq_scenario_host(s, i), err);
	for (size_t i = 0; rc == 0 && i < s->world.links.n; i++) {
		const struct sq_link_spec *l = sq_scenario_link(s, i);

		rc = check_between(s, l, i, err);
		if (rc == 0 && l->subnet) {
			snprintf(pointer, sizeof(pointer), "/world/links/%zu/subnet", i);
			rc = check_subnet(s, l->subnet, l->between.n, pointer, err);
		}
		if (rc == 0)
			rc = check_shape(s, l, i, err);
	}
	return rc;
}

/* Without a world a place elsewhere is a host of its own, and must have a name. */
static int check_place(const struct sq_scenario *s, const struct sq_capture_spec *c,
		       const char *pointer, struct sq_err *err)
{
	char name[SQ_WHERE_NAME];

	if (!c->host && sq_where_name(c->where, name))
		return sq_scenario_check_name(s, name, "host", pointer, err);
	if (!c->host)
		return sq_scenario_fail(s, pointer, err,
					"what \"%.60s\" reads needs a name; give one with \"host\"",
					c->where);
	if (strcmp(c->host, SQ_HERE) == 0)
		return sq_scenario_fail(s, pointer, err,
					"\"" SQ_HERE
					"\" is this machine; give another name to what "
					"\"%.60s\" reads",
					c->where);
	return sq_scenario_check_name(s, c->host, "host", pointer, err);
}

static int check_capture(const struct sq_scenario *s, size_t i, struct sq_err *err)
{
	const struct sq_capture_spec *c = sq_scenario_capture(s, i);
	char pointer[SQ_POINTER_MAX];
	struct sq_err why = { 0 };
	char **argv = NULL;

	snprintf(pointer, sizeof(pointer), "/capture/%zu/where", i);
	if (c->where && sq_where_argv(c->where, &argv, &why) < 0)
		return sq_scenario_fail(s, pointer, err, "%s", why.text);
	sq_where_free(argv);
	snprintf(pointer, sizeof(pointer), "/capture/%zu/host", i);
	if (c->where && !s->has_world)
		return check_place(s, c, pointer, err);
	if (c->where && !c->host)
		return sq_scenario_fail(s, pointer, err,
					"say with \"host\" which host \"where\" reads");
	return sq_scenario_check_host(s, c->host, pointer, err);
}

int sq_scenario_check(const struct sq_scenario *s, struct sq_err *err)
{
	int rc = check_run_name(s, err);

	if (rc == 0)
		rc = check_world(s, err);
	if (rc == 0)
		rc = sq_scenario_check_loads(s, err);
	if (rc == 0)
		rc = sq_scenario_check_cure(s, err);
	if (rc == 0)
		rc = sq_scenario_check_variants(s, err);
	for (size_t i = 0; rc == 0 && i < s->capture.n; i++)
		rc = check_capture(s, i, err);
	return rc;
}
