/* A file of /proc that is opened once and read again and again. */
#ifndef SQ_ANALYZERS_FORMATS_PROCFILE_H
#define SQ_ANALYZERS_FORMATS_PROCFILE_H

#include <stdbool.h>
#include <stddef.h>

#include "analyzers/places/place.h"
#include "base/err.h"

struct sq_procfile {
	struct sq_place *place;
	char *path;
	int fd;     /* here */
	char *text; /* NUL-terminated, of the last reading */
	size_t len, cap;
	char *before; /* of the reading before it */
	size_t len_before, cap_before;
	bool read, same; /* there was one; both are one text */
};

/* path: one of /proc/thread-self/net for what belongs to the caller's network namespace, and at a far
 * place to its shell's.  0 or -errno with err. */
int sq_procfile_open(struct sq_procfile *f, struct sq_place *place, const char *path,
		     struct sq_err *err);

/* The whole file anew into text and len. 0 or -errno. */
int sq_procfile_read(struct sq_procfile *f);

/* Also for one that failed to open, or is all zeros. */
void sq_procfile_close(struct sq_procfile *f);

#endif
