/* What place.c (this machine) and place_far.c (a far shell) share. */
#ifndef SQ_ANALYZERS_PLACES_PLACE_PRIVATE_H
#define SQ_ANALYZERS_PLACES_PLACE_PRIVATE_H

#include "analyzers/places/far.h"
#include "analyzers/places/place.h"

enum { SQ_PLACE_MARK = 37 }; /* a UUID and a newline */

struct sq_place_file {
	char *path;
	struct sq_buf text;
	int rc;
	bool fresh; /* fetched, and not yet read */
};

struct sq_place {
	struct sq_far *far; /* NULL: this machine, and nothing else is used */
	struct sq_place_file *files;
	size_t n, cap;
	struct sq_buf line, answer;
	enum { SQ_MARK_UNASKED, SQ_MARK_KNOWN, SQ_MARK_NONE } has_mark;
	char mark[SQ_PLACE_MARK + 1];
	struct sq_far_moment when;
};

int sq_place_far_read(struct sq_place *p, const char *path, struct sq_buf *out);
int sq_place_far_run(struct sq_place *p, const char *command_line, int64_t timeout_ns,
		     struct sq_buf *out, struct sq_err *err);

#endif
