/* DNS messages on the wire: names to and from text, queries, and the first question of a message.
 *
 * Whatever comes from a socket is read with an offset that is checked against the length before
 * each step, and only steps forward: no message can make a reader loop or leave its bytes.
 *
 * A reader would get wrong: a name's octets are compared without case as a whole, lengths and all.
 * That is sound because a length is at most 63, below every letter.  The type and class behind a
 * name are not: 65 (HTTPS) and 97 differ in the bit that tells "A" from "a". */
#include "loadgen/dns/wire.h"

#include <assert.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

enum {
	LABEL_MAX = 63,
	POINTER = 0xc0, /* RFC 1035, 4.1.4; 0x40 and 0x80 are label types that nobody sends */
	TYPE_OPT = 41,
	OPT_DO = 0x8000,
};

/* Those that servers and query files know; the rest is TYPE<n>. */
static const struct {
	uint16_t type;
	const char *name;
} types[] = {
	{ 1, "A" },           { 2, "NS" },     { 5, "CNAME" },       { 6, "SOA" },
	{ 10, "NULL" },       { 11, "WKS" },   { 12, "PTR" },        { 13, "HINFO" },
	{ 14, "MINFO" },      { 15, "MX" },    { 16, "TXT" },        { 17, "RP" },
	{ 18, "AFSDB" },      { 24, "SIG" },   { 25, "KEY" },        { 28, "AAAA" },
	{ 29, "LOC" },        { 30, "NXT" },   { 33, "SRV" },        { 35, "NAPTR" },
	{ 36, "KX" },         { 37, "CERT" },  { 38, "A6" },         { 39, "DNAME" },
	{ TYPE_OPT, "OPT" },  { 42, "APL" },   { 43, "DS" },         { 44, "SSHFP" },
	{ 45, "IPSECKEY" },   { 46, "RRSIG" }, { 47, "NSEC" },       { 48, "DNSKEY" },
	{ 49, "DHCID" },      { 50, "NSEC3" }, { 51, "NSEC3PARAM" }, { 52, "TLSA" },
	{ 53, "SMIMEA" },     { 55, "HIP" },   { 59, "CDS" },        { 60, "CDNSKEY" },
	{ 61, "OPENPGPKEY" }, { 62, "CSYNC" }, { 63, "ZONEMD" },     { 64, "SVCB" },
	{ 65, "HTTPS" },      { 99, "SPF" },   { 108, "EUI48" },     { 109, "EUI64" },
	{ 249, "TKEY" },      { 250, "TSIG" }, { 251, "IXFR" },      { 252, "AXFR" },
	{ 255, "ANY" },       { 256, "URI" },  { 257, "CAA" },
};

static const char *const rcodes[SQ_DNS_RCODES] = {
	"NOERROR", "FORMERR", "SERVFAIL", "NXDOMAIN", "NOTIMP",  "REFUSED", "YXDOMAIN", "YXRRSET",
	"NXRRSET", "NOTAUTH", "NOTZONE",  "RCODE11",  "RCODE12", "RCODE13", "RCODE14",  "RCODE15",
};

/* Not tolower(3), which asks the locale. */
static uint8_t lower(uint8_t c)
{
	return c >= 'A' && c <= 'Z' ? c | 0x20 : c;
}

static bool same_without_case(const uint8_t *a, const uint8_t *b, size_t len)
{
	for (size_t i = 0; i < len; i++)
		if (lower(a[i]) != lower(b[i]))
			return false;
	return true;
}

/* ---- names ---- */

static int name_bad(const char *text, size_t len, const char *what, struct sq_err *err)
{
	return sq_err_set(err, -EINVAL, "name", "\"%.*s\"%s %s", (int)(len < 80 ? len : 80), text,
			  len < 80 ? "" : "...", what);
}

int sq_dns_escape_read(const char *text, size_t len, size_t *at)
{
	int value = 0;

	if (len - *at < 2)
		return -1;
	if (text[*at + 1] < '0' || text[*at + 1] > '9') {
		*at += 1;
		return (uint8_t)text[*at];
	}
	if (len - *at < 4)
		return -1;
	for (size_t i = *at + 1; i <= *at + 3; i++) {
		if (text[i] < '0' || text[i] > '9')
			return -1;
		value = value * 10 + (text[i] - '0');
	}
	*at += 3;
	return value <= 255 ? value : -1;
}

