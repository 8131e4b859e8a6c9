/* squall tune: what a setting does, by trials of all its values in turn. */
#ifndef SQ_CLI_TUNE_H
#define SQ_CLI_TUNE_H

#include <stdbool.h>
#include <stddef.h>

#include <jansson.h>

#include "base/err.h"
#include "base/opt.h"

/* One thing that is varied: its JSON pointers are set to one of its values. */
struct sq_factor {
	char *pointer;
	struct sq_strings values; /* two at least */
};

/* One combination of values.  Side 0 has the first of each. */
struct sq_tune_side {
	char *label;           /* "net.core.somaxconn=1024" */
	struct sq_strings set; /* POINTER=VALUE, for sq_scenario_apply_set */
};

struct sq_tune_sides {
	struct sq_tune_side *v;
	size_t n, cap;
};

enum { SQ_TUNE_SIDES_MAX = 64 };

/* sysctls: "KEY=V1,V2"; vary: "POINTER=V1,V2".  A sysctl is that of a host of the scenario's world (NULL: the
 * one that the target stands on), or the machine's where no host has it for itself.  factorial: all
 * combinations, else one at a time against the first of all.  Unless -errno with err, the caller calls
 * sq_tune_sides_fini. */
int sq_tune_sides_make(const json_t *scenario, const struct sq_strings *sysctls,
		       const struct sq_strings *vary, const char *host, bool factorial,
		       struct sq_tune_sides *ret, struct sq_err *err);
void sq_tune_sides_fini(struct sq_tune_sides *s);

/* JSON Schema (draft-07) of tune.json. */
json_t *sq_tune_schema(void);

#endif
