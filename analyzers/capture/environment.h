/* What a host is, for the report and for the mechanisms that work out doses from it. */
#ifndef SQ_ANALYZERS_CAPTURE_ENVIRONMENT_H
#define SQ_ANALYZERS_CAPTURE_ENVIRONMENT_H

#include <jansson.h>

#include "analyzers/places/place.h"

/* Of where the caller stands: its network namespace's sysctls and queues, its limits.  The object
 * "environment" of docs/spool.md; what can't be had is left out.  New reference. */
json_t *sq_environment_read(void);

/* Of a far shell: kernel, processors and sysctls. */
json_t *sq_environment_far(struct sq_place *place);

/* environment_machine.c: what limits processes here, and how the processors keep their time and speed. */
void sq_environment_machine(json_t *env);

/* Where the machine's own network namespace is: those of the same sysctls that are the machine's,
 * which hosts of a world do not see though they count there.  New reference. */
json_t *sq_environment_globals(void);

#endif
