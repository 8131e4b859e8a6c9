/* What servers say, by texts that real ones said (named 9.18, unbound 1.17, NSD 4.6, Knot 3.2, nginx
 * 1.22) and the example of Prometheus' format. */
#include "stats_bench.h"

static void test_named(void **state)
{
	(void)state;
	check_file(sq_stats_bind, "named-server.json",
		   (struct want[]){ { "bind.Requestv4", NULL, 2 },
				    { "bind.QrySuccess", NULL, 1 },
				    { "bind.QrySERVFAIL", NULL, 1 },
				    { "bind.QryRecursion", NULL, 1 },
				    { "bind.RecLimitDropped", NULL, 0 },
				    { "bind.rcode.SERVFAIL", NULL, 1 },
				    { "bind.rcode.NOERROR", NULL, 1 },
				    { "bind.opcode.QUERY", NULL, 2 },
				    { "bind.qtype.A", NULL, 1 },
				    { "bind.resolver.Queryv4", "_default", 1 },
				    { "bind.resolver.QueryTimeout", "_default", 0 },
				    { "bind.resolver.QueryTimeout", "_bind", 0 },
				    { 0 } },
		   0);
	/* named leaves out an object that has nothing in it. */
	check_file(sq_stats_bind, "named-server-idle.json",
		   (struct want[]){ { "bind.QrySERVFAIL", NULL, 0 },
				    { "bind.RecLimitDropped", NULL, 0 },
				    { "bind.QrySuccess", NULL, 0 },
				    { 0 } },
		   0);
	check_file(sq_stats_bind, "named-net.json",
		   (struct want[]){ { "bind.socket.UDP4Open", NULL, 1 },
				    { "bind.socket.UDP4Active", NULL, 2 },
				    { "bind.QrySERVFAIL", NULL, NOT_THERE },
				    { 0 } },
		   6);
	check_text(sq_stats_bind, "{\"nsstats\": {\"QrySERVFAIL\": 1", (struct want[]){ { 0 } }, 0);
}

static void test_named_complains(void **state)
{
	static const char line[] =
		"27-Nov-2026 05:06:07.008 client @0x7f 198.18.0.1#4711 (a.test): "
		"no more recursive clients (50/45/50): quota reached";

	(void)state;
	assert_string_equal(sq_stats_named_complaint(sq_span_of(line)),
			    "no more recursive clients");
	assert_null(sq_stats_named_complaint(sq_span_of("27-Nov-2026 05:06:07.008 running")));
}

static void test_pairs(void **state)
{
	(void)state;
	check_file(sq_stats_unbound, "unbound-stats.txt",
		   (struct want[]){ { "unbound.total.num.queries", NULL, 3 },
				    { "unbound.thread.num.queries", "0", 3 },
				    { "unbound.total.requestlist.exceeded", NULL, 0 },
				    { "unbound.total.requestlist.avg", NULL, 1000 },
				    { "unbound.total.requestlist.current.user", NULL, 3 },
				    { "unbound.time.up", NULL, 16159847 },
				    { "unbound.num.query.udpout", NULL, 21 },
				    { "unbound.infra.cache.count", NULL, 1 },
				    { 0 } },
		   0);
	check_file(sq_stats_nsd, "nsd-stats.txt",
		   (struct want[]){ { "nsd.num.queries", NULL, 1 },
				    { "nsd.server.queries", "0", 1 },
				    { "nsd.num.type.A", NULL, 1 },
				    { "nsd.num.rcode.NOERROR", NULL, 1 },
				    { "nsd.num.rcode.SERVFAIL", NULL, 0 },
				    { "nsd.time.boot", NULL, 3091835 },
				    { 0 } },
		   0);
	check_file(sq_stats_knot, "knot-stats.txt",
		   (struct want[]){ { "knot.server.zone-count", NULL, 1 },
				    { "knot.mod-stats.request-protocol", "udp4", 2 },
				    { "knot.mod-stats.response-code", "NXDOMAIN", 1 },
				    { "knot.mod-stats.response-code", "example.test. NOERROR", 4 },
				    { "knot.mod-stats.request-bytes", "query", 112 },
				    { 0 } },
		   8);
}

static void test_nginx(void **state)
{
	(void)state;
	check_file(sq_stats_nginx, "nginx-stub-status.txt",
		   (struct want[]){ { "nginx.active", NULL, 1 },
				    { "nginx.accepts", NULL, 4 },
				    { "nginx.handled", NULL, 4 },
				    { "nginx.requests", NULL, 4 },
				    { "nginx.reading", NULL, 0 },
				    { "nginx.writing", NULL, 1 },
				    { "nginx.waiting", NULL, 0 },
				    { 0 } },
		   7);
}

static void parse_all(struct sq_span text, struct sq_stats *t)
{
	sq_stats_prometheus(text, NULL, t);
}

