/* The smtp driver before servers that stall, hang up and talk out of turn, and at its own limits:
 * bounded ends, true names, and no message that fails for another's fault. */
#include "tests/unit/loadgen/smtp_bench.h"

static const char *slow_then_stalled(struct smtpd *d, struct smtpd_conn *c, int place, int nth,
				     const char *line)
{
	(void)d;
	(void)line;
	(void)nth;
	if (c->n == 0)
		sq_sleep_until(sq_now_ns() + 50 * SQ_MS);
	return place == AT_BODY && c->n == 0 ? SAY_STALL : NULL;
}

/* The message whose envelope went out behind the text goes to another session when that one ends
 * by time-out, unless its own time is over too: then it waited for the server like the first. */
static void stalled_with_one_ahead(void **state)
{
	(void)state;
	for (int together = 0; together < 2; together++) {
		struct smtpd d = { .answer = slow_then_stalled, .pipelining = true };
		struct smtp_bench s;

		smtpd_start(&d);
		assert_int_equal(smtp_bench_init(&s, &d,
						 "{\"messages_per_connection\": 100,"
						 " \"connections\": 1}"),
				 0);
		s.b.spec.timeout_ns = SQ_SEC;
		if (together) {
			smtp_closed(&s, 2, 2);
		} else {
			s.b.spec.arrivals.rate_per_s = 5;
			s.b.spec.duration_ns = 400 * SQ_MS;
		}
		smtp_run_done(&s);
		smtpd_stop(&d);
		assert_int_equal(s.b.scheduled, 2);
		assert_int_equal(smtp_n(&s, "timeout@body"), 1);
		assert_int_equal(smtp_n(&s, together ? "timeout@mail" : "ok@"), 1);
		assert_int_equal(d.seen->accepted, !together);
		assert_int_equal(d.seen->connections, together ? 1 : 2);
		assert_int_equal(d.seen->quits, !together);
		assert_int_equal(d.seen->resets, 1);
		smtp_bench_fini(&s);
	}
}

/* One connection, and twice as many messages as it can carry: what found none in time says so, and
 * what was begun is finished. */
static void no_session(void **state)
{
	struct smtpd d = { .pipelining = true, .delay_ns = 10 * SQ_MS };
	struct smtp_bench s;

	(void)state;
	smtpd_start(&d);
	assert_int_equal(
		smtp_bench_init(&s, &d, "{\"messages_per_connection\": 1000, \"connections\": 1}"),
		0);
	s.b.spec.arrivals.rate_per_s = 50;
	s.b.spec.duration_ns = 2 * SQ_SEC;
	s.b.spec.timeout_ns = 800 * SQ_MS;
	smtp_run_done(&s);
	smtpd_stop(&d);
	assert_int_equal(s.b.scheduled, 100);
	assert_in_range(smtp_n(&s, "ok@"), 30, 75);
	assert_int_equal(smtp_n(&s, "no-session@"), 100 - smtp_n(&s, "ok@"));
	assert_int_equal(s.b.sent, smtp_n(&s, "ok@"));
	assert_int_equal(d.seen->accepted, smtp_n(&s, "ok@"));
	assert_int_equal(d.seen->connections, 1);
	assert_int_equal(sq_code_class(s.driver->words.codes, SQ_SMTP_NO_SESSION), SQ_CLASS_LOCAL);
	smtp_bench_fini(&s);
}

/* Messages 200 ms apart, and a server that ends a silent connection after 50 ms, in its own way:
 * nobody fails, and each message gets a session. */
static void closed_while_idle(void **state)
{
	static const char *const ways[] = { NULL, "421 4.4.2 Idle for too long\r\n" };

	(void)state;
	for (size_t i = 0; i < 2; i++) {
		struct smtpd d = { .pipelining = true, .idle_ns = 50 * SQ_MS, .idle = ways[i] };
		struct smtp_bench s;

		smtpd_start(&d);
		assert_int_equal(smtp_bench_init(&s, &d,
						 "{\"messages_per_connection\": 100,"
						 " \"keep\": \"10s\"}"),
				 0);
		s.b.spec.arrivals.rate_per_s = 5;
		s.b.spec.duration_ns = 2 * SQ_SEC;
		smtp_run_done(&s);
		smtpd_stop(&d);
		assert_int_equal(smtp_n(&s, "ok@"), 10);
		assert_int_equal(d.seen->connections, 10);
		/* The last one hears the goodbye of the run's end. */
		assert_in_range(smtp_count(&s, "closed_by_server"), 9, 10);
		assert_int_equal(d.seen->quits + smtp_count(&s, "closed_by_server"), 10);
		smtp_bench_fini(&s);
	}
}

