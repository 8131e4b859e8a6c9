/* The ledger's book, and the way through it: mechanism by mechanism, host by host. */
#include "analyzers/ledger/ledger.h"

#include <assert.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "analyzers/ledger/case.h"
#include "analyzers/ledger/fact.h"
#include "analyzers/ledger/frame.h"
#include "analyzers/ledger/mixed.h"
#include "analyzers/ledger/supply.h"
#include "base/mem.h"

struct sq_book sq_book_open(const struct sq_run *run)
{
	struct sq_book b = { .run = run, .spent = sq_spent_new(run) };
	size_t n = 0;

	for (size_t i = 0; i < run->n_loads; i++)
		n += run->loads[i].n_outcomes;
	b.v = sq_alloc_n(n + 1, sizeof(*b.v));
	for (size_t i = 0; i < run->n_loads; i++) {
		for (size_t j = 0; j < run->loads[i].n_outcomes; j++) {
			const struct sq_outcome_rec *o = &run->loads[i].outcomes[j];
			struct sq_entry *e = &b.v[b.n];

			if (!sq_class_is_failure(o->class) || o->count == 0)
				continue;
			e->load = &run->loads[i];
			e->outcome = o;
			e->failure = sq_printf_dup("%s@%s", o->code, o->phase);
			e->left = sq_alloc_n(run->axis.n + 1, sizeof(*e->left));
			memcpy(e->left, o->series, run->axis.n * sizeof(*e->left));
			b.n++;
		}
	}
	return b;
}

void sq_book_fini(struct sq_book *b)
{
	for (size_t i = 0; i < b->n; i++) {
		free(b->v[i].failure);
		free(b->v[i].left);
	}
	free(b->v);
	for (size_t i = 0; i < b->n_cases; i++)
		sq_case_free(b->cases[i]);
	free(b->cases);
	for (size_t i = 0; i < b->n_unread; i++) {
		free(b->unread[i].host);
		free(b->unread[i].because);
	}
	free(b->unread);
	sq_joint_free(b->joint);
	sq_spent_free(b->spent);
	*b = (struct sq_book){ 0 };
}

static void add_finding(const struct sq_case *c, struct sq_claim *claim, struct sq_findings *f)
{
	struct sq_finding *finding = sq_findings_add(f);

	claim->told = f->n;
	finding->load = sq_strdup(claim->entry->load->name);
	finding->failure = sq_strdup(claim->entry->failure);
	finding->mechanism = sq_strdup(c->rule->id);
	finding->host = sq_strdup(c->host);
	finding->count = claim->entry->outcome->count;
	finding->reference = sq_strdup(c->rule->reference);
}

/* What a settled case has to say; said anew when it has explained more. */
static void tell(const struct sq_case *c, struct sq_findings *f)
{
	for (size_t i = 0; i < c->n_claims; i++) {
		struct sq_claim *claim = &c->claims[i];
		struct sq_finding *finding;

		if (claim->explained == 0 && claim->told == 0)
			continue;
		if (claim->told == 0)
			add_finding(c, claim, f);
		finding = &f->v[claim->told - 1];
		finding->explained = claim->explained;
		finding->counter_excess = (double)sq_case_excess(c);
		finding->confidence = sq_case_confidence(c, claim);
		json_decref(finding->evidence);
		finding->evidence = sq_case_evidence(c, claim);
		free(finding->advice);
		finding->advice = sq_case_advice(c, claim);
	}
}

/* Where rules drop without counting, failures that are left may be theirs. */
static void note_uncounted(const struct sq_case *c, struct sq_findings *f)
{
	const struct sq_metric_rec *gauge =
		c->counter->uncounted
			? sq_run_find_metric(c->run, c->host, c->counter->uncounted, NULL)
			: NULL;
	char *because;

	if (!gauge || !(gauge->max > 0) || sq_case_unexplained(c) == 0)
		return;
	because = sq_printf_dup("%s is %g on %s: there packets are dropped that nobody counts",
				c->counter->uncounted, gauge->max, c->host);
	sq_findings_not_examined(f, c->rule->id, c->host, because);
	free(because);
}

/* f is NULL while the book is being joined: the case is then one of many, and is kept for that. */
static void examine_row(struct sq_book *b, const struct sq_scene *scene, struct sq_findings *f)
{
	struct sq_case *c = sq_case_new(b->run, scene, b);

	if (!f) {
		sq_joint_add(b->joint, c);
		return;
	}
	sq_case_settle(c, b->joint);
	sq_spent_add(b->spent, c->host, c->counter, c->row, &c->readings, c->flow);
	sq_spent_add_slows(b->spent, c);
	tell(c, f);
	b->cases = sq_grow(b->cases, b->n_cases, &b->cap_cases, sizeof(struct sq_case *));
	b->cases[b->n_cases++] = c;
}

