#include "analyzers/ledger/slows.h"

#include <stdlib.h>

#include "base/mem.h"

struct member { /* of a group */
	const struct sq_lined *part;
	const struct sq_slow *slow;
	size_t group;    /* its demand in the joint flow */
	uint64_t wanted; /* of all its members */
};

struct sq_slows {
	struct sq_flow *flow;
	struct member *v; /* by what they are of */
	size_t n, cap;
};

static int order(size_t a, size_t b)
{
	return (a > b) - (a < b);
}

static int by_kind(const struct sq_slow *a, const struct sq_slow *b)
{
	int d = order(a->outcome, b->outcome);

	d = d ? d : order(a->bin, b->bin);
	return d ? d : order(a->segments, b->segments);
}

static int by_kind_and_part(const void *a, const void *b)
{
	const struct member *x = a, *y = b;
	int d = by_kind(x->slow, y->slow);

	return d ? d : order(x->part->first, y->part->first);
}

/* One demand for members first .. end - 1: what they hold together, but no more than is wanted. */
static void open_group(struct sq_slows *s, size_t first, size_t end)
{
	uint64_t wanted = 0, held = 0;
	size_t demand = sq_flow_demand(s->flow);

	for (size_t i = first; i < end; i++)
		sq_flow_open_like(s->flow, s->v[i].part->c->flow, s->v[i].slow->demand,
				  s->v[i].part->first);
	for (size_t i = first; i < end; i++) {
		const struct sq_lined *part = s->v[i].part;

		s->v[i].group = demand;
		wanted = s->v[i].slow->wanted > wanted ? s->v[i].slow->wanted : wanted;
		if (part->joined == SQ_NOT_JOINED)
			continue;
		sq_flow_move(s->flow, part->joined + s->v[i].slow->demand, demand);
		held += sq_flow_held(s->flow, demand, part->first, part->c->readings.n);
	}
	if (held > wanted)
		sq_flow_take(s->flow, demand, held - wanted);
	else
		sq_flow_put(s->flow, demand, wanted - held);
	for (size_t i = first; i < end; i++)
		s->v[i].wanted = wanted;
}

struct sq_slows *sq_slows_open(struct sq_flow *f, const struct sq_lined *parts, size_t n)
{
	struct sq_slows *s = sq_alloc(sizeof(*s));
	size_t end;

	s->flow = f;
	for (size_t i = 0; i < n; i++) {
		for (size_t k = 0; k < parts[i].c->n_slows; k++) {
			s->v = sq_grow(s->v, s->n, &s->cap, sizeof(*s->v));
			s->v[s->n++] =
				(struct member){ .part = &parts[i], .slow = &parts[i].c->slows[k] };
		}
	}
	if (s->n)
		qsort(s->v, s->n, sizeof(*s->v), by_kind_and_part);
	for (size_t i = 0; i < s->n; i = end) {
		for (end = i + 1; end < s->n && by_kind(s->v[i].slow, s->v[end].slow) == 0;)
			end++;
		open_group(s, i, end);
	}
	return s;
}

void sq_slows_take_back(const struct sq_slows *s)
{
	for (size_t i = 0; i < s->n; i++) {
		struct sq_case *c = s->v[i].part->c;
		uint64_t held = sq_flow_held(c->flow, s->v[i].slow->demand, 0, c->readings.n);

		sq_flow_take(c->flow, s->v[i].slow->demand, held);
		c->slow_paid -= held;
	}
}

/* What others pay is not this one's to pay. */
void sq_slows_give_back(const struct sq_slows *s)
{
	for (size_t i = 0; i < s->n; i++) {
		const struct member *m = &s->v[i];
		struct sq_case *c = m->part->c;
		uint64_t held = sq_flow_held(s->flow, m->group, m->part->first, c->readings.n);
		uint64_t all = sq_flow_held(s->flow, m->group, 0, SIZE_MAX);

		c->slow_wanted += m->wanted - (all - held);
		c->slow_wanted -= m->slow->wanted;
		c->slow_paid += held;
		sq_flow_put(c->flow, m->slow->demand, held);
	}
}

void sq_slows_free(struct sq_slows *s)
{
	free(s->v);
	free(s);
}
