/* From a run record to its findings: every mechanism in turn, over one ledger, causes before their
 * symptoms; then what no client saw. */
#include "analyzers/analyze.h"

#include "analyzers/ledger/correlate.h"
#include "analyzers/ledger/fact.h"
#include "analyzers/ledger/ledger.h"
#include "analyzers/ledger/relay.h"
#include "analyzers/ledger/rules_own.h"
#include "analyzers/ledger/warnings.h"

static void examine_all(struct sq_book *book, const struct sq_rule_table *rules,
			struct sq_findings *f)
{
	bool cause_at_work = sq_fact_cause_at_work(book, rules);

	sq_book_join(book, rules);
	for (int turn = 0; turn < SQ_RULE_TURNS; turn++) {
		for (size_t i = 0; i < rules->n; i++) {
			if (sq_rule_turn(&rules->v[i], cause_at_work) == turn)
				sq_book_examine(book, &rules->v[i], f);
		}
	}
	sq_book_close(book, f);
	for (size_t i = 0; i < rules->n; i++)
		sq_fact_note(book, &rules->v[i], f);
}

int sq_analyze(struct sq_run *run, struct sq_err *err)
{
	struct sq_rule_table rules;
	struct sq_book book;
	int rc = sq_rule_table_load(sq_rules_all(), &rules, err);

	if (rc != 0)
		return rc;
	sq_findings_fini(&run->findings);
	json_decref(run->rules);
	run->rules = json_incref((json_t *)sq_rules_told());
	book = sq_book_open(run);
	examine_all(&book, &rules, &run->findings);
	sq_correlate(&book, &rules, &run->findings);
	for (size_t i = 0; i < rules.n; i++) {
		sq_relay_examine(run, &rules.v[i], &run->findings);
		sq_fact_missed(run, &rules.v[i], &run->findings);
	}
	sq_book_fini(&book);
	sq_rule_table_fini(&rules);
	sq_warn(run);
	return 0;
}
