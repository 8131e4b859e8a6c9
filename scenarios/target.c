/* The safety gate.  It resolves nothing: a host is a number, "localhost", or a name that a world
 * gave, so that no name server decides where load goes.
 *
 * What a reader would get wrong: an address mapped into IPv6 (::ffff:198.51.100.7) is judged and
 * used as the IPv4 address that it is; and 0.0.0.0 is refused although connect(2) takes it, for the
 * same address in a configuration means "everywhere", and Linux would make it loopback. */
#include "scenarios/target.h"

#include <arpa/inet.h>

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/value.h"
#include "scenarios/cidr.h"
#include "scenarios/resolve.h"

enum { PORT_MAX = 65535, HOST_MAX = 100 };

struct range {
	struct sq_cidr cidr;
	bool by_authority;
};

struct name {
	char *name;
	struct sq_ip ip;
};

struct sq_gate {
	struct range *ranges;
	size_t n_ranges, cap_ranges;
	struct name *names;
	size_t n_names, cap_names;
	bool looks_up;
};

struct sq_gate *sq_gate_new(void)
{
	return sq_alloc(sizeof(struct sq_gate));
}

struct sq_gate *sq_gate_free(struct sq_gate *g)
{
	if (!g)
		return NULL;
	for (size_t i = 0; i < g->n_names; i++)
		free(g->names[i].name);
	free(g->names);
	free(g->ranges);
	free(g);
	return NULL;
}

static void add_range(struct sq_gate *g, const struct sq_cidr *cidr, bool by_authority)
{
	g->ranges = sq_grow(g->ranges, g->n_ranges, &g->cap_ranges, sizeof(*g->ranges));
	g->ranges[g->n_ranges++] = (struct range){ .cidr = *cidr, .by_authority = by_authority };
}

int sq_gate_open_link(struct sq_gate *g, const char *cidr, struct sq_err *err)
{
	struct sq_cidr range;

	if (sq_cidr_parse(cidr, &range) < 0)
		return sq_err_set(err, -EINVAL, "link",
				  "\"%.60s\" is no subnet; expected one such as 198.18.0.0/16",
				  cidr);
	sq_cidr_mask(&range);
	add_range(g, &range, false);
	return 0;
}

int sq_gate_authorize(struct sq_gate *g, const char *cidr, struct sq_err *err)
{
	struct sq_cidr range, given;
	char base[INET6_ADDRSTRLEN], host[INET6_ADDRSTRLEN];

	if (sq_ip_parse(cidr, &range.ip) == 0) {
		range.bits = sq_ip_bits(&range.ip);
	} else if (sq_cidr_parse(cidr, &range) < 0) {
		return sq_err_set(err, -EINVAL, "authorized range",
				  "\"%.60s\" is no address range; expected one such as "
				  "198.51.100.0/24 or 2001:db8::/64",
				  cidr);
	}
	/* 10.0.0.5/8 may be a slip for /32, and would open sixteen million addresses. */
	given = range;
	if (sq_cidr_mask(&range)) {
		sq_ip_format(&range.ip, base);
		sq_ip_format(&given.ip, host);
		return sq_err_set(err, -EINVAL, "authorized range",
				  "%s has bits beyond its prefix; write %s/%u for the range or "
				  "%s/%u for the one address",
				  cidr, base, range.bits, host, sq_ip_bits(&given.ip));
	}
	add_range(g, &range, true);
	return 0;
}

void sq_gate_look_up(struct sq_gate *g)
{
	g->looks_up = true;
}

void sq_gate_name(struct sq_gate *g, const char *name, const char *address)
{
	struct sq_ip ip;

	if (sq_ip_parse(address, &ip) < 0)
		return;
	g->names = sq_grow(g->names, g->n_names, &g->cap_names, sizeof(*g->names));
	g->names[g->n_names++] = (struct name){ .name = sq_strdup(name), .ip = ip };
}

