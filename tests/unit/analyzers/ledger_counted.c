/* Mechanisms that a counter of a host pays for: only while a level stood, only where another counter did not rise
 * with it, or by itself. */
#include "levels_bench.h"

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

/* ---- a program's own doing ---- */

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
		cmocka_unit_test(test_server_resets),
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
