/* The smtp driver over TLS, from the first byte on or after STARTTLS, against a small OpenSSL server
 * that takes mail, resumes sessions, and fails the handshake in each way. */
#include "tests/unit/loadgen/smtp_bench.h"
#include "tests/unit/loadgen/tls_server.h"

enum manner {
	ENDS = TLS_ENDS,
	RESETS = TLS_RESETS,
	PLAIN = TLS_PLAIN,
	SILENT = TLS_SILENT,
	ANSWERS,
	INJECTS, /* a reply behind that to STARTTLS, in the clear */
	REFUSES, /* STARTTLS */
	DEMANDS, /* a certificate of the client's, once it has shown its own */
};

/* Shared with the test. */
struct tally {
	int mails, quits, starttls, ehlos, secured;
	int64_t bytes; /* of texts */
};

struct peer {
	enum manner manner;
	bool implicit;
	SSL_CTX *ctx;
	struct tally *tally;
	int fd;
	SSL *ssl; /* NULL: in the clear */
	char line[2048];
};

static bool read_byte(const struct peer *p, char *ret)
{
	return p->ssl ? SSL_read(p->ssl, ret, 1) == 1 : recv(p->fd, ret, 1, 0) == 1;
}

static bool read_line(struct peer *p)
{
	for (size_t n = 0; n + 1 < sizeof(p->line); n++) {
		if (!read_byte(p, p->line + n))
			return false;
		if (p->line[n] == '\n') {
			p->line[n + 1] = '\0';
			return true;
		}
	}
	return false;
}

static void reply(const struct peer *p, const char *text)
{
	if (p->ssl)
		SSL_write(p->ssl, text, (int)strlen(text));
	else
		send(p->fd, text, strlen(text), MSG_NOSIGNAL);
}

static bool handshake(struct peer *p)
{
	if (p->manner != ANSWERS && p->manner != DEMANDS) {
		tls_server_fail(p->fd,
				p->manner == INJECTS ? TLS_SILENT : (enum tls_failure)p->manner);
		return false;
	}
	p->tally->secured++;
	p->ssl = tls_server_take(p->ctx, p->fd);
	return p->ssl != NULL;
}

static bool starttls(struct peer *p)
{
	p->tally->starttls++;
	if (p->manner == REFUSES) {
		reply(p, "454 4.7.0 TLS is not to be had\r\n");
		return true;
	}
	reply(p, p->manner == INJECTS ? "220 Go\r\n250 said too soon\r\n" : "220 Go\r\n");
	return handshake(p);
}

static bool take_text(struct peer *p)
{
	while (read_line(p)) {
		if (strcmp(p->line, ".\r\n") == 0) {
			p->tally->mails++;
			reply(p, "250 2.0.0 Taken\r\n");
			return true;
		}
		p->tally->bytes += (int64_t)strlen(p->line);
	}
	return false;
}

static bool command(struct peer *p)
{
	if (strncmp(p->line, "STARTTLS", 8) == 0)
		return starttls(p);
	if (strncmp(p->line, "DATA", 4) == 0) {
		reply(p, "354 Go on\r\n");
		return take_text(p);
	}
	if (strncmp(p->line, "QUIT", 4) == 0) {
		p->tally->quits++;
		reply(p, "221 2.0.0 Bye\r\n");
		return false;
	}
	p->tally->ehlos += strncmp(p->line, "EHLO", 4) == 0;
	reply(p, strncmp(p->line, "EHLO", 4) == 0 ? "250-tls.test\r\n250 PIPELINING\r\n"
						  : "250 2.0.0 Ok\r\n");
	return true;
}

