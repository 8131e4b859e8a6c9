/* Mechanisms that no counter shows.
 *
 * - A local refusal that follows from what the load asks for, such as EINVAL for a loopback source
 *   towards another host, is decided before any counter of the kernel's.  The errno, the load's own
 *   settings and the host's sysctls together leave no other cause.
 * - A refusal of this machine's own (no descriptors, no ports) is its own proof.
 * - A server that is stopped, throttled or out of descriptors counts nothing; it is known by a level
 *   that stood while failures waited.
 *
 * Nothing was counted, so the confidence is never "exact".  Of a level it is "strong" when
 * there is something to compare: operations that had no part in it and did well, or a queue that held
 * and let nothing out; else "weak". */
#include "analyzers/ledger/fact.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "analyzers/ledger/level.h"
#include "analyzers/ledger/placeholder.h"
#include "base/buf.h"
#include "base/clock.h"
#include "base/mem.h"

struct scope {
	const struct sq_run *run;
	const char *host;
};

static const char *sysctl_of(const void *arg, const char *name)
{
	const struct scope *s = arg;

	return sq_run_sysctl(s->run, s->host, name);
}

/* One of "127.0.0.1, 198.18.0.0/24". */
static bool any_loopback(const char *sources)
{
	for (const char *s = sources; s; s = strchr(s, ' ')) {
		s += *s == ' ';
		if (strncmp(s, "127.", 4) == 0 ||
		    (strncmp(s, "::1", 3) == 0 && strspn(s + 3, ",/-") == (s[3] != '\0')))
			return true;
	}
	return false;
}

static bool all_loopback(const struct sq_load_rec *load)
{
	for (size_t i = 0; i < load->n_targets; i++) {
		if (!sq_frame_loopback(sq_frame_address(&load->targets[i])))
			return false;
	}
	return true;
}

static bool holds(int fact, const struct sq_load_rec *load)
{
	return fact == SQ_FACT_LOOPBACK_SOURCE && any_loopback(load->source) && !all_loopback(load);
}

static void add_finding(const struct sq_rule *rule, const struct sq_topic *topic,
			const struct sq_entry *e, uint64_t explained, enum sq_confidence confidence,
			json_t *evidence, struct sq_findings *f)
{
	struct sq_finding *finding = sq_findings_add(f);
	struct sq_buf b = { 0 };

	finding->load = sq_strdup(e->load->name);
	finding->failure = sq_strdup(e->failure);
	finding->mechanism = sq_strdup(rule->id);
	finding->host = sq_strdup(topic->host);
	finding->count = e->outcome->count;
	finding->explained = explained;
	finding->confidence = confidence;
	json_decref(finding->evidence);
	finding->evidence = evidence;
	sq_topic_evidence(topic, rule, evidence);
	sq_topic_expand(topic, rule->advice, &b);
	finding->advice = sq_strdup(b.data);
	finding->reference = sq_strdup(rule->reference);
	sq_buf_fini(&b);
}

static struct sq_topic topic_of(const struct sq_book *b, const struct sq_entry *e, const char *host)
{
	return (struct sq_topic){ .run = b->run, .host = host, .load = e->load, .needed = NAN };
}

static uint64_t left_of(const struct sq_entry *e)
{
	return e->outcome->count - e->explained;
}

static json_t *sentence(const char *text)
{
	json_t *evidence = json_array();

	json_array_append_new(evidence, json_string(text));
	return evidence;
}

/* ---- by the failure, and by what the load asks for ---- */

static const struct sq_rule_pay *pay_of(const struct sq_book *b, const struct sq_rule *rule,
					const struct sq_entry *e, const char *host, int role)
{
	struct scope scope = { b->run, host };

	return sq_rule_pay_of(rule, e->outcome->code, e->outcome->phase, role, sysctl_of, &scope);
}

/* All that is left of it, on the host that makes the load; where the rule asks for levels there, once these stood. */
static void take_own(struct sq_book *b, const struct sq_rule *rule, struct sq_entry *e,
		     struct sq_findings *f)
{
	struct sq_levels l = sq_levels_read(b->run, rule, e->load->from, SQ_SIDE_CLIENT);
	struct sq_topic topic = topic_of(b, e, e->load->from);
	uint64_t left = left_of(e);
	json_t *evidence;

	if (sq_levels_stood(b->run, &l, 0, b->run->axis.n)) {
		evidence =
			sentence("no counter of the kernel's counts this refusal: it is known by "
				 "the error and the load's own settings");
		sq_levels_say(&l, &topic, evidence);
		memset(e->left, 0, b->run->axis.n * sizeof(*e->left));
		e->explained += left;
		add_finding(rule, &topic, e, left, SQ_STRONG, evidence, f);
	}
	sq_levels_fini(&l);
}

