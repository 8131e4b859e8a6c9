/* The dns driver against a small name server, in a network namespace of the test's own: who is asked
 * how often, and what each kind of reply becomes. */
#include "tests/unit/loadgen/dns_bench.h"

/* ---- what is asked ---- */

static void run_names(struct named *n, const char *conf, int64_t threads, int64_t count,
		      struct dns_bench *d)
{
	dns_bench_init(d, n, conf);
	d->b.spec.threads = threads;
	d->b.spec.count = count;
	d->b.spec.arrivals.rate_per_s = (double)count;
	d->b.spec.timeout_ns = 5 * SQ_SEC;
	dns_bench_run_done(d);
	assert_int_equal(d->b.scheduled, count);
	assert_int_equal(n->seen->queries, count);
}

/* Whatever the number of threads. */
static void asked_equally_often(void **state)
{
	(void)state;
	for (int64_t threads = 1; threads <= 4; threads++) {
		struct named n = named_start(AF_INET);
		struct dns_bench d;

		run_names(&n, "{\"names\": [\"n{0-99}.test\"]}", threads, 2000, &d);
		assert_int_equal(dns_n(&d, "ok@"), 2000);
		assert_int_equal(d.in_query, 2000);
		assert_true(json_object_size(d.b.counts) == 0);
		for (int i = 0; i < 100; i++)
			assert_int_equal(n.seen->asked[i], 20);
		assert_int_equal(n.seen->ports, 8 * threads);
		dns_bench_fini(&d);
		named_stop(&n);
	}
}

static void one_wrong_in_ten(void **state)
{
	struct named n = named_start(AF_INET6);
	struct dns_bench d;

	(void)state;
	run_names(&n,
		  "{\"names\": [\"a{1-50}\", \"a\", \"a\", \"a\", \"nx{7-8}\", \"a\", \"a\", "
		  "\"a\", \"a\", \"a{1-999}\"], \"sockets\": 1}",
		  3, 2000, &d);
	assert_int_equal(dns_n(&d, "ok@"), 1800);
	assert_int_equal(dns_n(&d, "NXDOMAIN@"), 200);
	assert_int_equal(d.b.live.failed, 0);
	assert_int_equal(n.seen->asked[7], 100 + 5); /* 5 of them "a7" */
	assert_int_equal(n.seen->ports, 3);
	dns_bench_fini(&d);
	named_stop(&n);
}

static void random_order(void **state)
{
	struct named n = named_start(AF_INET);
	struct dns_bench d;
	int differs = 0;

	(void)state;
	run_names(&n, "{\"names\": [\"n{0-99}.test\"], \"order\": \"random\"}", 2, 2000, &d);
	assert_int_equal(dns_n(&d, "ok@"), 2000);
	for (int i = 0; i < 100; i++) {
		assert_true(n.seen->asked[i] < 50);
		differs += n.seen->asked[i] != 20;
	}
	assert_true(differs > 50);
	dns_bench_fini(&d);
	named_stop(&n);
}

/* ---- bursts and ticks ---- */

/* Bursts of queries of four lengths, as few datagrams that the kernel takes apart again: the server
 * gets each one, once. */
static void segmented(void **state)
{
	struct named n = named_start(AF_INET);
	struct dns_bench d;

	(void)state;
	dns_bench_init(&d, &n, "{\"names\": [\"a{0-999}.test\", \"abc.test\"], \"segment\": true}");
	d.b.spec.threads = 1;
	d.b.spec.count = 2000;
	d.b.spec.arrivals.burst = 100;
	d.b.spec.arrivals.every_ns = 20 * SQ_MS;
	d.b.spec.arrivals.streams = 1;
	dns_bench_run_done(&d);
	assert_int_equal(dns_n(&d, "ok@"), 2000);
	assert_int_equal(n.seen->queries, 2000);
	for (int i = 1; i < 999; i++)
		assert_int_equal(n.seen->asked[i], 1);
	dns_bench_fini(&d);
	named_stop(&n);
}

/* With the kernel's time a reply that is read at the next tick, up to 100 ms later, came when it
 * came; and a closed loop starts its ten at the ticks. */
static void read_late_not_called_late(void **state)
{
	struct named n = named_start(AF_INET);
	struct dns_bench d;

	(void)state;
	dns_bench_init(&d, &n, "{\"names\": [\"n{0-99}.test\"], \"kernel_time\": true}");
	d.b.spec.threads = 1;
	d.b.spec.arrivals.closed = 10;
	d.b.load.tick_ns = 100 * SQ_MS;
	dns_bench_run_done(&d);
	assert_in_range(dns_n(&d, "ok@"), 90, 100);
	assert_true(sq_hist_percentile(d.b.from_due, 50) < 20 * SQ_MS);
	dns_bench_fini(&d);
	named_stop(&n);
}

/* ---- replies ---- */

