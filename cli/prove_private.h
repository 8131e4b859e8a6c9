/* What the files of prove share. */
#ifndef SQ_CLI_PROVE_PRIVATE_H
#define SQ_CLI_PROVE_PRIVATE_H

#include "analyzers/ledger/proof.h"
#include "cli/prove.h"
#include "cli/rounds.h"

enum { SQ_PROVE_WITHOUT, SQ_PROVE_WITH }; /* the sides */

struct sq_proving {
	const json_t *report;  /* of the run whose finding it is */
	const char *mechanism; /* of report */
	struct sq_change change;
	char *out;
	struct sq_rounds rounds;
	struct sq_proof_pair *pairs;
	size_t done;
	bool early;   /* not all pairs that were asked for */
	double share; /* what part of the failures the finding explains */
};

bool sq_prove_is_of(const json_t *finding, const char *mechanism);

/* What clients saw in one run, of the kinds that the finding explains. */
struct sq_proof_count sq_prove_count(const struct sq_proving *p, const json_t *report);

/* The round that it was. */
size_t sq_prove_round(const struct sq_proving *p, size_t pair);
/* Was the change first in that pair? */
bool sq_prove_with_first(const struct sq_proving *p, size_t pair);

/* The table on stdout, and OUT/prove.json. */
void sq_prove_print(const struct sq_proving *p, enum sq_proof_verdict v);
int sq_prove_save(const struct sq_proving *p, enum sq_proof_verdict v, struct sq_err *err);

#endif
