/* SMTP replies (RFC 5321, 4.2), taken from a stream byte by byte: "250-first line", "250 last". */
#ifndef SQ_LOADGEN_SMTP_REPLY_H
#define SQ_LOADGEN_SMTP_REPLY_H

#include <stdbool.h>
#include <stdint.h>

enum sq_smtp_parse {
	SQ_SMTP_MORE,    /* all bytes taken, no reply complete */
	SQ_SMTP_REPLY,   /* complete; the bytes behind it are left */
	SQ_SMTP_GARBLED, /* this is no SMTP; nothing more can be made of the stream */
};

enum { SQ_SMTP_WORD_MAX = 10 };

/* What a server's answer to EHLO offers. */
enum {
	SQ_SMTP_EXT_PIPELINING = 1,
	SQ_SMTP_EXT_SIZE = 2,
	SQ_SMTP_EXT_8BITMIME = 4,
};

/* Zeroed at the start of a stream. */
struct sq_smtp_reply {
	uint16_t code; /* 200 to 599; valid after SQ_SMTP_REPLY, until the next call */
	char status[SQ_SMTP_WORD_MAX +
		    1];     /* of a refusal: the first enhanced status, "4.7.1" (RFC 3463) */
	uint8_t extensions; /* whose keywords begin its lines */

	/* of the parser */
	uint8_t state, word_len;
	bool done, last;      /* a reply was given; this line is its last */
	uint16_t line_code;   /* of the line being read */
	uint32_t line, reply; /* bytes of this line and this reply so far */
	char word[SQ_SMTP_WORD_MAX];
};

static inline bool sq_smtp_is_success(unsigned code)
{
	return code / 100 == 2;
}

static inline bool sq_smtp_is_refusal(unsigned code)
{
	return code >= 400;
}

/* Takes bytes from *data, which it moves on, up to the end of one reply. */
enum sq_smtp_parse sq_smtp_reply_parse(struct sq_smtp_reply *r, const char **data, const char *end);

#endif
