/* What a reply is, by its header and its question.
 *
 * What a reader would get wrong: a reply without any question can be an answer.  A server that could
 * not parse the query (FORMERR), or will not (REFUSED, NOTIMP), may send back a bare header: that is
 * accepted by its ID and opcode alone, unless it says NOERROR to a query, since then it answers
 * nothing.  To an update it does: its answer may leave all sections out (RFC 2136, 3.8). */
#include "loadgen/dns/reply.h"

#include "loadgen/dns/wire.h"

enum sq_dns_verdict sq_dns_reply_judge(const uint8_t *msg, size_t len,
				       const struct sq_dns_asked *asked)
{
	unsigned opcode = sq_dns_get16(asked->query + 2) & SQ_DNS_OPCODE;
	struct sq_dns_question question;
	struct sq_dns_header header;
	size_t end;

	if (!sq_dns_header_read(msg, len, &header) || !(header.flags & SQ_DNS_QR) ||
	    (header.flags & SQ_DNS_OPCODE) != opcode)
		return SQ_DNS_REPLY_GARBLED;
	if (header.qdcount == 0)
		return header.flags & SQ_DNS_RCODE || opcode == SQ_DNS_UPDATE
			       ? SQ_DNS_REPLY_ANSWER
			       : SQ_DNS_REPLY_GARBLED;
	if (sq_dns_question_same(msg, len, asked->query + SQ_DNS_HEADER, asked->question_len))
		return SQ_DNS_REPLY_ANSWER;
	/* More than one question is FORMERR by itself (RFC 9619). */
	if (header.qdcount > 1 || !sq_dns_question_read(msg, len, &question, &end))
		return SQ_DNS_REPLY_GARBLED;
	return SQ_DNS_REPLY_MISMATCH;
}