static void parse_some(struct sq_span text, struct sq_stats *t)
{
	static char load[] = "node_*", requests[] = "http_requests_total";
	static char *names[] = { load, requests };

	sq_stats_prometheus(text, &(struct sq_strings){ names, 2 }, t);
}

static void test_prometheus(void **state)
{
	json_t *records;

	(void)state;
	check_file(
		parse_all, "prometheus.txt",
		(struct want[]){ { "http_requests_total", "method=\"post\",code=\"200\"", 1027 },
				 { "http_requests_total", "method=\"post\",code=\"400\"", 3 },
				 { "msdos_file_access_time_seconds",
				   "path=\"C:\\\\DIR\\\\FILE.TXT\",error=\"Cannot find "
				   "file:\\n\\\"{FILE.TXT}\\\"\"",
				   1458255915000000 },
				 { "metric_without_timestamp_and_labels", NULL, 12 },
				 { "something_weird", "problem=\"division by zero\"", NOT_THERE },
				 { "http_request_duration_seconds_bucket", "le=\"0.05\"", 24054 },
				 { "http_request_duration_seconds_sum", NULL, 53423250000 },
				 { "http_request_duration_seconds_count", NULL, 144320 },
				 { "rpc_duration_seconds", "quantile=\"0.99\"", 76500 },
				 { "rpc_duration_seconds_count", NULL, 2693 },
				 { "node_load1", NULL, 370 },
				 { "node_memory_MemAvailable_bytes", NULL, 16462848000 },
				 { "temperature", NULL, -3 },
				 { 0 } },
		14);
	check_file(parse_some, "prometheus.txt",
		   (struct want[]){ { "node_load1", NULL, 370 },
				    { "http_requests_total", "method=\"post\",code=\"400\"", 3 },
				    { 0 } },
		   4);
	records = records_of(parse_all, "# TYPE a counter\na 1\n# TYPE b gauge\nb 1\n"
					"# TYPE c summary\nc 1\nc_sum 1\nd 1\n");
	assert_string_equal(record_text(find_metric(records, "a", NULL), "kind"), "counter");
	assert_string_equal(record_text(find_metric(records, "b", NULL), "kind"), "gauge");
	assert_string_equal(record_text(find_metric(records, "c", NULL), "kind"), "gauge");
	assert_string_equal(record_text(find_metric(records, "c_sum", NULL), "kind"), "counter");
	assert_string_equal(record_text(find_metric(records, "d", NULL), "kind"), "gauge");
	json_decref(records);
}

/* Two readings of other shapes: what is remembered of the first must not be taken for the second's. */
static void test_shapes_change(void **state)
{
	static const char *const texts[] = { "a=1\nb=10\nc=100\n", "b=12\nc=103\nd=7\na=5\n",
					     "b=13\n" };
	struct sq_stats_memory memory = { 0 };
	struct bench b;
	json_t *records;

	(void)state;
	bench_open(&b);
	bench_tick_empty(&b);
	for (size_t i = 0; i < 3; i++) {
		struct sq_stats t = { .sample = b.sample, .memory = &memory };

		sq_sample_begin(b.sample, sq_now_ns());
		sq_sample_enter(b.sample, b.source);
		sq_stats_knot(sq_span_of(texts[i]), &t);
		sq_sample_leave(b.sample, 0);
		assert_int_equal(sq_sample_end(b.sample, sq_now_ns(), NULL), 0);
	}
	sq_stats_memory_fini(&memory);
	records = bench_close(&b);
	check_rows(records,
		   (struct want[]){ { "knot.a", NULL, 5 },
				    { "knot.b", NULL, 13 },
				    { "knot.c", NULL, 103 },
				    { "knot.d", NULL, 7 },
				    { 0 } },
		   4);
	json_decref(records);
}

static void test_numbers(void **state)
{
	uint64_t v;

	(void)state;
	assert_true(sq_span_scaled(sq_span_of("18446744073709551615"), 1, &v));
	assert_true(v == UINT64_MAX);
	assert_false(sq_span_scaled(sq_span_of("1e300"), 1, &v));
	assert_false(sq_span_scaled(sq_span_of("0x10"), 1, &v));
	assert_false(sq_span_scaled(sq_span_of("inf"), 1, &v));
	assert_false(sq_span_scaled(sq_span_of(""), 1, &v));
	assert_false(sq_span_number(sq_span_of("18446744073709551616"), &v));
	assert_false(sq_span_bytes(sq_span_of("99999999999999999T"), &v));
	assert_true(sq_span_bytes(sq_span_of("4G"), &v));
	assert_true(v == INT64_C(4) << 30);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_named),      cmocka_unit_test(test_named_complains),
		cmocka_unit_test(test_pairs),      cmocka_unit_test(test_nginx),
		cmocka_unit_test(test_prometheus), cmocka_unit_test(test_shapes_change),
		cmocka_unit_test(test_numbers),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
