/* The cases' readings are laid end to end on one line of time, each case in a stretch of its own, so
 * that one flow has them all.  A failure is a demand that is open in every case that claims it.  What
 * is counted soon after it was due is put first, and only then what may have stood in a queue.
 *
 * What a reader would get wrong: the rises are not all for these failures.  What got through in the end
 * and connections that lost segments have paid too, several each, and are put before: else a queue's
 * counter seems to have room for failures that only the filter beside it can have caused. */
#include "analyzers/ledger_joint.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "analyzers/ledger_case.h"
#include "base/mem.h"

/* Longer than any run with its time-outs. */
static const int64_t stretch_ns = INT64_C(1) << 48;

struct part { /* a case's */
	struct sq_case *c;
	size_t first; /* its readings, of all */
	size_t next;  /* its parcel that was not looked at yet */
};

struct share { /* of one case in one entry's failures of one bin */
	size_t part, entry, bin;
	uint64_t n, of; /* of so many */
};

struct want { /* the failures of one entry, due in one bin */
	size_t entry, bin;
	uint64_t count, left;             /* left: not put yet */
	size_t soon, late;                /* demands */
	const struct sq_parcel **parcels; /* by part; NULL: not claimed */
};

struct sq_joint {
	const struct sq_book *book;
	struct part *parts;
	size_t n_parts, cap_parts;
	struct share *shares;
	size_t n_shares, cap_shares;
	struct want *wants;
	size_t n_wants, cap_wants;
};

struct sq_joint *sq_joint_new(const struct sq_book *book)
{
	struct sq_joint *j = sq_alloc(sizeof(*j));

	j->book = book;
	return j;
}

struct sq_joint *sq_joint_free(struct sq_joint *j)
{
	if (!j)
		return NULL;
	for (size_t i = 0; i < j->n_parts; i++)
		sq_case_free(j->parts[i].c);
	free(j->parts);
	free(j->shares);
	free(j);
	return NULL;
}

void sq_joint_add(struct sq_joint *j, struct sq_case *c)
{
	bool any = false;

	for (size_t i = 0; i < c->n_parcels; i++)
		any |= sq_parcel_costs_one(c, &c->parcels[i]);
	if (!any || c->readings.total == 0) {
		sq_case_free(c);
		return;
	}
	j->parts = sq_grow(j->parts, j->n_parts, &j->cap_parts, sizeof(*j->parts));
	j->parts[j->n_parts++] = (struct part){ .c = c };
}

/* All readings on one line. */
static struct sq_readings line_up(struct sq_joint *j)
{
	struct sq_readings all = { 0 };

	for (size_t i = 0; i < j->n_parts; i++)
		all.n += j->parts[i].c->readings.n;
	all.v = sq_alloc_n(all.n + 1, sizeof(*all.v));
	all.n = 0;
	for (size_t i = 0; i < j->n_parts; i++) {
		const struct sq_readings *r = &j->parts[i].c->readings;

		j->parts[i].first = all.n;
		for (size_t k = 0; k < r->n; k++) {
			all.v[all.n] = r->v[k];
			all.v[all.n].from_ns += (int64_t)i * stretch_ns;
			all.v[all.n++].to_ns += (int64_t)i * stretch_ns;
		}
		all.total += r->total;
	}
	return all;
}

static const struct sq_parcel *parcel_of(struct part *part, const struct sq_entry *e, size_t bin)
{
	const struct sq_case *c = part->c;

	while (part->next < c->n_parcels && c->parcels[part->next].bin < bin)
		part->next++;
	for (size_t i = part->next; i < c->n_parcels && c->parcels[i].bin == bin; i++) {
		if (c->claims[c->parcels[i].claim].entry == e &&
		    sq_parcel_costs_one(c, &c->parcels[i]))
			return &c->parcels[i];
	}
	return NULL;
}

/* Connections of an entry, due in a bin, that cost segments: where each case would have them, the first
 * of them preferred.  They only take their room here, and are shared out by their own cases. */
static void put_segments(const struct sq_joint *j, struct sq_flow *f, const struct sq_entry *e,
			 size_t bin)
{
	size_t demand = sq_flow_demand(f);
	uint64_t wanted = 0;

	for (size_t i = 0; i < j->n_parts; i++) {
		const struct part *part = &j->parts[i];
		const struct sq_case *c = part->c;
		uint64_t here = 0;

		for (size_t k = part->next; k < c->n_parcels && c->parcels[k].bin == bin; k++) {
			const struct sq_parcel *p = &c->parcels[k];
			const struct sq_claim *cl = &c->claims[p->claim];

			if (cl->entry != e || cl->pay->dose != SQ_DOSE_SEGMENTS)
				continue;
			sq_flow_open_like(f, c->flow, p->demand, part->first);
			here += p->count * p->units;
		}
		wanted = here > wanted ? here : wanted;
	}
	sq_flow_put(f, demand, wanted);
}

