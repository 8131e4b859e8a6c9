/* Where the readings of one host go: from sources, through what is known of each row, to the
 * spool.  One thread, one host. */
#ifndef SQ_ANALYZERS_SAMPLE_H
#define SQ_ANALYZERS_SAMPLE_H

#include <stdint.h>

#include "analyzers/source.h"
#include "base/err.h"
#include "results/spool.h"

/* The spool is borrowed. */
struct sq_sample *sq_sample_new(struct sq_spool *spool);
struct sq_sample *sq_sample_free(struct sq_sample *s);

/* Several samples share a spool when each has a number of its own (the first has 0): their rows are
 * numbered apart. */
void sq_sample_set_part(struct sq_sample *s, unsigned part);

/* Any other record of this sample's. Steals it. */
int sq_sample_write(struct sq_sample *s, json_t *record, struct sq_err *err);

/* This machine when it is never called. */
void sq_sample_stand(struct sq_sample *s, struct sq_place *place);

/* A new source by its name; the number that the calls below take. */
unsigned sq_sample_source(struct sq_sample *s, const char *name);

/* What is registered and put from now on is this source's. */
void sq_sample_enter(struct sq_sample *s, unsigned source);

/* From now on each source's readings are timed: rows "capture.took" of a source "capture". */
void sq_sample_time(struct sq_sample *s);

/* The source isn't available on this host: no values will come. 0, or the spool's error. */
int sq_sample_absent(struct sq_sample *s, unsigned source, const char *because, struct sq_err *err);

/* It was absent, and is not any more. */
int sq_sample_there(struct sq_sample *s, unsigned source, struct sq_err *err);

/* The source gave nothing at a tick that is none for it. */
int sq_sample_gap(struct sq_sample *s, unsigned source, int64_t begin_ns, int64_t end_ns,
		  const char *because, struct sq_err *err);

/* One tick: begin, then for each source that is read enter, its puts, leave; then end.  leave
 * with rc < 0 forgets what the source has put in this tick and makes a gap of it.  end writes
 * the tick's records. */
void sq_sample_begin(struct sq_sample *s, int64_t begin_ns);
void sq_sample_leave(struct sq_sample *s, int rc);
int sq_sample_end(struct sq_sample *s, int64_t end_ns, struct sq_err *err);

#endif
