/* How the journal's settings and commands are reached: this machine, or a shell far away. */
#ifndef SQ_CLI_HANDS_H
#define SQ_CLI_HANDS_H

#include "base/buf.h"
#include "base/sysctl_journal.h"

/* For sq_journal_open.  A far shell that was opened stays open until sq_hands_close. */
extern const struct sq_journal_hands sq_hands;
void sq_hands_close(void);

/* A line of shell at the place (NULL: here), to its end, what it writes into out.  -EIO with what it said when its
 * exit status is not 0. */
int sq_hands_run(const char *place, const char *line, struct sq_buf *out, struct sq_err *err);

/* Do they reach that place?  What only "squall restore" reads in a journal is checked before it is written there. */
int sq_hands_check(const char *place, struct sq_err *err);

#endif
