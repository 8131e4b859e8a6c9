/* Sessions without a message.  Idle ones say QUIT when none comes for `keep`.  Ones that owe a reply
 * (to QUIT, to RSET, to the rest of a refused envelope, or the FIN after 221) are reset when it
 * takes longer than an operation may. */
#ifndef SQ_LOADGEN_SMTP_REST_H
#define SQ_LOADGEN_SMTP_REST_H

#include "base/err.h"
#include "loadgen/smtp/pool.h"

int sq_smtp_rest_init(struct sq_smtp_pool *p, struct sq_err *err);

void sq_smtp_rest_idle(struct sq_smtp_session *s);
/* From now on, also when it owed one before. */
void sq_smtp_rest_owing(struct sq_smtp_session *s);
/* It has a message again, or is gone. */
void sq_smtp_rest_leave(struct sq_smtp_session *s);

/* The end of the run: QUIT where nothing else is under way, and a short time for the answers. */
void sq_smtp_rest_end(struct sq_smtp_pool *p);

#endif
