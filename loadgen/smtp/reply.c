/* A small machine, so that a reply may come in any pieces and none is ever kept: of a line only its
 * code, what follows the code, and the first word (a keyword of EHLO) matter.
 *
 * Lenient where that costs no truth: a bare LF ends a line too, and the text may be missing (RFC
 * 5321, 4.2: "senders MUST be prepared").  Strict where a server that is none would be taken for
 * one: codes from 200 to 599 only, one code in all lines of a reply, and an end to both. */
#include "loadgen/smtp/reply.h"

#include <stddef.h>
#include <string.h>

/* RFC 5321 (4.5.3.1.5) ends a reply line at 512 bytes; a reply of many lines is not limited there. */
enum { LINE_MAX_BYTES = 4096, REPLY_MAX_BYTES = 1 << 16 };

enum { AT_CODE, AT_SEPARATOR, AT_WORD, AT_TEXT, AT_LF };

static const struct {
	const char *text;
	uint8_t len, extension;
} keywords[] = {
	{ "PIPELINING", 10, SQ_SMTP_EXT_PIPELINING }, /* RFC 2920 */
	{ "SIZE", 4, SQ_SMTP_EXT_SIZE },              /* RFC 1870 */
	{ "8BITMIME", 8, SQ_SMTP_EXT_8BITMIME },      /* RFC 6152 */
};

static void begin_line(struct sq_smtp_reply *r)
{
	r->state = AT_CODE;
	r->line_code = 0;
	r->line = 0;
	r->word_len = 0;
}

static enum sq_smtp_parse take_digit(struct sq_smtp_reply *r, char c)
{
	if (c < '0' || c > '9')
		return SQ_SMTP_GARBLED;
	r->line_code = (uint16_t)(r->line_code * 10 + (c - '0'));
	if (r->line < 3)
		return SQ_SMTP_MORE;
	if (r->line_code < 200 || r->line_code > 599 || (r->code && r->code != r->line_code))
		return SQ_SMTP_GARBLED;
	r->code = r->line_code;
	r->state = AT_SEPARATOR;
	return SQ_SMTP_MORE;
}

static bool is_status(const struct sq_smtp_reply *r)
{
	unsigned dots = 0;

	for (size_t i = 0; i < r->word_len; i++) {
		dots += r->word[i] == '.';
		if (r->word[i] != '.' && (r->word[i] < '0' || r->word[i] > '9'))
			return false;
	}
	return dots == 2 && r->word[1] == '.';
}

static void end_word(struct sq_smtp_reply *r)
{
	if (r->code >= 400 && !r->status[0] && is_status(r))
		memcpy(r->status, r->word, r->word_len);
	for (size_t i = 0; i < sizeof(keywords) / sizeof(*keywords); i++)
		if (r->word_len == keywords[i].len &&
		    memcmp(r->word, keywords[i].text, r->word_len) == 0)
			r->extensions |= keywords[i].extension;
	r->state = AT_TEXT;
}

static void take_word(struct sq_smtp_reply *r, char c)
{
	if (c >= 'a' && c <= 'z')
		c = (char)(c - 'a' + 'A');
	if ((c < 'A' || c > 'Z') && (c < '0' || c > '9') && c != '.') {
		end_word(r);
	} else if (r->word_len == sizeof(r->word)) {
		r->state = AT_TEXT;
	} else {
		r->word[r->word_len++] = c;
	}
}

static enum sq_smtp_parse end_line(struct sq_smtp_reply *r)
{
	if (r->state == AT_CODE)
		return SQ_SMTP_GARBLED;
	if (r->state == AT_WORD)
		end_word(r);
	r->done = r->last;
	begin_line(r);
	return r->done ? SQ_SMTP_REPLY : SQ_SMTP_MORE;
}

static enum sq_smtp_parse take_separator(struct sq_smtp_reply *r, char c)
{
	r->last = c != '-';
	r->state = c == '\r' ? AT_LF : AT_WORD;
	return c == ' ' || c == '-' || c == '\r' ? SQ_SMTP_MORE : SQ_SMTP_GARBLED;
}

/* False when no server's reply is as long. */
static bool count(struct sq_smtp_reply *r, size_t n)
{
	if (n > LINE_MAX_BYTES)
		return false;
	r->line += (uint32_t)n;
	r->reply += (uint32_t)n;
	return r->line <= LINE_MAX_BYTES && r->reply <= REPLY_MAX_BYTES;
}

static enum sq_smtp_parse take(struct sq_smtp_reply *r, char c)
{
	if (!count(r, 1))
		return SQ_SMTP_GARBLED;
	if (c == '\n') {
		r->last = r->last || r->state == AT_SEPARATOR;
		return end_line(r);
	}
	switch (r->state) {
	case AT_CODE:
		return take_digit(r, c);
	case AT_SEPARATOR:
		return take_separator(r, c);
	case AT_WORD:
		take_word(r, c);
		return SQ_SMTP_MORE;
	default: /* behind a CR that followed the code */
		return SQ_SMTP_GARBLED;
	}
}

/* The rest of a line says nothing: straight to its end. */
static enum sq_smtp_parse take_text(struct sq_smtp_reply *r, const char **data, const char *end)
{
	const char *lf = memchr(*data, '\n', (size_t)(end - *data));
	const char *behind = lf ? lf + 1 : end;
	size_t n = (size_t)(behind - *data);

	*data = behind;
	if (!count(r, n))
		return SQ_SMTP_GARBLED;
	return lf ? end_line(r) : SQ_SMTP_MORE;
}

enum sq_smtp_parse sq_smtp_reply_parse(struct sq_smtp_reply *r, const char **data, const char *end)
{
	enum sq_smtp_parse rc = SQ_SMTP_MORE;

	if (r->done)
		*r = (struct sq_smtp_reply){ 0 };
	while (rc == SQ_SMTP_MORE && *data < end)
		rc = r->state == AT_TEXT ? take_text(r, data, end) : take(r, *(*data)++);
	return rc;
}
