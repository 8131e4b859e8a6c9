/* The addresses that a load comes from: kept as ranges, so that 2^20 of them cost no more than one. */
#ifndef SQ_SCENARIOS_SOURCES_H
#define SQ_SCENARIOS_SOURCES_H

#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "scenarios/cidr.h"

enum { SQ_SOURCES_MAX = 1 << 20 }; /* of one load */

struct sq_source_range {
	struct sq_ip first;
	uint32_t before; /* how many addresses stand before it */
};

struct sq_sources {
	struct sq_source_range *v;
	size_t n;
	uint32_t count; /* addresses in all; 0: the kernel's choice */
};

/* Adds "198.18.1.1", "198.18.1.1-198.18.1.250" or "198.18.64.0/18": all addresses of a prefix, but
 * for the first and the last of an IPv4 subnet that has a broadcast address.  -EINVAL for what is
 * none of these, for another family than the first one's, and beyond SQ_SOURCES_MAX. */
int sq_sources_add(struct sq_sources *s, const char *text, const char *where, struct sq_err *err);
void sq_sources_fini(struct sq_sources *s);

/* Address number i, taken modulo their count, which must not be 0. */
struct sq_ip sq_sources_nth(const struct sq_sources *s, uint64_t i);

#endif
