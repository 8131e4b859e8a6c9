/* A variant: what one side of a comparison changes.  "variants" of a scenario has them by name. */
#ifndef SQ_SCENARIOS_VARIANT_H
#define SQ_SCENARIOS_VARIANT_H

#include "base/opt.h"

struct sq_variant_command {
	struct sq_strings argv;
	char *host; /* of the world; NULL: where the variant says */
};

struct sq_variant_label { /* exactly one of text and argv */
	char *name;       /* the key */
	char *text;
	struct sq_strings argv;
};

struct sq_variant_spec {
	char *name;                   /* the key */
	struct sq_pairs set;          /* JSON pointers into the scenario */
	struct sq_pairs machine;      /* its settings (base/setting.h), "irq:DEVICE" too */
	char *where;                  /* the machine; NULL: this one */
	struct sq_list before, after; /* struct sq_variant_command */
	struct sq_list labels;        /* struct sq_variant_label */
};

/* Of one variant. */
extern const struct sq_opt sq_variant_opts[];

#endif
