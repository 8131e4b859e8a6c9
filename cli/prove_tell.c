/* What prove says: a table of pairs, and prove.json. */
#include <stdio.h>
#include <stdlib.h>

#include "base/json.h"
#include "base/mem.h"
#include "cli/prove_private.h"
#include "results/draw.h"

static void format_count(char out[64], const struct sq_proof_count *c, bool whole)
{
	int len = snprintf(out, 64, "%lld of %lld", (long long)c->failed, (long long)c->scheduled);

	if (whole && c->failed == 0)
		snprintf(out + len, 64 - (size_t)len, " (under %.2g %%)",
			 100 * sq_proof_bound(c->scheduled));
	else if (whole)
		snprintf(out + len, 64 - (size_t)len, " (%.3g %%)",
			 100.0 * (double)c->failed / (double)c->scheduled);
}

static void print_counts(const char *name, const char *order, const struct sq_proof_pair *pair,
			 bool whole)
{
	char without[64], with[64];

	format_count(without, &pair->without, whole);
	format_count(with, &pair->with, whole);
	printf("%-5s %-14s %-30s %s\n", name, order, without, with);
}

static void print_change(const struct sq_proving *p)
{
	const json_t *scenario = json_object_get(p->report, "scenario");
	const char *key;
	json_t *value;

	printf("the change: %s\n", p->change.text);
	json_object_foreach(p->change.set, key, value) {
		const json_t *old = sq_json_pointer_get(scenario, key);
		char *text = old ? json_dumps(old, JSON_ENCODE_ANY | JSON_COMPACT) : NULL;

		printf("   %s: %s, was %s\n", key, json_string_value(value),
		       text ? text : "not given");
		free(text);
	}
	json_object_foreach(p->change.sysctl, key, value)
		printf("   %s of this machine: %s\n", key, json_string_value(value));
}

static const char *explain(enum sq_proof_verdict v, const struct sq_proving *p)
{
	struct sq_proof_pair all = sq_proof_sum(p->pairs, p->done);

	switch (v) {
	case SQ_VERDICT_PROVED:
		return "with the change, what the finding explains is gone";
	case SQ_VERDICT_PARTLY:
		return "the change helps, but takes less away than the finding claims";
	case SQ_VERDICT_WITHDRAWN:
		return "the change makes no difference that chance would not: it is not the cause";
	case SQ_VERDICT_UNDECIDED:
		break;
	}
	if (p->early)
		return "it ended before all pairs were run";
	if (p->change.part && all.without.failed && p->done >= 5)
		return "the sysctl alone makes no difference, and the server's own setting, which the "
		       "mechanism names too, only its owner can change";
	return all.without.failed == 0 ? "the failure did not come back without the change"
				       : "too few pairs: give --pairs 5 or more";
}

void sq_prove_print(const struct sq_proving *p, enum sq_proof_verdict v)
{
	struct sq_proof_pair all = sq_proof_sum(p->pairs, p->done);
	char name[32];

	print_change(p);
	printf("%-5s %-14s %-30s %s\n", "pair", "first", "failed without it", "failed with it");
	for (size_t i = 0; i < p->done; i++) {
		snprintf(name, sizeof(name), "%zu", i + 1);
		print_counts(name, sq_prove_with_first(p, i) ? "with" : "without", &p->pairs[i],
			     false);
	}
	print_counts("all", "", &all, true);
	printf("%s: %s: %s (the chance of such pairs if it did nothing: %.2g)\n", p->mechanism,
	       sq_proof_verdict_name(v), explain(v, p), sq_proof_chance(p->pairs, p->done));
	if (all.with.others > all.without.others)
		printf("but %lld other failures came with it, %lld were there without\n",
		       (long long)all.with.others, (long long)all.without.others);
	if (all.with.failed == 0 && all.with.scheduled)
		printf("(none of %lld seen: with 95 %% confidence fewer than %.2g %%, 3/n)\n",
		       (long long)all.with.scheduled, 100 * sq_proof_bound(all.with.scheduled));
}

/* Each run as it was made. */
static json_t *runs_json(const struct sq_proving *p)
{
	json_t *runs = json_array();

	for (size_t i = 0; i < 2 * p->done; i++) {
		size_t pair = i / 2;
		bool with = sq_prove_with_first(p, pair) == (i % 2 == 0);
		const struct sq_proof_count *c = with ? &p->pairs[pair].with
						      : &p->pairs[pair].without;

		json_array_append_new(
			runs, json_pack("{s:i, s:b, s:o, s:I, s:I}", "pair", (int)pair + 1, "with",
					with, "run",
					json_sprintf("%s/%03zu-%d", p->out, sq_prove_round(p, pair),
						     with ? SQ_PROVE_WITH : SQ_PROVE_WITHOUT),
					"failed", (json_int_t)c->failed, "scheduled",
					(json_int_t)c->scheduled));
	}
	return runs;
}

/* The report's findings as they stand now: proved ones say so, withdrawn ones are gone. */
static json_t *judged_findings(const struct sq_proving *p, enum sq_proof_verdict v)
{
	json_t *findings = json_array();
	json_t *f;
	size_t i;

	json_array_foreach(json_object_get(p->report, "findings"), i, f) {
		json_t *own = json_deep_copy(f);

		if (sq_prove_is_of(f, p->mechanism) && v == SQ_VERDICT_PROVED)
			json_object_set_new(own, "confidence", json_string("proved"));
		if (sq_prove_is_of(f, p->mechanism) && v == SQ_VERDICT_WITHDRAWN)
			json_decref(own);
		else
			json_array_append_new(findings, own);
	}
	return findings;
}

int sq_prove_save(const struct sq_proving *p, enum sq_proof_verdict v, struct sq_err *err)
{
	struct sq_proof_pair all = sq_proof_sum(p->pairs, p->done);
	char *path = sq_printf_dup("%s/prove.json", p->out);
	json_t *doc = json_pack(
		"{s:s, s:O?, s:s, s:s, s:s, s:{s:s, s:O, s:O}, s:o, s:f, s:f, s:{s:I, s:I, s:I}, s:{s:I, s:I, s:I, s:o}, s:o}",
		"schema", "squall-prove/1", "run", json_object_get(p->report, "run"), "mechanism",
		p->mechanism, "verdict", sq_proof_verdict_name(v), "because", explain(v, p),
		"change", "text", p->change.text, "set", p->change.set, "sysctl", p->change.sysctl,
		"runs", runs_json(p), "chance", sq_proof_chance(p->pairs, p->done), "share",
		p->share, "without", "failed", (json_int_t)all.without.failed, "scheduled",
		(json_int_t)all.without.scheduled, "other_failures", (json_int_t)all.without.others,
		"with", "failed", (json_int_t)all.with.failed, "scheduled",
		(json_int_t)all.with.scheduled, "other_failures", (json_int_t)all.with.others,
		"upper_95",
		all.with.failed ? json_null() : json_real(sq_proof_bound(all.with.scheduled)),
		"findings", judged_findings(p, v));
	int rc = sq_json_save(doc, path, err);

	if (rc == 0)
		printf("report: %s\n", path);
	json_decref(doc);
	free(path);
	return rc;
}
