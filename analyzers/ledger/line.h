/* The readings of several cases, laid end to end on one line of time, each case's in a stretch of its
 * own, so that one flow has them all. */
#ifndef SQ_ANALYZERS_LEDGER_LINE_H
#define SQ_ANALYZERS_LEDGER_LINE_H

#include <stddef.h>
#include <stdint.h>

#include "analyzers/ledger/case.h"
#include "analyzers/ledger/frame.h"

#define SQ_NOT_JOINED SIZE_MAX

/* A case among others. */
struct sq_lined {
	struct sq_case *c;
	size_t first; /* its readings, of all */
	size_t joined; /* its flow's first demand, of the joint one's; SQ_NOT_JOINED: it has none there */
};

/* What the number-th case's times are moved by. */
int64_t sq_line_stretch_ns(size_t number);

/* Adds a case's readings; the caller adds them in the order of their numbers, and ends with
 * sq_readings_fini.  The number of the first of its readings. */
size_t sq_line_add(struct sq_readings *line, size_t number, const struct sq_case *c);

#endif
