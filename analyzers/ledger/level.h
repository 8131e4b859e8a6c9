/* Levels that a rule asks for: when a gauge stood at its limit, when a counter rose how fast. */
#ifndef SQ_ANALYZERS_LEDGER_LEVEL_H
#define SQ_ANALYZERS_LEDGER_LEVEL_H

#include <stdbool.h>
#include <stddef.h>

#include "analyzers/ledger/frame.h"
#include "analyzers/ledger/placeholder.h"
#include "analyzers/ledger/rules.h"
#include "results/run.h"

/* All levels of a rule on one host in one role (enum sq_side; EITHER: whatever they are asked for). */
struct sq_levels {
	const struct sq_rule *rule;
	int role;
	bool asked;  /* the rule asks for any, in that role */
	bool *stand; /* by bin: all of them; all true when it asks for none */
	struct sq_peak {
		double value, limit; /* of the moment that went furthest; NAN: never read */
		const char *row;     /* borrowed; may be NULL */
	} * peaks;                   /* one for each level */
};

struct sq_levels sq_levels_read(const struct sq_run *run, const struct sq_rule *rule,
				const char *host, int role);
void sq_levels_fini(struct sq_levels *l);

/* Why they can't be told on the host, for the caller to free; NULL when they can. */
char *sq_levels_because(const struct sq_run *run, const struct sq_rule *rule, const char *host,
			int role);

/* Does all of it stand at some time of bins [from, to]? */
bool sq_levels_stood(const struct sq_run *run, const struct sq_levels *l, size_t from, size_t to);

/* Takes out of the readings what rose while a level did not stand. */
void sq_levels_mask(const struct sq_run *run, const struct sq_levels *l, struct sq_readings *r);

/* Adds each level's sentence to the evidence. */
void sq_levels_say(const struct sq_levels *l, const struct sq_topic *topic, json_t *evidence);

/* What the queue of a load's target did while the levels stood: UNKNOWN where none was read, or it was read
 * less than twice, or what failed at that phase need not have been in it.  One that was always empty, while what failed
 * would have stood in it, counts as MOVED: whatever the levels are of, it is not what these operations waited for. */
enum sq_queue_state { SQ_QUEUE_UNKNOWN, SQ_QUEUE_MOVED, SQ_QUEUE_STOOD };

enum sq_queue_state sq_levels_queue(const struct sq_run *run, const struct sq_levels *l,
				    const char *host, const struct sq_load_rec *load,
				    const char *phase);

#endif
