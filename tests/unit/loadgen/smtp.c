/* The smtp driver before a server that does well, and one that says no: sessions and messages are
 * counted alike by both, and a refusal is the message's and not the session's. */
#include "tests/unit/loadgen/smtp_bench.h"

static void all_different(const struct smtpd *d, int n)
{
	for (int i = 0; i < n; i++) {
		assert_true(d->seen->ids[i][0]);
		for (int j = 0; j < i; j++)
			assert_string_not_equal(d->seen->ids[i], d->seen->ids[j]);
	}
}

static void one_a_connection(void **state)
{
	struct smtpd d = { .pipelining = true };
	struct smtp_bench s;

	(void)state;
	smtpd_start(&d);
	assert_int_equal(smtp_bench_init(&s, &d, "{}"), 0);
	s.b.spec.arrivals.rate_per_s = 200;
	s.b.spec.duration_ns = SQ_SEC;
	s.b.spec.threads = 2;
	smtp_run_done(&s);
	smtpd_stop(&d);
	assert_int_equal(s.b.scheduled, 200);
	assert_int_equal(s.b.sent, 200);
	assert_int_equal(smtp_n(&s, "ok@"), 200);
	assert_int_equal(d.seen->accepted, 200);
	assert_int_equal(d.seen->connections, 200);
	assert_int_equal(d.seen->quits, 200);
	assert_int_equal(d.seen->resets + d.seen->fins + d.seen->rsets, 0);
	assert_int_equal(smtp_count(&s, "connections"), 200);
	assert_int_equal(smtp_count(&s, "quits"), 200);
	assert_int_equal(smtp_count(&s, "recipients"), 200);
	assert_int_equal(smtp_count(&s, "bytes"), d.seen->bytes);
	for (int i = 0; i < SQ_SMTP_PHASES; i++)
		assert_int_equal(
			smtp_phase(&s, sq_smtp_phases[i]),
			i == SQ_SMTP_RESOLVE || i == SQ_SMTP_TLS || i == SQ_SMTP_AUTH ? 0 : 200);
	all_different(&d, 200);
	smtp_bench_fini(&s);
}

static void what_is_said(void **state)
{
	struct smtpd d = { 0 };
	struct smtp_bench s;

	(void)state;
	smtp_meet(&s, &d,
		  "{\"sender\": \"s{1-3}@client.test\", \"size\": 300,"
		  " \"recipients\": [\"a{01-02}@one.test\", \"b@two.test\"],"
		  " \"recipients_per_message\": 2, \"helo\": \"here.test\","
		  " \"hello\": \"helo\", \"subject\": \"hot\"}",
		  2, 1);
	assert_int_equal(smtp_n(&s, "ok@"), 2);
	assert_int_equal(smtp_count(&s, "recipients"), 4);
	assert_int_equal(d.seen->helos, 2);
	assert_int_equal(d.seen->ehlos, 0);
	/* Message 1 is for addresses 2 and 3 of 3, so for the first again. */
	assert_string_equal(d.seen->last_mail, "MAIL FROM:<s2@client.test>");
	assert_string_equal(d.seen->last_rcpt, "RCPT TO:<a01@one.test>");
	assert_non_null(strstr(d.seen->header, "\r\nTo: <b@two.test>,\r\n <a01@one.test>\r\n"));
	assert_non_null(strstr(d.seen->header, "\r\nFrom: <s2@client.test>\r\n"));
	assert_non_null(strstr(d.seen->header, "\r\nSubject: hot\r\n"));
	assert_non_null(strstr(d.seen->header, ".0.1@here.test>\r\n"));
	assert_non_null(strstr(d.seen->header, ".0.1\r\nX-Squall-Sent: "));
	assert_non_null(strstr(d.seen->header, " 300\r\nDate: "));
	smtp_bench_fini(&s);
}

/* Five on each connection; with more messages than connections the next envelope goes with the
 * text before it. */
static void five_a_connection(void **state)
{
	static const char *const confs[] = {
		"{\"messages_per_connection\": 5, \"connections\": 2}",
		"{\"messages_per_connection\": 5, \"connections\": 2, \"pipelining\": false}",
	};

	(void)state;
	for (size_t i = 0; i < 2; i++) {
		struct smtpd d = { .pipelining = true };
		struct smtp_bench s;

		smtp_meet(&s, &d, confs[i], 100, 4);
		assert_int_equal(smtp_n(&s, "ok@"), 100);
		assert_int_equal(d.seen->accepted, 100);
		assert_int_equal(d.seen->most_mails, 5);
		assert_true(d.seen->most_open <= 2);
		assert_in_range(d.seen->connections, 20, 21);
		assert_int_equal(d.seen->quits, d.seen->connections);
		assert_int_equal(d.seen->rsets, 0);
		all_different(&d, 100);
		smtp_bench_fini(&s);
	}
}

