/* Readings of one counter on one host are the same list for every mechanism, so that what was spent is kept by
 * their numbers.  A counter that is judged by others ("also", "less") has its own share of the rises already, and
 * shares with none. */
#include "analyzers/ledger/spent.h"

#include <stdlib.h>
#include <string.h>

#include "analyzers/ledger/case.h"
#include "base/mem.h"

struct spent_row {
	const char *host, *metric, *row; /* borrowed */
	uint64_t *units;                 /* by reading */
	size_t n;
};

struct sq_spent {
	const struct sq_run *run;
	struct spent_row *v;
	size_t n, cap;
	uint64_t *slows; /* by outcome, bin, and whether segments; NULL: none */
};

struct sq_spent *sq_spent_new(const struct sq_run *run)
{
	struct sq_spent *s = sq_alloc(sizeof(*s));

	s->run = run;
	return s;
}

struct sq_spent *sq_spent_free(struct sq_spent *s)
{
	if (!s)
		return NULL;
	for (size_t i = 0; i < s->n; i++)
		free(s->v[i].units);
	free(s->v);
	free(s->slows);
	free(s);
	return NULL;
}

bool sq_spent_is_shared(const struct sq_rule_counter *c)
{
	return c->also.n == 0 && c->less.n == 0;
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

static size_t slow_place(const struct sq_spent *s, size_t outcome, size_t bin, bool segments)
{
	return 2 * (outcome * s->run->axis.n + bin) + segments;
}

void sq_spent_add_slows(struct sq_spent *s, const struct sq_case *c)
{
	size_t outcomes = 0;

	for (size_t i = 0; i < s->run->n_loads; i++)
		outcomes += s->run->loads[i].n_outcomes;
	if (c->n_slows > 0 && !s->slows)
		s->slows = sq_alloc_n(slow_place(s, outcomes, 0, false) + 1, sizeof(*s->slows));
	for (size_t i = 0; i < c->n_slows; i++) {
		const struct sq_slow *slow = &c->slows[i];

		s->slows[slow_place(s, slow->outcome, slow->bin, slow->segments)] +=
			sq_flow_held(c->flow, slow->demand, 0, c->readings.n);
	}
}

uint64_t sq_spent_slow(const struct sq_spent *s, size_t outcome, size_t bin, bool segments)
{
	return s->slows ? s->slows[slow_place(s, outcome, bin, segments)] : 0;
}
