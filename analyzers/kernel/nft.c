/* The messages of nf_tables.  A rule is a list of expressions, run in turn; each may end the rule
 * ("break": the packet doesn't meet it), count, or decide on the packet.
 *
 * What a reader would get wrong:
 * - A counter counts what reaches it.  Only what no condition follows is what the rule decided on:
 *   `udp dport 9 counter drop`, and not `counter udp dport 9 drop`.  So every expression takes back
 *   what was counted before it, but those that never break.
 * - A counter with a name (`counter name x`, an object) may serve several rules, and is not one of
 *   the rule's own.
 * - A verdict out of a map (`vmap`) is not in the rule, and is taken for a condition.
 * - iptables writes such rules too (iptables-nft); REJECT it may write as a "target" of its own. */
#include "analyzers/kernel/nft.h"

#include <arpa/inet.h>
#include <linux/netfilter.h>
#include <linux/netfilter/nf_tables.h>
#include <linux/netfilter/nf_tables_compat.h>
#include <linux/netfilter/nfnetlink.h>

#include <endian.h>
#include <stdio.h>
#include <string.h>

void sq_nft_request(struct nlmsghdr *header, uint8_t message, const struct sq_nft_chain *chain)
{
	struct nfgenmsg *msg;

	header->nlmsg_type = NFNL_SUBSYS_NFTABLES << 8 | message;
	header->nlmsg_flags = message == NFT_MSG_GETGEN ? 0 : NLM_F_DUMP;
	msg = mnl_nlmsg_put_extra_header(header, sizeof(*msg));
	msg->nfgen_family = chain ? chain->family : NFPROTO_UNSPEC;
	msg->version = NFNETLINK_V0;
	/* The kernel's names are shorter than NFT_NAME_MAXLEN, so both always fit. */
	if (chain) {
		mnl_attr_put_strz_check(header, SQ_NFT_REQUEST, NFTA_RULE_TABLE, chain->table);
		mnl_attr_put_strz_check(header, SQ_NFT_REQUEST, NFTA_RULE_CHAIN, chain->name);
	}
}

/* The message's own header when it is of the type, else NULL. */
static const struct nfgenmsg *message_of(const struct nlmsghdr *header, uint8_t message)
{
	if (header->nlmsg_type != (NFNL_SUBSYS_NFTABLES << 8 | message) ||
	    mnl_nlmsg_get_payload_len(header) < sizeof(struct nfgenmsg))
		return NULL;
	return mnl_nlmsg_get_payload(header);
}

static uint32_t attr_be32(const struct nlattr *attr)
{
	return mnl_attr_validate(attr, MNL_TYPE_U32) < 0 ? 0 : ntohl(mnl_attr_get_u32(attr));
}

static uint64_t attr_be64(const struct nlattr *attr)
{
	return mnl_attr_validate(attr, MNL_TYPE_U64) < 0 ? 0 : be64toh(mnl_attr_get_u64(attr));
}

static const char *attr_text(const struct nlattr *attr)
{
	return mnl_attr_validate(attr, MNL_TYPE_NUL_STRING) < 0 ? "" : mnl_attr_get_str(attr);
}

static const struct nlattr *find_nested(const struct nlattr *in, uint16_t type)
{
	const struct nlattr *attr;

	mnl_attr_for_each_nested(attr, in)
	{
		if (mnl_attr_get_type(attr) == type)
			return attr;
	}
	return NULL;
}

uint32_t sq_nft_generation(const struct nlmsghdr *header)
{
	const struct nlattr *attr;
	uint32_t generation = 0;

	if (!message_of(header, NFT_MSG_NEWGEN))
		return 0;
	mnl_attr_for_each(attr, header, sizeof(struct nfgenmsg))
	{
		if (mnl_attr_get_type(attr) == NFTA_GEN_ID)
			generation = attr_be32(attr);
	}
	return generation;
}

uint16_t sq_nft_generation16(const struct nlmsghdr *header)
{
	const struct nfgenmsg *msg = mnl_nlmsg_get_payload(header);

	return mnl_nlmsg_get_payload_len(header) < sizeof(*msg) ? 0 : ntohs(msg->res_id);
}

static enum sq_nft_verdict immediate_verdict(const struct nlattr *data)
{
	const struct nlattr *attr = find_nested(data, NFTA_IMMEDIATE_DREG);

	/* A value for another register is no verdict. */
	if (!attr || attr_be32(attr) != NFT_REG_VERDICT)
		return SQ_NFT_NONE;
	attr = find_nested(data, NFTA_IMMEDIATE_DATA);
	attr = attr ? find_nested(attr, NFTA_DATA_VERDICT) : NULL;
	attr = attr ? find_nested(attr, NFTA_VERDICT_CODE) : NULL;
	return attr && attr_be32(attr) == NF_DROP ? SQ_NFT_DROP : SQ_NFT_OTHER;
}

static bool is_reject(const char *name, const struct nlattr *data)
{
	const struct nlattr *target;

	if (strcmp(name, "target") != 0)
		return strcmp(name, "reject") == 0;
	target = find_nested(data, NFTA_TARGET_NAME);
	return target && strcmp(attr_text(target), "REJECT") == 0;
}

static uint32_t nested_be32(const struct nlattr *in, uint16_t type)
{
	const struct nlattr *attr = find_nested(in, type);

	return attr ? attr_be32(attr) : UINT32_MAX;
}

