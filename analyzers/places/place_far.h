/* A far shell as a place. */
#ifndef SQ_ANALYZERS_PLACES_PLACE_FAR_H
#define SQ_ANALYZERS_PLACES_PLACE_FAR_H

#include "analyzers/places/far.h"
#include "analyzers/places/place.h"

/* far: borrowed, open or not. */
struct sq_place *sq_place_new(struct sq_far *far);
struct sq_place *sq_place_free(struct sq_place *p);

/* Reads all files that were ever read there in one round trip; each next sq_place_read is answered
 * from that, once.  0 or -errno: the far end is closed. */
int sq_place_fetch(struct sq_place *p);

/* When what was read last was so; zeros: nothing was read since the last fetch began. */
struct sq_far_moment sq_place_when(const struct sq_place *p);

#endif
