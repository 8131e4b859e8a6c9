#include "analyzers/placeholder.h"

#include <ctype.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/value.h"

static const char unknown[] = "not known";

static void put_text(struct sq_buf *out, const char *text)
{
	sq_buf_puts(out, text ? text : unknown);
}

static void put_sysctl(const struct sq_place *p, const char *name, struct sq_buf *out)
{
	put_text(out, sq_run_sysctl(p->run, p->host, name));
}

/* The largest that was seen, of the row when the sentence is about one. */
static void put_gauge(const struct sq_place *p, const char *name, struct sq_buf *out)
{
	double most = NAN;

	for (size_t i = 0; i < p->run->n_metrics; i++) {
		const struct sq_metric_rec *m = &p->run->metrics[i];

		if (strcmp(m->metric, name) == 0 && strcmp(m->host, p->host) == 0 &&
		    (!p->row || !m->instance || strcmp(m->instance, p->row) == 0) &&
		    (isnan(most) || m->max > most))
			most = m->max;
	}
	if (isnan(most))
		put_text(out, NULL);
	else
		sq_buf_printf(out, "%.0f", most);
}

static void put_counter(const struct sq_place *p, const char *name, struct sq_buf *out)
{
	double rise = sq_frame_delta(p->run, p->host, name);

	if (isnan(rise))
		put_text(out, NULL);
	else
		sq_buf_printf(out, "%.0f", rise);
}

/* "tbf, 400kbit, limit 6000 bytes" */
static void put_qdisc(const struct sq_place *p, const char *name, struct sq_buf *out)
{
	const json_t *env = json_object_get(p->run->environment, p->host), *q;
	size_t i;

	(void)name;
	json_array_foreach(json_object_get(env, "qdiscs"), i, q) {
		const char *device = json_string_value(json_object_get(q, "device"));
		json_int_t rate = json_integer_value(json_object_get(q, "rate_bit_per_s"));
		json_int_t limit = json_integer_value(json_object_get(q, "limit_bytes"));
		char text[64];

		if (!device || (p->row && strcmp(device, p->row) != 0))
			continue;
		put_text(out, json_string_value(json_object_get(q, "kind")));
		if (rate > 0) {
			sq_format_bitrate(text, sizeof(text), rate);
			sq_buf_printf(out, ", %s", text);
		}
		if (limit > 0)
			sq_buf_printf(out, ", limit %lld bytes", (long long)limit);
		return;
	}
	put_text(out, NULL);
}

static void put_host(const struct sq_place *p, const char *name, struct sq_buf *out)
{
	(void)name;
	put_text(out, p->host);
}

static void put_row(const struct sq_place *p, const char *name, struct sq_buf *out)
{
	(void)name;
	if (p->row)
		sq_buf_printf(out, " %s", p->row);
}

static void put_source(const struct sq_place *p, const char *name, struct sq_buf *out)
{
	(void)name;
	put_text(out, p->load->source);
}

static void put_target(const struct sq_place *p, const char *name, struct sq_buf *out)
{
	(void)name;
	for (size_t i = 0; i < p->load->n_targets; i++)
		sq_buf_printf(out, "%s%s", i ? ", " : "", sq_frame_address(&p->load->targets[i]));
}

static void put_backlog(const struct sq_place *p, const char *name, struct sq_buf *out)
{
	(void)name;
	if (p->listener && p->listener->instance && p->listener->backlog > 0)
		sq_buf_printf(out, "%g", p->listener->backlog);
	else
		put_text(out, NULL);
}

static void put_needed(const struct sq_place *p, const char *name, struct sq_buf *out)
{
	(void)name;
	if (!isnan(p->needed))
		sq_buf_printf(out, " (%g would have held the worst second here)", p->needed);
}

static const struct {
	const char *word; /* with a colon: takes a name */
	void (*put)(const struct sq_place *p, const char *name, struct sq_buf *out);
} words[] = {
	{ "host", put_host },     { "row", put_row },          { "sysctl:", put_sysctl },
	{ "gauge:", put_gauge },  { "counter:", put_counter }, { "qdisc", put_qdisc },
	{ "source", put_source }, { "target", put_target },    { "backlog", put_backlog },
	{ "needed", put_needed },
};

static void put_word(const struct sq_place *p, const char *text, size_t len, struct sq_buf *out)
{
	char *name = sq_printf_dup("%.*s", (int)len, text), *colon = strchr(name, ':');
	size_t head = colon ? (size_t)(colon - name) + 1 : len;

	for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++)
		if (strlen(words[i].word) == head && memcmp(words[i].word, name, head) == 0)
			words[i].put(p, name + head, out);
	free(name);
}

void sq_place_expand(const struct sq_place *p, const char *text, struct sq_buf *out)
{
	for (const char *open; (open = strchr(text, '{'));) {
		size_t len = strcspn(open + 1, "}");

		sq_buf_add(out, text, (size_t)(open - text));
		put_word(p, open + 1, len, out);
		text = open + 1 + len;
		text += *text == '}';
	}
	sq_buf_puts(out, text);
}

static bool stands(const struct sq_place *p, const struct sq_rule_setting *setting)
{
	const char *value = sq_run_sysctl(p->run, p->host, setting->sysctl);
	struct sq_buf b = { 0 };
	bool fits = false;

	if (!value)
		return false;
	sq_place_expand(p, setting->is ? setting->is : setting->above, &b);
	if (setting->is) {
		fits = strcmp(value, b.data) == 0;
	} else if (isdigit((unsigned char)b.data[0])) { /* else it is not known */
		fits = strtod(value, NULL) > strtod(b.data, NULL);
	}
	sq_buf_fini(&b);
	return fits;
}

void sq_place_settings(const struct sq_place *p, const struct sq_rule *rule, json_t *evidence)
{
	const struct sq_rule_setting *settings = rule->settings.v;
	struct sq_buf b = { 0 };

	for (size_t i = 0; i < rule->settings.n; i++) {
		if (!stands(p, &settings[i]))
			continue;
		sq_place_expand(p, settings[i].text, &b);
		json_array_append_new(evidence, json_string(b.data));
		sq_buf_reset(&b);
	}
	sq_buf_fini(&b);
}
