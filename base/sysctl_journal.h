/* Settings of the whole machine, changed for a while and set back whatever happens.
 *
 * Each change stands in a journal on the disk before it is made, so that who was killed is made good
 * by the next who opens the journal.  A lock keeps it to one at a time: two who change the same
 * setting would each take the other's value for the machine's own. */
#ifndef SQ_BASE_SYSCTL_JOURNAL_H
#define SQ_BASE_SYSCTL_JOURNAL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"

/* One place for all users, since there is one machine; /run goes with a restart, as settings do. */
#define SQ_JOURNAL_DIR "/run/squall"

struct sq_journal;

/* Who reaches other places than this machine.  base knows no places: a place is the text that the hands understand
 * ("ssh:HOST").  read and write take names of settings (base/setting.h), and say why not in err. */
struct sq_journal_hands {
	int (*read)(void *arg, const char *place, const char *key, char *ret_value,
		    struct sq_err *err); /* SQ_SYSCTL_VALUE bytes */
	int (*write)(void *arg, const char *place, const char *key, const char *value,
		     struct sq_err *err);
	/* A line of shell, to its end; place NULL: here. */
	int (*run)(void *arg, const char *place, const char *line, struct sq_err *err);
	/* Told of each setting that a killed run left and that is set back: from what, to what; of a line that was run,
	 * NULL and NULL. */
	void (*told)(void *arg, const char *place, const char *key, const char *from,
		     const char *to);
	/* Asked of each setting that a killed run left and that cannot be set back, and why: true leaves it as it is for good.
	 * NULL keeps it in the journal, and the journal from all. */
	bool (*give_up)(void *arg, const struct sq_err *why);
	void *arg;
};

/* Takes the lock, and sets back what a killed run left.  hands (NULL, as each hook may be: this machine's settings
 * alone) are copied.  -EBUSY with the holder's PID when another still has the lock after wait_ns. */
struct sq_journal *sq_journal_open(const char *dir, int64_t wait_ns,
				   const struct sq_journal_hands *hands, struct sq_err *err);

/* Writes one setting, of this machine where place is NULL, and reads it back.  -ERANGE when the kernel made something
 * else of it. */
int sq_journal_set(struct sq_journal *j, const char *place, const char *key, const char *value,
		   struct sq_err *err);

/* Has a line of shell run when all is set back, in its turn.  After a kill it may run twice. */
int sq_journal_run(struct sq_journal *j, const char *place, const char *line, struct sq_err *err);

/* Sets everything back, the last change first, and gives the lock back.  What could not be set back
 * stays in the journal, and is the error.  NULL is nothing. */
int sq_journal_close(struct sq_journal *j, struct sq_err *err);

#endif
