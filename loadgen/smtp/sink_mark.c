/* Reads the marks of a load's messages while they come.
 *
 * Nothing is kept but the header's present line, as far as a mark could reach.  A body is hashed only
 * when its header promised a digest: other people's messages cost the scan for the header's end.
 *
 * A reader would get wrong: only the header's own lines count.  A bounce carries the header of the
 * message that it is about in its body, and must not be taken for it. */
#include "loadgen/smtp/sink_mark.h"

#include <string.h>
#include <strings.h>

#include "base/clock.h"
#include "base/digits.h"
#include "loadgen/smtp/digest.h"

/* What follows "NAME: ", or NULL. */
static const char *value_of(const char *line, const char *name)
{
	size_t len = strlen(name);

	if (strncasecmp(line, name, len) != 0)
		return NULL;
	return line + len + strspn(line + len, " \t");
}

static void take_name(struct sq_smtpd_mark *m, const char *value)
{
	m->is_named = sq_message_name_next(&value, '\0', &m->name);
}

static void take_stamp(struct sq_smtpd_mark *m, const char *value)
{
	uint64_t s, ns;

	m->is_stamped = sq_digits_next(&value, 10, '.', &s) && strlen(value) == 9 &&
			sq_digits_next(&value, 10, '\0', &ns) && s < (uint64_t)(INT64_MAX / SQ_SEC);
	if (m->is_stamped)
		m->sent_ns = (int64_t)s * SQ_SEC + (int64_t)ns;
}

static void take_seal(struct sq_smtpd_mark *m, const char *value)
{
	m->is_sealed = sq_digits_next(&value, 16, ' ', &m->digest) &&
		       sq_digits_next(&value, 10, '\0', &m->bytes);
	m->body_digest = SQ_SMTP_DIGEST_EMPTY;
}

/* A line of the header without its end. */
static void take_line(struct sq_smtpd_mark *m)
{
	const char *value;

	if (m->line_len == SQ_SMTPD_MARK_LINE)
		return;
	m->line[m->line_len] = '\0';
	if ((value = value_of(m->line, "X-Squall-Id:")))
		take_name(m, value);
	else if ((value = value_of(m->line, "X-Squall-Sent:")))
		take_stamp(m, value);
	else if ((value = value_of(m->line, "X-Squall-Digest:")))
		take_seal(m, value);
}

/* Up to the end of a line, or of the octets; how many. */
static size_t header_text(struct sq_smtpd_mark *m, const char *text, size_t len)
{
	const char *lf = memchr(text, '\n', len);
	size_t n = lf ? (size_t)(lf - text) + 1 : len, left = SQ_SMTPD_MARK_LINE - m->line_len;

	memcpy(m->line + m->line_len, text, n < left ? n : left);
	m->line_len = (uint8_t)(m->line_len + (n < left ? n : left));
	if (!lf)
		return n;
	if (m->line_len >= 2 && m->line_len < SQ_SMTPD_MARK_LINE &&
	    m->line[m->line_len - 2] == '\r') {
		m->line_len = (uint8_t)(m->line_len - 2);
		m->in_body = m->line_len == 0;
		take_line(m);
	}
	m->line_len = 0;
	return n;
}

void sq_smtpd_mark_text(struct sq_smtpd_mark *mark, const char *text, size_t len)
{
	size_t done = 0;

	while (!mark->in_body && done < len)
		done += header_text(mark, text + done, len - done);
	if (!mark->is_sealed)
		return;
	mark->body_digest = sq_smtp_digest_add(mark->body_digest, text + done, len - done);
	mark->body_bytes += len - done;
}

enum sq_receipt_text sq_smtpd_mark_judge(const struct sq_smtpd_mark *mark)
{
	if (!mark->is_sealed)
		return SQ_RECEIPT_UNCHECKED;
	return mark->body_bytes == mark->bytes && mark->body_digest == mark->digest
		       ? SQ_RECEIPT_SOUND
		       : SQ_RECEIPT_CORRUPT;
}