/* Is any failure left that the mechanism could have caused on the host, its settings being what they
 * may?  What has nothing to explain needs no examination. */
static bool wanted(const struct sq_book *b, const struct sq_rule *rule, int side, const char *host,
		   const struct sq_load_rec *load)
{
	for (size_t i = 0; i < b->n; i++) {
		const struct sq_entry *e = &b->v[i];

		for (int role = SQ_SIDE_SERVER; role <= SQ_SIDE_CLIENT; role++) {
			bool here = load ? e->load == load
					 : sq_side_has(side, role) &&
						    sq_frame_plays(e->load, host, role);

			if (here && e->explained < e->outcome->count &&
			    sq_rule_pay_of(rule, e->outcome->code, e->outcome->phase, role, NULL,
					   NULL))
				return true;
		}
	}
	return false;
}

/* Did an earlier load, or an earlier target of this one, have its failures in the same row? */
static bool row_done(const struct sq_run *run, const struct sq_scene *s, size_t load, size_t target)
{
	const char *row;

	for (size_t i = 0; i < load; i++) {
		if (sq_frame_role(&run->loads[i], s->host, s->counter->side) >= 0 &&
		    sq_supply_has_row(run, s->host, s->counter, &run->loads[i], s->row))
			return true;
	}
	for (size_t k = 0; k < target; k++) {
		if (sq_supply_row(run, s->host, s->counter, &run->loads[load], k, &row) &&
		    sq_same_text(row, s->row))
			return true;
	}
	return false;
}

/* The counter before this one in the list serves a host where it was read. */
static bool has_better(const struct sq_run *run, const struct sq_rule *rule, size_t counter,
		       const char *host)
{
	return sq_rule_counter(rule, counter)->fallback && counter > 0 &&
	       sq_supply_read(run, host, sq_rule_counter(rule, counter - 1));
}

static bool makes_load(const struct sq_run *run, const char *host)
{
	for (size_t i = 0; i < run->n_loads; i++) {
		if (sq_frame_plays(&run->loads[i], host, SQ_SIDE_CLIENT))
			return true;
	}
	return false;
}

/* Why the mechanism can't be examined there, for the caller to free; NULL: it can. */
static char *unread(const struct sq_run *run, const struct sq_rule *rule,
		    const struct sq_rule_counter *c, const char *host)
{
	if (!sq_supply_read(run, host, c))
		return sq_supply_because(run, host, c);
	if (c->apart && makes_load(run, host))
		return sq_printf_dup(
			"%s makes load too, and what that end of a connection does counts "
			"in %s as well; load it from another host",
			host, c->names.v[0]);
	return rule->levels.n > 0 ? sq_levels_because(run, rule, host, SQ_SIDE_EITHER) : NULL;
}

static void add_unread(struct sq_book *b, const struct sq_rule *rule, int side, const char *host,
		       const struct sq_load_rec *load, const char *because)
{
	b->unread = sq_grow(b->unread, b->n_unread, &b->cap_unread, sizeof(*b->unread));
	b->unread[b->n_unread++] = (struct sq_unread){ .rule = rule,
						       .side = side,
						       .load = load,
						       .host = sq_strdup(host),
						       .because = sq_strdup(because) };
}

/* A rule that looks in one of several places says so once, when it found none of them. */
static void note_unread(const struct sq_book *b, const struct sq_unread *u, struct sq_findings *f)
{
	const char *words = u->load ? NULL : u->rule->unread;
	bool any = false;

	if (!wanted(b, u->rule, u->side, u->host, u->load))
		return;
	for (size_t i = 0; words && i < u->rule->counters.n; i++)
		any |= sq_supply_read(b->run, u->host, sq_rule_counter(u->rule, i));
	if (u->load && sq_findings_is_noted(f, u->rule->id, u->host))
		return;
	if (!any && !(words && (!*words || sq_findings_is_noted(f, u->rule->id, u->host))))
		sq_findings_not_examined(f, u->rule->id, u->host, words ? words : u->because);
}

static void examine_host(struct sq_book *b, const struct sq_rule *rule, size_t counter,
			 const char *host, struct sq_findings *f)
{
	const struct sq_rule_counter *c = sq_rule_counter(rule, counter);
	bool spare = counter + 1 < rule->counters.n && c[1].fallback;
	char *because;

	if (has_better(b->run, rule, counter, host))
		return;
	because = unread(b->run, rule, c, host);
	if (because) {
		if (f && !spare)
			add_unread(b, rule, c->side, host, NULL, because);
		free(because);
		return;
	}
	for (size_t i = 0; i < b->run->n_loads; i++) {
		const struct sq_load_rec *load = &b->run->loads[i];
		struct sq_scene scene = { .rule = rule, .counter = c, .host = host };

		if (sq_frame_role(load, host, c->side) < 0)
			continue;
		for (size_t k = 0; k < load->n_targets; k++)
			if (sq_supply_row(b->run, host, c, load, k, &scene.row) &&
			    !row_done(b->run, &scene, i, k))
				examine_row(b, &scene, f);
	}
}

