/* Mechanisms that are known by a level: when it stands they explain, when it doesn't they are silent. */
#include "ledger_bench.h"

#define BINS 60

/* A load of connections, so many of which fail each 100 ms of its first two seconds. */
static struct sq_load_rec *connections(struct sq_run *run, const char *code, const char *phase,
				       uint64_t each)
{
	struct sq_load_rec *load = add_load(run, "l", "server:9000", SQ_SEC);
	enum sq_class class = strcmp(code, "timeout") == 0      ? SQ_CLASS_TIMEOUT
			      : strcmp(code, "ECONNRESET") == 0 ? SQ_CLASS_RESET
			      : strcmp(code, "SERVFAIL") == 0   ? SQ_CLASS_HARD
								: SQ_CLASS_LOCAL;

	load->duration_ns = 2 * SQ_SEC;
	load->cpu_s = 0.5;
	for (int i = 0; i < 20 && each > 0; i++)
		happen(run, load, code, phase, class, i * 100 * SQ_MS, each, 0, 0);
	return load;
}

static void succeed(struct sq_run *run, struct sq_load_rec *load, int64_t from_ns, int64_t to_ns,
		    uint64_t each)
{
	for (int64_t t = from_ns; t < to_ns; t += 100 * SQ_MS)
		happen(run, load, "ok", "", SQ_CLASS_OK, t, each, 0, 0);
}

/* A gauge that stands at `high` from one time to another, else at `low`. */
static void gauge(struct sq_run *run, const char *host, const char *metric, const char *instance,
		  double low, double high, int64_t from_ns, int64_t to_ns)
{
	struct sq_metric_rec *m = add_metric(run, host, metric, instance, SQ_GAUGE);

	m->max = low;
	for (size_t i = 0; i < run->axis.n; i++) {
		int64_t at_ns = (run->axis.first_bin + (int64_t)i) * run->axis.bin_ns;

		m->samples[i] = at_ns >= from_ns && at_ns < to_ns ? high : low;
		m->max = m->samples[i] > m->max ? m->samples[i] : m->max;
	}
}

static void counter(struct sq_run *run, const char *host, const char *metric, uint64_t each)
{
	no_rises(1, 20 * SQ_MS);
	for (int i = 0; i < 20; i++)
		rise(i * 100 * SQ_MS + 5 * SQ_MS, each);
	add_row(run, host, metric, NULL, 1);
}

static uint64_t explained_by(const struct sq_run *run, const char *mechanism, const char *host)
{
	uint64_t n = 0;

	for (size_t i = 0; i < run->findings.n; i++) {
		const struct sq_finding *f = &run->findings.v[i];

		if (strcmp(f->mechanism, mechanism) == 0 && strcmp(f->host, host) == 0)
			n += f->explained;
	}
	return n;
}

static const struct sq_finding *by(const struct sq_run *run, const char *mechanism)
{
	for (size_t i = 0; i < run->findings.n; i++) {
		if (strcmp(run->findings.v[i].mechanism, mechanism) == 0)
			return &run->findings.v[i];
	}
	fail_msg("no finding names %s", mechanism);
	return NULL;
}

/* ---- orphans and memory: one counter, told apart by what stood at its limit ---- */

static struct sq_run *aborts(double orphans, double pages)
{
	struct sq_run *run = new_run(BINS);

	set_sysctl(run, "server", "net.ipv4.tcp_max_orphans", "64");
	set_sysctl(run, "server", "net.ipv4.tcp_mem", "200\t300\t400");
	connections(run, "ECONNRESET", "answer", 10);
	counter(run, "server", "TcpExt.TCPAbortOnMemory", 10);
	counter(run, "client", "TcpExt.TCPAbortOnMemory", 0);
	gauge(run, "server", "sockstat.TCP.orphan", NULL, 0, orphans, 0, 3 * SQ_SEC);
	gauge(run, "server", "sockstat.TCP.mem", NULL, 1, pages, 0, 3 * SQ_SEC);
	analyze(run);
	return run;
}

