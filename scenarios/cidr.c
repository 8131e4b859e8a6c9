/* Addresses and ranges, both families in one struct of 16 bytes.  inet_pton(3) is strict: it takes
 * neither "10.1" nor "010.0.0.1", which other parsers read as other addresses than a person does. */
#include "scenarios/cidr.h"

#include <arpa/inet.h>

#include <errno.h>
#include <stdio.h>
#include <string.h>

static const uint8_t mapped_prefix[12] = { 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff };

static void set_v6(struct sq_ip *ip, const uint8_t bytes[16])
{
	*ip = (struct sq_ip){ 0 };
	if (memcmp(bytes, mapped_prefix, sizeof(mapped_prefix)) == 0) {
		ip->family = AF_INET;
		memcpy(ip->bytes, bytes + 12, 4);
	} else {
		ip->family = AF_INET6;
		memcpy(ip->bytes, bytes, 16);
	}
}

int sq_ip_parse(const char *text, struct sq_ip *ret)
{
	uint8_t bytes[16];

	if (inet_pton(AF_INET, text, bytes) == 1) {
		*ret = (struct sq_ip){ .family = AF_INET };
		memcpy(ret->bytes, bytes, 4);
		return 0;
	}
	if (inet_pton(AF_INET6, text, bytes) != 1)
		return -EINVAL;
	set_v6(ret, bytes);
	return 0;
}

int sq_ip_from_sockaddr(const struct sockaddr *addr, struct sq_ip *ret)
{
	if (addr->sa_family == AF_INET) {
		*ret = (struct sq_ip){ .family = AF_INET };
		memcpy(ret->bytes, &((const struct sockaddr_in *)(const void *)addr)->sin_addr, 4);
		return 0;
	}
	if (addr->sa_family != AF_INET6)
		return -EAFNOSUPPORT;
	set_v6(ret, ((const struct sockaddr_in6 *)(const void *)addr)->sin6_addr.s6_addr);
	return 0;
}

void sq_ip_format(const struct sq_ip *ip, char out[INET6_ADDRSTRLEN])
{
	inet_ntop(ip->family, ip->bytes, out, INET6_ADDRSTRLEN);
}

/* Up to three digits, no sign, no leading zero. */
static int parse_bits(const char *text, unsigned *ret)
{
	unsigned bits = 0;
	size_t len = strlen(text);

	if (len < 1 || len > 3 || (text[0] == '0' && len > 1))
		return -EINVAL;
	for (; *text; text++) {
		if (*text < '0' || *text > '9')
			return -EINVAL;
		bits = bits * 10 + (unsigned)(*text - '0');
	}
	*ret = bits;
	return 0;
}

int sq_cidr_parse(const char *text, struct sq_cidr *ret)
{
	const char *slash = strchr(text, '/');
	char address[INET6_ADDRSTRLEN];
	struct sq_cidr made;

	if (!slash || (size_t)(slash - text) >= sizeof(address))
		return -EINVAL;
	memcpy(address, text, (size_t)(slash - text));
	address[slash - text] = '\0';
	if (sq_ip_parse(address, &made.ip) < 0 || parse_bits(slash + 1, &made.bits) < 0)
		return -EINVAL;
	/* ::ffff:10.0.0.0/104 is 10.0.0.0/8; a shorter prefix than /96 would be more than IPv4. */
	if (made.ip.family == AF_INET && strchr(address, ':')) {
		if (made.bits < 96)
			return -EINVAL;
		made.bits -= 96;
	}
	if (made.bits > sq_ip_bits(&made.ip))
		return -EINVAL;
	*ret = made;
	return 0;
}

static bool same_prefix(const struct sq_ip *a, const struct sq_ip *b, unsigned bits)
{
	unsigned whole = bits / 8, rest = bits % 8;

	if (a->family != b->family || memcmp(a->bytes, b->bytes, whole) != 0)
		return false;
	return !rest || ((a->bytes[whole] ^ b->bytes[whole]) >> (8 - rest)) == 0;
}

bool sq_cidr_has(const struct sq_cidr *range, const struct sq_ip *ip)
{
	return same_prefix(&range->ip, ip, range->bits);
}