/* The last address of a link's subnet reaches all that are on it. */
static bool is_link_broadcast(const struct sq_gate *g, const struct sq_ip *ip)
{
	for (size_t i = 0; i < g->n_ranges; i++) {
		const struct sq_cidr *c = &g->ranges[i].cidr;

		if (!g->ranges[i].by_authority && sq_cidr_is_broadcast(c, ip))
			return true;
	}
	return false;
}

/* An address is open by its world before it is by authority: then nothing is recorded. */
static int find_range(const struct sq_gate *g, const struct sq_ip *ip, bool *ret_by_authority)
{
	int rc = -EACCES;

	for (size_t i = 0; i < g->n_ranges; i++) {
		if (!sq_cidr_has(&g->ranges[i].cidr, ip))
			continue;
		*ret_by_authority = g->ranges[i].by_authority;
		rc = 0;
		if (!*ret_by_authority)
			break;
	}
	return rc;
}

static int check_open(const struct sq_gate *g, const struct sq_ip *ip, const char *where,
		      bool *ret_by_authority, struct sq_err *err)
{
	char text[INET6_ADDRSTRLEN];

	*ret_by_authority = false;
	sq_ip_format(ip, text);
	if (sq_ip_is_unspecified(ip))
		return sq_err_set(err, -EINVAL, where,
				  "%s is no address to send to; name the server's own, such as "
				  "127.0.0.1",
				  text);
	if (sq_ip_is_group(ip) || is_link_broadcast(g, ip))
		return sq_err_set(err, -EINVAL, where,
				  "%s is a broadcast or multicast address; name one server", text);
	if (sq_ip_is_loopback(ip) || find_range(g, ip, ret_by_authority) == 0)
		return 0;
	return sq_err_set(err, -EACCES, where,
			  "%s is not loopback, not in this run's world, and no authorized range "
			  "has it; if the server is yours, give --authorize %s/%u",
			  text, text, sq_ip_bits(ip));
}

/* Splits "HOST:PORT" and "[v6]:PORT". */
static int split(const char *text, char host[HOST_MAX], const char **ret_port)
{
	const char *start = text, *end;

	if (*text == '[') {
		start++;
		end = strchr(start, ']');
		if (!end || end[1] != ':')
			return -EINVAL;
		*ret_port = end + 2;
	} else {
		end = strrchr(text, ':');
		/* A second colon would be an IPv6 address without its brackets. */
		if (!end || memchr(text, ':', (size_t)(end - text)))
			return -EINVAL;
		*ret_port = end + 1;
	}
	if (end == start || end - start >= HOST_MAX)
		return -EINVAL;
	memcpy(host, start, (size_t)(end - start));
	host[end - start] = '\0';
	return 0;
}

static int parse_port(const char *text)
{
	int port = 0;

	if (!*text || strlen(text) > 5)
		return -EINVAL;
	for (; *text; text++) {
		if (*text < '0' || *text > '9')
			return -EINVAL;
		port = port * 10 + (*text - '0');
	}
	return port >= 1 && port <= PORT_MAX ? port : -EINVAL;
}

static int fail_host(const struct sq_gate *g, const char *host, const char *where,
		     struct sq_err *err)
{
	const char **words = sq_alloc_n(g->n_names + 2, sizeof(*words));
	const char *near;

	for (size_t i = 0; i < g->n_names; i++)
		words[i] = g->names[i].name;
	words[g->n_names] = "localhost";
	near = sq_nearest(host, words);
	free(words);
	if (near)
		return sq_err_set(err, -EINVAL, where, "unknown host \"%s\"; did you mean \"%s\"?",
				  host, near);
	return sq_err_set(
		err, -EINVAL, where,
		"\"%s\" is neither an address nor a host of this scenario's world, in which "
		"no other names are known; give the address",
		host);
}

/* Whatever is wrong with a name is wrong with the scenario that gave it. */
static int look_up(const char *host, const char *where, struct sq_ip *ret, struct sq_err *err)
{
	return sq_resolve(host, where, ret, err) < 0 ? -EINVAL : 0;
}

