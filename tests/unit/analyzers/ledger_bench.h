/* Run records made in memory: what a kernel would have counted, with the reading's jitter, and what
 * the account then says. */
#ifndef SQ_TESTS_LEDGER_BENCH_H
#define SQ_TESTS_LEDGER_BENCH_H

#include <ctype.h>
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "analyzers/analyze.h"
#include "base/clock.h"
#include "base/mem.h"
#include "base/rng.h"

/* Why a mechanism was not examined; NULL: it was, or had nothing to explain. */
static inline const char *not_examined(const struct sq_run *run, const char *mechanism)
{
	for (size_t i = 0; i < run->findings.n_not_examined; i++) {
		if (strcmp(run->findings.not_examined[i].mechanism, mechanism) == 0)
			return run->findings.not_examined[i].because;
	}
	return NULL;
}

/* A run of `n` bins of 100 ms that begins half a second before t0. */
static inline struct sq_run *new_run(size_t n)
{
	struct sq_run *run = sq_alloc(sizeof(*run));

	run->axis = (struct sq_axis){ .bin_ns = 100 * SQ_MS, .first_bin = -5, .n = n };
	run->outcome = sq_strdup("completed");
	run->links = json_array();
	run->absent = json_array();
	run->environment = json_object();
	return run;
}

static inline void set_sysctl(struct sq_run *run, const char *host, const char *name,
			      const char *value)
{
	json_t *env = json_object_get(run->environment, host);
	json_t *sysctls;

	if (!env) {
		env = json_object();
		json_object_set_new(env, "sysctls", json_object());
		json_object_set_new(run->environment, host, env);
	}
	sysctls = json_object_get(env, "sysctls");
	json_object_set_new(sysctls, name, json_string(value));
}

/* Client with today's SYN schedule; a server that drops in silence. */
static inline void usual_sysctls(struct sq_run *run)
{
	set_sysctl(run, "client", "net.ipv4.tcp_syn_retries", "6");
	set_sysctl(run, "client", "net.ipv4.tcp_syn_linear_timeouts", "4");
	set_sysctl(run, "server", "net.ipv4.tcp_abort_on_overflow", "0");
	set_sysctl(run, "server", "net.core.somaxconn", "128");
}

static inline struct sq_load_rec *add_load(struct sq_run *run, const char *name, const char *target,
					   int64_t timeout_ns)
{
	struct sq_load_rec *load;

	run->loads = sq_realloc_n(run->loads, run->n_loads + 1, sizeof(*run->loads));
	load = &run->loads[run->n_loads++];
	memset(load, 0, sizeof(*load));
	load->name = sq_strdup(name);
	load->driver = sq_strdup("tcp");
	load->targets = sq_alloc_n(1, sizeof(*load->targets));
	load->n_targets = 1;
	load->targets[0].target = sq_strdup(target);
	load->from = sq_strdup("client");
	load->targets[0].server = sq_printf_dup("%.*s", (int)strcspn(target, ":"), target);
	load->threads = 1;
	load->duration_ns = SQ_SEC;
	load->timeout_ns = timeout_ns;
	load->efforts = sq_alloc_n(2, sizeof(*load->efforts));
	load->efforts[0] = sq_strdup("syn_retrans");
	load->efforts[1] = sq_strdup("lost_segs");
	load->n_efforts = 2;
	load->scheduled_series = sq_alloc_n(run->axis.n, sizeof(uint64_t));
	load->lag_max_s = sq_alloc_n(run->axis.n, sizeof(double));
	load->bin_latency = sq_alloc_n(run->axis.n, sizeof(struct sq_hist *));
	load->lag = sq_hist_new(SQ_HIST_FINE);
	return load;
}

static inline struct sq_outcome_rec *outcome_of(struct sq_run *run, struct sq_load_rec *load,
						const char *code, const char *phase,
						enum sq_class class)
{
	struct sq_outcome_rec *o;

