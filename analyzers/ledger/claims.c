/* From the record to a case: who can have been hit, what each failure must have cost the counter,
 * and in which readings that must show.
 *
 * Times are due times.  A SYN leaves when its connect was due, plus the generator's own lag, plus
 * the kernel's waits (analyzers/ledger/dose.h), so that a window opens one bin early (readings carry the
 * number of their bin only) and closes as late as all that can be. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "analyzers/ledger/case.h"
#include "analyzers/ledger/supply.h"
#include "base/clock.h"
#include "base/mem.h"

static const int64_t longest_slack_ns = 100 * SQ_MS;
static const int64_t near_ns = SQ_SEC;

/* What is the same for all outcomes of one load. */
struct ground {
	const struct sq_load_rec *load;
	const struct sq_spent *spent;
	int role; /* enum sq_side: what the host is to it; EITHER: both */
	struct sq_listener listener;
	bool admissible;
	bool waits; /* for what the loads leave whose queue was seen full */
	bool sysctls_known;
	int64_t linear; /* -1: none */
	struct sq_syn_schedule schedule;
	unsigned within; /* SYNs within the time-out, by the schedule */
	int64_t slack_ns, late_ns;
	int syn_effort, segment_effort; /* indices; -1: not counted */
};

static const char *sysctl_of(const void *arg, const char *name)
{
	const struct sq_case *c = arg;

	return sq_run_sysctl(c->run, c->host, name);
}

static int effort_index(const struct sq_load_rec *load, const char *name)
{
	for (size_t i = 0; i < load->n_efforts; i++) {
		if (strcmp(load->efforts[i], name) == 0)
			return (int)i;
	}
	return -1;
}

static uint64_t effort_at(const struct sq_outcome_rec *o, int effort, size_t bin)
{
	double v = effort >= 0 && o->effort_series[effort] ? o->effort_series[effort][bin] : 0;

	return v > 0 ? (uint64_t)llround(v) : 0;
}

static const struct sq_rule_pay *pay_of(const struct sq_case *c, const struct sq_outcome_rec *o,
					int role)
{
	return sq_rule_counter_pays(c->counter, o->code, o->phase)
		       ? sq_rule_pay_of(c->rule, o->code, o->phase, role, sysctl_of, c)
		       : NULL;
}

/* The time from the first failure that can be claimed to the end of the last; the whole run when
 * there is none. */
static void claimed_time(const struct sq_case *c, const struct sq_load_rec *load, int role,
			 int64_t *ret_from_ns, int64_t *ret_to_ns)
{
	int64_t from = INT64_MAX;
	int64_t to = INT64_MIN;

	for (size_t i = 0; i < load->n_outcomes; i++) {
		const struct sq_outcome_rec *o = &load->outcomes[i];

		if (o->count == 0 || !sq_class_is_failure(o->class) || !pay_of(c, o, role))
			continue;
		from = o->first_ns < from ? o->first_ns : from;
		to = o->last_ns > to ? o->last_ns : to;
	}
	if (from > to) {
		from = sq_frame_bin_ns(c->run, 0);
		to = sq_frame_bin_ns(c->run, c->run->axis.n);
	}
	*ret_from_ns = from - near_ns;
	*ret_to_ns = to + load->timeout_ns + near_ns;
}

static void read_schedule(const struct sq_case *c, struct ground *g)
{
	const char *from = g->load->from ? g->load->from : c->host;
	const char *retries = sq_run_sysctl(c->run, from, "net.ipv4.tcp_syn_retries");
	const char *linear = sq_run_sysctl(c->run, from, "net.ipv4.tcp_syn_linear_timeouts");
	struct sq_syn_sysctls sysctls;

	g->sysctls_known = retries || linear;
	g->linear = linear ? strtoll(linear, NULL, 10) : -1;
	sysctls.retries = retries ? strtoll(retries, NULL, 10) : 6;
	sysctls.linear = linear ? g->linear : 0;
	/* A host that nobody watched is taken to be a kernel of today with its defaults. */
	if (!g->sysctls_known)
		sysctls.linear = g->linear = 4;
	sq_syn_schedule(&sysctls, &g->schedule);
	g->within = sq_syn_within(&g->schedule, g->load->timeout_ns);
}

static struct ground ground_of(const struct sq_case *c, const struct sq_load_rec *load, int role)
{
	struct ground g = { .load = load, .role = role, .admissible = true };
	int64_t lag = load->lag ? sq_hist_max(load->lag) : 0;
	int64_t from, to;

