/* The dns driver over TLS (DoT) against a small OpenSSL server that fails the handshake in each way,
 * or goes on from sessions that it gave tickets for; and what prepare says to keys that go with no
 * other. */
#include <netinet/tcp.h>

#include <openssl/ssl.h>
#include <openssl/x509.h>

#include "tests/unit/loadgen/dns_bench.h"

enum manner {
	ANSWERS,
	ENDS,   /* FIN after the client's hello */
	RESETS, /* RST there */
	PLAIN,  /* it speaks no TLS */
	SILENT, /* nor anything else */
};

/* ---- a server: one connection after the other ---- */

/* Signed by itself, and good enough where none is checked. */
static SSL_CTX *server_ctx(void)
{
	SSL_CTX *ctx = SSL_CTX_new(TLS_server_method());
	EVP_PKEY *key = EVP_EC_gen("P-256");
	X509 *cert = X509_new();

	X509_gmtime_adj(X509_getm_notBefore(cert), 0);
	X509_gmtime_adj(X509_getm_notAfter(cert), 3600);
	X509_set_pubkey(cert, key);
	X509_sign(cert, key, EVP_sha256());
	if (SSL_CTX_use_certificate(ctx, cert) != 1 || SSL_CTX_use_PrivateKey(ctx, key) != 1)
		_exit(1);
	SSL_CTX_set_session_id_context(ctx, (const unsigned char *)"t", 1);
	return ctx;
}

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

static void serve_tls(SSL_CTX *ctx, int fd)
{
	SSL *ssl = SSL_new(ctx);
	const int on = 1;

	setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
	SSL_set_fd(ssl, fd);
	if (SSL_accept(ssl) == 1)
		answer(ssl);
	SSL_free(ssl);
}

static void fail_handshake(enum manner manner, int fd)
{
	static const char banner[] = "220 this is no name server\r\n";
	const struct linger now = { .l_onoff = 1, .l_linger = 0 };
	uint8_t hello[4096];

	if (manner == PLAIN)
		send(fd, banner, sizeof(banner) - 1, MSG_NOSIGNAL);
	while (recv(fd, hello, sizeof(hello), 0) > 0 && (manner == SILENT || manner == PLAIN))
		;
	if (manner == RESETS)
		setsockopt(fd, SOL_SOCKET, SO_LINGER, &now, sizeof(now));
}

static void serve(int listener, enum manner manner)
{
	SSL_CTX *ctx = server_ctx();

	signal(SIGPIPE, SIG_IGN);
	for (;;) {
		int fd = accept4(listener, NULL, NULL, SOCK_CLOEXEC);

		if (manner == ANSWERS)
			serve_tls(ctx, fd);
		else
			fail_handshake(manner, fd);
		close(fd);
	}
}

/* ---- runs: 50 queries ---- */

#define DOT "\"names\": [\"n{0-99}.test\"], \"transport\": \"dot\", \"connections\": 1"

static void run(enum manner manner, const char *conf, struct dns_bench *d)
{
	struct server s = server_listen(1024);
	struct named to = { .addr_len = sizeof(s.addr) };

	memcpy(&to.addr, &s.addr, sizeof(s.addr));
	fcntl(s.fd, F_SETFL, 0);
	fflush(stdout);
	s.pid = fork();
	assert_true(s.pid >= 0);
	if (s.pid == 0) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		serve(s.fd, manner);
	}
	dns_bench_init(d, &to, conf);
	d->b.spec.threads = 1;
	d->b.spec.timeout_ns = SQ_SEC;
	d->b.spec.count = 50;
	d->b.spec.arrivals.rate_per_s = 200;
	dns_bench_run_done(d);
	server_stop(&s);
}

static void failed_handshakes(void **state)
{
	static const struct {
		enum manner manner;
		const char *outcome;
	} cases[] = {
		{ ENDS, "eof@tls" },
		{ RESETS, "ECONNRESET@tls" },
		{ PLAIN, "tls@tls" },
		{ SILENT, "timeout@tls" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct dns_bench d;

		printf("%s\n", cases[i].outcome);
		run(cases[i].manner, "{" DOT "}", &d);
		assert_int_equal(dns_n(&d, cases[i].outcome), 50);
		assert_int_equal(dns_count(&d, "tls_full") + dns_count(&d, "tls_resumed"), 0);
		dns_bench_fini(&d);
	}
}

/* All but the first handshake, unless that is not wanted. */
static void resumes(void **state)
{
	struct dns_bench d;

	(void)state;
	run(ANSWERS, "{" DOT ", \"per_connection\": 1}", &d);
	assert_int_equal(dns_n(&d, "ok@"), 50);
	assert_int_equal(dns_count(&d, "tls_full"), 1);
	assert_int_equal(dns_count(&d, "tls_resumed"), 49);
	dns_bench_fini(&d);
	run(ANSWERS, "{" DOT ", \"per_connection\": 1, \"tls_resume\": false}", &d);
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
