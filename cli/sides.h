/* The sides of a comparison that is made by running them in turns: one scenario, set differently, on machines that are
 * set differently. */
#ifndef SQ_CLI_SIDES_H
#define SQ_CLI_SIDES_H

#include <stdbool.h>
#include <stddef.h>

#include <jansson.h>

#include "base/err.h"
#include "base/opt.h"

/* Something that is done outside of the scenario. */
struct sq_deed {
	char *where; /* "ssh:HOST"; NULL: this machine.  Of a program of the world: its host */
	char *name; /* of a setting (base/setting.h, or irq:DEVICE), or of a label; NULL: a command */
	char *text; /* the setting's value, the label, or a line of shell; a program's argv as JSON */
};

struct sq_deeds {
	struct sq_deed *v;
	size_t n, cap;
};

/* One combination of values.  Side 0 has the first of each. */
struct sq_variant {
	char *label;           /* "net.core.somaxconn=1024" */
	struct sq_strings set; /* POINTER=VALUE, for sq_scenario_apply_set */
	struct sq_deeds settings, before, after;
	struct sq_deeds programs;        /* of the world's hosts, before their servers */
	struct sq_deeds labels, tellers; /* labels as they are, and lines of shell that tell them */
	bool runs; /* programs that the scenario names, its ways to another machine among them */
};

struct sq_sides {
	struct sq_variant *v;
	size_t n, cap;
};

enum { SQ_SIDES_MAX = 64 };

/* What is varied, as a command line says it. */
struct sq_sides_ask {
	struct sq_strings sysctl;  /* "KEY=V1,V2": of a host of the world, or the machine's */
	struct sq_strings machine; /* "NAME=V1,V2": of the machine, base/setting.h */
	struct sq_strings vary;    /* "POINTER=V1,V2" */
	struct sq_strings variant; /* names of the scenario's variants, which take turns */
	const char
		*host; /* of the world (NULL: the target's), or "ssh:HOST" for sysctl and machine */
	bool factorial; /* all combinations, else one at a time against the first of all */
};

/* Unless -errno with err, the caller calls sq_sides_fini. */
int sq_sides_make(const json_t *scenario, const struct sq_sides_ask *ask, struct sq_sides *ret,
		  struct sq_err *err);

/* One more, with what is set for it ("POINTER=VALUE", copied).  Good until the next one. */
struct sq_variant *sq_sides_add(struct sq_sides *s, const char *label,
				const struct sq_strings *set);
/* One of the scenario's variants.  -ENOENT with err when it has none of that name. */
int sq_sides_add_variant(struct sq_sides *s, const json_t *scenario, const char *name,
			 struct sq_err *err);
/* Has the side do what the other does, too. */
void sq_side_join(struct sq_variant *to, const struct sq_variant *from);
void sq_sides_fini(struct sq_sides *s);

void sq_deeds_add(struct sq_deeds *d, const char *where, const char *name, const char *text);

/* Whether what the sides do is allowed: settings of a machine take --allow-global, programs of a scenario
 * --allow-exec.  -EPERM. */
int sq_sides_check(const struct sq_sides *s, bool allow_global, bool allow_exec,
		   struct sq_err *err);

#endif
