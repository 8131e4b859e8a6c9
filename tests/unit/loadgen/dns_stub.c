/* The stub: c-ares before servers that answer, are silent, are closed or say SERVFAIL, and what of
 * that an application hears.  Each case's figures are c-ares 1.18's own. */
#include "tests/unit/loadgen/dns_bench.h"

/* One thread and n queries of one name, at 200 a second. */
static void stub_init(struct dns_bench *d, const struct named *first, const struct named *second,
		      const char *name, const char *keys, int n)
{
	char conf[512], servers[64] = "";

	if (second)
		snprintf(servers, sizeof(servers), ", \"stub_servers\": [\"127.0.0.1:%u\"]",
			 ntohs(((const struct sockaddr_in *)&second->addr)->sin_port));
	snprintf(conf, sizeof(conf),
		 "{\"client\": \"stub\", \"names\": [\"%s{0-99}.example.test\"]%s%s}", name,
		 servers, keys);
	dns_bench_init(d, first, conf);
	d->b.spec.threads = 1;
	d->b.spec.arrivals.rate_per_s = 200;
	d->b.spec.count = n;
	d->b.spec.timeout_ns = 3 * SQ_SEC;
}

static int64_t p50(const struct dns_bench *d)
{
	return sq_hist_percentile(d->b.from_due, 50);
}

static void healthy(void **state)
{
	struct named n = named_start(AF_INET);
	struct dns_bench d;

	(void)state;
	stub_init(&d, &n, NULL, "a", "", 100);
	dns_bench_run_done(&d);
	assert_int_equal(dns_n(&d, "ok@"), 100);
	assert_int_equal(d.in_query, 100);
	assert_int_equal(dns_count(&d, "stub_retries"), 0);
	assert_int_equal(n.seen->queries, 100);
	/* It closes its socket whenever it waits for nothing. */
	assert_in_range(n.seen->ports, 50, 100);
	dns_bench_fini(&d);
	named_stop(&n);
}

static void over_ipv6_by_rcode(void **state)
{
	struct named n = named_start(AF_INET6);
	struct dns_bench d;

	(void)state;
	stub_init(&d, &n, NULL, "nx", ", \"dnssec\": true", 50);
	dns_bench_run_done(&d);
	assert_int_equal(dns_n(&d, "NXDOMAIN@"), 50);
	dns_bench_fini(&d);
	named_stop(&n);
}

/* The first server takes all and says nothing: each query waits for the stub's time-out. */
static void first_silent(void **state)
{
	struct named silent = named_open(AF_INET), n = named_start(AF_INET);
	struct dns_bench d;

	(void)state;
	stub_init(&d, &silent, &n, "a", ", \"stub_timeout\": \"300ms\"", 100);
	dns_bench_run_done(&d);
	assert_int_equal(dns_n(&d, "ok@"), 100);
	assert_int_equal(dns_count(&d, "stub_retries"), 100);
	assert_int_equal(dns_count(&d, "stub_failovers"), 100);
	assert_in_range(p50(&d), 300 * SQ_MS, 400 * SQ_MS);
	dns_bench_fini(&d);
	named_stop(&silent);
	named_stop(&n);
}

/* 2 tries of 2 servers: 100 + 100 + 200 + 200 ms. */
static void both_silent(void **state)
{
	struct named a = named_open(AF_INET), b = named_open(AF_INET);
	struct dns_bench d;

	(void)state;
	stub_init(&d, &a, &b, "a", ", \"stub_timeout\": \"100ms\"", 50);
	dns_bench_run_done(&d);
	assert_int_equal(dns_n(&d, "stub-timeout@resolver"), 50);
	assert_int_equal(dns_count(&d, "stub_retries"), 150);
	assert_int_equal(dns_count(&d, "stub_failovers"), 150);
	dns_bench_fini(&d);
	named_stop(&a);
	named_stop(&b);
}

static void closed_port(void **state)
{
	struct named closed = named_open(AF_INET);
	struct dns_bench d;

	(void)state;
	named_close(&closed);
	stub_init(&d, &closed, NULL, "a", "", 50);
	dns_bench_run_done(&d);
	assert_int_equal(dns_n(&d, "stub-refused@resolver"), 50);
	dns_bench_fini(&d);
	named_stop(&closed);
}

static void closed_port_then_answer(void **state)
{
	struct named closed = named_open(AF_INET), n;
	struct dns_bench d;

	(void)state;
	named_close(&closed); /* before a server's process can inherit it */
	n = named_start(AF_INET);
	stub_init(&d, &closed, &n, "a", "", 50);
	/* One at a time: of two that are sent at once the second's send takes the first's error, and c-ares
	 * goes on waiting for that one's answer. */
	d.b.spec.arrivals.rate_per_s = NAN;
	d.b.spec.arrivals.closed = 1;
	dns_bench_run_done(&d);
	assert_int_equal(dns_n(&d, "ok@"), 50);
	assert_in_range(p50(&d), 0, 100 * SQ_MS);
	dns_bench_fini(&d);
	named_stop(&closed);
	named_stop(&n);
}