/* A target that is no host of the scenario's: nobody watched it. */
static void add_stranger(struct sq_book *b, const struct sq_rule *rule, int side,
			 const struct sq_load_rec *load, const char *target)
{
	const char *colon = strrchr(target, ':');
	int len = colon ? (int)(colon - target) : (int)strlen(target);
	char *host = sq_printf_dup("%.*s", len, target);
	char *because = sq_printf_dup("no counters of %s were captured", host);

	add_unread(b, rule, side, host, load, because);
	free(because);
	free(host);
}

/* Names that were seen, borrowed. */
struct names {
	const char **v;
	size_t n, cap;
};

/* False when it was seen before. */
static bool is_new(struct names *names, const char *name)
{
	for (size_t i = 0; i < names->n; i++) {
		if (strcmp(names->v[i], name) == 0)
			return false;
	}
	names->v = sq_grow(names->v, names->n, &names->cap, sizeof(*names->v));
	names->v[names->n++] = name;
	return true;
}

static void examine_target(struct sq_book *b, const struct sq_rule *rule, size_t counter,
			   const struct sq_load_rec *load, const struct sq_target_rec *target,
			   struct names *done, struct sq_findings *f)
{
	if (target->server) {
		if (is_new(done, target->server))
			examine_host(b, rule, counter, target->server, f);
	} else if (f && !sq_rule_counter(rule, counter)->fallback && is_new(done, target->target)) {
		add_stranger(b, rule, sq_rule_counter(rule, counter)->side, load, target->target);
	}
}

static void examine_counter(struct sq_book *b, const struct sq_rule *rule, size_t counter,
			    struct sq_findings *f)
{
	int side = sq_rule_counter(rule, counter)->side;
	struct names done = { 0 };

	for (size_t i = 0; i < b->run->n_loads; i++) {
		const struct sq_load_rec *load = &b->run->loads[i];

		for (size_t k = 0; sq_side_has(side, SQ_SIDE_SERVER) && k < load->n_targets; k++)
			examine_target(b, rule, counter, load, &load->targets[k], &done, f);
		if (sq_side_has(side, SQ_SIDE_CLIENT) && load->from && is_new(&done, load->from))
			examine_host(b, rule, counter, load->from, f);
	}
	free(done.v);
}

void sq_book_examine(struct sq_book *b, const struct sq_rule *rule, struct sq_findings *f)
{
	for (size_t i = 0; i < rule->counters.n; i++)
		examine_counter(b, rule, i, f);
	if (rule->fact != SQ_FACT_NONE)
		sq_fact_examine(b, rule, f);
}

void sq_book_join(struct sq_book *b, const struct sq_rule_table *rules)
{
	b->joint = sq_joint_new(b);
	for (size_t i = 0; i < rules->n; i++)
		for (size_t k = 0; k < rules->v[i].counters.n && !rules->v[i].last; k++)
			examine_counter(b, &rules->v[i], k, NULL);
	sq_joint_solve(b->joint, sq_fact_cause_at_work(b, rules));
}

static const struct sq_entry *entry_of(const struct sq_book *b, const struct sq_finding *f)
{
	for (size_t i = 0; i < b->n; i++) {
		if (strcmp(b->v[i].load->name, f->load) == 0 &&
		    strcmp(b->v[i].failure, f->failure) == 0)
			return &b->v[i];
	}
	return NULL;
}

void sq_book_close(struct sq_book *b, struct sq_findings *f)
{
	bool mixed = sq_mixed_settle(b, b->cases, b->n_cases);

	for (size_t i = 0; i < b->n_cases; i++) {
		if (mixed)
			tell(b->cases[i], f);
		note_uncounted(b->cases[i], f);
	}
	for (size_t i = 0; i < b->n_unread; i++)
		note_unread(b, &b->unread[i], f);
	sq_findings_drop_empty(f);
	for (size_t i = 0; i < b->n; i++) {
		const struct sq_entry *e = &b->v[i];
		struct sq_account *a =
			sq_findings_account(f, e->load->name, e->failure, e->outcome->count);

		assert(e->explained <= e->outcome->count);
		a->explained = e->explained;
		a->unexplained = e->outcome->count - e->explained;
	}
	for (size_t i = 0; i < f->n; i++) {
		const struct sq_entry *e = entry_of(b, &f->v[i]);

		assert(e);
		f->v[i].unexplained = e->outcome->count - e->explained;
		if (f->v[i].confidence == SQ_EXACT && f->v[i].unexplained > 0)
			f->v[i].confidence =
				(double)f->v[i].explained >= 0.8 * (double)f->v[i].count ? SQ_STRONG
											 : SQ_WEAK;
	}
}
