/* Maximum flow from readings to demands, by augmenting paths (Ford and Fulkerson; breadth first as
 * Edmonds and Karp), in whole units.
 *
 * The graph is long and thin: a demand is open to few readings, all near each other in time.  A path
 * is looked for among at most REACH readings and along STEPS edges, which bounds the work of a long
 * run (an hour at 10 Hz, 500,000 of 770,000 failures unexplained: two seconds); beyond that, a
 * shortage here and a surplus far away have nothing to do with each other anyway. */
#include "analyzers/ledger/flow.h"

#include <assert.h>
#include <stdbool.h>
#include <stdlib.h>

#include "base/mem.h"

enum { REACH = 1024, STEPS = 4096 };

static const size_t none = SIZE_MAX;

struct edge {
	size_t demand, supply;
	uint64_t units;
	size_t next; /* of the same supply */
};

struct demand {
	size_t first, n; /* its edges */
	uint64_t seen;   /* the search that looked along them last */
};

struct supply {
	uint64_t left;
	size_t edges;   /* the first */
	uint64_t seen;  /* the search that came here last */
	size_t out, in; /* the way that search came: units of edge `out` can move to edge `in` */
};

struct sq_flow {
	const struct sq_readings *readings;
	struct supply *supplies;
	uint64_t left_total;
	struct demand *demands;
	size_t n_demands, cap_demands;
	struct edge *edges;
	size_t n_edges, cap_edges;
	uint64_t search;
	size_t steps; /* of this search */
	size_t queue[REACH];
};

struct sq_flow *sq_flow_new(const struct sq_readings *supply)
{
	struct sq_flow *f = sq_alloc(sizeof(*f));

	f->readings = supply;
	f->supplies = sq_alloc_n(supply->n + 1, sizeof(*f->supplies));
	for (size_t i = 0; i < supply->n; i++) {
		f->supplies[i] = (struct supply){ .left = supply->v[i].rise, .edges = none };
		f->left_total += supply->v[i].rise;
	}
	return f;
}

struct sq_flow *sq_flow_free(struct sq_flow *f)
{
	if (!f)
		return NULL;
	free(f->supplies);
	free(f->demands);
	free(f->edges);
	free(f);
	return NULL;
}

size_t sq_flow_demand(struct sq_flow *f)
{
	f->demands = sq_grow(f->demands, f->n_demands, &f->cap_demands, sizeof(*f->demands));
	f->demands[f->n_demands] = (struct demand){ .first = f->n_edges };
	return f->n_demands++;
}

/* The newest demand's edge to a reading. */
static void add_edge(struct sq_flow *f, size_t supply)
{
	size_t demand = f->n_demands - 1;
	struct supply *s = &f->supplies[supply];

	/* The second of two slots may see a reading that the first saw. */
	if (f->readings->v[supply].rise == 0 ||
	    (s->edges != none && f->edges[s->edges].demand == demand))
		return;
	f->edges = sq_grow(f->edges, f->n_edges, &f->cap_edges, sizeof(*f->edges));
	f->edges[f->n_edges] =
		(struct edge){ .demand = demand, .supply = supply, .next = s->edges };
	s->edges = f->n_edges++;
	f->demands[demand].n++;
}

void sq_flow_open(struct sq_flow *f, int64_t lo_ns, int64_t hi_ns)
{
	size_t first;
	size_t n = sq_readings_within(f->readings, lo_ns, hi_ns, &first);

	for (size_t i = first; i < first + n; i++)
		add_edge(f, i);
}

void sq_flow_open_like(struct sq_flow *f, const struct sq_flow *other, size_t demand, size_t first)
{
	const struct demand *d = &other->demands[demand];

	for (size_t e = d->first; e < d->first + d->n; e++)
		add_edge(f, first + other->edges[e].supply);
}

size_t sq_flow_join(struct sq_flow *f, const struct sq_flow *other, size_t first)
{
	size_t joined = f->n_demands;

	for (size_t i = 0; i < other->n_demands; i++) {
		const struct edge *from = &other->edges[other->demands[i].first];
		size_t demand = sq_flow_demand(f);

		sq_flow_open_like(f, other, i, first);
		for (size_t e = 0; e < f->demands[demand].n; e++) {
			struct edge *to = &f->edges[f->demands[demand].first + e];

			to->units = from[e].units;
			f->supplies[to->supply].left -= to->units;
			f->left_total -= to->units;
		}
	}
	return joined;
}

void sq_flow_move(struct sq_flow *f, size_t from, size_t to)
{
	struct edge *a = &f->edges[f->demands[from].first], *b = &f->edges[f->demands[to].first];

	for (size_t i = 0; i < f->demands[from].n; i++) {
		size_t k = 0;

		while (a[i].units > 0 && b[k].supply != a[i].supply)
			k++;
		b[k].units += a[i].units;
		a[i].units = 0;
	}
}

static uint64_t least(uint64_t a, uint64_t b)
{
	return a < b ? a : b;
}

