/* Record data by a form for each type, a letter for each field:
 *
 *   4 6       an address
 *   w l       a number of 16 or 32 bits
 *   n         a name
 *   s         character strings, all that are left (RFC 1035, 3.3)
 *
 * Types without a form are written as \# LENGTH HEX, which every type may be. */
#include "loadgen/dns/rdata.h"

#include <arpa/inet.h>

#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "loadgen/dns/ask_private.h"

enum { STRING_MAX = 255 };

static const struct {
	const char *type, *form;
} forms[] = {
	{ "A", "4" },   { "AAAA", "6" },      { "NS", "n" },     { "CNAME", "n" },
	{ "PTR", "n" }, { "DNAME", "n" },     { "MX", "wn" },    { "TXT", "s" },
	{ "SPF", "s" }, { "HINFO", "s" },     { "RP", "nn" },    { "AFSDB", "wn" },
	{ "KX", "wn" }, { "SOA", "nnlllll" }, { "SRV", "wwwn" },
};

struct rdata {
	const char *text; /* what is left */
	const struct sq_dns_name *zone;
	const char *where;
	uint8_t *out;
	size_t size, len;
	struct sq_err *err;
};

static int fail(struct rdata *r, const char *what)
{
	return sq_err_set(r->err, -EINVAL, r->where, "%s", what);
}

static int add(struct rdata *r, const void *data, size_t len)
{
	if (len > r->size - r->len)
		return fail(r, "the record does not fit into an update of one datagram");
	memcpy(r->out + r->len, data, len);
	r->len += len;
	return 0;
}

/* ---- names ---- */

static bool is_absolute(const char *text, size_t len)
{
	size_t backslashes = 0;

	if (text[len - 1] != '.')
		return false;
	while (backslashes + 1 < len && text[len - 2 - backslashes] == '\\')
		backslashes++;
	return backslashes % 2 == 0;
}

int sq_dns_name_relative(const char *text, size_t len, const struct sq_dns_name *zone,
			 const char *where, struct sq_dns_name *ret, struct sq_err *err)
{
	struct sq_dns_name name;
	int rc;

	if (len == 1 && *text == '@') {
		*ret = *zone;
		return 0;
	}
	rc = sq_dns_name_need(text, len, where, &name, err);
	if (rc == 0 && !is_absolute(text, len)) {
		if (name.len - 1 + zone->len > SQ_DNS_NAME_MAX)
			return sq_err_set(err, -EINVAL, where,
					  "the name is longer than 255 octets with its zone");
		memcpy(name.wire + name.len - 1, zone->wire, zone->len);
		name.len = (uint8_t)(name.len - 1 + zone->len);
	}
	if (rc == 0)
		*ret = name;
	return rc;
}

/* ---- fields ---- */

static int add_address(struct rdata *r, int family)
{
	char text[INET6_ADDRSTRLEN];
	uint8_t bytes[16];
	const char *word;
	size_t len = sq_dns_word_next(&r->text, &word);

	if (len > 0 && len < sizeof(text)) {
		memcpy(text, word, len);
		text[len] = '\0';
		if (inet_pton(family, text, bytes) == 1)
			return add(r, bytes, family == AF_INET ? 4 : 16);
	}
	return fail(r, family == AF_INET ? "expected an IPv4 address, such as 192.0.2.1"
					 : "expected an IPv6 address, such as 2001:db8::1");
}

static int read_number(struct rdata *r, uint64_t max, uint64_t *ret)
{
	const char *word;
	size_t len = sq_dns_word_next(&r->text, &word);
	uint64_t v = 0;

	for (size_t i = 0; i < len; i++) {
		if (word[i] < '0' || word[i] > '9' || v > max)
			return fail(r, "expected a number in the record's data");
		v = v * 10 + (uint64_t)(word[i] - '0');
	}
	if (len == 0 || v > max)
		return fail(r, len ? "a number in the record's data is too large"
				   : "expected a number in the record's data");
	*ret = v;
	return 0;
}

static int add_number(struct rdata *r, unsigned bytes)
{
	uint8_t wire[4];
	uint64_t v = 0;
	int rc = read_number(r, (UINT64_C(1) << bytes * 8) - 1, &v);

	if (rc < 0)
		return rc;
	for (unsigned i = 0; i < bytes; i++)
		wire[i] = (uint8_t)(v >> (bytes - 1 - i) * 8);
	return add(r, wire, bytes);
}

