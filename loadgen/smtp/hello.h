/* From the server's banner to the first envelope: who is there, TLS, who we are. */
#ifndef SQ_LOADGEN_SMTP_HELLO_H
#define SQ_LOADGEN_SMTP_HELLO_H

#include "loadgen/smtp/session.h"

/* A reply that is due before the first envelope; the session may be gone after it. */
void sq_smtp_hello_reply(struct sq_smtp_session *s, unsigned code);
/* The handshake of TLS is over, from the first byte on or behind STARTTLS. */
void sq_smtp_hello_secured(struct sq_smtp_session *s);

#endif
