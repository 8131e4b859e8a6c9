/* squall gate, as far as others ask for it. */
#ifndef SQ_CLI_GATE_H
#define SQ_CLI_GATE_H

#include <jansson.h>

json_t *sq_gate_schema(void); /* JSON Schema (draft-07) of gate.json */

#endif
