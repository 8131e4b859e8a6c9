/* Look-ups, and the domains that are known.
 *
 * A domain is asked for its MX, then each exchanger for its addresses, IPv4 and IPv6, all at once.
 * A domain without MX is its own exchanger (implicit MX); one whose only MX is "." takes no mail
 * (RFC 7505).  Exchangers of one preference are tried in a random order.
 *
 * Whatever a name server says is judged by the safety gate before anything is sent there.  One
 * address that is not open condemns the domain: delivering to the others would be another load
 * than the name server asked for. */
#include "loadgen/smtp/mx.h"

#include <arpa/nameser.h>
#include <netinet/in.h>

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <ares.h>

#include "base/fnv.h"
#include "base/mem.h"
#include "loadgen/engine/ares.h"
#include "scenarios/cidr.h"

enum { TRY_MS = 2000, TRIES = 3 };
enum { EXCHANGERS_MAX = 8, EACH_MAX = 4, HASHES = 1024, DOMAINS_MAX = 4096 };

struct exchanger {
	struct lookup *lookup;
	char *name;
	unsigned preference;
	uint64_t order; /* among equals */
	uint16_t code;
	unsigned n;
	struct sq_ip ip[EACH_MAX];
};

struct lookup {
	struct sq_smtp_mx *mx;
	struct sq_smtp_domain *domain;
	struct exchanger ex[EXCHANGERS_MAX];
	unsigned n_ex, pending;
};

struct sq_smtp_mx {
	struct sq_lane *lane;
	void (*done)(void *arg, struct sq_smtp_domain *d);
	void *arg;
	struct sq_ares *resolver;
	struct sq_smtp_domain *domains[HASHES];
	size_t n_domains;
	bool closing;
};

/* ---- the end of a look-up ---- */

static uint16_t code_of(int status)
{
	switch (status) {
	case ARES_ENOTFOUND:
		return SQ_SMTP_NXDOMAIN;
	case ARES_ENODATA:
		return SQ_SMTP_NODATA;
	case ARES_ESERVFAIL:
		return SQ_SMTP_SERVFAIL;
	case ARES_EREFUSED:
		return SQ_SMTP_REFUSED;
	case ARES_EBADRESP:
	case ARES_EBADNAME: /* an exchanger's, so from an answer too */
	case ARES_EFORMERR:
		return SQ_SMTP_BAD_ANSWER;
	case ARES_ETIMEOUT:
		return SQ_CODE_TIMEOUT;
	case ARES_ECONNREFUSED:
		return sq_code_errno(ECONNREFUSED);
	case ARES_ENOMEM:
		return sq_code_errno(ENOMEM);
	default:
		return SQ_SMTP_NO_ANSWER;
	}
}

static void lookup_free(struct lookup *l)
{
	for (unsigned i = 0; i < l->n_ex; i++)
		free(l->ex[i].name);
	free(l);
}

/* code SQ_CODE_OK: the domain has its addresses. */
static void lookup_end(struct lookup *l, uint16_t code)
{
	struct sq_smtp_mx *mx = l->mx;
	struct sq_smtp_domain *d = l->domain;

	d->state = code == SQ_CODE_OK ? SQ_SMTP_KNOWN : SQ_SMTP_UNKNOWN;
	d->code = code;
	lookup_free(l);
	mx->done(mx->arg, d);
}

/* ---- addresses ---- */

/* -EACCES when it is not open to this run. */
static int add_address(struct sq_smtp_mx *mx, struct sq_smtp_domain *d, const struct sq_ip *ip)
{
	const struct sq_load_plan *load = mx->lane->load;
	struct sq_target *t = &d->address[d->n];
	int rc;

	sq_target_make(t, ip, sq_target_port(&load->target));
	rc = sq_gate_check(load->gate, (const struct sockaddr *)&t->addr, &t->by_authority, NULL);
	if (rc < 0)
		return rc;
	if (t->by_authority)
		sq_lane_count(mx->lane, SQ_SMTP_AUTHORIZED_ADDRESSES, 1);
	d->n++;
	return 0;
}