/* One label from text[*at] to a dot or the end, where it leaves *at.  What is wrong, or NULL. */
static const char *label_parse(const char *text, size_t len, size_t *at, struct sq_dns_name *name)
{
	size_t size_at = name->len, n = 0;

	for (; *at < len && text[*at] != '.'; ++*at) {
		int octet = (uint8_t)text[*at];

		if (octet == '\\')
			octet = sq_dns_escape_read(text, len, at);
		else if (octet <= ' ' || octet == 0x7f)
			return "has a blank or a control character; write it as \\DDD, its decimal "
			       "value";
		if (octet == -1)
			return "has a backslash without a character, or a number of three digits "
			       "up to 255, behind it";
		if (++n > LABEL_MAX)
			return "has a label of more than 63 octets";
		if (size_at + n + 2 > SQ_DNS_NAME_MAX) /* the root's 0 is to come */
			return "is longer than 255 octets on the wire";
		name->wire[size_at + n] = (uint8_t)octet;
	}
	if (n == 0)
		return "has an empty label; the root is \".\"";
	name->wire[size_at] = (uint8_t)n;
	name->len = (uint8_t)(size_at + 1 + n);
	return NULL;
}

int sq_dns_name_parse(const char *text, size_t len, struct sq_dns_name *ret, struct sq_err *err)
{
	struct sq_dns_name name = { .len = 0 };
	bool root = len == 1 && text[0] == '.';

	if (len == 0)
		return name_bad(text, len, "is no name; the root is \".\"", err);
	for (size_t at = 0; at < len && !root; at++) {
		const char *wrong = label_parse(text, len, &at, &name);

		if (wrong)
			return name_bad(text, len, wrong, err);
	}
	name.wire[name.len++] = 0;
	*ret = name;
	return 0;
}

static char *octet_format(uint8_t c, char *out)
{
	if (c > ' ' && c < 0x7f) {
		if (strchr(".\\\"();@$", c)) /* with a meaning in zone files */
			*out++ = '\\';
		*out++ = (char)c;
		return out;
	}
	*out++ = '\\';
	*out++ = (char)('0' + c / 100);
	*out++ = (char)('0' + c / 10 % 10);
	*out++ = (char)('0' + c % 10);
	return out;
}

void sq_dns_name_format(const struct sq_dns_name *name, char *out)
{
	const uint8_t *label = name->wire;

	if (*label == 0)
		*out++ = '.';
	for (; *label; label += 1 + *label) {
		for (unsigned i = 1; i <= *label; i++)
			out = octet_format(label[i], out);
		*out++ = '.';
	}
	*out = '\0';
}

bool sq_dns_name_equal(const struct sq_dns_name *a, const struct sq_dns_name *b)
{
	return a->len == b->len && same_without_case(a->wire, b->wire, a->len);
}

bool sq_dns_name_under(const struct sq_dns_name *name, const struct sq_dns_name *zone)
{
	size_t at = 0;

	while (name->len - at > zone->len)
		at += 1 + name->wire[at];
	return name->len - at == zone->len &&
	       same_without_case(name->wire + at, zone->wire, zone->len);
}

/* An uncompressed name at *at, which moves behind it. */
static bool name_read(const uint8_t *msg, size_t len, size_t *at, struct sq_dns_name *ret)
{
	size_t begin = *at, end = begin;

	for (;;) {
		if (end >= len || msg[end] > LABEL_MAX)
			return false;
		if (msg[end] == 0)
			break;
		end += 1 + msg[end];
		if (end - begin >= SQ_DNS_NAME_MAX)
			return false;
	}
	ret->len = (uint8_t)(end + 1 - begin);
	memcpy(ret->wire, msg + begin, ret->len);
	*at = end + 1;
	return true;
}

/* Behind the name at `at`, wherever its pointer leads; 0 when it is cut or none. */
static size_t name_skip(const uint8_t *msg, size_t len, size_t at)
{
	while (at < len && msg[at] <= LABEL_MAX) {
		if (msg[at] == 0)
			return at + 1;
		at += 1 + msg[at];
	}
	return at + 1 < len && (msg[at] & POINTER) == POINTER ? at + 2 : 0;
}

/* ---- types and rcodes ---- */

static bool text_is(const char *text, size_t len, const char *name)
{
	return strlen(name) == len && strncasecmp(text, name, len) == 0;
}

int sq_dns_type_parse(const char *text, size_t len)
{
	int type = 0;

	for (size_t i = 0; i < sizeof(types) / sizeof(*types); i++)
		if (text_is(text, len, types[i].name))
			return types[i].type;
	if (len < 5 || len > 9 || strncasecmp(text, "TYPE", 4) != 0)
		return -EINVAL;
	for (size_t i = 4; i < len; i++) {
		if (text[i] < '0' || text[i] > '9')
			return -EINVAL;
		type = type * 10 + (text[i] - '0');
	}
	return type <= UINT16_MAX ? type : -EINVAL;
}

const char *sq_dns_type_name(uint16_t type, char *out)
{
	for (size_t i = 0; i < sizeof(types) / sizeof(*types); i++)
		if (types[i].type == type)
			return types[i].name;
	snprintf(out, 16, "TYPE%u", type);
	return out;
}

