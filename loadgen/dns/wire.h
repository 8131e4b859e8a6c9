/* DNS messages on the wire (RFC 1035): names, questions, and what of a reply must be looked at.
 * Messages are parsed in place; nothing is allocated and nothing is read beyond `len`. */
#ifndef SQ_LOADGEN_DNS_WIRE_H
#define SQ_LOADGEN_DNS_WIRE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"

enum {
	SQ_DNS_HEADER = 12,
	SQ_DNS_NAME_MAX = 255,  /* octets on the wire, the root's 0 included */
	SQ_DNS_TEXT_MAX = 1024, /* the longest name as text, escapes included, with its NUL */
	SQ_DNS_QUERY_MAX =
		1232, /* what passes nearly every path unfragmented ("DNS flag day 2020") */
	SQ_DNS_PORT = 53,
};

/* Bits of the header's second 16-bit word. */
enum {
	SQ_DNS_QR = 0x8000,
	SQ_DNS_OPCODE = 0x7800,
	SQ_DNS_UPDATE = 5 << 11, /* an opcode; that of a query is 0 */
	SQ_DNS_AA = 0x0400,
	SQ_DNS_TC = 0x0200,
	SQ_DNS_RD = 0x0100,
	SQ_DNS_RA = 0x0080,
	SQ_DNS_AD = 0x0020,
	SQ_DNS_CD = 0x0010,
	SQ_DNS_RCODE = 0x000f,
};

enum sq_dns_rcode { /* RFC 1035, RFC 2136 */
		    SQ_DNS_NOERROR,
		    SQ_DNS_FORMERR,
		    SQ_DNS_SERVFAIL,
		    SQ_DNS_NXDOMAIN,
		    SQ_DNS_NOTIMP,
		    SQ_DNS_REFUSED,
		    SQ_DNS_YXDOMAIN,
		    SQ_DNS_YXRRSET,
		    SQ_DNS_NXRRSET,
		    SQ_DNS_NOTAUTH,
		    SQ_DNS_NOTZONE,
		    SQ_DNS_RCODES = 16,
};

enum { SQ_DNS_CLASS_IN = 1, SQ_DNS_CLASS_NONE = 254, SQ_DNS_CLASS_ANY = 255 }; /* RFC 2136 */
enum {
	SQ_DNS_TYPE_A = 1,
	SQ_DNS_TYPE_SOA = 6,
	SQ_DNS_TYPE_MX = 15,
	SQ_DNS_TYPE_AAAA = 28,
	SQ_DNS_TYPE_ANY = 255,
};

struct sq_dns_name {
	uint8_t wire[SQ_DNS_NAME_MAX];
	uint8_t len; /* octets in use; 1 for the root */
};

struct sq_dns_question {
	struct sq_dns_name name;
	uint16_t type, class;
};

/* \. or \123 at text[*at], which is the backslash (RFC 1035, 5.1); moves *at to the last character of
 * it.  The octet, or -1. */
int sq_dns_escape_read(const char *text, size_t len, size_t *at);

/* "www.example.test", with or without the last dot; "." is the root; "\." and "\123" are escapes
 * (RFC 1035, 5.1).  0, or -EINVAL with err->text saying what is wrong with it. */
int sq_dns_name_parse(const char *text, size_t len, struct sq_dns_name *ret, struct sq_err *err);
/* As text with its last dot and escapes; out has SQ_DNS_TEXT_MAX bytes. */
void sq_dns_name_format(const struct sq_dns_name *name, char *out);
/* Equal but for the case of ASCII letters (RFC 4343). */
bool sq_dns_name_equal(const struct sq_dns_name *a, const struct sq_dns_name *b);
/* Equal to zone, or below it. */
bool sq_dns_name_under(const struct sq_dns_name *name, const struct sq_dns_name *zone);

/* "A", "aaaa", "TYPE1234" (RFC 3597); -EINVAL for what is none. */
int sq_dns_type_parse(const char *text, size_t len);
/* Static for the types known by name; else "TYPE1234" in out, of 16 bytes. */
const char *sq_dns_type_name(uint16_t type, char *out);

/* "NOERROR" ... "NOTZONE", "RCODE11" for those without a name; rcode < SQ_DNS_RCODES.  Static. */
const char *sq_dns_rcode_name(unsigned rcode);
/* By its name, in any case; -1 for none. */
int sq_dns_rcode_parse(const char *text);

/* Two digits for each of the len / 2 bytes; false for what is not hex. */
bool sq_dns_hex_read(const char *text, size_t len, uint8_t *out);

struct sq_dns_edns { /* RFC 6891 */
	bool present, do_bit;
	uint16_t udp_size;
	const uint8_t *options; /* as they stand on the wire; borrowed, and not filled by a read */
	uint16_t options_len;
};

/* An OPT record without options; the most bytes of options that a query of ours has. */
enum { SQ_DNS_EDNS_SIZE = 11, SQ_DNS_EDNS_OPTIONS = 512 };

/* The OPT record at `at`, which has SQ_DNS_EDNS_SIZE + options_len bytes; returns its end. */
uint8_t *sq_dns_edns_write(const struct sq_dns_edns *edns, uint8_t *at);

/* A query with this question, ID 0; its length.  out has SQ_DNS_QUERY_MAX bytes, which is enough for
 * SQ_DNS_EDNS_OPTIONS; flags: SQ_DNS_RD and the like; edns may be NULL. */
size_t sq_dns_query_write(const struct sq_dns_question *question, uint16_t flags,
			  const struct sq_dns_edns *edns, uint8_t *out);

static inline void sq_dns_put16(uint8_t *at, uint16_t v)
{
	at[0] = (uint8_t)(v >> 8);
	at[1] = (uint8_t)v;
}

static inline uint16_t sq_dns_get16(const uint8_t *at)
{
	return (uint16_t)(at[0] << 8 | at[1]);
}

struct sq_dns_header {
	uint16_t id, flags;
	uint16_t qdcount, ancount, nscount, arcount;
};

/* False for less than a header. */
bool sq_dns_header_read(const uint8_t *msg, size_t len, struct sq_dns_header *ret);

/* The first question, whose name must stand uncompressed: nothing is before it that a pointer could
 * mean.  False when there is none or it is cut.  *ret_end: the offset behind it. */
bool sq_dns_question_read(const uint8_t *msg, size_t len, struct sq_dns_question *ret,
			  size_t *ret_end);

/* Whether a message repeats the question of a query that sq_dns_query_write made (asked: from its
 * byte 12; asked_len: name, type and class): one comparison without case, no parsing. */
bool sq_dns_question_same(const uint8_t *msg, size_t len, const uint8_t *asked, size_t asked_len);

/* The OPT record among the records from offset `at`, the end of the only question.  False when a
 * record is cut; without an OPT record ret->present is false. */
bool sq_dns_edns_read(const uint8_t *msg, size_t len, size_t at, struct sq_dns_edns *ret);

#endif
