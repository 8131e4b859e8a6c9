/* What packet-filter rules of nf_tables threw away: "nft.drops" under "FAMILY TABLE CHAIN HANDLE" for
 * each rule that drops or rejects and counts what it does so to (`udp dport 9 counter drop`), and
 * how many drop without counting: "nft.uncounted_drops".  "nft.port" is the destination port that a rule is about, where
 * it is about one.
 *
 * What a reader would get wrong:
 * - A rule that has no counter can't be accounted for: nf_tables counts nothing by itself.  Nor can a
 *   chain with `policy drop`, unless its last rule is a bare `counter`, which is then a row.
 * - The generation of the rules says whether they have changed.  While they haven't, the nth rule of
 *   a chain is the nth of the reading before, and only chains with rows are listed: 1000 rules cost
 *   a millisecond.
 * - Rules that are loaded anew with their counters (nft list ruleset, nft -f) have other handles, and are other
 *   rows.  What stands where one has gone, and has counted no less, is taken for it: its row begins there.
 * - What iptables-legacy set up is in other tables, which nothing here sees.
 * - Listing takes CAP_NET_ADMIN in the user namespace that owns the network namespace: root, or
 *   anybody in a world. */
#include "analyzers/kernel/nft.h"

#include <linux/netfilter/nf_tables.h>
#include <linux/netlink.h>

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "analyzers/catalogue.h"
#include "base/mem.h"

#define NO_ROW UINT32_MAX

enum { TRIES = 4 }; /* while the rules change under the listing */

struct rule {
	unsigned row;           /* NO_ROW: passed over */
	uint64_t packets, base; /* as last read, and how many of them are another row's */
};

struct chain {
	struct sq_nft_chain id;
	bool policy_drops;
	struct rule *rules; /* by their places */
	size_t n_rules, cap_rules, n_counted;
	struct sq_nft_rule last; /* of its rules; handle 0: it has none */
};

struct chains {
	struct chain *v;
	size_t n, cap;
};

struct nft {
	struct sq_netlink netlink;
	struct sq_sample *sample;
	uint32_t generation; /* which the chains are of; 0: none */
	uint32_t now;        /* the one that is being read */
	bool mixed;          /* messages of another one came */
	struct chains chains;
	struct chain *at; /* whose rules are coming, and how many came */
	size_t place;
	unsigned uncounted_row;
	uint64_t uncounted;
};

static void forget_chains(struct chains *c)
{
	for (size_t i = 0; i < c->n; i++) {
		free((char *)c->v[i].id.table);
		free((char *)c->v[i].id.name);
		free(c->v[i].rules);
	}
	free(c->v);
	*c = (struct chains){ 0 };
}

static int ask(struct nft *n, uint8_t message, const struct sq_nft_chain *chain,
	       mnl_cb_t on_message)
{
	char request[SQ_NFT_REQUEST];
	struct nlmsghdr *header = mnl_nlmsg_put_header(request);

	sq_nft_request(header, message, chain);
	return sq_netlink_ask(&n->netlink, header, on_message, n);
}

static int ask_rules(struct nft *n, struct chain *chain, mnl_cb_t on_rule)
{
	n->at = chain;
	n->place = 0;
	return ask(n, NFT_MSG_GETRULE, &chain->id, on_rule);
}

static int on_generation(const struct nlmsghdr *header, void *arg)
{
	struct nft *n = arg;

	n->now = sq_nft_generation(header);
	return MNL_CB_STOP;
}

static bool is_current(struct nft *n, const struct nlmsghdr *header)
{
	if (sq_nft_generation16(header) != (uint16_t)n->now)
		n->mixed = true;
	return !n->mixed;
}

static int on_chain(const struct nlmsghdr *header, void *arg)
{
	struct nft *n = arg;
	struct chains *c = &n->chains;
	struct sq_nft_chain chain;
	bool drops;

	if (!is_current(n, header) || !sq_nft_parse_chain(header, &chain, &drops))
		return MNL_CB_OK;
	c->v = sq_grow(c->v, c->n, &c->cap, sizeof(*c->v));
	c->v[c->n++] = (struct chain){
		.id = {
			.family = chain.family,
			.table = sq_strdup(chain.table),
			.name = sq_strdup(chain.name),
		},
		.policy_drops = drops,
	};
	return MNL_CB_OK;
}

