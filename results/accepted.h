/* Which of a load's operations the server at the other end took on, and for how many recipients: what
 * must arrive somewhere else in the end.  A lane numbers its operations in order and most are accepted,
 * so runs of numbers are a few bytes for thousands of them. */
#ifndef SQ_RESULTS_ACCEPTED_H
#define SQ_RESULTS_ACCEPTED_H

#include <stddef.h>
#include <stdint.h>

#include <jansson.h>

struct sq_accepted_op {
	uint64_t number;
	uint32_t recipients;
};

/* Consecutive numbers, of so many recipients each. */
struct sq_accepted_run {
	uint64_t first, n;
	uint32_t recipients;
};

/* Of one lane. */
struct sq_accepted {
	uint64_t id; /* which with the lane's number names what it made */
	uint64_t lane;
	struct sq_accepted_run *runs; /* ascending, none beside another like it, once settled */
	size_t n, cap;
};

/* [first, n, recipients, ...].  Sorts ops. */
json_t *sq_accepted_to_json(struct sq_accepted_op *ops, size_t n);

/* Adds such a list; -EINVAL when it is none. */
int sq_accepted_add_json(struct sq_accepted *a, const json_t *list);

/* When all was added. */
void sq_accepted_settle(struct sq_accepted *a);
void sq_accepted_fini(struct sq_accepted *a);

#endif
