/* A lane's thread: each turn expires deadlines, drops what was held long enough, starts what is
 * due, and then sleeps in the loop's own epoll descriptor until the next of those times or an
 * event.
 *
 * libuv's timers are milliseconds, so the sleep is an epoll_pwait2 on uv_backend_fd, to the
 * nanosecond, and uv_run(UV_RUN_NOWAIT) only follows it.  All sockets of the lane stand in an
 * epoll descriptor of its own, which the loop watches as one: a socket is put under watch by one
 * epoll_ctl and leaves when it is closed, and libuv knows nothing of it.
 *
 * What a reader would get wrong: every step of a turn is bounded, so that a burst of refusals, of
 * deadlines or of events cannot keep the other steps waiting; and what is not done in this turn
 * makes the next sleep one of no time. */
#include <sys/epoll.h>
#include <sys/prctl.h>

#include <assert.h>
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/mem.h"
#include "loadgen/engine/lane_private.h"

enum {
	STARTS_A_CALL = 64,
	ENDS_A_TURN = 64,
	EVENTS = 256,
	EVENT_PASSES = 8,
	TIMER_SLACK_NS = 1,
	BURSTS_MAX_PER_S = 1000,
	BURSTS_SLACK = 16,
};

/* A start later than this is no more the load that was asked for. */
#define LATE_MAX_NS SQ_SEC
/* Beyond the timeout a tally spans the second between flushes, and some lateness of both. */
#define SPAN_SLACK_NS (3 * SQ_SEC)

static struct sq_lane_run *run_of(struct sq_lane *lane)
{
	return (struct sq_lane_run *)lane;
}

int64_t sq_lane_now(const struct sq_lane *lane)
{
	return ((const struct sq_lane_run *)lane)->now_ns;
}

int64_t sq_lane_clock(struct sq_lane *lane)
{
	return run_of(lane)->now_ns = sq_now_ns() - lane->t0_ns;
}

static void wake_worker(const struct sq_lane_run *l)
{
	const uint64_t one = 1;

	/* It fails only when 2^64 wake-ups are unread. */
	if (write(l->wake_fd, &one, sizeof(one)) == -1)
		assert(errno == EAGAIN);
}

static void set_state(struct sq_lane_run *l, enum sq_lane_state state)
{
	atomic_store_explicit(&l->state, (int)state, memory_order_release);
	wake_worker(l);
}

enum sq_lane_state sq_lane_state(const struct sq_lane_run *l)
{
	return (enum sq_lane_state)atomic_load_explicit(&l->state, memory_order_acquire);
}

/* ---- commands of the worker ---- */

static void swap_tally(struct sq_lane_run *l)
{
	struct sq_tally *spare = atomic_exchange(&l->spare, NULL);

	if (!spare)
		return;
	atomic_store(&l->full, l->tally);
	l->tally = spare;
	wake_worker(l);
}

static void on_command(uv_async_t *async)
{
	struct sq_lane_run *l = async->data;
	unsigned commands = atomic_exchange(&l->commands, 0);

	if (commands & SQ_LANE_GO) {
		l->pub.t0_ns = atomic_load(&l->go_ns);
		l->going = true;
	}
	if (commands & SQ_LANE_SWAP)
		swap_tally(l);
	if (commands & (SQ_LANE_DRAIN | SQ_LANE_STOP) && !l->draining) {
		l->draining = true;
		l->end_ns = l->going ? sq_lane_clock(&l->pub) : -1;
	}
	if (commands & SQ_LANE_STOP)
		l->stopping = true;
	if (commands & SQ_LANE_END)
		l->ending = true;
}

void sq_lane_command(struct sq_lane_run *l, unsigned commands)
{
	atomic_fetch_or(&l->commands, commands);
	uv_async_send(&l->async);
}

/* ---- events ---- */

/* All that is ready, so that no answer that is here already is called late by its deadline. */
static void on_sockets(uv_poll_t *poll, int status, int uv_events)
{
	struct sq_lane_run *l = poll->data;
	struct epoll_event events[EVENTS];
	int n = EVENTS;

	(void)status;
	(void)uv_events;
	for (int pass = 0; pass < EVENT_PASSES && n == EVENTS; pass++) {
		n = epoll_wait(l->epoll_fd, events, EVENTS, 0);
		for (int i = 0; i < n; i++)
			sq_lane_event(l, events[i].data.u64, events[i].events);
	}
}

