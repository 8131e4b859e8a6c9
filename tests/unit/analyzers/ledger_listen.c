/* The two queues of a listener told apart, and what the findings say of the settings that size them. */
#include "ledger_bench.h"

/* SYNs of n connects due at t, dropped for one queue or the other. */
static struct rises overflows, drops;

static void no_drops(void)
{
	no_rises(1, 20 * SQ_MS);
	overflows = drops = rises;
}

static void drop_syns(int64_t t_ns, uint64_t n, unsigned syns, bool accept_queue)
{
	rises = drops;
	rise_syns(t_ns, n, syns);
	drops = rises;
	if (!accept_queue)
		return;
	/* Both counters count such a SYN, at one moment. */
	for (size_t i = drops.n - n * syns; i < drops.n; i++)
		overflows.t_ns[overflows.n++] = drops.t_ns[i];
}

static void add_counters(struct sq_run *run)
{
	struct sq_rng rng = drops.rng;

	rises = drops;
	rises.rng = rng;
	add_counter(run, "server", "TcpExt.ListenDrops", 1);
	rises = overflows;
	rises.rng = rng; /* read together */
	add_counter(run, "server", "TcpExt.ListenOverflows", 1);
}

static struct sq_run *new_server(const char *syncookies)
{
	struct sq_run *run = new_run(60);

	usual_sysctls(run);
	set_sysctl(run, "server", "net.ipv4.tcp_syncookies", syncookies);
	set_sysctl(run, "server", "net.ipv4.tcp_max_syn_backlog", "128");
	no_drops();
	return run;
}

/* Lab syn-backlog: 103 connects are sent four SYNs each for nothing, a hundred visitors one. */
static struct sq_run *syn_backlog(const char *syncookies)
{
	struct sq_run *run = new_server(syncookies);
	struct sq_load_rec *load = add_load(run, "half-open", "server:9000", 4 * SQ_SEC);

	happen(run, load, "timeout", "connect", SQ_CLASS_TIMEOUT, 50 * SQ_MS, 103, 3, 0);
	drop_syns(50 * SQ_MS, 103, 4, false);
	load = add_load(run, "visitors", "server:9000", 800 * SQ_MS);
	for (int i = 0; i < 50; i++) {
		int64_t t = SQ_SEC + (int64_t)i * 20 * SQ_MS;

		happen(run, load, "timeout", "connect", SQ_CLASS_TIMEOUT, t, 2, 0, 0);
		drop_syns(t, 2, 1, false);
	}
	add_counters(run);
	no_rises(1, 0);
	rise(60 * SQ_MS, 7);
	add_counter(run, "server", "TcpExt.TCPReqQFullDrop", 1);
	add_listener(run, "0.0.0.0:9000", 128, 0, 0, 0);
	return run;
}

static void test_syn_backlog(void **state)
{
	struct sq_run *run = syn_backlog("0");
	const struct sq_finding *f;

	(void)state;
	analyze(run);
	assert_int_equal(run->findings.n, 2);
	assert_finding(run, "half-open", "timeout@connect", 103, SQ_EXACT);
	assert_finding(run, "visitors", "timeout@connect", 100, SQ_EXACT);
	f = finding(run, "half-open", "timeout@connect");
	assert_string_equal(f->mechanism, "syn-backlog-overflow");
	assert_true(f->counter_excess == 0);
	assert_true(says(f, "ListenDrops rose by 512 on server; 103 failed connects sent 4 SYNs"));
	assert_true(says(f, "7 met as many half-open connections as the listener's backlog allows "
			    "(128), the others three quarters of tcp_max_syn_backlog (128)"));
	assert_non_null(strstr(f->advice, "net.ipv4.tcp_syncookies to 1 (now 0)"));
	assert_non_null(strstr(f->advice, "net.ipv4.tcp_max_syn_backlog (now 128)"));
	sq_run_free(run);
}

/* With cookies a full SYN backlog drops nothing: what else raised ListenDrops is not known here. */
static void test_cookies_drop_nothing(void **state)
{
	struct sq_run *run = syn_backlog("1");

	(void)state;
	analyze(run);
	assert_int_equal(run->findings.n, 0);
	assert_int_equal(account(run, "visitors", "timeout@connect")->unexplained, 100);
	sq_run_free(run);
}

/* What overflows the accept queue is in ListenDrops too. */
static void test_accept_queue_alone(void **state)
{
	struct sq_run *run = new_server("0");
	struct sq_load_rec *load = add_load(run, "storm", "server:9000", 2500 * SQ_MS);

	(void)state;
	happen(run, load, "timeout", "connect", SQ_CLASS_TIMEOUT, 50 * SQ_MS, 383, 2, 0);
	happen(run, load, "timeout", "connect", SQ_CLASS_TIMEOUT, 2 * SQ_SEC, 20, 2, 0);
	drop_syns(50 * SQ_MS, 383, 3, true);
	add_counters(run);
	add_listener(run, "0.0.0.0:9000", 128, 129, 0, 3 * SQ_SEC);
	analyze(run);
	assert_int_equal(run->findings.n, 1);
	assert_string_equal(run->findings.v[0].mechanism, "accept-queue-overflow");
	assert_int_equal(run->findings.v[0].explained, 383);
	assert_int_equal(account(run, "storm", "timeout@connect")->unexplained, 20);
	sq_run_free(run);
}

