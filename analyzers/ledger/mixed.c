#include "analyzers/ledger/mixed.h"

#include <stdlib.h>
#include <string.h>

#include "analyzers/ledger/case.h"
#include "analyzers/ledger/line.h"
#include "analyzers/ledger/slows.h"
#include "analyzers/ledger/spent.h"
#include "base/mem.h"

struct want { /* failures of one entry, due in one bin, of one dose */
	struct sq_entry *entry;
	size_t bin, syns;           /* syns: demands, one for each; or one for all segments */
	uint64_t units;             /* in each, for one failure */
	size_t demand;              /* the first */
	uint64_t count;             /* put */
	struct sq_parcel **parcels; /* by part; NULL: it does not claim them */
};

struct mixed {
	const struct sq_book *book;
	struct sq_lined *parts;
	size_t n_parts, cap_parts;
	size_t *next; /* by part: its parcel that was not looked at yet */
	uint64_t *
		beside; /* by part and part: what the second paid of failures that the first shares */
	struct sq_readings line;
	struct sq_flow *flow;
	struct sq_slows *slows;
	struct want *wants;
	size_t n_wants, cap_wants;
};

/* ---- who takes part ---- */

/* Does a failure cost several rises, each at its own time? */
static bool is_dear(const struct sq_claim *cl)
{
	return !cl->pay->unsure &&
	       (cl->pay->dose == SQ_DOSE_SYN_SCHEDULE || cl->pay->dose == SQ_DOSE_SEGMENTS);
}

static bool claims_any(const struct sq_case *c)
{
	for (size_t i = 0; i < c->n_claims; i++)
		if (is_dear(&c->claims[i]))
			return true;
	return false;
}

/* What is left of a counter that several mechanisms looked at, the last of them knows. */
static bool is_last(struct sq_case *const *cases, size_t n, size_t which)
{
	const struct sq_case *c = cases[which];

	for (size_t i = which + 1; i < n && sq_spent_is_shared(c->counter); i++)
		if (sq_spent_is_shared(cases[i]->counter) && strcmp(cases[i]->host, c->host) == 0 &&
		    strcmp(cases[i]->counter->names.v[0], c->counter->names.v[0]) == 0 &&
		    sq_same_text(cases[i]->row, c->row))
			return false;
	return true;
}

static void add_parts(struct mixed *m, struct sq_case *const *cases, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		struct sq_case *c = cases[i];

		if (!claims_any(c) || c->readings.total == 0 || !is_last(cases, n, i))
			continue;
		m->parts = sq_grow(m->parts, m->n_parts, &m->cap_parts, sizeof(*m->parts));
		m->parts[m->n_parts] =
			(struct sq_lined){ .c = c, .first = sq_line_add(&m->line, m->n_parts, c) };
		m->n_parts++;
	}
}

/* ---- what they compete for ---- */

/* Two at most: an entry's failures of a bin are of one dose, or of that and one more. */
static size_t parcels_of(struct mixed *m, size_t part, const struct sq_entry *e, size_t bin,
			 struct sq_parcel *ret[2])
{
	struct sq_case *c = m->parts[part].c;
	size_t n = 0;

	while (m->next[part] < c->n_parcels && c->parcels[m->next[part]].bin < bin)
		m->next[part]++;
	for (size_t i = m->next[part]; i < c->n_parcels && c->parcels[i].bin == bin && n < 2; i++) {
		const struct sq_claim *cl = &c->claims[c->parcels[i].claim];

		if (cl->entry == e && is_dear(cl))
			ret[n++] = &c->parcels[i];
	}
	return n;
}

static struct want *want_of(struct mixed *m, struct sq_entry *e, const struct sq_parcel *p)
{
	struct want *w;

	for (size_t i = m->n_wants; i-- > 0;) {
		w = &m->wants[i];
		if (w->entry != e || w->bin != p->bin)
			break;
		if (w->syns == p->n_demands && w->units == p->units)
			return w;
	}
	m->wants = sq_grow(m->wants, m->n_wants, &m->cap_wants, sizeof(*m->wants));
	w = &m->wants[m->n_wants++];
	*w = (struct want){ .entry = e, .bin = p->bin, .syns = p->n_demands, .units = p->units };
	w->parcels = sq_alloc_n(m->n_parts, sizeof(struct sq_parcel *));
	return w;
}

