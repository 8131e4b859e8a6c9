/* The ledger over run records made in memory: what a kernel would have counted, with the reading's
 * jitter, and what the account must then say. */
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

/* A run of `n` bins of 100 ms that begins half a second before t0. */
static struct sq_run *new_run(size_t n)
{
	struct sq_run *run = sq_alloc(sizeof(*run));

	run->axis = (struct sq_axis){ .bin_ns = 100 * SQ_MS, .first_bin = -5, .n = n };
	run->outcome = sq_strdup("completed");
	run->environment = json_object();
	return run;
}

static void set_sysctl(struct sq_run *run, const char *host, const char *name, const char *value)
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
static void usual_sysctls(struct sq_run *run)
{
	set_sysctl(run, "client", "net.ipv4.tcp_syn_retries", "6");
	set_sysctl(run, "client", "net.ipv4.tcp_syn_linear_timeouts", "4");
	set_sysctl(run, "server", "net.ipv4.tcp_abort_on_overflow", "0");
	set_sysctl(run, "server", "net.core.somaxconn", "128");
}

static struct sq_load_rec *add_load(struct sq_run *run, const char *name, const char *target,
				    int64_t timeout_ns)
{
	struct sq_load_rec *load;

	run->loads = sq_realloc_n(run->loads, run->n_loads + 1, sizeof(*run->loads));
	load = &run->loads[run->n_loads++];
	memset(load, 0, sizeof(*load));
	load->name = sq_strdup(name);
	load->driver = sq_strdup("tcp");
	load->target = sq_strdup(target);
	load->from = sq_strdup("client");
	load->threads = 1;
	load->duration_ns = SQ_SEC;
	load->timeout_ns = timeout_ns;
	load->efforts = sq_alloc_n(2, sizeof(*load->efforts));
	load->efforts[0] = sq_strdup("syn_retrans");
	load->efforts[1] = sq_strdup("lost_segs");
	load->n_efforts = 2;
	load->scheduled_series = sq_alloc_n(run->axis.n, sizeof(uint64_t));
	load->bin_latency = sq_alloc_n(run->axis.n, sizeof(struct sq_hist *));
	load->lag = sq_hist_new(SQ_HIST_FINE);
	return load;
}

static struct sq_outcome_rec *outcome_of(struct sq_run *run, struct sq_load_rec *load,
					 const char *code, const char *phase, enum sq_class class)
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
static void happen(struct sq_run *run, struct sq_load_rec *load, const char *code,
		   const char *phase, enum sq_class class, int64_t t_ns, uint64_t n, double syns,
		   double segs)
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