/* ---- a turn ---- */

static void end_op(struct sq_lane_run *l, uint16_t code)
{
	struct sq_op *op = l->flight.head;
	uint64_t seq = op->seq;

	l->pub.driver->end(&l->pub, op, code);
	assert(!l->flight.head || l->flight.head->seq != seq);
	(void)seq;
}

static void expire(struct sq_lane_run *l)
{
	for (int i = 0; i < ENDS_A_TURN && l->flight.head; i++) {
		if (l->flight.head->due_ns + l->timeout_ns > l->now_ns)
			return;
		end_op(l, SQ_CODE_TIMEOUT);
	}
}

static void drop_held(struct sq_lane_run *l)
{
	for (int i = 0; i < ENDS_A_TURN && l->held.n; i++) {
		if (sq_op_slot(l->held.v[0])->until_ns > l->now_ns)
			return;
		l->pub.driver->drop(&l->pub, l->held.v[0]);
	}
}

static int64_t next_wake(const struct sq_lane_run *l)
{
	int64_t wake = SQ_NEVER;

	if (!l->going)
		return wake;
	if (!l->finished)
		wake = sq_lane_next_start(l);
	if (l->flight.head)
		wake = sq_earlier(wake, l->flight.head->due_ns + l->timeout_ns);
	if (l->held.n)
		wake = sq_earlier(wake, sq_op_slot(l->held.v[0])->until_ns);
	return wake;
}

enum woken { WOKEN_BY_TIME, WOKEN_BY_SOCKETS, WOKEN_BY_LOOP };

/* Until wake_ns or an event.  That only sockets are ready is known by the descriptor that libuv puts
 * beside each one it watches; anything else is the loop's own to find out. */
static enum woken sleep_until(struct sq_lane_run *l, int64_t wake_ns)
{
	struct timespec ts = { 0 };
	struct epoll_event ev[2];
	int n;

	if (wake_ns != SQ_NEVER) {
		int64_t left = wake_ns - l->now_ns;

		ts = (struct timespec){ .tv_sec = left / SQ_SEC, .tv_nsec = left % SQ_SEC };
	}
	n = epoll_pwait2(uv_backend_fd(&l->uv), ev, 2, wake_ns == SQ_NEVER ? NULL : &ts, NULL);
	if (n == 0)
		return WOKEN_BY_TIME;
	return n == 1 && ev[0].data.fd == l->epoll_fd ? WOKEN_BY_SOCKETS : WOKEN_BY_LOOP;
}

/* Whether sockets may wait until the next tick. */
static bool may_wait(const struct sq_lane_run *l)
{
	return l->pub.patient && l->tick_ns > 0 && l->flight.head && !sq_lane_schedule_over(l);
}

/* Until wake_ns or the next tick, whatever comes meanwhile. */
static enum woken sleep_through(struct sq_lane_run *l, int64_t wake_ns)
{
	int64_t until_ns = l->pub.t0_ns + sq_earlier(wake_ns, sq_lane_next_tick(l));
	struct timespec ts = { .tv_sec = until_ns / SQ_SEC, .tv_nsec = until_ns % SQ_SEC };

	clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &ts, NULL);
	return WOKEN_BY_LOOP;
}

/* Sleeps until the next thing to do, and lets the loop handle what came; when that is sockets alone,
 * without the loop, which would ask the kernel a second time.  A timer that came due meanwhile is the
 * next turn's, which does not sleep. */
static void take_turn(struct sq_lane_run *l)
{
	enum woken woken = WOKEN_BY_LOOP;
	int64_t wake = next_wake(l);
	int timer_ms;

	uv_update_time(&l->uv);
	timer_ms = uv_backend_timeout(&l->uv);
	sq_lane_clock(&l->pub);
	if (timer_ms >= 0) /* of a driver's timers; 0 also when a watcher is new to the kernel */
		wake = sq_earlier(wake, l->now_ns + timer_ms * SQ_MS);
	if (wake > l->now_ns)
		woken = may_wait(l) ? sleep_through(l, wake) : sleep_until(l, wake);
	if (woken == WOKEN_BY_LOOP || timer_ms == 0 || (timer_ms > 0 && woken == WOKEN_BY_TIME))
		uv_run(&l->uv, UV_RUN_NOWAIT);
	else if (woken == WOKEN_BY_SOCKETS)
		on_sockets(&l->sockets, 0, UV_READABLE);
	sq_lane_clock(&l->pub);
}