	claimed_time(c, load, role, &from, &to);
	g.listener = sq_frame_listener(c->run, c->host, load, from, to);
	read_schedule(c, &g);
	g.slack_ns = c->run->axis.bin_ns < longest_slack_ns ? c->run->axis.bin_ns
							    : longest_slack_ns;
	/* What is late by more than its time-out is not sent at all. */
	lag = lag < load->timeout_ns ? lag : load->timeout_ns;
	g.late_ns = g.slack_ns + (lag > 0 ? lag : 0);
	g.syn_effort = effort_index(load, "syn_retrans");
	g.segment_effort = effort_index(load, "lost_segs");
	return g;
}

/* Connections of a load that its client saw established: no others of it were ever in the queue. */
static uint64_t established(const struct sq_load_rec *load)
{
	uint64_t n = 0;

	for (size_t i = 0; i < load->n_outcomes; i++) {
		const struct sq_outcome_rec *o = &load->outcomes[i];
		bool in_connect = strcmp(o->phase, "connect") == 0;

		if (o->class != SQ_CLASS_MISSED &&
		    (!sq_class_is_failure(o->class) || !in_connect || o->class == SQ_CLASS_RESET))
			n += o->count;
	}
	return n;
}

/* Could its queue have been full when nobody looked?  Only when the loads here and what was seen in
 * the queue are together more than it holds. */
static bool fillable(const struct ground *g, size_t n, size_t which)
{
	const struct sq_listener *l = &g[which].listener;
	double in = l->peak;

	if (l->full > 0 || l->samples == 0 || !l->instance)
		return true;
	for (size_t i = 0; i < n; i++) {
		if (g[i].listener.instance == l->instance)
			in += (double)established(g[i].load);
	}
	return in > l->backlog;
}

/* The loads whose failures show in the case's row.  Those whose queue cannot have been full are out.  Once one of
 * them is shown to have met a full queue, the others have to wait for what it leaves. */
static struct ground *grounds_of(struct sq_case *c, size_t *ret_n)
{
	const struct sq_run *run = c->run;
	struct ground *g = sq_alloc_n(run->n_loads + 1, sizeof(*g));
	size_t n = 0;

	for (size_t i = 0; i < run->n_loads; i++) {
		int role = sq_frame_role(&run->loads[i], c->host, c->counter->side);

		if (role < 0 || !sq_supply_concerns(run, c->host, c->counter, &run->loads[i]) ||
		    !sq_supply_has_row(run, c->host, c->counter, &run->loads[i], c->row))
			continue;
		g[n] = ground_of(c, &run->loads[i], role);
		c->shown |= c->rule->listener_full && g[n].listener.full > 0;
		n++;
	}
	for (size_t i = 0; i < n; i++) {
		g[i].admissible = !c->rule->listener_full || fillable(g, n, i);
		g[i].waits = c->shown && g[i].listener.full == 0;
	}
	*ret_n = n;
	return g;
}

static void open_syn(struct sq_case *c, const struct ground *g, int64_t due_ns, size_t syn)
{
	size_t k = syn < g->schedule.n ? syn : g->schedule.n - 1;
	int64_t at = due_ns + g->schedule.at_ns[k];

	sq_flow_open(c->flow, at - g->slack_ns,
		     at + c->run->axis.bin_ns + sq_syn_late_ns(g->schedule.at_ns[k]) + g->late_ns);
}

static int64_t latest_ns(const struct sq_case *c, const struct ground *g, int64_t due_ns)
{
	return due_ns + c->run->axis.bin_ns + g->load->timeout_ns + g->late_ns;
}

static void open_wide(struct sq_case *c, const struct ground *g, int64_t due_ns)
{
	sq_flow_open(c->flow, due_ns - g->slack_ns, latest_ns(c, g, due_ns));
}

static void add_parcel(struct sq_case *c, const struct ground *g, size_t claim, size_t bin,
		       uint64_t count, uint64_t dose)
{
	struct sq_claim *cl = &c->claims[claim];
	bool by_syn = cl->pay->dose == SQ_DOSE_SYN_SCHEDULE;
	struct sq_parcel p = { .claim = claim,
			       .bin = bin,
			       .count = count,
			       .most = count,
			       .due_ns = sq_frame_bin_ns(c->run, bin) };

	if (count == 0)
		return;
	p.n_demands = by_syn ? dose : 1;
	p.units = by_syn ? 1 : dose;
	p.lo_ns = p.due_ns - g->slack_ns;
	p.soon_ns = p.due_ns + c->run->axis.bin_ns + g->late_ns;
	p.hi_ns = by_syn ? p.soon_ns : latest_ns(c, g, p.due_ns); /* the first SYN leaves at once */
	for (size_t i = 0; i < p.n_demands; i++) {
		size_t demand = sq_flow_demand(c->flow);

		p.demand = i == 0 ? demand : p.demand;
		if (by_syn)
			open_syn(c, g, p.due_ns, i);
		else
			open_wide(c, g, p.due_ns);
	}
	c->parcels = sq_grow(c->parcels, c->n_parcels, &c->cap_parcels, sizeof(*c->parcels));
	c->parcels[c->n_parcels++] = p;
	cl->wanted_units += count * dose;
	if (cl->least_dose == 0 || dose < cl->least_dose)
		cl->least_dose = (unsigned)dose;
	if (dose > cl->most_dose)
		cl->most_dose = (unsigned)dose;
}

