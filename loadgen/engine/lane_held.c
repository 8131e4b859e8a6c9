/* Held operations in the order in which they are to be dropped: a binary heap by time, the earliest
 * first.  Each operation knows its place, so that one whose connection the server has closed leaves
 * the heap at once, wherever it stands.
 *
 * What a reader would get wrong: the heap costs nothing where all hold times are the same.  What is
 * held later is then dropped later, so that it stays where it is put, at the end; only a drop moves
 * something, as far as the heap is deep. */
#include <assert.h>
#include <stdlib.h>

#include "base/mem.h"
#include "loadgen/engine/lane_private.h"

static int64_t until(const struct sq_held *h, size_t at)
{
	return sq_op_slot(h->v[at])->until_ns;
}

static void put(struct sq_held *h, size_t at, struct sq_op *op)
{
	h->v[at] = op;
	op->held_at = (uint32_t)at;
}

/* Finds a place for op, from `at` towards the head. */
static void rise(struct sq_held *h, size_t at, struct sq_op *op)
{
	int64_t until_ns = sq_op_slot(op)->until_ns;

	for (; at > 0 && until(h, (at - 1) / 2) > until_ns; at = (at - 1) / 2)
		put(h, at, h->v[(at - 1) / 2]);
	put(h, at, op);
}

/* And away from it. */
static void sink(struct sq_held *h, size_t at, struct sq_op *op)
{
	int64_t until_ns = sq_op_slot(op)->until_ns;

	for (size_t child; (child = 2 * at + 1) < h->n; at = child) {
		if (child + 1 < h->n && until(h, child + 1) < until(h, child))
			child++;
		if (until(h, child) >= until_ns)
			break;
		put(h, at, h->v[child]);
	}
	put(h, at, op);
}

void sq_held_reserve(struct sq_held *h, size_t n)
{
	h->v = sq_realloc_n(h->v, n, sizeof(*h->v));
	h->cap = n;
}

void sq_held_add(struct sq_held *h, struct sq_op *op)
{
	assert(h->n < h->cap);
	rise(h, h->n++, op);
}

void sq_held_remove(struct sq_held *h, struct sq_op *op)
{
	size_t at = op->held_at;
	struct sq_op *last;

	assert(at < h->n && h->v[at] == op);
	last = h->v[--h->n];
	if (last == op)
		return;
	if (at > 0 && until(h, (at - 1) / 2) > sq_op_slot(last)->until_ns)
		rise(h, at, last);
	else
		sink(h, at, last);
}

void sq_held_fini(struct sq_held *h)
{
	free(h->v);
	*h = (struct sq_held){ 0 };
}
