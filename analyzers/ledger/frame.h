/* The run record as the ledger looks at it: whose counters a load's target has, when a counter
 * rose, whether the target's accept queue was seen full. */
#ifndef SQ_ANALYZERS_LEDGER_FRAME_H
#define SQ_ANALYZERS_LEDGER_FRAME_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "results/run.h"

/* A counter rose by so much at some moment of [from_ns, to_ns): since somewhere in the bin of the
 * reading before, until somewhere in the bin of this one. */
struct sq_reading {
	int64_t from_ns, to_ns;
	uint64_t rise;
};

struct sq_readings {
	struct sq_reading *v;
	size_t n;
	uint64_t total;
};

void sq_readings_fini(struct sq_readings *r);

/* The readings whose rises may have happened in [lo_ns, hi_ns): *ret_first .. *ret_first + n - 1;
 * n is returned. */
size_t sq_readings_within(const struct sq_readings *r, int64_t lo_ns, int64_t hi_ns,
			  size_t *ret_first);

/* The start of series index i, from t0. */
int64_t sq_frame_bin_ns(const struct sq_run *run, size_t i);

bool sq_frame_captured(const struct sq_run *run, const char *host);

/* By how much all rows of a counter rose on a host together, or on all hosts (NULL); NAN when it was not
 * read there. */
double sq_frame_delta(const struct sq_run *run, const char *host, const char *metric);

bool sq_frame_loopback(const char *target);

/* Does a load have this role (SQ_SIDE_SERVER: one of its targets stands there) on a host? */
bool sq_frame_plays(const struct sq_load_rec *load, const char *host, int role);

/* What a host is to a load, as far as a side (enum sq_side) asks for it: SQ_SIDE_SERVER, _CLIENT, or
 * EITHER for both; -1: nothing. */
int sq_frame_role(const struct sq_load_rec *load, const char *host, int side);

/* The address of a target, "198.18.0.2:53"; its text where the record has none. */
const char *sq_frame_address(const struct sq_target_rec *target);

/* Does a target stand on a host? */
bool sq_frame_stands(const struct sq_target_rec *target, const char *host);

/* Does a socket that is bound so ("0.0.0.0:9000", "[::]:53") get what goes to an address? */
bool sq_frame_serves(const char *instance, const char *address);

/* What was seen of one listener, or of the listeners of a host together. */
struct sq_listener {
	const char *instance; /* "0.0.0.0:9000", borrowed; NULL: there was none */
	double backlog;       /* as last seen */
	double peak;          /* the longest queue */
	size_t samples, full; /* in the time asked for; with more in the queue than the backlog:
				 Linux still takes one when the queue equals it */
};

/* The listener at a load's target on a host (of several, all of them together), with what was seen of
 * it in [from_ns, to_ns). */
struct sq_listener sq_frame_listener(const struct sq_run *run, const char *host,
				     const struct sq_load_rec *load, int64_t from_ns,
				     int64_t to_ns);

/* A listener of the host that was full in that time and is the target of no load; NULL if none. */
const char *sq_frame_other_full(const struct sq_run *run, const char *host, int64_t from_ns,
				int64_t to_ns);

#endif