static size_t open_demand(struct sq_joint *j, struct sq_flow *f, const struct want *w, bool soon)
{
	size_t demand = sq_flow_demand(f);

	for (size_t i = 0; i < j->n_parts; i++) {
		const struct sq_parcel *p = w->parcels[i];

		if (p)
			sq_flow_open(f, p->lo_ns + (int64_t)i * stretch_ns,
				     (soon ? p->soon_ns : p->hi_ns) + (int64_t)i * stretch_ns);
	}
	return demand;
}

/* Every entry's failures of every bin that a case claims; whether any has two. */
static bool gather(struct sq_joint *j, struct sq_flow *f)
{
	bool rivals = false;

	for (size_t bin = 0; bin < j->book->run->axis.n; bin++) {
		for (size_t e = 0; e < j->book->n; e++) {
			struct want w = { .entry = e, .bin = bin };
			size_t n = 0;

			if (j->book->v[e].left[bin] == 0)
				continue;
			w.parcels = sq_alloc_n(j->n_parts, sizeof(struct sq_parcel *));
			for (size_t i = 0; i < j->n_parts; i++) {
				w.parcels[i] = parcel_of(&j->parts[i], &j->book->v[e], bin);
				n += w.parcels[i] != NULL;
				if (w.parcels[i] && w.parcels[i]->count > w.count)
					w.count = w.parcels[i]->count;
			}
			put_segments(j, f, &j->book->v[e], bin);
			w.left = w.count;
			rivals |= n > 1;
			w.soon = open_demand(j, f, &w, true);
			w.late = open_demand(j, f, &w, false);
			j->wants = sq_grow(j->wants, j->n_wants, &j->cap_wants, sizeof(w));
			j->wants[j->n_wants++] = w;
		}
	}
	return rivals;
}

static void take_shares(struct sq_joint *j, const struct sq_flow *f, const struct want *w)
{
	for (size_t i = 0; i < j->n_parts; i++) {
		const struct part *part = &j->parts[i];
		size_t n = part->c->readings.n;
		uint64_t held = sq_flow_held(f, w->soon, part->first, n) +
				sq_flow_held(f, w->late, part->first, n);

		if (held == 0)
			continue;
		j->shares = sq_grow(j->shares, j->n_shares, &j->cap_shares, sizeof(*j->shares));
		j->shares[j->n_shares++] = (struct share){
			.part = i, .entry = w->entry, .bin = w->bin, .n = held, .of = w->count
		};
	}
}

/* What got through in the end has surely paid: before any failure, as when a case is settled alone. */
static void put_slows(const struct sq_joint *j, struct sq_flow *f)
{
	for (size_t i = 0; i < j->n_parts; i++) {
		const struct sq_case *c = j->parts[i].c;

		for (size_t k = 0; k < c->n_slows; k++) {
			size_t demand = sq_flow_demand(f);

			sq_flow_open_like(f, c->flow, c->slows[k].demand, j->parts[i].first);
			sq_flow_put(f, demand, c->slows[k].wanted);
		}
	}
}

void sq_joint_solve(struct sq_joint *j)
{
	struct sq_readings all = line_up(j);
	struct sq_flow *f = sq_flow_new(&all);

	put_slows(j, f);
	if (gather(j, f)) {
		for (size_t i = 0; i < j->n_wants; i++)
			j->wants[i].left -= sq_flow_put(f, j->wants[i].soon, j->wants[i].left);
		for (size_t i = 0; i < j->n_wants; i++)
			sq_flow_put(f, j->wants[i].late, j->wants[i].left);
		for (size_t i = 0; i < j->n_wants; i++)
			take_shares(j, f, &j->wants[i]);
	}
	for (size_t i = 0; i < j->n_wants; i++)
		free(j->wants[i].parcels);
	free(j->wants);
	j->wants = NULL;
	j->n_wants = 0;
	sq_flow_free(f);
	sq_readings_fini(&all);
}

static bool alike(const struct sq_case *a, const struct sq_case *b)
{
	return a->counter == b->counter && strcmp(a->host, b->host) == 0 &&
	       sq_same_text(a->row, b->row);
}

uint64_t sq_joint_share(const struct sq_joint *j, const struct sq_case *c,
			const struct sq_entry *entry, size_t bin, uint64_t *ret_most)
{
	size_t a = 0, b = j->n_shares;
	uint64_t own = 0, others = 0, of = UINT64_MAX;

	while (a < b) { /* they stand in the order of bins */
		size_t mid = a + (b - a) / 2;

		if (j->shares[mid].bin < bin)
			a = mid + 1;
		else
			b = mid;
	}
	for (size_t i = a; i < j->n_shares && j->shares[i].bin == bin; i++) {
		const struct share *s = &j->shares[i];

		if (&j->book->v[s->entry] != entry)
			continue;
		of = s->of;
		if (alike(j->parts[s->part].c, c))
			own += s->n;
		else
			others += s->n;
	}
	*ret_most = of - others;
	return own;
}
