/* The SMTP sink's STARTTLS and implicit TLS, its AUTH, and LMTP. */
#include <openssl/ssl.h>

#include "loadgen/engine/tls.h"
#include "results/outcome.h"
#include "results/receipt.h"
#include "smtp_sink.h"

/* ---- TLS: a client of squall's own, on a socket that blocks ---- */

static struct sq_tls_spec any_server;
static struct sq_tls *tls;

static struct ssl_st *shake(int fd)
{
	struct sq_err err = { 0 };
	uint16_t code = 0;
	struct ssl_st *ssl;

	tls = sq_tls_new(&any_server, NULL, &err);
	assert_non_null(tls);
	ssl = sq_tls_session_new(tls, fd);
	assert_non_null(ssl);
	if (sq_tls_handshake(ssl, &code) != 1)
		fail_msg("the handshake failed with code %u", code);
	return ssl;
}

static void tls_hear(struct ssl_st *ssl, const char *want)
{
	size_t len = strlen(want), done = 0;
	char got[4096] = { 0 };
	uint16_t code;

	while (done < len) {
		ssize_t n = sq_tls_read(ssl, got + done, len - done, &code);

		if (n <= 0)
			fail_msg("heard \"%s\", want \"%s\"", got, want);
		done += (size_t)n;
	}
	assert_string_equal(got, want);
}

static void tls_ask(struct ssl_st *ssl, const char *text, const char *want)
{
	uint16_t code;

	assert_int_equal(sq_tls_write(ssl, text, strlen(text), &code), strlen(text));
	tls_hear(ssl, want);
}

static void tls_end(struct ssl_st *ssl, int fd)
{
	char byte;
	uint16_t code = 0;

	assert_int_equal(sq_tls_read(ssl, &byte, 1, &code), -1);
	assert_int_equal(code, SQ_CODE_EOF);
	assert_int_equal(SSL_get_shutdown(ssl),
			 SSL_RECEIVED_SHUTDOWN); /* close_notify was before it */
	sq_tls_session_free(ssl);
	tls = sq_tls_free(tls);
	close(fd);
}

#define OFFERS                                                                            \
	"250-sink.test\r\n250-PIPELINING\r\n250-SIZE\r\n250-8BITMIME\r\n250-STARTTLS\r\n" \
	"250-ENHANCEDSTATUSCODES\r\n250-AUTH PLAIN LOGIN\r\n250 SMTPUTF8\r\n"
#define TLS_READY "220 2.0.0 Ready to start TLS\r\n"

/* Greeted, with STARTTLS on offer. */
static int dial_offered(void)
{
	int fd = dial();

	hear(fd, BANNER);
	ask(fd, "EHLO c.test\r\n", OFFERS);
	return fd;
}

static void test_starttls(void **state)
{
	struct ssl_st *ssl;
	int fd;

	(void)state;
	sink_start("{\"tls\": \"starttls\"}");
	fd = dial();
	hear(fd, BANNER);
	ask(fd, "STARTTLS\r\n", "503 5.5.1 Bad sequence of commands\r\n");
	ask(fd, "EHLO c.test\r\n", OFFERS);
	ask(fd, "STARTTLS\r\n", TLS_READY);
	ssl = shake(fd);
	tls_ask(ssl, "MAIL FROM:<>\r\n", "503 5.5.1 Bad sequence of commands\r\n");
	tls_ask(ssl, "EHLO c.test\r\n", EXTENSIONS);
	tls_ask(ssl, "STARTTLS\r\n", "503 5.5.1 TLS is there already\r\n");
	tls_ask(ssl, ENVELOPE "DATA\r\n", MAIL_OK RCPT_OK GO);
	tls_ask(ssl, "text\r\n.\r\n", TAKEN);
	tls_ask(ssl, "QUIT\r\n", BYE);
	tls_end(ssl, fd);
	count_await("quits", 1);
	assert_int_equal(count_of("secured"), 1);
	assert_int_equal(count_of("messages"), 1);
	sink_stop();
}

