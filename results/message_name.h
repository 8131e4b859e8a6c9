/* What a load calls each of its messages: "5eed5eed5eed5eed.0.17" in X-Squall-Id and, before an @, in
 * Message-ID.  By it a message is known again in whatever log or mailbox it comes to. */
#ifndef SQ_RESULTS_MESSAGE_NAME_H
#define SQ_RESULTS_MESSAGE_NAME_H

#include <stdbool.h>
#include <stdint.h>

struct sq_message_name {
	uint64_t
		id; /* of the lane that made it; no two runs from different seeds have one in common */
	uint64_t lane, number;
};

enum { SQ_MESSAGE_NAME_TEXT = 60 };

void sq_message_name_text(const struct sq_message_name *name, char out[SQ_MESSAGE_NAME_TEXT]);

/* The name that stands at *at up to the character `end`; *at is then behind that.  False when there is
 * none; *at and *ret are then whatever they came to. */
bool sq_message_name_next(const char **at, char end, struct sq_message_name *ret);

/* As qsort wants it: by id, lane, number. */
int sq_message_name_order(const struct sq_message_name *a, const struct sq_message_name *b);

#endif
