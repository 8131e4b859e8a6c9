/* A lane: one thread, one libuv loop, one driver's state, one tally.  Lanes share nothing.
 *
 * An operation's life: the schedule makes it due; start() takes it from the lane's pool
 * (sq_op_new); it waits on descriptors (sq_op_watch) under a deadline of due time + timeout;
 * sq_op_done books its one outcome; then it is released at once, or, when it still holds a
 * connection open (sq_op_hold), after that. */
#ifndef SQ_LOADGEN_ENGINE_LANE_H
#define SQ_LOADGEN_ENGINE_LANE_H

#include <stdbool.h>
#include <stdint.h>

#include <uv.h>

#include "base/err.h"
#include "base/rng.h"
#include "loadgen/engine/driver.h"
#include "loadgen/engine/live.h"
#include "results/tally.h"
#include "scenarios/plan.h"

/* What a driver may see; the rest of a lane is lane.c's. */
struct sq_lane {
	const struct sq_driver *driver;
	const struct sq_load_plan *load;
	const void *conf; /* the driver's */
	void *state;      /* lane_size bytes, zeroed */
	unsigned index;   /* of this load's lanes */
	uv_loop_t *loop;
	struct sq_rng rng; /* this lane's own stream of the run's seed */
	int64_t t0_ns;     /* CLOCK_MONOTONIC; all other times are relative to it */
	uint64_t id;       /* set in lane_init, where what operations make must arrive elsewhere: it
			      bears this name, the lane's index and the operation's own */
	bool patient;      /* set in lane_init: what comes has its own time, so that it may be read
			      late, at the load's next tick */
};

struct sq_op {
	int64_t due_ns, sent_ns;   /* from t0; sent_ns -1 until the driver sets it */
	uint64_t seq;              /* the lane's own number */
	struct sq_op *prev, *next; /* lane.c's list: in flight or free */
	uint32_t held_at;          /* lane.c's, as is where */
	uint8_t where;
	_Alignas(16) unsigned char priv[]; /* op_size bytes of the driver, zeroed at sq_op_new */
};

/* Time since t0, as of the loop's last reading of the clock, and read anew. */
int64_t sq_lane_now(const struct sq_lane *lane);
int64_t sq_lane_clock(struct sq_lane *lane);

/* A free operation, under its deadline from now on; NULL when max_in_flight are under way or
 * max_open are open. */
struct sq_op *sq_op_new(struct sq_lane *lane, int64_t due_ns);

/* Puts a descriptor under watch for an operation; it leaves when it is closed. 0 or -errno. */
int sq_op_watch(struct sq_lane *lane, struct sq_op *op, int fd, uint32_t events);

/* The same for a descriptor that belongs to no operation, under a number of the driver's own:
 * events go to its input hook.  rewatch changes what it waits for. */
int sq_lane_watch(struct sq_lane *lane, uint32_t token, int fd, uint32_t events);
int sq_lane_rewatch(struct sq_lane *lane, uint32_t token, int fd, uint32_t events);

/* Adds to one of the driver's counts (its words.counts[which]). */
void sq_lane_count(struct sq_lane *lane, unsigned which, uint64_t n);

/* Books the outcome (op: filled in but for due_ns and sent_ns, which are taken from the
 * operation) and ends the deadline.  Then exactly one of release and hold follows. */
void sq_op_done(struct sq_lane *lane, struct sq_op *op, struct sq_tally_op *result);
void sq_op_phase(struct sq_lane *lane, struct sq_op *op, unsigned phase, int64_t took_ns);
void sq_op_release(struct sq_lane *lane, struct sq_op *op);
/* Held until hold_ns from now, or the end of the run (SQ_NEVER: that alone); then drop() is called,
 * which must release it.  ready() may release it at any time before, when the peer ended it.  While it
 * is held it is open: it counts against max_open, and a closed loop starts no other for it. */
void sq_op_hold(struct sq_lane *lane, struct sq_op *op, int64_t hold_ns);

#endif
