/* The ledger over run records made in memory: what a kernel would have counted, with the reading's
 * jitter, and what the account must then say. */
#include "ledger_bench.h"

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
	assert_null(not_examined(run, "accept-queue-overflow"));
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
	assert_null(not_examined(run, "accept-queue-overflow"));
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
	assert_string_equal(not_examined(run, "accept-queue-overflow"),
			    "TcpExt.ListenOverflows was not captured on server");
	sq_run_free(run);

	run = never_accepts(0, 1);
	free(run->metrics[0].host);
	run->metrics[0].host = sq_strdup("client");
	analyze(run);
	assert_string_equal(not_examined(run, "accept-queue-overflow"),
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
	free(load->targets[0].target);
	load->targets[0].target = sq_strdup("127.0.0.1:9000");
	free(load->from);
	load->from = sq_strdup("server"); /* and its target stands there too */
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
		for (size_t i = 0; i < run->findings.n; i++) /* EMFILE needs no rises */
			explained += strcmp(run->findings.v[i].mechanism, "descriptor-limit") == 0
					     ? 0
					     : run->findings.v[i].explained;
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