/* What was said in the clear behind STARTTLS is not obeyed once TLS stands (CVE-2011-0411). */
static void test_smuggled_command(void **state)
{
	struct ssl_st *ssl;
	int fd;

	(void)state;
	sink_start("{\"tls\": \"starttls\"}");
	fd = dial_offered();
	ask(fd, "STARTTLS\r\nEHLO evil.test\r\nRSET\r\n", TLS_READY);
	ssl = shake(fd);
	tls_ask(ssl, "NOOP\r\n", OK);
	tls_ask(ssl, "QUIT\r\n", BYE);
	tls_end(ssl, fd);
	count_await("quits", 1);
	assert_int_equal(count_of("protocol_errors"), 1);
	sink_stop();
}

static void test_implicit_tls(void **state)
{
	static char text[300001];
	struct ssl_st *ssl;
	size_t done = 0;
	uint16_t code;
	int fd;

	(void)state;
	sink_start("{\"tls\": \"implicit\", \"faults\": [\"data:slow:100KiB:50%\"]}");
	fd = dial();
	ssl = shake(fd);
	tls_hear(ssl, BANNER);
	tls_ask(ssl, "EHLO c.test\r\n", EXTENSIONS);
	memset(text, 'x', sizeof(text) - 1);
	for (size_t i = 78; i < sizeof(text) - 2; i += 80)
		memcpy(text + i, "\r\n", 2);
	for (int i = 0; i < 2; i++) {
		size_t len = i ? sizeof(text) - 1 : 30000;

		tls_ask(ssl, ENVELOPE "DATA\r\n", MAIL_OK RCPT_OK GO);
		for (done = 0; done < len;) {
			ssize_t n = sq_tls_write(ssl, text + done, len - done, &code);

			assert_true(n > 0);
			done += (size_t)n;
		}
		tls_ask(ssl, "\r\n.\r\n", TAKEN);
	}
	tls_ask(ssl, "QUIT\r\n", BYE);
	tls_end(ssl, fd);
	count_await("quits", 1);
	assert_int_equal(count_of("bytes"), 330004);
	sink_stop();
}

/* A slow reader takes 1 KiB of a record at a time: what is left of it while an answer is delayed makes
 * no event any more. */
static void test_read_ahead(void **state)
{
	char text[1536];
	struct ssl_st *ssl;
	int fd;

	(void)state;
	sink_start(
		"{\"tls\": \"implicit\", \"faults\": [\"data:slow:10KiB\", \"body:delay:20ms\"]}");
	fd = dial();
	ssl = shake(fd);
	tls_hear(ssl, BANNER);
	tls_ask(ssl, "EHLO c.test\r\n", EXTENSIONS);
	tls_ask(ssl, ENVELOPE "DATA\r\n", MAIL_OK RCPT_OK GO);
	snprintf(text, sizeof(text), "text\r\n.\r\nNOOP %01400d\r\nQUIT\r\n", 0);
	tls_ask(ssl, text, TAKEN OK BYE);
	tls_end(ssl, fd);
	count_await("quits", 1);
	sink_stop();
}

static void test_tls_faults(void **state)
{
	struct ssl_st *ssl;
	int fd;

	(void)state;
	sink_start("{\"tls\": \"starttls\", \"faults\": [\"tls:454:50%\", \"tls:drop:50%\"]}");
	fd = dial_offered();
	ask(fd, "STARTTLS\r\n", "454 4.0.0 Programmed fault\r\n");
	say(fd, "STARTTLS\r\n");
	hear_reset(fd);
	close(fd);
	count_await("closed_by_sink", 1);
	sink_stop();

	sink_start("{\"tls\": \"implicit\"}");
	fd = dial();
	say(fd, "EHLO c.test\r\n"); /* no handshake */
	count_await("not_secured", 1);
	close(fd);
	close(dial()); /* not even that */
	count_await("not_secured", 2);
	count_await("open", 0);
	assert_int_equal(count_of("lost"), 1);
	assert_int_equal(count_of("closed_without_quit"), 1);
	sink_end(NULL);

	sink_start("{\"tls\": \"implicit\", \"faults\": [\"helo:421\"]}");
	fd = dial();
	ssl = shake(fd);
	tls_hear(ssl, BANNER);
	tls_ask(ssl, "EHLO c.test\r\n", "421 4.0.0 Programmed fault\r\n");
	tls_end(ssl, fd);
	count_await("closed_by_sink", 1);
	sink_stop();
}