static int find_host(const struct sq_gate *g, const char *host, const char *where,
		     struct sq_ip *ret, struct sq_err *err)
{
	for (size_t i = 0; i < g->n_names; i++)
		if (strcmp(g->names[i].name, host) == 0) {
			*ret = g->names[i].ip;
			return 0;
		}
	if (strcmp(host, "localhost") == 0)
		return sq_ip_parse("127.0.0.1", ret);
	if (sq_ip_parse(host, ret) == 0)
		return 0;
	return g->looks_up ? look_up(host, where, ret, err) : fail_host(g, host, where, err);
}

void sq_target_make(struct sq_target *t, const struct sq_ip *ip, int port)
{
	struct sockaddr_in v4 = { .sin_family = AF_INET, .sin_port = htons((uint16_t)port) };
	struct sockaddr_in6 v6 = { .sin6_family = AF_INET6, .sin6_port = htons((uint16_t)port) };

	memset(t, 0, sizeof(*t));
	if (ip->family == AF_INET) {
		memcpy(&v4.sin_addr, ip->bytes, 4);
		memcpy(&t->addr, &v4, sizeof(v4));
		t->len = sizeof(v4);
	} else {
		memcpy(&v6.sin6_addr, ip->bytes, 16);
		memcpy(&t->addr, &v6, sizeof(v6));
		t->len = sizeof(v6);
	}
}

in_port_t sq_target_port(const struct sq_target *t)
{
	struct sockaddr_in v4;

	/* The port stands at the same place in both families. */
	memcpy(&v4, &t->addr, sizeof(v4));
	return ntohs(v4.sin_port);
}

void sq_target_format(const struct sq_target *t, char out[SQ_TARGET_TEXT])
{
	char text[INET6_ADDRSTRLEN] = "?";
	struct sq_ip ip;

	if (sq_ip_from_sockaddr((const struct sockaddr *)&t->addr, &ip) == 0)
		sq_ip_format(&ip, text);
	snprintf(out, SQ_TARGET_TEXT, t->addr.ss_family == AF_INET6 ? "[%s]:%u" : "%s:%u", text,
		 sq_target_port(t));
}

int sq_gate_target(const struct sq_gate *g, const char *text, const char *where,
		   struct sq_target *ret, struct sq_err *err)
{
	char host[HOST_MAX];
	bool by_authority = false;
	const char *port_text;
	struct sq_ip ip;
	int port, rc;

	if (split(text, host, &port_text) < 0)
		return sq_err_set(err, -EINVAL, where,
				  "expected a target such as \"server:9000\", \"127.0.0.1:53\" or "
				  "\"[::1]:25\", found \"%.60s\"",
				  text);
	port = parse_port(port_text);
	if (port < 0)
		return sq_err_set(err, -EINVAL, where,
				  "expected a port from 1 to 65535, found \"%.20s\" in \"%.60s\"",
				  port_text, text);
	rc = find_host(g, host, where, &ip, err);
	if (rc == 0)
		rc = check_open(g, &ip, where, &by_authority, err);
	if (rc < 0)
		return rc;
	sq_target_make(ret, &ip, port);
	snprintf(ret->text, sizeof(ret->text), "%s", text);
	ret->by_authority = by_authority;
	return 0;
}

int sq_gate_check(const struct sq_gate *g, const struct sockaddr *addr, bool *ret_by_authority,
		  struct sq_err *err)
{
	struct sq_ip ip;
	bool by_authority;
	int rc;

	if (sq_ip_from_sockaddr(addr, &ip) < 0)
		return sq_err_set(err, -EACCES, "target", "it is no IP address");
	rc = check_open(g, &ip, "target", &by_authority, err);
	if (rc < 0)
		return rc == -EINVAL
			       ? sq_err_set(err, -EACCES, "target", "%s", err ? err->text : "")
			       : rc;
	if (ret_by_authority)
		*ret_by_authority = by_authority;
	return 0;
}
