/* The commands that the SMTP sink takes: their names, where in a session they may stand, and the
 * syntax of what follows them.  Pure: text in, a command or the answer to a bad one out. */
#ifndef SQ_LOADGEN_SMTP_SINK_COMMAND_H
#define SQ_LOADGEN_SMTP_SINK_COMMAND_H

#include <stddef.h>

enum sq_smtpd_state {
	SQ_SMTPD_START,   /* greeted; or not yet */
	SQ_SMTPD_REFUSED, /* the greeting was a 4xx or 5xx: QUIT alone is due */
	SQ_SMTPD_READY,   /* after EHLO or HELO, no transaction */
	SQ_SMTPD_SENDER,  /* MAIL was taken */
	SQ_SMTPD_RCPTS,   /* and one RCPT at least */
	SQ_SMTPD_TEXT,    /* of the message */
};

enum sq_smtpd_verb {
	SQ_SMTPD_VERB_EHLO,
	SQ_SMTPD_VERB_HELO,
	SQ_SMTPD_VERB_LHLO,
	SQ_SMTPD_VERB_STARTTLS,
	SQ_SMTPD_VERB_AUTH,
	SQ_SMTPD_VERB_MAIL,
	SQ_SMTPD_VERB_RCPT,
	SQ_SMTPD_VERB_DATA,
	SQ_SMTPD_VERB_RSET,
	SQ_SMTPD_VERB_NOOP,
	SQ_SMTPD_VERB_VRFY,
	SQ_SMTPD_VERB_QUIT,
};

struct sq_smtpd_command {
	enum sq_smtpd_verb verb;
	/* Of MAIL and RCPT, between its angle brackets; of AUTH, its arguments.  Not NUL-terminated. */
	const char *path;
	size_t path_len;
};

/* A line without its end.  NULL and *ret when it may be obeyed in this state; else the whole 5xx
 * reply, without CRLF. */
const char *sq_smtpd_command_parse(const char *line, size_t len, enum sq_smtpd_state state,
				   struct sq_smtpd_command *ret);

#endif
