/* From a run record to its findings: every mechanism in turn, over one ledger; then what
 * no client saw. */
#include "analyzers/analyze.h"

#include "analyzers/correlate.h"
#include "analyzers/ledger.h"
#include "analyzers/ledger_relay.h"
#include "analyzers/rules_own.h"
#include "analyzers/warnings.h"

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
	sq_book_join(&book, &rules);
	for (size_t i = 0; i < rules.n; i++)
		sq_book_examine(&book, &rules.v[i], &run->findings);
	sq_book_close(&book, &run->findings);
	sq_correlate(&book, &rules, &run->findings);
	for (size_t i = 0; i < rules.n; i++)
		sq_relay_examine(run, &rules.v[i], &run->findings);
	sq_book_fini(&book);
	sq_rule_table_fini(&rules);
	sq_warn(run);
	return 0;
}
