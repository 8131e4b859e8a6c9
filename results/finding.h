/* What the analyzers say of a run's failures. */
#ifndef SQ_RESULTS_FINDING_H
#define SQ_RESULTS_FINDING_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <jansson.h>

enum sq_confidence { SQ_WEAK, SQ_STRONG, SQ_EXACT, SQ_PROVED };

const char *sq_confidence_name(enum sq_confidence c);

/* One mechanism's share of one failure of one load; or, without a load, of what a host put off after
 * its client was done ("deferred"), which is in no account. */
struct sq_finding {
	char *load, *failure; /* "timeout@connect" */
	char *mechanism, *host;
	uint64_t count;        /* failures of that kind in that load */
	uint64_t explained;    /* by this mechanism on that host */
	uint64_t unexplained;  /* by any finding: the same in each finding of one failure */
	double counter_excess; /* the counter rose by so much more than failures and slow
				    successes can pay for; of the mechanism, not of the failure */
	enum sq_confidence confidence;
	json_t *evidence; /* array of sentences */
	char *advice, *reference;
};

/* Of every failure of every load: the sum of explained over findings + unexplained == count. */
struct sq_account {
	char *load, *failure;
	uint64_t count, explained, unexplained;
};

struct sq_not_examined {
	char *mechanism, *host, *because;
};

/* A counter that moved with failures of a kind that nothing explains: no cause, and in no finding. */
struct sq_mover {
	char *load, *failure;
	char *host, *metric, *instance; /* instance may be NULL */
	double lag_s;                   /* so long after the failures' due times */
	double r;                       /* correlation, without what follows the load's arrivals */
	double p, q; /* by circular shifts; over all pairs (Benjamini and Hochberg) */
};

struct sq_findings {
	struct sq_finding *v;
	size_t n;
	struct sq_account *accounts;
	size_t n_accounts;
	struct sq_not_examined *not_examined;
	size_t n_not_examined;
	struct sq_mover *movers; /* by p, then r */
	size_t n_movers;
};

/* Each copies its strings; evidence is stolen (NULL: empty array). */
struct sq_finding *sq_findings_add(struct sq_findings *f);
/* Those that explain nothing are gone. */
void sq_findings_drop_empty(struct sq_findings *f);
struct sq_account *sq_findings_account(struct sq_findings *f, const char *load, const char *failure,
				       uint64_t count);
void sq_findings_not_examined(struct sq_findings *f, const char *mechanism, const char *host,
			      const char *because);
struct sq_mover *sq_findings_mover(struct sq_findings *f, const char *load, const char *failure,
				   const char *host, const char *metric, const char *instance);
bool sq_findings_is_noted(const struct sq_findings *f, const char *mechanism, const char *host);
void sq_findings_fini(struct sq_findings *f);

#endif
