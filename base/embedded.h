/* Files that the program carries with it (labs, rules), generated into it by the build. */
#ifndef SQ_BASE_EMBEDDED_H
#define SQ_BASE_EMBEDDED_H

#include <stddef.h>

struct sq_embedded {
	const char *name; /* the file's, without folder and ending; NULL ends a list */
	const char *text;
	size_t len;
};

#endif
