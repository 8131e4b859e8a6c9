/* What the parts of `squall lab` share. */
#ifndef SQ_CLI_LAB_H
#define SQ_CLI_LAB_H

#include <stdbool.h>

#include <jansson.h>

#include "base/buf.h"
#include "cli/execute.h"

struct sq_lab_args {
	struct sq_run_args run; /* those of `squall run` */
	bool all, no_cure;
	int64_t pairs;
};

/* A shipped lab by its name, or one of the user's own by its file (a word with '/' or '.'). */
struct sq_lab {
	char *name;
	json_t *doc;
	bool shipped; /* its programs need no --allow-exec */
};

/* Complains itself. */
int sq_lab_open(const char *word, struct sq_lab *ret);
void sq_lab_close(struct sq_lab *lab);

/* "root, a global sysctl, postfix (postfix)": what it takes, for people; "" for nothing. */
void sq_lab_needs(const json_t *doc, struct sq_buf *out);
/* Adds why it can't run here, if so: what of its needs is not there.  True when nothing is missing. */
bool sq_lab_possible(const json_t *doc, bool allow_global, struct sq_buf *because);

/* Each lab as it fails, then with its cure; a table.  Returns the exit status. */
int sq_lab_run(const struct sq_lab *labs, size_t n, const struct sq_lab_args *args, int argc,
	       char **argv);

/* A shell inside the lab's world, its servers up and its load ready.  The shell's exit status. */
int sq_lab_shell(const struct sq_lab *lab, const struct sq_lab_args *args);

/* Writes NAME.json, a lab to begin with, and NAME.md, which says what is what in it. */
int sq_lab_new(const char *name);

#endif
