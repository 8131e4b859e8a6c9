/* A log-linear histogram of durations: relative error bounded by its precision, constant-time
 * recording, exact merging.  HdrHistogram's layout of buckets (Gil Tene), written anew.
 * Percentiles come only from merged histograms, never from averaged ones. */
#ifndef SQ_RESULTS_HIST_H
#define SQ_RESULTS_HIST_H

#include <stdint.h>

#include <jansson.h>

struct sq_hist;

/* bits: sub-buckets are 2^bits, so the relative error is at most 2^-bits.  11 (0.05 %) for a
 * run's latencies, 6 (1.6 %) for one bin of a series.  Values are 0 .. 2^42-1 ns (73 min); what is
 * larger counts in the last bucket, and max stays exact. */
enum { SQ_HIST_FINE = 11, SQ_HIST_COARSE = 6 };

struct sq_hist *sq_hist_new(unsigned bits);
struct sq_hist *sq_hist_free(struct sq_hist *h);
void sq_hist_reset(struct sq_hist *h);

void sq_hist_record(struct sq_hist *h, int64_t ns);                 /* negative counts as 0 */
void sq_hist_merge(struct sq_hist *dst, const struct sq_hist *src); /* the same bits */

uint64_t sq_hist_count(const struct sq_hist *h);
int64_t sq_hist_min(const struct sq_hist *h); /* exact; -1 when empty, as all below */
int64_t sq_hist_max(const struct sq_hist *h); /* exact */
double sq_hist_mean(const struct sq_hist *h); /* exact up to rounding */
/* p in 0..100: the highest value equivalent to the ceil(p/100 * count)-th smallest, never above
 * max. */
int64_t sq_hist_percentile(const struct sq_hist *h, double p);

/* Sparse and lossless: {"bits", "count", "min", "max", "sum", "c": [index, count, index, count ...]}.
 * merge_json adds such an object; -EINVAL when it is not one of h's precision. */
json_t *sq_hist_to_json(const struct sq_hist *h);
int sq_hist_merge_json(struct sq_hist *h, const json_t *j);

/* The report's shape: {count, min_s, mean_s, p50_s, p90_s, p99_s, p999_s, max_s}; null when empty. */
json_t *sq_hist_summary(const struct sq_hist *h);

#endif