static struct rule counted_rule(struct nft *n, struct chain *chain, const struct sq_nft_rule *rule)
{
	char instance[SQ_NFT_TEXT];
	struct rule counted = { .packets = rule->packets };

	sq_nft_text(&chain->id, rule->handle, instance);
	counted.row = sq_catalogue_metric(n->sample, "nft.drops", instance);
	if (rule->port)
		sq_sample_put(n->sample, sq_catalogue_metric(n->sample, "nft.port", instance),
			      rule->port);
	chain->n_counted++;
	return counted;
}

static int on_new_rule(const struct nlmsghdr *header, void *arg)
{
	struct nft *n = arg;
	struct chain *chain = n->at;
	struct rule known = { .row = NO_ROW };
	struct sq_nft_rule rule;

	if (!is_current(n, header) || !sq_nft_parse_rule(header, &rule))
		return MNL_CB_OK;
	if (rule.verdict == SQ_NFT_DROP && rule.counted)
		known = counted_rule(n, chain, &rule);
	n->uncounted += rule.verdict == SQ_NFT_DROP && !rule.counted;
	chain->rules =
		sq_grow(chain->rules, chain->n_rules, &chain->cap_rules, sizeof(*chain->rules));
	chain->rules[chain->n_rules++] = known;
	chain->last = rule;
	chain->last.chain = chain->id; /* the message's texts go with it */
	return MNL_CB_OK;
}

/* A bare counter at the end counts what the policy drops; a rule there that drops everything leaves
 * it nothing. */
static void settle_policy(struct nft *n, struct chain *chain)
{
	const struct sq_nft_rule *last = &chain->last;
	bool reaches_all = last->handle && last->always;

	if (reaches_all && last->verdict == SQ_NFT_NONE && last->counted)
		chain->rules[chain->n_rules - 1] = counted_rule(n, chain, last);
	else if (!reaches_all || last->verdict != SQ_NFT_DROP)
		n->uncounted++;
}

static int list_rules(struct nft *n)
{
	int rc = ask(n, NFT_MSG_GETCHAIN, NULL, on_chain);

	for (size_t i = 0; rc == 0 && i < n->chains.n; i++) {
		rc = ask_rules(n, &n->chains.v[i], on_new_rule);
		if (rc == 0 && n->chains.v[i].policy_drops)
			settle_policy(n, &n->chains.v[i]);
	}
	return rc == 0 && n->mixed ? -EINTR : rc;
}

static const struct chain *chain_of(const struct chains *c, const struct sq_nft_chain *id)
{
	for (size_t i = 0; i < c->n; i++)
		if (c->v[i].id.family == id->family && strcmp(c->v[i].id.name, id->name) == 0 &&
		    strcmp(c->v[i].id.table, id->table) == 0)
			return &c->v[i];
	return NULL;
}

static const struct rule *rule_of(const struct chain *chain, unsigned row)
{
	for (size_t i = 0; i < chain->n_rules; i++)
		if (chain->rules[i].row == row)
			return &chain->rules[i];
	return NULL;
}

static uint64_t base_of(const struct chain *was, const struct chain *now, size_t place)
{
	const struct rule *rule = &now->rules[place], *old = rule_of(was, rule->row);

	if (old)
		return old->base;
	old = place < was->n_rules ? &was->rules[place] : NULL;
	if (!old || old->row == NO_ROW || rule_of(now, old->row) || rule->packets < old->packets)
		return 0;
	return old->packets;
}

/* A counter that was reset begins anew, whatever it began from. */
static void put_drops(struct nft *n, struct rule *rule, uint64_t packets)
{
	rule->packets = packets;
	if (packets < rule->base)
		rule->base = 0;
	sq_sample_put(n->sample, rule->row, packets - rule->base);
}

