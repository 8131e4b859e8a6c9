/* One protocol's way of making load: one file of loadgen/drivers that ends in one table. */
#ifndef SQ_LOADGEN_ENGINE_DRIVER_H
#define SQ_LOADGEN_ENGINE_DRIVER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "base/opt.h"
#include "results/tally.h"

struct sq_lane;
struct sq_load_plan;
struct sq_op;
struct sq_op_cost;

enum { SQ_STARTS_MAX = 1024 }; /* operations of one call of start */

/* All hooks but prepare, release, trace and cost run on the lane's own thread; NULL means "not needed". */
struct sq_driver {
	struct sq_kind kind; /* name, summary, scenario keys, conf_size; first, so that a kind of
				the family "driver" is a driver */
	struct sq_vocabulary words;
	size_t lane_size, op_size; /* op_size: bytes behind each struct sq_op */
	bool batches; /* its operations are so cheap that a wake-up for each would cost more: at
			 high rates due times are rounded up to a tick */

	/* Once in the supervisor, before anything is forked: checks that need more than a table, and
	 * addresses beside the load's target, which its gate judges. */
	int (*prepare)(void *conf, const struct sq_load_plan *load, struct sq_err *err);
	void (*release)(void *conf);

	/* In the supervisor too: the times of a recording in a format of the driver's own, such as a
	 * pcap, ascending from 0 and at most SQ_TRACE_MAX (scenarios/trace.h), the caller's to free.
	 * -ENOENT, with nothing said, when the file is not of it. */
	int (*trace)(const char *path, int64_t **ret_at_ns, size_t *ret_n, struct sq_err *err);

	/* When the plan is made: what an operation takes of its host (scenarios/plan.h), of which
	 * *ret has 0 to begin with.  NULL: nothing that runs out. */
	void (*cost)(const void *conf, struct sq_op_cost *ret);

	int (*lane_init)(struct sq_lane *lane, struct sq_err *err);
	void (*lane_fini)(struct sq_lane *lane);

	/* Starts operations due at these times, in order, SQ_STARTS_MAX at most; returns how many
	 * it took: the rest are missed.  Each one taken ends in exactly one sq_op_done, in this call or later. */
	unsigned (*start)(struct sq_lane *lane, const int64_t *due_ns, unsigned n);

	/* A descriptor that sq_op_watch put under watch is ready (EPOLLIN ...). */
	void (*ready)(struct sq_lane *lane, struct sq_op *op, uint32_t events);

	/* One that sq_lane_watch put under watch is: a socket that outlives operations.  An event
	 * may have been read for a token before this batch closed its descriptor: the driver
	 * passes over a token that it no longer uses, and takes what it finds not ready. */
	void (*input)(struct sq_lane *lane, uint32_t token, uint32_t events);

	/* Ends a started operation now: its deadline has passed (SQ_CODE_TIMEOUT) or the run ends
	 * (SQ_CODE_CANCELED).  The driver may give it a truer name (a ghost). */
	void (*end)(struct sq_lane *lane, struct sq_op *op, uint16_t code);

	/* After sq_op_hold: the time to let go of what a finished operation still holds (a
	 * connection) has come. */
	void (*drop)(struct sq_lane *lane, struct sq_op *op);
};

/* Generated from the folder; NULL-terminated. */
extern const struct sq_driver *const sq_drivers[];

/* The kinds of family "driver". */
const struct sq_kind *const *sq_driver_kinds(void);
const struct sq_driver *sq_driver_of(const struct sq_kind *kind);
const struct sq_vocabulary *sq_driver_words(const struct sq_kind *kind);
bool sq_driver_batches(const struct sq_kind *kind);
void sq_driver_cost(const struct sq_plug *plug, struct sq_op_cost *ret);
/* The times of a recording of the driver's own format, or else of a text (sq_trace_read). */
int sq_driver_trace(const struct sq_kind *kind, const char *path, int64_t **ret_at_ns,
		    size_t *ret_n, struct sq_err *err);

#endif
