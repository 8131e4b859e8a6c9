/* The dns driver against the kernel, in a network namespace of the test's own: each error is counted
 * once, under its own name, though the kernel tells some twice and others to the wrong call, and a
 * call that sends many forgets why it stopped. */
#include "tests/unit/loadgen/dns_bench.h"

static void arrive(struct dns_bench *d, double rate_per_s, int64_t burst, int64_t every_ns)
{
	if (rate_per_s > 0)
		d->b.spec.arrivals.rate_per_s = rate_per_s;
	d->b.spec.arrivals.burst = burst;
	d->b.spec.arrivals.every_ns = every_ns;
}

static int64_t udp_counter(const char *wanted)
{
	char names[1024], values[1024];
	FILE *f = fopen("/proc/self/net/snmp", "re");
	int64_t found = -1;

	assert_non_null(f);
	while (found < 0 && fgets(names, sizeof(names), f) && fgets(values, sizeof(values), f)) {
		char *n_save, *v_save;
		char *n = strtok_r(names, " \n", &n_save), *v = strtok_r(values, " \n", &v_save);

		for (; strncmp(names, "Udp:", 4) == 0 && n && v;
		     n = strtok_r(NULL, " \n", &n_save), v = strtok_r(NULL, " \n", &v_save))
			if (strcmp(n, wanted) == 0)
				found = strtoll(v, NULL, 10);
	}
	fclose(f);
	assert_true(found >= 0);
	return found;
}

/* Nobody listens.  The kernel tells of each datagram by the next call on its socket, and that call
 * does nothing else: still each query is refused once, at a burst, at a rate and in a closed loop. */
static void closed_port(void **state)
{
	const int families[] = { AF_INET, AF_INET6 };

	(void)state;
	for (int i = 0; i < 6; i++) {
		struct named n = named_open(families[i % 2]);
		struct dns_bench d;

		named_close(&n);
		dns_bench_init(&d, &n, "{\"names\": [\"n{0-99}.test\"]}");
		d.b.spec.count = 1000;
		arrive(&d, i < 2 ? 2000 : 0, i >= 4 ? 500 : 0, 100 * SQ_MS);
		if (i / 2 == 1)
			d.b.spec.arrivals.closed = 100;
		dns_bench_run_done(&d);
		assert_int_equal(dns_n(&d, "ECONNREFUSED@query"), 1000);
		assert_int_equal(d.b.sent, 1000);
		assert_int_equal(json_object_size(d.b.counts), 0);
		dns_bench_fini(&d);
		named_stop(&n);
	}
}

/* Also when many left as one datagram, which loopback does not take apart: one error tells of all of
 * them, and does not bring all of them back. */
static void closed_port_segmented(void **state)
{
	static const char *const confs[] = { "{\"names\": [\"n{10-99}.test\"], \"segment\": true}",
					     "{\"names\": [\"n{0-99}.test\"], \"segment\": true}" };

	(void)state;
	for (int i = 0; i < 2; i++) {
		struct named n = named_open(AF_INET);
		struct dns_bench d;

		named_close(&n);
		dns_bench_init(&d, &n, confs[i]);
		d.b.spec.count = 1500;
		arrive(&d, 0, 300, 50 * SQ_MS);
		dns_bench_run_done(&d);
		assert_int_equal(dns_n(&d, "ECONNREFUSED@query"), 1500);
		assert_int_equal(json_object_size(d.b.counts), 0);
		dns_bench_fini(&d);
		named_stop(&n);
	}
}

/* Without IP_RECVERR an error has no query: the next send fails instead, or somebody else reads it. */
static void closed_port_unasked(void **state)
{
	struct named n = named_open(AF_INET);
	struct dns_bench d;

	(void)state;
	named_close(&n);
	dns_bench_init(&d, &n, "{\"names\": [\"n{0-99}.test\"], \"recverr\": false}");
	arrive(&d, 0, 500, SQ_SEC);
	dns_bench_run_done(&d);
	assert_true(dns_n(&d, "ECONNREFUSED@send") > 100);
	assert_true(dns_n(&d, "timeout@query") > 100);
	/* What was sent came back as an error; each failed a send, or was read beside. */
	assert_int_equal(dns_n(&d, "timeout@query"),
			 dns_n(&d, "ECONNREFUSED@send") + dns_count(&d, "stray_errors"));
	dns_bench_fini(&d);
	named_stop(&n);
}

/* Sends over a link of 100 kbit/s whose queue takes `limit` bytes; how many the kernel refused. */
static int64_t run_slow(struct dns_bench *d, int limit)
{
	int64_t before = udp_counter("SndbufErrors"), refused;

	net_narrow("100kbit", limit);
	dns_bench_run_done(d);
	refused = udp_counter("SndbufErrors") - before;
	net_wide();
	assert_true(refused > 300);
	return refused;
}

/* Each send that the queue or the socket's buffer refuses is told once, and was counted once by the
 * kernel, also when many are sent by one call. */
