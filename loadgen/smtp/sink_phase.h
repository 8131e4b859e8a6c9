/* The phases of the SMTP sink's sessions: what a command that may stand where it stands comes to.
 * sink_session.c finds the commands. */
#ifndef SQ_LOADGEN_SMTP_SINK_PHASE_H
#define SQ_LOADGEN_SMTP_SINK_PHASE_H

#include <stddef.h>

#include "loadgen/smtp/sink_session.h"

enum { SQ_SMTPD_CODE_CLOSES = 421 };

/* A line of an answer, without its CRLF. */
void sq_smtpd_reply(struct sq_smtpd *d, const char *text);

/* Of MAIL and all that followed it (RSET, RFC 5321, section 4.1.1.5). */
void sq_smtpd_transaction_end(struct sq_smtpd_session *s);

/* Draws its faults; then it is answered, now or after a delay. */
void sq_smtpd_phase_begin(struct sq_smtpd *d, struct sq_smtpd_session *s,
			  enum sq_smtpd_phase phase);
/* RCPT, whose faults may be those of its address. */
void sq_smtpd_phase_rcpt(struct sq_smtpd *d, struct sq_smtpd_session *s, const char *address,
			 size_t len);
/* The final dot: one answer, or by LMTP one for each recipient (RFC 2033, section 4.2). */
void sq_smtpd_phase_body(struct sq_smtpd *d, struct sq_smtpd_session *s);

/* A refusal that is no programmed fault. */
void sq_smtpd_phase_reject(struct sq_smtpd *d, struct sq_smtpd_session *s,
			   enum sq_smtpd_phase phase, int code, const char *text);

#endif
