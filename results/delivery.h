/* What became of the messages that a server took from the loads: the join of what was accepted at one
 * end with the receipts of the other.  analyzers/delivery/delivery.c makes it. */
#ifndef SQ_RESULTS_DELIVERY_H
#define SQ_RESULTS_DELIVERY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <jansson.h>

struct sq_hist;

/* accepted == delivered + undelivered; undelivered == queued + bounced + lost, which mean something when
 * sq_delivery.because is NULL. */
struct sq_delivery_recipients {
	uint64_t accepted, delivered, undelivered;
	uint64_t queued, bounced, lost;
	uint64_t deferred; /* of the queued: the relay has tried */
	uint64_t copies;   /* deliveries beyond a recipient's first */
};

/* Messages; the same sums. */
struct sq_delivery_sum {
	uint64_t accepted;
	uint64_t delivered;   /* to all recipients that were accepted */
	uint64_t undelivered; /* to one of them at least, not by the end */

	/* Of the undelivered: one of their recipients is lost; none is, and one stands in a relay's queue;
	 * they bounced. */
	uint64_t lost, queued, bounced;
	uint64_t deferred; /* of the queued: a relay has tried */

	/* Of any that arrived. */
	uint64_t duplicated; /* to one of them at least, more than once */
	uint64_t corrupted;  /* their text did not fit their digest */
	uint64_t unchecked;  /* they had no digest */
	uint64_t unaccepted; /* they arrived, though the load was never told that they were taken */

	struct sq_delivery_recipients recipients;
	struct sq_hist *latency; /* from sending to the first delivery, of each recipient */
	int64_t last_ns;         /* the last first delivery, from t0; meaningless without any */
};

struct sq_delivery_load {
	const char *name; /* borrowed of the run */
	struct sq_delivery_sum sum;
	/* Names of the first few, to be found in a relay's log; arrays. */
	json_t *undelivered, *queued, *bounced, *lost, *duplicated, *corrupted;
};

struct sq_delivery_file {
	char *path;
	uint64_t receipts; /* of these loads */
	uint64_t others;   /* of other runs */
	bool whole;        /* else its sink was killed, or serves on */
};

/* Why so many recipients are queued or bounced. */
struct sq_delivery_reason {
	const char *place;  /* "queued", "bounced": static */
	char *dsn, *reason; /* "4.3.0", "refused by the host" */
	uint64_t recipients;
};

struct sq_delivery {
	struct sq_delivery_load *loads;
	size_t n_loads;
	struct sq_delivery_file *files; /* none: of delivery nothing is known */
	size_t n_files;
	struct sq_delivery_sum sum; /* of all loads */
	struct sq_delivery_reason *reasons;
	size_t n_reasons;
	double drain_s; /* from the last one's due time to its arrival; NAN: some have not */
	char *because;  /* why it is not known where the undelivered are; NULL */
};

struct sq_delivery *sq_delivery_free(struct sq_delivery *d);

#endif
