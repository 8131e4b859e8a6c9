/* Two counters that could both pay for a connect that sent one SYN: each failure goes where the rises
 * leave no other, not to the mechanism that is asked first. */
#include "ledger_bench.h"

static struct sq_run *filtered_server(struct sq_load_rec **ret_load)
{
	struct sq_run *run = new_run(70);

	usual_sysctls(run);
	*ret_load = add_load(run, "storm", "server:9000", 800 * SQ_MS);
	(*ret_load)->duration_ns = 3 * SQ_SEC;
	return run;
}

static uint64_t explained_by(const struct sq_run *run, const char *mechanism, const char *failure)
{
	uint64_t n = 0;

	for (size_t i = 0; i < run->findings.n; i++) {
		const struct sq_finding *f = &run->findings.v[i];

		if (strcmp(f->mechanism, mechanism) == 0 && strcmp(f->failure, failure) == 0)
			n += f->explained;
	}
	return n;
}

/* A filter drops a tenth of a bin's connects from the start; from the middle on the queue is full too.
 * The queue's rises must not pay for what only the filter can have dropped before. */
static void test_one_after_the_other(void **state)
{
	struct sq_load_rec *load;
	struct sq_run *run = filtered_server(&load);

	(void)state;
	for (int64_t bin = 0; bin < 20; bin++)
		happen(run, load, "timeout", "connect", SQ_CLASS_TIMEOUT, bin * 100 * SQ_MS,
		       bin < 10 ? 12 : 42, 0, 0);
	no_rises(1, 0);
	for (int64_t bin = 10; bin < 20; bin++)
		rise(bin * 100 * SQ_MS + 40 * SQ_MS, 30);
	add_counter(run, "server", "TcpExt.ListenOverflows", 1);
	no_rises(2, 0);
	for (int64_t bin = 0; bin < 20; bin++)
		rise(bin * 100 * SQ_MS + 40 * SQ_MS, 12);
	add_row(run, "server", "nft.drops", "inet f c 2", 1);
	add_listener(run, "0.0.0.0:9000", 128, 129, SQ_SEC, 2 * SQ_SEC);
	analyze(run);
	assert_int_equal(explained_by(run, "accept-queue-overflow", "timeout@connect"), 300);
	assert_int_equal(explained_by(run, "packet-filter", "timeout@connect"), 240);
	sq_run_free(run);
}

/* A burst each half second: 120 of its connects the filter drops, 40 the queue; 100 get a handshake that
 * the server does not know of, and 50 come in at the fourth try, at four and three segments each. */
static void test_beside_ghosts(void **state)
{
	struct sq_load_rec *load;
	struct sq_run *run = filtered_server(&load);

	(void)state;
	for (int64_t t = 0; t < 2 * SQ_SEC; t += SQ_SEC / 2) {
		happen(run, load, "timeout", "connect", SQ_CLASS_TIMEOUT, t, 160, 0, 0);
		happen(run, load, "ghost", "greeting", SQ_CLASS_TIMEOUT, t, 100, 0, 4);
		happen(run, load, "ok", "", SQ_CLASS_OK, t, 50, 0, 3);
	}
	no_rises(1, 0);
	for (int64_t t = 0; t < 2 * SQ_SEC; t += SQ_SEC / 2)
		rise(t + 40 * SQ_MS, 40 + 400 + 150);
	add_counter(run, "server", "TcpExt.ListenOverflows", 1);
	no_rises(2, 0);
	for (int64_t t = 0; t < 2 * SQ_SEC; t += SQ_SEC / 2)
		rise(t + 40 * SQ_MS, 120);
	add_row(run, "server", "nft.drops", "inet f c 2", 1);
	add_listener(run, "0.0.0.0:9000", 128, 129, 0, 2 * SQ_SEC);
	analyze(run);
	assert_int_equal(explained_by(run, "accept-queue-overflow", "timeout@connect"), 160);
	assert_int_equal(explained_by(run, "accept-queue-overflow", "ghost@greeting"), 400);
	assert_int_equal(explained_by(run, "packet-filter", "timeout@connect"), 480);
	assert_int_equal(explained_by(run, "packet-filter", "ghost@greeting"), 0);
	sq_run_free(run);
}

/* Three SYNs each: a tenth meets the filter each time, the others the queue.  From the second second on
 * a bin's rises are of failures due at three times. */