/* Sessions and sizes that vary, each within its range. */
static void ranges(void **state)
{
	struct smtpd d = { .pipelining = true };
	struct smtp_bench s;
	int64_t heads;

	(void)state;
	smtp_meet(&s, &d,
		  "{\"messages_per_connection\": \"1-7\", \"connections\": 4,"
		  " \"size\": \"1-3KiB\"}",
		  400, 8);
	assert_int_equal(smtp_n(&s, "ok@"), 400);
	assert_int_equal(d.seen->most_mails, 7);
	assert_in_range(d.seen->connections, 80, 125); /* 4 on each */
	heads = 400 * INT64_C(450) + d.seen->connections * INT64_C(24);
	assert_in_range((d.seen->bytes - heads) / 400, 1900, 2250);
	smtp_bench_fini(&s);
}

static const char *every_second_rcpt(struct smtpd *d, struct smtpd_conn *c, int place, int nth,
				     const char *line)
{
	(void)d;
	(void)c;
	(void)line;
	return place == AT_RCPT && nth % 2 ? "452 4.2.2 Over quota\r\n" : NULL;
}

/* The session goes on after RSET. */
static void refused_recipients(void **state)
{
	(void)state;
	for (int pipelining = 0; pipelining < 2; pipelining++) {
		struct smtpd d = { .answer = every_second_rcpt, .pipelining = pipelining };
		struct smtp_bench s;

		smtp_meet(&s, &d, "{\"messages_per_connection\": 100, \"connections\": 1}", 40, 2);
		assert_int_equal(smtp_n(&s, "ok@"), 20);
		assert_int_equal(smtp_n(&s, "452@rcpt"), 20);
		assert_int_equal(d.seen->accepted, 20);
		assert_int_equal(d.seen->connections, 1);
		assert_int_equal(d.seen->rsets, 20);
		assert_int_equal(d.seen->quits, 1);
		assert_int_equal(smtp_count(&s, "recipients_refused"), 20);
		smtp_bench_fini(&s);
	}
}

static const char *some_of_three(struct smtpd *d, struct smtpd_conn *c, int place, int nth,
				 const char *line)
{
	int message = nth / 3, recipient = nth % 3;

	(void)d;
	(void)c;
	(void)line;
	if (place != AT_RCPT || message % 4 == 0)
		return NULL;
	if (message % 4 == 1) /* one of three */
		return recipient == 1 ? "550 5.1.1 Nobody\r\n" : NULL;
	if (message % 4 == 2) /* all */
		return recipient == 0 ? "550-5.1.1 Nobody\r\n550 of that name\r\n"
				      : "450 later\r\n";
	return recipient < 2 ? "451 later\r\n" : NULL;
}

static void three_recipients(void **state)
{
	(void)state;
	for (int pipelining = 0; pipelining < 2; pipelining++) {
		struct smtpd d = { .answer = some_of_three, .pipelining = pipelining };
		struct smtp_bench s;

		smtp_meet(&s, &d,
			  "{\"messages_per_connection\": 1000,"
			  " \"recipients_per_message\": 3,"
			  " \"connections\": 1}",
			  40, 2);
		assert_int_equal(smtp_n(&s, "ok@"), 30);
		assert_int_equal(smtp_n(&s, "550@rcpt"), 10);
		assert_int_equal(d.seen->accepted, 30);
		assert_int_equal(d.seen->rsets, 10);
		assert_int_equal(smtp_count(&s, "recipients"), 10 * (3 + 2 + 1));
		assert_int_equal(smtp_count(&s, "recipients_refused"), 10 * (1 + 3 + 2));
		smtp_bench_fini(&s);
	}
}

static const char *takes_data(struct smtpd *d, struct smtpd_conn *c, int place, int nth,
			      const char *line)
{
	if (place == AT_DATA)
		return "354 Go on\r\n";
	if (place == AT_BODY && !c->rcpt_ok)
		return "554 5.5.1 No valid recipients\r\n";
	return every_second_rcpt(d, c, place, nth, line);
}

/* RFC 2920, 3.1: DATA was behind the RCPTs already; a lone dot ends it. */
static void data_without_recipients(void **state)
{
	struct smtpd d = { .answer = takes_data, .pipelining = true };
	struct smtp_bench s;

	(void)state;
	smtp_meet(&s, &d, "{\"messages_per_connection\": 100, \"connections\": 1}", 20, 2);
	assert_int_equal(smtp_n(&s, "ok@"), 10);
	assert_int_equal(smtp_n(&s, "452@rcpt"), 10);
	assert_int_equal(d.seen->accepted, 10);
	assert_int_equal(d.seen->at[AT_BODY], 20);
	assert_int_equal(d.seen->connections, 1);
	smtp_bench_fini(&s);
}