static void put_chain(struct nft *n, struct chain *chain, const struct chain *was)
{
	for (size_t i = 0; i < chain->n_rules; i++) {
		if (chain->rules[i].row == NO_ROW)
			continue;
		if (was)
			chain->rules[i].base = base_of(was, chain, i);
		put_drops(n, &chain->rules[i], chain->rules[i].packets);
	}
}

static int map_rules(struct nft *n)
{
	struct chains was = n->chains;
	int rc;

	n->chains = (struct chains){ 0 };
	n->uncounted = 0;
	rc = list_rules(n);
	if (rc < 0) {
		forget_chains(&n->chains);
		n->chains = was;
		return rc;
	}
	for (size_t i = 0; i < n->chains.n; i++)
		put_chain(n, &n->chains.v[i], chain_of(&was, &n->chains.v[i].id));
	forget_chains(&was);
	return 0;
}

static int on_known_rule(const struct nlmsghdr *header, void *arg)
{
	struct nft *n = arg;
	struct sq_nft_rule rule;
	size_t place = n->place++;

	if (is_current(n, header) && place < n->at->n_rules && n->at->rules[place].row != NO_ROW &&
	    sq_nft_parse_rule(header, &rule))
		put_drops(n, &n->at->rules[place], rule.packets);
	return MNL_CB_OK;
}

static int read_known(struct nft *n)
{
	int rc = 0;

	for (size_t i = 0; rc == 0 && i < n->chains.n; i++)
		if (n->chains.v[i].n_counted > 0)
			rc = ask_rules(n, &n->chains.v[i], on_known_rule);
	return rc == 0 && n->mixed ? -EINTR : rc;
}

/* -EINTR: they changed meanwhile. */
static int read_rules(struct nft *n)
{
	int rc = ask(n, NFT_MSG_GETGEN, NULL, on_generation);

	n->mixed = false;
	if (rc == 0)
		rc = n->now == n->generation ? read_known(n) : map_rules(n);
	n->generation = rc == 0 ? n->now : 0;
	return rc;
}

static int nft_sample(void *state, struct sq_sample *s)
{
	struct nft *n = state;
	int rc = -EINTR;

	for (int i = 0; rc == -EINTR && i < TRIES; i++)
		rc = read_rules(n);
	if (rc == 0)
		sq_sample_put(s, n->uncounted_row, n->uncounted);
	return rc;
}

static void nft_close(void *state)
{
	struct nft *n = state;

	sq_netlink_close(&n->netlink);
	forget_chains(&n->chains);
	*n = (struct nft){ 0 };
}

static int complain(int rc, struct sq_err *err)
{
	if (rc == -EPERM)
		return sq_err_set(err, rc, "nf_tables",
				  "listing the packet filter's rules takes CAP_NET_ADMIN; run as "
				  "root, or in a world");
	/* What nfnetlink says of a subsystem that isn't there. */
	if (rc == -EINVAL)
		return sq_err_set(err, rc, "nf_tables", "this kernel has no nf_tables");
	return sq_err_set(err, rc, "nf_tables", "listing the packet filter's rules: %s",
			  strerror(-rc));
}

static int nft_open(void *state, const void *conf, struct sq_sample *s, struct sq_err *err)
{
	struct nft *n = state;
	int rc;

	(void)conf;
	*n = (struct nft){ .sample = s };
	rc = sq_netlink_open(&n->netlink, NETLINK_NETFILTER, err);
	if (rc < 0)
		return rc;
	rc = ask(n, NFT_MSG_GETGEN, NULL, on_generation);
	if (rc < 0) {
		nft_close(n);
		return complain(rc, err);
	}
	n->uncounted_row = sq_catalogue_metric(s, "nft.uncounted_drops", NULL);
	return 0;
}

const struct sq_source sq_source_nft = {
	.kind = {
		.name = "nft",
		.summary = "what counting packet-filter rules dropped and rejected (nf_tables)",
	},
	.group = "linux",
	.state_size = sizeof(struct nft),
	.open = nft_open,
	.sample = nft_sample,
	.close = nft_close,
};