	for (size_t i = 0; i < load->n_outcomes; i++) {
		if (strcmp(load->outcomes[i].code, code) == 0 &&
		    strcmp(load->outcomes[i].phase, phase) == 0)
			return &load->outcomes[i];
	}
	load->outcomes =
		sq_realloc_n(load->outcomes, load->n_outcomes + 1, sizeof(*load->outcomes));
	o = &load->outcomes[load->n_outcomes++];
	memset(o, 0, sizeof(*o));
	o->code = sq_strdup(code);
	o->phase = sq_strdup(phase);
	o->class = class;
	o->first_ns = INT64_MAX;
	o->last_ns = INT64_MIN;
	o->series = sq_alloc_n(run->axis.n, sizeof(uint64_t));
	o->effort_series[0] = sq_alloc_n(run->axis.n, sizeof(double));
	o->effort_series[1] = sq_alloc_n(run->axis.n, sizeof(double));
	o->exemplars = json_array();
	return o;
}

/* n operations due at t that ended so, and cost so much each. */
static inline void happen(struct sq_run *run, struct sq_load_rec *load, const char *code,
			  const char *phase, enum sq_class class, int64_t t_ns, uint64_t n,
			  double syns, double segs)
{
	struct sq_outcome_rec *o = outcome_of(run, load, code, phase, class);
	size_t bin = (size_t)(t_ns / run->axis.bin_ns - run->axis.first_bin);

	assert_true(bin < run->axis.n);
	o->count += n;
	o->series[bin] += n;
	o->effort_series[0][bin] += syns * (double)n;
	o->effort_series[1][bin] += segs * (double)n;
	o->effort[0] += (uint64_t)llround(syns * (double)n);
	o->effort[1] += (uint64_t)llround(segs * (double)n);
	o->first_ns = t_ns < o->first_ns ? t_ns : o->first_ns;
	o->last_ns = t_ns > o->last_ns ? t_ns : o->last_ns;
	load->scheduled += n;
	load->scheduled_series[bin] += n;
}

static inline struct sq_metric_rec *add_metric(struct sq_run *run, const char *host,
					       const char *metric, const char *instance,
					       enum sq_metric_kind kind)
{
	struct sq_metric_rec *m;

	run->metrics = sq_realloc_n(run->metrics, run->n_metrics + 1, sizeof(*run->metrics));
	m = &run->metrics[run->n_metrics++];
	memset(m, 0, sizeof(*m));
	m->host = sq_strdup(host);
	m->source = islower((unsigned char)metric[0])
			    ? sq_printf_dup("%.*s", (int)strcspn(metric, "."), metric)
			    : sq_strdup("netstat");
	m->metric = sq_strdup(metric);
	m->instance = sq_strdup(instance);
	m->unit = sq_strdup("");
	m->kind = kind;
	m->samples = sq_alloc_n(run->axis.n, sizeof(double));
	return m;
}

/* The times at which a counter rose; add_counter turns them into readings. */
struct rises {
	int64_t t_ns[8192];
	size_t n;
	struct sq_rng rng;
	int64_t jitter_ns;
};

static struct rises rises;

static inline void no_rises(uint64_t seed, int64_t jitter_ns)
{
	rises.n = 0;
	rises.jitter_ns = jitter_ns;
	sq_rng_init(&rises.rng, seed, 0);
}

static inline void rise(int64_t t_ns, uint64_t n)
{
	for (uint64_t i = 0; i < n; i++) {
		int64_t late = rises.jitter_ns ? (int64_t)sq_rng_below(&rises.rng,
								       (uint64_t)rises.jitter_ns)
					       : 0;

		assert_true(rises.n < sizeof(rises.t_ns) / sizeof(rises.t_ns[0]));
		rises.t_ns[rises.n++] = t_ns + late;
	}
}

/* Dropped SYNs of n connects due at t. */
static inline void rise_syns(int64_t t_ns, uint64_t n, unsigned syns)
{
	for (unsigned k = 0; k < syns; k++)
		rise(t_ns + (int64_t)k * (SQ_SEC + 28 * SQ_MS), n);
}

/* A reading in each `every`-th bin, at some moment of it. */
static inline void add_row(struct sq_run *run, const char *host, const char *metric,
			   const char *instance, size_t every)
{
	struct sq_metric_rec *m = add_metric(run, host, metric, instance, SQ_COUNTER);

	for (size_t i = 0; i < run->axis.n; i++) {
		int64_t bin_ns = (run->axis.first_bin + (int64_t)i) * run->axis.bin_ns;
		int64_t at_ns = bin_ns + (int64_t)sq_rng_below(&rises.rng, 90 * SQ_MS);

		m->samples[i] = 0;
		for (size_t j = 0; j < rises.n; j++)
			m->samples[i] += rises.t_ns[j] < at_ns;
		m->last = m->delta = m->max = m->samples[i];
		if (i % every != 0 && i + 1 < run->axis.n)
			m->samples[i] = NAN;
	}
}

