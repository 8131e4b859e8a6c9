/* The spool: JSON lines that a run writes while it goes on, one file for each writing process,
 * so that a kill loses at most the last second.  Formats: docs/spool.md. */
#ifndef SQ_RESULTS_SPOOL_H
#define SQ_RESULTS_SPOOL_H

#include <jansson.h>

#include "base/err.h"

struct sq_spool;

/* DIR/spool/NAME.jsonl, made anew; DIR/spool is made when missing.  dirfd: DIR, opened before any
 * namespace was entered. */
struct sq_spool *sq_spool_open(int dirfd, const char *name, struct sq_err *err);

/* The same to a descriptor that is open already and stays the caller's; where: what errors call it. */
struct sq_spool *sq_spool_on(int fd, const char *where);

/* Steals record, writes it as one line with one write(2); any thread.  Once a write has failed, all further
 * ones fail with the same error, at once. */
int sq_spool_write(struct sq_spool *s, json_t *record, struct sq_err *err);

/* The same for records that are text already, each with its newline: all of them with one write(2). */
int sq_spool_write_lines(struct sq_spool *s, const char *lines, size_t len, struct sq_err *err);

/* Reports a late write error too; the storage is freed in any case. */
int sq_spool_close(struct sq_spool *s, struct sq_err *err);

/* Calls each(record, arg) for each whole line of one file, in order.  *ret_torn says whether the
 * last line was cut.  A corrupt line before the last is -EINVAL. */
int sq_spool_read(const char *path, int (*each)(json_t *record, void *arg, struct sq_err *err),
		  void *arg, int *ret_torn, struct sq_err *err);

/* The same, with a say before a line is made JSON: quick returns 1 for a line that it has taken, 0
 * for one that it leaves to each(), or an error. */
int sq_spool_read_quick(const char *path,
			int (*quick)(const char *line, size_t len, void *arg, struct sq_err *err),
			int (*each)(json_t *record, void *arg, struct sq_err *err), void *arg,
			int *ret_torn, struct sq_err *err);

#endif
