/* The ledger's book, and the way through it: mechanism by mechanism, host by host. */
#include "analyzers/ledger.h"

#include <assert.h>
#include <math.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "analyzers/frame.h"
#include "analyzers/ledger_case.h"
#include "base/mem.h"

struct sq_book sq_book_open(const struct sq_run *run)
{
	struct sq_book b = { .run = run };
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
	*b = (struct sq_book){ 0 };
}

static void add_finding(const struct sq_case *c, const struct sq_claim *claim,
			struct sq_findings *f)
{
	struct sq_finding *finding = sq_findings_add(f);

	finding->load = sq_strdup(claim->entry->load->name);
	finding->failure = sq_strdup(claim->entry->failure);
	finding->mechanism = sq_strdup(c->rule->id);
	finding->host = sq_strdup(c->host);
	finding->count = claim->entry->outcome->count;
	finding->explained = claim->explained;
	finding->counter_excess = (double)sq_case_excess(c);
	finding->confidence = sq_case_confidence(c, claim);
	json_decref(finding->evidence);
	finding->evidence = sq_case_evidence(c, claim);
	finding->advice = sq_case_advice(c, claim);
	finding->reference = sq_strdup(c->rule->reference);
}

static bool was_read(const struct sq_run *run, const struct sq_metric_rec *m)
{
	for (size_t i = 0; m && i < run->axis.n; i++) {
		if (!isnan(m->samples[i]))
			return true;
	}
	return false;
}

static void examine_host(struct sq_book *b, const struct sq_rule *rule, const char *host,
			 struct sq_findings *f)
{
	const struct sq_metric_rec *counter = sq_run_find_metric(b->run, host, rule->counter, NULL);
	struct sq_case *c;
	char *because;

	if (!was_read(b->run, counter)) {
		because = sq_frame_captured(b->run, host)
				  ? sq_printf_dup("%s was not captured on %s", rule->counter, host)
				  : sq_printf_dup("no counters of %s were captured", host);
		sq_findings_not_examined(f, rule->id, host, because);
		free(because);
		return;
	}
	c = sq_case_new(b->run, rule, host, counter, b);
	sq_case_settle(c);
	for (size_t i = 0; i < c->n_claims; i++) {
		if (c->claims[i].explained > 0)
			add_finding(c, &c->claims[i], f);
	}
	sq_case_free(c);
}

/* The host whose counter a load's failures would show in, by the rule's side.  When nobody knows,
 * *ret_known is false and the name is the best there is for people. */
static char *host_of(const struct sq_run *run, const struct sq_rule *rule,
		     const struct sq_load_rec *load, bool *ret_known)
{
	const char *host = rule->side == SQ_SIDE_CLIENT ? load->from : sq_frame_server(run, load);
	const char *colon = strrchr(load->target, ':');

	*ret_known = host != NULL;
	if (host)
		return sq_strdup(host);
	return sq_printf_dup("%.*s",
			     colon ? (int)(colon - load->target) : (int)strlen(load->target),
			     load->target);
}

static bool among(char *const *names, size_t n, const char *name)
{
	for (size_t i = 0; i < n; i++) {
		if (strcmp(names[i], name) == 0)
			return true;
	}
	return false;
}

void sq_book_examine(struct sq_book *b, const struct sq_rule *rule, struct sq_findings *f)
{
	const struct sq_run *run = b->run;
	char **done = sq_alloc_n(run->n_loads + 1, sizeof(*done));
	size_t n = 0;

	for (size_t i = 0; i < run->n_loads; i++) {
		bool known;
		char *host = host_of(run, rule, &run->loads[i], &known);

		if (among(done, n, host)) {
			free(host);
			continue;
		}
		done[n++] = host;
		if (known) {
			examine_host(b, rule, host, f);
		} else {
			/* An address may be one of several captured hosts: the record does not say. */
			bool address = host[strspn(host, "0123456789.")] == '\0' ||
				       strchr(host, ':');
			char *because = sq_printf_dup(
				address ? "which captured host has the address %s is not known; give "
					  "the target by its host's name"
					: "no counters of %s were captured",
				host);

			sq_findings_not_examined(f, rule->id, host, because);
			free(because);
		}
	}
	while (n > 0)
		free(done[--n]);
	free(done);
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
	}
}
