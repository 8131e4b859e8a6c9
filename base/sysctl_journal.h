/* Settings of the whole machine, changed for a while and set back whatever happens.
 *
 * Each change stands in a journal on the disk before it is made, so that who was killed is made good
 * by the next who opens the journal.  A lock keeps it to one at a time: two who change the same
 * setting would each take the other's value for the machine's own. */
#ifndef SQ_BASE_SYSCTL_JOURNAL_H
#define SQ_BASE_SYSCTL_JOURNAL_H

#include <stddef.h>
#include <stdint.h>

#include "base/err.h"

/* One place for all users, since there is one machine; /run goes with a restart, as settings do. */
#define SQ_JOURNAL_DIR "/run/squall"

struct sq_journal;

/* Told of each setting that is set back: from what, to what. */
typedef void sq_journal_told(void *arg, const char *key, const char *from, const char *to);

/* Takes the lock, and sets back what a killed run left (told: of each; NULL: not wanted).  -EBUSY
 * with the holder's PID when another still has the lock after wait_ns. */
struct sq_journal *sq_journal_open(const char *dir, int64_t wait_ns, sq_journal_told *told,
				   void *arg, struct sq_err *err);

/* Writes one setting and reads it back.  -ERANGE when the kernel made something else of it. */
int sq_journal_set(struct sq_journal *j, const char *key, const char *value, struct sq_err *err);

/* Sets everything back, the last change first, and gives the lock back.  What could not be set back
 * stays in the journal, and is the error.  NULL is nothing. */
int sq_journal_close(struct sq_journal *j, struct sq_err *err);

#endif