static void test_three_syns(void **state)
{
	struct sq_load_rec *load;
	struct sq_run *run = filtered_server(&load);

	(void)state;
	load->timeout_ns = 2500 * SQ_MS;
	for (int64_t bin = 0; bin < 30; bin++)
		happen(run, load, "timeout", "connect", SQ_CLASS_TIMEOUT, bin * 100 * SQ_MS,
		       bin % 3 ? 20 : 35, 2, 0);
	no_rises(1, 0);
	for (int64_t bin = 0; bin < 30; bin++)
		rise_syns(bin * 100 * SQ_MS + 30 * SQ_MS, bin % 3 ? 18 : 30, 3);
	add_counter(run, "server", "TcpExt.ListenOverflows", 1);
	no_rises(2, 0);
	for (int64_t bin = 0; bin < 30; bin++)
		rise_syns(bin * 100 * SQ_MS + 30 * SQ_MS, bin % 3 ? 2 : 5, 3);
	add_row(run, "server", "nft.drops", "inet f c 2", 1);
	add_listener(run, "0.0.0.0:9000", 128, 129, 0, 5 * SQ_SEC);
	analyze(run);
	assert_in_range(explained_by(run, "accept-queue-overflow", "timeout@connect"), 650, 670);
	assert_in_range(explained_by(run, "packet-filter", "timeout@connect"), 80, 100);
	sq_run_free(run);
}

/* Three SYNs each, of which the filter drops a third and the queue the others, of whichever connect: few
 * lost all of theirs to one counter. */
static void test_syns_in_both(void **state)
{
	struct sq_load_rec *load;
	struct sq_run *run = filtered_server(&load);
	const struct sq_finding *f;

	(void)state;
	load->timeout_ns = 2500 * SQ_MS;
	happen(run, load, "timeout", "connect", SQ_CLASS_TIMEOUT, 0, 90, 2, 0);
	no_rises(1, 0);
	rise_syns(30 * SQ_MS, 30, 3);
	rise(30 * SQ_MS, 60);
	rise(1058 * SQ_MS, 30);
	add_counter(run, "server", "TcpExt.ListenOverflows", 1);
	no_rises(2, 0);
	rise(1058 * SQ_MS, 30);
	rise(2086 * SQ_MS, 60);
	add_row(run, "server", "nft.drops", "inet f c 2", 1);
	add_listener(run, "0.0.0.0:9000", 128, 129, 0, 5 * SQ_SEC);
	analyze(run);
	assert_int_equal(account(run, "storm", "timeout@connect")->unexplained, 0);
	assert_int_equal(explained_by(run, "accept-queue-overflow", "timeout@connect"), 60);
	assert_int_equal(explained_by(run, "packet-filter", "timeout@connect"), 30);
	f = finding(run, "storm", "timeout@connect");
	assert_string_equal(f->mechanism, "accept-queue-overflow");
	assert_int_equal(f->confidence, SQ_STRONG);
	assert_true(says(
		f,
		"30 more failed connects lost SYNs or segments to several counters, 90 to this one"));
	assert_true(f->counter_excess == 0);
	sq_run_free(run);
}

/* 100 handshakes that the server does not know of lost four segments each, and 50 that came in late three:
 * to the queue, but for 130 that a filter had.  What came in late has paid once. */
static void test_segments_in_both(void **state)
{
	struct sq_load_rec *load;
	struct sq_run *run = filtered_server(&load);

	(void)state;
	happen(run, load, "ghost", "greeting", SQ_CLASS_TIMEOUT, 0, 100, 0, 4);
	happen(run, load, "ok", "", SQ_CLASS_OK, 0, 50, 0, 3);
	no_rises(1, 0);
	rise(40 * SQ_MS, 200);
	rise(240 * SQ_MS, 220);
	add_counter(run, "server", "TcpExt.ListenOverflows", 1);
	no_rises(2, 0);
	rise(240 * SQ_MS, 130);
	add_row(run, "server", "nft.drops", "inet f c 2", 1);
	add_listener(run, "0.0.0.0:9000", 128, 129, 0, 2 * SQ_SEC);
	analyze(run);
	assert_int_equal(account(run, "storm", "ghost@greeting")->unexplained, 0);
	assert_in_range(explained_by(run, "accept-queue-overflow", "ghost@greeting"), 67, 68);
	for (size_t i = 0; i < run->findings.n; i++)
		assert_true(run->findings.v[i].counter_excess == 0);
	sq_run_free(run);
}

/* Connects that got in at the second try lost their first SYN to the queue; conntrack's drops of those times are
 * of queries that timed out. */
