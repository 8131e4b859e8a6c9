/* A lane's operations: the pool they come from, those in flight, their outcome.
 *
 * The list of those in flight is the FIFO of deadlines: all operations of a load have the same
 * timeout, counted from their due times, and become due in order.  Held ones (lane_held.c) have
 * their outcome, so they count no more against max_in_flight; the pool grows for them, a chunk at a
 * time, and keeps what it has. */
#include <sys/epoll.h>

#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/mem.h"
#include "loadgen/engine/lane_private.h"

/* What an event of epoll is for: a token of the driver's, or else an operation, by its generation and
 * its index. */
#define OF_LANE         (UINT64_C(1) << 63)
#define GENERATION_MASK UINT32_C(0x7fffffff)

enum { OP_FREE, OP_IN_FLIGHT, OP_DONE, OP_HELD };

enum { CHUNK_BITS = 8, CHUNK_OPS = 1 << CHUNK_BITS, PREALLOCATED_BYTES = 1 << 20 };

static struct sq_lane_run *run_of(struct sq_lane *lane)
{
	return (struct sq_lane_run *)lane;
}

struct sq_slot *sq_op_slot(struct sq_op *op)
{
	return (struct sq_slot *)((unsigned char *)op - sizeof(struct sq_slot));
}

/* ---- lists ---- */

static void list_insert_after(struct sq_op_list *list, struct sq_op *after, struct sq_op *op)
{
	op->prev = after;
	op->next = after ? after->next : list->head;
	*(op->next ? &op->next->prev : &list->tail) = op;
	*(after ? &after->next : &list->head) = op;
	list->n++;
}

static void list_remove(struct sq_op_list *list, struct sq_op *op)
{
	*(op->prev ? &op->prev->next : &list->head) = op->next;
	*(op->next ? &op->next->prev : &list->tail) = op->prev;
	list->n--;
}

/* ---- pool ---- */

static struct sq_op *slot_op(struct sq_lane_run *l, uint32_t index)
{
	return (struct sq_op *)(l->chunks[index >> CHUNK_BITS] +
				(index & (CHUNK_OPS - 1)) * l->stride + sizeof(struct sq_slot));
}

static void pool_grow(struct sq_lane_run *l)
{
	l->chunks = sq_grow(l->chunks, l->n_chunks, &l->cap_chunks, sizeof(*l->chunks));
	l->chunks[l->n_chunks++] = sq_alloc_n(CHUNK_OPS, l->stride);
	for (size_t i = CHUNK_OPS; i-- > 0;) {
		uint32_t index = (uint32_t)((l->n_chunks - 1) * CHUNK_OPS + i);
		struct sq_op *op = slot_op(l, index);

		sq_op_slot(op)->index = index;
		op->next = l->free_ops;
		l->free_ops = op;
	}
	sq_held_reserve(&l->held, l->n_chunks * CHUNK_OPS);
}

static int64_t share_of(const struct sq_lane_run *l, int64_t whole)
{
	int64_t lanes = l->pub.load->spec->threads;

	return whole / lanes + (l->pub.index < whole % lanes);
}

void sq_lane_pool_init(struct sq_lane_run *l)
{
	const struct sq_load_spec *spec = l->pub.load->spec;
	size_t chunk_bytes, wanted;

	_Static_assert(sizeof(struct sq_slot) % 16 == 0, "operations keep their alignment");
	l->max_in_flight = (spec->max_in_flight + spec->threads - 1) / spec->threads;
	l->max_open = spec->max_open == SQ_OPT_UNSET ? SQ_NEVER : share_of(l, spec->max_open);
	l->stride = sizeof(struct sq_slot) + sizeof(struct sq_op) + l->pub.driver->op_size;
	l->stride = (l->stride + 15) & ~(size_t)15;
	chunk_bytes = CHUNK_OPS * l->stride;
	wanted = ((size_t)l->max_in_flight + CHUNK_OPS - 1) / CHUNK_OPS;
	while (l->n_chunks < wanted && (l->n_chunks + 1) * chunk_bytes <= PREALLOCATED_BYTES)
		pool_grow(l);
}

void sq_lane_pool_fini(struct sq_lane_run *l)
{
	for (size_t i = 0; i < l->n_chunks; i++)
		free(l->chunks[i]);
	free(l->chunks);
	l->chunks = NULL;
	l->n_chunks = 0;
	sq_held_fini(&l->held);
}

/* ---- an operation's life ---- */

int64_t sq_lane_places(const struct sq_lane_run *l)
{
	int64_t in_flight = l->max_in_flight - l->flight.n;
	int64_t open = l->max_open - l->flight.n - (int64_t)l->held.n;

	return in_flight < open ? in_flight : open;
}

struct sq_op *sq_op_new(struct sq_lane *lane, int64_t due_ns)
{
	struct sq_lane_run *l = run_of(lane);
	struct sq_op *op, *after = l->flight.tail;