/* ---- AUTH ---- */

static void test_auth(void **state)
{
	static const char *const dialogue[][2] = {
		{ "AUTH PLAIN AHgAeQ==\r\n", "503 5.5.1 Bad sequence of commands\r\n" },
		{ "EHLO c.test\r\n", EXTENSIONS },
		{ "AUTH CRAM-MD5\r\n", "504 5.5.4 Mechanisms are PLAIN and LOGIN\r\n" },
		{ "AUTH PLAINLY\r\n", "504 5.5.4 Mechanisms are PLAIN and LOGIN\r\n" },
		{ "AUTH LOGIN\r\n", "334 VXNlcm5hbWU6\r\n" },
		{ "*\r\n", "501 5.7.0 Cancelled\r\n" },
		{ "auth plain\r\n", "334 \r\n" },
		{ "QUIT!\r\n", "501 5.5.2 That is no base64\r\n" },
		{ "AUTH PLAIN x!y\r\n", "501 5.5.2 That is no base64\r\n" },
		{ "AUTH PLAIN AHgAeQ==\r\n", "535 5.0.0 Programmed fault\r\n" },
		{ "AUTH LOGIN\r\n", "334 VXNlcm5hbWU6\r\n" },
		{ "eA==\r\n", "334 UGFzc3dvcmQ6\r\n" },
		{ "eQ==\r\n", "235 2.7.0 Authentication successful\r\n" },
		{ "AUTH PLAIN AHgAeQ==\r\n", "503 5.5.1 Authenticated already\r\n" },
		{ "MAIL FROM:<>\r\n", MAIL_OK },
		{ "QUIT\r\n", BYE },
	};
	int fd;

	(void)state;
	sink_start("{\"faults\": [\"auth:535:60%\"]}");
	fd = dial();
	hear(fd, BANNER);
	for (size_t i = 0; i < sizeof(dialogue) / sizeof(*dialogue); i++)
		ask(fd, dialogue[i][0], dialogue[i][1]);
	close(fd);
	count_await("quits", 1);
	assert_int_equal(count_of("authenticated"), 1);
	assert_int_equal(count_of("rejected/auth:535"), 1);
	sink_stop();
}

/* ---- LMTP ---- */

#define LMTP_BANNER "220 sink.test LMTP squall sink\r\n"

/* Up to the text, for three. */
static void lmtp_envelope(int fd)
{
	ask(fd, "LHLO c.test\r\n", EXTENSIONS);
	ask(fd,
	    "MAIL FROM:<>\r\nRCPT TO:<a@d.test>\r\nRCPT TO:<b@d.test>\r\n"
	    "RCPT TO:<e@d.test>\r\nDATA\r\n",
	    MAIL_OK RCPT_OK RCPT_OK RCPT_OK GO);
}

static size_t of_receipt;

static void see(const struct sq_receipt *r, void *arg)
{
	(void)arg;
	of_receipt = r->n_recipients;
	assert_int_equal(r->recipients[0], sq_receipt_recipient("a@d.test", 8));
	assert_int_equal(r->recipients[1], sq_receipt_recipient("e@d.test", 8));
}

