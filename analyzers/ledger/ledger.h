/* The ledger: every failure of a run is an entry, and each mechanism in turn takes off it what it
 * explains.  What is once explained is gone for the mechanisms after it, so that the sum of what
 * all findings explain and of what is left is the count, always. */
#ifndef SQ_ANALYZERS_LEDGER_LEDGER_H
#define SQ_ANALYZERS_LEDGER_LEDGER_H

#include "analyzers/ledger/joint.h"
#include "analyzers/ledger/rules.h"
#include "analyzers/ledger/spent.h"
#include "results/run.h"

/* One failure of one load: "timeout@connect" of storm. */
struct sq_entry {
	const struct sq_load_rec *load;
	const struct sq_outcome_rec *outcome;
	char *failure;
	uint64_t *left; /* by due bin: not yet explained */
	uint64_t explained;
};

/* A mechanism that could not be looked for on a host: said at the end, if anything is left for it. */
struct sq_unread {
	const struct sq_rule *rule;
	int side; /* enum sq_side: the counter's */
	const struct sq_load_rec
		*load; /* whose target that is no host of the scenario's; NULL: a host */
	char *host, *because;
};

struct sq_book {
	const struct sq_run *run;
	struct sq_joint *joint; /* NULL until made */
	struct sq_spent *spent; /* of counters that several mechanisms look at */
	struct sq_case **cases; /* settled, in that order */
	size_t n_cases, cap_cases;
	struct sq_unread *unread;
	size_t n_unread, cap_unread;
	struct sq_entry *v;
	size_t n;
};

struct sq_book sq_book_open(const struct sq_run *run);
void sq_book_fini(struct sq_book *b);

/* Before any mechanism: works out which counters together pay for what costs one in each. */
void sq_book_join(struct sq_book *b, const struct sq_rule_table *rules);

/* Lets one mechanism explain what it can, on every host that it may have happened on; findings
 * and what could not be examined go to f.  The findings' `unexplained` is set by sq_book_close. */
void sq_book_examine(struct sq_book *b, const struct sq_rule *rule, struct sq_findings *f);

/* The connects that lost their SYNs to several counters, the accounts, and the findings' `unexplained`. */
void sq_book_close(struct sq_book *b, struct sq_findings *f);

#endif
