/* A lane from the inside (lane.c, lane_start.c, lane_ops.c, lane_held.c) and as the worker handles it (worker.c).
 *
 * Threads: everything is the lane's own thread's, but for the atomics, which are how it and the
 * worker talk.  The worker asks by a command and uv_async_send; the lane answers in its state or
 * in `full`, and writes to the worker's eventfd.  After the lane has ended and was joined, all of
 * it is the worker's. */
#ifndef SQ_LOADGEN_ENGINE_LANE_PRIVATE_H
#define SQ_LOADGEN_ENGINE_LANE_PRIVATE_H

#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>

#include "loadgen/engine/lane.h"
#include "loadgen/engine/schedule.h"

enum sq_lane_state {
	SQ_LANE_STARTING,
	SQ_LANE_FAILED, /* lane_init refused: see err; the thread has ended */
	SQ_LANE_READY,
	SQ_LANE_FINISHED, /* every operation has its outcome; what is held stays open */
	SQ_LANE_ENDED,    /* the thread returns */
};

enum sq_lane_command {
	SQ_LANE_GO = 1,    /* t0_ns is in `go_ns` */
	SQ_LANE_SWAP = 2,  /* hand over the tally, take `spare` */
	SQ_LANE_DRAIN = 4, /* start nothing that is not due yet */
	SQ_LANE_STOP = 8,  /* and cancel what is under way */
	SQ_LANE_END = 16,  /* when finished: drop what is held and end */
};

struct sq_op_list {
	struct sq_op *head, *tail;
	int64_t n;
};

/* Operations that have their outcome and are held, the first to be dropped at v[0]. */
struct sq_held {
	struct sq_op **v;
	size_t n, cap; /* cap: the pool's size */
};

/* What stands before each operation in the pool. */
struct sq_slot {
	int64_t until_ns; /* held: when to drop it; SQ_NEVER: at the end of the run */
	uint32_t index;
	uint32_t generation; /* changes at each release: an event that was read for the operation
				before this one is told by it */
};

struct sq_lane_run {
	struct sq_lane pub; /* first: a struct sq_lane is the head of one of these */
	struct sq_live_lane *live;
	struct sq_schedule *schedule;
	struct sq_tally *tally; /* being filled */
	struct sq_err err;

	/* time */
	int64_t now_ns, timeout_ns, late_ns;
	int64_t end_ns;  /* nothing later than this comes due any more */
	int64_t tick_ns; /* starts are put together at multiples of it; 0: each at its own time */
	int64_t retry_ns, tick_at_ns; /* closed: no start before these */
	int64_t closed_started;
	unsigned starts_a_call;
	bool going, draining, stopping, finished, ending;

	/* operations (lane_ops.c) */
	struct sq_op_list flight;
	struct sq_held held;
	struct sq_op *free_ops;
	unsigned char **chunks;
	size_t n_chunks, cap_chunks, stride;
	int64_t max_in_flight, max_open; /* this lane's parts */
	uint64_t next_seq;

	/* the loop */
	uv_loop_t uv;
	uv_async_t async;
	uv_poll_t sockets; /* of epoll_fd, which holds all sockets of the lane */
	int epoll_fd, wake_fd;
	bool uv_open;

	/* shared with the worker */
	pthread_t thread;
	bool thread_made;
	_Atomic unsigned commands;
	_Atomic int state;
	_Atomic int64_t go_ns, cpu_ns; /* cpu_ns: the thread's, once it ended */
	_Atomic(struct sq_tally *) spare, full;
};

/* wake_fd: the worker's eventfd.  NULL with err. */
struct sq_lane_run *sq_lane_new(const struct sq_plan *plan, const struct sq_load_plan *load,
				unsigned index, struct sq_live_lane *live, int wake_fd,
				struct sq_err *err);
int sq_lane_start(struct sq_lane_run *l, struct sq_err *err);
void sq_lane_command(struct sq_lane_run *l, unsigned commands);
void sq_lane_join(struct sq_lane_run *l);
struct sq_lane_run *sq_lane_free(struct sq_lane_run *l); /* joined, or never started */

enum sq_lane_state sq_lane_state(const struct sq_lane_run *l);

/* CPU time of the lane's thread so far; last_ns when it is not to be had just now. */
int64_t sq_lane_cpu_ns(const struct sq_lane_run *l, int64_t last_ns);

/* lane_ops.c */
void sq_lane_pool_init(struct sq_lane_run *l);
void sq_lane_pool_fini(struct sq_lane_run *l);
struct sq_slot *sq_op_slot(struct sq_op *op);
/* How many may be started now: what is under way and what is open both have their limit. */
int64_t sq_lane_places(const struct sq_lane_run *l);
/* Gives an event of epoll to the driver; not that of an operation that was released since. */
void sq_lane_event(struct sq_lane_run *l, uint64_t data, uint32_t events);
/* Books an operation that was due but never started. */
void sq_lane_unstarted(struct sq_lane_run *l, int64_t due_ns, uint16_t code);

/* lane_start.c */
/* At most one call's worth of what is due. */
void sq_lane_start_due(struct sq_lane_run *l);
/* Whether nothing comes due any more. */
bool sq_lane_schedule_over(const struct sq_lane_run *l);
/* Whether what is held keeps the load from its end: at most until it has lasted as long as it is to. */
bool sq_lane_holds(const struct sq_lane_run *l);
/* When to look for what is due again; SQ_NEVER: at an event, or not at all. */
int64_t sq_lane_next_start(const struct sq_lane_run *l);
/* The first tick of the load after now; now when it has none. */
int64_t sq_lane_next_tick(const struct sq_lane_run *l);

static inline int64_t sq_earlier(int64_t a, int64_t b)
{
	return a < b ? a : b;
}

/* lane_held.c */
void sq_held_reserve(struct sq_held *h, size_t n);
void sq_held_add(struct sq_held *h, struct sq_op *op); /* its slot's until_ns is set */
void sq_held_remove(struct sq_held *h, struct sq_op *op);
void sq_held_fini(struct sq_held *h);

#endif
