/* What the doctor of this machine and that of a far one share.  Nobody else includes it. */
#ifndef SQ_ANALYZERS_DOCTOR_PRIVATE_H
#define SQ_ANALYZERS_DOCTOR_PRIVATE_H

#include <stdbool.h>

#include <jansson.h>

#include "analyzers/places/place.h"

struct sq_doctor_look {
	struct sq_place *place;
	bool allow_exec; /* sources that start programs too */
	bool bsd;        /* the place is one */
};

/* Each source opened there, and what it said. */
json_t *sq_doctor_sources(const struct sq_doctor_look *look);

/* The whole, with the limits judged.  Steals all. */
json_t *sq_doctor_put(json_t *environment, json_t *sources, json_t *abilities);

#endif