/* An entry's failures of a bin, if several parts claim them. */
static bool add_wants(struct mixed *m, struct sq_entry *e, size_t bin)
{
	size_t claimed = 0;

	for (size_t i = 0; i < m->n_parts; i++) {
		struct sq_parcel *two[2];

		claimed += parcels_of(m, i, e, bin, two) > 0;
	}
	for (size_t i = 0; claimed > 1 && i < m->n_parts; i++) {
		struct sq_parcel *two[2];
		size_t n = parcels_of(m, i, e, bin, two);

		for (size_t k = 0; k < n; k++)
			want_of(m, e, two[k])->parcels[i] = two[k];
	}
	return claimed > 1;
}

/* Whether anything that several claim is unexplained. */
static bool gather(struct mixed *m)
{
	bool any = false;

	for (size_t bin = 0; bin < m->book->run->axis.n; bin++)
		for (size_t e = 0; e < m->book->n; e++)
			if (add_wants(m, &m->book->v[e], bin))
				any |= m->book->v[e].left[bin] > 0;
	return any;
}

/* ---- putting ---- */

/* What is settled stays so, but a SYN may move to another counter, that of its time. */
static void open_want(struct mixed *m, struct want *w)
{
	for (size_t k = 0; k < w->syns; k++) {
		size_t demand = sq_flow_demand(m->flow);

		w->demand = k == 0 ? demand : w->demand;
		for (size_t i = 0; i < m->n_parts; i++)
			if (w->parcels[i])
				sq_flow_open_like(m->flow, m->parts[i].c->flow,
						  w->parcels[i]->demand + k, m->parts[i].first);
		for (size_t i = 0; i < m->n_parts; i++)
			if (w->parcels[i])
				sq_flow_move(m->flow,
					     m->parts[i].joined + w->parcels[i]->demand + k,
					     demand);
	}
	for (size_t i = 0; i < m->n_parts; i++)
		w->count += w->parcels[i] ? w->parcels[i]->explained : 0;
}

static void open_all(struct mixed *m)
{
	m->flow = sq_flow_new(&m->line);
	for (size_t i = 0; i < m->n_parts; i++)
		m->parts[i].joined = sq_flow_join(m->flow, m->parts[i].c->flow, m->parts[i].first);
	m->slows = sq_slows_open(m->flow, m->parts, m->n_parts);
	for (size_t i = 0; i < m->n_wants; i++)
		open_want(m, &m->wants[i]);
}

/* How many of a want are not put yet. */
static uint64_t left_of(const struct mixed *m, const struct want *w)
{
	uint64_t count = 0, left = w->entry->left[w->bin];

	for (size_t i = 0; i < m->n_parts; i++)
		if (w->parcels[i] && w->parcels[i]->count > count)
			count = w->parcels[i]->count;
	count -= w->count < count ? w->count : count;
	return count < left ? count : left;
}

/* As many as can be, each with its whole dose; how many more. */
static uint64_t put_want(struct mixed *m, struct want *w)
{
	uint64_t low = 0, high = left_of(m, w) + 1;

	while (high - low > 1) {
		uint64_t mid = low + (high - low) / 2;

		if (sq_flow_put_each(m->flow, w->demand, w->syns, (mid - low) * w->units))
			low = mid;
		else
			high = mid;
	}
	w->count += low;
	w->entry->left[w->bin] -= low;
	w->entry->explained += low;
	return low;
}

/* ---- giving back to the cases ---- */

static struct sq_claim *claim_of(const struct mixed *m, const struct want *w, size_t part)
{
	return &m->parts[part].c->claims[w->parcels[part]->claim];
}

static void take_back(struct mixed *m, struct want *w)
{
	for (size_t i = 0; i < m->n_parts; i++) {
		struct sq_parcel *p = w->parcels[i];
		uint64_t n = p ? p->explained : 0;

		for (size_t k = 0; n > 0 && k < p->n_demands; k++)
			sq_flow_take(m->parts[i].c->flow, p->demand + k, n * p->units);
		if (n == 0)
			continue;
		p->explained = 0;
		claim_of(m, w, i)->explained -= n;
		claim_of(m, w, i)->paid -= n * p->n_demands * p->units;
	}
}

