/* The sides of a comparison that is made by running them in turns: one scenario, set differently. */
#ifndef SQ_CLI_SIDES_H
#define SQ_CLI_SIDES_H

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
struct sq_variant {
	char *label;           /* "net.core.somaxconn=1024" */
	struct sq_strings set; /* POINTER=VALUE, for sq_scenario_apply_set */
};

struct sq_sides {
	struct sq_variant *v;
	size_t n, cap;
};

enum { SQ_SIDES_MAX = 64 };

/* sysctls: "KEY=V1,V2"; vary: "POINTER=V1,V2".  A sysctl is that of a host of the scenario's world (NULL: the
 * one that the target stands on), or the machine's where no host has it for itself.  factorial: all
 * combinations, else one at a time against the first of all.  Unless -errno with err, the caller calls
 * sq_sides_fini. */
int sq_sides_make(const json_t *scenario, const struct sq_strings *sysctls,
		  const struct sq_strings *vary, const char *host, bool factorial,
		  struct sq_sides *ret, struct sq_err *err);
/* One more, with what is set for it ("POINTER=VALUE", copied). */
void sq_sides_add(struct sq_sides *s, const char *label, const struct sq_strings *set);
void sq_sides_fini(struct sq_sides *s);

#endif