/* Two ports of one host at the same time: one's accept queue is full, the other's SYN backlog. */
static void test_both_at_once(void **state)
{
	struct sq_run *run = new_server("0");
	struct sq_load_rec *load;

	(void)state;
	load = add_load(run, "storm", "server:9000", 2500 * SQ_MS);
	happen(run, load, "timeout", "connect", SQ_CLASS_TIMEOUT, 50 * SQ_MS, 200, 2, 0);
	drop_syns(50 * SQ_MS, 200, 3, true);
	load = add_load(run, "flood", "server:9001", 2500 * SQ_MS);
	happen(run, load, "timeout", "connect", SQ_CLASS_TIMEOUT, 50 * SQ_MS, 100, 2, 0);
	drop_syns(50 * SQ_MS, 100, 3, false);
	add_counters(run);
	add_listener(run, "0.0.0.0:9000", 128, 129, 0, 3 * SQ_SEC);
	add_listener(run, "0.0.0.0:9001", 128, 0, 0, 0);
	analyze(run);
	assert_finding(run, "storm", "timeout@connect", 200, SQ_EXACT);
	assert_finding(run, "flood", "timeout@connect", 100, SQ_EXACT);
	assert_string_equal(finding(run, "storm", "timeout@connect")->mechanism,
			    "accept-queue-overflow");
	assert_string_equal(finding(run, "flood", "timeout@connect")->mechanism,
			    "syn-backlog-overflow");
	sq_run_free(run);
}

/* Which of the two sizes of an accept queue is the limit. */
static void test_limit_is_named(void **state)
{
	static const char program[] = "the limit is the backlog that the program gave to listen(), "
				      "128, not net.core.somaxconn, 4096 on server";
	static const char kernel[] = "the backlog in effect is that of net.core.somaxconn";
	static const struct {
		const char *somaxconn; /* NULL: not read */
		double backlog;        /* 0: no listener was seen */
		bool program, kernel;
	} cases[] = { { "4096", 128, true, false },
		      { "128", 128, false, true },
		      { NULL, 128, false, false },
		      { "4096", 0, false, false } };

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct sq_run *run = new_run(60);
		struct sq_load_rec *load = add_load(run, "storm", "server:9000", 800 * SQ_MS);
		const struct sq_finding *f;

		no_drops();
		if (cases[i].somaxconn)
			set_sysctl(run, "server", "net.core.somaxconn", cases[i].somaxconn);
		happen(run, load, "timeout", "connect", SQ_CLASS_TIMEOUT, SQ_SEC, 50, 0, 0);
		drop_syns(SQ_SEC, 50, 1, true);
		add_counters(run);
		if (cases[i].backlog > 0)
			add_listener(run, "0.0.0.0:9000", cases[i].backlog, 129, 0, 3 * SQ_SEC);
		analyze(run);
		f = finding(run, "storm", "timeout@connect");
		assert_non_null(f);
		assert_int_equal(says(f, program), cases[i].program);
		assert_int_equal(says(f, kernel), cases[i].kernel);
		sq_run_free(run);
	}
}

/* How many resets the server sent stands beside those that are explained. */
static void test_resets_are_counted(void **state)
{
	struct sq_run *run = new_server("1");
	struct sq_load_rec *load = add_load(run, "storm", "server:9000", 800 * SQ_MS);

	(void)state;
	set_sysctl(run, "server", "net.ipv4.tcp_abort_on_overflow", "1");
	happen(run, load, "ECONNRESET", "ack", SQ_CLASS_RESET, SQ_SEC, 31, 0, 0);
	drop_syns(SQ_SEC, 31, 1, true);
	add_counters(run);
	no_rises(1, 0);
	rise(SQ_SEC, 62);
	add_counter(run, "server", "Tcp.OutRsts", 1);
	analyze(run);
	assert_finding(run, "storm", "ECONNRESET@ack", 31, SQ_EXACT);
	assert_true(says(finding(run, "storm", "ECONNRESET@ack"), "Tcp.OutRsts rose by 62"));
	sq_run_free(run);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_syn_backlog),
		cmocka_unit_test(test_cookies_drop_nothing),
		cmocka_unit_test(test_accept_queue_alone),
		cmocka_unit_test(test_both_at_once),
		cmocka_unit_test(test_limit_is_named),
		cmocka_unit_test(test_resets_are_counted),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
