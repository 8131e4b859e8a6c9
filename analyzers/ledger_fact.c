/* Mechanisms that no counter shows.
 *
 * A local refusal that follows from what the load asks for, such as EINVAL for a loopback source
 * towards another host, is decided before any counter of the kernel's.  The errno, the load's own
 * settings and the host's sysctls together leave no other cause; but nothing was counted, so the
 * confidence is "strong", never "exact". */
#include "analyzers/ledger_fact.h"

#include <math.h>
#include <string.h>

#include "analyzers/placeholder.h"
#include "base/buf.h"
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

static void add_finding(const struct sq_rule *rule, const struct sq_place *place,
			const struct sq_entry *e, uint64_t explained, struct sq_findings *f)
{
	struct sq_finding *finding = sq_findings_add(f);
	struct sq_buf b = { 0 };

	finding->load = sq_strdup(e->load->name);
	finding->failure = sq_strdup(e->failure);
	finding->mechanism = sq_strdup(rule->id);
	finding->host = sq_strdup(place->host);
	finding->count = e->outcome->count;
	finding->explained = explained;
	finding->confidence = SQ_STRONG;
	json_decref(finding->evidence);
	finding->evidence = json_array();
	sq_place_settings(place, rule, finding->evidence);
	json_array_append_new(
		finding->evidence,
		json_string("no counter of the kernel's counts this refusal: it is known "
			    "by the error and the load's own settings"));
	sq_place_expand(place, rule->advice, &b);
	finding->advice = sq_strdup(b.data);
	finding->reference = sq_strdup(rule->reference);
	sq_buf_fini(&b);
}

void sq_fact_examine(struct sq_book *b, const struct sq_rule *rule, struct sq_findings *f)
{
	for (size_t i = 0; i < b->n; i++) {
		struct sq_entry *e = &b->v[i];
		struct scope scope = { b->run, e->load->from };
		struct sq_place place = {
			.run = b->run, .host = e->load->from, .load = e->load, .needed = NAN
		};
		uint64_t left = e->outcome->count - e->explained;

		if (left == 0 || !e->load->from || !holds(rule->fact, e->load) ||
		    !sq_rule_pay_of(rule, e->outcome->code, e->outcome->phase, SQ_SIDE_CLIENT,
				    sysctl_of, &scope))
			continue;
		memset(e->left, 0, b->run->axis.n * sizeof(*e->left));
		e->explained += left;
		add_finding(rule, &place, e, left, f);
	}
}
