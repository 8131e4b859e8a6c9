/* The records that `squall capture --stdout` writes at another machine, into a sample of our own. */
#ifndef SQ_ANALYZERS_CAPTURE_RELAY_H
#define SQ_ANALYZERS_CAPTURE_RELAY_H

#include <stdbool.h>
#include <stddef.h>

#include "analyzers/places/far_clock.h"
#include "analyzers/sample.h"

struct sq_relay;

/* host: what it is called here.  All borrowed. */
struct sq_relay *sq_relay_new(const char *host, struct sq_sample *sample,
			      struct sq_far_clock *clock);
struct sq_relay *sq_relay_free(struct sq_relay *r);

/* The far end began anew: its numbers mean nothing any more, its names still do. */
void sq_relay_reset(struct sq_relay *r);

enum sq_relayed { SQ_RELAYED, SQ_RELAYED_PONG, SQ_RELAYED_DONE };

/* One line of text (it is not kept).  An enum sq_relayed; -EBADMSG with err for what can't be such a
 * record, or the spool's error.  With a PONG *ret_number and *ret_far_ns are set. */
int sq_relay_line(struct sq_relay *r, const char *line, size_t len, int64_t *ret_number,
		  int64_t *ret_far_ns, struct sq_err *err);

#endif