static size_t outcome_number(const struct sq_run *run, const struct sq_load_rec *load,
			     const struct sq_outcome_rec *o)
{
	size_t n = (size_t)(o - load->outcomes);

	for (const struct sq_load_rec *l = run->loads; l != load; l++)
		n += l->n_outcomes;
	return n;
}

/* A new demand, of so many units less what is paid for; the caller opens it. */
static struct sq_slow *add_slow(struct sq_case *c, const struct ground *g,
				const struct sq_outcome_rec *o, size_t bin, bool segments,
				uint64_t units)
{
	size_t outcome = outcome_number(c->run, g->load, o);
	uint64_t paid = sq_spent_slow(g->spent, outcome, bin, segments);
	uint64_t wanted = units > paid ? units - paid : 0;

	c->slows = sq_grow(c->slows, c->n_slows, &c->cap_slows, sizeof(*c->slows));
	c->slows[c->n_slows] = (struct sq_slow){ .outcome = outcome,
						 .segments = segments,
						 .demand = sq_flow_demand(c->flow),
						 .bin = bin,
						 .wanted = wanted,
						 .waits = g->waits };
	c->slow_wanted += wanted;
	return &c->slows[c->n_slows++];
}

/* SYN retransmits of outcomes that are not claimed.  How many retransmits each of them had is not
 * in the record, so any of the schedule's times will do. */
static void add_slow_syns(struct sq_case *c, const struct ground *g, const struct sq_outcome_rec *o,
			  size_t bin)
{
	uint64_t syns = effort_at(o, g->syn_effort, bin);
	uint64_t n = o->series[bin];

	if (syns == 0)
		return;
	add_slow(c, g, o, bin, false, syns)->turned_away = syns < n ? syns : n;
	for (size_t k = 0; k < g->within && k < syns; k++)
		open_syn(c, g, sq_frame_bin_ns(c->run, bin), k);
}

/* Segments that a success lost before one was taken. */
static void add_slow_segments(struct sq_case *c, const struct ground *g,
			      const struct sq_outcome_rec *o, size_t bin)
{
	uint64_t segments = o->class == SQ_CLASS_OK ? effort_at(o, g->segment_effort, bin) : 0;

	if (segments == 0)
		return;
	add_slow(c, g, o, bin, true, segments);
	open_wide(c, g, sq_frame_bin_ns(c->run, bin));
}

/* What the failures of one bin cost together. */
static uint64_t total_dose(const struct ground *g, const struct sq_claim *cl, size_t bin)
{
	const struct sq_outcome_rec *o = cl->entry->outcome;
	uint64_t n = o->series[bin];
	uint64_t syns = effort_at(o, g->syn_effort, bin);

	if (cl->pay->dose == SQ_DOSE_SYN_SCHEDULE && !cl->counted)
		return n * g->within;
	if (cl->pay->dose == SQ_DOSE_SYN_SCHEDULE)
		return n + syns < n * g->schedule.n ? n + syns : n * g->schedule.n;
	if (cl->pay->dose == SQ_DOSE_SEGMENTS && cl->counted)
		return effort_at(o, g->segment_effort, bin) + syns;
	return cl->pay->dose == SQ_DOSE_SOME ? n : n + syns;
}

/* Failures that cost no segment can't be told from ghosts beside them but by number: so many as
 * there are lost segments may be the mechanism's, at one each; the others were let in. */
static bool add_few_segments(struct sq_case *c, const struct ground *g, size_t claim, size_t bin)
{
	struct sq_claim *cl = &c->claims[claim];
	const struct sq_outcome_rec *o = cl->entry->outcome;
	uint64_t left = cl->entry->left[bin];
	uint64_t segments;

	if (cl->pay->dose != SQ_DOSE_SEGMENTS || !cl->counted)
		return false;
	segments = effort_at(o, g->segment_effort, bin);
	if (segments >= o->series[bin])
		return false;
	add_parcel(c, g, claim, bin, segments < left ? segments : left, 1);
	add_slow_syns(c, g, o, bin);
	return true;
}