/* An answer for each recipient behind the final dot; the receipt is of those that have it. */
static void test_lmtp(void **state)
{
	struct sq_receipts_file file;
	struct sq_err err = { 0 };
	char path[64], options[256];
	int fd;

	(void)state;
	snprintf(path, sizeof(path), "/tmp/sq-lmtp-%ld", (long)getpid());
	unlink(path);
	snprintf(options, sizeof(options),
		 "{\"protocol\": \"lmtp\", \"record\": \"%s\", "
		 "\"faults\": [\"body:452:33%%\", \"body:delay:20ms:33%%\"]}",
		 path);
	sink_start(options);
	fd = dial();
	hear(fd, LMTP_BANNER);
	ask(fd, "EHLO c.test\r\n", "500 5.5.1 This is LMTP; say LHLO\r\n");
	lmtp_envelope(fd);
	ask(fd, "X-Squall-Id: 5eed.3.1\r\n\r\n.\r\nNOOP\r\n",
	    TAKEN "452 4.0.0 Programmed fault\r\n" TAKEN OK);
	ask(fd, "QUIT\r\n", BYE);
	close(fd);
	count_await("quits", 1);
	assert_int_equal(count_of("messages"), 1);
	assert_int_equal(count_of("recipients"), 2);
	sink_stop();
	assert_int_equal(sq_receipts_read(path, see, NULL, &file, &err), 0);
	unlink(path);
	assert_true(file.whole);
	assert_int_equal(file.n, 1);
	assert_int_equal(of_receipt, 2);
}

/* Who sends 421 to one of them has no more to say to the others. */
static void test_lmtp_421(void **state)
{
	int fd;

	(void)state;
	sink_start("{\"protocol\": \"lmtp\", \"faults\": [\"body:421:50%\"]}");
	fd = dial();
	hear(fd, LMTP_BANNER);
	lmtp_envelope(fd);
	ask(fd, ".\r\n", TAKEN "421 4.0.0 Programmed fault\r\n");
	hear_fin(fd);
	close(fd);
	count_await("closed_by_sink", 1);
	assert_int_equal(count_of("recipients"), 1);
	sink_stop();
}

static void test_bad_certificates(void **state)
{
	static const char *const cases[][2] = {
		{ "{\"listen\": \"127.0.0.1:0\", \"tls\": \"starttls\", \"tls_key\": \"/dev/null\", "
		  "\"faults\": [\"rcpt:452\", \"rcpt=a*:550\"]}",
		  "go together" },
		{ "{\"listen\": \"127.0.0.1:0\", \"tls\": \"implicit\", \"tls_key\": \"/dev/null\", "
		  "\"tls_certificate\": \"/dev/null\"}",
		  "no certificate to be read" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		json_t *object = json_loads(cases[i][0], 0, NULL);
		void *conf = sq_alloc(sq_sink_smtp.kind.conf_size);
		void *sink_state = sq_alloc(sq_sink_smtp.state_size);
		struct sq_opt_ctx ctx = { .file = "test" };
		struct sq_err err = { 0 };

		assert_int_equal(sq_opt_parse(&ctx, sq_sink_smtp.kind.opts, object, "", conf, &err),
				 0);
		assert_int_equal(sq_sink_smtp.open(sink_state, conf, &err), -EINVAL);
		assert_non_null(strstr(err.text, cases[i][1]));
		sq_opt_fini(sq_sink_smtp.kind.opts, conf);
		json_decref(object);
		free(conf);
		free(sink_state);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_teardown(test_starttls, sink_end),
		cmocka_unit_test_teardown(test_smuggled_command, sink_end),
		cmocka_unit_test_teardown(test_implicit_tls, sink_end),
		cmocka_unit_test_teardown(test_read_ahead, sink_end),
		cmocka_unit_test_teardown(test_tls_faults, sink_end),
		cmocka_unit_test_teardown(test_auth, sink_end),
		cmocka_unit_test_teardown(test_lmtp, sink_end),
		cmocka_unit_test_teardown(test_lmtp_421, sink_end),
		cmocka_unit_test(test_bad_certificates),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