	if (sq_lane_places(l) <= 0)
		return NULL;
	if (!l->free_ops)
		pool_grow(l);
	op = l->free_ops;
	l->free_ops = op->next;
	op->due_ns = due_ns;
	op->sent_ns = -1;
	op->seq = l->next_seq++;
	op->where = OP_IN_FLIGHT;
	memset(op->priv, 0, lane->driver->op_size);
	while (after && after->due_ns > due_ns)
		after = after->prev;
	list_insert_after(&l->flight, after, op);
	return op;
}

int sq_op_watch(struct sq_lane *lane, struct sq_op *op, int fd, uint32_t events)
{
	struct sq_slot *slot = sq_op_slot(op);
	struct epoll_event ev = { .events = events,
				  .data.u64 = (uint64_t)slot->generation << 32 | slot->index };

	return epoll_ctl(run_of(lane)->epoll_fd, EPOLL_CTL_ADD, fd, &ev) == -1 ? -errno : 0;
}

static int watch_token(struct sq_lane *lane, uint32_t token, int fd, int how, uint32_t events)
{
	struct epoll_event ev = { .events = events, .data.u64 = OF_LANE | token };

	return epoll_ctl(run_of(lane)->epoll_fd, how, fd, &ev) == -1 ? -errno : 0;
}

int sq_lane_watch(struct sq_lane *lane, uint32_t token, int fd, uint32_t events)
{
	return watch_token(lane, token, fd, EPOLL_CTL_ADD, events);
}

int sq_lane_rewatch(struct sq_lane *lane, uint32_t token, int fd, uint32_t events)
{
	return watch_token(lane, token, fd, EPOLL_CTL_MOD, events);
}

void sq_lane_event(struct sq_lane_run *l, uint64_t data, uint32_t events)
{
	struct sq_op *op;

	if (data & OF_LANE) {
		l->pub.driver->input(&l->pub, (uint32_t)data, events);
		return;
	}
	op = slot_op(l, (uint32_t)data);
	if (op->where != OP_FREE && sq_op_slot(op)->generation == (uint32_t)(data >> 32))
		l->pub.driver->ready(&l->pub, op, events);
}

void sq_lane_count(struct sq_lane *lane, unsigned which, uint64_t n)
{
	struct sq_lane_run *l = run_of(lane);

	sq_tally_count(l->tally, which, n);
	sq_live_add(&l->live->counts[which], n);
}

static void book(struct sq_lane_run *l, const struct sq_tally_op *result)
{
	enum sq_class class = sq_code_class(l->pub.driver->words.codes, result->outcome.code);

	sq_tally_done(l->tally, result);
	if (class == SQ_CLASS_OK)
		sq_live_add(&l->live->ok, 1);
	else if (sq_class_is_failure(class))
		sq_live_add(&l->live->failed, 1);
	else
		sq_live_add(&l->live->other, 1);
}

void sq_op_done(struct sq_lane *lane, struct sq_op *op, struct sq_tally_op *result)
{
	struct sq_lane_run *l = run_of(lane);

	assert(op->where == OP_IN_FLIGHT);
	list_remove(&l->flight, op);
	op->where = OP_DONE;
	result->due_ns = op->due_ns;
	result->sent_ns = op->sent_ns;
	book(l, result);
}

void sq_lane_unstarted(struct sq_lane_run *l, int64_t due_ns, uint16_t code)
{
	struct sq_tally_op result = { .outcome = { .code = code, .phase = UINT8_MAX },
				      .due_ns = due_ns,
				      .sent_ns = -1,
				      .done_ns = l->now_ns > due_ns ? l->now_ns : due_ns };

	book(l, &result);
}

void sq_op_phase(struct sq_lane *lane, struct sq_op *op, unsigned phase, int64_t took_ns)
{
	sq_tally_phase(run_of(lane)->tally, phase, op->due_ns, took_ns);
}

void sq_op_hold(struct sq_lane *lane, struct sq_op *op, int64_t hold_ns)
{
	int64_t now_ns = sq_lane_now(lane);

	assert(op->where == OP_DONE);
	op->where = OP_HELD;
	sq_op_slot(op)->until_ns = hold_ns < SQ_NEVER - now_ns ? now_ns + hold_ns : SQ_NEVER;
	sq_held_add(&run_of(lane)->held, op);
}

void sq_op_release(struct sq_lane *lane, struct sq_op *op)
{
	struct sq_lane_run *l = run_of(lane);

	assert(op->where == OP_DONE || op->where == OP_HELD);
	if (op->where == OP_HELD)
		sq_held_remove(&l->held, op);
	op->where = OP_FREE;
	sq_op_slot(op)->generation = (sq_op_slot(op)->generation + 1) & GENERATION_MASK;
	op->next = l->free_ops;
	l->free_ops = op;
}
