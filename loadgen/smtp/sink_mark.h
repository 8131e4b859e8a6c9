/* The marks that a load puts into the header of each of its messages, and what they say of the text:
 *
 *   X-Squall-Id: ID.THREAD.NUMBER                its name
 *   X-Squall-Sent: SECONDS.NANOSECONDS           since 1970, by the generator's clock
 *   X-Squall-Digest: HHHHHHHHHHHHHHHH BYTES      of the body (loadgen/smtp/digest.h), and its length
 *
 * The body is what stands behind the header's empty line, CRLFs included, without stuffed dots. */
#ifndef SQ_LOADGEN_SMTP_SINK_MARK_H
#define SQ_LOADGEN_SMTP_SINK_MARK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "results/receipt.h"

enum { SQ_SMTPD_MARK_LINE = 120 }; /* more than any of the three has */

/* All zero at the start of a message. */
struct sq_smtpd_mark {
	bool in_body, is_named, is_stamped, is_sealed; /* the last three: such a line was there */
	uint8_t line_len;                              /* SQ_SMTPD_MARK_LINE: it has more */
	char line[SQ_SMTPD_MARK_LINE];                 /* of the header, as far as it came */
	struct sq_message_name name;
	int64_t sent_ns;
	uint64_t digest, bytes;           /* as promised */
	uint64_t body_digest, body_bytes; /* as found */
};

/* The next octets of the text, cut anywhere. */
void sq_smtpd_mark_text(struct sq_smtpd_mark *mark, const char *text, size_t len);

/* At its end. */
enum sq_receipt_text sq_smtpd_mark_judge(const struct sq_smtpd_mark *mark);

#endif
