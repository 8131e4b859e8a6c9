/* squall tune, as far as others ask for it. */
#ifndef SQ_CLI_TUNE_H
#define SQ_CLI_TUNE_H

#include <jansson.h>

json_t *sq_tune_schema(void); /* JSON Schema (draft-07) of tune.json */

#endif