static inline void add_counter(struct sq_run *run, const char *host, const char *metric,
			       size_t every)
{
	add_row(run, host, metric, NULL, every);
}

/* A listener whose queue stands at `queue` from a time on for a while. */
static inline void add_listener(struct sq_run *run, const char *instance, double backlog,
				double queue, int64_t from_ns, int64_t to_ns)
{
	struct sq_metric_rec *m = add_metric(run, "server", "listen.queue", instance, SQ_GAUGE);

	for (size_t i = 0; i < run->axis.n; i++) {
		int64_t at_ns = (run->axis.first_bin + (int64_t)i) * run->axis.bin_ns;

		m->samples[i] = at_ns >= from_ns && at_ns < to_ns ? queue : 0;
	}
	m->max = queue;
	m = add_metric(run, "server", "listen.backlog", instance, SQ_GAUGE);
	for (size_t i = 0; i < run->axis.n; i++)
		m->samples[i] = backlog;
	m->max = m->first = m->last = backlog;
}

/* Analyzes, and checks what must hold of every record whatever happened in it. */
static inline void analyze(struct sq_run *run)
{
	struct sq_err err = { 0 };
	struct sq_findings *f = &run->findings;

	if (sq_analyze(run, &err) != 0)
		fail_msg("%s: %s", err.where, err.text);
	for (size_t i = 0; i < f->n_accounts; i++) {
		const struct sq_account *a = &f->accounts[i];
		uint64_t explained = 0;

		for (size_t j = 0; j < f->n; j++) {
			if (!sq_same_text(f->v[j].load, a->load) ||
			    strcmp(f->v[j].failure, a->failure) != 0)
				continue;
			explained += f->v[j].explained;
			assert_true(f->v[j].explained > 0);
			assert_int_equal(f->v[j].unexplained, a->unexplained);
			assert_int_equal(f->v[j].count, a->count);
			assert_true(json_array_size(f->v[j].evidence) > 0);
			assert_true(f->v[j].counter_excess >= 0);
		}
		assert_int_equal(explained, a->explained);
		assert_int_equal(a->explained + a->unexplained, a->count);
	}
}

static inline const struct sq_account *account(const struct sq_run *run, const char *load,
					       const char *failure)
{
	for (size_t i = 0; i < run->findings.n_accounts; i++) {
		const struct sq_account *a = &run->findings.accounts[i];

		if (strcmp(a->load, load) == 0 && strcmp(a->failure, failure) == 0)
			return a;
	}
	fail_msg("no account of %s of %s", failure, load);
	return NULL;
}

static inline const struct sq_finding *finding(const struct sq_run *run, const char *load,
					       const char *failure)
{
	for (size_t i = 0; i < run->findings.n; i++) {
		const struct sq_finding *f = &run->findings.v[i];

		if (strcmp(f->load, load) == 0 && strcmp(f->failure, failure) == 0)
			return f;
	}
	return NULL;
}

static inline void assert_finding(const struct sq_run *run, const char *load, const char *failure,
				  uint64_t explained, enum sq_confidence confidence)
{
	const struct sq_finding *f = finding(run, load, failure);

	if (!f)
		fail_msg("no finding for %s of %s", failure, load);
	if (f->explained != explained || f->confidence != confidence) {
		char *evidence = json_dumps(f->evidence, JSON_INDENT(2));

		fail_msg("%s of %s: got %llu explained, %s, excess %g; want %llu, %s; %s", failure,
			 load, (unsigned long long)f->explained, sq_confidence_name(f->confidence),
			 f->counter_excess, (unsigned long long)explained,
			 sq_confidence_name(confidence), evidence);
	}
}

static inline bool says(const struct sq_finding *f, const char *words)
{
	size_t i;
	json_t *sentence;

	json_array_foreach(f->evidence, i, sentence) {
		if (strstr(json_string_value(sentence), words))
			return true;
	}
	return false;
}

#endif
