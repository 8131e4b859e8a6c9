/* Addresses and address ranges as people write them. */
#ifndef SQ_SCENARIOS_CIDR_H
#define SQ_SCENARIOS_CIDR_H

#include <netinet/in.h>
#include <sys/socket.h>

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* An IPv4 or IPv6 address.  An IPv4 address mapped into IPv6 (::ffff:10.0.0.1) is never kept as
 * such: it is the IPv4 address, so that it can't slip past a range of those. */
struct sq_ip {
	int family; /* AF_INET, AF_INET6 */
	uint8_t bytes[16];
};

struct sq_cidr {
	struct sq_ip ip;
	unsigned bits;
};

static inline unsigned sq_ip_bits(const struct sq_ip *ip)
{
	return ip->family == AF_INET ? 32 : 128;
}

/* 0 or -EINVAL.  Numbers only, no names, no zone. */
int sq_ip_parse(const char *text, struct sq_ip *ret);
/* 0, or -EAFNOSUPPORT for what is no IP. */
int sq_ip_from_sockaddr(const struct sockaddr *addr, struct sq_ip *ret);
void sq_ip_format(const struct sq_ip *ip, char out[INET6_ADDRSTRLEN]);

/* "198.18.0.1/16": an address and its prefix, bits beyond the prefix allowed.  -EINVAL. */
int sq_cidr_parse(const char *text, struct sq_cidr *ret);

bool sq_cidr_has(const struct sq_cidr *range, const struct sq_ip *ip);
/* The all-ones address of an IPv4 subnet that has one (RFC 3021: /31 and /32 have none). */
bool sq_cidr_is_broadcast(const struct sq_cidr *range, const struct sq_ip *ip);
bool sq_cidr_overlap(const struct sq_cidr *a, const struct sq_cidr *b);
/* Clears the bits beyond the prefix; whether there were any. */
bool sq_cidr_mask(struct sq_cidr *c);

/* The address that stands n after another; beyond the last one it begins anew. */
struct sq_ip sq_ip_nth(const struct sq_ip *first, uint32_t n);

/* How far b is behind a; beyond SQ_IP_FAR in either direction the number says no more than that. */
#define SQ_IP_FAR (INT64_C(1) << 32)
int64_t sq_ip_distance(const struct sq_ip *a, const struct sq_ip *b);

/* A host's addresses on a link: "198.18.7.1/16", or "198.18.64.1-198.18.73.254/16" for all from the
 * first to the last. */
struct sq_addresses {
	struct sq_ip first;
	uint32_t n;
	unsigned bits;
};
enum { SQ_ADDRESSES_MAX = 65536 };
/* -EINVAL, also for more of them than SQ_ADDRESSES_MAX. */
int sq_addresses_parse(const char *text, struct sq_addresses *ret);
bool sq_addresses_has(const struct sq_addresses *a, const struct sq_ip *ip);

bool sq_ip_equal(const struct sq_ip *a, const struct sq_ip *b);
bool sq_ip_is_loopback(const struct sq_ip *ip);
/* 0.0.0.0 and ::, the broadcast address, multicast: nothing of which one server answers. */
bool sq_ip_is_unspecified(const struct sq_ip *ip);
bool sq_ip_is_group(const struct sq_ip *ip);

#endif
