/* The dns driver over TLS (DoT) against a small OpenSSL server that fails the handshake in each way,
 * or goes on from sessions that it gave tickets for; and what prepare says to keys that go with no
 * other. */
#include "tests/unit/loadgen/dns_bench.h"
#include "tests/unit/loadgen/tls_server.h"

/* ---- a server: one connection after the other ---- */

static bool read_all(SSL *ssl, uint8_t *bytes, size_t len)
{
	size_t got;

	for (size_t at = 0; at < len; at += got)
		if (SSL_read_ex(ssl, bytes + at, len - at, &got) != 1)
			return false;
	return true;
}

static void answer(SSL *ssl)
{
	uint8_t frame[2 + SQ_DNS_QUERY_MAX];

	while (read_all(ssl, frame, 2) && read_all(ssl, frame + 2, sq_dns_get16(frame))) {
		sq_dns_put16(frame + 4, sq_dns_get16(frame + 4) | SQ_DNS_QR);
		SSL_write(ssl, frame, 2 + sq_dns_get16(frame));
	}
}

static void serve(int listener, void *how)
{
	const enum tls_failure *failure = how; /* NULL: none */
	SSL_CTX *ctx = tls_server_ctx();

	for (;;) {
		int fd = accept4(listener, NULL, NULL, SOCK_CLOEXEC);
		SSL *ssl = failure ? NULL : tls_server_take(ctx, fd);

		if (ssl)
			answer(ssl);
		else if (failure)
			tls_server_fail(fd, *failure);
		SSL_free(ssl);
		close(fd);
	}
}

/* ---- runs ---- */

#define DOT "\"names\": [\"n{0-99}.test\"], \"transport\": \"dot\", \"connections\": 1"

static void run(const enum tls_failure *failure, const char *conf, uint64_t count,
		double rate_per_s, struct dns_bench *d)
{
	struct server s = server_listen(1024);

	server_block(&s);
	server_fork(&s, serve, (void *)failure);
	dns_bench_init_to(d, &s, conf);
	d->b.spec.threads = 1;
	d->b.spec.timeout_ns = SQ_SEC;
	d->b.spec.count = count;
	d->b.spec.arrivals.rate_per_s = rate_per_s;
	dns_bench_run_done(d);
	server_stop(&s);
}

static void failed_handshakes(void **state)
{
	static const struct {
		enum tls_failure how;
		const char *outcome;
		uint64_t count;
		double rate_per_s;
	} cases[] = {
		{ TLS_ENDS, "eof@tls", 50, 200 },
		{ TLS_RESETS, "ECONNRESET@tls", 50, 200 },
		{ TLS_PLAIN, "tls@tls", 50, 200 },
		/* Each time-out makes a connection, which has until the next one to be there. */
		{ TLS_SILENT, "timeout@tls", 10, 10 },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct dns_bench d;

		printf("%s\n", cases[i].outcome);
		run(&cases[i].how, "{" DOT "}", cases[i].count, cases[i].rate_per_s, &d);
		assert_int_equal(dns_n(&d, cases[i].outcome), cases[i].count);
		assert_int_equal(dns_count(&d, "tls_full") + dns_count(&d, "tls_resumed"), 0);
		dns_bench_fini(&d);
	}
}

/* All but the first handshake, unless that is not wanted. */
static void resumes(void **state)
{
	struct dns_bench d;

	(void)state;
	run(NULL, "{" DOT ", \"per_connection\": 1}", 50, 200, &d);
	assert_int_equal(dns_n(&d, "ok@"), 50);
	assert_int_equal(dns_count(&d, "tls_full"), 1);
	assert_int_equal(dns_count(&d, "tls_resumed"), 49);
	dns_bench_fini(&d);
	run(NULL, "{" DOT ", \"per_connection\": 1, \"tls_resume\": false}", 50, 200, &d);
	assert_int_equal(dns_n(&d, "ok@"), 50);
	assert_int_equal(dns_count(&d, "tls_full"), 50);
	dns_bench_fini(&d);
}

/* ---- keys ---- */

static void refused_keys(void **state)
{
	static const struct {
		const char *conf, *where;
	} cases[] = {
		{ "{\"names\": [\"a.test\"], \"transport\": \"tcp\", \"tcp_on_truncated\": true}",
		  "tcp_on_truncated" },
		{ "{\"names\": [\"a.test\"], \"transport\": \"dot\", \"tcp_on_truncated\": true}",
		  "tcp_on_truncated" },
		{ "{\"names\": [\"a.test\"], \"transport\": \"tcp\", \"segment\": true}",
		  "segment" },
		{ "{\"names\": [\"a.test\"], \"transport\": \"doh\", \"kernel_time\": true}",
		  "kernel_time" },
		{ "{\"names\": [\"a.test\"], \"segment\": true, \"recverr\": false}", "segment" },
		{ "{\"names\": [\"a.test\"], \"client\": \"stub\", \"segment\": true}", "segment" },
		{ "{\"names\": [\"a.test\"], \"client\": \"stub\", \"kernel_time\": true}",
		  "kernel_time" },
		{ "{\"names\": [\"a.test\"], \"client\": \"stub\", \"tcp_on_truncated\": true}",
		  "tcp_on_truncated" },
		{ "{\"names\": [\"a.test\"], \"transport\": \"tcp\", \"tls_name\": \"ns.test\"}",
		  "tls_name" },
		{ "{\"names\": [\"a.test\"], \"tls_ca\": \"/dev/null\"}", "tls_ca" },
		{ "{\"names\": [\"a.test\"], \"transport\": \"dot\", \"tls_ca\": \"/dev/null\"}",
		  "tls_ca" },
		{ "{\"names\": [\"a.test\"], \"transport\": \"dot\", \"tls_ca\": \"/no/such/file\"}",
		  "tls_ca" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		const struct sq_opt *opts = sq_driver_dns.kind.opts;
		struct sq_opt_ctx ctx = { .file = "test" };
		struct sq_err err = { 0 };
		const struct sq_load_spec spec = { .arrivals = { .trace = NULL } };
		const struct sq_load_plan load = { .spec = &spec };
		struct sq_dns_conf conf;
		json_t *object = json_loads(cases[i].conf, 0, NULL);

		assert_int_equal(sq_opt_parse(&ctx, opts, object, "", &conf, &err), 0);
		assert_int_equal(sq_driver_dns.prepare(&conf, &load, &err), -EINVAL);
		printf("  %s: %s\n", err.where, err.text);
		assert_string_equal(err.where, cases[i].where);
		sq_opt_fini(opts, &conf);
		json_decref(object);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(failed_handshakes),
		cmocka_unit_test(resumes),
		cmocka_unit_test(refused_keys),
	};

	net_enter();
	return cmocka_run_group_tests(tests, NULL, NULL);
}
