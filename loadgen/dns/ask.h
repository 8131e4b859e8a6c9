/* What is asked: the questions of a load, from names, a file or a capture, each ready to be sent but
 * for its ID and for what differs from query to query.  Made once before the run; the same for all
 * lanes, and const.
 *
 * The queries of a load are numbered over all its lanes, and take the questions by their numbers:
 * with names "a{1-3}" and "b" they are a1, b, a2, b, a3, b, a1 ... whatever the number of lanes.  So
 * do what varies: shares of types, random labels, the clients of EDNS.  It can be written again when
 * a reply comes, however late. */
#ifndef SQ_LOADGEN_DNS_ASK_H
#define SQ_LOADGEN_DNS_ASK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "base/opt.h"
#include "base/rng.h"
#include "loadgen/dns/edns.h"

enum { SQ_DNS_ASK_MAX = 1 << 22 }; /* questions; they stay in memory, about 60 bytes each */

/* What is offered when DO needs an OPT record and nobody named a size: what passes nearly every path
 * unfragmented ("DNS flag day 2020"). */
enum { SQ_DNS_EDNS_DEFAULT = 1232 };

struct sq_dns_ask_spec {
	const char *file;               /* "name type" lines as dnsperf reads them, or a capture */
	uint16_t pcap_port;             /* of a capture: where its queries went */
	const char *updates;            /* a file of updates, as dnsperf reads it */
	const struct sq_strings *names; /* patterns (base/pattern.h); exactly one of the three */
	const char *type;               /* of the names; loadgen/dns/types.h */
	bool recursion, dnssec;
	uint16_t edns; /* the UDP size that is offered; 0: no EDNS, unless something needs it */
	struct sq_dns_edns_spec options;
	double zipf;   /* the exponent that sq_dns_ask_popular is to have; 0: it is not used */
	uint64_t salt; /* other random labels, clients and cookie */
};

/* One as it is sent, with ID 0; the question is bytes 12 to 12 + question_len of it.  Borrowed. */
struct sq_dns_asked {
	const uint8_t *query;
	uint16_t len, question_len;
};

struct sq_dns_ask;

/* NULL with err: -EINVAL, or that of a file that cannot be read. */
struct sq_dns_ask *sq_dns_ask_new(const struct sq_dns_ask_spec *spec, struct sq_err *err);
struct sq_dns_ask *sq_dns_ask_free(struct sq_dns_ask *ask);

/* The index of the question that a query of this number asks, or of any one: each name of the
 * list, or the file, is as likely as the other, and so is each question within it.  Or one by its
 * popularity (loadgen/dns/popular.h): its rank is its place in all that is asked. */
uint32_t sq_dns_ask_turn(const struct sq_dns_ask *ask, uint64_t number);
uint32_t sq_dns_ask_random(const struct sq_dns_ask *ask, struct sq_rng *rng);
uint32_t sq_dns_ask_popular(const struct sq_dns_ask *ask, struct sq_rng *rng);

uint32_t sq_dns_ask_count(const struct sq_dns_ask *ask);
/* The query of this number that asks question index; in scratch, of SQ_DNS_QUERY_MAX bytes, when
 * something of it follows from the number. */
struct sq_dns_asked sq_dns_ask_get(const struct sq_dns_ask *ask, uint32_t index, uint64_t number,
				   uint8_t *scratch);

#endif
