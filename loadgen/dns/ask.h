/* What is asked: the questions of a load, from a file or from patterns, each ready to be sent but
 * for its ID.  Made once before the run; the same for all lanes, and const.
 *
 * The queries of a load are numbered over all its lanes, and take the questions by their numbers:
 * with names "a{1-3}" and "b" they are a1, b, a2, b, a3, b, a1 ... whatever the number of lanes. */
#ifndef SQ_LOADGEN_DNS_ASK_H
#define SQ_LOADGEN_DNS_ASK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "base/opt.h"
#include "base/rng.h"

enum { SQ_DNS_ASK_MAX = 1 << 22 }; /* questions; they stay in memory, about 60 bytes each */

/* What is offered when DO needs an OPT record and nobody named a size: what passes nearly every path
 * unfragmented ("DNS flag day 2020"). */
enum { SQ_DNS_EDNS_DEFAULT = 1232 };

struct sq_dns_ask_spec {
	const char *file;               /* "name type" lines as dnsperf reads them; NULL: none */
	const struct sq_strings *names; /* patterns (base/pattern.h); exactly one of the two */
	const char *type;               /* of the names */
	bool recursion, dnssec;
	uint16_t edns; /* the UDP size that is offered; 0: no EDNS, unless dnssec needs it */
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
 * list, or the file, is as likely as the other, and so is each question within it. */
uint32_t sq_dns_ask_turn(const struct sq_dns_ask *ask, uint64_t number);
uint32_t sq_dns_ask_random(const struct sq_dns_ask *ask, struct sq_rng *rng);

uint32_t sq_dns_ask_count(const struct sq_dns_ask *ask);
/* The query of this number that asks question index.  What differs from query to query of one
 * question follows from the number, and is written to scratch, of SQ_DNS_QUERY_MAX bytes. */
struct sq_dns_asked sq_dns_ask_get(const struct sq_dns_ask *ask, uint32_t index, uint64_t number,
				   uint8_t *scratch);

#endif
