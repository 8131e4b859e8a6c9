/* One ssh connection through which several shells of one machine are had. */
#ifndef SQ_ANALYZERS_PLACES_SSH_SHARE_H
#define SQ_ANALYZERS_PLACES_SSH_SHARE_H

#include "analyzers/places/far.h"

struct sq_ssh_share;

/* where: "ssh:HOST", borrowed.  Nothing is connected yet. NULL with err: no folder or no thread for it. */
struct sq_ssh_share *sq_ssh_share_new(const char *where, struct sq_err *err);
/* Ends the connection and all shells on it, and removes what it had in the file system.  Its other calls may
 * still be made. */
void sq_ssh_share_end(struct sq_ssh_share *s);
struct sq_ssh_share *sq_ssh_share_free(struct sq_ssh_share *s);

/* From any thread.  0: sq_far_open(f) now makes a shell on the connection.  -EINPROGRESS: ask again soon.
 * -ENOTCONN: it could not be made, or was lost, and sq_far_why(f) tells why; the next call tries again.
 * *seen: the caller's, 0 at first; so one failure is told to each, and tried again by one. */
int sq_ssh_share_ready(struct sq_ssh_share *s, unsigned *seen, struct sq_far *f);

#endif
