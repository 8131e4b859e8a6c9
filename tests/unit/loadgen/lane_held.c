/* The heap of held operations: whatever is added and removed, the earliest stands first. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "base/clock.h"
#include "base/mem.h"
#include "base/rng.h"
#include "loadgen/engine/lane_private.h"

enum { OPS = 1000 };

struct bench {
	struct sq_held held;
	unsigned char *memory;
	struct sq_op *ops[OPS];
};

static void bench_init(struct bench *b)
{
	size_t stride = sizeof(struct sq_slot) + sizeof(struct sq_op);

	*b = (struct bench){ .memory = sq_alloc_n(OPS, stride) };
	for (size_t i = 0; i < OPS; i++)
		b->ops[i] = (struct sq_op *)(b->memory + i * stride + sizeof(struct sq_slot));
	sq_held_reserve(&b->held, OPS);
}

static void bench_fini(struct bench *b)
{
	sq_held_fini(&b->held);
	free(b->memory);
}

static void hold(struct bench *b, size_t i, int64_t until_ns)
{
	sq_op_slot(b->ops[i])->until_ns = until_ns;
	sq_held_add(&b->held, b->ops[i]);
}

/* Empties it; each is to come no earlier than the one before. */
static size_t empty(struct bench *b)
{
	int64_t last = INT64_MIN;
	size_t n = 0;

	for (; b->held.n; n++) {
		struct sq_op *op = b->held.v[0];

		assert_true(sq_op_slot(op)->until_ns >= last);
		last = sq_op_slot(op)->until_ns;
		sq_held_remove(&b->held, op);
	}
	return n;
}

/* What is held equally long stays where it was put. */
static void test_equal_holds(void **state)
{
	struct bench b;

	(void)state;
	bench_init(&b);
	for (size_t i = 0; i < OPS; i++) {
		hold(&b, i, (int64_t)i / 3);
		assert_ptr_equal(b.held.v[i], b.ops[i]);
	}
	assert_int_equal(empty(&b), OPS);
	bench_fini(&b);
}

static void test_any_holds(void **state)
{
	struct sq_rng rng;
	struct bench b;

	(void)state;
	bench_init(&b);
	sq_rng_init(&rng, 1, 1);
	for (int round = 0; round < 20; round++) {
		size_t gone = 0;

		for (size_t i = 0; i < OPS; i++)
			hold(&b, i,
			     i % 10 == 0 ? SQ_NEVER : (int64_t)sq_rng_below(&rng, 500) * SQ_MS);
		/* The connections that the server has closed, anywhere. */
		for (size_t i = 0; i < OPS; i++) {
			if (sq_rng_below(&rng, 2))
				continue;
			sq_held_remove(&b.held, b.ops[i]);
			gone++;
		}
		assert_int_equal(empty(&b), OPS - gone);
	}
	bench_fini(&b);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_equal_holds),
		cmocka_unit_test(test_any_holds),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