/* No answer for c-ares: it asks the only server again at once, and then says that it reached none. */
static void servfail(void **state)
{
	struct named n = named_start(AF_INET);
	struct dns_bench d;

	(void)state;
	stub_init(&d, &n, NULL, "fail", "", 50);
	dns_bench_run_done(&d);
	assert_int_equal(dns_n(&d, "stub-refused@resolver"), 50);
	assert_int_equal(n.seen->queries, 100);
	assert_int_equal(dns_count(&d, "stub_retries"), 50);
	assert_int_equal(dns_count(&d, "stub_failovers"), 0);
	dns_bench_fini(&d);
	named_stop(&n);
}

/* Each of two servers says it once: the tries left are not used on servers that failed. */
static void servfail_of_two(void **state)
{
	struct named a = named_start(AF_INET), b = named_start(AF_INET);
	struct dns_bench d;

	(void)state;
	stub_init(&d, &a, &b, "fail", "", 50);
	dns_bench_run_done(&d);
	assert_int_equal(dns_n(&d, "stub-refused@resolver"), 50);
	assert_int_equal(a.seen->queries, 50);
	assert_int_equal(b.seen->queries, 50);
	assert_int_equal(dns_count(&d, "stub_failovers"), 50);
	dns_bench_fini(&d);
	named_stop(&a);
	named_stop(&b);
}

static void rotates(void **state)
{
	struct named a = named_start(AF_INET), b = named_start(AF_INET);
	struct dns_bench d;

	(void)state;
	stub_init(&d, &a, &b, "a", ", \"stub_rotate\": true", 100);
	dns_bench_run_done(&d);
	assert_int_equal(dns_n(&d, "ok@"), 100);
	assert_int_equal(a.seen->queries, 50);
	assert_int_equal(b.seen->queries, 50);
	dns_bench_fini(&d);
	named_stop(&a);
	named_stop(&b);
}

/* The application gives up before its stub does; what the server then says is late. */
static void gives_up_first(void **state)
{
	struct named n = named_start(AF_INET);
	struct dns_bench d;

	(void)state;
	stub_init(&d, &n, NULL, "late", "", 40);
	d.b.spec.timeout_ns = 900 * SQ_MS; /* it answers after a second */
	dns_bench_run_done(&d);
	assert_int_equal(dns_n(&d, "timeout@resolver"), 40);
	/* Those that came before the last query's own end. */
	assert_in_range(dns_count(&d, "late"), 1, 40);
	dns_bench_fini(&d);
	named_stop(&n);
}

/* Many at once, most of them given up long before c-ares is done with them; and no CPU for it. */
static void many_given_up(void **state)
{
	struct named silent = named_open(AF_INET);
	struct dns_bench d;

	(void)state;
	stub_init(&d, &silent, NULL, "a", "", 5000);
	d.b.spec.arrivals.rate_per_s = 10000;
	d.b.spec.timeout_ns = SQ_SEC;
	dns_bench_run_done(&d);
	assert_int_equal(dns_n(&d, "timeout@resolver"), 5000);
	assert_true(d.b.cpu_s < 1.0);
	dns_bench_fini(&d);
	named_stop(&silent);
}

/* A limit of our own is not the server's. */
static void foreign_source(void **state)
{
	struct named n = named_start(AF_INET);
	struct dns_bench d;

	(void)state;
	stub_init(&d, &n, NULL, "a", "", 20);
	assert_int_equal(sq_sources_add(&d.b.load.sources, "198.51.100.7", "source", NULL), 0);
	dns_bench_run_done(&d);
	sq_sources_fini(&d.b.load.sources);
	assert_int_equal(dns_n(&d, "EADDRNOTAVAIL@socket"), 20);
	dns_bench_fini(&d);
	named_stop(&n);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(healthy),       cmocka_unit_test(over_ipv6_by_rcode),
		cmocka_unit_test(first_silent),  cmocka_unit_test(both_silent),
		cmocka_unit_test(closed_port),   cmocka_unit_test(closed_port_then_answer),
		cmocka_unit_test(servfail),      cmocka_unit_test(servfail_of_two),
		cmocka_unit_test(rotates),       cmocka_unit_test(gives_up_first),
		cmocka_unit_test(many_given_up), cmocka_unit_test(foreign_source),
	};

	net_enter();
	return cmocka_run_group_tests(tests, NULL, NULL);
}
