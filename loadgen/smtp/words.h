/* The words of the smtp driver: what its outcomes, phases and counts are called. */
#ifndef SQ_LOADGEN_SMTP_WORDS_H
#define SQ_LOADGEN_SMTP_WORDS_H

#include <stdbool.h>
#include <stdint.h>

#include "results/outcome.h"

enum {
	SQ_SMTP_RESOLVE,
	SQ_SMTP_CONNECT,
	SQ_SMTP_BANNER,
	SQ_SMTP_HELO,
	SQ_SMTP_TLS, /* STARTTLS, and the handshake */
	SQ_SMTP_AUTH,
	SQ_SMTP_MAIL,
	SQ_SMTP_RCPT,
	SQ_SMTP_DATA,
	SQ_SMTP_BODY, /* the text, and the answer to its final dot */
	SQ_SMTP_QUIT,
	SQ_SMTP_PHASES,
	SQ_SMTP_NO_PHASE = UINT8_MAX, /* an outcome that came before any */
};

enum { SQ_SMTP_SYN_RETRANS, SQ_SMTP_LOST_SEGS };

enum {
	SQ_SMTP_CONNECTIONS,
	SQ_SMTP_RECIPIENTS,
	SQ_SMTP_RECIPIENTS_REFUSED,
	SQ_SMTP_RECIPIENTS_UNDELIVERED,
	SQ_SMTP_BYTES,
	SQ_SMTP_QUITS,
	SQ_SMTP_CLOSED_BY_SERVER,
	SQ_SMTP_STRAY_REPLIES,
	SQ_SMTP_LOOKUPS,
	SQ_SMTP_NEXT_MX,
	SQ_SMTP_AUTHORIZED_ADDRESSES,
	SQ_SMTP_TLS_FULL,
	SQ_SMTP_TLS_RESUMED,
};

/* Replies from 400 to 599 follow these, each under its number (sq_smtp_reply_code). */
enum {
	SQ_SMTP_BAD_REPLY = SQ_CODE_DRIVER,
	SQ_SMTP_NO_SESSION,
	SQ_SMTP_NXDOMAIN,
	SQ_SMTP_NODATA,
	SQ_SMTP_SERVFAIL,
	SQ_SMTP_REFUSED,
	SQ_SMTP_NULL_MX,
	SQ_SMTP_BAD_ANSWER,
	SQ_SMTP_NO_ANSWER,
	SQ_SMTP_REPLY_400,
};

static inline uint16_t sq_smtp_reply_code(unsigned reply)
{
	return (uint16_t)(SQ_SMTP_REPLY_400 + reply - 400);
}

static inline bool sq_smtp_is_reply_code(uint16_t code)
{
	return code >= SQ_SMTP_REPLY_400 && code < SQ_SMTP_REPLY_400 + 200;
}

extern const struct sq_code sq_smtp_codes[];
extern const char *const sq_smtp_phases[], *const sq_smtp_efforts[], *const sq_smtp_counts[];

#endif