const char *sq_dns_rcode_name(unsigned rcode)
{
	assert(rcode < SQ_DNS_RCODES);
	return rcodes[rcode];
}

int sq_dns_rcode_parse(const char *text)
{
	for (int i = 0; i < SQ_DNS_RCODES; i++)
		if (strcasecmp(text, rcodes[i]) == 0)
			return i;
	return -1;
}

static int hex_digit(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	c = (char)lower((uint8_t)c);
	return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

bool sq_dns_hex_read(const char *text, size_t len, uint8_t *out)
{
	for (size_t i = 0; i + 1 < len; i += 2) {
		int high = hex_digit(text[i]), low = hex_digit(text[i + 1]);

		if (high < 0 || low < 0)
			return false;
		out[i / 2] = (uint8_t)(high << 4 | low);
	}
	return len % 2 == 0;
}

/* ---- messages ---- */

static uint8_t *put16(uint8_t *at, uint16_t v)
{
	sq_dns_put16(at, v);
	return at + 2;
}

uint8_t *sq_dns_edns_write(const struct sq_dns_edns *edns, uint8_t *at)
{
	*at++ = 0; /* the root */
	at = put16(at, TYPE_OPT);
	at = put16(at, edns->udp_size);
	at = put16(at, 0); /* the rcode's upper bits, version 0 */
	at = put16(at, edns->do_bit ? OPT_DO : 0);
	at = put16(at, edns->options_len);
	if (edns->options_len > 0)
		memcpy(at, edns->options, edns->options_len);
	return at + edns->options_len;
}

size_t sq_dns_query_write(const struct sq_dns_question *question, uint16_t flags,
			  const struct sq_dns_edns *edns, uint8_t *out)
{
	bool with_edns = edns && edns->present;
	uint8_t *at = put16(out, 0);

	at = put16(at, flags);
	at = put16(at, 1);
	at = put16(at, 0);
	at = put16(at, 0);
	at = put16(at, with_edns);
	memcpy(at, question->name.wire, question->name.len);
	at = put16(at + question->name.len, question->type);
	at = put16(at, question->class);
	if (with_edns)
		at = sq_dns_edns_write(edns, at);
	return (size_t)(at - out);
}

bool sq_dns_header_read(const uint8_t *msg, size_t len, struct sq_dns_header *ret)
{
	if (len < SQ_DNS_HEADER)
		return false;
	ret->id = sq_dns_get16(msg);
	ret->flags = sq_dns_get16(msg + 2);
	ret->qdcount = sq_dns_get16(msg + 4);
	ret->ancount = sq_dns_get16(msg + 6);
	ret->nscount = sq_dns_get16(msg + 8);
	ret->arcount = sq_dns_get16(msg + 10);
	return true;
}

bool sq_dns_question_read(const uint8_t *msg, size_t len, struct sq_dns_question *ret,
			  size_t *ret_end)
{
	size_t at = SQ_DNS_HEADER;

	if (len < SQ_DNS_HEADER || sq_dns_get16(msg + 4) == 0 ||
	    !name_read(msg, len, &at, &ret->name) || len - at < 4)
		return false;
	ret->type = sq_dns_get16(msg + at);
	ret->class = sq_dns_get16(msg + at + 2);
	*ret_end = at + 4;
	return true;
}

bool sq_dns_question_same(const uint8_t *msg, size_t len, const uint8_t *asked, size_t asked_len)
{
	size_t name_len = asked_len - 4;

	if (len < SQ_DNS_HEADER + asked_len || sq_dns_get16(msg + 4) != 1)
		return false;
	msg += SQ_DNS_HEADER;
	return same_without_case(msg, asked, name_len) &&
	       memcmp(msg + name_len, asked + name_len, 4) == 0;
}

bool sq_dns_edns_read(const uint8_t *msg, size_t len, size_t at, struct sq_dns_edns *ret)
{
	unsigned records;

	*ret = (struct sq_dns_edns){ .present = false };
	if (len < SQ_DNS_HEADER)
		return false;
	records = sq_dns_get16(msg + 6) + sq_dns_get16(msg + 8) + sq_dns_get16(msg + 10);
	for (; records > 0; records--) {
		size_t fixed = name_skip(msg, len, at);

		if (fixed == 0 || len - fixed < 10)
			return false;
		if (sq_dns_get16(msg + fixed) == TYPE_OPT) {
			ret->present = true;
			ret->udp_size = sq_dns_get16(msg + fixed + 2);
			ret->do_bit = sq_dns_get16(msg + fixed + 6) & OPT_DO;
		}
		at = fixed + 10 + sq_dns_get16(msg + fixed + 8);
		if (at > len)
			return false;
	}
	return true;
}
