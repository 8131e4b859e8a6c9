/* "delivery": what became of the messages that servers took from the loads.  Null when no load makes
 * any; what arrived is null when no sink recorded it, which is not the same as nothing. */
#include <math.h>
#include <string.h>

#include "base/clock.h"
#include "base/json.h"
#include "base/mem.h"
#include "results/draw.h"
#include "results/section.h"

enum { REASONS_SHOWN = 3 };

/* What is known of the arrived (it needs receipts), and of the others (it needs relays' words). */
struct known {
	bool arrived, placed;
};

static json_t *number(bool known, uint64_t n)
{
	return known ? json_integer((json_int_t)n) : json_null();
}

static json_t *recipients_json(const struct sq_delivery_recipients *r, struct known known)
{
	return json_pack("{s:I, s:o, s:o, s:o, s:o, s:o, s:o, s:o}", "accepted",
			 (json_int_t)r->accepted, "delivered", number(known.arrived, r->delivered),
			 "undelivered", number(known.arrived, r->undelivered), "queued",
			 number(known.placed, r->queued), "deferred",
			 number(known.placed, r->deferred), "bounced",
			 number(known.placed, r->bounced), "lost", number(known.placed, r->lost),
			 "copies", number(known.arrived, r->copies));
}

static void set_sum(json_t *o, const struct sq_delivery_sum *s, struct known known)
{
	bool any = known.arrived && s->recipients.delivered + s->unaccepted > 0;

	json_object_set_new(o, "accepted", json_integer((json_int_t)s->accepted));
	json_object_set_new(o, "delivered", number(known.arrived, s->delivered));
	json_object_set_new(o, "undelivered", number(known.arrived, s->undelivered));
	json_object_set_new(o, "queued", number(known.placed, s->queued));
	json_object_set_new(o, "deferred", number(known.placed, s->deferred));
	json_object_set_new(o, "bounced", number(known.placed, s->bounced));
	json_object_set_new(o, "lost", number(known.placed, s->lost));
	json_object_set_new(o, "duplicated", number(known.arrived, s->duplicated));
	json_object_set_new(o, "corrupted", number(known.arrived, s->corrupted));
	json_object_set_new(o, "unchecked", number(known.arrived, s->unchecked));
	json_object_set_new(o, "unaccepted", number(known.arrived, s->unaccepted));
	json_object_set_new(o, "recipients", recipients_json(&s->recipients, known));
	json_object_set_new(o, "latency", sq_hist_summary(s->latency));
	json_object_set_new(o, "last_s", any ? json_real(sq_seconds(s->last_ns)) : json_null());
}

static json_t *load_json(const struct sq_delivery_load *l, struct known known)
{
	json_t *o = json_pack("{s:s}", "load", l->name), *none = json_array();

	set_sum(o, &l->sum, known);
	json_object_set_new(o, "examples",
			    json_pack("{s:O, s:O, s:O, s:O, s:O, s:O}", "undelivered",
				      l->undelivered, "queued", known.placed ? l->queued : none,
				      "bounced", known.placed ? l->bounced : none, "lost",
				      known.placed ? l->lost : none, "duplicated", l->duplicated,
				      "corrupted", l->corrupted));
	json_decref(none);
	return o;
}

static json_t *reasons_json(const struct sq_delivery *d, struct known known)
{
	json_t *rows = json_array();

	for (size_t i = 0; known.placed && i < d->n_reasons; i++) {
		const struct sq_delivery_reason *r = &d->reasons[i];

		json_array_append_new(rows, json_pack("{s:s, s:s, s:s, s:I}", "place", r->place,
						      "dsn", r->dsn, "reason", r->reason,
						      "recipients", (json_int_t)r->recipients));
	}
	return rows;
}

static json_t *files_json(const struct sq_delivery *d)
{
	json_t *rows = json_array();

	for (size_t i = 0; i < d->n_files; i++)
		json_array_append_new(rows,
				      json_pack("{s:s, s:I, s:I, s:b}", "file", d->files[i].path,
						"receipts", (json_int_t)d->files[i].receipts,
						"others", (json_int_t)d->files[i].others, "whole",
						d->files[i].whole));
	return rows;
}