/* Of all exchangers, the best first. */
static uint16_t collect(struct lookup *l)
{
	struct sq_smtp_domain *d = l->domain;
	uint16_t code = l->n_ex ? l->ex[0].code : SQ_SMTP_NODATA;

	free(d->address);
	d->address = sq_alloc_n((size_t)EXCHANGERS_MAX * EACH_MAX, sizeof(*d->address));
	d->n = 0;
	for (unsigned i = 0; i < l->n_ex; i++)
		for (unsigned j = 0; j < l->ex[i].n; j++) {
			int rc = add_address(l->mx, d, &l->ex[i].ip[j]);

			if (rc < 0)
				return sq_code_errno(-rc);
		}
	return d->n ? SQ_CODE_OK : code;
}

static void answered(struct lookup *l)
{
	if (--l->pending == 0)
		lookup_end(l, collect(l));
}

/* Those of one family; IPv4 comes first, so that the order does not hang on which answer did. */
static void take_addresses(struct exchanger *ex, const struct ares_addrinfo *found, int family)
{
	for (const struct ares_addrinfo_node *a = found->nodes; a; a = a->ai_next)
		if (a->ai_family == family && ex->n < EACH_MAX &&
		    sq_ip_from_sockaddr(a->ai_addr, &ex->ip[ex->n]) == 0)
			ex->n++;
}

/* From an IPv4 source no IPv6 address can be reached. */
static bool may_reach(const struct sq_load_plan *load, int family)
{
	return load->sources.count == 0 || load->sources.v[0].first.family == family;
}

static void on_addresses(void *arg, int status, int timeouts, struct ares_addrinfo *found)
{
	struct exchanger *ex = arg;
	const struct sq_load_plan *load = ex->lookup->mx->lane->load;

	(void)timeouts;
	if (ex->lookup->mx->closing) {
		if (--ex->lookup->pending == 0)
			lookup_free(ex->lookup);
	} else {
		ex->code = code_of(status == ARES_SUCCESS ? ARES_ENODATA : status);
		if (status == ARES_SUCCESS && may_reach(load, AF_INET))
			take_addresses(ex, found, AF_INET);
		if (status == ARES_SUCCESS && may_reach(load, AF_INET6))
			take_addresses(ex, found, AF_INET6);
		answered(ex->lookup);
	}
	ares_freeaddrinfo(found);
}

static void ask_addresses(struct lookup *l)
{
	const struct ares_addrinfo_hints hints = { .ai_family = AF_UNSPEC,
						   .ai_socktype = SOCK_STREAM,
						   .ai_flags = ARES_AI_NOSORT };

	l->pending = l->n_ex + 1; /* an answer may come within the call */
	for (unsigned i = 0; i < l->n_ex; i++)
		ares_getaddrinfo(sq_ares_channel(l->mx->resolver), l->ex[i].name, NULL, &hints,
				 on_addresses, &l->ex[i]);
	answered(l);
}

/* ---- exchangers ---- */

static void add_exchanger(struct lookup *l, const char *name, unsigned preference)
{
	struct exchanger *ex = &l->ex[l->n_ex++];

	*ex = (struct exchanger){ .lookup = l,
				  .name = sq_strdup(name),
				  .preference = preference,
				  .order = sq_rng_u64(&l->mx->lane->rng) };
}

static int by_preference(const void *a, const void *b)
{
	const struct exchanger *x = a, *y = b;

	if (x->preference != y->preference)
		return x->preference < y->preference ? -1 : 1;
	return x->order < y->order ? -1 : x->order > y->order;
}

static bool is_null_mx(const struct ares_mx_reply *mx)
{
	return mx && !mx->next && (!*mx->host || strcmp(mx->host, ".") == 0);
}

static void on_exchangers(struct lookup *l, const struct ares_mx_reply *found)
{
	if (is_null_mx(found)) {
		lookup_end(l, SQ_SMTP_NULL_MX);
		return;
	}
	for (; found && l->n_ex < EXCHANGERS_MAX; found = found->next)
		if (*found->host)
			add_exchanger(l, found->host, found->priority);
	if (l->n_ex == 0)
		add_exchanger(l, l->domain->name, 0);
	qsort(l->ex, l->n_ex, sizeof(*l->ex), by_preference);
	ask_addresses(l);
}

