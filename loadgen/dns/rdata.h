/* A record's data from text to the wire, for updates. */
#ifndef SQ_LOADGEN_DNS_RDATA_H
#define SQ_LOADGEN_DNS_RDATA_H

#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "loadgen/dns/wire.h"

/* A name as in a zone's file: without a last dot it is relative to the zone, "@" is the zone. */
int sq_dns_name_relative(const char *text, size_t len, const struct sq_dns_name *zone,
			 const char *where, struct sq_dns_name *ret, struct sq_err *err);

/* "10 mail" of an MX; "\# 4 c0000201" of any type (RFC 3597).  Its length in out, of size bytes, or
 * -EINVAL with err at `where`. */
int sq_dns_rdata_parse(uint16_t type, const char *text, const struct sq_dns_name *zone,
		       const char *where, uint8_t *out, size_t size, struct sq_err *err);

#endif