static void slow_link(void **state)
{
	static const struct {
		const char *conf;
		int limit;
		const char *code;
	} cases[] = {
		{ "{\"names\": [\"n{0-99}.test\"]}", 3000, "ENOBUFS@send" },
		{ "{\"names\": [\"n{0-99}.test\"], \"send_buffer\": 4608}", 3000000,
		  "EAGAIN@send" },
	};
	static const struct {
		double rate_per_s;
		int64_t burst, every_ns;
	} arrivals[] = { { 0, 300, 250 * SQ_MS }, { 0, 10, 10 * SQ_MS }, { 1000, 0, 0 } };

	(void)state;
	for (size_t i = 0; i < 6; i++) {
		struct named n = named_open(AF_INET);
		struct dns_bench d;
		int64_t refused;

		dns_bench_init(&d, &n, cases[i / 3].conf);
		arrive(&d, arrivals[i % 3].rate_per_s, arrivals[i % 3].burst,
		       arrivals[i % 3].every_ns);
		refused = run_slow(&d, cases[i / 3].limit);
		assert_int_equal(dns_n(&d, cases[i / 3].code), refused);
		assert_int_equal(dns_n(&d, "timeout@query"), d.b.scheduled - refused);
		assert_int_equal(d.b.sent, d.b.scheduled - refused);
		dns_bench_fini(&d);
		named_stop(&n);
	}
}

/* A plain socket hears nothing of what the queue dropped. */
static void slow_link_unasked(void **state)
{
	struct named n = named_open(AF_INET);
	struct dns_bench d;

	(void)state;
	dns_bench_init(&d, &n, "{\"names\": [\"n{0-99}.test\"], \"recverr\": false}");
	arrive(&d, 0, 300, 250 * SQ_MS);
	run_slow(&d, 3000);
	assert_int_equal(dns_n(&d, "timeout@query"), d.b.scheduled);
	dns_bench_fini(&d);
	named_stop(&n);
}

/* A filter that refuses every query, or every other one: also in the middle of a call that sends
 * many, which says how many it sent but not why no more. */
static void filtered(void **state)
{
	static const char *const rules[] = { "", "numgen inc mod 2 1" };

	(void)state;
	for (int i = 0; i < 4; i++) {
		struct named n = named_start(AF_INET);
		struct sockaddr_in *in = (struct sockaddr_in *)&n.addr;
		char command[256];
		struct dns_bench d;

		snprintf(command, sizeof(command),
			 "nft 'table inet t { chain c { type filter hook output priority 0; "
			 "udp dport %u %s drop; }; }'",
			 ntohs(in->sin_port), rules[i / 2]);
		assert_int_equal(system(command), 0);
		dns_bench_init(&d, &n, "{\"names\": [\"n{0-99}.test\"]}");
		arrive(&d, i % 2 ? 0 : 1000, i % 2 ? 200 : 0, 200 * SQ_MS);
		dns_bench_run_done(&d);
		assert_int_equal(system("nft delete table inet t"), 0);
		assert_int_equal(d.b.scheduled, 1000);
		assert_int_equal(dns_n(&d, "EPERM@send"), i < 2 ? 1000 : 500);
		assert_int_equal(dns_n(&d, "ok@"), i < 2 ? 0 : 500);
		dns_bench_fini(&d);
		named_stop(&n);
	}
}

/* A socket that cannot be opened fails the query that wanted it, and no other. */
static void sockets_run_out(void **state)
{
	struct named n = named_start(AF_INET);
	struct dns_bench d;

	(void)state;
	dns_bench_init(&d, &n, "{\"names\": [\"n{0-99}.test\"], \"sockets\": 100}");
	d.b.spec.threads = 1;
	d.b.spec.arrivals.rate_per_s = 1000;
	d.b.nofile = 64;
	dns_bench_run_done(&d);
	assert_true(dns_n(&d, "ok@") > 200);
	assert_true(dns_n(&d, "EMFILE@socket") > 200);
	assert_int_equal(dns_n(&d, "ok@") + dns_n(&d, "EMFILE@socket"), 1000);
	assert_true(n.seen->ports > 30 && n.seen->ports < 64);
	dns_bench_fini(&d);

	dns_bench_init(&d, &n, "{\"names\": [\"n{0-99}.test\"]}");
	assert_int_equal(sq_sources_add(&d.b.load.sources, "198.18.0.1", "source", NULL), 0);
	d.b.spec.arrivals.rate_per_s = 500;
	dns_bench_run_done(&d);
	assert_int_equal(dns_n(&d, "EADDRNOTAVAIL@socket"), 500);
	assert_int_equal(d.b.sent, 0);
	sq_sources_fini(&d.b.load.sources);
	dns_bench_fini(&d);
	named_stop(&n);
}

/* One socket has 65,536 IDs: while none is free, nothing more is started. */
static void ids_run_out(void **state)
{
	struct named n = named_open(AF_INET);
	struct dns_bench d;

	(void)state;
	dns_bench_init(&d, &n, "{\"names\": [\"a.test\"], \"sockets\": 1}");
	d.b.spec.threads = 1;
	d.b.spec.arrivals.closed = 70000;
	d.b.spec.duration_ns = 4 * SQ_SEC;
	d.b.spec.timeout_ns = 5 * SQ_SEC;
	dns_bench_run_done(&d);
	assert_int_equal(d.b.scheduled, 65536);
	assert_int_equal(dns_n(&d, "timeout@query"), 65536);
	dns_bench_fini(&d);
	named_stop(&n);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(closed_port),         cmocka_unit_test(closed_port_segmented),
		cmocka_unit_test(closed_port_unasked), cmocka_unit_test(slow_link),
		cmocka_unit_test(slow_link_unasked),   cmocka_unit_test(filtered),
		cmocka_unit_test(sockets_run_out),     cmocka_unit_test(ids_run_out),
	};

	net_enter();
	return cmocka_run_group_tests(tests, NULL, NULL);
}