/* Into readings that have some left. */
static uint64_t put_free(struct sq_flow *f, const struct demand *d, uint64_t units, size_t end)
{
	uint64_t put = 0;

	for (size_t e = d->first; e < d->first + d->n && put < units; e++) {
		struct supply *s = &f->supplies[f->edges[e].supply];
		uint64_t n = f->edges[e].supply < end ? least(s->left, units - put) : 0;

		s->left -= n;
		f->edges[e].units += n;
		f->left_total -= n;
		put += n;
	}
	return put;
}

/* From a reading on, to all where the units that lie in it could lie instead.  The first of them
 * with something left, or none. */
static size_t spread(struct sq_flow *f, size_t supply, size_t end, size_t *n_queue)
{
	for (size_t e = f->supplies[supply].edges; e != none && f->steps < STEPS;
	     e = f->edges[e].next) {
		struct demand *d = &f->demands[f->edges[e].demand];

		f->steps++;
		if (f->edges[e].units == 0 || d->seen == f->search)
			continue;
		d->seen = f->search;
		f->steps += d->n;
		for (size_t to = d->first; to < d->first + d->n; to++) {
			struct supply *s = &f->supplies[f->edges[to].supply];

			if (s->seen == f->search || *n_queue == REACH)
				continue;
			s->seen = f->search;
			s->out = e;
			s->in = to;
			if (s->left > 0 && f->edges[to].supply < end)
				return f->edges[to].supply;
			f->queue[(*n_queue)++] = f->edges[to].supply;
		}
	}
	return none;
}

/* A reading with something left that can be reached by moving units out of the demand's readings. */
static size_t find_path(struct sq_flow *f, const struct demand *d, size_t end)
{
	size_t n_queue = 0;

	f->search++;
	f->steps = 0;
	for (size_t e = d->first; e < d->first + d->n && n_queue < REACH; e++) {
		struct supply *s = &f->supplies[f->edges[e].supply];

		s->seen = f->search;
		s->out = none;
		s->in = e;
		f->queue[n_queue++] = f->edges[e].supply;
	}
	for (size_t i = 0; i < n_queue; i++) {
		size_t last = spread(f, f->queue[i], end, &n_queue);

		if (last != none)
			return last;
	}
	return none;
}

/* Moves units along the path that find_path left behind; how many. */
static uint64_t push(struct sq_flow *f, size_t end, uint64_t units)
{
	uint64_t n = least(units, f->supplies[end].left);
	size_t at = end;

	for (; f->supplies[at].out != none; at = f->edges[f->supplies[at].out].supply)
		n = least(n, f->edges[f->supplies[at].out].units);
	assert(n > 0);
	for (at = end; f->supplies[at].out != none; at = f->edges[f->supplies[at].out].supply) {
		f->edges[f->supplies[at].in].units += n;
		f->edges[f->supplies[at].out].units -= n;
	}
	f->edges[f->supplies[at].in].units += n;
	f->supplies[end].left -= n;
	f->left_total -= n;
	return n;
}

uint64_t sq_flow_put_below(struct sq_flow *f, size_t demand, uint64_t units, size_t end)
{
	const struct demand *d = &f->demands[demand];
	uint64_t put = put_free(f, d, units, end);

	while (put < units && f->left_total > 0) {
		size_t last = find_path(f, d, end);

		if (last == none)
			break;
		put += push(f, last, units - put);
	}
	return put;
}

uint64_t sq_flow_put(struct sq_flow *f, size_t demand, uint64_t units)
{
	return sq_flow_put_below(f, demand, units, SIZE_MAX);
}

void sq_flow_take(struct sq_flow *f, size_t demand, uint64_t units)
{
	const struct demand *d = &f->demands[demand];

	for (size_t e = d->first; e < d->first + d->n && units > 0; e++) {
		uint64_t n = least(f->edges[e].units, units);

		f->edges[e].units -= n;
		f->supplies[f->edges[e].supply].left += n;
		f->left_total += n;
		units -= n;
	}
	assert(units == 0);
}

bool sq_flow_put_each(struct sq_flow *f, size_t first, size_t n, uint64_t units)
{
	for (size_t i = 0; i < n; i++) {
		uint64_t put = sq_flow_put(f, first + i, units);

		if (put == units)
			continue;
		sq_flow_take(f, first + i, put);
		while (i-- > 0)
			sq_flow_take(f, first + i, units);
		return false;
	}
	return true;
}

uint64_t sq_flow_held(const struct sq_flow *f, size_t demand, size_t first, size_t n)
{
	const struct demand *d = &f->demands[demand];
	uint64_t held = 0;

	for (size_t e = d->first; e < d->first + d->n; e++)
		if (f->edges[e].supply >= first && f->edges[e].supply - first < n)
			held += f->edges[e].units;
	return held;
}

uint64_t sq_flow_left(const struct sq_flow *f, size_t reading)
{
	return f->supplies[reading].left;
}

uint64_t sq_flow_left_total(const struct sq_flow *f)
{
	return f->left_total;
}
