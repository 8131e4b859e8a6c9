/* Readings that cost more than a glance are taken less often: each waits until what the last one took
 * is 1/300 of the time that has passed, so that a source stays below 0.4 % of a processor however
 * much there is to read. */
#ifndef SQ_ANALYZERS_COST_H
#define SQ_ANALYZERS_COST_H

#include <stdbool.h>
#include <stdint.h>

/* All zeros: due at once. */
struct sq_cost {
	int64_t begin_cpu_ns; /* of the reading under way, by the thread's processor time */
	int64_t next_ns;
};

/* Whether it is time; if so the reading begins, and the thread that asked says when it is done. */
bool sq_cost_due(struct sq_cost *c);
/* least_ns: not sooner again than this, cheap as it may be. */
void sq_cost_done(struct sq_cost *c, int64_t least_ns);

#endif
