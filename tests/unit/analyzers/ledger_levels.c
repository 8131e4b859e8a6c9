/* Mechanisms that are known by a level, or by the error itself: when it stands they explain, when it doesn't they
 * are silent. */
#include "levels_bench.h"

/* ---- servers that do not come to their work ---- */

/* A server that is stopped from 0.5 s to 1.5 s, with a load that times out meanwhile. */
static struct sq_run *stopped_server(bool drains)
{
	struct sq_run *run = new_run(BINS);
	struct sq_load_rec *load = add_load(run, "l", "server:9000", 300 * SQ_MS);
	struct sq_metric_rec *queue;

	usual_sysctls(run);
	succeed(run, load, 0, 500 * SQ_MS, 10);
	for (int i = 5; i < 15; i++)
		happen(run, load, "timeout", "connect", SQ_CLASS_TIMEOUT, i * 100 * SQ_MS, 10, 0,
		       0);
	succeed(run, load, 1500 * SQ_MS, 3 * SQ_SEC, 10);
	no_rises(1, 20 * SQ_MS);
	for (int i = 5; i < 15; i++)
		rise(i * 100 * SQ_MS + 5 * SQ_MS, 10);
	add_counter(run, "server", "TcpExt.ListenOverflows", 1);
	add_listener(run, "0.0.0.0:9000", 10, 11, 500 * SQ_MS, 1500 * SQ_MS);
	queue = &run->metrics[run->n_metrics - 2];
	if (drains)
		queue->samples[14] = 3;
	return run;
}

/* A full queue is a symptom of it, and is not named. */
static void test_stopped(void **state)
{
	struct sq_run *run = stopped_server(false);

	(void)state;
	gauge(run, "server", "process.stopped", "nginx:7", 0, 1, 500 * SQ_MS, 1500 * SQ_MS);
	analyze(run);
	assert_int_equal(explained_by(run, "server-stalled", "server"), 100);
	assert_int_equal(explained_by(run, "accept-queue-overflow", "server"), 0);
	assert_int_equal(by(run, "server-stalled")->confidence, SQ_STRONG);
	assert_true(says(by(run, "server-stalled"), "the process nginx:7 on server was stopped"));
	assert_true(says(by(run, "server-stalled"), "let nothing out meanwhile"));
	sq_run_free(run);
}

/* Another process is stopped; the target's queue is emptied all the time. */
static void test_another_stopped(void **state)
{
	struct sq_run *run = stopped_server(true);

	(void)state;
	gauge(run, "server", "process.stopped", "cron:7", 0, 1, 0, 6 * SQ_SEC);
	analyze(run);
	assert_int_equal(explained_by(run, "server-stalled", "server"), 0);
	assert_int_equal(explained_by(run, "accept-queue-overflow", "server"), 100);
	sq_run_free(run);
}

/* Another process is stopped; the target's queue is empty all the time, so that connects which failed were never in it. */
static void test_stopped_and_empty(void **state)
{
	struct sq_run *run = new_run(BINS);

	(void)state;
	connections(run, "timeout", "connect", 10);
	add_listener(run, "0.0.0.0:9000", 10, 0, 0, 6 * SQ_SEC);
	gauge(run, "server", "process.stopped", "cron:7", 1, 1, 0, 0);
	analyze(run);
	assert_int_equal(explained_by(run, "server-stalled", "server"), 0);
	sq_run_free(run);
}

/* A queue that grew the first time, and was empty the second, was not always empty. */
static void test_stopped_twice(void **state)
{
	(void)state;
	for (int grows = 0; grows < 2; grows++) {
		struct sq_run *run = new_run(BINS);

		connections(run, "timeout", "connect", 10);
		add_listener(run, "0.0.0.0:9000", 10, 0, 0, 6 * SQ_SEC);
		run->metrics[run->n_metrics - 2].samples[8] = grows ? 3 : 0;
		gauge(run, "server", "process.stopped", "nginx:7", 1, 1, 0, 0);
		for (size_t i = 9; i < 13; i++)
			run->metrics[run->n_metrics - 1].samples[i] = 0;
		analyze(run);
		assert_int_equal(explained_by(run, "server-stalled", "server") > 0, grows);
		sq_run_free(run);
	}
}

