/* Rules and chains of nf_tables, as far as they drop packets. */
#ifndef SQ_ANALYZERS_KERNEL_NFT_H
#define SQ_ANALYZERS_KERNEL_NFT_H

#include <stdbool.h>
#include <stdint.h>

#include "analyzers/kernel/netlink.h"

/* Which chain: of a family (NFPROTO_INET ...), in a table.  The texts are the message's, and live as
 * long as it does. */
struct sq_nft_chain {
	uint8_t family;
	const char *table, *name;
};

enum sq_nft_verdict {
	SQ_NFT_NONE, /* the next rule, or the chain's policy, is asked */
	SQ_NFT_DROP, /* or reject */
	SQ_NFT_OTHER,
};

struct sq_nft_rule {
	struct sq_nft_chain chain;
	uint64_t handle; /* its number in the table, never used again */
	enum sq_nft_verdict verdict;
	bool always;      /* it has no condition */
	bool counted;     /* a counter of its own says how many packets met all conditions */
	uint64_t packets; /* that counter */
	uint16_t port;    /* the one destination port that it is about; 0: any, or several */
	bool at_port;     /* while it is parsed: the register has the packet's destination port */
};

/* A request in a header that mnl_nlmsg_put_header has begun in a buffer of SQ_NFT_REQUEST bytes:
 * NFT_MSG_GETGEN, or a dump by NFT_MSG_GETCHAIN of all chains or by NFT_MSG_GETRULE of all rules,
 * or of one chain's. */
enum { SQ_NFT_REQUEST = 1024 };
void sq_nft_request(struct nlmsghdr *header, uint8_t message, const struct sq_nft_chain *chain);

/* The generation of the rules, which each change to them makes a new one: whole from an answer to
 * NFT_MSG_GETGEN (0: it is none), and 16 bits of it from every message. */
uint32_t sq_nft_generation(const struct nlmsghdr *header);
uint16_t sq_nft_generation16(const struct nlmsghdr *header);

/* False for a message that isn't one. */
bool sq_nft_parse_rule(const struct nlmsghdr *header, struct sq_nft_rule *ret);
/* *ret_drops: it is hooked into the packets' way, and drops what no rule of it has decided on. */
bool sq_nft_parse_chain(const struct nlmsghdr *header, struct sq_nft_chain *ret, bool *ret_drops);

/* "inet filter output 4" */
enum { SQ_NFT_TEXT = 600 };
void sq_nft_text(const struct sq_nft_chain *chain, uint64_t handle, char out[SQ_NFT_TEXT]);

#endif
