/* What more was said of failures of one kind, each text with its count: an SMTP reply's enhanced status
 * ("4.7.1") beside its code.  Servers say what they like, so kinds are few: what exceeds them is counted
 * together. */
#ifndef SQ_RESULTS_DETAILS_H
#define SQ_RESULTS_DETAILS_H

#include <stddef.h>
#include <stdint.h>

#include <jansson.h>

enum { SQ_DETAIL_MAX = 12, SQ_DETAILS_MAX = 64 };

struct sq_detail {
	char text[SQ_DETAIL_MAX];
	uint64_t n;
};

struct sq_details {
	struct sq_detail *v; /* SQ_DETAILS_MAX at most */
	size_t n, cap;
	uint64_t other; /* of kinds that had no place here */
};

/* n more of a text that is not "". */
void sq_details_add(struct sq_details *d, const char *text, uint64_t n);
uint64_t sq_details_sum(const struct sq_details *d);
/* The most frequent first. */
void sq_details_settle(struct sq_details *d);

/* Empty, the storage kept; and without it. */
void sq_details_reset(struct sq_details *d);
void sq_details_fini(struct sq_details *d);

/* {"4.7.1": n, "other": n}. */
json_t *sq_details_to_json(const struct sq_details *d);
/* Adds such an object, or none (NULL); -EINVAL when it is none. */
int sq_details_add_json(struct sq_details *d, const json_t *object);

#endif
