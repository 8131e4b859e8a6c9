/* A line of Postfix's log, as far as it tells what became of a message. */
#ifndef SQ_ANALYZERS_POSTFIX_LOG_H
#define SQ_ANALYZERS_POSTFIX_LOG_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum sq_postfix_event {
	SQ_POSTFIX_GARBAGE,   /* no line of a log, or a delivery that can't be read */
	SQ_POSTFIX_OTHER,     /* says nothing of the below */
	SQ_POSTFIX_RECEIVED,  /* a message came in: smtpd's client=, pickup's uid= */
	SQ_POSTFIX_NAMED,     /* its Message-ID */
	SQ_POSTFIX_REJECTED,  /* a command was refused */
	SQ_POSTFIX_ACTIVATED, /* a message went to the active queue, once for each attempt */
	SQ_POSTFIX_REMOVED,   /* a message left the queue */
	SQ_POSTFIX_EXPIRED,   /* a message was given up after too long in the queue */
	SQ_POSTFIX_DELIVERY,  /* one recipient, one attempt: what it came to */
};

enum sq_postfix_status { SQ_POSTFIX_SENT, SQ_POSTFIX_DEFERRED, SQ_POSTFIX_BOUNCED };

/* Why a delivery did not come to its end. */
enum sq_postfix_reason {
	SQ_POSTFIX_BY_HOST,      /* the other host said so */
	SQ_POSTFIX_NAME_SERVICE, /* the domain or the host could not be looked up */
	SQ_POSTFIX_TIMED_OUT,    /* a connect */
	SQ_POSTFIX_REFUSED,      /* a connect */
	SQ_POSTFIX_UNREACHABLE,  /* a connect */
	SQ_POSTFIX_LOST,         /* the connection, in a session */
	SQ_POSTFIX_SILENT,       /* the other host, in a session */
	SQ_POSTFIX_TLS,
	SQ_POSTFIX_ELSE,
	SQ_POSTFIX_REASONS
};

/* Of delays=a/b/c/d: before the queue manager, in it, look-up and connect, transmission. */
enum { SQ_POSTFIX_DELAYS = 4, SQ_POSTFIX_DSN = 12 };

/* A part of the line. */
struct sq_postfix_text {
	const char *p;
	size_t len;
};

struct sq_postfix_line {
	struct sq_postfix_text queue_id;
	struct sq_postfix_text message_id; /* without its <>; when it is named */
	/* Of a delivery, as all below: the recipient's address, and the one before it was rewritten, of
	 * length 0 when it was not. */
	struct sq_postfix_text to, orig_to;
	enum sq_postfix_status status;
	enum sq_postfix_reason reason;
	bool untried; /* deferred without an attempt, for what others to its destination met */
	char dsn[SQ_POSTFIX_DSN]; /* "4.4.3" */
	uint64_t delays_ms[SQ_POSTFIX_DELAYS];
};

/* The line without its newline; any bytes.  ret is filled but for garbage and what is of no interest. */
enum sq_postfix_event sq_postfix_log_parse(const char *text, size_t len,
					   struct sq_postfix_line *ret);

/* "name service error": the instance of its counters. */
const char *sq_postfix_reason_name(enum sq_postfix_reason reason);

#endif
