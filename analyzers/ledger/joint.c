/* The cases' readings lie on one line of time (analyzers/ledger/line.h).  A failure is a demand that is
 * open in every case that claims it.  What is counted soon after it was due is put first, and only then
 * what may have stood in a queue.
 *
 * What a reader would get wrong:
 * - The rises are not all for these failures.  What got through in the end and connections that lost
 *   segments have paid too, several each, and are put with them: else a queue's counter seems to have
 *   room for failures that only the filter beside it can have caused.
 * - A counter may have rises of other causes, a filter's of other traffic above all.  So what rose least
 *   is asked first: it has the fewest to spare.
 * - A connect pays for each of its SYNs in one counter, which a flow can't say.  So failures are put in
 *   the order of their due times by their first SYN, and the later SYNs at once where the first lie:
 *   when the next failures come, what is left of a reading is for them.  Those that lost theirs to
 *   several counters come last, out of what is left (analyzers/ledger/mixed.h). */
#include "analyzers/ledger/joint.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "analyzers/ledger/case.h"
#include "analyzers/ledger/line.h"
#include "analyzers/ledger/slows.h"
#include "base/mem.h"

struct part { /* a case's */
	struct sq_case *c;
	size_t first;  /* its readings, of all */
	size_t next;   /* its parcel that was not looked at yet */
	int turn;      /* sq_rule_turn */
	size_t number; /* in the order of the rules */
};

struct share { /* of one case in one want; of all that claim it, those of 0 too */
	size_t want, part, entry, bin;
	size_t syns; /* of its parcel */
	uint64_t n, of;
};

struct want { /* failures of one entry, due in one bin, of one dose */
	size_t entry, bin;
	uint64_t count, left;             /* left: not put yet */
	size_t at_once, soon, late;       /* demands */
	const struct sq_parcel **parcels; /* by part; NULL: not claimed */
	size_t *again;                    /* by part: the first demand of the later SYNs */
	size_t segments;                  /* a demand: of connections that cost segments */
	uint64_t segment_units;
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
		any |= sq_parcel_is_joint(c, &c->parcels[i]);
	if (!any || c->readings.total == 0) {
		sq_case_free(c);
		return;
	}
	j->parts = sq_grow(j->parts, j->n_parts, &j->cap_parts, sizeof(*j->parts));
	j->parts[j->n_parts++] = (struct part){ .c = c };
}

static int by_room(const void *a, const void *b)
{
	const struct part *x = a, *y = b;
	uint64_t of_x = x->c->readings.total, of_y = y->c->readings.total;

	if (x->turn != y->turn)
		return x->turn - y->turn;
	if (of_x != of_y)
		return of_x < of_y ? -1 : 1;
	return (x->number > y->number) - (x->number < y->number);
}

/* Who is asked first: by turn, then what rose least. */
static void order_parts(struct sq_joint *j, bool cause_at_work)
{
	for (size_t i = 0; i < j->n_parts; i++) {
		j->parts[i].number = i;
		j->parts[i].turn = sq_rule_turn(j->parts[i].c->rule, cause_at_work);
	}
	if (j->n_parts)
		qsort(j->parts, j->n_parts, sizeof(*j->parts), by_room);
}

static struct sq_readings line_up(struct sq_joint *j)
{
	struct sq_readings all = { 0 };

	for (size_t i = 0; i < j->n_parts; i++)
		j->parts[i].first = sq_line_add(&all, i, j->parts[i].c);
	return all;
}

/* The rank-th of its parcels of an entry's failures, due in a bin, that can be settled jointly. */
static const struct sq_parcel *parcel_of(struct part *part, const struct sq_entry *e, size_t bin,
					 size_t rank)
{
	const struct sq_case *c = part->c;

	while (part->next < c->n_parcels && c->parcels[part->next].bin < bin)
		part->next++;
	for (size_t i = part->next; i < c->n_parcels && c->parcels[i].bin == bin; i++) {
		if (c->claims[c->parcels[i].claim].entry == e &&
		    sq_parcel_is_joint(c, &c->parcels[i]) && rank-- == 0)
			return &c->parcels[i];
	}
	return NULL;
}

/* ---- demands ---- */

enum moment { AT_ONCE, SOON, LATE };

/* When a failure's (first) rise may be counted: in the readings of the bin that it was due in, which are
 * the likeliest; a little before or after; as late as can be. */
static void open_parts(const struct sq_joint *j, struct sq_flow *f, const struct want *w,
		       enum moment moment)
{
	for (size_t i = 0; i < j->n_parts; i++) {
		const struct sq_parcel *p = w->parcels[i];
		int64_t stretch = sq_line_stretch_ns(i), lo, hi;

		if (!p)
			continue;
		lo = moment == AT_ONCE ? p->due_ns : p->lo_ns;
		hi = moment == AT_ONCE ? p->due_ns + 1 : moment == SOON ? p->soon_ns : p->hi_ns;
		sq_flow_open(f, lo + stretch, hi + stretch);
	}
}