/* ---- by levels ---- */

/* What was due, and would have timed out, while the levels did not stand, and how much of that failed.  (A
 * failure waits longer than a success: were the latter taken by their due times alone, any failures
 * before the levels stood would be theirs, and the successes beside them the contrast.) */
struct apart {
	uint64_t operations, failures;
};

static size_t bins_of_timeout(const struct sq_run *run, const struct sq_load_rec *load)
{
	return (size_t)(load->timeout_ns / run->axis.bin_ns) + 1;
}

static struct apart apart_of(const struct sq_run *run, const struct sq_levels *l,
			     const struct sq_entry *e)
{
	size_t wait = bins_of_timeout(run, e->load);
	struct apart a = { 0 };

	for (size_t i = 0; i < run->axis.n; i++) {
		if (sq_levels_stood(run, l, i, i + wait))
			continue;
		a.operations += e->load->scheduled_series[i];
		a.failures += e->outcome->series[i];
	}
	return a;
}

/* Did a twentieth or more of the load fall elsewhere, and fail a tenth as often or less? */
static bool contrasts(const struct sq_entry *e, const struct apart *a)
{
	double near = (double)(e->load->scheduled - a->operations);
	double failed_near = (double)(e->outcome->count - a->failures);

	return 20 * a->operations >= e->load->scheduled && near > 0 &&
	       10 * (double)a->failures / (double)a->operations <= failed_near / near;
}

static enum sq_confidence level_confidence(const struct sq_entry *e, uint64_t explained,
					   const struct apart *a, bool stood)
{
	return (stood || contrasts(e, a)) && 5 * explained >= 4 * e->outcome->count ? SQ_STRONG
										    : SQ_WEAK;
}

static json_t *level_evidence(const struct sq_levels *l, const struct sq_topic *topic,
			      uint64_t explained, const struct apart *a, bool stood)
{
	json_t *evidence = json_array();
	char *text;

	sq_levels_say(l, topic, evidence);
	text = sq_printf_dup(
		"%llu failures were due or waited while that was so; of %llu operations "
		"at other times %llu failed alike",
		(unsigned long long)explained, (unsigned long long)a->operations,
		(unsigned long long)a->failures);
	json_array_append_new(evidence, json_string(text));
	free(text);
	if (stood)
		json_array_append_new(evidence,
				      json_string("the queue at the target held what came, and let "
						  "nothing out meanwhile"));
	return evidence;
}

/* Was the load itself late, by half of what its operations wait, somewhere in these bins? */
static bool was_late(const struct sq_run *run, const struct sq_load_rec *load, size_t from,
		     size_t to)
{
	for (size_t i = from; i <= to && i < run->axis.n; i++) {
		if (2 * load->lag_max_s[i] > sq_seconds(load->timeout_ns))
			return true;
	}
	return false;
}

static uint64_t take_bins(const struct sq_run *run, const struct sq_levels *l, struct sq_entry *e)
{
	size_t wait = bins_of_timeout(run, e->load);
	uint64_t n = 0;

	for (size_t i = 0; i < run->axis.n; i++) {
		if (e->left[i] == 0 || !sq_levels_stood(run, l, i, i + wait) ||
		    (l->rule->punctual && was_late(run, e->load, i, i + wait)))
			continue;
		n += e->left[i];
		e->left[i] = 0;
	}
	e->explained += n;
	return n;
}

/* Levels do not tell to which of several hosts an operation went. */
static bool all_stand(const struct sq_load_rec *load, const char *host)
{
	for (size_t i = 0; i < load->n_targets; i++) {
		if (!sq_frame_stands(&load->targets[i], host))
			return false;
	}
	return true;
}

/* The host that plays a role for a load; NULL: none, or several. */
static const char *host_of(const struct sq_load_rec *load, int role)
{
	if (role == SQ_SIDE_CLIENT)
		return load->from;
	return all_stand(load, load->targets[0].server ? load->targets[0].server : "")
		       ? load->targets[0].server
		       : NULL;
}

static void take_levels(struct sq_book *b, const struct sq_rule *rule, struct sq_entry *e, int role,
			struct sq_findings *f)
{
	const char *host = host_of(e->load, role);
	struct sq_levels l = sq_levels_read(b->run, rule, host, role);
	struct sq_topic topic = topic_of(b, e, host);
	enum sq_queue_state queue =
		rule->standstill ? sq_levels_queue(b->run, &l, host, e->load, e->outcome->phase)
				 : SQ_QUEUE_UNKNOWN;
	bool stood = queue == SQ_QUEUE_STOOD;
	struct apart a;
	uint64_t n;

