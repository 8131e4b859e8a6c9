/* What went wrong, for a person.  The first of the three kinds of error (docs/design.md): the
 * program's own.  What the tested system did is a struct sq_outcome, never an sq_err. */
#ifndef SQ_BASE_ERR_H
#define SQ_BASE_ERR_H

/* code: -errno, 0 when unset.  where: "file.json: /load/0/timeout", "host server: sysctl ...",
 * or "".  text: what is wrong; what to do. */
struct sq_err {
	int code;
	char where[256];
	char text[768];
};

/* Fills err (which may be NULL) and returns code, so that `return sq_err_set(...)` reads well.
 * code is a negative errno.  Text that does not fit is cut. */
int sq_err_set(struct sq_err *err, int code, const char *where, const char *fmt, ...)
	__attribute__((format(printf, 4, 5)));

#endif