static struct sq_metric_rec *add_metric(struct sq_run *run, const char *host, const char *metric,
					const char *instance, enum sq_metric_kind kind)
{
	struct sq_metric_rec *m;

	run->metrics = sq_realloc_n(run->metrics, run->n_metrics + 1, sizeof(*run->metrics));
	m = &run->metrics[run->n_metrics++];
	memset(m, 0, sizeof(*m));
	m->host = sq_strdup(host);
	m->source = sq_strdup("netstat");
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

static void no_rises(uint64_t seed, int64_t jitter_ns)
{
	rises.n = 0;
	rises.jitter_ns = jitter_ns;
	sq_rng_init(&rises.rng, seed, 0);
}

static void rise(int64_t t_ns, uint64_t n)
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
static void rise_syns(int64_t t_ns, uint64_t n, unsigned syns)
{
	for (unsigned k = 0; k < syns; k++)
		rise(t_ns + (int64_t)k * (SQ_SEC + 28 * SQ_MS), n);
}

/* A reading in each `every`-th bin, at some moment of it. */
static void add_counter(struct sq_run *run, const char *host, const char *metric, size_t every)
{
	struct sq_metric_rec *m = add_metric(run, host, metric, NULL, SQ_COUNTER);

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

/* A listener whose queue stands at `queue` from a time on for a while. */
static void add_listener(struct sq_run *run, const char *instance, double backlog, double queue,
			 int64_t from_ns, int64_t to_ns)
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
static void analyze(struct sq_run *run)
{
	struct sq_err err = { 0 };
	struct sq_findings *f = &run->findings;

	if (sq_analyze(run, &err) != 0)
		fail_msg("%s: %s", err.where, err.text);
	for (size_t i = 0; i < f->n_accounts; i++) {
		const struct sq_account *a = &f->accounts[i];
		uint64_t explained = 0;

		for (size_t j = 0; j < f->n; j++) {
			if (strcmp(f->v[j].load, a->load) != 0 ||
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

static const struct sq_account *account(const struct sq_run *run, const char *load,
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

static const struct sq_finding *finding(const struct sq_run *run, const char *load,
					const char *failure)
{
	for (size_t i = 0; i < run->findings.n; i++) {
		const struct sq_finding *f = &run->findings.v[i];

		if (strcmp(f->load, load) == 0 && strcmp(f->failure, failure) == 0)
			return f;
	}
	return NULL;
}

static void assert_finding(const struct sq_run *run, const char *load, const char *failure,
			   uint64_t explained, enum sq_confidence confidence)
{
	const struct sq_finding *f = finding(run, load, failure);

	if (!f)
		fail_msg("no finding for %s of %s", failure, load);
	assert_string_equal(f->mechanism, "accept-queue-overflow");
	assert_string_equal(f->host, "server");
	if (f->explained != explained || f->confidence != confidence) {
		char *evidence = json_dumps(f->evidence, JSON_INDENT(2));

		fail_msg("%s of %s: got %llu explained, %s, excess %g; want %llu, %s; %s", failure,
			 load, (unsigned long long)f->explained, sq_confidence_name(f->confidence),
			 f->counter_excess, (unsigned long long)explained,
			 sq_confidence_name(confidence), evidence);
	}
}

static bool says(const struct sq_finding *f, const char *words)
{
	size_t i;
	json_t *sentence;

	json_array_foreach(f->evidence, i, sentence) {
		if (strstr(json_string_value(sentence), words))
			return true;
	}
	return false;
}

/* Lab accept-queue-never: 512 connects at 0.05 s, 129 get in, 383 time out after 2.5 s. */
static struct sq_run *never_accepts(int64_t jitter_ns, size_t every)
{
	struct sq_run *run = new_run(60);
	struct sq_load_rec *load = add_load(run, "storm", "server:9000", 2500 * SQ_MS);
	int64_t t = 50 * SQ_MS;

	usual_sysctls(run);
	happen(run, load, "ok", "done", SQ_CLASS_OK, t, 129, 0, 0);
	happen(run, load, "timeout", "connect", SQ_CLASS_TIMEOUT, t, 383, 2, 0);
	no_rises(1, jitter_ns);
	rise_syns(t, 383, 3);
	add_counter(run, "server", "TcpExt.ListenOverflows", every);
	return run;
}

static void test_never_accepts(void **state)
{
	const struct sq_finding *f;
	struct sq_run *run = never_accepts(0, 1);

	(void)state;
	add_listener(run, "0.0.0.0:9000", 128, 129, 0, 3 * SQ_SEC);
	analyze(run);
	assert_finding(run, "storm", "timeout@connect", 383, SQ_EXACT);
	f = finding(run, "storm", "timeout@connect");
	assert_true(f->counter_excess == 0);
	assert_int_equal(run->findings.n, 1);
	assert_true(says(f,
			 "ListenOverflows rose by 1149 on server; 383 failed connects sent 3 SYNs "
			 "each (at 0, 1, 2 s; tcp_syn_linear_timeouts 4) = 1149"));
	assert_true(says(f, "the accept queue of 0.0.0.0:9000 stood at up to 129 of 128"));
	assert_true(says(f, "tcp_abort_on_overflow is 0 on server: dropped in silence"));
	assert_non_null(strstr(f->advice, "net.core.somaxconn (now 128)"));
	assert_non_null(strstr(f->advice, "511 would have held"));
	sq_run_free(run);
}

/* The same with late retransmits, a late server, and readings that come seldom. */
static void test_jitter_and_slow_readings(void **state)
{
	static const struct {
		int64_t jitter_ns;
		size_t every;
	} cases[] = { { 30 * SQ_MS, 1 },
		      { 90 * SQ_MS, 1 },
		      { 30 * SQ_MS, 5 },
		      { 60 * SQ_MS, 10 },
		      { 0, 25 } };

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct sq_run *run = never_accepts(cases[i].jitter_ns, cases[i].every);

		analyze(run);
		assert_finding(run, "storm", "timeout@connect", 383, SQ_EXACT);
		sq_run_free(run);
	}
}

/* 100 more connects at the same instant to a port whose SYNs a filter drops: no counter moves. */
static struct sq_run *with_filtered(bool own_load)
{
	struct sq_run *run = never_accepts(20 * SQ_MS, 1);
	struct sq_load_rec *load = own_load ? add_load(run, "filtered", "server:9001", 2500 * SQ_MS)
					    : &run->loads[0];

	happen(run, load, "timeout", "connect", SQ_CLASS_TIMEOUT, 50 * SQ_MS, 100, 2, 0);
	return run;
}

static void test_filter_beside_overflow(void **state)
{
	struct sq_run *run = with_filtered(false);

	(void)state;
	analyze(run);
	assert_finding(run, "storm", "timeout@connect", 383, SQ_WEAK);
	assert_int_equal(account(run, "storm", "timeout@connect")->unexplained, 100);
	sq_run_free(run);

	/* Two loads, and the listener tells which. */
	run = with_filtered(true);
	add_listener(run, "0.0.0.0:9000", 128, 129, 0, 3 * SQ_SEC);
	analyze(run);
	assert_finding(run, "storm", "timeout@connect", 383, SQ_EXACT);
	assert_null(finding(run, "filtered", "timeout@connect"));
	assert_int_equal(account(run, "filtered", "timeout@connect")->unexplained, 100);
	sq_run_free(run);

	/* Two loads, and nobody looked at listeners: shared out, but never more than the rises. */
	run = with_filtered(true);
	analyze(run);
	assert_int_equal(account(run, "storm", "timeout@connect")->explained +
				 account(run, "filtered", "timeout@connect")->explained,
			 383);
	assert_in_range(account(run, "storm", "timeout@connect")->explained, 303, 304);
	sq_run_free(run);
}

/* Two loads that nothing tells apart but time: the counter follows one of them. */
static void test_time_tells_loads_apart(void **state)
{
	struct sq_run *run = new_run(200);
	struct sq_load_rec *a;
	struct sq_load_rec *b;

	(void)state;
	add_load(run, "a", "server:9000", 800 * SQ_MS);
	add_load(run, "b", "server:9001", 800 * SQ_MS);
	a = &run->loads[0];
	b = &run->loads[1];
	usual_sysctls(run);
	no_rises(7, 20 * SQ_MS);
	for (int i = 0; i < 120; i++) {
		int64_t t = (int64_t)i * 100 * SQ_MS;
		uint64_t n = 1 + sq_rng_below(&rises.rng, 20);

		happen(run, a, "timeout", "connect", SQ_CLASS_TIMEOUT, t, n, 0, 0);
		rise(t, n);
		happen(run, b, "timeout", "connect", SQ_CLASS_TIMEOUT, t,
		       1 + sq_rng_below(&rises.rng, 20), 0, 0);
	}
	add_counter(run, "server", "TcpExt.ListenOverflows", 1);
	analyze(run);
	assert_true((double)account(run, "a", "timeout@connect")->explained >=
		    0.95 * (double)account(run, "a", "timeout@connect")->count);
	assert_true((double)account(run, "b", "timeout@connect")->explained <=
		    0.05 * (double)account(run, "b", "timeout@connect")->count);
	sq_run_free(run);
}

static void test_drops_without_rises(void **state)
{
	struct sq_run *run = never_accepts(0, 1);

	(void)state;
	for (size_t i = 0; i < run->axis.n; i++)
		run->metrics[0].samples[i] = 0;
	analyze(run);
	assert_int_equal(run->findings.n, 0);
	assert_int_equal(run->findings.n_not_examined, 0);
	assert_int_equal(account(run, "storm", "timeout@connect")->unexplained, 383);
	sq_run_free(run);
}

/* Rises enough, but at other times. */
static void test_chance_rises(void **state)
{
	struct sq_run *run = new_run(100);
	struct sq_load_rec *load = add_load(run, "storm", "server:9000", 2500 * SQ_MS);

	(void)state;
	usual_sysctls(run);
	happen(run, load, "timeout", "connect", SQ_CLASS_TIMEOUT, SQ_SEC, 1, 2, 0);
	happen(run, load, "timeout", "connect", SQ_CLASS_TIMEOUT, 5 * SQ_SEC, 20, 2, 0);
	no_rises(3, 0);
	rise(3500 * SQ_MS, 3);
	rise(5 * SQ_SEC, 200); /* at the right time, but only once */
	add_counter(run, "server", "TcpExt.ListenOverflows", 1);
	analyze(run);
	assert_int_equal(run->findings.n, 0);
	assert_int_equal(account(run, "storm", "timeout@connect")->unexplained, 21);
	sq_run_free(run);
}

/* One SYN within the time-out: a single rise would do, but not half a second away. */
static void test_near_misses(void **state)
{
	struct sq_run *run = new_run(60);
	struct sq_load_rec *load = add_load(run, "storm", "server:9000", 800 * SQ_MS);

	(void)state;
	usual_sysctls(run);
	happen(run, load, "timeout", "connect", SQ_CLASS_TIMEOUT, SQ_SEC, 10, 0, 0);
	happen(run, load, "timeout", "connect", SQ_CLASS_TIMEOUT, 3 * SQ_SEC, 10, 0, 0);
	no_rises(3, 0);
	rise(650 * SQ_MS, 10);
	rise(1500 * SQ_MS, 10);
	rise(3020 * SQ_MS, 4);
	add_counter(run, "server", "TcpExt.ListenOverflows", 1);
	analyze(run);
	assert_int_equal(account(run, "storm", "timeout@connect")->explained, 4);
	assert_finding(run, "storm", "timeout@connect", 4, SQ_WEAK);
	assert_true(finding(run, "storm", "timeout@connect")->counter_excess == 20);
	sq_run_free(run);
}

/* Of ten that waited in vain for a greeting, three had lost segments: the others were let in. */
static void test_few_segments(void **state)
{
	struct sq_run *run = new_run(60);
	struct sq_load_rec *load = add_load(run, "storm", "server:9000", 2 * SQ_SEC);

	(void)state;
	usual_sysctls(run);
	happen(run, load, "timeout", "greeting", SQ_CLASS_TIMEOUT, 0, 3, 0, 1);
	happen(run, load, "timeout", "greeting", SQ_CLASS_TIMEOUT, 0, 7, 0, 0);
	no_rises(3, 0);
	rise(100 * SQ_MS, 50);
	add_counter(run, "server", "TcpExt.ListenOverflows", 1);
	analyze(run);
	assert_finding(run, "storm", "timeout@greeting", 3, SQ_WEAK);
	sq_run_free(run);
}

static void test_healthy(void **state)
{
	struct sq_run *run = new_run(60);
	struct sq_load_rec *load = add_load(run, "calm", "server:9000", SQ_SEC);

	(void)state;
	usual_sysctls(run);
	for (int i = 0; i < 30; i++)
		happen(run, load, "ok", "done", SQ_CLASS_OK, i * 100 * SQ_MS, 10, 0, 0);
	no_rises(3, 0);
	add_counter(run, "server", "TcpExt.ListenOverflows", 1);
	analyze(run);
	assert_int_equal(run->findings.n, 0);
	assert_int_equal(run->findings.n_accounts, 0);
	assert_int_equal(run->findings.n_not_examined, 0);
	sq_run_free(run);
}

/* Lab accept-queue-reset: ListenOverflows 235 = 68 x 3 + 31.  With abort 0 the 31 are ghosts. */
static void reset_or_ghost(bool abort_on)
{
	struct sq_run *run = new_run(60);
	struct sq_load_rec *load = add_load(run, "storm", "server:9000", 2500 * SQ_MS);
	int64_t t = 50 * SQ_MS;

	usual_sysctls(run);
	set_sysctl(run, "server", "net.ipv4.tcp_abort_on_overflow", abort_on ? "1" : "0");
	happen(run, load, "ok", "done", SQ_CLASS_OK, t, 29, 0, 0);
	happen(run, load, "timeout", "connect", SQ_CLASS_TIMEOUT, t, 68, 2, 0);
	no_rises(5, 25 * SQ_MS);
	rise_syns(t, 68, 3);
	if (abort_on) {
		happen(run, load, "ECONNRESET", "connect", SQ_CLASS_RESET, t, 20, 0, 0);
		happen(run, load, "ECONNRESET", "ack", SQ_CLASS_RESET, t, 11, 0, 0);
		rise(t + 170 * SQ_MS, 31);
	} else {
		/* A final ACK, a segment, its retransmits after 0.2, 0.6, 1.4 s. */
		happen(run, load, "ghost", "ack", SQ_CLASS_TIMEOUT, t, 31, 0, 5);
		for (int k = 0; k < 5; k++)
			rise(t + (150 + 200 * k * k) * SQ_MS / 2, 31);
	}
	add_counter(run, "server", "TcpExt.ListenOverflows", 1);
	analyze(run);
	assert_finding(run, "storm", "timeout@connect", 68, SQ_EXACT);
	assert_true(finding(run, "storm", "timeout@connect")->counter_excess == 0);
	if (abort_on) {
		assert_finding(run, "storm", "ECONNRESET@connect", 20, SQ_EXACT);
		assert_finding(run, "storm", "ECONNRESET@ack", 11, SQ_EXACT);
		assert_true(says(finding(run, "storm", "ECONNRESET@ack"), "cost one each = 11"));
	} else {
		assert_finding(run, "storm", "ghost@ack", 31, SQ_EXACT);
		assert_true(says(finding(run, "storm", "ghost@ack"), "sent 5 segments each"));
	}
	sq_run_free(run);
}

static void test_resets_and_ghosts(void **state)
{
	(void)state;
	reset_or_ghost(true);
	reset_or_ghost(false);
}

/* A reset under abort 0 is somebody else's, whatever the counter does. */
static void test_reset_needs_abort(void **state)
{
	struct sq_run *run = new_run(60);
	struct sq_load_rec *load = add_load(run, "storm", "server:9000", SQ_SEC);

	(void)state;
	usual_sysctls(run);
	happen(run, load, "ECONNRESET", "connect", SQ_CLASS_RESET, SQ_SEC, 50, 0, 0);
	no_rises(1, 0);
	rise(SQ_SEC, 50);
	add_counter(run, "server", "TcpExt.ListenOverflows", 1);
	analyze(run);
	assert_int_equal(run->findings.n, 0);
	assert_int_equal(account(run, "storm", "ECONNRESET@connect")->unexplained, 50);
	sq_run_free(run);
}

/* Lab accept-queue-burst: successes that needed a second SYN pay too, and leave no excess. */
static void test_burst_with_slow_successes(void **state)
{
	struct sq_run *run = new_run(100);
	struct sq_load_rec *load = add_load(run, "storm", "server:9000", 4 * SQ_SEC);

	(void)state;
	usual_sysctls(run);
	no_rises(11, 30 * SQ_MS);
	for (int i = 0; i < 3; i++) {
		int64_t t = i * SQ_SEC + 20 * SQ_MS;

		happen(run, load, "ok", "done", SQ_CLASS_OK, t, 50, 0, 0);
		happen(run, load, "ok", "done", SQ_CLASS_OK, t, 340, 1, 0);
		rise_syns(t, 340, 1);
		happen(run, load, "ok", "done", SQ_CLASS_OK, t, 20, 2, 0);
		rise_syns(t, 20, 2);
		happen(run, load, "timeout", "connect", SQ_CLASS_TIMEOUT, t, 100, 3, 0);
		rise_syns(t, 100, 4);
	}
	add_counter(run, "server", "TcpExt.ListenOverflows", 1);
	analyze(run);
	assert_finding(run, "storm", "timeout@connect", 300, SQ_EXACT);
	assert_true(finding(run, "storm", "timeout@connect")->counter_excess == 0);
	assert_true(says(finding(run, "storm", "timeout@connect"), "lost 1140 SYNs or segments"));
	sq_run_free(run);
}

/* Success's retransmits that a filter caused pay nothing, and are no exact account either. */
static void test_slow_successes_alone(void **state)
{
	struct sq_run *run = new_run(100);
	struct sq_load_rec *load = add_load(run, "storm", "server:9000", 4 * SQ_SEC);

	(void)state;
	usual_sysctls(run);
	happen(run, load, "ok", "done", SQ_CLASS_OK, 0, 500, 1, 0);
	no_rises(1, 0);
	rise(0, 1);
	add_counter(run, "server", "TcpExt.ListenOverflows", 1);
	analyze(run);
	assert_int_equal(run->findings.n, 0);
	sq_run_free(run);
}

/* Kernels before 6.5 send two SYNs within 2.5 s. */
static void test_schedule_without_efforts(void **state)
{
	struct sq_run *run = new_run(60);
	struct sq_load_rec *load = add_load(run, "storm", "server:9000", 2500 * SQ_MS);

	(void)state;
	set_sysctl(run, "client", "net.ipv4.tcp_syn_retries", "6");
	set_sysctl(run, "server", "net.ipv4.tcp_abort_on_overflow", "0");
	happen(run, load, "timeout", "connect", SQ_CLASS_TIMEOUT, 0, 383, 0, 0);
	free(load->efforts[0]);
	free(load->efforts[1]);
	load->n_efforts = 0;
	no_rises(1, 20 * SQ_MS);
	rise_syns(0, 383, 2);
	add_counter(run, "server", "TcpExt.ListenOverflows", 1);
	analyze(run);
	assert_finding(run, "storm", "timeout@connect", 383, SQ_EXACT);
	assert_true(says(finding(run, "storm", "timeout@connect"),
			 "sent 2 SYNs each (at 0, 1 s; the client's kernel has no"));
	sq_run_free(run);
}

/* TCP_INFO against the schedule: what was counted is the truth, and is said. */
static void test_counted_dose_wins(void **state)
{
	struct sq_run *run = new_run(60);
	struct sq_load_rec *load = add_load(run, "storm", "server:9000", 2500 * SQ_MS);

	(void)state;
	usual_sysctls(run);
	happen(run, load, "timeout", "connect", SQ_CLASS_TIMEOUT, 0, 100, 1, 0);
	happen(run, load, "timeout", "connect", SQ_CLASS_TIMEOUT, 0, 50, 2, 0);
	no_rises(1, 20 * SQ_MS);
	rise_syns(0, 100, 2);
	rise_syns(0, 50, 3);
	add_counter(run, "server", "TcpExt.ListenOverflows", 1);
	analyze(run);
	assert_finding(run, "storm", "timeout@connect", 150, SQ_EXACT);
	assert_true(says(finding(run, "storm", "timeout@connect"),
			 "sent 350 SYNs, by the schedule 450"));
	sq_run_free(run);
}

static void test_excess_lowers_confidence(void **state)
{
	static const struct {
		uint64_t excess;
		enum sq_confidence want;
	} cases[] = { { 2, SQ_EXACT }, { 11, SQ_EXACT }, { 50, SQ_STRONG }, { 500, SQ_WEAK } };

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct sq_run *run = new_run(60);
		struct sq_load_rec *load = add_load(run, "storm", "server:9000", 2500 * SQ_MS);

		usual_sysctls(run);
		happen(run, load, "timeout", "connect", SQ_CLASS_TIMEOUT, 0, 383, 2, 0);
		no_rises(1, 0);
		rise_syns(0, 383, 3);
		rise(4500 * SQ_MS, cases[i].excess);
		add_counter(run, "server", "TcpExt.ListenOverflows", 1);
		analyze(run);
		assert_finding(run, "storm", "timeout@connect", 383, cases[i].want);
		assert_true(finding(run, "storm", "timeout@connect")->counter_excess ==
			    (double)cases[i].excess);
		sq_run_free(run);
	}
}

/* A full listener that is no load's target makes any claim on the counter doubtful. */
static void test_other_listener_full(void **state)
{
	struct sq_run *run = never_accepts(0, 1);

	(void)state;
	add_listener(run, "0.0.0.0:9000", 128, 3, 0, 3 * SQ_SEC);
	add_listener(run, "0.0.0.0:7000", 16, 17, 0, 3 * SQ_SEC);
	analyze(run);
	assert_finding(run, "storm", "timeout@connect", 383, SQ_WEAK);
	assert_true(says(finding(run, "storm", "timeout@connect"), "0.0.0.0:7000"));
	sq_run_free(run);
}

static void test_not_examined(void **state)
{
	struct sq_run *run = never_accepts(0, 1);

	(void)state;
	free(run->metrics[0].metric);
	run->metrics[0].metric = sq_strdup("TcpExt.ListenDrops");
	analyze(run);
	assert_int_equal(run->findings.n, 0);
	assert_int_equal(run->findings.n_not_examined, 1);
	assert_string_equal(run->findings.not_examined[0].because,
			    "TcpExt.ListenOverflows was not captured on server");
	sq_run_free(run);

	run = never_accepts(0, 1);
	free(run->metrics[0].host);
	run->metrics[0].host = sq_strdup("client");
	analyze(run);
	assert_int_equal(run->findings.n_not_examined, 1);
	assert_string_equal(run->findings.not_examined[0].because,
			    "no counters of server were captured");
	assert_int_equal(account(run, "storm", "timeout@connect")->unexplained, 383);
	sq_run_free(run);
}

/* An address of loopback: the load's own host. */
static void test_loopback(void **state)
{
	struct sq_run *run = never_accepts(0, 1);
	struct sq_load_rec *load = &run->loads[0];

	(void)state;
	free(load->target);
	load->target = sq_strdup("127.0.0.1:9000");
	free(load->from);
	load->from = sq_strdup("server");
	set_sysctl(run, "server", "net.ipv4.tcp_syn_retries", "6");
	set_sysctl(run, "server", "net.ipv4.tcp_syn_linear_timeouts", "4");
	add_listener(run, "127.0.0.2:9000", 128, 129, 0, 3 * SQ_SEC);
	add_listener(run, "127.0.0.1:9000", 128, 129, 0, 3 * SQ_SEC);
	analyze(run);
	assert_finding(run, "storm", "timeout@connect", 383, SQ_EXACT);
	assert_true(says(finding(run, "storm", "timeout@connect"), "queue of 127.0.0.1:9000"));
	assert_true(says(finding(run, "storm", "timeout@connect"), "share server"));
	sq_run_free(run);
}

/* Sustained overflow with a time-out of several SYNs: windows of many bins overlap, and all of it
 * must come out even, at 100 ms readings as at 1 s. */
static void test_sustained(void **state)
{
	(void)state;
	for (size_t every = 1; every <= 10; every += 9) {
		struct sq_run *run = new_run(200);
		struct sq_load_rec *load = add_load(run, "storm", "server:9000", 2500 * SQ_MS);
		uint64_t sum = 0;

		usual_sysctls(run);
		no_rises(13, 30 * SQ_MS);
		for (int i = 0; i < 150; i++) {
			uint64_t n = sq_rng_below(&rises.rng, 12);
			int64_t t = (int64_t)i * 100 * SQ_MS + 60 * SQ_MS;

			sum += n;
			happen(run, load, "timeout", "connect", SQ_CLASS_TIMEOUT, t, n, 2, 0);
			rise_syns(t, n, 3);
		}
		add_counter(run, "server", "TcpExt.ListenOverflows", every);
		analyze(run);
		assert_finding(run, "storm", "timeout@connect", sum, SQ_EXACT);
		sq_run_free(run);
	}
}

/* Whatever the record says, the account adds up (analyze() asserts it) and nothing is paid twice. */
static void test_random_records_add_up(void **state)
{
	static const char *const codes[] = { "timeout", "ghost", "ECONNRESET", "EMFILE", "ok" };
	static const char *const phases[] = { "connect", "ack", "greeting" };
	static const enum sq_class classes[] = { SQ_CLASS_TIMEOUT, SQ_CLASS_TIMEOUT, SQ_CLASS_RESET,
						 SQ_CLASS_LOCAL, SQ_CLASS_OK };

	(void)state;
	for (uint64_t seed = 0; seed < 300; seed++) {
		struct sq_run *run = new_run(80);
		struct sq_rng rng;
		size_t n_loads;
		uint64_t explained = 0;

		sq_rng_init(&rng, seed, 1);
		no_rises(seed, 50 * SQ_MS);
		usual_sysctls(run);
		if (sq_rng_below(&rng, 2))
			set_sysctl(run, "server", "net.ipv4.tcp_abort_on_overflow", "1");
		n_loads = 1 + sq_rng_below(&rng, 3);
		for (size_t i = 0; i < n_loads; i++) {
			char target[32];

			snprintf(target, sizeof(target), "server:%zu", 9000 + i);
			add_load(run, target, target, (int64_t)sq_rng_below(&rng, 4000) * SQ_MS);
		}
		for (uint64_t i = sq_rng_below(&rng, 60); i > 0; i--) {
			size_t c = sq_rng_below(&rng, 5);
			int64_t t = (int64_t)sq_rng_below(&rng, 4000) * SQ_MS;
			uint64_t n = 1 + sq_rng_below(&rng, 30);

			happen(run, &run->loads[sq_rng_below(&rng, n_loads)], codes[c],
			       phases[sq_rng_below(&rng, 3)], classes[c], t, n,
			       (double)sq_rng_below(&rng, 4), (double)sq_rng_below(&rng, 4));
			if (sq_rng_below(&rng, 3))
				rise_syns(t, sq_rng_below(&rng, n + 2), 3);
		}
		add_counter(run, "server", "TcpExt.ListenOverflows", 1 + sq_rng_below(&rng, 12));
		if (sq_rng_below(&rng, 2))
			add_listener(run, "0.0.0.0:9001", 10, 11, 0, SQ_SEC);
		analyze(run);
		for (size_t i = 0; i < run->findings.n; i++)
			explained += run->findings.v[i].explained;
		assert_true(explained <= rises.n);
		sq_run_free(run);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_never_accepts),
		cmocka_unit_test(test_jitter_and_slow_readings),
		cmocka_unit_test(test_filter_beside_overflow),
		cmocka_unit_test(test_time_tells_loads_apart),
		cmocka_unit_test(test_drops_without_rises),
		cmocka_unit_test(test_chance_rises),
		cmocka_unit_test(test_near_misses),
		cmocka_unit_test(test_few_segments),
		cmocka_unit_test(test_healthy),
		cmocka_unit_test(test_resets_and_ghosts),
		cmocka_unit_test(test_reset_needs_abort),
		cmocka_unit_test(test_burst_with_slow_successes),
		cmocka_unit_test(test_slow_successes_alone),
		cmocka_unit_test(test_schedule_without_efforts),
		cmocka_unit_test(test_counted_dose_wins),
		cmocka_unit_test(test_excess_lowers_confidence),
		cmocka_unit_test(test_other_listener_full),
		cmocka_unit_test(test_not_examined),
		cmocka_unit_test(test_loopback),
		cmocka_unit_test(test_sustained),
		cmocka_unit_test(test_random_records_add_up),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
