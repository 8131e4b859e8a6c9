/* Runs of accepted operations, to the spool and back. */
#include "results/accepted.h"

#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>

#include "base/mem.h"

/* More than any lane makes, and few enough that sums of them are numbers still. */
#define NUMBER_MAX     (UINT64_C(1) << 40)
#define RECIPIENTS_MAX (UINT64_C(1) << 16)

static int by_number(const void *a, const void *b)
{
	const struct sq_accepted_op *x = a, *y = b;

	return (x->number > y->number) - (x->number < y->number);
}

static void add_run(json_t *list, const struct sq_accepted_run *run)
{
	json_array_append_new(list, json_integer((json_int_t)run->first));
	json_array_append_new(list, json_integer((json_int_t)run->n));
	json_array_append_new(list, json_integer((json_int_t)run->recipients));
}

json_t *sq_accepted_to_json(struct sq_accepted_op *ops, size_t n)
{
	json_t *list = json_array();
	struct sq_accepted_run run = { 0 };

	qsort(ops, n, sizeof(*ops), by_number);
	for (size_t i = 0; i < n; i++) {
		if (run.n && ops[i].number == run.first + run.n &&
		    ops[i].recipients == run.recipients) {
			run.n++;
			continue;
		}
		if (run.n)
			add_run(list, &run);
		run = (struct sq_accepted_run){ ops[i].number, 1, ops[i].recipients };
	}
	if (run.n)
		add_run(list, &run);
	return list;
}

/* The next of three; false when it is no number that can be. */
static bool take_number(const json_t *list, size_t i, uint64_t max, uint64_t *ret)
{
	const json_t *v = json_array_get(list, i);

	*ret = (uint64_t)json_integer_value(v);
	return json_is_integer(v) && json_integer_value(v) >= 0 && *ret <= max;
}

int sq_accepted_add_json(struct sq_accepted *a, const json_t *list)
{
	size_t len = json_array_size(list);

	if (len % 3)
		return -EINVAL;
	for (size_t i = 0; i < len; i += 3) {
		uint64_t first, n, recipients;

		if (!take_number(list, i, NUMBER_MAX, &first) ||
		    !take_number(list, i + 1, NUMBER_MAX, &n) ||
		    !take_number(list, i + 2, RECIPIENTS_MAX, &recipients))
			return -EINVAL;
		a->runs = sq_grow(a->runs, a->n, &a->cap, sizeof(*a->runs));
		a->runs[a->n++] = (struct sq_accepted_run){ first, n, (uint32_t)recipients };
	}
	return 0;
}

static int by_first(const void *a, const void *b)
{
	const struct sq_accepted_run *x = a, *y = b;

	return (x->first > y->first) - (x->first < y->first);
}

/* No file that squall wrote says of a number twice that it was accepted; the first word holds. */
static void cut_begin(struct sq_accepted_run *run, uint64_t to)
{
	uint64_t cut = run->first < to ? to - run->first : 0;

	cut = cut < run->n ? cut : run->n;
	run->first += cut;
	run->n -= cut;
}

void sq_accepted_settle(struct sq_accepted *a)
{
	size_t n = 0;

	if (a->n)
		qsort(a->runs, a->n, sizeof(*a->runs), by_first);
	for (size_t i = 0; i < a->n; i++) {
		struct sq_accepted_run *last = n ? &a->runs[n - 1] : NULL;

		cut_begin(&a->runs[i], last ? last->first + last->n : 0);
		if (a->runs[i].n == 0)
			continue;
		if (last && last->first + last->n == a->runs[i].first &&
		    last->recipients == a->runs[i].recipients)
			last->n += a->runs[i].n;
		else
			a->runs[n++] = a->runs[i];
	}
	a->n = n;
}

void sq_accepted_fini(struct sq_accepted *a)
{
	free(a->runs);
	*a = (struct sq_accepted){ 0 };
}