static void test_orphans_or_memory(void **state)
{
	static const struct {
		double orphans, pages;
		uint64_t by_orphans, by_memory;
	} cases[] = {
		{ 70, 50, 200, 0 }, { 17, 50, 200, 0 }, { 15, 50, 0, 0 },
		{ 3, 401, 0, 200 }, { 3, 399, 0, 0 },   { 70, 500, 200, 0 }, /* never twice */
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct sq_run *run = aborts(cases[i].orphans, cases[i].pages);

		assert_int_equal(explained_by(run, "orphan-limit", "server"), cases[i].by_orphans);
		assert_int_equal(explained_by(run, "tcp-memory", "server"), cases[i].by_memory);
		sq_run_free(run);
	}
}

static void test_orphan_words(void **state)
{
	struct sq_run *run = aborts(73, 50);
	const struct sq_finding *f = by(run, "orphan-limit");
	const char *number;

	(void)state;
	assert_finding(run, "l", "ECONNRESET@answer", 200, SQ_EXACT);
	assert_true(says(
		f,
		"TCPAbortOnMemory rose by 200 on server; 200 connections reset cost one each = 200"));
	assert_true(says(f, "up to 73 orphans were seen"));
	assert_true(says(f, "net.ipv4.tcp_max_orphans is 64"));
	/* Four times the 73 that were seen and the 100 that were reset within a second. */
	number = strstr(f->advice, "set net.ipv4.tcp_max_orphans to ");
	assert_non_null(number);
	assert_in_range(strtol(number + strlen("set net.ipv4.tcp_max_orphans to "), NULL, 10), 690,
			750);
	sq_run_free(run);
}

/* Only what rose while the level stood counts; the rest of the failures are nobody's. */
static void test_only_while_it_stood(void **state)
{
	struct sq_run *run = new_run(BINS);

	(void)state;
	set_sysctl(run, "server", "net.ipv4.tcp_max_orphans", "64");
	connections(run, "ECONNRESET", "answer", 10)->timeout_ns = 100 * SQ_MS;
	counter(run, "server", "TcpExt.TCPAbortOnMemory", 10);
	gauge(run, "server", "sockstat.TCP.orphan", NULL, 0, 70, 0, SQ_SEC);
	analyze(run);
	assert_in_range(explained_by(run, "orphan-limit", "server"), 90, 130);
	sq_run_free(run);
}

/* A limit that is not known is no limit that was not reached. */
static void test_limit_not_known(void **state)
{
	struct sq_run *run = new_run(BINS);

	(void)state;
	connections(run, "ECONNRESET", "answer", 10);
	counter(run, "server", "TcpExt.TCPAbortOnMemory", 10);
	gauge(run, "server", "sockstat.TCP.orphan", NULL, 0, 70, 0, SQ_SEC);
	analyze(run);
	assert_int_equal(explained_by(run, "orphan-limit", "server"), 0);
	assert_string_equal(not_examined(run, "orphan-limit"),
			    "sockstat.TCP.orphan, or its limit, was not captured on server");
	sq_run_free(run);
}

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

/* Resets that a server's program made.  Where the load has the same counters they may be its own: a socket that
 * is closed after its time-out, with an answer that came too late, counts there too. */