/* The joint flow says who paid; a case's own, which looks for room only so far, may find less. */
struct holding {               /* one part's of a want */
	uint64_t units, whole; /* rises; failures that all of theirs are here of */
};

static struct holding hold(struct mixed *m, const struct want *w, size_t part)
{
	const struct sq_parcel *p = w->parcels[part];
	const struct sq_case *c = m->parts[part].c;
	struct holding h = { 0, p ? UINT64_MAX : 0 };

	for (size_t k = 0; p && k < w->syns; k++) {
		uint64_t held =
			sq_flow_held(m->flow, w->demand + k, m->parts[part].first, c->readings.n);

		h.units += held;
		sq_flow_put(c->flow, p->demand + k, held);
		h.whole = held / w->units < h.whole ? held / w->units : h.whole;
	}
	return h;
}

/* Whom each one's shared failures cost most beside it. */
static void name_others(struct mixed *m)
{
	for (size_t i = 0; i < m->n_parts; i++) {
		const uint64_t *units = m->beside + i * m->n_parts;
		size_t other = i == 0;

		for (size_t k = 0; k < m->n_parts; k++)
			if (k != i && units[k] > units[other])
				other = k;
		for (size_t k = 0; k < m->parts[i].c->n_claims; k++)
			m->parts[i].c->claims[k].with = m->parts[other].c;
	}
}

static void credit(struct mixed *m, const struct want *w, size_t part, uint64_t n, uint64_t units)
{
	struct sq_claim *cl = claim_of(m, w, part);

	w->parcels[part]->explained += n;
	cl->explained += n;
	cl->paid += units;
}

static void give_back(struct mixed *m, struct want *w)
{
	uint64_t *units = sq_alloc_n(m->n_parts, sizeof(*units));
	uint64_t *share = sq_alloc_n(m->n_parts, sizeof(*share));
	uint64_t mixed = w->count, dose = w->syns * w->units;

	for (size_t i = 0; i < m->n_parts; i++) {
		struct holding h = hold(m, w, i);

		units[i] = h.units - h.whole * dose;
		mixed -= h.whole;
		if (h.whole > 0)
			credit(m, w, i, h.whole, h.whole * dose);
	}
	if (mixed > 0)
		sq_apportion(units, m->n_parts, mixed * dose, mixed, share);
	for (size_t i = 0; mixed > 0 && i < m->n_parts; i++) {
		if (units[i] == 0)
			continue;
		credit(m, w, i, share[i], units[i]);
		claim_of(m, w, i)->mixed += share[i];
		claim_of(m, w, i)->mixed_paid += units[i];
		for (size_t k = 0; k < m->n_parts; k++)
			m->beside[i * m->n_parts + k] += units[k];
	}
	free(units);
	free(share);
}

/* Whether more is explained now; else all stays as it was, each mechanism's own before what is shared. */
static bool settle(struct mixed *m)
{
	uint64_t more = 0;

	open_all(m);
	for (size_t i = 0; i < m->n_wants; i++)
		more += put_want(m, &m->wants[i]);
	if (more > 0) {
		for (size_t i = 0; i < m->n_wants; i++)
			take_back(m, &m->wants[i]);
		sq_slows_take_back(m->slows);
		for (size_t i = 0; i < m->n_wants; i++)
			give_back(m, &m->wants[i]);
		sq_slows_give_back(m->slows);
		name_others(m);
	}
	sq_slows_free(m->slows);
	sq_flow_free(m->flow);
	return more > 0;
}

bool sq_mixed_settle(const struct sq_book *book, struct sq_case *const *cases, size_t n)
{
	struct mixed m = { .book = book };
	bool any;

	add_parts(&m, cases, n);
	m.next = sq_alloc_n(m.n_parts + 1, sizeof(*m.next));
	m.beside = sq_alloc_n(m.n_parts * m.n_parts + 1, sizeof(*m.beside));
	any = m.n_parts > 1 && gather(&m) && settle(&m);
	for (size_t i = 0; i < m.n_wants; i++)
		free(m.wants[i].parcels);
	free(m.wants);
	sq_readings_fini(&m.line);
	free(m.parts);
	free(m.next);
	free(m.beside);
	return any;
}