static void run_schedule(struct sq_lane_run *l)
{
	while (!(l->finished && l->ending)) {
		expire(l);
		drop_held(l);
		while (l->stopping && l->flight.head)
			end_op(l, SQ_CODE_CANCELED);
		sq_lane_start_due(l);
		atomic_store_explicit(&l->live->in_flight, (uint64_t)l->flight.n,
				      memory_order_relaxed);
		if (!l->finished && !l->flight.head && sq_lane_schedule_over(l) &&
		    !sq_lane_holds(l)) {
			l->finished = true;
			set_state(l, SQ_LANE_FINISHED);
		}
		take_turn(l);
	}
}

/* ---- the thread ---- */

static void name_thread(const struct sq_lane_run *l)
{
	char name[16], lane[8]; /* what the kernel keeps of a thread's name, with its NUL */

	snprintf(lane, sizeof(lane), ".%u", l->pub.index % 100000);
	snprintf(name, sizeof(name), "squall/%.*s%s", (int)(8 - strlen(lane)),
		 l->pub.load->spec->name, lane);
	pthread_setname_np(pthread_self(), name);
}

static void run_from_go(struct sq_lane_run *l)
{
	set_state(l, SQ_LANE_READY);
	while (!l->going && !l->ending)
		take_turn(l);
	if (l->going)
		run_schedule(l);
	while (l->held.n)
		l->pub.driver->drop(&l->pub, l->held.v[0]);
}

static void *lane_main(void *arg)
{
	struct sq_lane_run *l = arg;
	const struct sq_driver *driver = l->pub.driver;

	name_thread(l);
	prctl(PR_SET_TIMERSLACK, TIMER_SLACK_NS);
	if (driver->lane_init && driver->lane_init(&l->pub, &l->err) < 0) {
		set_state(l, SQ_LANE_FAILED);
		return NULL;
	}
	run_from_go(l);
	if (driver->lane_fini)
		driver->lane_fini(&l->pub);
	atomic_store(&l->cpu_ns, sq_thread_cpu_ns());
	set_state(l, SQ_LANE_ENDED);
	return NULL;
}

/* ---- made and unmade by the worker ---- */

/* Bursts that come due between two flushes; none when they are so frequent that they make a rate. */
static size_t bursts_of(const struct sq_arrivals_spec *a)
{
	double per_s = 0;

	if (a->burst <= 0)
		return 0;
	if (a->every_ns > 0)
		per_s = (double)(a->streams > 0 ? a->streams : 1) * 1e9 / (double)a->every_ns;
	return per_s <= BURSTS_MAX_PER_S ? (size_t)(2 * per_s) + BURSTS_SLACK : 0;
}

static struct sq_tally *tally_new(const struct sq_plan *plan, const struct sq_load_plan *load)
{
	const struct sq_load_spec *spec = load->spec;
	struct sq_tally_shape shape = {
		.words = *sq_driver_words(spec->driver.kind),
		.bin_ns = plan->scenario->bin_ns,
		.span_ns = spec->timeout_ns + SPAN_SLACK_NS,
		.warmup_ns = spec->warmup_ns > 0 ? spec->at_ns + spec->warmup_ns : 0,
		.bursts = bursts_of(&spec->arrivals),
	};

	return sq_tally_new(&shape);
}

/* What comes due at one time, a burst or a closed loop's connections that were lost, goes out before
 * anything that came is looked at, when that waits in sockets of its own: it takes half the time then.
 * Answers that share a socket would overflow it. */
static unsigned starts_of(const struct sq_load_plan *load)
{
	return load->cost.socket ? SQ_STARTS_MAX : STARTS_A_CALL;
}