static json_t *delivery_json(const struct sq_run *run)
{
	const struct sq_delivery *d = run->delivery;
	struct known known;
	json_t *o, *loads;

	if (!d)
		return json_null();
	known = (struct known){ .arrived = d->n_files > 0, .placed = !d->because };
	loads = json_array();
	for (size_t i = 0; i < d->n_loads; i++)
		json_array_append_new(loads, load_json(&d->loads[i], known));
	o = json_object();
	set_sum(o, &d->sum, known);
	json_object_set_new(o, "reasons", reasons_json(d, known));
	json_object_set_new(o, "drain_s", sq_json_real(d->drain_s));
	json_object_set_new(o, "because", d->because ? json_string(d->because) : json_null());
	json_object_set_new(o, "loads", loads);
	json_object_set_new(o, "receipts", files_json(d));
	return o;
}

static void add_count(struct sq_buf *b, const json_t *d, const char *key, bool always)
{
	const json_t *n = json_object_get(d, key);

	if (json_is_number(n) && (always || json_number_value(n) > 0))
		sq_buf_printf(b, ", %.0f %s", json_number_value(n), key);
}

static void add_latency(struct sq_buf *b, const json_t *latency)
{
	char p50[SQ_DRAW_DURATION], p99[SQ_DRAW_DURATION], max[SQ_DRAW_DURATION];

	if (!json_is_object(latency))
		return;
	sq_draw_seconds(p50, sq_draw_real(latency, "p50_s"));
	sq_draw_seconds(p99, sq_draw_real(latency, "p99_s"));
	sq_draw_seconds(max, sq_draw_real(latency, "max_s"));
	sq_buf_printf(b, "; from sending to delivery p50 %s, p99 %s, max %s", p50, p99, max);
}

/* " (4.3.0 refused by the host 40, ...)", of recipients that are there. */
static void add_reasons(struct sq_buf *b, const json_t *d, const char *place)
{
	const json_t *reasons = json_object_get(d, "reasons"), *r;
	size_t i, n = 0;

	json_array_foreach(reasons, i, r) {
		if (strcmp(sq_draw_text(r, "place"), place) != 0)
			continue;
		if (n++ < REASONS_SHOWN)
			sq_buf_printf(b, "%s%s%s%s %.0f", n == 1 ? " (" : ", ",
				      sq_draw_text(r, "dsn"), *sq_draw_text(r, "dsn") ? " " : "",
				      sq_draw_text(r, "reason"), sq_draw_real(r, "recipients"));
	}
	if (n > REASONS_SHOWN)
		sq_buf_printf(b, ", %zu other reasons", n - REASONS_SHOWN);
	if (n)
		sq_buf_puts(b, ")");
}

static void delivery_text(const json_t *report, struct sq_buf *out, int width)
{
	const json_t *d = json_object_get(report, "delivery");
	const char *because = sq_draw_text(d, "because");
	struct sq_buf b = { 0 };

	/* Who only asks what a server takes is not told that nobody looked further. */
	if (json_array_size(json_object_get(d, "receipts")) == 0)
		return;
	sq_buf_printf(&b, "%.0f accepted", sq_draw_real(d, "accepted"));
	add_count(&b, d, "delivered", true);
	add_count(&b, d, "queued", false);
	add_reasons(&b, d, "queued");
	add_count(&b, d, "bounced", false);
	add_reasons(&b, d, "bounced");
	add_count(&b, d, "lost", true);
	if (!json_is_number(json_object_get(d, "lost")))
		add_count(&b, d, "undelivered", false);
	add_count(&b, d, "duplicated", false);
	add_count(&b, d, "corrupted", false);
	add_count(&b, d, "unaccepted", false);
	add_latency(&b, json_object_get(d, "latency"));
	if (sq_draw_real(d, "drain_s") >= 1)
		sq_buf_printf(&b, "; all there %.1f s after the last was due",
			      sq_draw_real(d, "drain_s"));
	if (*because)
		sq_buf_printf(&b, " (%s)", because);
	sq_draw_wrap(out, width, "delivery: ", b.data);
	sq_buf_fini(&b);
}

