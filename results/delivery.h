/* What became of the messages that a server took from the loads: the join of what was accepted at one
 * end with the receipts of the other.  analyzers/delivery.c makes it. */
#ifndef SQ_RESULTS_DELIVERY_H
#define SQ_RESULTS_DELIVERY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <jansson.h>

struct sq_hist;

/* Messages, each in one of the first two kinds; what follows can be true of any that arrived. */
struct sq_delivery_sum {
	uint64_t accepted;
	uint64_t delivered;   /* to all recipients that were accepted */
	uint64_t undelivered; /* to one of them at least, not by the end */
	uint64_t duplicated;  /* to one of them at least, more than once */
	uint64_t corrupted;   /* their text did not fit their digest */
	uint64_t unchecked;   /* they had no digest */
	uint64_t unaccepted; /* they arrived, though the load was never told that they were taken */

	struct {
		uint64_t accepted, delivered, undelivered;
		uint64_t copies; /* deliveries beyond a recipient's first */
	} recipients;

	struct sq_hist *latency; /* from sending to the first delivery, of each recipient */
	int64_t last_ns;         /* the last first delivery, from t0; meaningless without any */
};

struct sq_delivery_load {
	const char *name; /* borrowed of the run */
	struct sq_delivery_sum sum;
	/* Names of the first few, to be found in a relay's log; arrays. */
	json_t *undelivered, *duplicated, *corrupted;
};

struct sq_delivery_file {
	char *path;
	uint64_t receipts; /* of these loads */
	uint64_t others;   /* of other runs */
	bool whole;        /* else its sink was killed, or serves on */
};

struct sq_delivery {
	struct sq_delivery_load *loads;
	size_t n_loads;
	struct sq_delivery_file *files; /* none: of delivery nothing is known */
	size_t n_files;
	struct sq_delivery_sum sum; /* of all loads */
	double queued, bounced;     /* NAN: not known */
	double lost;                /* undelivered, neither queued nor bounced; NAN */
	double drain_s; /* from the last one's due time to its arrival; NAN: some have not */
	char *because;  /* why a number is NAN; NULL */
};

struct sq_delivery *sq_delivery_free(struct sq_delivery *d);

#endif
