/* EDNS options as they stand behind one another in an OPT record.  The client subnet (RFC 7871) is
 * the last one: its address, which differs from query to query, is then the end of the query.
 *
 * What a reader would get wrong: the address has only as many bytes as its prefix needs, and the
 * bits of the last one that lie beyond it must be 0, or a server answers FORMERR (RFC 7871, 6). */
#include "loadgen/dns/edns.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/rng.h"

enum {
	OPTION_NSID = 3, /* RFC 5001 */
	OPTION_ECS = 8,
	OPTION_COOKIE = 10, /* RFC 7873 */
	COOKIE_SIZE = 8,    /* the client's part */
	ECS_FIXED = 4,      /* family and two prefix lengths */
	ECS_BITS_IPV4 = 24,
	ECS_BITS_IPV6 = 56,
};

/* Room for an option's data; NULL when there is none left. */
static uint8_t *option_add(struct sq_dns_edns_options *o, uint16_t code, size_t len)
{
	uint8_t *at = o->bytes + o->len;

	if (len + 4 > sizeof(o->bytes) - o->len)
		return NULL;
	sq_dns_put16(at, code);
	sq_dns_put16(at + 2, (uint16_t)len);
	o->len = (uint16_t)(o->len + 4 + len);
	return at + 4;
}

/* "65001:c0ffee", as dnsperf's -E; nothing behind the colon is an option without data. */
static int custom_add(struct sq_dns_edns_options *o, const char *text, struct sq_err *err)
{
	static const char where[] = "dns: edns_options";
	char *colon;
	unsigned long code = strtoul(text, &colon, 10);
	size_t digits;
	uint8_t *data;

	if (*text < '0' || *text > '9' || *colon != ':' || code > UINT16_MAX)
		return sq_err_set(err, -EINVAL, where,
				  "\"%s\" is no option; write its number and its data in hex, as "
				  "65001:c0ffee",
				  text);
	digits = strlen(colon + 1);
	if (digits / 2 > sizeof(o->bytes) || !(data = option_add(o, (uint16_t)code, digits / 2)))
		return sq_err_set(err, -EINVAL, where,
				  "the options are longer than %d bytes; leave some out",
				  SQ_DNS_EDNS_OPTIONS);
	if (!sq_dns_hex_read(colon + 1, digits, data))
		return sq_err_set(err, -EINVAL, where,
				  "\"%s\" has data that is not hex; write two digits for each byte",
				  text);
	return 0;
}

static int ecs_parse(const struct sq_dns_edns_spec *spec, struct sq_dns_edns_options *o,
		     struct sq_err *err)
{
	unsigned usual;

	if (sq_cidr_parse(spec->ecs, &o->ecs) < 0)
		return sq_err_set(err, -EINVAL, "dns: ecs",
				  "\"%s\" is no range of addresses; write 198.51.100.0/24 or "
				  "2001:db8::/32",
				  spec->ecs);
	sq_cidr_mask(&o->ecs);
	usual = o->ecs.ip.family == AF_INET ? ECS_BITS_IPV4 : ECS_BITS_IPV6;
	o->ecs_bits = usual > o->ecs.bits ? usual : o->ecs.bits;
	if (spec->ecs_bits == SQ_OPT_UNSET)
		return 0;
	if (spec->ecs_bits < o->ecs.bits || spec->ecs_bits > sq_ip_bits(&o->ecs.ip))
		return sq_err_set(err, -EINVAL, "dns: ecs_bits",
				  "%d bits do not name an address of %s; write %u to %u",
				  (int)spec->ecs_bits, spec->ecs, o->ecs.bits,
				  sq_ip_bits(&o->ecs.ip));
	o->ecs_bits = (unsigned)spec->ecs_bits;
	return 0;
}

static int ecs_add(const struct sq_dns_edns_spec *spec, struct sq_dns_edns_options *o,
		   struct sq_err *err)
{
	int rc = ecs_parse(spec, o, err);
	uint8_t *data;

	if (rc < 0)
		return rc;
	o->ecs_len = (uint16_t)((o->ecs_bits + 7) / 8);
	data = option_add(o, OPTION_ECS, ECS_FIXED + (size_t)o->ecs_len);
	if (!data)
		return sq_err_set(err, -EINVAL, "dns: edns_options",
				  "the options leave no room for ecs; leave some out");
	sq_dns_put16(data, o->ecs.ip.family == AF_INET ? 1 : 2);
	data[2] = (uint8_t)o->ecs_bits;
	data[3] = 0; /* the scope is the server's to say */
	memcpy(data + ECS_FIXED, o->ecs.ip.bytes, o->ecs_len);
	return 0;
}

int sq_dns_edns_options_make(const struct sq_dns_edns_spec *spec, uint64_t salt,
			     struct sq_dns_edns_options *ret, struct sq_err *err)
{
	struct sq_rng rng;
	uint64_t cookie;
	uint8_t *data;
	int rc = 0;

	*ret = (struct sq_dns_edns_options){ .len = 0 };
	if (spec->nsid)
		option_add(ret, OPTION_NSID, 0);
	if (spec->cookie) {
		sq_rng_init(&rng, salt, OPTION_COOKIE);
		cookie = sq_rng_u64(&rng);
		data = option_add(ret, OPTION_COOKIE, COOKIE_SIZE);
		assert(data); /* the first ones have room */
		memcpy(data, &cookie, COOKIE_SIZE);
	}
	for (size_t i = 0; spec->options && i < spec->options->n && rc == 0; i++)
		rc = custom_add(ret, spec->options->v[i], err);
	return rc == 0 && spec->ecs ? ecs_add(spec, ret, err) : rc;
}

void sq_dns_edns_client(const struct sq_dns_edns_options *options, uint64_t random, uint8_t *at)
{
	unsigned n = options->ecs_bits - options->ecs.bits;

	memcpy(at, options->ecs.ip.bytes, options->ecs_len);
	/* More bits than a number has: the lowest stay 0. */
	for (unsigned i = 0; i < n && i < 64; i++) {
		unsigned bit = options->ecs.bits + i;

		if (random >> (63 - i) & 1)
			at[bit / 8] |= (uint8_t)(0x80 >> bit % 8);
	}
}