/* Later SYNs, each part's by themselves: they follow the first. */
static void open_again(const struct sq_joint *j, struct sq_flow *f, struct want *w)
{
	for (size_t i = 0; i < j->n_parts; i++) {
		const struct sq_parcel *p = w->parcels[i];

		for (size_t k = 1; p && k < p->n_demands; k++) {
			size_t demand = sq_flow_demand(f);

			w->again[i] = k == 1 ? demand : w->again[i];
			sq_flow_open_like(f, j->parts[i].c->flow, p->demand + k, j->parts[i].first);
		}
	}
}

/* Connections that cost segments: where each case would have them, the one with most room preferred.
 * They only take their room here, and are shared out by their own cases. */
static void open_segments(const struct sq_joint *j, struct sq_flow *f, struct want *w)
{
	w->segments = sq_flow_demand(f);
	for (size_t i = j->n_parts; i-- > 0;) {
		const struct part *part = &j->parts[i];
		const struct sq_case *c = part->c;
		uint64_t here = 0;

		for (size_t k = part->next; k < c->n_parcels && c->parcels[k].bin == w->bin; k++) {
			const struct sq_parcel *p = &c->parcels[k];
			const struct sq_claim *cl = &c->claims[p->claim];

			if (cl->entry != &j->book->v[w->entry] || cl->pay->unsure ||
			    cl->pay->dose != SQ_DOSE_SEGMENTS)
				continue;
			sq_flow_open_like(f, c->flow, p->demand, part->first);
			here += p->count * p->units;
		}
		w->segment_units = here > w->segment_units ? here : w->segment_units;
	}
}

/* An entry's failures of a bin; how many cases claim them. */
static size_t add_want(struct sq_joint *j, struct sq_flow *f, size_t entry, size_t bin, size_t rank)
{
	struct want w = { .entry = entry, .bin = bin };
	size_t n = 0;

	w.parcels = sq_alloc_n(j->n_parts, sizeof(struct sq_parcel *));
	w.again = sq_alloc_n(j->n_parts, sizeof(*w.again));
	for (size_t i = 0; i < j->n_parts; i++) {
		w.parcels[i] = parcel_of(&j->parts[i], &j->book->v[entry], bin, rank);
		n += w.parcels[i] != NULL;
		if (w.parcels[i] && w.parcels[i]->count > w.count)
			w.count = w.parcels[i]->count;
	}
	w.left = w.count;
	w.at_once = sq_flow_demand(f);
	open_parts(j, f, &w, AT_ONCE);
	w.soon = sq_flow_demand(f);
	open_parts(j, f, &w, AT_ONCE);
	open_parts(j, f, &w, SOON);
	w.late = sq_flow_demand(f);
	open_parts(j, f, &w, LATE);
	open_again(j, f, &w);
	if (rank == 0)
		open_segments(j, f, &w);
	j->wants = sq_grow(j->wants, j->n_wants, &j->cap_wants, sizeof(w));
	j->wants[j->n_wants++] = w;
	return n;
}

/* Every entry's failures of every bin that a case claims; whether any has two. */
static bool gather(struct sq_joint *j, struct sq_flow *f)
{
	bool rivals = false;

	for (size_t bin = 0; bin < j->book->run->axis.n; bin++) {
		for (size_t e = 0; e < j->book->n; e++) {
			if (j->book->v[e].left[bin] == 0)
				continue;
			for (size_t rank = 0; rank < 2; rank++)
				rivals |= add_want(j, f, e, bin, rank) > 1;
		}
	}
	return rivals;
}

/* ---- putting ---- */

static uint64_t held(const struct sq_joint *j, const struct sq_flow *f, const struct want *w,
		     size_t part)
{
	size_t first = j->parts[part].first, n = j->parts[part].c->readings.n;

	return sq_flow_held(f, w->at_once, first, n) + sq_flow_held(f, w->soon, first, n) +
	       sq_flow_held(f, w->late, first, n);
}

/* What got through in the end has surely paid: before any failure, as when a case is settled alone. */
static void put_slows(const struct sq_joint *j, struct sq_flow *f)
{
	struct sq_lined *parts = sq_alloc_n(j->n_parts + 1, sizeof(*parts));

	for (size_t i = 0; i < j->n_parts; i++)
		parts[i] = (struct sq_lined){ .c = j->parts[i].c,
					      .first = j->parts[i].first,
					      .joined = SQ_NOT_JOINED };
	sq_slows_free(sq_slows_open(f, parts, j->n_parts));
	free(parts);
}

