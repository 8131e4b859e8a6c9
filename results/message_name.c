#include "results/message_name.h"

#include <inttypes.h>
#include <stdio.h>

#include "base/digits.h"

void sq_message_name_text(const struct sq_message_name *name, char out[SQ_MESSAGE_NAME_TEXT])
{
	snprintf(out, SQ_MESSAGE_NAME_TEXT, "%016" PRIx64 ".%" PRIu64 ".%" PRIu64, name->id,
		 name->lane, name->number);
}

bool sq_message_name_next(const char **at, char end, struct sq_message_name *ret)
{
	return sq_digits_next(at, 16, '.', &ret->id) && sq_digits_next(at, 10, '.', &ret->lane) &&
	       sq_digits_next(at, 10, end, &ret->number);
}

int sq_message_name_order(const struct sq_message_name *a, const struct sq_message_name *b)
{
	if (a->id != b->id)
		return a->id < b->id ? -1 : 1;
	if (a->lane != b->lane)
		return a->lane < b->lane ? -1 : 1;
	return (a->number > b->number) - (a->number < b->number);
}
