/* A settled case in words: how sure, on what evidence, what to do. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "analyzers/ledger/case.h"
#include "analyzers/ledger/placeholder.h"
#include "analyzers/ledger/supply.h"
#include "base/buf.h"
#include "base/clock.h"
#include "base/mem.h"

typedef unsigned long long ull;

uint64_t sq_case_excess(const struct sq_case *c)
{
	for (size_t i = 0; i < c->n_claims; i++) {
		if (c->claims[i].pay->dose == SQ_DOSE_SOME)
			return 0;
	}
	return sq_flow_left_total(c->flow);
}

/* What neither side can account for is within a part of all the rises, or is two. */
static bool balanced(const struct sq_case *c, double part)
{
	double most = fmax(2, part * (double)c->readings.total);

	return (double)sq_case_excess(c) <= most && (double)(c->slow_wanted - c->slow_paid) <= most;
}

/* What rises in health too says little of failures that are few beside its rises. */
static bool is_much(const struct sq_case *c)
{
	uint64_t explained = 0;

	for (size_t i = 0; i < c->n_claims; i++)
		explained += c->claims[i].explained;
	return !c->rule->last || 10 * explained >= c->readings.total;
}

enum sq_confidence sq_case_confidence(const struct sq_case *c, const struct sq_claim *claim)
{
	bool dose_known = claim->counted ||
			  (claim->pay->dose == SQ_DOSE_SYN_SCHEDULE && claim->sysctls_known) ||
			  claim->pay->dose == SQ_DOSE_ONCE;
	uint64_t count = claim->entry->outcome->count;
	/* What is shared with other mechanisms is settled last: the entry is complete by then. */
	uint64_t explained = claim->mixed > 0 ? claim->entry->explained : claim->explained;

	if (c->other_full || (claim->waits && !claim->pay->unsure) || !is_much(c))
		return SQ_WEAK;
	if (dose_known && claim->pay->dose != SQ_DOSE_SOME && !claim->pay->unsure &&
	    claim->mixed == 0 && balanced(c, 0.01))
		return SQ_EXACT;
	if ((double)explained >= 0.8 * (double)count && balanced(c, 0.10))
		return SQ_STRONG;
	return SQ_WEAK;
}

static void add_sentence(json_t *evidence, struct sq_buf *b)
{
	json_array_append_new(evidence, json_string(b->data));
	sq_buf_reset(b);
}

static void add_times(const struct sq_claim *cl, struct sq_buf *b)
{
	sq_buf_puts(b, " (at ");
	for (unsigned i = 0; i < cl->most_dose && i < cl->schedule.n; i++)
		sq_buf_printf(b, "%s%g", i ? ", " : "", sq_seconds(cl->schedule.at_ns[i]));
	if (!cl->sysctls_known)
		sq_buf_puts(
			b,
			" s; the client's sysctls were not recorded, the kernel's defaults are taken)");
	else if (cl->linear < 0)
		sq_buf_puts(b, " s; the client's kernel has no tcp_syn_linear_timeouts)");
	else
		sq_buf_printf(b, " s; tcp_syn_linear_timeouts %lld)", (long long)cl->linear);
}

/* "383 failed connects sent 3 SYNs each (at 0, 1, 2 s; ...) = 1149" */
static void add_dose(const struct sq_claim *cl, struct sq_buf *b)
{
	ull explained = (ull)(cl->explained - cl->mixed), paid = (ull)(cl->paid - cl->mixed_paid);
	bool each = cl->least_dose == cl->most_dose;
	const char *unit = cl->pay->dose == SQ_DOSE_SYN_SCHEDULE ? "SYN" : "segment";

	sq_buf_printf(b, "; %llu %s ", explained, cl->pay->noun);
	if (cl->pay->dose == SQ_DOSE_SOME) {
		sq_buf_puts(b, "cost one or more each");
		return;
	}
	if (cl->pay->dose == SQ_DOSE_ONCE && each && cl->most_dose == 1) {
		sq_buf_printf(b, "cost one each = %llu", paid);
		return;
	}
	if (each)
		sq_buf_printf(b, "sent %u %s%s each", cl->most_dose, unit,
			      cl->most_dose == 1 ? "" : "s");
	else
		sq_buf_printf(b, "sent %u to %u %ss each", cl->least_dose, cl->most_dose, unit);
	if (cl->pay->dose == SQ_DOSE_SYN_SCHEDULE)
		add_times(cl, b);
	else
		sq_buf_puts(b, " that the server never took");
	sq_buf_printf(b, " = %llu", paid);
}

