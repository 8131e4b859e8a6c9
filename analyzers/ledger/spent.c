/* Readings of one counter on one host are the same list for every mechanism, so that what was spent is kept by
 * their numbers.  A counter that is judged by others ("also", "less") has its own share of the rises already, and
 * shares with none. */
#include "analyzers/ledger/spent.h"

#include <stdlib.h>
#include <string.h>

#include "base/mem.h"

struct spent_row {
	const char *host, *metric, *row; /* borrowed */
	uint64_t *units;                 /* by reading */
	size_t n;
};

struct sq_spent {
	struct spent_row *v;
	size_t n, cap;
};

struct sq_spent *sq_spent_new(void)
{
	return sq_alloc(sizeof(struct sq_spent));
}

struct sq_spent *sq_spent_free(struct sq_spent *s)
{
	if (!s)
		return NULL;
	for (size_t i = 0; i < s->n; i++)
		free(s->v[i].units);
	free(s->v);
	free(s);
	return NULL;
}

bool sq_spent_is_shared(const struct sq_rule_counter *c)
{
	return c->names.n == 1 && c->also.n == 0 && c->less.n == 0;
}

static struct spent_row *find(const struct sq_spent *s, const char *host, const char *metric,
			      const char *row)
{
	for (size_t i = 0; i < s->n; i++) {
		struct spent_row *r = &s->v[i];

		if (strcmp(r->host, host) == 0 && strcmp(r->metric, metric) == 0 &&
		    sq_same_text(r->row, row))
			return r;
	}
	return NULL;
}

void sq_spent_add(struct sq_spent *s, const char *host, const struct sq_rule_counter *counter,
		  const char *row, const struct sq_readings *readings, const struct sq_flow *flow)
{
	struct spent_row *r;

	if (!sq_spent_is_shared(counter))
		return;
	r = find(s, host, counter->names.v[0], row);
	if (!r) {
		s->v = sq_grow(s->v, s->n, &s->cap, sizeof(*s->v));
		r = &s->v[s->n++];
		*r = (struct spent_row){ host, counter->names.v[0], row,
					 sq_alloc_n(readings->n + 1, sizeof(*r->units)),
					 readings->n };
	}
	for (size_t i = 0; i < r->n; i++)
		r->units[i] += readings->v[i].rise - sq_flow_left(flow, i);
}

void sq_spent_deduct(const struct sq_spent *s, const char *host,
		     const struct sq_rule_counter *counter, const char *row,
		     struct sq_readings *readings)
{
	const struct spent_row *r =
		s && sq_spent_is_shared(counter) ? find(s, host, counter->names.v[0], row) : NULL;

	for (size_t i = 0; r && i < r->n; i++) {
		uint64_t units = r->units[i] < readings->v[i].rise ? r->units[i]
								   : readings->v[i].rise;

		readings->v[i].rise -= units;
		readings->total -= units;
	}
}