static void serve_one(struct peer *p)
{
	const int on = 1;

	setsockopt(p->fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
	p->ssl = NULL;
	if (!p->implicit || handshake(p)) {
		reply(p, "220 tls.test\r\n");
		while (read_line(p) && command(p))
			;
	}
	if (p->ssl)
		SSL_shutdown(p->ssl);
	SSL_free(p->ssl);
	close(p->fd);
}

static void serve(int listener, void *arg)
{
	struct peer *p = arg;

	p->ctx = tls_server_ctx();
	if (p->manner == DEMANDS) {
		SSL_CTX_set_max_proto_version(p->ctx, TLS1_2_VERSION);
		SSL_CTX_set_verify(p->ctx, SSL_VERIFY_PEER | SSL_VERIFY_FAIL_IF_NO_PEER_CERT, NULL);
	}
	for (;;) {
		p->fd = accept4(listener, NULL, NULL, SOCK_CLOEXEC);
		serve_one(p);
	}
}

/* ---- runs: 20 messages, one session at a time ---- */

static void run(enum manner manner, const char *conf, struct smtp_bench *s, struct tally **ret)
{
	struct peer p = { .manner = manner, .implicit = strstr(conf, "\"tls\"") != NULL };
	struct smtpd d = { .server = server_listen(1024) };

	*ret = mmap(NULL, sizeof(**ret), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	assert_true(*ret != MAP_FAILED);
	p.tally = *ret;
	server_block(&d.server);
	server_fork(&d.server, serve, &p);
	assert_int_equal(smtp_bench_init(s, &d, conf), 0);
	smtp_closed(s, 20, 2);
	s->b.spec.timeout_ns = SQ_SEC;
	smtp_run_done(s);
	sq_sleep_until(sq_now_ns() + 20 * SQ_MS);
	server_stop(&d.server);
}

#define IMPLICIT "\"connections\": 1, \"tls\": true"
#define STARTTLS "\"connections\": 1, \"starttls_percent\": 100"

static void failed_handshakes(void **state)
{
	static const struct {
		enum manner manner;
		const char *outcome;
	} cases[] = {
		{ ENDS, "eof@tls" },       { RESETS, "ECONNRESET@tls" }, { PLAIN, "tls@tls" },
		{ SILENT, "timeout@tls" }, { INJECTS, "bad-reply@tls" }, { REFUSES, "454@tls" },
		{ DEMANDS, "tls@tls" },
	};

	(void)state;
	for (size_t i = 0; i < 2 * sizeof(cases) / sizeof(cases[0]); i++) {
		enum manner manner = cases[i / 2].manner;
		bool implicit = i % 2, silent = manner == SILENT;
		struct smtp_bench s;
		struct tally *t;

		if (implicit && (manner == INJECTS || manner == REFUSES))
			continue;
		printf("%s%s\n", cases[i / 2].outcome, implicit ? ", implicit" : "");
		run(manner, implicit ? "{" IMPLICIT "}" : "{" STARTTLS "}", &s, &t);
		/* A silent server has the first one's time, and half of it the others wait. */
		assert_int_equal(smtp_n(&s, cases[i / 2].outcome) + smtp_n(&s, "no-session@"), 20);
		assert_in_range(smtp_n(&s, cases[i / 2].outcome), silent ? 10 : 20, 20);
		assert_int_equal(t->quits, manner == REFUSES ? 20 : 0);
		assert_int_equal(t->mails, 0);
		assert_true(s.b.cpu_s < 1);
		smtp_bench_fini(&s);
	}
}

static void mail_over_tls(void **state)
{
	static const char *const confs[] = {
		"{" IMPLICIT ", \"size\": \"40KiB\"}",
		"{" STARTTLS ", \"size\": \"40KiB\"}",
		"{" IMPLICIT ", \"size\": \"40KiB\", \"pipelining\": false,"
		" \"messages_per_connection\": 5}",
		"{" STARTTLS ", \"size\": \"40KiB\", \"messages_per_connection\": 5}",
	};

	(void)state;
	for (size_t i = 0; i < 4; i++) {
		int sessions = i < 2 ? 20 : 4;
		struct smtp_bench s;
		struct tally *t;

		run(ANSWERS, confs[i], &s, &t);
		assert_int_equal(smtp_n(&s, "ok@"), 20);
		assert_int_equal(t->mails, 20);
		assert_in_range(t->bytes, 20 * 40960, 20 * 41600);
		assert_int_equal(t->secured, sessions);
		assert_int_equal(t->quits, sessions);
		assert_int_equal(t->starttls, i % 2 ? sessions : 0);
		assert_int_equal(t->ehlos, i % 2 ? 2 * sessions : sessions);
		assert_int_equal(smtp_phase(&s, "tls"), sessions);
		assert_int_equal(smtp_count(&s, "tls_full"), 1);
		assert_int_equal(smtp_count(&s, "tls_resumed"), sessions - 1);
		smtp_bench_fini(&s);
	}
}

/* As many as asked for, and the rest in the clear. */
static void some_sessions(void **state)
{
	struct smtp_bench s;
	struct tally *t;

	(void)state;
	run(ANSWERS, "{\"connections\": 1, \"starttls_percent\": 25, \"tls_resume\": false}", &s,
	    &t);
	assert_int_equal(smtp_n(&s, "ok@"), 20);
	assert_int_equal(t->starttls, 5);
	assert_int_equal(smtp_count(&s, "tls_full"), 5);
	smtp_bench_fini(&s);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(failed_handshakes),
		cmocka_unit_test(mail_over_tls),
		cmocka_unit_test(some_sessions),
	};

	net_enter();
	return cmocka_run_group_tests(tests, NULL, NULL);
}