/* A filter's drops are counted, and are no symptom. */
static void test_filter_beside_stopped(void **state)
{
	struct sq_run *run = stopped_server(false);

	(void)state;
	gauge(run, "server", "process.stopped", "nginx:7", 0, 1, 500 * SQ_MS, 1500 * SQ_MS);
	add_counter(run, "server", "nft.drops", 1);
	analyze(run);
	assert_int_equal(explained_by(run, "packet-filter", "server"), 100);
	sq_run_free(run);
}

static void test_throttled(void **state)
{
	struct sq_run *run = stopped_server(true);
	struct sq_metric_rec *m =
		add_metric(run, "server", "cgroup.cpu.throttled_us", "/", SQ_COUNTER);

	(void)state;
	for (size_t i = 0; i < run->axis.n; i++)
		m->samples[i] = i < 10 ? 0 : i < 22 ? 80000.0 * (double)(i - 10) : 960000;
	analyze(run);
	assert_int_equal(explained_by(run, "cpu-throttled", "server"), 100);
	assert_int_equal(explained_by(run, "accept-queue-overflow", "server"), 0);
	sq_run_free(run);
}

static void test_little_throttling(void **state)
{
	struct sq_run *run = stopped_server(true);
	struct sq_metric_rec *m =
		add_metric(run, "server", "cgroup.cpu.throttled_us", "/", SQ_COUNTER);

	(void)state;
	for (size_t i = 0; i < run->axis.n; i++)
		m->samples[i] = 10000.0 * (double)i;
	analyze(run);
	assert_int_equal(explained_by(run, "cpu-throttled", "server"), 0);
	assert_int_equal(explained_by(run, "accept-queue-overflow", "server"), 100);
	sq_run_free(run);
}

/* A row is held against its own limit. */
static void test_descriptors_of_the_server(void **state)
{
	for (int at_limit = 0; at_limit < 2; at_limit++) {
		struct sq_run *run = stopped_server(true);

		(void)state;
		gauge(run, "server", "process.fds", "named:3", 40, 40, 0, 0);
		gauge(run, "server", "process.fds_limit", "named:3", 1024, 1024, 0, 0);
		gauge(run, "server", "process.fds", "nginx:7", 12, at_limit ? 64 : 63, 500 * SQ_MS,
		      1500 * SQ_MS);
		gauge(run, "server", "process.fds_limit", "nginx:7", 64, 64, 0, 0);
		analyze(run);
		assert_int_equal(explained_by(run, "descriptor-limit", "server"),
				 at_limit ? 100 : 0);
		if (at_limit)
			assert_true(
				says(by(run, "descriptor-limit"),
				     "nginx:7 on server had 64 descriptors open, its limit is 64"));
		sq_run_free(run);
	}
}

/* Of a machine that is busy all of the time nothing can be compared, so nothing is said. */
static void test_saturated(void **state)
{
	for (int all = 0; all < 2; all++) {
		struct sq_run *run = new_run(BINS);
		struct sq_load_rec *load = connections(run, "timeout", "answer", 10);
		struct sq_metric_rec *m;
		double idle = 0;

		(void)state;
		load->timeout_ns = 100 * SQ_MS;
		json_object_set_new(run->environment, "server",
				    json_pack("{s:i,s:{}}", "cpus", 2, "sysctls"));
		succeed(run, load, 3500 * SQ_MS, 5 * SQ_SEC, 10);
		add_metric(run, "server", "cpu.idle", "cpu0", SQ_COUNTER); /* not meant */
		m = add_metric(run, "server", "cpu.idle", NULL, SQ_COUNTER);
		for (size_t i = 0; i < run->axis.n; i++) {
			idle += all || i < 30 ? 4 : 150;
			m->samples[i] = idle;
		}
		analyze(run);
		assert_int_equal(explained_by(run, "cpu-saturation", "server"), all ? 0 : 200);
		if (!all) {
			assert_int_equal(by(run, "cpu-saturation")->confidence, SQ_STRONG);
			assert_true(says(by(run, "cpu-saturation"), "5 % would be 100"));
		}
		sq_run_free(run);
	}
}

