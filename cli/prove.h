/* From "explains" to "is the cause": the one setting that a finding names is changed, and the scenario
 * runs with and without the change, in pairs. */
#ifndef SQ_CLI_PROVE_H
#define SQ_CLI_PROVE_H

#include "cli/lab.h"
#include "cli/trial.h"

/* Five that all go one way leave a chance of 1 in 32; fewer prove nothing. */
#define SQ_PROVE_PAIRS "5"

/* What is changed: pointers into the scenario, and, where it has no world, this machine's sysctls. */
struct sq_change {
	json_t *set, *sysctl; /* objects of texts, in the words of --set */
	char *text;
	bool part; /* the rule also names a setting of a server that only its owner can change */
};

/* What the user says ("POINTER=VALUE"), else the scenario's own cure when it claims this mechanism,
 * else what the mechanism's rule says of the finding's host.  -ENOENT when neither knows a change; -EPERM when it would change this machine
 * without leave. */
int sq_change_find(const json_t *scenario, const json_t *finding, const struct sq_strings *set,
		   bool allow_global, struct sq_change *ret, struct sq_err *err);
void sq_change_fini(struct sq_change *c);

struct sq_prove_ask {
	const char *mechanism;        /* NULL: what explains most */
	const struct sq_strings *set; /* the user's own change; NULL or empty: see sq_change_find */
	int64_t pairs;
	const char *out; /* NULL: a new folder in the run's */
};

/* Proves, or withdraws, what the report finds of a mechanism.  Writes OUT/prove.json and prints a
 * table.  Returns the exit status: 0 proved, 1 not, 3 undecided; of what ended early that of
 * the run that ended it. */
int sq_prove(const struct sq_trial *base, const struct sq_prove_ask *ask,
	     const struct sq_trial_way *way);

/* Runs the lab once for its finding, then proves that. */
int sq_prove_lab(const struct sq_lab *lab, const struct sq_lab_args *args, int argc, char **argv);

#endif
