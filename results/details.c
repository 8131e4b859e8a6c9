#include "results/details.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"

static const char other[] = "other";

/* NULL: there is no place for it. */
static struct sq_detail *detail_of(struct sq_details *d, const char *text)
{
	if (strcmp(text, other) == 0)
		return NULL;
	for (size_t i = 0; i < d->n; i++)
		if (strcmp(d->v[i].text, text) == 0)
			return &d->v[i];
	if (d->n == SQ_DETAILS_MAX)
		return NULL;
	d->v = sq_grow(d->v, d->n, &d->cap, sizeof(*d->v));
	d->v[d->n] = (struct sq_detail){ 0 };
	memcpy(d->v[d->n].text, text, strnlen(text, SQ_DETAIL_MAX - 1));
	return &d->v[d->n++];
}

void sq_details_add(struct sq_details *d, const char *text, uint64_t n)
{
	struct sq_detail *detail = detail_of(d, text);

	*(detail ? &detail->n : &d->other) += n;
}

uint64_t sq_details_sum(const struct sq_details *d)
{
	uint64_t sum = d->other;

	for (size_t i = 0; i < d->n; i++)
		sum += d->v[i].n;
	return sum;
}

static int by_count(const void *a, const void *b)
{
	const struct sq_detail *x = a, *y = b;

	if (x->n != y->n)
		return x->n > y->n ? -1 : 1;
	return strcmp(x->text, y->text);
}

void sq_details_settle(struct sq_details *d)
{
	if (d->n)
		qsort(d->v, d->n, sizeof(*d->v), by_count);
}

void sq_details_reset(struct sq_details *d)
{
	d->n = 0;
	d->other = 0;
}

void sq_details_fini(struct sq_details *d)
{
	free(d->v);
	*d = (struct sq_details){ 0 };
}

json_t *sq_details_to_json(const struct sq_details *d)
{
	json_t *object = json_object();

	for (size_t i = 0; i < d->n; i++)
		json_object_set_new(object, d->v[i].text, json_integer((json_int_t)d->v[i].n));
	if (d->other)
		json_object_set_new(object, other, json_integer((json_int_t)d->other));
	return object;
}

int sq_details_add_json(struct sq_details *d, const json_t *object)
{
	const char *text;
	json_t *n;

	json_object_foreach((json_t *)object, text, n) {
		if (!*text || strlen(text) >= SQ_DETAIL_MAX || !json_is_integer(n) ||
		    json_integer_value(n) < 0)
			return -EINVAL;
		sq_details_add(d, text, (uint64_t)json_integer_value(n));
	}
	return 0;
}