/* A reply to nothing is no SMTP: that session is not used again. */
static void stray_replies(void **state)
{
	struct smtpd d = { .idle_ns = 50 * SQ_MS, .idle = "250 Anybody there?\r\n" };
	struct smtp_bench s;

	(void)state;
	smtpd_start(&d);
	assert_int_equal(
		smtp_bench_init(&s, &d, "{\"messages_per_connection\": 100, \"keep\": \"10s\"}"),
		0);
	s.b.spec.arrivals.rate_per_s = 5;
	s.b.spec.duration_ns = SQ_SEC;
	smtp_run_done(&s);
	smtpd_stop(&d);
	assert_int_equal(smtp_n(&s, "ok@"), 5);
	assert_in_range(smtp_count(&s, "stray_replies"), 4, 5);
	assert_int_equal(d.seen->resets, smtp_count(&s, "stray_replies"));
	smtp_bench_fini(&s);
}

/* Refused in the middle of a text: nobody knows where the server is in it. */
static void early_reply(void **state)
{
	struct smtpd d = { .pipelining = true, .early = "552 5.3.4 Too much\r\n" };
	struct smtp_bench s;

	(void)state;
	smtp_meet(&s, &d,
		  "{\"messages_per_connection\": 10, \"size\": \"64MiB\","
		  " \"connections\": 1}",
		  3, 2);
	assert_int_equal(smtp_n(&s, "552@body"), 3);
	assert_int_equal(d.seen->accepted, 0);
	assert_int_equal(d.seen->connections, 3);
	assert_int_equal(d.seen->quits, 0);
	smtp_bench_fini(&s);
}

/* The same, and hung up on: the RST meets a write, and what was said before it stands unread. */
static void early_reply_and_reset(void **state)
{
	struct smtpd d = { .pipelining = true, .early = "552 5.3.4 Too much\r\n", .leaves = true };
	struct smtp_bench s;

	(void)state;
	smtp_meet(&s, &d, "{\"size\": \"4MiB\"}", 50, 2);
	assert_int_equal(smtp_n(&s, "552@body"), 50);
	assert_int_equal(d.seen->connections, 50);
	smtp_bench_fini(&s);
}

#define X50 "xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx"

/* Replies to the first commands of an envelope come while its last ones wait for room (RFC 2920), and
 * so does the one to the text before it. */
static void long_envelopes(void **state)
{
	struct smtpd d = { .pipelining = true };
	struct smtp_bench s;

	(void)state;
	net_sysctl("tcp_wmem", "4096 16384 16384");
	smtp_meet(&s, &d,
		  "{\"messages_per_connection\": 4, \"connections\": 1,"
		  " \"recipients_per_message\": 1000,"
		  " \"recipients\": [\"" X50 X50 X50 X50 "{1-1000}@example.test\"]}",
		  8, 4);
	assert_int_equal(smtp_n(&s, "ok@"), 8);
	assert_int_equal(smtp_count(&s, "recipients"), 8000);
	assert_int_equal(d.seen->connections, 2);
	smtp_bench_fini(&s);
	net_sysctl("tcp_wmem", "4096 16384 4194304");
}

static const char *deaf(struct smtpd *d, struct smtpd_conn *c, int place, int nth, const char *line)
{
	(void)d;
	(void)c;
	(void)nth;
	(void)line;
	return place == AT_QUIT ? SAY_STALL : NULL;
}

/* A QUIT that nobody answers costs no message anything, and the run's end little. */
static void quit_unanswered(void **state)
{
	struct smtpd d = { .answer = deaf };
	struct smtp_bench s;

	(void)state;
	smtp_meet(&s, &d, "{}", 20, 4);
	assert_int_equal(smtp_n(&s, "ok@"), 20);
	assert_int_equal(d.seen->quits, 20);
	assert_int_equal(smtp_phase(&s, "quit"), 0);
	assert_true(s.b.took_ns < SQ_SEC);
	smtp_bench_fini(&s);
}

static const char *silent(struct smtpd *d, struct smtpd_conn *c, int place, int nth,
			  const char *line)
{
	(void)d;
	(void)nth;
	(void)line;
	return c->n % 2 && place == AT_RCPT ? SAY_STALL : NULL;
}

