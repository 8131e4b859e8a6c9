/* A datagram that came to a client's socket: is it the answer to this query? */
#ifndef SQ_LOADGEN_DNS_REPLY_H
#define SQ_LOADGEN_DNS_REPLY_H

#include <stddef.h>
#include <stdint.h>

#include "loadgen/dns/ask.h"

enum sq_dns_verdict {
	SQ_DNS_REPLY_ANSWER,
	SQ_DNS_REPLY_MISMATCH, /* an answer to another question */
	SQ_DNS_REPLY_GARBLED,  /* no answer at all: cut, a query, nothing that parses */
};

/* Only the header and the question are looked at; 512 bytes of a longer message are enough.  The ID
 * is the caller's to compare. */
enum sq_dns_verdict sq_dns_reply_judge(const uint8_t *msg, size_t len,
				       const struct sq_dns_asked *asked);

#endif
