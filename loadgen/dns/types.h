/* The types that a load asks for: "A", or shares of several, "A:70,AAAA:25,MX:5". */
#ifndef SQ_LOADGEN_DNS_TYPES_H
#define SQ_LOADGEN_DNS_TYPES_H

#include <stddef.h>
#include <stdint.h>

#include "base/err.h"

enum { SQ_DNS_TYPES_MAX = 64, SQ_DNS_TURNS_MAX = 65536 };

/* One round: the type of each of its queries.  n is 1 for a single type. */
struct sq_dns_types {
	uint16_t *turn;
	uint32_t n;
};

/* -EINVAL for what is no type or no share.  Free with sq_dns_types_fini. */
int sq_dns_types_parse(const char *text, struct sq_dns_types *ret, struct sq_err *err);
void sq_dns_types_fini(struct sq_dns_types *types);

/* The type's number, or -EINVAL with err at `where`. */
int sq_dns_type_need(const char *text, size_t len, const char *where, struct sq_err *err);

#endif
