/* The rules that hold in this process: those that the program carries, and the user's own beside
 * them (--rules DIR).  Expectations are checked by the same list as failures are explained by. */
#ifndef SQ_ANALYZERS_LEDGER_RULES_OWN_H
#define SQ_ANALYZERS_LEDGER_RULES_OWN_H

#include <jansson.h>

#include "base/embedded.h"
#include "base/err.h"

/* Takes every ID.json of a folder, before any other use of rules; one of a shipped rule's id replaces
 * it.  Errors name the file and the place in it, and leave the rules as they were. */
int sq_rules_own(const char *dir, struct sq_err *err);

/* All of them, by id; a NULL name ends the list. */
const struct sq_embedded *sq_rules_all(void);

/* {"dir", "added": [id ..], "replaced": [id ..]}, borrowed; NULL: the shipped ones alone. */
const json_t *sq_rules_told(void);

/* Back to the shipped ones. */
void sq_rules_forget(void);

#endif
