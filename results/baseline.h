/* The stored sessions that new ones are measured against: DIR/NAME.jsonl, to be kept in a repository or as an
 * artifact of CI.  A session is some runs in one sitting, of which the medians are kept: the runs of one
 * sitting resemble each other more than they resemble those of tomorrow.  A line:
 *   {schema: "squall-baseline/1", started, runs, environment: {kernel, machine, cpus, cpu_model},
 *    scenario: {the effective one, without its seed}, measures: {"storm.rate.ok": 1000.0, ..}} */
#ifndef SQ_RESULTS_BASELINE_H
#define SQ_RESULTS_BASELINE_H

#include <stdbool.h>
#include <stddef.h>

#include <jansson.h>

#include "base/err.h"

/* One session out of its reports, n >= 1, which were made by one scenario on one machine. */
json_t *sq_session_make(const json_t *const *reports, size_t n, const json_t *names);

/* All stored sessions of a name, in their order; an empty array when there is no file.  NULL with err. */
json_t *sq_baseline_load(const char *dir, const char *name, struct sq_err *err);
/* Writes all of them, whole or not at all. */
int sq_baseline_save(const char *dir, const char *name, const json_t *sessions, struct sq_err *err);

/* Those that may be compared with a session: of the same scenario and, unless any is true, on the same kind of
 * machine.  A new array; *ret_because: why others were left out, borrowed; NULL: none was. */
json_t *sq_baseline_alike(const json_t *sessions, const json_t *session, bool any,
			  const char **ret_because);

#endif