/* 50 queries for each kind of reply; what they become, and what is counted beside. */
static void replies(void **state)
{
	static const struct {
		const char *name, *outcome, *count;
		int64_t answers;
	} cases[] = {
		{ "ok", "ok@", NULL, 50 },
		{ "case", "ok@", NULL, 50 },
		{ "tc", "ok@", "truncated", 50 },
		{ "nx", "NXDOMAIN@", NULL, 50 },
		{ "fail", "SERVFAIL@query", NULL, 50 },
		{ "odd", "RCODE15@query", NULL, 50 },
		{ "bare", "FORMERR@query", NULL, 50 },
		{ "drop", "timeout@query", NULL, 0 },
		{ "other", "mismatch@query", "mismatched", 0 },
		{ "otherok", "ok@", "mismatched", 50 },
		{ "echo", "garbled@query", "garbled", 0 },
		{ "echook", "ok@", "garbled", 50 },
		{ "bareok", "garbled@query", "garbled", 0 },
		{ "two", "garbled@query", "garbled", 0 },
		{ "cut", "garbled@query", "garbled", 0 },
		{ "cutname", "garbled@query", "garbled", 0 },
		{ "byte", "timeout@query", "unmatched", 0 },
		{ "empty", "timeout@query", "unmatched", 0 },
		{ "wrongid", "timeout@query", "unmatched", 0 },
		{ "twice", "ok@", "duplicate", 50 },
		{ "late", "timeout@query", "late", 0 },
	};
	struct named n = named_start(AF_INET);

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		struct dns_bench d;
		char conf[128];

		printf("  %s\n", cases[i].name);
		/* Different names, or a wrong ID might be that of the same question; and in two
		 * bursts, so that the run is still open when what is late for the first one comes. */
		snprintf(conf, sizeof(conf), "{\"names\": [\"%s{1-50}.test\"]}", cases[i].name);
		dns_bench_init(&d, &n, conf);
		d.b.spec.arrivals.burst = 25;
		d.b.spec.arrivals.every_ns = SQ_SEC;
		d.b.spec.duration_ns = 2 * SQ_SEC;
		dns_bench_run_done(&d);
		assert_int_equal(d.b.scheduled, 50);
		if (strcmp(cases[i].name, "late") != 0) { /* the last of them never read */
			assert_int_equal(json_object_size(d.b.counts), cases[i].count != NULL);
			if (cases[i].count)
				assert_int_equal(dns_count(&d, cases[i].count), 50);
		} else {
			assert_int_equal(dns_count(&d, "late"), 25);
		}
		assert_int_equal(dns_n(&d, cases[i].outcome), 50);
		assert_int_equal(d.in_query, cases[i].answers);
		assert_int_equal(d.odd_exemplars, 0);
		dns_bench_fini(&d);
	}
	named_stop(&n);
}

/* More replies than one turn of the lane reads. */
static void many_at_once(void **state)
{
	struct named n = named_start(AF_INET);
	struct dns_bench d;

	(void)state;
	dns_bench_init(&d, &n,
		       "{\"names\": [\"n{0-99}.test\"], \"sockets\": 1, "
		       "\"receive_buffer\": \"16MiB\"}");
	d.b.spec.threads = 1;
	d.b.spec.arrivals.burst = 5000;
	d.b.spec.arrivals.every_ns = SQ_SEC;
	d.b.spec.timeout_ns = 10 * SQ_SEC;
	dns_bench_run_done(&d);
	assert_int_equal(dns_n(&d, "ok@"), 5000);
	for (int i = 0; i < 100; i++)
		assert_int_equal(n.seen->asked[i], 50);
	dns_bench_fini(&d);
	named_stop(&n);
}

static void stop_cancels(void **state)
{
	struct named n = named_open(AF_INET);
	struct dns_bench d;

	(void)state;
	dns_bench_init(&d, &n, "{\"names\": [\"n{0-99}.test\"]}");
	d.b.spec.arrivals.rate_per_s = 100;
	d.b.spec.duration_ns = 60 * SQ_SEC;
	d.b.spec.timeout_ns = 30 * SQ_SEC;
	d.b.command = "stop";
	d.b.command_ns = 505 * SQ_MS;
	dns_bench_run_done(&d);
	assert_in_range(d.b.scheduled, 45, 60);
	assert_int_equal(dns_n(&d, "canceled@query") + dns_n(&d, "canceled@"), d.b.scheduled);
	assert_true(d.b.took_ns < 3 * SQ_SEC);
	dns_bench_fini(&d);
	named_stop(&n);
}

/* ---- words ---- */

static void codes_are_rcodes(void **state)
{
	const struct sq_code *codes = sq_driver_dns.words.codes;

	(void)state;
	for (unsigned rcode = 1; rcode < SQ_DNS_RCODES; rcode++)
		assert_string_equal(sq_code_name(codes, (uint16_t)(SQ_DNS_CODE_RCODE + rcode)),
				    sq_dns_rcode_name(rcode));
	assert_string_equal(sq_code_name(codes, SQ_DNS_CODE_MISMATCH), "mismatch");
	assert_string_equal(sq_code_name(codes, SQ_DNS_CODE_GARBLED), "garbled");
	assert_int_equal(sq_code_class(codes, SQ_DNS_CODE_RCODE + SQ_DNS_NXDOMAIN), SQ_CLASS_OK);
	assert_string_equal(sq_driver_dns.words.phases[SQ_DNS_PHASE_QUERY], "query");
	assert_string_equal(sq_driver_dns.words.counts[SQ_DNS_COUNT_STRAY_ERRORS], "stray_errors");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(codes_are_rcodes),
		cmocka_unit_test(asked_equally_often),
		cmocka_unit_test(one_wrong_in_ten),
		cmocka_unit_test(random_order),
		cmocka_unit_test(replies),
		cmocka_unit_test(many_at_once),
		cmocka_unit_test(stop_cancels),
		cmocka_unit_test(segmented),
		cmocka_unit_test(read_late_not_called_late),
	};

	net_enter();
	return cmocka_run_group_tests(tests, NULL, NULL);
}