static int loop_open(struct sq_lane_run *l)
{
	int rc;

	l->epoll_fd = epoll_create1(EPOLL_CLOEXEC);
	if (l->epoll_fd == -1)
		return -errno;
	rc = uv_loop_init(&l->uv);
	if (rc < 0)
		return rc;
	l->uv_open = true;
	rc = uv_async_init(&l->uv, &l->async, on_command);
	if (rc < 0)
		return rc;
	rc = uv_poll_init(&l->uv, &l->sockets, l->epoll_fd);
	if (rc < 0)
		return rc;
	l->async.data = l->sockets.data = l;
	return uv_poll_start(&l->sockets, UV_READABLE, on_sockets);
}

struct sq_lane_run *sq_lane_new(const struct sq_plan *plan, const struct sq_load_plan *load,
				unsigned index, struct sq_live_lane *live, int wake_fd,
				struct sq_err *err)
{
	const struct sq_driver *driver = sq_driver_of(load->spec->driver.kind);
	struct sq_lane_run *l = sq_alloc(sizeof(*l));
	int rc;

	l->pub = (struct sq_lane){ .driver = driver,
				   .load = load,
				   .conf = load->spec->driver.conf,
				   .state = sq_alloc(driver->lane_size),
				   .index = index,
				   .loop = &l->uv };
	/* Beside the schedule's streams of the same load. */
	sq_rng_init(&l->pub.rng, plan->seed, ((uint64_t)load->index + 1) << 32 | (index + 1));
	l->live = live;
	l->wake_fd = wake_fd;
	l->timeout_ns = load->spec->timeout_ns;
	l->tick_ns = load->tick_ns;
	l->late_ns = sq_earlier(l->timeout_ns, LATE_MAX_NS);
	l->end_ns = SQ_NEVER - 1;
	l->starts_a_call = starts_of(load);
	l->schedule = sq_schedule_new(load, plan->seed, index, (unsigned)load->spec->threads);
	l->tally = tally_new(plan, load);
	l->spare = tally_new(plan, load);
	sq_lane_pool_init(l);
	rc = loop_open(l);
	if (rc < 0) {
		sq_err_set(err, rc, load->spec->name,
			   "cannot make a lane's loop: %s; raise the limit of open files",
			   uv_strerror(rc));
		return sq_lane_free(l);
	}
	return l;
}

int sq_lane_start(struct sq_lane_run *l, struct sq_err *err)
{
	int rc = pthread_create(&l->thread, NULL, lane_main, l);

	if (rc)
		return sq_err_set(err, -rc, l->pub.load->spec->name,
				  "cannot start a thread: %s; ask for fewer threads", strerror(rc));
	l->thread_made = true;
	return 0;
}

void sq_lane_join(struct sq_lane_run *l)
{
	if (l->thread_made)
		pthread_join(l->thread, NULL);
	l->thread_made = false;
}

static void close_handle(uv_handle_t *handle, void *arg)
{
	(void)arg;
	if (!uv_is_closing(handle))
		uv_close(handle, NULL);
}

struct sq_lane_run *sq_lane_free(struct sq_lane_run *l)
{
	if (!l)
		return NULL;
	assert(!l->thread_made);
	if (l->uv_open) {
		uv_walk(&l->uv, close_handle, NULL);
		uv_run(&l->uv, UV_RUN_DEFAULT);
		uv_loop_close(&l->uv);
	}
	if (l->epoll_fd >= 0)
		close(l->epoll_fd);
	sq_lane_pool_fini(l);
	sq_schedule_free(l->schedule);
	sq_tally_free(l->tally);
	sq_tally_free(l->spare);
	sq_tally_free(l->full);
	free(l->pub.state);
	free(l);
	return NULL;
}

int64_t sq_lane_cpu_ns(const struct sq_lane_run *l, int64_t last_ns)
{
	int64_t final_ns = atomic_load(&l->cpu_ns);
	struct timespec ts;
	clockid_t clock;

	if (final_ns)
		return final_ns;
	/* The clock of a thread that has just ended is gone. */
	if (!l->thread_made || pthread_getcpuclockid(l->thread, &clock) ||
	    clock_gettime(clock, &ts) == -1)
		return last_ns;
	return ts.tv_sec * SQ_SEC + ts.tv_nsec;
}
