/* The EDNS options of a load's queries (RFC 6891), and what of them differs from query to query. */
#ifndef SQ_LOADGEN_DNS_EDNS_H
#define SQ_LOADGEN_DNS_EDNS_H

#include <stdbool.h>
#include <stdint.h>

#include "base/err.h"
#include "base/opt.h"
#include "loadgen/dns/wire.h"
#include "scenarios/cidr.h"

struct sq_dns_edns_spec {
	bool nsid, cookie;
	const char *ecs;                  /* a range of clients' addresses; NULL: none */
	int64_t ecs_bits;                 /* of each; SQ_OPT_UNSET: 24, or 56 of IPv6 */
	const struct sq_strings *options; /* "code:hex" */
};

struct sq_dns_edns_options {
	uint8_t bytes[SQ_DNS_EDNS_OPTIONS];
	uint16_t len;
	uint16_t ecs_len; /* bytes of the client's address, the last of all; 0: none */
	unsigned ecs_bits;
	struct sq_cidr ecs;
};

/* -EINVAL with err.  salt: what the cookie is made of. */
int sq_dns_edns_options_make(const struct sq_dns_edns_spec *spec, uint64_t salt,
			     struct sq_dns_edns_options *ret, struct sq_err *err);

/* Writes a client's address of the range, chosen by random bits, to the ecs_len bytes at `at`. */
void sq_dns_edns_client(const struct sq_dns_edns_options *options, uint64_t random, uint8_t *at);

#endif