/* Of connects that are several mechanisms'. */
static void add_mixed(const struct sq_claim *cl, json_t *evidence, struct sq_buf *b)
{
	if (cl->mixed == 0)
		return;
	sq_buf_printf(
		b,
		"%llu %s%s lost SYNs or segments to several counters, %llu to this one and most others to ",
		(ull)cl->mixed, cl->explained > cl->mixed ? "more " : "", cl->pay->noun,
		(ull)cl->mixed_paid);
	sq_supply_name(cl->with->counter, cl->with->row, b);
	sq_buf_printf(b, " on %s (%s); they are shared out by what each counted", cl->with->host,
		      cl->with->rule->id);
	add_sentence(evidence, b);
}

/* By which other counters the rises were judged. */
static void add_company(const struct sq_strings *names, const char *word, json_t *evidence,
			struct sq_buf *b)
{
	if (names->n == 0)
		return;
	sq_buf_printf(b, "counted are rises that %s did %sshare", names->v[0], word);
	add_sentence(evidence, b);
}

/* The rises beside the failures' dose, then whatever else paid. */
static void add_budget(const struct sq_case *c, const struct sq_claim *cl, json_t *evidence,
		       struct sq_buf *b)
{
	uint64_t others = 0;

	sq_supply_name(c->counter, c->row, b);
	sq_buf_printf(b, " rose by %llu on %s", (ull)c->readings.total, c->host);
	if (cl->explained > cl->mixed)
		add_dose(cl, b);
	add_sentence(evidence, b);
	add_mixed(cl, evidence, b);
	add_company(&c->counter->also, "", evidence, b);
	add_company(&c->counter->less, "not ", evidence, b);
	for (size_t i = 0; i < c->n_claims; i++)
		others += &c->claims[i] == cl ? 0 : c->claims[i].paid;
	if (others > 0) {
		sq_buf_printf(b, "failures of other kinds or loads paid for %llu", (ull)others);
		add_sentence(evidence, b);
	}
	if (c->slow_wanted > 0) {
		sq_buf_printf(
			b,
			"operations that got through in the end lost %llu SYNs or segments, and paid for %llu",
			(ull)c->slow_wanted, (ull)c->slow_paid);
		add_sentence(evidence, b);
	}
	if (sq_case_excess(c) > 0) {
		sq_buf_printf(b, "%llu rises are left that nothing here pays for",
			      (ull)sq_case_excess(c));
		add_sentence(evidence, b);
	}
}

static void add_checks(const struct sq_case *c, const struct sq_claim *cl, json_t *evidence,
		       struct sq_buf *b)
{
	double apart = fabs((double)cl->wanted_units - (double)cl->schedule_units);