static void on_mx(void *arg, int status, int timeouts, unsigned char *answer, int len)
{
	struct lookup *l = arg;
	struct ares_mx_reply *found = NULL;

	(void)timeouts;
	if (l->mx->closing) {
		lookup_free(l);
		return;
	}
	if (status == ARES_SUCCESS) {
		status = ares_parse_mx_reply(answer, len, &found);
		if (status != ARES_SUCCESS && status != ARES_ENODATA)
			status = ARES_EBADRESP; /* whatever it stumbled over */
	}
	if (status == ARES_SUCCESS || status == ARES_ENODATA)
		on_exchangers(l, found);
	else if (status == ARES_EBADNAME) /* our own question's */
		lookup_end(l, SQ_SMTP_NO_ANSWER);
	else
		lookup_end(l, code_of(status));
	ares_free_data(found);
}

/* ---- domains ---- */

static size_t hash_of(const char *name)
{
	return sq_fnv32_caseless(name, strlen(name)) % HASHES;
}

static void forget(struct sq_smtp_mx *mx, bool all)
{
	for (size_t i = 0; i < HASHES; i++)
		for (struct sq_smtp_domain **at = &mx->domains[i], *d; (d = *at);) {
			if (!all && (d->users || d->state == SQ_SMTP_ASKED)) {
				at = &d->next;
				continue;
			}
			*at = d->next;
			free(d->address);
			free(d->name);
			free(d);
			mx->n_domains--;
		}
}

static struct sq_smtp_domain *find(struct sq_smtp_mx *mx, const char *name)
{
	size_t hash = hash_of(name);
	struct sq_smtp_domain *d = mx->domains[hash];

	while (d && strcasecmp(d->name, name) != 0)
		d = d->next;
	if (d)
		return d;
	if (mx->n_domains == DOMAINS_MAX)
		forget(mx, false);
	if (mx->n_domains == DOMAINS_MAX)
		return NULL;
	d = sq_alloc(sizeof(*d));
	d->name = sq_strdup(name);
	d->next = mx->domains[hash];
	mx->domains[hash] = d;
	mx->n_domains++;
	return d;
}

struct sq_smtp_domain *sq_smtp_mx_ask(struct sq_smtp_mx *mx, const char *name)
{
	struct sq_smtp_domain *d = find(mx, name);
	struct lookup *l;

	if (!d)
		return NULL;
	d->users++;
	if (d->state != SQ_SMTP_UNKNOWN)
		return d;
	l = sq_alloc(sizeof(*l));
	l->mx = mx;
	l->domain = d;
	d->state = SQ_SMTP_ASKED;
	sq_lane_count(mx->lane, SQ_SMTP_LOOKUPS, 1);
	ares_query(sq_ares_channel(mx->resolver), d->name, ns_c_in, ns_t_mx, on_mx, l);
	sq_ares_asked(mx->resolver);
	return d;
}

/* ---- made and unmade ---- */

/* c-ares takes SERVFAIL and REFUSED for a reason to ask the next server, and loses the word on the
 * way; ARES_FLAG_NOCHECKRESP makes it say what was answered. */
static struct sq_ares *resolver_new(struct sq_lane *lane, struct sq_err *err)
{
	const struct sq_ares_spec spec = { .flags = ARES_FLAG_NOCHECKRESP,
					   .try_ms = TRY_MS,
					   .tries = TRIES,
					   .servers = &lane->load->resolver,
					   .n_servers = 1 };

	if (lane->load->resolver.len > 0)
		return sq_ares_new(lane, &spec, err);
	sq_err_set(err, -EINVAL, lane->load->spec->name,
		   "deliver \"mx\" looks domains up; give the load a resolver");
	return NULL;
}

struct sq_smtp_mx *sq_smtp_mx_new(struct sq_lane *lane,
				  void (*done)(void *arg, struct sq_smtp_domain *d), void *arg,
				  struct sq_err *err)
{
	struct sq_ares *resolver = resolver_new(lane, err);
	struct sq_smtp_mx *mx;

	if (!resolver)
		return NULL;
	mx = sq_alloc(sizeof(*mx));
	mx->resolver = resolver;
	mx->lane = lane;
	mx->done = done;
	mx->arg = arg;
	return mx;
}

struct sq_smtp_mx *sq_smtp_mx_free(struct sq_smtp_mx *mx)
{
	if (!mx)
		return NULL;
	mx->closing = true;
	sq_ares_free(mx->resolver);
	forget(mx, true);
	free(mx);
	return NULL;
}
