/* The shipped labs (the files of scenarios/labs), carried in the program. */
#ifndef SQ_SCENARIOS_LABS_H
#define SQ_SCENARIOS_LABS_H

#include "base/embedded.h"

extern const struct sq_embedded sq_labs[]; /* by name; a NULL name ends it */

#endif