	if (cl->pay->dose == SQ_DOSE_SYN_SCHEDULE && cl->counted &&
	    apart > 0.01 * (double)cl->schedule_units) {
		sq_buf_printf(
			b,
			"by TCP_INFO the %llu %s sent %llu SYNs, by the schedule %llu: the count is used",
			(ull)cl->count, cl->pay->noun, (ull)cl->wanted_units,
			(ull)cl->schedule_units);
		add_sentence(evidence, b);
	}
	if (cl->pay->dose == SQ_DOSE_SEGMENTS && !cl->counted) {
		sq_buf_puts(b, "lost segments were not counted: one each is taken");
		add_sentence(evidence, b);
	}
	if (cl->explained < cl->entry->outcome->count) {
		sq_buf_printf(
			b,
			"the other %llu are explained otherwise, or came when the counter did not rise enough",
			(ull)(cl->entry->outcome->count - cl->explained));
		add_sentence(evidence, b);
	}
	if (sq_frame_plays(cl->entry->load, c->host, SQ_SIDE_SERVER) &&
	    sq_frame_plays(cl->entry->load, c->host, SQ_SIDE_CLIENT)) {
		sq_buf_printf(b, "client and server share %s, and so its counters", c->host);
		add_sentence(evidence, b);
	}
}

static void add_listener(const struct sq_case *c, const struct sq_claim *cl, json_t *evidence,
			 struct sq_buf *b)
{
	const struct sq_listener *l = &cl->listener;

	if (!c->rule->listener_full)
		return;
	if (l->full > 0)
		sq_buf_printf(
			b,
			"the accept queue of %s stood at up to %g of %g, over its limit in %zu of %zu samples",
			l->instance, l->peak, l->backlog, l->full, l->samples);
	else if (l->samples > 0)
		sq_buf_printf(
			b,
			"the accept queue of %s was not seen full: at most %g of %g in %zu samples",
			l->instance, l->peak, l->backlog, l->samples);
	else
		sq_buf_printf(b, "no accept queue was seen at %s",
			      cl->entry->load->targets[0].target);
	add_sentence(evidence, b);
	if (c->other_full) {
		sq_buf_printf(
			b,
			"the accept queue of %s, which is no target here, was full: the rises may be its own",
			c->other_full);
		add_sentence(evidence, b);
	}
}

/* The most that came within one second and were not let in at once, over what the queue holds. */
static double queue_needed(const struct sq_case *c, double backlog)
{
	size_t second = (size_t)(SQ_SEC / c->run->axis.bin_ns);
	uint64_t *away = sq_alloc_n(c->run->axis.n + 1, sizeof(*away));
	uint64_t sum = 0;
	uint64_t most = 0;

	for (size_t i = 0; i < c->n_parcels; i++)
		away[c->parcels[i].bin] += c->parcels[i].explained;
	for (size_t i = 0; i < c->n_slows; i++)
		away[c->slows[i].bin] += c->slows[i].turned_away;
	second = second > 0 ? second : 1;
	for (size_t bin = 0; bin < c->run->axis.n; bin++) {
		sum += away[bin];
		sum -= bin >= second ? away[bin - second] : 0;
		most = sum > most ? sum : most;
	}
	free(away);
	return backlog + (double)most;
}

static struct sq_topic topic_of(const struct sq_case *c, const struct sq_claim *cl)
{
	const struct sq_listener *l = &cl->listener;

	return (struct sq_topic){
		.run = c->run,
		.host = c->host,
		.row = c->row,
		.load = cl->entry->load,
		.listener = l,
		.needed = l->instance && l->backlog > 0 ? queue_needed(c, l->backlog) : NAN,
	};
}

json_t *sq_case_evidence(const struct sq_case *c, const struct sq_claim *cl)
{
	struct sq_topic topic = topic_of(c, cl);
	json_t *evidence = json_array();
	struct sq_buf b = { 0 };

	add_budget(c, cl, evidence, &b);
	sq_levels_say(&c->levels, &topic, evidence);
	add_listener(c, cl, evidence, &b);
	add_checks(c, cl, evidence, &b);
	sq_topic_evidence(&topic, c->rule, evidence);
	sq_buf_fini(&b);
	return evidence;
}

char *sq_case_advice(const struct sq_case *c, const struct sq_claim *cl)
{
	struct sq_topic topic = topic_of(c, cl);
	struct sq_buf b = { 0 };
	char *advice;

	sq_topic_expand(&topic, c->rule->advice, &b);
	advice = sq_strdup(b.data);
	sq_buf_fini(&b);
	return advice;
}
