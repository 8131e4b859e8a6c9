/* What became of the messages of loads in a Postfix, told to the spool: while it goes on those that left its
 * queue without being sent to all of their recipients, and at the end those that it still has. */
#ifndef SQ_ANALYZERS_POSTFIX_MAIL_H
#define SQ_ANALYZERS_POSTFIX_MAIL_H

#include <stdbool.h>
#include <stdint.h>

#include "analyzers/postfix/book.h"
#include "analyzers/source.h"

struct sq_postfix_mail {
	struct sq_sample *sample;
	struct sq_postfix_book *book; /* is given the log's lines */
	const char *log;
	uint64_t lost_lines; /* of it, that could not be read; the owner counts */
};

/* log: its path, which names the relay; borrowed. */
void sq_postfix_mail_open(struct sq_postfix_mail *m, struct sq_sample *sample, const char *log);
void sq_postfix_mail_close(struct sq_postfix_mail *m);

void sq_postfix_mail_write(struct sq_postfix_mail *m);
/* The last word; looked: whether messages' files stand in the queue was found out. */
void sq_postfix_mail_last(struct sq_postfix_mail *m, bool looked);

#endif