static void test_server_resets(void **state)
{
	(void)state;
	for (int shared = 0; shared < 2; shared++) {
		struct sq_run *run = new_run(BINS);
		struct sq_load_rec *load = connections(run, "ECONNRESET", "answer", 10);

		if (shared) {
			free(load->from);
			load->from = sq_strdup("server");
		}
		counter(run, "server", "TcpExt.TCPAbortOnData", 10);
		analyze(run);
		assert_int_equal(explained_by(run, "server-reset", "server"), shared ? 0 : 200);
		assert_true(!shared == !not_examined(run, "server-reset"));
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

/* ---- tables that are full ---- */

/* Any number of windows may have closed on one operation; without one there is nothing to say. */
static void test_slow_reader(void **state)
{
	for (int closed = 0; closed < 2; closed++) {
		struct sq_run *run = new_run(BINS);

		(void)state;
		connections(run, "timeout", "request", 10);
		counter(run, "server", "TcpExt.TCPToZeroWindowAdv", closed ? 27 : 0);
		counter(run, "client", "TcpExt.TCPToZeroWindowAdv", 0);
		counter(run, "client", "TcpExt.TCPWinProbe", 30);
		analyze(run);
		assert_int_equal(explained_by(run, "slow-reader", "server"), closed ? 200 : 0);
		if (closed) {
			assert_finding(run, "l", "timeout@request", 200, SQ_STRONG);
			assert_true(by(run, "slow-reader")->counter_excess == 0);
			assert_true(says(by(run, "slow-reader"), "all hosts: 600 times"));
		}
		sq_run_free(run);
	}
}

/* ENOBUFS of a full neighbour table is in SndbufErrors too, and is no send buffer's. */
static void test_neighbours(void **state)
{
	for (int full = 0; full < 2; full++) {
		struct sq_run *run = new_run(BINS);

		(void)state;
		set_sysctl(run, "client", "net.ipv4.neigh.default.gc_thresh3", "64");
		connections(run, "ENOBUFS", "send", 10);
		counter(run, "client", "Udp.SndbufErrors", 10);
		counter(run, "client", "qdisc.drops", 0);
		counter(run, "client", "neighbour.table_fulls", full ? 10 : 0);
		analyze(run);
		assert_int_equal(explained_by(run, "neighbour-table-full", "client"),
				 full ? 200 : 0);
		assert_int_equal(explained_by(run, "send-buffer-full", "client"), full ? 0 : 200);
		assert_finding(run, "l", "ENOBUFS@send", 200, SQ_EXACT);
		sq_run_free(run);
	}
}

/* table_fulls is the whole machine's: a load with one target has its neighbour, so another's overflow at the
 * same time is no reason for its connects. */
static void test_neighbours_of_others(void **state)
{
	for (size_t targets = 1; targets <= 2; targets++) {
		struct sq_run *run = new_run(BINS);
		struct sq_load_rec *load = connections(run, "timeout", "connect", 10);

		(void)state;
		if (targets > 1) {
			load->targets = sq_realloc_n(load->targets, 2, sizeof(*load->targets));
			load->n_targets = 2;
			load->targets[1] =
				(struct sq_target_rec){ .target = sq_strdup("server:9001"),
							.server = sq_strdup("server") };
		}
		counter(run, "client", "Udp.SndbufErrors", 0);
		counter(run, "client", "neighbour.table_fulls", 30);
		analyze(run);
		assert_int_equal(explained_by(run, "neighbour-table-full", "client") > 0,
				 targets > 1);
		sq_run_free(run);
	}
}

static void test_conntrack(void **state)
{
	struct sq_run *run = new_run(BINS);

	(void)state;
	connections(run, "EPERM", "send", 10);
	counter(run, "client", "conntrack.drop", 10);
	counter(run, "client", "nft.drops", 0);
	gauge(run, "client", "conntrack.entries", NULL, 0, 50, 0, 6 * SQ_SEC);
	gauge(run, "client", "conntrack.max", NULL, 50, 50, 0, 0);
	analyze(run);
	assert_finding(run, "l", "EPERM@send", 200, SQ_EXACT);
	assert_true(says(by(run, "conntrack-full"),
			 "up to 50 connections were tracked on client, of 50"));
	sq_run_free(run);
}

/* ---- resolvers ---- */

/* What met the quota is in QrySERVFAIL too, and is not blamed on whom the resolver asks. */
static void test_resolver(void **state)
{
	static const struct {
		uint64_t quota, servfail, silent, by_quota, by_upstream;
	} cases[] = {
		{ 10, 10, 0, 200, 0 },
		{ 0, 10, 10, 0, 200 },
		{ 4, 10, 10, 80, 120 },
		{ 0, 10, 0, 0, 0 }, /* of its own: none that it asked failed */
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct sq_run *run = new_run(BINS);

		connections(run, "SERVFAIL", "query", 10);
		counter(run, "server", "bind.RecLimitDropped", cases[i].quota);
		counter(run, "server", "bind.QrySERVFAIL", cases[i].servfail);
		counter(run, "server", "bind.resolver.QueryTimeout", cases[i].silent);
		analyze(run);
		assert_int_equal(explained_by(run, "resolver-quota", "server"), cases[i].by_quota);
		assert_int_equal(explained_by(run, "upstream-failure", "server"),
				 cases[i].by_upstream);
		sq_run_free(run);
	}
}

/* Several places where a resolver may count, none of which was read: one line. */
static void test_no_resolver(void **state)
{
	struct sq_run *run = new_run(BINS);
	size_t n = 0;

	(void)state;
	connections(run, "SERVFAIL", "query", 10);
	counter(run, "server", "Udp.InDatagrams", 10);
	analyze(run);
	for (size_t i = 0; i < run->findings.n_not_examined; i++)
		n += strcmp(run->findings.not_examined[i].mechanism, "resolver-quota") == 0;
	assert_int_equal(n, 1);
	assert_non_null(
		strstr(not_examined(run, "resolver-quota"), "name the source bind or unbound"));
	sq_run_free(run);
}

/* ---- a BSD's clusters ---- */

/* The firewall of seed 004: Hiwat 516 pages; what another pool lacks is no matter. */
static void test_clusters(void **state)
{
	struct sq_run *run = new_run(BINS);

	(void)state;
	connections(run, "timeout", "answer", 10);
	counter(run, "server", "bsd.pool.Fail", 0);
	run->metrics[0].instance = sq_strdup("pfstatepl");
	counter(run, "server", "bsd.pool.Fail", 73);
	run->metrics[1].instance = sq_strdup("mclpl");
	gauge(run, "server", "bsd.pool.Hiwat", "pfstatepl", 9000, 9000, 0, 0);
	gauge(run, "server", "bsd.pool.Hiwat", "mclpl", 516, 516, 0, 0);
	gauge(run, "server", "bsd.pool.Maxpg", "mclpl", 512, 512, 0, 0);
	analyze(run);
	assert_finding(run, "l", "timeout@answer", 200, SQ_STRONG);
	assert_true(
		says(by(run, "mbuf-clusters"), "bsd.pool.Fail of mclpl rose by 1460 on server"));
	assert_true(says(by(run, "mbuf-clusters"), "had up to 516 pages on server"));
	assert_non_null(strstr(by(run, "mbuf-clusters")->advice, "high-water mark, 2100, for"));
	sq_run_free(run);
}

/* Another pool's failures, and a host that is no BSD: nothing is said at all. */
static void test_no_clusters(void **state)
{
	struct sq_run *run = new_run(BINS);

	(void)state;
	connections(run, "timeout", "answer", 10);
	counter(run, "server", "bsd.pool.Fail", 73);
	run->metrics[0].instance = sq_strdup("pfstatepl");
	analyze(run);
	assert_int_equal(explained_by(run, "mbuf-clusters", "server"), 0);
	assert_null(not_examined(run, "mbuf-clusters"));
	sq_run_free(run);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_orphans_or_memory),
		cmocka_unit_test(test_orphan_words),
		cmocka_unit_test(test_only_while_it_stood),
		cmocka_unit_test(test_limit_not_known),
		cmocka_unit_test(test_stopped),
		cmocka_unit_test(test_another_stopped),
		cmocka_unit_test(test_stopped_and_empty),
		cmocka_unit_test(test_filter_beside_stopped),
		cmocka_unit_test(test_throttled),
		cmocka_unit_test(test_little_throttling),
		cmocka_unit_test(test_descriptors_of_the_server),
		cmocka_unit_test(test_server_resets),
		cmocka_unit_test(test_saturated),
		cmocka_unit_test(test_saturated_thread),
		cmocka_unit_test(test_own_limits),
		cmocka_unit_test(test_ports_are_free),
		cmocka_unit_test(test_missed),
		cmocka_unit_test(test_slow_reader),
		cmocka_unit_test(test_neighbours),
		cmocka_unit_test(test_neighbours_of_others),
		cmocka_unit_test(test_conntrack),
		cmocka_unit_test(test_resolver),
		cmocka_unit_test(test_no_resolver),
		cmocka_unit_test(test_clusters),
		cmocka_unit_test(test_no_clusters),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
