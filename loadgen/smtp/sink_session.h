/* One session of the SMTP sink: octets in, answers out.  It knows no sockets: what is to become of
 * the connection it says in `next`, and the server does it. */
#ifndef SQ_LOADGEN_SMTP_SINK_SESSION_H
#define SQ_LOADGEN_SMTP_SINK_SESSION_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "loadgen/smtp/sink_body.h"
#include "loadgen/smtp/sink_command.h"
#include "loadgen/smtp/sink_counts.h"
#include "loadgen/smtp/sink_fault.h"
#include "loadgen/smtp/sink_mark.h"
#include "results/receipt.h"

/* Octets of a command line, CRLF included.  RFC 5321 asks for 512; extensions add to it. */
enum { SQ_SMTPD_COMMAND_LINE = 4096 };

enum sq_smtpd_next {
	SQ_SMTPD_INPUT, /* goes on with what comes */
	SQ_SMTPD_FLUSH, /* the answers must go out first; then it is the server that sets INPUT */
	SQ_SMTPD_SLEEP, /* for delay_ns, then sq_smtpd_session_resume */
	SQ_SMTPD_DEAF,  /* says nothing any more, but hears the end */
	SQ_SMTPD_FIN,   /* closes, giving the client time to read the last answer */
	SQ_SMTPD_BYE,   /* closes: the client said QUIT and nothing is due behind it */
	SQ_SMTPD_RST,
	SQ_SMTPD_SECURE, /* the answers must go out, then TLS begins; then sq_smtpd_session_secured */
};

/* What the sessions of a sink share. */
struct sq_smtpd {
	const char *host; /* that it calls itself */
	bool lmtp;
	bool tls, tls_at_once; /* it can be had by STARTTLS; it stands before the greeting */
	int64_t greeting_delay_ns;
	int64_t max_messages, max_recipients; /* a connection, a message; 0: no limit */
	struct sq_smtpd_faults faults;
	struct sq_smtpd_counts counts;
	struct sq_receipts *receipts; /* NULL: none are written */
	struct sq_buf tx;             /* answers of the session whose turn it is */
};

struct sq_smtpd_session {
	enum sq_smtpd_state state;
	enum sq_smtpd_next next;
	enum sq_smtpd_end end;
	enum sq_smtpd_phase phase;         /* being answered */
	const struct sq_smtpd_fault *fate; /* of that answer; NULL: a good one */
	int64_t delay_ns;
	bool esmtp;
	bool line_too_long; /* and its end has not come yet */
	bool secured, authenticated;
	bool auth_login; /* by LOGIN, else PLAIN */
	int auth_due;    /* lines that an AUTH still needs */
	/* So commands pipelined behind one that was refused are no errors (RFC 2920). */
	bool mail_refused, rcpt_refused;
	int64_t messages, recipients;
	/* Of these recipients, behind the final dot: so many were answered, so many of them have the
	 * message, so many of those were told so. */
	int64_t answered, taken, acknowledged;
	int64_t read_per_s; /* octets of the text at most; 0: as they come */
	uint32_t *hashes;   /* of these recipients, for a receipt; storage outlives the session */
	size_t cap_hashes;
	uint32_t hash; /* of the one being answered */
	struct sq_smtpd_body body;
	struct sq_smtpd_mark mark;
	int64_t arrived_ns; /* the final dot, by the wall clock; for a receipt */
	/* An accepted message whose 250 ends at this offset of what is to be sent; 0: none. */
	size_t ack_end;
	int64_t ack_recipients, ack_bytes;
};

/* A connection came; s is zeroed storage, or that of a session that ended. */
void sq_smtpd_session_begin(struct sq_smtpd *d, struct sq_smtpd_session *s);
void sq_smtpd_session_fini(struct sq_smtpd_session *s);

/* Goes over input while next is INPUT.  The octets used: what is left is the start of a line, or
 * is due later. */
size_t sq_smtpd_session_input(struct sq_smtpd *d, struct sq_smtpd_session *s, const char *data,
			      size_t len);

/* TLS stands. */
void sq_smtpd_session_secured(struct sq_smtpd *d, struct sq_smtpd_session *s);

/* Its sleep is over. */
void sq_smtpd_session_resume(struct sq_smtpd *d, struct sq_smtpd_session *s);

/* The kernel took the next n octets of the answers. */
void sq_smtpd_session_sent(struct sq_smtpd *d, struct sq_smtpd_session *s, size_t n);

/* Notes what ended it, if nothing did before. */
void sq_smtpd_session_ended(struct sq_smtpd_session *s, enum sq_smtpd_end end);

#endif
