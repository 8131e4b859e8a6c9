/* Sources that one thread reads together, and when. */
#ifndef SQ_ANALYZERS_CAPTURE_FEEDS_H
#define SQ_ANALYZERS_CAPTURE_FEEDS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "analyzers/sample.h"
#include "analyzers/source.h"
#include "base/clock.h"

struct sq_feed { /* one source that is read */
	const struct sq_source *source;
	const void *conf;
	void *state; /* NULL: absent */
	unsigned number;
	bool known;                  /* it has its number */
	int64_t interval_ns, due_ns; /* absent: when it is tried again */
};

/* sample: where its readings go, and where it stands is where they come from; borrowed. */
struct sq_feeds {
	struct sq_sample *sample;
	struct sq_feed *v;
	size_t n, cap;
	size_t opened; /* so many were */
	int64_t t0_ns; /* of the bins; 0: not known yet */
	/* Of a far place: the quickest answer, the slowest that was dated by, and how many were. */
	int64_t best_half_ns, worst_half_ns;
	uint64_t dated;
};

void sq_feeds_add(struct sq_feeds *fs, const struct sq_source *source, const void *conf,
		  int64_t interval_ns);

/* Opens all, due at once; what isn't available is recorded as that. 0, the spool's error, or -ENOTCONN without err: the
 * far end is gone; a further call goes on from there. */
int sq_feeds_open(struct sq_feeds *fs, struct sq_err *err);
void sq_feeds_close(struct sq_feeds *fs);

#define SQ_FEEDS_ALL (SQ_NEVER - 1)

/* Reads every source that is due by a time, in one go. 0, the spool's error, or -ENOTCONN without
 * err: the far end did not answer, and nothing was read. */
int sq_feeds_tick(struct sq_feeds *fs, int64_t until_ns, struct sq_err *err);

/* What sources know at their end only. */
void sq_feeds_last(struct sq_feeds *fs);

/* When the next is due; SQ_NEVER: nothing is read. */
int64_t sq_feeds_due(const struct sq_feeds *fs);

/* Ticks until "stop" comes on a channel (base/ctl.h), aligned with t0 from "go T0" on; each line is
 * given to on_line too (NULL: nobody).  1: "stop"; 0: the end of the channel; or as sq_feeds_tick. */
int sq_feeds_keep(struct sq_feeds *fs, int ctl, int (*on_line)(void *arg, const char *line),
		  void *arg, struct sq_err *err);

/* From now on just before the edges of the bins from t0. */
void sq_feeds_align(struct sq_feeds *fs, int64_t t0_ns);

#endif
