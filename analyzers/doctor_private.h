/* What the doctor of this machine and that of a far one share.  Nobody else includes it. */
#ifndef SQ_ANALYZERS_DOCTOR_PRIVATE_H
#define SQ_ANALYZERS_DOCTOR_PRIVATE_H

#include <jansson.h>

#include "analyzers/place.h"

/* Each source opened at a place, and what it said. */
json_t *sq_doctor_sources(struct sq_place *place);

/* The whole, with the limits judged.  Steals all. */
json_t *sq_doctor_put(json_t *environment, json_t *sources, json_t *abilities);

#endif