static void test_slow_ones_pay_once(void **state)
{
	struct sq_load_rec *load, *flood;
	struct sq_run *run = filtered_server(&load);

	(void)state;
	flood = add_load(run, "flood", "server:53", SQ_SEC);
	load = &run->loads[0];
	for (int64_t t = 0; t < 2 * SQ_SEC; t += 100 * SQ_MS) {
		happen(run, load, "ok", "", SQ_CLASS_OK, t, 10, 1, 0);
		happen(run, flood, "timeout", "query", SQ_CLASS_TIMEOUT, t, 10, 0, 0);
	}
	happen(run, load, "timeout", "connect", SQ_CLASS_TIMEOUT, SQ_SEC, 5, 0, 0);
	no_rises(1, 0);
	for (int64_t t = 0; t < 2 * SQ_SEC; t += 100 * SQ_MS)
		rise(t + 20 * SQ_MS, 10);
	rise(SQ_SEC + 20 * SQ_MS, 5);
	add_counter(run, "server", "TcpExt.ListenOverflows", 1);
	no_rises(2, 0);
	for (int64_t t = 0; t < 2 * SQ_SEC; t += 100 * SQ_MS)
		rise(t + 20 * SQ_MS, 10);
	add_counter(run, "server", "conntrack.drop", 1);
	add_listener(run, "0.0.0.0:9000", 128, 129, 0, 3 * SQ_SEC);
	analyze(run);
	assert_finding(run, "storm", "timeout@connect", 5, SQ_EXACT);
	assert_finding(run, "flood", "timeout@query", 200, SQ_EXACT);
	sq_run_free(run);
}

/* What two counters together have for a connect's SYNs at one time only, is not for that connect. */
static void test_syns_in_neither(void **state)
{
	struct sq_load_rec *load;
	struct sq_run *run = filtered_server(&load);

	(void)state;
	load->timeout_ns = 2500 * SQ_MS;
	happen(run, load, "timeout", "connect", SQ_CLASS_TIMEOUT, 0, 90, 2, 0);
	no_rises(1, 0);
	rise_syns(30 * SQ_MS, 30, 3);
	rise(30 * SQ_MS, 40);
	add_counter(run, "server", "TcpExt.ListenOverflows", 1);
	no_rises(2, 0);
	rise(1058 * SQ_MS, 60);
	add_row(run, "server", "nft.drops", "inet f c 2", 1);
	add_listener(run, "0.0.0.0:9000", 128, 129, 0, 5 * SQ_SEC);
	analyze(run);
	assert_int_equal(explained_by(run, "accept-queue-overflow", "timeout@connect"), 30);
	assert_int_equal(explained_by(run, "packet-filter", "timeout@connect"), 0);
	sq_run_free(run);
}

/* A filter of the client's that drops much else beside: what the queue and the server's filter can pay for
 * is theirs. */
static void test_foreign_rises(void **state)
{
	struct sq_load_rec *load;
	struct sq_run *run = filtered_server(&load);

	(void)state;
	for (int64_t bin = 0; bin < 20; bin++)
		happen(run, load, "timeout", "connect", SQ_CLASS_TIMEOUT, bin * 100 * SQ_MS, 42, 0,
		       0);
	no_rises(1, 0);
	for (int64_t bin = 0; bin < 20; bin++)
		rise(bin * 100 * SQ_MS + 40 * SQ_MS, 30);
	add_counter(run, "server", "TcpExt.ListenOverflows", 1);
	no_rises(2, 0);
	for (int64_t bin = 0; bin < 20; bin++)
		rise(bin * 100 * SQ_MS + 40 * SQ_MS, 12);
	add_row(run, "server", "nft.drops", "inet f c 2", 1);
	no_rises(3, 0);
	for (int64_t bin = 0; bin < 20; bin++)
		rise(bin * 100 * SQ_MS + 40 * SQ_MS, 300);
	add_row(run, "client", "nft.drops", "inet f c 2", 1);
	add_listener(run, "0.0.0.0:9000", 128, 129, 0, 2 * SQ_SEC);
	analyze(run);
	assert_int_equal(explained_by(run, "accept-queue-overflow", "timeout@connect"), 600);
	assert_int_equal(explained_by(run, "packet-filter", "timeout@connect"), 240);
	assert_int_equal(run->findings.n, 2);
	sq_run_free(run);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_one_after_the_other), cmocka_unit_test(test_beside_ghosts),
		cmocka_unit_test(test_three_syns),          cmocka_unit_test(test_syns_in_both),
		cmocka_unit_test(test_syns_in_neither),     cmocka_unit_test(test_segments_in_both),
		cmocka_unit_test(test_slow_ones_pay_once),  cmocka_unit_test(test_foreign_rises),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
