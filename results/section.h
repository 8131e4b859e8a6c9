/* A section of the report: one file of results/sections that ends in one table.  Its JSON is
 * drawn from the run record; every other format is drawn from that JSON alone. */
#ifndef SQ_RESULTS_SECTION_H
#define SQ_RESULTS_SECTION_H

#include <jansson.h>

#include "base/buf.h"
#include "results/run.h"

struct sq_section {
	const char *key;    /* the key in run.json */
	int order;          /* the place in run.json and in the summary */
	const char *schema; /* the JSON Schema (draft-07) of its value, as text */
	json_t *(*json)(const struct sq_run *run); /* new reference */
	/* The section's part of the terminal summary, from the JSON of the whole report; NULL: none.
	 * width: columns of the terminal. */
	void (*text)(const json_t *report, struct sq_buf *out, int width);
};

/* Generated from the folder; NULL-terminated, any order. */
extern const struct sq_section *const sq_sections[];

/* results/report.c: the whole report, its schema, its summary. */
json_t *sq_report_json(const struct sq_run *run);
json_t *sq_report_schema(void);
void sq_report_text(const json_t *report, struct sq_buf *out, int width);

#endif