#define NUMBER "{\"type\": [\"integer\", \"null\"]}"
#define SUM                                                                                   \
	"\"accepted\": {\"type\": \"integer\", \"description\": \"messages, as all below\"}," \
	" \"delivered\": " NUMBER ", \"undelivered\": " NUMBER ", \"queued\": " NUMBER ","    \
	" \"deferred\": {\"type\": [\"integer\", \"null\"], \"description\":"                 \
	"  \"of the queued: a relay has tried\"},"                                            \
	" \"bounced\": " NUMBER ", \"lost\": " NUMBER ", \"duplicated\": " NUMBER ","         \
	" \"corrupted\": " NUMBER ", \"unchecked\": " NUMBER ","                              \
	" \"unaccepted\": {\"type\": [\"integer\", \"null\"], \"description\":"               \
	"  \"arrived, though the load was never told that they were taken\"},"                \
	" \"recipients\": {\"type\": \"object\", \"properties\": {\"accepted\": " NUMBER ","  \
	"  \"delivered\": " NUMBER ", \"undelivered\": " NUMBER ", \"queued\": " NUMBER ","   \
	"  \"deferred\": " NUMBER ", \"bounced\": " NUMBER ", \"lost\": " NUMBER ","          \
	"  \"copies\": " NUMBER "}},"                                                         \
	" \"latency\": {\"$ref\": \"#/definitions/latency\"},"                                \
	" \"last_s\": {\"$ref\": \"#/definitions/seconds\"}"
#define NAMES "{\"type\": \"array\", \"maxItems\": 20, \"items\": {\"type\": \"string\"}}"

const struct sq_section sq_section_delivery = {
	.key = "delivery",
	.order = 45,
	.schema =
		"{\"type\": [\"object\", \"null\"],"
		" \"description\": \"accepted == delivered + undelivered, in messages and in"
		" recipients; undelivered == queued + bounced + lost, in both; a message of which one"
		" recipient is lost is lost; null: not known\","
		" \"required\": [\"accepted\", \"delivered\", \"undelivered\", \"queued\","
		"  \"bounced\", \"lost\", \"duplicated\", \"corrupted\", \"unaccepted\","
		"  \"recipients\", \"latency\", \"because\", \"loads\", \"receipts\"],"
		" \"properties\": {" SUM ", \"reasons\": {\"type\": \"array\","
		"   \"description\": \"why recipients are queued or bounced, by their relay's log\","
		"   \"items\": {\"type\": \"object\", \"properties\": {"
		"    \"place\": {\"enum\": [\"queued\", \"bounced\"]},"
		"    \"dsn\": {\"type\": \"string\"}, \"reason\": {\"type\": \"string\"},"
		"    \"recipients\": {\"type\": \"integer\"}}}},"
		"  \"drain_s\": {\"$ref\": \"#/definitions/seconds\","
		"   \"description\": \"from when the last one was due until all had arrived\"},"
		" \"because\": {\"type\": [\"string\", \"null\"]},"
		"  \"loads\": {\"type\": \"array\", \"items\": {\"type\": \"object\","
		"   \"required\": [\"load\"], \"properties\": {\"load\": {\"type\": \"string\"}, "
		"" SUM ", \"examples\": {\"type\": \"object\", \"properties\": {"
		"    \"undelivered\": " NAMES ", \"queued\": " NAMES ", \"bounced\": " NAMES ","
		"    \"lost\": " NAMES ", \"duplicated\": " NAMES ","
		"    \"corrupted\": " NAMES "}}}}},"
		"  \"receipts\": {\"type\": \"array\", \"items\": {\"type\": \"object\","
		"   \"properties\": {\"file\": {\"type\": \"string\"},"
		"    \"receipts\": {\"type\": \"integer\"}, \"others\": {\"type\": \"integer\"},"
		"    \"whole\": {\"type\": \"boolean\"}}}}}}",
	.json = delivery_json,
	.text = delivery_text,
};
