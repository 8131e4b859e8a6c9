/* Many texts written as one: "user{1-1000}@d{01-16}.test".  A range in braces stands for each of
 * its numbers; a first number with leading zeros gives all of them its width.  Texts are numbered,
 * and the last range turns fastest, so that index 0, 1, 2 ... is the order a person expects. */
#ifndef SQ_BASE_PATTERN_H
#define SQ_BASE_PATTERN_H

#include <stddef.h>
#include <stdint.h>

#include "base/err.h"

struct sq_pattern;

/* where is the errors' place.  NULL with err (-EINVAL) when the braces hold no range, one that runs
 * backwards, or more texts than can be counted (2^63). */
struct sq_pattern *sq_pattern_new(const char *text, const char *where, struct sq_err *err);
struct sq_pattern *sq_pattern_free(struct sq_pattern *p);

/* How many texts there are, at least 1; the length of the longest. */
uint64_t sq_pattern_count(const struct sq_pattern *p);
size_t sq_pattern_longest(const struct sq_pattern *p);

/* Text number index (taken modulo their count), NUL-terminated; its length.  size must be more than
 * the longest.  Allocates nothing. */
size_t sq_pattern_write(const struct sq_pattern *p, uint64_t index, char *out, size_t size);

#endif
