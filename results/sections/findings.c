/* "findings": which mechanism on which host explains how many failures of a kind, on what
 * evidence, and what to do about it. */
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "base/json.h"
#include "base/mem.h"
#include "results/draw.h"
#include "results/section.h"

enum { FINDINGS_SHOWN = 6, EVIDENCE_SHOWN = 3 };

static json_t *finding_json(const struct sq_finding *f)
{
	return json_pack("{s:s?, s:s?, s:I, s:s, s:s, s:I, s:I, s:o, s:s, s:o, s:s?, s:s?}", "load",
			 f->load, "failure", f->failure, "count", (json_int_t)f->count, "mechanism",
			 f->mechanism, "host", f->host ? f->host : "", "explained",
			 (json_int_t)f->explained, "unexplained", (json_int_t)f->unexplained,
			 "counter_excess", sq_draw_number(f->counter_excess), "confidence",
			 sq_confidence_name(f->confidence), "evidence",
			 f->evidence ? json_incref(f->evidence) : json_array(), "advice", f->advice,
			 "reference", f->reference);
}

static json_t *findings_json(const struct sq_run *run)
{
	json_t *rows = json_array();

	for (size_t i = 0; i < run->findings.n; i++)
		json_array_append_new(rows, finding_json(&run->findings.v[i]));
	return rows;
}

static bool same_cause(const json_t *a, const json_t *b)
{
	return strcmp(sq_draw_text(a, "mechanism"), sq_draw_text(b, "mechanism")) == 0 &&
	       strcmp(sq_draw_text(a, "host"), sq_draw_text(b, "host")) == 0;
}

/* What to do is said once for each cause, however many failures it explains. */
static bool advised_before(const json_t *findings, size_t at)
{
	for (size_t i = 0; i < at; i++)
		if (same_cause(json_array_get(findings, i), json_array_get(findings, at)))
			return true;
	return false;
}

static void draw_finding(const json_t *findings, size_t at, struct sq_buf *out, int width)
{
	const json_t *f = json_array_get(findings, at), *sentence;
	const json_t *evidence = json_object_get(f, "evidence");
	const char *load = sq_draw_text(f, "load"), *advice = sq_draw_text(f, "advice");
	json_int_t explained = json_integer_value(json_object_get(f, "explained"));
	char *text;
	size_t i;

	if (*load)
		text = sq_printf_dup("%lld %s of %s: %s on %s (%s)", explained,
				     sq_draw_text(f, "failure"), load, sq_draw_text(f, "mechanism"),
				     sq_draw_text(f, "host"), sq_draw_text(f, "confidence"));
	else
		text = sq_printf_dup("%lld of %lld %s: %s on %s (%s)", explained,
				     json_integer_value(json_object_get(f, "count")),
				     sq_draw_text(f, "failure"), sq_draw_text(f, "mechanism"),
				     sq_draw_text(f, "host"), sq_draw_text(f, "confidence"));
	sq_draw_wrap(out, width, "  ", text);
	free(text);
	json_array_foreach(evidence, i, sentence)
		if (i < EVIDENCE_SHOWN && json_is_string(sentence))
			sq_draw_wrap(out, width, "      ", json_string_value(sentence));
	if (*advice && !advised_before(findings, at))
		sq_draw_wrap(out, width, "    \u2192 ", advice);
}

static void findings_text(const json_t *report, struct sq_buf *out, int width)
{
	const json_t *findings = json_object_get(report, "findings");
	size_t n = json_array_size(findings);

	for (size_t i = 0; i < n && i < FINDINGS_SHOWN; i++)
		draw_finding(findings, i, out, width);
	if (n > FINDINGS_SHOWN)
		sq_buf_printf(out, "  and %zu more findings, in the report\n", n - FINDINGS_SHOWN);
}

const struct sq_section sq_section_findings = {
	.key = "findings",
	.order = 70,
	.schema = "{\"type\": \"array\", \"items\": {\"type\": \"object\","
		  " \"required\": [\"load\", \"failure\", \"count\", \"mechanism\", \"host\","
		  "  \"explained\", \"unexplained\", \"counter_excess\", \"confidence\","
		  "  \"evidence\", \"advice\", \"reference\"],"
		  " \"properties\": {\"load\": {\"type\": [\"string\", \"null\"]},"
		  "  \"failure\": {\"type\": [\"string\", \"null\"],"
		  "   \"description\": \"CODE@PHASE; without a load, what its host put off\"},"
		  "  \"count\": {\"type\": \"integer\","
		  "   \"description\": \"failures of that kind in that load, or on that host\"},"
		  "  \"mechanism\": {\"type\": \"string\"},"
		  "  \"host\": {\"type\": \"string\", \"description\": \"whose it is\"},"
		  "  \"explained\": {\"type\": \"integer\", \"description\": \"by this finding\"},"
		  "  \"unexplained\": {\"type\": \"integer\","
		  "   \"description\": \"by any finding: the same in all of one failure\"},"
		  "  \"counter_excess\": {\"type\": [\"number\", \"null\"],"
		  "   \"description\": \"by so much the counter rose beyond what failures and slow"
		  " successes pay for\"},"
		  "  \"confidence\": {\"enum\": [\"proved\", \"exact\", \"strong\", \"weak\"]},"
		  "  \"evidence\": {\"type\": \"array\", \"items\": {\"type\": \"string\"}},"
		  "  \"advice\": {\"type\": [\"string\", \"null\"]},"
		  "  \"reference\": {\"type\": [\"string\", \"null\"]}}}}",
	.json = findings_json,
	.text = findings_text,
};