/* A reply may come in any pieces. */
static void dripped_replies(void **state)
{
	struct smtpd d = { .pipelining = true, .drip = true };
	struct smtp_bench s;

	(void)state;
	smtp_meet(&s, &d, "{\"messages_per_connection\": 10}", 20, 1);
	assert_int_equal(smtp_n(&s, "ok@"), 20);
	assert_int_equal(d.seen->accepted, 20);
	assert_int_equal(d.seen->connections, 2);
	smtp_bench_fini(&s);
}

static const char *no_ehlo(struct smtpd *d, struct smtpd_conn *c, int place, int nth,
			   const char *line)
{
	(void)d;
	(void)c;
	(void)nth;
	return place == AT_HELO && line[0] == 'E' ? "502 5.5.2 What?\r\n" : NULL;
}

static void old_server(void **state)
{
	struct smtpd d = { .answer = no_ehlo, .pipelining = true };
	struct smtp_bench s;

	(void)state;
	smtp_meet(&s, &d, "{}", 5, 1);
	assert_int_equal(smtp_n(&s, "ok@"), 5);
	assert_int_equal(d.seen->ehlos, 5);
	assert_int_equal(d.seen->helos, 5);
	smtp_bench_fini(&s);
}

/* More than the sockets' buffers hold. */
static void large_messages(void **state)
{
	struct smtpd d = { .pipelining = true };
	struct smtp_bench s;

	(void)state;
	smtp_meet(&s, &d,
		  "{\"size\": \"12MiB\", \"connections\": 2,"
		  " \"messages_per_connection\": 3}",
		  6, 4);
	assert_int_equal(smtp_n(&s, "ok@"), 6);
	assert_int_equal(d.seen->accepted, 6);
	assert_int_equal(smtp_count(&s, "bytes"), d.seen->bytes);
	assert_true(d.seen->bytes > 6 * 12 * 1048576);
	smtp_bench_fini(&s);
}

/* A server that takes 20 ms for each reply shows them where they were paid: the first message of the
 * session waits for banner and EHLO too. */
static void time_by_phase(void **state)
{
	struct smtpd d = { .delay_ns = 20 * SQ_MS };
	struct smtp_bench s;

	(void)state;
	smtp_meet(&s, &d, "{\"messages_per_connection\": 5}", 5, 1);
	assert_int_equal(smtp_n(&s, "ok@"), 5);
	/* Not before, and not much behind it where the machine is busy. */
	assert_in_range(sq_hist_percentile(s.b.from_due, 50), 80 * SQ_MS, 120 * SQ_MS);
	assert_in_range(sq_hist_max(s.b.from_due), 120 * SQ_MS, 200 * SQ_MS);
	smtp_bench_fini(&s);
}

static void wrong_options(void **state)
{
	static const char *const confs[] = {
		"{\"recipients\": [\"nobody\"]}",
		"{\"recipients\": [\"a b@example.test\"]}",
		"{\"recipients\": [\"a{1-2}@b.test\", \"c@b.test\"], \"recipients_per_message\": 4}",
		"{\"recipients\": [\"a{1-@example.test\"]}",
		"{\"sender\": \"a>b@example.test\"}",
		"{\"sender\": \"a{2-1}@example.test\"}",
		"{\"helo\": \"\"}",
		"{\"helo\": \"two words\"}",
		"{\"subject\": \"one\\r\\ntwo\"}",
		"{\"users\": \"/nonexistent/users\"}",
		"{\"users\": \"/dev/null\"}",
		"{\"messages\": \"/nonexistent/mbox\"}",
		"{\"messages\": \"/dev/null\"}",
		"{\"deliver\": \"mx\", \"recipients_per_message\": 2}",
		"{\"deliver\": \"mx\", \"lmtp\": true}",
		"{\"hello\": \"helo\", \"lmtp\": true}",
		"{\"hello\": \"helo\", \"starttls_percent\": 1}",
		"{\"tls\": true, \"starttls_percent\": 1}",
		"{\"tls_name\": \"mail.test\"}",
		"{\"tls\": true, \"tls_ca\": \"/dev/null\"}",
		"{\"user\": \"me\"}",
		"{\"password\": \"secret\"}",
	};
	struct smtpd d = { .server = { .addr = { .sin_family = AF_INET } } };

	(void)state;
	for (size_t i = 0; i < sizeof(confs) / sizeof(*confs); i++) {
		struct smtp_bench s;

		assert_true(smtp_bench_init(&s, &d, confs[i]) < 0);
		smtp_bench_fini(&s);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(one_a_connection),  cmocka_unit_test(what_is_said),
		cmocka_unit_test(five_a_connection), cmocka_unit_test(refused_recipients),
		cmocka_unit_test(three_recipients),  cmocka_unit_test(data_without_recipients),
		cmocka_unit_test(dripped_replies),   cmocka_unit_test(old_server),
		cmocka_unit_test(large_messages),    cmocka_unit_test(time_by_phase),
		cmocka_unit_test(wrong_options),     cmocka_unit_test(ranges),
	};

	net_enter();
	return cmocka_run_group_tests(tests, NULL, NULL);
}
