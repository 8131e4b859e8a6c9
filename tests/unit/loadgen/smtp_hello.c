/* The smtp driver's way to its first envelope, beyond EHLO: AUTH in both mechanisms and how it is
 * refused, STARTTLS where there is none; and LMTP, which answers a text for each recipient. */
#include "tests/unit/loadgen/smtp_bench.h"

/* ---- AUTH ---- */

/* What the client says there, in turn: user "me", password "secret". */
static const char *const said[] = { "AUTH PLAIN AG1lAHNlY3JldA==", "AUTH LOGIN",
				    "bWU=", "c2VjcmV0" };

static const char *login(struct smtpd *d, struct smtpd_conn *c, int place, int nth,
			 const char *line)
{
	(void)c;
	if (place != AT_AUTH)
		return NULL;
	d->seen->faults += strcmp(line, said[1 + nth % 3]) != 0;
	return nth % 3 == 0 ? "334 VXNlcm5hbWU6\r\n" : nth % 3 == 1 ? "334 UGFzc3dvcmQ6\r\n" : NULL;
}

static const char *plain(struct smtpd *d, struct smtpd_conn *c, int place, int nth,
			 const char *line)
{
	(void)c;
	(void)nth;
	d->seen->faults += place == AT_AUTH && strcmp(line, said[0]) != 0;
	return NULL;
}

static void both_mechanisms(void **state)
{
	(void)state;
	for (int i = 0; i < 2; i++) {
		struct smtpd d = { .answer = i ? login : plain, .pipelining = true };
		struct smtp_bench s;

		smtp_meet(&s, &d,
			  i ? "{\"user\": \"me\", \"password\": \"secret\","
			      " \"auth\": \"login\","
			      " \"messages_per_connection\": 2}"
			    : "{\"user\": \"me\", \"password\": \"secret\","
			      " \"messages_per_connection\": 2}",
			  10, 1);
		assert_int_equal(smtp_n(&s, "ok@"), 10);
		assert_int_equal(d.seen->at[AT_AUTH], i ? 15 : 5);
		assert_int_equal(d.seen->faults, 0);
		assert_int_equal(smtp_phase(&s, "auth"), 5);
		smtp_bench_fini(&s);
	}
}

static const char *auth_says;

static const char *at_auth(struct smtpd *d, struct smtpd_conn *c, int place, int nth,
			   const char *line)
{
	(void)d;
	(void)c;
	(void)nth;
	(void)line;
	return place == AT_AUTH ? auth_says : NULL;
}

static void auth_fails(void **state)
{
	static const struct {
		const char *say, *outcome;
		bool quit;
	} ways[] = {
		{ "535 5.7.8 Wrong\r\n", "535@auth", true },
		{ "454 4.7.0 Later\r\n", "454@auth", true },
		{ "421 4.7.0 Too many\r\n", "421@auth", false },
		{ "334 more\r\n", "bad-reply@auth", false }, /* PLAIN has no more */
		{ "hm\r\n", "bad-reply@auth", false },
		{ SAY_FIN, "eof@auth", false },
		{ SAY_RST, "ECONNRESET@auth", false },
		{ SAY_STALL, "timeout@auth", false },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(ways) / sizeof(*ways); i++) {
		struct smtpd d = { .answer = at_auth };
		struct smtp_bench s;

		auth_says = ways[i].say;
		smtpd_start(&d);
		assert_int_equal(
			smtp_bench_init(&s, &d, "{\"user\": \"me\", \"password\": \"secret\"}"), 0);
		smtp_closed(&s, 5, 5);
		s.b.spec.timeout_ns = 500 * SQ_MS;
		smtp_run_done(&s);
		smtpd_stop(&d);
		printf("  %s\n", ways[i].outcome);
		assert_int_equal(smtp_n(&s, ways[i].outcome), 5);
		assert_int_equal(d.seen->quits, ways[i].quit ? 5 : 0);
		assert_int_equal(d.seen->accepted, 0);
		smtp_bench_fini(&s);
	}
}

/* ---- STARTTLS before a server that knows none ---- */

static void no_starttls(void **state)
{
	struct smtpd d = { .pipelining = true };
	struct smtp_bench s;

	(void)state;
	smtp_meet(&s, &d, "{\"starttls_percent\": 30}", 20, 2);
	assert_int_equal(smtp_n(&s, "502@tls"), 6);
	assert_int_equal(smtp_n(&s, "ok@"), 14);
	assert_int_equal(d.seen->quits, 20);
	smtp_bench_fini(&s);
}

/* ---- LMTP ---- */

/* Three recipients: the first message's are all taken, of the second the text is refused for one, of
 * the third for all, of the fourth RCPT refuses one. */
static const char *lmtp(struct smtpd *d, struct smtpd_conn *c, int place, int nth, const char *line)
{
	(void)d;
	(void)c;
	(void)line;
	if (place == AT_RCPT)
		return nth / 3 % 4 == 3 && nth % 3 == 1 ? "550 5.1.1 Nobody\r\n" : NULL;
	if (place != AT_BODY)
		return NULL;
	switch (nth % 4) {
	case 0:
		return "250 one\r\n250-two\r\n250 of it\r\n250 three\r\n";
	case 1:
		return "250 one\r\n250 two\r\n452 4.2.2 Full\r\n";
	case 2:
		return "451 one\r\n452 two\r\n552 three\r\n";
	default:
		return "250 one\r\n250 three\r\n";
	}
}

static void lmtp_answers(void **state)
{
	(void)state;
	for (int pipelining = 0; pipelining < 2; pipelining++) {
		struct smtpd d = { .answer = lmtp, .pipelining = pipelining };
		struct smtp_bench s;

		smtp_meet(&s, &d,
			  "{\"lmtp\": true, \"recipients_per_message\": 3,"
			  " \"messages_per_connection\": 100,"
			  " \"connections\": 1}",
			  40, 2);
		assert_int_equal(smtp_n(&s, "ok@"), 30);
		assert_int_equal(smtp_n(&s, "552@body"), 10);
		assert_int_equal(d.seen->lhlos, 1);
		assert_int_equal(d.seen->ehlos + d.seen->helos, 0);
		assert_int_equal(d.seen->connections, 1);
		assert_int_equal(smtp_count(&s, "recipients"), 10 * (3 + 3 + 3 + 2));
		assert_int_equal(smtp_count(&s, "recipients_refused"), 10);
		assert_int_equal(smtp_count(&s, "recipients_undelivered"), 10 * (1 + 3));
		smtp_bench_fini(&s);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(both_mechanisms),
		cmocka_unit_test(auth_fails),
		cmocka_unit_test(no_starttls),
		cmocka_unit_test(lmtp_answers),
	};

	net_enter();
	return cmocka_run_group_tests(tests, NULL, NULL);
}
