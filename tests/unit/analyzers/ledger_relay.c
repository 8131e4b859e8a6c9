/* Deliveries that a relay deferred, over run records made in memory: how its look-ups failed. */
#include "ledger_bench.h"

static void set_counter(struct sq_run *run, const char *host, const char *metric,
			const char *instance, double rise)
{
	struct sq_metric_rec *m = add_metric(run, host, metric, instance, SQ_COUNTER);

	m->delta = m->last = m->max = rise;
}

/* 40 deliveries deferred for names, each after two queries, of which so many were answered. */
static struct sq_run *relay_run(double answered)
{
	struct sq_run *run = new_run(20);

	run->servers = json_array();
	set_counter(run, "relay", "postfix.deferred", "name service error", 40);
	set_counter(run, "relay", "postfix.deferred", "connection refused", 0);
	set_counter(run, "relay", "postfix.untried", "name service error", 0);
	set_counter(run, "relay", "Udp.OutDatagrams", NULL, 80);
	set_counter(run, "relay", "Udp.InDatagrams", NULL, answered);
	return run;
}

static void add_sink(struct sq_run *run, const char *rcode, int n)
{
	json_array_append_new(run->servers,
			      json_pack("{s:s, s:s, s:{s:{s:i, s:i}}}", "host", "resolver", "what",
					"sink dns", "counts", "rcodes", rcode, n, "NXDOMAIN", 7));
}

static void assert_relay(struct sq_run *run, uint64_t explained, uint64_t count,
			 enum sq_confidence confidence, const char *words)
{
	const struct sq_finding *f;

	analyze(run);
	f = run->findings.v;
	assert_int_equal(run->findings.n, 1);
	assert_int_equal(run->findings.n_accounts, 0);
	assert_null(f->load);
	assert_string_equal(f->mechanism, "relay-dns-failure");
	assert_string_equal(f->failure, "deferred");
	assert_string_equal(f->host, "relay");
	if (!says(f, words))
		fail_msg("%s is not among %s", words, json_dumps(f->evidence, 0));
	assert_int_equal(f->explained, explained);
	assert_int_equal(f->count, count);
	assert_int_equal(f->unexplained, count - explained);
	assert_int_equal(f->confidence, confidence);
	assert_non_null(strstr(f->advice, "On relay, mend the name server"));
	sq_run_free(run);
}

static void test_rcodes(void **state)
{
	struct sq_run *run = relay_run(80);

	(void)state;
	add_sink(run, "SERVFAIL", 80);
	assert_relay(
		run, 40, 40, SQ_EXACT,
		"80 queries were answered without a result: sink dns on resolver: SERVFAIL 80");
	/* A row that was never read takes nothing from the others. */
	run = relay_run(80);
	add_sink(run, "SERVFAIL", 80);
	set_counter(run, "relay", "Udp.InDatagrams", "more", NAN);
	assert_relay(run, 40, 40, SQ_EXACT, "80 queries were answered without a result");
	/* Nobody tells which. */
	assert_relay(relay_run(80), 40, 40, SQ_STRONG,
		     "SERVFAIL and REFUSED can't be told apart from here");
	/* Somebody else asked that sink too. */
	run = relay_run(80);
	add_sink(run, "REFUSED", 160);
	assert_relay(run, 40, 40, SQ_STRONG, "REFUSED 160");
}

static void test_silence(void **state)
{
	struct sq_run *run = relay_run(0);

	(void)state;
	set_counter(run, "resolver", "Udp.NoPorts", NULL, 0);
	assert_relay(run, 40, 40, SQ_EXACT, "80 queries were never answered");
}

static void test_closed_port(void **state)
{
	struct sq_run *run = relay_run(0);

	(void)state;
	set_counter(run, "relay", "Icmp.InDestUnreachs", NULL, 80);
	assert_relay(run, 40, 40, SQ_EXACT, "80 queries met a closed port");
	/* Most errors are held back, but the port's own host counts. */
	run = relay_run(0);
	set_counter(run, "relay", "Icmp.InDestUnreachs", NULL, 7);
	set_counter(run, "resolver", "Udp.NoPorts", NULL, 80);
	assert_relay(run, 40, 40, SQ_EXACT, "held back by net.ipv4.icmp_ratelimit");
	/* Nobody watched that host. */
	run = relay_run(0);
	set_counter(run, "relay", "Icmp.InDestUnreachs", NULL, 7);
	assert_relay(run, 40, 40, SQ_EXACT, "73 queries were never answered");
}

/* Half of the queries met one fault, half another. */
static void test_two_faults(void **state)
{
	struct sq_run *run = relay_run(40);

	(void)state;
	add_sink(run, "SERVFAIL", 40);
	assert_relay(run, 40, 40, SQ_EXACT, "80 failed queries are 2 for each of the 40");
}

/* The host does more by UDP than look up. */
static void test_other_datagrams(void **state)
{
	struct sq_run *run = relay_run(0);

	(void)state;
	set_counter(run, "relay", "Udp6OutDatagrams", NULL, 5);
	set_counter(run, "relay", "Udp6InDatagrams", NULL, 0);
	assert_relay(run, 40, 40, SQ_STRONG, "85 queries were never answered");
	/* Of one look-up, any number is a multiple. */
	run = relay_run(0);
	run->metrics[0].delta = 1;
	assert_relay(run, 1, 1, SQ_STRONG, "80 queries were never answered");
}

/* Other reasons stay unexplained; what was put off without an attempt cost no query. */
static void test_other_reasons(void **state)
{
	struct sq_run *run = relay_run(0);

	(void)state;
	run->metrics[1].delta = 10; /* connection refused */
	run->metrics[0].delta = 100;
	run->metrics[2].delta = 60; /* untried */
	assert_relay(run, 100, 110, SQ_EXACT,
		     "Postfix on relay deferred 110 deliveries, 100 of them because a name");
}

static void test_nothing_to_find(void **state)
{
	struct sq_run *run = relay_run(80);

	(void)state;
	run->metrics[0].delta = 0;
	run->metrics[1].delta = 40; /* connection refused */
	analyze(run);
	assert_int_equal(run->findings.n, 0);
	assert_null(not_examined(run, "relay-dns-failure"));
	sq_run_free(run);
	run = new_run(20);
	json_array_append_new(run->absent, json_pack("{s:s, s:s, s:s}", "host", "relay", "source",
						     "postfix", "because", "no such file"));
	analyze(run);
	assert_string_equal(not_examined(run, "relay-dns-failure"), "no such file");
	sq_run_free(run);
}

static void test_datagrams_not_captured(void **state)
{
	struct sq_run *run = new_run(20);

	(void)state;
	set_counter(run, "relay", "postfix.deferred", "name service error", 40);
	assert_relay(run, 40, 40, SQ_STRONG, "Udp and Icmp of relay were not captured");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_rcodes),
		cmocka_unit_test(test_silence),
		cmocka_unit_test(test_closed_port),
		cmocka_unit_test(test_two_faults),
		cmocka_unit_test(test_other_datagrams),
		cmocka_unit_test(test_other_reasons),
		cmocka_unit_test(test_nothing_to_find),
		cmocka_unit_test(test_datagrams_not_captured),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
