/* What one lane saw since it was last flushed.  One thread writes; the worker swaps two of them
 * and spools the full one, so the hot path takes no lock and allocates nothing.
 *
 * Times are relative to the run's start (t0).  Everything about an operation is booked in the bin
 * in which it was DUE, whenever it ended: failures line up with the counters that explain them only
 * so (docs/design.md, "Time").  The one exception is how many were sent in each bin, which says what
 * load was really made. */
#ifndef SQ_RESULTS_TALLY_H
#define SQ_RESULTS_TALLY_H

#include <stddef.h>
#include <stdint.h>

#include <jansson.h>

#include "results/details.h"
#include "results/outcome.h"

enum { SQ_EFFORTS_MAX = 4, SQ_PHASES_MAX = 16, SQ_COUNTS_MAX = 24, SQ_EXEMPLARS_MAX = 20 };

/* The words of one driver; borrowed, constant. */
struct sq_vocabulary {
	const struct sq_code *codes;
	const char *const *phases;  /* NULL-terminated */
	const char *const *efforts; /* NULL-terminated: what an operation cost on the wire, such as
				       "syn_retrans"; summed by outcome and bin, so that the ledger can
				       pay counters for slow successes too */
	const char *const *counts;  /* NULL-terminated: what was seen beside operations, such as
				       "late" replies or "connections"; totals of the load */
};

struct sq_tally_shape {
	struct sq_vocabulary words;
	int64_t bin_ns;
	int64_t span_ns;   /* the longest time between an operation's due time and its end, plus the
			      longest time between flushes: sizes the ring of bins */
	int64_t warmup_ns; /* operations due before it count, but not in latencies */
	size_t bursts; /* so many come due between two flushes, of each of which the first and the
			      last sending are kept; 0: they are not timed */
};

/* One finished operation.  sent_ns < 0: it never got as far as sending. */
struct sq_tally_op {
	struct sq_outcome outcome;
	int64_t due_ns, sent_ns, done_ns;
	uint64_t effort[SQ_EFFORTS_MAX];
	char detail
		[SQ_DETAIL_MAX]; /* of a failure: what more its protocol said ("4.7.1"); "" nothing */
	/* For the exemplars kept of each failure: the local port (0: none), and an id of the driver's. */
	uint16_t local_port;
	uint64_t id;
	/* Recipients for whom the server took the operation on, under that id; 0: none, or what was done
	 * needs not arrive anywhere else. */
	uint32_t accepted;
};

struct sq_tally;

struct sq_tally *sq_tally_new(const struct sq_tally_shape *shape);
struct sq_tally *sq_tally_free(struct sq_tally *t);

void sq_tally_scheduled(struct sq_tally *t, int64_t due_ns);
void sq_tally_done(struct sq_tally *t, const struct sq_tally_op *op);
/* A phase of a successful or failed operation took so long. */
void sq_tally_phase(struct sq_tally *t, unsigned phase, int64_t due_ns, int64_t took_ns);
/* So many more of words.counts[which]. */
void sq_tally_count(struct sq_tally *t, unsigned which, uint64_t n);
/* How late the generator itself was in starting an operation; of each bin the worst is kept. */
void sq_tally_lag(struct sq_tally *t, int64_t due_ns, int64_t lag_ns);

/* The tally as one spool record (an object; the format is in docs/spool.md), then empty again. */
json_t *sq_tally_flush(struct sq_tally *t);

#endif