/* The server's own thread decides, however idle or busy the machine is; and not while the load was late itself. */
static void test_saturated_thread(void **state)
{
	enum { BUSY_SERVER, BUSY_MACHINE, LATE_LOAD, CASES };

	for (int what = 0; what < CASES; what++) {
		struct sq_run *run = new_run(BINS);
		struct sq_load_rec *load = connections(run, "timeout", "answer", 10);
		struct sq_metric_rec *idle, *busiest;
		double rise = 0;

		(void)state;
		load->timeout_ns = 100 * SQ_MS;
		succeed(run, load, 3500 * SQ_MS, 5 * SQ_SEC, 10);
		json_object_set_new(run->environment, "server",
				    json_pack("{s:i,s:{}}", "cpus", 2, "sysctls"));
		add_metric(run, "server", "cpu.idle", NULL, SQ_COUNTER);
		busiest = add_metric(run, "server", "process.busiest", "nginx:7", SQ_COUNTER);
		idle = busiest - 1;
		for (size_t i = 0; i < run->axis.n; i++) {
			load->lag_max_s[i] = what == LATE_LOAD ? 0.06 : 0.04;
			idle->samples[i] = what == BUSY_MACHINE ? 0 : 100 * (double)i;
			rise += what == BUSY_MACHINE || i >= 30 ? 60 : 99;
			busiest->samples[i] = rise;
		}
		analyze(run);
		assert_int_equal(explained_by(run, "cpu-saturation", "server"),
				 what == BUSY_SERVER ? 200 : 0);
		if (what == BUSY_SERVER)
			assert_true(says(by(run, "cpu-saturation"),
					 "a thread of nginx:7 on server ran, or waited"));
		sq_run_free(run);
	}
}

/* ---- the load's own limits ---- */

