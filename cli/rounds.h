/* Rounds of trials: each runs every side once, in an order drawn from the seed, so that what a machine does
 * slowly meets all sides.  A round that was not whole counts for nothing; one in which the generator missed operations is
 * run again, a few times. */
#ifndef SQ_CLI_ROUNDS_H
#define SQ_CLI_ROUNDS_H

#include "cli/sides.h"
#include "cli/trial.h"

struct sq_rounds {
	/* What is asked for, borrowed. */
	const json_t *scenario;
	struct sq_trial_way way;
	const char *dir; /* runs go to DIR/ROUND-SIDE */
	const struct sq_sides *sides;
	uint64_t seed;
	size_t warmup, pairs; /* rounds that do not count, and that do */
	/* What came of it. */
	json_t ***reports; /* of each side those of the rounds that count */
	size_t whole;      /* so many of these rounds */
	json_t *counted;   /* which of all rounds these are */
	json_t *orders;    /* of the sides, of all rounds */
	json_t **labels;   /* of each side what it is called, {name: text}; NULL: nothing */
};

/* The measures that --gate asks for, a new array; NULL: none were asked for, and without err.  NULL with err when one is no
 * measure of the scenario's loads. */
json_t *sq_gates_of(const json_t *scenario, const struct sq_strings *asked, struct sq_err *err);

/* The exit status of the first run that could not be measured, and is not run again, or was stopped; else 0.  The caller
 * calls sq_rounds_fini. */
int sq_rounds_run(struct sq_rounds *r);
void sq_rounds_fini(struct sq_rounds *r);

#endif