	a = apart_of(b->run, &l, e);
	if (l.asked && queue != SQ_QUEUE_MOVED && (!rule->contrast || contrasts(e, &a))) {
		n = take_bins(b->run, &l, e);
		if (n > 0)
			add_finding(rule, &topic, e, n, level_confidence(e, n, &a, stood),
				    level_evidence(&l, &topic, n, &a, stood), f);
	}
	sq_levels_fini(&l);
}

static void examine_levels(struct sq_book *b, const struct sq_rule *rule, struct sq_entry *e,
			   struct sq_findings *f)
{
	for (int role = SQ_SIDE_SERVER; role <= SQ_SIDE_CLIENT && left_of(e) > 0; role++) {
		const char *host = host_of(e->load, role);
		const struct sq_rule_pay *pay = host ? pay_of(b, rule, e, host, role) : NULL;

		if (pay && pay->own && role == SQ_SIDE_CLIENT)
			take_own(b, rule, e, f);
		else if (pay && !pay->own)
			take_levels(b, rule, e, role, f);
	}
}

static bool at_work(const struct sq_run *run, const struct sq_rule *rule, const char *host)
{
	struct sq_levels l = sq_levels_read(run, rule, host, SQ_SIDE_SERVER);
	bool stood = l.asked && sq_levels_stood(run, &l, 0, run->axis.n);

	sq_levels_fini(&l);
	return stood;
}

bool sq_fact_cause_at_work(const struct sq_book *b, const struct sq_rule_table *rules)
{
	for (size_t i = 0; i < rules->n; i++) {
		for (size_t k = 0; k < b->run->n_loads && rules->v[i].cause; k++) {
			const char *host = host_of(&b->run->loads[k], SQ_SIDE_SERVER);

			if (host && at_work(b->run, &rules->v[i], host))
				return true;
		}
	}
	return false;
}

void sq_fact_examine(struct sq_book *b, const struct sq_rule *rule, struct sq_findings *f)
{
	for (size_t i = 0; i < b->n; i++) {
		struct sq_entry *e = &b->v[i];

		if (left_of(e) == 0 || !e->load->from)
			continue;
		if (rule->fact == SQ_FACT_LEVELS)
			examine_levels(b, rule, e, f);
		else if (holds(rule->fact, e->load) &&
			 pay_of(b, rule, e, e->load->from, SQ_SIDE_CLIENT))
			take_own(b, rule, e, f);
	}
}

/* ---- levels that could not be told ---- */

void sq_fact_note(const struct sq_book *b, const struct sq_rule *rule, struct sq_findings *f)
{
	for (size_t i = 0; i < b->n && rule->fact == SQ_FACT_LEVELS; i++) {
		const struct sq_entry *e = &b->v[i];

		for (int role = SQ_SIDE_SERVER; role <= SQ_SIDE_CLIENT; role++) {
			const char *host = left_of(e) > 0 ? host_of(e->load, role) : NULL;
			const struct sq_rule_pay *pay = host ? pay_of(b, rule, e, host, role)
							     : NULL;
			char *because = pay && !sq_findings_is_noted(f, rule->id, host)
						? sq_levels_because(b->run, rule, host, role)
						: NULL;

			if (because)
				sq_findings_not_examined(f, rule->id, host, because);
			free(because);
		}
	}
}

/* ---- operations that were never started ---- */

static void add_missed(const struct sq_run *run, const struct sq_rule *rule,
		       struct sq_load_rec *load, struct sq_outcome_rec *o, struct sq_findings *f)
{
	const struct sq_book b = { .run = run };
	struct sq_entry e = { .load = load, .outcome = o };
	struct sq_topic topic = topic_of(&b, &e, load->from);
	char *text = sq_printf_dup("%llu of %llu operations were due and never started",
				   (unsigned long long)o->count,
				   (unsigned long long)load->scheduled);

	e.failure = sq_strdup(o->code); /* it came to no phase */
	add_finding(rule, &topic, &e, o->count, SQ_STRONG, sentence(text), f);
	free(e.failure);
	free(text);
}

void sq_fact_missed(const struct sq_run *run, const struct sq_rule *rule, struct sq_findings *f)
{
	for (size_t i = 0; i < run->n_loads && rule->fact == SQ_FACT_MISSED; i++) {
		struct sq_load_rec *load = &run->loads[i];

		for (size_t k = 0; k < load->n_outcomes && load->from; k++) {
			struct sq_outcome_rec *o = &load->outcomes[k];

			if (o->class == SQ_CLASS_MISSED && o->count > 0)
				add_missed(run, rule, load, o, f);
		}
	}
}
