/* Two runs, or two sets of runs, side by side: what was set differently, what came out differently. */
#ifndef SQ_RESULTS_COMPARE_H
#define SQ_RESULTS_COMPARE_H

#include <stdbool.h>
#include <stddef.h>

#include <jansson.h>

#include "base/buf.h"
#include "results/verdict.h"

/* One side: reports (run.json), at least one, borrowed; label: "runs/a". */
struct sq_side_reports {
	const char *label;
	const json_t *const *v;
	size_t n;
};

/* The comparison as `squall compare` writes it:
 *   {schema: "squall-compare/1", a: {label, runs: [id]}, b: {..},
 *    settings: [{what, a, b}],                       of the first reports; null: not there
 *    measures: [{metric, a, b, difference}],          medians; difference is relative, of shares itself
 *    failures: [{load, failure, a, b}],               means over the runs of a side; null: none has it
 *    findings: [{load, failure, mechanism, host, a, b}],   explained, likewise
 *    verdicts: [..] (results/verdict.h), notes: [text]}
 * The i-th run of one side is paired with the i-th of the other; what is beyond has no pair.  One pair
 * is judged by nobody: verdicts is then empty, and a note says so.  gates: the measures that are judged; NULL: those of
 * sq_report_measures. */
json_t *sq_compare(const struct sq_side_reports *a, const struct sq_side_reports *b,
		   const json_t *gates, const struct sq_judging *how);

json_t *sq_compare_schema(void); /* JSON Schema (draft-07) */

/* The same for people, and as Markdown. */
void sq_compare_text(const json_t *comparison, struct sq_buf *out);
void sq_compare_markdown(const json_t *comparison, struct sq_buf *out);
/* Verdicts and notes alone, a line each. */
void sq_compare_lines(const json_t *verdicts, const json_t *notes, bool markdown,
		      struct sq_buf *out);
/* JUnit's XML: each verdict is a test case that failed when it is worse, and is skipped when undecided.  error: why there
 * are none, a case of its own, since readers take a file without cases for one that passed; or NULL.  seconds: how long
 * all the runs took, of which each case has its part. */
void sq_compare_junit(const json_t *verdicts, const json_t *notes, const char *error,
		      const char *suite, double seconds, struct sq_buf *out);

#endif
