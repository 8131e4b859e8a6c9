/* What several sections draw with: series of at most 2,000 points, and words for people. */
#ifndef SQ_RESULTS_DRAW_H
#define SQ_RESULTS_DRAW_H

#include <stddef.h>
#include <stdint.h>

#include <jansson.h>

#include "base/buf.h"
#include "results/run.h"

enum { SQ_DRAW_POINTS = 2000 };

/* Bins that one point of a series stands for. */
size_t sq_draw_step(const struct sq_axis *axis);

/* Sets "bin_s" and "start_s", the width of a point and the time from t0 at which the first one
 * begins. */
void sq_draw_axis(json_t *object, const struct sq_axis *axis);

/* Sums of counts over each point's bins; many: that many series added up. */
json_t *sq_draw_counts(const uint64_t *const *series, size_t many, const struct sq_axis *axis);

/* A percentile of each point's merged histograms, in seconds; null where there are none. */
json_t *sq_draw_percentile(struct sq_hist *const *hists, double p, const struct sq_axis *axis);

/* The largest of each point's values; null where all are NAN. */
json_t *sq_draw_max(const double *values, const struct sq_axis *axis);

/* A counter: its rise since the reading before; a gauge: the last value.  Null where a point has
 * no reading. */
json_t *sq_draw_metric(const struct sq_metric_rec *m, const struct sq_axis *axis);

/* An integer when the value is a whole number, null when it is none. */
json_t *sq_draw_number(double v);

/* "timeout@connect", as findings and accounts name a failure.  The caller's to free. */
char *sq_draw_failure(const char *code, const char *phase);

/* Members of the report, with what stands for a missing one. */
const char *sq_draw_text(const json_t *object, const char *key);
double sq_draw_real(const json_t *object, const char *key); /* NAN */

enum { SQ_DRAW_DURATION = 32 };

/* "1.23 ms": three digits, the unit that fits. */
void sq_draw_seconds(char out[SQ_DRAW_DURATION], double seconds);

/* Adds text in lines of at most width columns, the first after lead, the others indented as
 * deep. */
void sq_draw_wrap(struct sq_buf *out, int width, const char *lead, const char *text);

/* results/draw_loads.c: the loads' part of the summary. */
void sq_draw_loads(const json_t *report, struct sq_buf *out, int width);

#endif