static int add_name(struct rdata *r)
{
	struct sq_dns_name name = { .len = 0 };
	const char *word;
	size_t len = sq_dns_word_next(&r->text, &word);
	int rc;

	if (len == 0)
		return fail(r, "expected a name in the record's data");
	rc = sq_dns_name_relative(word, len, r->zone, r->where, &name, r->err);
	return rc < 0 ? rc : add(r, name.wire, name.len);
}

/* A word, or what stands between quotes, with escapes.  Moves r->text behind it. */
static int add_string(struct rdata *r, const char *text)
{
	uint8_t wire[1 + STRING_MAX];
	bool quoted = *text == '"';
	const char *end = quoted ? "\"" : " \t\r\n\f\v";
	size_t n = 0;

	for (text += quoted; *text && !strchr(end, *text); text++) {
		int octet = (uint8_t)*text;
		size_t at = 0;

		if (octet == '\\')
			octet = sq_dns_escape_read(text, strcspn(text, "\r\n"), &at);
		if (octet == -1)
			return fail(r, "a text has a backslash without a character, or a number of "
				       "three digits up to 255, behind it");
		text += at;
		if (n == STRING_MAX)
			return fail(r, "a text is longer than 255 octets; write it as several");
		wire[++n] = (uint8_t)octet;
	}
	if (quoted && *text != '"')
		return fail(r, "a text has no second quotation mark");
	r->text = text + quoted;
	wire[0] = (uint8_t)n;
	return add(r, wire, n + 1);
}

static int add_strings(struct rdata *r)
{
	int rc;

	do {
		const char *word;

		if (sq_dns_word_next(&r->text, &word) == 0)
			return fail(r, "expected a text in the record's data");
		rc = add_string(r, word);
		r->text += strspn(r->text, " \t\r\n\f\v");
	} while (rc == 0 && *r->text);
	return rc;
}

static int add_field(struct rdata *r, char field)
{
	switch (field) {
	case '4':
		return add_address(r, AF_INET);
	case '6':
		return add_address(r, AF_INET6);
	case 'w':
		return add_number(r, 2);
	case 'l':
		return add_number(r, 4);
	case 'n':
		return add_name(r);
	default:
		return add_strings(r);
	}
}

/* ---- any type ---- */

static int add_unknown(struct rdata *r)
{
	uint64_t len = 0;
	const char *word;
	size_t digits;
	int rc = read_number(r, UINT16_MAX, &len);

	while (rc == 0 && (digits = sq_dns_word_next(&r->text, &word)) > 0) {
		uint8_t bytes[SQ_DNS_QUERY_MAX];

		if (digits / 2 > sizeof(bytes) || !sq_dns_hex_read(word, digits, bytes))
			return fail(r, "expected hex, two digits for each byte, behind the length");
		rc = add(r, bytes, digits / 2);
	}
	return rc == 0 && r->len != len ? fail(r, "the hex is not as long as it says") : rc;
}

static const char *form_of(uint16_t type)
{
	char name[16];

	for (size_t i = 0; i < sizeof(forms) / sizeof(*forms); i++)
		if (strcmp(sq_dns_type_name(type, name), forms[i].type) == 0)
			return forms[i].form;
	return NULL;
}

int sq_dns_rdata_parse(uint16_t type, const char *text, const struct sq_dns_name *zone,
		       const char *where,
		       uint8_t *out, /* NOLINT(readability-non-const-parameter): kept in r */
		       size_t size, struct sq_err *err)
{
	struct rdata r = {
		.text = text, .zone = zone, .where = where, .out = out, .size = size, .err = err
	};
	const char *form = form_of(type), *word;
	size_t len = sq_dns_word_next(&r.text, &word);
	int rc = 0;

	if (len == 2 && memcmp(word, "\\#", 2) == 0) {
		rc = add_unknown(&r);
	} else if (!form) {
		return fail(&r, "data of this type is not known; write it as \\# LENGTH HEX");
	} else {
		r.text = text;
		for (; rc == 0 && *form; form++)
			rc = add_field(&r, *form);
		if (rc == 0 && sq_dns_word_next(&r.text, &word) > 0)
			rc = fail(&r, "there is more than the record's data on the line");
	}
	return rc < 0 ? rc : (int)r.len;
}