/* Bytes 2 and 3 of a TCP, UDP or SCTP header are the destination port. */
static bool loads_port(const char *name, const struct nlattr *data)
{
	return strcmp(name, "payload") == 0 &&
	       nested_be32(data, NFTA_PAYLOAD_BASE) == NFT_PAYLOAD_TRANSPORT_HEADER &&
	       nested_be32(data, NFTA_PAYLOAD_OFFSET) == 2 &&
	       nested_be32(data, NFTA_PAYLOAD_LEN) == 2;
}

/* What the port must be; 0: not one value. */
static uint16_t compared_port(const char *name, const struct nlattr *data)
{
	const struct nlattr *value = strcmp(name, "cmp") == 0 ? find_nested(data, NFTA_CMP_DATA)
							      : NULL;
	uint16_t port;

	value = value ? find_nested(value, NFTA_DATA_VALUE) : NULL;
	if (!value || nested_be32(data, NFTA_CMP_OP) != NFT_CMP_EQ ||
	    mnl_attr_get_payload_len(value) != sizeof(port))
		return 0;
	memcpy(&port, mnl_attr_get_payload(value), sizeof(port));
	return ntohs(port);
}

static void add_port(struct sq_nft_rule *rule, const char *name, const struct nlattr *data)
{
	uint16_t port = rule->at_port ? compared_port(name, data) : 0;

	rule->port = port ? port : rule->port;
	rule->at_port = loads_port(name, data);
}

static void add_expression(struct sq_nft_rule *rule, const char *name, const struct nlattr *data)
{
	add_port(rule, name, data);
	if (strcmp(name, "counter") == 0) {
		const struct nlattr *packets = find_nested(data, NFTA_COUNTER_PACKETS);

		rule->counted = packets != NULL;
		rule->packets = packets ? attr_be64(packets) : 0;
	} else if (strcmp(name, "immediate") == 0) {
		enum sq_nft_verdict verdict = immediate_verdict(data);

		if (verdict != SQ_NFT_NONE)
			rule->verdict = verdict;
	} else if (is_reject(name, data)) {
		rule->verdict = SQ_NFT_DROP;
	} else if (strcmp(name, "log") != 0) {
		rule->always = false;
		rule->counted = false;
	}
}

static void add_expressions(struct sq_nft_rule *rule, const struct nlattr *list)
{
	const struct nlattr *element;

	mnl_attr_for_each_nested(element, list)
	{
		const struct nlattr *name = find_nested(element, NFTA_EXPR_NAME);
		const struct nlattr *data = find_nested(element, NFTA_EXPR_DATA);

		/* Some have nothing to say of themselves. */
		if (name)
			add_expression(rule, attr_text(name), data ? data : element);
	}
}

bool sq_nft_parse_rule(const struct nlmsghdr *header, struct sq_nft_rule *ret)
{
	const struct nfgenmsg *msg = message_of(header, NFT_MSG_NEWRULE);
	struct sq_nft_rule rule = { .chain = { .table = "", .name = "" }, .always = true };
	const struct nlattr *attr;

	if (!msg)
		return false;
	rule.chain.family = msg->nfgen_family;
	mnl_attr_for_each(attr, header, sizeof(*msg))
	{
		switch (mnl_attr_get_type(attr)) {
		case NFTA_RULE_TABLE:
			rule.chain.table = attr_text(attr);
			break;
		case NFTA_RULE_CHAIN:
			rule.chain.name = attr_text(attr);
			break;
		case NFTA_RULE_HANDLE:
			rule.handle = attr_be64(attr);
			break;
		case NFTA_RULE_EXPRESSIONS:
			add_expressions(&rule, attr);
			break;
		default:
			break;
		}
	}
	*ret = rule;
	return true;
}

bool sq_nft_parse_chain(const struct nlmsghdr *header, struct sq_nft_chain *ret, bool *ret_drops)
{
	const struct nfgenmsg *msg = message_of(header, NFT_MSG_NEWCHAIN);
	struct sq_nft_chain chain = { .table = "", .name = "" };
	bool hooked = false, drops = false;
	const struct nlattr *attr;

	if (!msg)
		return false;
	chain.family = msg->nfgen_family;
	mnl_attr_for_each(attr, header, sizeof(*msg))
	{
		switch (mnl_attr_get_type(attr)) {
		case NFTA_CHAIN_TABLE:
			chain.table = attr_text(attr);
			break;
		case NFTA_CHAIN_NAME:
			chain.name = attr_text(attr);
			break;
		case NFTA_CHAIN_HOOK:
			hooked = true;
			break;
		case NFTA_CHAIN_POLICY:
			drops = mnl_attr_validate(attr, MNL_TYPE_U32) == 0 &&
				attr_be32(attr) == NF_DROP;
			break;
		default:
			break;
		}
	}
	*ret = chain;
	*ret_drops = hooked && drops;
	return true;
}

static const char *family_name(uint8_t family)
{
	static const char *const names[] = {
		[NFPROTO_INET] = "inet",     [NFPROTO_IPV4] = "ip",       [NFPROTO_ARP] = "arp",
		[NFPROTO_NETDEV] = "netdev", [NFPROTO_BRIDGE] = "bridge", [NFPROTO_IPV6] = "ip6",
	};

	return family < sizeof(names) / sizeof(names[0]) && names[family] ? names[family]
									  : "unknown";
}

void sq_nft_text(const struct sq_nft_chain *chain, uint64_t handle, char out[SQ_NFT_TEXT])
{
	snprintf(out, SQ_NFT_TEXT, "%s %s %s %llu", family_name(chain->family), chain->table,
		 chain->name, (unsigned long long)handle);
	/* Names may have any bytes, JSON may not. */
	for (char *p = out; *p; p++)
		if (*p < ' ' || *p > '~')
			*p = '?';
}
