/* Where a source reads: this machine, in the namespaces that the capture stands in, or a shell at the
 * far end of a command's pipes (ssh HOST sh).  A source that reads through its sample's place alone
 * works at both, and says so (`remote` in its table). */
#ifndef SQ_ANALYZERS_PLACES_PLACE_H
#define SQ_ANALYZERS_PLACES_PLACE_H

#include <stdbool.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/err.h"

struct sq_place;

/* This machine: one object for all threads, never freed. */
struct sq_place *sq_place_here(void);
bool sq_place_is_here(const struct sq_place *p);
/* False: the far end is gone. */
bool sq_place_is_open(const struct sq_place *p);

/* A whole file into out, in place of what was in it. 0 or -errno. */
int sq_place_read(struct sq_place *p, const char *path, struct sq_buf *out);

/* What a line of shell (here /bin/sh -c, there the far shell) writes to its standard output, into out
 * in place of what was in it.  0; -ETIMEDOUT, when the command is ended; -EIO when its exit status is
 * not 0, with the end of what it said on standard error in err; or -errno. */
int sq_place_run(struct sq_place *p, const char *command_line, int64_t timeout_ns,
		 struct sq_buf *out, struct sq_err *err);

#endif