/* The record gives sums of bins; the failures of a bin are taken to be as alike as they can be. */
static void add_bin(struct sq_case *c, const struct ground *g, size_t claim, size_t bin)
{
	struct sq_claim *cl = &c->claims[claim];
	uint64_t whole = cl->entry->outcome->series[bin];
	uint64_t n = cl->entry->left[bin];
	uint64_t dose, more;

	if (n == 0)
		return;
	cl->schedule_units += n * g->within;
	if (add_few_segments(c, g, claim, bin))
		return;
	/* What earlier mechanisms explained takes its part of the dose along. */
	dose = total_dose(g, cl, bin) / whole;
	more = total_dose(g, cl, bin) % whole;
	more = more < n ? more : n;
	add_parcel(c, g, claim, bin, n - more, dose);
	add_parcel(c, g, claim, bin, more, dose + 1);
}

static void add_claim(struct sq_case *c, const struct ground *g, struct sq_entry *e,
		      const struct sq_rule_pay *pay)
{
	struct sq_claim *cl = &c->claims[c->n_claims++];

	*cl = (struct sq_claim){ .entry = e,
				 .pay = pay,
				 .listener = g->listener,
				 .linear = g->linear,
				 .sysctls_known = g->sysctls_known,
				 .schedule = g->schedule,
				 .weight = 1,
				 .waits = g->waits || pay->unsure };
	cl->counted = pay->dose == SQ_DOSE_SEGMENTS ? g->segment_effort >= 0 : g->syn_effort >= 0;
	for (size_t i = 0; i < c->run->axis.n; i++)
		cl->count += e->left[i];
}

/* Claims in the order of the book, and slow outcomes. */
static void add_outcomes(struct sq_case *c, const struct ground *g, struct sq_book *book)
{
	for (size_t i = 0; i < g->load->n_outcomes; i++) {
		const struct sq_outcome_rec *o = &g->load->outcomes[i];
		const struct sq_rule_pay *pay =
			sq_class_is_failure(o->class) ? pay_of(c, o, g->role) : NULL;

		for (size_t j = 0; pay && j < book->n; j++) {
			if (book->v[j].outcome == o)
				add_claim(c, g, &book->v[j], pay);
		}
		for (size_t bin = 0; !pay && c->rule->successes && bin < c->run->axis.n; bin++) {
			add_slow_syns(c, g, o, bin);
			add_slow_segments(c, g, o, bin);
		}
	}
}

static const struct ground *ground_of_claim(const struct ground *g, const struct sq_claim *cl)
{
	while (g->load != cl->entry->load)
		g++;
	return g;
}

struct sq_case *sq_case_new(const struct sq_run *run, const struct sq_scene *scene,
			    struct sq_book *book)
{
	struct sq_case *c = sq_alloc(sizeof(*c));
	struct ground *grounds;
	size_t n;

	c->run = run;
	c->rule = scene->rule;
	c->counter = scene->counter;
	c->host = scene->host;
	c->row = scene->row;
	c->readings = sq_supply_readings(run, c->host, c->counter, c->row);
	c->levels = sq_levels_read(run, c->rule, c->host, SQ_SIDE_EITHER);
	sq_levels_mask(run, &c->levels, &c->readings);
	sq_spent_deduct(book->spent, c->host, c->counter, c->row, &c->readings);
	c->flow = sq_flow_new(&c->readings);
	c->claims = sq_alloc_n(book->n + 1, sizeof(*c->claims));
	grounds = grounds_of(c, &n);
	for (size_t i = 0; i < n; i++) {
		grounds[i].spent = book->spent;
		if (grounds[i].admissible)
			add_outcomes(c, &grounds[i], book);
	}
	for (size_t bin = 0; bin < run->axis.n; bin++) {
		for (size_t i = 0; i < c->n_claims; i++)
			add_bin(c, ground_of_claim(grounds, &c->claims[i]), i, bin);
	}
	if (c->rule->listener_full && !c->shown)
		c->other_full = sq_frame_other_full(run, c->host, INT64_MIN, INT64_MAX);
	free(grounds);
	return c;
}

struct sq_case *sq_case_free(struct sq_case *c)
{
	if (!c)
		return NULL;
	sq_flow_free(c->flow);
	sq_readings_fini(&c->readings);
	sq_levels_fini(&c->levels);
	free(c->claims);
	free(c->parcels);
	free(c->slows);
	free(c);
	return NULL;
}
