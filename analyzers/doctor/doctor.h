/* What of a machine can be captured, and which of its limits will bite before its servers do. */
#ifndef SQ_ANALYZERS_DOCTOR_DOCTOR_H
#define SQ_ANALYZERS_DOCTOR_DOCTOR_H

#include <stdbool.h>

#include <jansson.h>

#include "base/buf.h"
#include "base/err.h"

/* This machine, looked at: {"environment": {..}, "sources": [{source, available, because}], "abilities":
 * [{ability, available, because}], "limits": [{limit, value, bites, because, advice}], "bites": n}.
 * available is null for what must first be told of what to read, or starts programs and may not
 * (allow_exec).  New reference. */
json_t *sq_doctor_examine(bool allow_exec);

/* The same of the machine at the far end of a command's pipes: "ssh:HOST" or "exec:COMMAND"
 * (scenarios/where.h).  NULL with err when it can't be reached. */
json_t *sq_doctor_examine_far(const char *where, bool allow_exec, struct sq_err *err);

/* The limits alone, out of an environment as sq_environment_read gives it. */
json_t *sq_doctor_limits(const json_t *environment);

/* For a person, from sq_doctor_examine's alone. */
void sq_doctor_text(const json_t *examined, struct sq_buf *out, int width);

#endif
