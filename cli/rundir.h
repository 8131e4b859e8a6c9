/* Where a run goes. */
#ifndef SQ_CLI_RUNDIR_H
#define SQ_CLI_RUNDIR_H

#include <stddef.h>

#include "base/err.h"

/* --out DIR (new or empty), or runs/NAME/STAMP with the link runs/NAME/latest.  *ret_dir is the
 * caller's to free; id gets the run's name among its like (the stamp). */
int sq_rundir_make(const char *out, const char *name, char **ret_dir, char *id, size_t id_size,
		   struct sq_err *err);

/* DIR/NAME, NAME-2, ...: the first that is not there yet; dir NULL: the current one.  *ret_dir is the caller's to free. */
int sq_rundir_beside(const char *dir, const char *name, char **ret_dir, struct sq_err *err);

/* A folder for several runs, made when it is not there. */
int sq_rundir_folder(const char *path, struct sq_err *err);

#endif
