#include "analyzers/ledger/placeholder.h"

#include <ctype.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/mem.h"
#include "base/value.h"
#include "scenarios/plan.h"

static const char unknown[] = "not known";

static void put_text(struct sq_buf *out, const char *text)
{
	sq_buf_puts(out, text ? text : unknown);
}

static void put_number(struct sq_buf *out, double value)
{
	if (isnan(value))
		put_text(out, NULL);
	else
		sq_buf_printf(out, value == floor(value) || value >= 100 ? "%.0f" : "%.3g", value);
}

/* "net.ipv4.tcp_mem", or "net.ipv4.tcp_mem#3": the third of its words. */
static void put_sysctl(const struct sq_topic *p, const char *name, struct sq_buf *out)
{
	size_t len = strcspn(name, "#");
	char *sysctl = sq_printf_dup("%.*s", (int)len, name);
	const char *value = sq_run_sysctl(p->run, p->host, sysctl);
	long nth = name[len] ? strtol(name + len + 1, NULL, 10) : 0;

	free(sysctl);
	for (long i = 1; value && i < nth; i++) {
		value += strcspn(value, " \t");
		value += strspn(value, " \t");
	}
	if (value && nth > 0)
		sq_buf_add(out, value, strcspn(value, " \t"));
	else
		put_text(out, value);
}

/* The largest that was seen, of the row when the sentence is about one, or of the one that is named:
 * "bsd.pool.Hiwat[mclpl]". */
static double gauge_peak(const struct sq_topic *p, const char *name)
{
	size_t len = strcspn(name, "[");
	char *metric = sq_printf_dup("%.*s", (int)len, name);
	char *named =
		name[len] ? sq_printf_dup("%.*s", (int)strcspn(name + len + 1, "]"), name + len + 1)
			  : NULL;
	const char *row = named ? named : p->row;
	double most = NAN;

	for (size_t i = 0; i < p->run->n_metrics; i++) {
		const struct sq_metric_rec *m = &p->run->metrics[i];

		if (strcmp(m->metric, metric) == 0 && strcmp(m->host, p->host) == 0 &&
		    (!row || !m->instance || strcmp(m->instance, row) == 0) &&
		    (isnan(most) || m->max > most))
			most = m->max;
	}
	free(metric);
	free(named);
	return most;
}

static void put_gauge(const struct sq_topic *p, const char *name, struct sq_buf *out)
{
	put_number(out, gauge_peak(p, name));
}

static const struct sq_metric_rec *metric_of(const struct sq_topic *p, const char *name)
{
	return sq_run_find_metric(p->run, p->host, name, NULL);
}

/* The largest that a gauge would have been, had what a counter counted in the second before stayed: what a
 * limit takes away is not seen in the gauge. */
static double uncut_peak(const struct sq_topic *p, const char *gauge, const char *counter)
{
	const struct sq_metric_rec *g = metric_of(p, gauge), *c = metric_of(p, counter);
	size_t second = (size_t)(SQ_SEC / p->run->axis.bin_ns);
	double most = gauge_peak(p, gauge);

	for (size_t i = 0; g && c && i < p->run->axis.n; i++) {
		size_t from = i > second ? i - second : 0;

		/* Next to a gap it is NAN, which is no more than anything. */
		most = fmax(most, g->samples[i] + c->samples[i] - c->samples[from]);
	}
	return most;
}

/* "4:sockstat.TCP.orphan": four times the largest that was seen, rounded up to two digits;
 * "4:sockstat.TCP.orphan+TcpExt.TCPAbortOnMemory" as if none of these had been taken away. */
static void put_times(const struct sq_topic *p, const char *name, struct sq_buf *out)
{
	char *rest;
	double times = strtod(name, &rest);
	char *gauge = sq_strdup(*rest ? rest + 1 : rest), *plus = strchr(gauge, '+');
	double product, step;

	if (plus)
		*plus++ = '\0';
	product = times * (plus ? uncut_peak(p, gauge, plus) : gauge_peak(p, gauge));
	step = product >= 100 ? pow(10, floor(log10(product)) - 1) : 1;
	put_number(out, ceil(product / step) * step);
	free(gauge);
}

static void put_counter(const struct sq_topic *p, const char *name, struct sq_buf *out)
{
	put_number(out, sq_frame_delta(p->run, p->host, name));
}

/* Over all hosts: what one of a pair counts of the other. */
static void put_total(const struct sq_topic *p, const char *name, struct sq_buf *out)
{
	put_number(out, sq_frame_delta(p->run, NULL, name));
}

static void put_value(const struct sq_topic *p, const char *name, struct sq_buf *out)
{
	(void)name;
	put_number(out, p->value);
}

static void put_limit(const struct sq_topic *p, const char *name, struct sq_buf *out)
{
	(void)name;
	put_number(out, p->limit);
}

/* How many ports a socket that names none may get. */
static void put_ports(const struct sq_topic *p, const char *name, struct sq_buf *out)
{
	const char *range = sq_run_sysctl(p->run, p->host, "net.ipv4.ip_local_port_range");

	(void)name;
	put_number(out, range ? sq_port_range_size(range) : NAN);
}

/* How many descriptors a process of the host may have. */
static void put_nofile(const struct sq_topic *p, const char *name, struct sq_buf *out)
{
	const json_t *nofile =
		json_object_get(json_object_get(p->run->environment, p->host), "nofile");

	(void)name;
	put_number(out, nofile ? (double)json_integer_value(nofile) : NAN);
}