bool sq_cidr_is_broadcast(const struct sq_cidr *range, const struct sq_ip *ip)
{
	if (ip->family != AF_INET || range->bits > 30 || !sq_cidr_has(range, ip))
		return false;
	for (unsigned bit = range->bits; bit < 32; bit++)
		if (!(ip->bytes[bit / 8] & 0x80 >> bit % 8))
			return false;
	return true;
}

bool sq_cidr_overlap(const struct sq_cidr *a, const struct sq_cidr *b)
{
	return same_prefix(&a->ip, &b->ip, a->bits < b->bits ? a->bits : b->bits);
}

bool sq_cidr_mask(struct sq_cidr *c)
{
	bool any = false;

	for (unsigned bit = c->bits; bit < sq_ip_bits(&c->ip); bit++) {
		uint8_t mask = (uint8_t)(0x80 >> bit % 8);

		any = any || (c->ip.bytes[bit / 8] & mask);
		c->ip.bytes[bit / 8] &= (uint8_t)~mask;
	}
	return any;
}

struct sq_ip sq_ip_nth(const struct sq_ip *first, uint32_t n)
{
	struct sq_ip ip = *first;
	uint64_t carry = n;

	for (unsigned i = sq_ip_bits(&ip) / 8; i > 0 && carry; i--) {
		carry += ip.bytes[i - 1];
		ip.bytes[i - 1] = (uint8_t)carry;
		carry >>= 8;
	}
	return ip;
}

bool sq_ip_equal(const struct sq_ip *a, const struct sq_ip *b)
{
	return same_prefix(a, b, sq_ip_bits(a));
}

bool sq_ip_is_loopback(const struct sq_ip *ip)
{
	static const uint8_t v6[16] = { [15] = 1 };

	if (ip->family == AF_INET)
		return ip->bytes[0] == 127;
	return memcmp(ip->bytes, v6, sizeof(v6)) == 0;
}

bool sq_ip_is_unspecified(const struct sq_ip *ip)
{
	static const uint8_t zero[16] = { 0 };

	/* All of 0.0.0.0/8 is "this network" (RFC 1122, section 3.2.1.3). */
	if (ip->family == AF_INET)
		return ip->bytes[0] == 0;
	return memcmp(ip->bytes, zero, sizeof(zero)) == 0;
}

bool sq_ip_is_group(const struct sq_ip *ip)
{
	static const uint8_t broadcast[4] = { 255, 255, 255, 255 };

	if (ip->family == AF_INET6)
		return ip->bytes[0] == 0xff;
	return (ip->bytes[0] & 0xf0) == 0xe0 || memcmp(ip->bytes, broadcast, 4) == 0;
}

int64_t sq_ip_distance(const struct sq_ip *a, const struct sq_ip *b)
{
	int64_t d = 0;

	for (unsigned i = 0; i < sq_ip_bits(a) / 8 && d < SQ_IP_FAR && d > -SQ_IP_FAR; i++)
		d = d * 256 + b->bytes[i] - a->bytes[i];
	return d;
}

int sq_addresses_parse(const char *text, struct sq_addresses *ret)
{
	const char *dash = strchr(text, '-');
	char first[INET6_ADDRSTRLEN];
	struct sq_addresses a = { .n = 1 };
	struct sq_cidr last;
	int64_t distance;

	if (sq_cidr_parse(dash ? dash + 1 : text, &last) < 0)
		return -EINVAL;
	a.first = last.ip;
	a.bits = last.bits;
	if (dash) {
		if ((size_t)(dash - text) >= sizeof(first))
			return -EINVAL;
		snprintf(first, sizeof(first), "%.*s", (int)(dash - text), text);
		if (sq_ip_parse(first, &a.first) < 0 || a.first.family != last.ip.family)
			return -EINVAL;
		distance = sq_ip_distance(&a.first, &last.ip);
		if (distance < 0 || distance >= SQ_ADDRESSES_MAX)
			return -EINVAL;
		a.n = (uint32_t)distance + 1;
	}
	*ret = a;
	return 0;
}

bool sq_addresses_has(const struct sq_addresses *a, const struct sq_ip *ip)
{
	int64_t distance;

	if (a->first.family != ip->family)
		return false;
	distance = sq_ip_distance(&a->first, ip);
	return distance >= 0 && distance < a->n;
}
