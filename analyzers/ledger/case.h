/* One mechanism on one host, worked out: what the files of the ledger share.  claims.c makes a
 * case from the record, share.c settles it, words.c puts it into words. */
#ifndef SQ_ANALYZERS_LEDGER_CASE_H
#define SQ_ANALYZERS_LEDGER_CASE_H

#include <string.h>

#include "analyzers/ledger/dose.h"
#include "analyzers/ledger/flow.h"
#include "analyzers/ledger/frame.h"
#include "analyzers/ledger/ledger.h"
#include "analyzers/ledger/level.h"
#include "analyzers/ledger/rules.h"
#include "base/mem.h"

struct sq_joint;

/* One failure of one load that the mechanism can have caused there. */
struct sq_claim {
	struct sq_entry *entry;
	const struct sq_rule_pay *pay;
	struct sq_listener listener; /* at its load's target, near its failures */
	int64_t linear;     /* the client's tcp_syn_linear_timeouts; -1: the kernel has none */
	bool sysctls_known; /* the client's */
	struct sq_syn_schedule schedule;
	bool counted;            /* the driver counted the dose; else it is worked out */
	uint64_t wanted_units;   /* what all its failures cost */
	uint64_t schedule_units; /* the same by the schedule alone */
	uint64_t count, explained, paid;
	uint64_t mixed, mixed_paid;     /* of them, those that lost SYNs to other counters too */
	const struct sq_case *with;     /* the other one that those lost most to */
	size_t told;                    /* its finding's number, from 1; 0: none */
	unsigned least_dose, most_dose; /* of a failure */
	double weight;                  /* the share of it that fits the counter over time */
	bool waits; /* until those are settled that are surer, or whose queue was seen full */
};

/* Failures of a claim due in the same bin, with the same dose: explained each whole or not. */
struct sq_parcel {
	size_t claim, bin;
	uint64_t count, explained;
	uint64_t most;                 /* of count: the rest is for other mechanisms */
	size_t demand;                 /* the first of n_demands */
	size_t n_demands;              /* more than 1: one for each SYN */
	uint64_t units;                /* in each demand, for one failure */
	int64_t lo_ns, hi_ns, soon_ns; /* one demand: when it may be counted, and most likely */
	int64_t due_ns;
};

/* What other outcomes cost, successes above all; taken unit by unit. */
struct sq_slow {
	size_t outcome; /* its number in the run */
	bool segments;  /* else SYNs */
	size_t demand, bin;
	uint64_t wanted; /* of this case: earlier ones have paid for the rest */
	bool waits;
	uint64_t turned_away; /* operations, at least, that did not get in at once */
};

struct sq_case {
	const struct sq_run *run;
	const struct sq_rule *rule;
	const struct sq_rule_counter *counter;
	const char *host;
	const char *row; /* of the counter; NULL: all */
	struct sq_levels levels;
	struct sq_readings readings; /* only what rose while the levels stood */
	struct sq_flow *flow;
	struct sq_claim *claims;
	size_t n_claims;
	struct sq_parcel *parcels; /* by bin */
	size_t n_parcels, cap_parcels;
	struct sq_slow *slows;
	size_t n_slows, cap_slows;
	bool shown;             /* the target's accept queue was seen full */
	const char *other_full; /* a full listener that is no load's target, when none was shown */
	uint64_t slow_wanted, slow_paid;
};

/* Each of its failures cost one rise at a time: not segments, several at any. */
static inline bool sq_parcel_is_joint(const struct sq_case *c, const struct sq_parcel *p)
{
	return c->claims[p->claim].pay->dose != SQ_DOSE_SEGMENTS && p->units == 1;
}

/* Where a case is: one counter of the rule on one host, or one row of it. */
struct sq_scene {
	const struct sq_rule *rule;
	const struct sq_rule_counter *counter;
	const char *host;
	const char *row; /* NULL: all */
};

struct sq_case *sq_case_new(const struct sq_run *run, const struct sq_scene *scene,
			    struct sq_book *book);
struct sq_case *sq_case_free(struct sq_case *c);

/* Fills `explained`, `paid` and `slow_paid`, and takes the explained off the book.  joint may be
 * NULL. */
void sq_case_settle(struct sq_case *c, const struct sq_joint *joint);

/* Sets claims[].weight: in which shares the claims together fit the rises best. */
void sq_case_fit(struct sq_case *c, bool waits);

/* The middle of what a claim's k-th SYN of failures due in a bin may be seen in. */
int64_t sq_case_syn_mid_ns(const struct sq_case *c, const struct sq_parcel *p, size_t syn);

/* Do two look at one counter? */
static inline bool sq_case_alike(const struct sq_case *a, const struct sq_case *b)
{
	return a->counter == b->counter && strcmp(a->host, b->host) == 0 &&
	       sq_same_text(a->row, b->row);
}

/* Shares `sum` out in proportion to want, whose sum is total, by largest remainders; a tie goes to the
 * earlier. */
void sq_apportion(const uint64_t *want, size_t n, uint64_t total, uint64_t sum,
		  uint64_t *ret_share);

/* Failures that the mechanism could have caused, and that nothing explains so far. */
uint64_t sq_case_unexplained(const struct sq_case *c);

/* Rises that nothing pays for; 0 where a failure may have cost any number of them. */
uint64_t sq_case_excess(const struct sq_case *c);
/* Of the counter's side alone: EXACT when what it paid for is all that it rose by.  Whether all the
 * failures were explained too, by this mechanism or together with others, the book knows at its end. */
enum sq_confidence sq_case_confidence(const struct sq_case *c, const struct sq_claim *claim);
json_t *sq_case_evidence(const struct sq_case *c, const struct sq_claim *claim);
char *sq_case_advice(const struct sq_case *c, const struct sq_claim *claim);

#endif