/* "50": so much for each processor of the host. */
static void put_processors(const struct sq_topic *p, const char *name, struct sq_buf *out)
{
	const json_t *cpus = json_object_get(json_object_get(p->run->environment, p->host), "cpus");

	put_number(out, cpus ? strtod(name, NULL) * (double)json_integer_value(cpus) : NAN);
}

/* How late the load's operations were started, at most. */
static void put_lag(const struct sq_topic *p, const char *name, struct sq_buf *out)
{
	char text[64];
	int64_t lag;

	(void)name;
	if (!p->load || !p->load->lag) {
		put_text(out, NULL);
		return;
	}
	lag = sq_hist_max(p->load->lag);
	sq_format_duration(text, sizeof(text), lag - lag % (lag < SQ_MS ? SQ_US : SQ_MS));
	sq_buf_puts(out, text);
}

/* What the load's threads used of the processors' time that they could have had. */
static void put_cpu(const struct sq_topic *p, const char *name, struct sq_buf *out)
{
	const struct sq_load_rec *load = p->load;

	(void)name;
	if (!load || isnan(load->cpu_s) || load->duration_ns <= 0)
		put_text(out, NULL);
	else
		sq_buf_printf(out, "%.0f %%",
			      100 * load->cpu_s / (sq_seconds(load->duration_ns) * load->threads));
}

/* "tbf, 400kbit, limit 6000 bytes" */
static void put_qdisc(const struct sq_topic *p, const char *name, struct sq_buf *out)
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

static void put_host(const struct sq_topic *p, const char *name, struct sq_buf *out)
{
	(void)name;
	put_text(out, p->host);
}

static void put_row(const struct sq_topic *p, const char *name, struct sq_buf *out)
{
	(void)name;
	if (p->row)
		sq_buf_printf(out, " %s", p->row);
}

static void put_source(const struct sq_topic *p, const char *name, struct sq_buf *out)
{
	(void)name;
	put_text(out, p->load ? p->load->source : NULL);
}

static void put_target(const struct sq_topic *p, const char *name, struct sq_buf *out)
{
	(void)name;
	for (size_t i = 0; p->load && i < p->load->n_targets; i++)
		sq_buf_printf(out, "%s%s", i ? ", " : "", sq_frame_address(&p->load->targets[i]));
}

static void put_backlog(const struct sq_topic *p, const char *name, struct sq_buf *out)
{
	(void)name;
	if (p->listener && p->listener->instance && p->listener->backlog > 0)
		sq_buf_printf(out, "%g", p->listener->backlog);
	else
		put_text(out, NULL);
}

static void put_needed(const struct sq_topic *p, const char *name, struct sq_buf *out)
{
	(void)name;
	if (!isnan(p->needed))
		sq_buf_printf(out, " (%g would have held the worst second here)", p->needed);
}

static const struct {
	const char *word; /* with a colon: takes a name */
	void (*put)(const struct sq_topic *p, const char *name, struct sq_buf *out);
} words[] = {
	{ "host", put_host },     { "row", put_row },       { "sysctl:", put_sysctl },
	{ "gauge:", put_gauge },  { "times:", put_times },  { "counter:", put_counter },
	{ "total:", put_total },  { "value", put_value },   { "limit", put_limit },
	{ "ports", put_ports },   { "nofile", put_nofile }, { "processors:", put_processors },
	{ "lag", put_lag },       { "cpu", put_cpu },       { "qdisc", put_qdisc },
	{ "source", put_source }, { "target", put_target }, { "backlog", put_backlog },
	{ "needed", put_needed },
};

static void put_word(const struct sq_topic *p, const char *text, size_t len, struct sq_buf *out)
{
	char *name = sq_printf_dup("%.*s", (int)len, text), *colon = strchr(name, ':');
	size_t head = colon ? (size_t)(colon - name) + 1 : len;

	for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++)
		if (strlen(words[i].word) == head && memcmp(words[i].word, name, head) == 0)
			words[i].put(p, name + head, out);
	free(name);
}

void sq_topic_expand(const struct sq_topic *p, const char *text, struct sq_buf *out)
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

static bool stands(const struct sq_topic *p, const struct sq_rule_setting *setting)
{
	const char *value = sq_run_sysctl(p->run, p->host, setting->sysctl);
	struct sq_buf b = { 0 };
	bool fits = false;

	if (!value)
		return false;
	sq_topic_expand(p, setting->is ? setting->is : setting->above, &b);
	if (setting->is) {
		fits = strcmp(value, b.data) == 0;
	} else if (isdigit((unsigned char)b.data[0])) { /* else it is not known */
		fits = strtod(value, NULL) > strtod(b.data, NULL);
	}
	sq_buf_fini(&b);
	return fits;
}

static void say(const struct sq_topic *p, const char *text, json_t *evidence)
{
	struct sq_buf b = { 0 };

	sq_topic_expand(p, text, &b);
	json_array_append_new(evidence, json_string(b.data));
	sq_buf_fini(&b);
}

/* What nobody read needs no sentence. */
static void say_known(const struct sq_topic *p, const char *text, json_t *evidence)
{
	struct sq_buf b = { 0 };

	sq_topic_expand(p, text, &b);
	if (!strstr(b.data, unknown))
		json_array_append_new(evidence, json_string(b.data));
	sq_buf_fini(&b);
}

void sq_topic_evidence(const struct sq_topic *p, const struct sq_rule *rule, json_t *evidence)
{
	const struct sq_rule_setting *settings = rule->settings.v;

	for (size_t i = 0; i < rule->evidence.n; i++)
		say_known(p, rule->evidence.v[i], evidence);
	for (size_t i = 0; i < rule->settings.n; i++) {
		if (stands(p, &settings[i]))
			say(p, settings[i].text, evidence);
	}
}
