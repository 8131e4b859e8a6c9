/* The scan of a message's text.
 *
 * Only CRLF ends a line.  A bare LF is text like any other octet, so that neither LF.LF nor LF.CRLF
 * ends a message: servers that took it for the end let mail be smuggled (CVE-2023-51764).
 *
 * A reader would get wrong: what a lone dot at the start of a line was is told by the two octets
 * behind it, which may come with a later read.  Until then neither is counted. */
#include "loadgen/smtp/sink_body.h"

#include <string.h>

/* From within a line up to its end, or to the end of the data.  Returns the octets gone over. */
static size_t scan_text(struct sq_smtpd_body *body, const char *data, size_t len)
{
	const char *lf = memchr(data, '\n', len);
	size_t n = lf ? (size_t)(lf - data) + 1 : len;
	size_t before = lf ? n - 1 : n;
	bool cr = before ? data[before - 1] == '\r' : body->place == SQ_SMTPD_LINE_CR;

	if (body->mark)
		sq_smtpd_mark_text(body->mark, data, n);
	body->bytes += (int64_t)n;
	if (lf && cr) {
		body->long_lines += body->bytes - body->line_start > SQ_SMTPD_TEXT_LINE;
		body->line_start = body->bytes;
		body->place = SQ_SMTPD_LINE_START;
	} else {
		body->bare_lf += lf != NULL;
		body->place = cr ? SQ_SMTPD_LINE_CR : SQ_SMTPD_LINE_TEXT;
	}
	return n;
}

/* One octet where dots matter.  True when it was taken; false when it is text. */
static bool scan_start(struct sq_smtpd_body *body, char c)
{
	if (body->place == SQ_SMTPD_LINE_START && c == '.') {
		body->place = SQ_SMTPD_LINE_DOT;
		return true;
	}
	if (body->place == SQ_SMTPD_LINE_DOT && c == '\r') {
		body->place = SQ_SMTPD_LINE_DOT_CR;
		return true;
	}
	if (body->place == SQ_SMTPD_LINE_DOT_CR) {
		body->bytes++; /* the CR was text behind a stuffed dot */
		if (body->mark)
			sq_smtpd_mark_text(body->mark, "\r", 1);
		body->place = SQ_SMTPD_LINE_CR;
	} else {
		body->place = SQ_SMTPD_LINE_TEXT;
	}
	return false;
}

size_t sq_smtpd_body_scan(struct sq_smtpd_body *body, const char *data, size_t len, bool *ret_end)
{
	size_t done = 0;

	*ret_end = false;
	while (done < len) {
		if (body->place == SQ_SMTPD_LINE_DOT_CR && data[done] == '\n') {
			*ret_end = true;
			return done + 1;
		}
		if (body->place < SQ_SMTPD_LINE_TEXT && scan_start(body, data[done])) {
			done++;
			continue;
		}
		done += scan_text(body, data + done, len - done);
	}
	return done;
}
