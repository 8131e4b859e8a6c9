/* The text of a message as it comes over the wire: found its end, undone its dots, counted, shown to
 * who reads its marks, and nothing kept of it (RFC 5321, sections 4.1.1.4 and 4.5.2). */
#ifndef SQ_LOADGEN_SMTP_SINK_BODY_H
#define SQ_LOADGEN_SMTP_SINK_BODY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "loadgen/smtp/sink_mark.h"

/* RFC 5321, section 4.5.3.1.6: octets of a text line, CRLF included. */
enum { SQ_SMTPD_TEXT_LINE = 1000 };

enum sq_smtpd_place {
	SQ_SMTPD_LINE_START, /* behind 354 or a CRLF */
	SQ_SMTPD_LINE_DOT,   /* "." at the start of a line */
	SQ_SMTPD_LINE_DOT_CR,
	SQ_SMTPD_LINE_TEXT,
	SQ_SMTPD_LINE_CR,
};

/* All zero at the start of a message. */
struct sq_smtpd_body {
	enum sq_smtpd_place place;
	int64_t bytes; /* without stuffed dots and the final line */
	int64_t line_start;
	int64_t bare_lf, long_lines;
	struct sq_smtpd_mark *mark; /* sees the text without its stuffed dots; NULL: nobody does */
};

/* Goes over the next octets, which may be cut anywhere.  How many of them belong to the message:
 * fewer than len only at its end. */
size_t sq_smtpd_body_scan(struct sq_smtpd_body *body, const char *data, size_t len, bool *ret_end);

#endif