static bool pays_again(const struct sq_joint *j, const struct want *w)
{
	for (size_t i = 0; i < j->n_parts; i++)
		if (w->parcels[i] && w->parcels[i]->n_demands > 1)
			return true;
	return false;
}

/* What the first parts have is used up before the next is asked. */
static void put_in_turn(const struct sq_joint *j, struct sq_flow *f, struct want *w, size_t demand)
{
	for (size_t i = 0; i < j->n_parts; i++)
		w->left -= sq_flow_put_below(f, demand, w->left,
					     j->parts[i].first + j->parts[i].c->readings.n);
}

/* Not so what pays again later: a part's rises are then of others' later SYNs too, and the likeliest
 * readings say more. */
static void put_soon(const struct sq_joint *j, struct sq_flow *f, struct want *w)
{
	if (!pays_again(j, w)) {
		put_in_turn(j, f, w, w->at_once);
		put_in_turn(j, f, w, w->soon);
		return;
	}
	w->left -= sq_flow_put(f, w->soon, w->left);
	for (size_t i = 0; i < j->n_parts; i++) {
		const struct sq_parcel *p = w->parcels[i];
		uint64_t firsts = p && p->n_demands > 1 ? held(j, f, w, i) : 0;

		for (size_t k = 1; firsts > 0 && k < p->n_demands; k++)
			sq_flow_put(f, w->again[i] + k - 1, firsts);
	}
}

static void take_shares(struct sq_joint *j, const struct sq_flow *f, size_t want)
{
	const struct want *w = &j->wants[want];

	for (size_t i = 0; i < j->n_parts; i++) {
		if (!w->parcels[i])
			continue;
		j->shares = sq_grow(j->shares, j->n_shares, &j->cap_shares, sizeof(*j->shares));
		j->shares[j->n_shares++] = (struct share){ .want = want,
							   .part = i,
							   .entry = w->entry,
							   .bin = w->bin,
							   .syns = w->parcels[i]->n_demands,
							   .n = held(j, f, w, i),
							   .of = w->count };
	}
}

static void put_all(struct sq_joint *j, struct sq_flow *f)
{
	put_slows(j, f);
	for (size_t i = 0; i < j->n_wants; i++)
		put_soon(j, f, &j->wants[i]);
	for (size_t i = 0; i < j->n_wants; i++)
		sq_flow_put(f, j->wants[i].segments, j->wants[i].segment_units);
	for (size_t i = 0; i < j->n_wants; i++)
		sq_flow_put(f, j->wants[i].late, j->wants[i].left);
	for (size_t i = 0; i < j->n_wants; i++)
		take_shares(j, f, i);
}

void sq_joint_solve(struct sq_joint *j, bool cause_at_work)
{
	struct sq_readings all;
	struct sq_flow *f;

	order_parts(j, cause_at_work);
	all = line_up(j);
	f = sq_flow_new(&all);

	if (gather(j, f))
		put_all(j, f);
	for (size_t i = 0; i < j->n_wants; i++) {
		free(j->wants[i].parcels);
		free(j->wants[i].again);
	}
	free(j->wants);
	j->wants = NULL;
	j->n_wants = 0;
	sq_flow_free(f);
	sq_readings_fini(&all);
}

/* ---- asking ---- */

/* The first share of a bin: they stand in the order of bins. */
static size_t first_share(const struct sq_joint *j, size_t bin)
{
	size_t a = 0, b = j->n_shares;

	while (a < b) {
		size_t mid = a + (b - a) / 2;

		if (j->shares[mid].bin < bin)
			a = mid + 1;
		else
			b = mid;
	}
	return a;
}

static const struct share *own_share(const struct sq_joint *j, const struct sq_case *c,
				     const struct sq_parcel *p, size_t from)
{
	const struct sq_entry *entry = c->claims[p->claim].entry;

	for (size_t i = from; i < j->n_shares && j->shares[i].bin == p->bin; i++) {
		const struct share *s = &j->shares[i];

		if (&j->book->v[s->entry] == entry && s->syns == p->n_demands &&
		    sq_case_alike(j->parts[s->part].c, c))
			return s;
	}
	return NULL;
}

uint64_t sq_joint_share(const struct sq_joint *j, const struct sq_case *c,
			const struct sq_parcel *p, uint64_t *ret_most)
{
	size_t from = first_share(j, p->bin);
	const struct share *own = own_share(j, c, p, from);

	*ret_most = own ? own->of : UINT64_MAX;
	for (size_t i = from; own && i < j->n_shares && j->shares[i].bin == p->bin; i++) {
		if (j->shares[i].want == own->want && &j->shares[i] != own)
			*ret_most -= j->shares[i].n;
	}
	return own ? own->n : 0;
}