/* Ctrl-C, twice: what is under way is canceled, without a QUIT. */
static void stopped(void **state)
{
	struct smtpd d = { .answer = silent, .pipelining = true };
	struct smtp_bench s;

	(void)state;
	smtpd_start(&d);
	assert_int_equal(smtp_bench_init(&s, &d, "{\"connections\": 10}"), 0);
	s.b.spec.arrivals.rate_per_s = 100;
	s.b.spec.duration_ns = 60 * SQ_SEC;
	s.b.spec.timeout_ns = 30 * SQ_SEC;
	s.b.command = "stop";
	s.b.command_ns = 505 * SQ_MS;
	smtp_run_done(&s);
	smtpd_stop(&d);
	assert_int_equal(smtp_n(&s, "canceled@rcpt"), 10);
	assert_int_equal(smtp_n(&s, "ok@") + smtp_n(&s, "canceled@rcpt") + smtp_n(&s, "canceled@"),
			 s.b.scheduled);
	assert_int_equal(d.seen->accepted, smtp_n(&s, "ok@"));
	assert_int_equal(d.seen->resets, 10);
	assert_true(s.b.took_ns < SQ_SEC);
	smtp_bench_fini(&s);
}

/* What is idle at the end of the run says goodbye. */
static void goodbye(void **state)
{
	struct smtpd d = { .pipelining = true };
	struct smtp_bench s;

	(void)state;
	smtp_meet(&s, &d, "{\"messages_per_connection\": 1000, \"keep\": \"1h\"}", 50, 5);
	assert_int_equal(smtp_n(&s, "ok@"), 50);
	assert_int_equal(d.seen->connections, 5);
	assert_int_equal(d.seen->quits, 5);
	assert_int_equal(d.seen->resets, 0);
	assert_true(s.b.took_ns < SQ_SEC);
	smtp_bench_fini(&s);
}

static void nobody_listens(void **state)
{
	struct smtpd d = { .server = server_listen(-1) };
	struct smtp_bench s;

	(void)state;
	assert_int_equal(smtp_bench_init(&s, &d, "{}"), 0);
	s.b.spec.arrivals.rate_per_s = 200;
	s.b.spec.duration_ns = SQ_SEC;
	smtp_run_done(&s);
	assert_int_equal(smtp_n(&s, "ECONNREFUSED@connect"), 200);
	assert_int_equal(smtp_count(&s, "connections"), 0);
	smtp_bench_fini(&s);
	server_stop(&d.server);
}

static void descriptors_run_out(void **state)
{
	struct smtpd d = { .pipelining = true, .delay_ns = SQ_MS };
	struct smtp_bench s;

	(void)state;
	smtpd_start(&d);
	assert_int_equal(smtp_bench_init(&s, &d, "{}"), 0);
	s.b.spec.arrivals.burst = 100;
	s.b.spec.arrivals.every_ns = SQ_SEC;
	s.b.spec.arrivals.streams = 1;
	s.b.spec.duration_ns = SQ_SEC;
	s.b.nofile = 40;
	smtp_run_done(&s);
	smtpd_stop(&d);
	assert_in_range(smtp_n(&s, "ok@"), 10, 40);
	assert_int_equal(smtp_n(&s, "EMFILE@connect"), 100 - smtp_n(&s, "ok@"));
	assert_int_equal(d.seen->accepted, smtp_n(&s, "ok@"));
	smtp_bench_fini(&s);
}

/* A connect that nobody answers (the accept queue is full, and nobody accepts) costs its SYNs. */
static void syns_are_counted(void **state)
{
	struct smtpd d = { .server = server_listen(0) };
	struct smtp_bench s;

	(void)state;
	assert_int_equal(smtp_bench_init(&s, &d, "{}"), 0);
	s.b.spec.arrivals.burst = 10;
	s.b.spec.arrivals.every_ns = SQ_SEC;
	s.b.spec.arrivals.streams = 1;
	s.b.spec.duration_ns = SQ_SEC;
	s.b.spec.timeout_ns = 1500 * SQ_MS;
	smtp_run_done(&s);
	assert_int_equal(smtp_n(&s, "timeout@connect") + smtp_n(&s, "timeout@banner"), 10);
	assert_in_range(smtp_n(&s, "timeout@connect"), 8, 9);
	assert_int_equal(smtp_n(&s, "timeout@connect/0"), smtp_n(&s, "timeout@connect"));
	smtp_bench_fini(&s);
	server_stop(&d.server);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(stalled_with_one_ahead),
		cmocka_unit_test(no_session),
		cmocka_unit_test(closed_while_idle),
		cmocka_unit_test(stray_replies),
		cmocka_unit_test(early_reply),
		cmocka_unit_test(early_reply_and_reset),
		cmocka_unit_test(long_envelopes),
		cmocka_unit_test(quit_unanswered),
		cmocka_unit_test(stopped),
		cmocka_unit_test(goodbye),
		cmocka_unit_test(nobody_listens),
		cmocka_unit_test(descriptors_run_out),
		cmocka_unit_test(syns_are_counted),
	};

	net_enter();
	return cmocka_run_group_tests(tests, NULL, NULL);
}