static void test_own_limits(void **state)
{
	static const struct {
		const char *code, *phase, *mechanism, *says;
	} cases[] = {
		{ "EMFILE", "connect", "descriptor-limit", "known by the error" },
		{ "EADDRNOTAVAIL", "connect", "ephemeral-ports-exhausted", "101 ports for each" },
		{ "EAGAIN", "socket", "ephemeral-ports-exhausted", "40000 40100" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct sq_run *run = new_run(BINS);

		set_sysctl(run, "client", "net.ipv4.ip_local_port_range", "40000 40100");
		gauge(run, "client", "sockstat.TCP.inuse", NULL, 0, 60, 0, SQ_SEC);
		gauge(run, "client", "sockstat.TCP.tw", NULL, 0, 41, 0, SQ_SEC);
		connections(run, cases[i].code, cases[i].phase, 10);
		analyze(run);
		assert_int_equal(explained_by(run, cases[i].mechanism, "client"), 200);
		assert_int_equal(by(run, cases[i].mechanism)->confidence, SQ_STRONG);
		assert_true(says(by(run, cases[i].mechanism), cases[i].says));
		sq_run_free(run);
	}
}

/* A bound address that the host does not have is EADDRNOTAVAIL too: nothing was used up. */
static void test_ports_are_free(void **state)
{
	struct sq_run *run = new_run(BINS);

	(void)state;
	set_sysctl(run, "client", "net.ipv4.ip_local_port_range", "40000 40100");
	gauge(run, "client", "sockstat.TCP.inuse", NULL, 2, 9, 0, SQ_SEC);
	gauge(run, "client", "sockstat.TCP.tw", NULL, 0, 41, 0, SQ_SEC);
	connections(run, "EADDRNOTAVAIL", "connect", 10);
	analyze(run);
	assert_int_equal(run->findings.n, 0);
	assert_int_equal(account(run, "l", "EADDRNOTAVAIL@connect")->unexplained, 200);
	sq_run_free(run);
}

/* What was never started is named, but is no failure: no account has it. */
static void test_missed(void **state)
{
	struct sq_run *run = new_run(BINS);
	struct sq_load_rec *load = connections(run, "", "", 0);

	(void)state;
	succeed(run, load, 0, SQ_SEC, 90);
	happen(run, load, "missed", "", SQ_CLASS_MISSED, 0, 100, 0, 0);
	analyze(run);
	assert_int_equal(run->findings.n, 1);
	assert_int_equal(run->findings.n_accounts, 0);
	assert_int_equal(explained_by(run, "generator-limit", "client"), 100);
	assert_true(says(&run->findings.v[0], "100 of 1000 operations were due and never started"));
	assert_true(says(&run->findings.v[0], "used 25 % of the processor time"));
	sq_run_free(run);
}

/* ---- the load's own connections ---- */

static void test_no_session(void **state)
{
	struct sq_run *run = new_run(BINS);

	(void)state;
	usual_sysctls(run);
	connections(run, "no-session", "", 10);
	analyze(run);
	assert_int_equal(explained_by(run, "concurrency-limit", "client"), 200);
	assert_int_equal(by(run, "concurrency-limit")->confidence, SQ_STRONG);
	sq_run_free(run);
}

/* ---- a link that takes too little ---- */

/* What the queue of the server's device sent and dropped, each 100 ms. */
static void queue_of_link(struct sq_run *run, uint64_t packets, uint64_t drops)
{
	no_rises(1, 20 * SQ_MS);
	for (int i = 0; i < 20; i++)
		rise(i * 100 * SQ_MS + 5 * SQ_MS, packets);
	add_row(run, "server", "qdisc.packets", "eth0", 1);
	no_rises(1, 20 * SQ_MS);
	for (int i = 0; i < 20; i++)
		rise(i * 100 * SQ_MS + 5 * SQ_MS, drops);
	add_row(run, "server", "qdisc.drops", "eth0", 1);
	no_rises(1, 0);
	add_counter(run, "server", "Udp.SndbufErrors", 1);
}

/* A fifth of all segments is lost; then one in fifty, as when streams fill a link; then a fifth again, of which few
 * can have been the connects'. */
static void test_congested(void **state)
{
	static const struct {
		uint64_t each, packets, drops, explained;
		enum sq_confidence confidence;
	} cases[] = {
		{ 10, 80, 20, 200, SQ_STRONG },
		{ 2, 98, 2, 0, SQ_WEAK },
		{ 1, 80, 20, 20, SQ_WEAK },
	};

	(void)state;
	for (size_t i = 0; i < 3; i++) {
		struct sq_run *run = new_run(BINS);

		usual_sysctls(run);
		connections(run, "timeout", "connect", cases[i].each);
		queue_of_link(run, cases[i].packets, cases[i].drops);
		analyze(run);
		assert_int_equal(explained_by(run, "link-congested", "server"), cases[i].explained);
		if (cases[i].explained)
			assert_int_equal(by(run, "link-congested")->confidence,
					 cases[i].confidence);
		sq_run_free(run);
	}
}

/* A full accept queue has its failures first: the link has what is left. */
static void test_congested_and_full(void **state)
{
	struct sq_run *run = new_run(BINS);

	(void)state;
	usual_sysctls(run);
	connections(run, "timeout", "connect", 10);
	queue_of_link(run, 80, 20);
	counter(run, "server", "TcpExt.ListenOverflows", 6);
	add_listener(run, "0.0.0.0:9000", 10, 11, 0, 2 * SQ_SEC);
	analyze(run);
	assert_int_equal(explained_by(run, "accept-queue-overflow", "server"), 120);
	assert_int_equal(explained_by(run, "link-congested", "server"), 80);
	sq_run_free(run);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_no_session),
		cmocka_unit_test(test_congested),
		cmocka_unit_test(test_congested_and_full),
		cmocka_unit_test(test_stopped),
		cmocka_unit_test(test_another_stopped),
		cmocka_unit_test(test_stopped_and_empty),
		cmocka_unit_test(test_stopped_twice),
		cmocka_unit_test(test_filter_beside_stopped),
		cmocka_unit_test(test_throttled),
		cmocka_unit_test(test_little_throttling),
		cmocka_unit_test(test_descriptors_of_the_server),
		cmocka_unit_test(test_saturated),
		cmocka_unit_test(test_saturated_thread),
		cmocka_unit_test(test_own_limits),
		cmocka_unit_test(test_ports_are_free),
		cmocka_unit_test(test_missed),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
