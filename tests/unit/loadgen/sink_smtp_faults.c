/* The programmed faults of the SMTP sink, as its clients and its counts see them. */
#include "smtp_sink.h"

static void test_exactly_137_of_10000(void **state)
{
	char got[16384], *at;
	int accepted = 0;
	int fd;

	(void)state;
	sink_start("{\"faults\": [\"rcpt:452:1.37%\", \"rcpt:550:10%\"]}");
	fd = dial_ready();
	ask(fd, "MAIL FROM:<>\r\n", MAIL_OK);
	for (int i = 0; i < 100; i++) {
		for (int k = 0; k < 100; k++)
			say(fd, "RCPT TO:<c@d.test>\r\n");
		say(fd, "FOO\r\n"); /* wrong by itself: in no share, and the end of the batch */
		for (at = got; at == got || !strstr(got, "500 "); at[0] = '\0') {
			ssize_t n = recv(fd, at, sizeof(got) - 1 - (size_t)(at - got), 0);

			assert_true(n > 0);
			at += n;
			*at = '\0';
		}
		for (at = got; (at = strstr(at, RCPT_OK)); at++)
			accepted++;
	}
	assert_int_equal(count_of("rejected/rcpt:452"), 137);
	assert_int_equal(count_of("rejected/rcpt:550"), 1000);
	assert_int_equal(accepted, 10000 - 1137);
	hang_up_by_reset(fd);
	count_await("resets", 1);
	sink_stop();
}

/* One message in a connection of its own; 'a' accepted, 'r' refused, 'f' FIN, 'x' reset. */
static char deliver(void)
{
	char got[512];
	int fd = dial_ready();
	ssize_t n;

	ask(fd, ENVELOPE "DATA\r\n", MAIL_OK RCPT_OK GO);
	say(fd, "text\r\n.\r\n");
	n = recv(fd, got, sizeof(got), 0);
	if (n > 0)
		say(fd, "QUIT\r\n");
	close(fd);
	return n == 0 ? 'f' : n < 0 ? 'x' : got[0] == '2' ? 'a' : 'r';
}

static void test_faults_of_the_body(void **state)
{
	int64_t seen[256] = { 0 };

	(void)state;
	sink_start("{\"faults\": [\"body:drop:5%\", \"body:close:10%\", \"body:451:2.5%\"]}");
	for (int i = 0; i < 200; i++)
		seen[(unsigned char)deliver()]++;
	assert_int_equal(seen['x'], 10);
	assert_int_equal(seen['f'], 20);
	assert_int_equal(seen['r'], 5);
	assert_int_equal(seen['a'], 165);
	count_await("open", 0);
	assert_int_equal(count_of("messages"), 165);
	assert_int_equal(count_of("recipients"), 165);
	assert_int_equal(count_of("quits"), 170);
	assert_int_equal(count_of("closed_by_sink"), 30);
	assert_int_equal(count_of("faults/body:drop"), 10);
	assert_int_equal(count_of("faults/body:close"), 20);
	assert_int_equal(count_of("rejected/body:451"), 5);
	sink_stop();
}

/* What is pipelined behind the refused one must not turn the FIN into a RST. */
static void test_421_closes(void **state)
{
	static const struct {
		const char *options, *before, *say, *hear, *count;
	} cases[] = {
		{ "{\"faults\": [\"banner:421\"]}", "", "", "421 4.0.0 Programmed fault\r\n",
		  "rejected/banner:421" },
		{ "{\"faults\": [\"helo:421\"]}", BANNER, "EHLO c.test\r\n",
		  "421 4.0.0 Programmed fault\r\n", "rejected/helo:421" },
		{ "{\"faults\": [\"mail:421\"]}", BANNER, "HELO c.test\r\n" ENVELOPE "DATA\r\n",
		  "250 sink.test\r\n421 4.0.0 Programmed fault\r\n", "rejected/mail:421" },
		{ "{\"faults\": [\"body:421\"]}", BANNER,
		  "HELO c.test\r\n" ENVELOPE "DATA\r\n.\r\nNOOP\r\n",
		  "250 sink.test\r\n" MAIL_OK RCPT_OK GO "421 4.0.0 Programmed fault\r\n",
		  "rejected/body:421" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		int fd;

		sink_start(cases[i].options);
		fd = dial();
		hear(fd, cases[i].before);
		ask(fd, cases[i].say, cases[i].hear);
		say(fd, "MAIL FROM:<>\r\n");
		hear_fin(fd);
		close(fd);
		count_await("closed_by_sink", 1);
		assert_int_equal(count_of(cases[i].count), 1);
		assert_int_equal(count_of("messages"), 0);
		sink_stop();
	}
}

static void test_refusing_banner(void **state)
{
	int fd;

	(void)state;
	sink_start("{\"faults\": [\"banner:554\"]}");
	fd = dial();
	hear(fd, "554 5.0.0 Programmed fault\r\n");
	ask(fd, "EHLO c.test\r\n", "503 5.5.1 Bad sequence of commands\r\n");
	ask(fd, "QUIT\r\n", BYE);
	hear_fin(fd);
	close(fd);
	count_await("quits", 1);
	sink_stop();
}

/* Whoever pipelines can't know that MAIL, or each RCPT, will be refused: no errors of his. */
static void test_pipelined_behind_refusal(void **state)
{
	int fd;

	(void)state;
	sink_start("{\"faults\": [\"mail:450:50%\", \"rcpt:550\"]}");
	fd = dial_ready();
	ask(fd, ENVELOPE "DATA\r\n",
	    MAIL_OK "550 5.0.0 Programmed fault\r\n554 5.5.1 No valid recipients\r\n");
	ask(fd, "RSET\r\n" ENVELOPE "DATA\r\n",
	    OK "450 4.0.0 Programmed fault\r\n503 5.5.1 Bad sequence of commands\r\n"
	       "503 5.5.1 Bad sequence of commands\r\n");
	ask(fd, "RSET\r\nRCPT TO:<x@y.test>\r\nQUIT\r\n",
	    OK "503 5.5.1 Bad sequence of commands\r\n" BYE);
	close(fd);
	count_await("quits", 1);
	assert_int_equal(count_of("rejected/mail:450"), 1);
	assert_int_equal(count_of("rejected/rcpt:550"), 1);
	assert_int_equal(count_of("rejected/data:554"), 1);
	assert_int_equal(count_of("protocol_errors"), 1);
	sink_stop();
}

/* What was answered before the drop still arrives. */
static void test_drop_in_a_group(void **state)
{
	int fd;

	(void)state;
	sink_start("{\"faults\": [\"data:drop\"]}");
	fd = dial_ready();
	ask(fd, ENVELOPE "DATA\r\n", MAIL_OK RCPT_OK);
	hear_reset(fd);
	close(fd);
	count_await("closed_by_sink", 1);
	assert_int_equal(count_of("faults/data:drop"), 1);
	assert_int_equal(count_of("resets"), 0);
	sink_stop();
}

static void test_connect_faults(void **state)
{
	char byte;
	int64_t fins = 0, resets = 0;

	(void)state;
	sink_start("{\"faults\": [\"connect:drop:30%\", \"connect:close:20%\"]}");
	for (int i = 0; i < 100; i++) {
		int refused; /* connect(2) itself may be what sees the RST */
		int fd = dial_to(&refused);
		ssize_t n = refused ? -1 : recv(fd, &byte, 1, 0);

		fins += n == 0;
		resets += n == -1 && errno == ECONNRESET;
		close(fd);
	}
	assert_int_equal(resets, 30);
	assert_int_equal(fins, 20);
	count_await("closed_by_sink", 50);
	count_await("open", 0);
	assert_int_equal(count_of("faults/connect:drop"), 30);
	sink_stop();
}

/* Whoever is sent away and stays is hung up on in the end. */
static void test_lingerer(void **state)
{
	int64_t begin;
	int fd;

	(void)state;
	sink_start("{\"faults\": [\"quit:450:50%\", \"helo:close\"]}");
	for (int i = 0; i < 2; i++) {
		fd = dial();
		hear(fd, BANNER);
		ask(fd, "QUIT\r\n", i ? "450 4.0.0 Programmed fault\r\n" : BYE);
		hear_fin(fd);
		close(fd);
	}
	count_await("quits", 2);
	begin = sq_now_ns();
	fd = dial();
	ask(fd, "HELO c.test\r\n", BANNER);
	hear_fin(fd);
	assert_int_equal(count_of("open"), 1);
	while (count_of("open") && sq_now_ns() - begin < 20 * SQ_SEC)
		sq_sleep_until(sq_now_ns() + 10 * SQ_MS);
	assert_in_range(sq_now_ns() - begin, 5 * SQ_SEC, 10 * SQ_SEC);
	assert_int_equal(count_of("closed_by_sink"), 1);
	close(fd);
	sink_stop();
}

static void test_stall(void **state)
{
	int fds[4];

	(void)state;
	sink_start("{\"faults\": [\"helo:stall:50%\", \"quit:stall\"]}");
	for (int i = 0; i < 4; i++) {
		fds[i] = dial();
		hear(fds[i], BANNER);
		say(fds[i], "HELO c.test\r\nNOOP\r\n");
	}
	hear_nothing(fds[1], 50 * SQ_MS);
	hear_nothing(fds[3], 0);
	say(fds[1], "QUIT\r\n");
	hear_nothing(fds[1], 20 * SQ_MS);
	hear(fds[0], "250 sink.test\r\n" OK);
	hear(fds[2], "250 sink.test\r\n" OK);
	say(fds[0], "QUIT\r\n");
	hear_nothing(fds[0], 20 * SQ_MS);
	assert_int_equal(count_of("open"), 4);
	close(fds[0]);
	close(fds[1]);
	hang_up_by_reset(fds[2]);
	hang_up_by_reset(fds[3]);
	count_await("open", 0);
	assert_int_equal(count_of("quits"), 1); /* said, though never answered */
	assert_int_equal(count_of("closed_without_quit"), 1);
	assert_int_equal(count_of("resets"), 2);
	assert_int_equal(count_of("faults/helo:stall"), 2);
	assert_int_equal(count_of("faults/quit:stall"), 1);
	sink_stop();
}

/* A delay holds up its own session only, and what is pipelined behind it waits for its turn. */
static void test_delay(void **state)
{
	int64_t begin;
	int slow, other;

	(void)state;
	sink_start("{\"faults\": [\"mail:delay:100ms:50%\", \"data:delay:50ms\", "
		   "\"body:delay:50ms\"], \"greeting_delay\": \"50ms\"}");
	begin = sq_now_ns();
	other = dial_ready();
	assert_in_range(sq_now_ns() - begin, 50 * SQ_MS, 500 * SQ_MS);
	ask(other, "MAIL FROM:<>\r\n", MAIL_OK);
	slow = dial_ready();
	begin = sq_now_ns();
	say(slow, ENVELOPE "DATA\r\ntext\r\n.\r\nQUIT\r\n");
	shutdown(slow, SHUT_WR);
	ask(other, "NOOP\r\n", OK);
	assert_in_range(sq_now_ns() - begin, 0, 99 * SQ_MS);
	hear(slow, MAIL_OK RCPT_OK);
	assert_in_range(sq_now_ns() - begin, 100 * SQ_MS, 600 * SQ_MS);
	hear(slow, GO);
	assert_in_range(sq_now_ns() - begin, 150 * SQ_MS, 650 * SQ_MS);
	hear(slow, TAKEN BYE);
	assert_in_range(sq_now_ns() - begin, 200 * SQ_MS, 700 * SQ_MS);
	hear_fin(slow);
	close(slow);
	ask(other, "QUIT\r\n", BYE);
	close(other);
	count_await("quits", 2);
	assert_int_equal(count_of("messages"), 1);
	assert_int_equal(count_of("faults/mail:delay"), 1);
	assert_int_equal(count_of("faults/body:delay"), 1);
	sink_stop();
}

static void test_reset_during_delay(void **state)
{
	int fd;

	(void)state;
	sink_start("{\"faults\": [\"mail:delay:10s\"]}");
	fd = dial_ready();
	say(fd, ENVELOPE);
	sq_sleep_until(sq_now_ns() + 20 * SQ_MS);
	hang_up_by_reset(fd);
	count_await("resets", 1);
	sink_stop();
}

/* Each pattern has a draw of its own, the first that fits; who fits none is in the phase's. */
static void test_some_recipients(void **state)
{
	int refused[3] = { 0 };
	char got[64], ask_for[64];
	int fd;

	(void)state;
	sink_start("{\"faults\": [\"rcpt=user1*@A.test:452:10%\", \"rcpt=user*:550:50%\", "
		   "\"rcpt:451:1%\"]}");
	fd = dial_ready();
	ask(fd, "MAIL FROM:<>\r\n", MAIL_OK);
	for (int i = 0; i < 300; i++) {
		static const char *const names[] = { "user1x@a.TEST", "user2@b.test",
						     "other@c.test" };
		ssize_t n;

		snprintf(ask_for, sizeof(ask_for), "RCPT TO:<%s>\r\n", names[i % 3]);
		say(fd, ask_for);
		n = recv(fd, got, sizeof(got) - 1, 0);
		assert_true(n > 3);
		refused[i % 3] += got[0] != '2';
	}
	assert_int_equal(refused[0], 10);
	assert_int_equal(refused[1], 50);
	assert_int_equal(refused[2], 1);
	assert_int_equal(count_of("rejected/rcpt:452"), 10);
	assert_int_equal(count_of("rejected/rcpt:550"), 50);
	assert_int_equal(count_of("rejected/rcpt:451"), 1);
	hang_up_by_reset(fd);
	count_await("resets", 1);
	sink_stop();
}

#define GARBAGE "This is no reply\r\n"

static void test_garbage(void **state)
{
	static const struct {
		const char *fault, *before, *say, *then;
	} cases[] = {
		{ "banner", "", "", "EHLO c.test\r\n" },
		{ "helo", BANNER, "EHLO c.test\r\n", "QUIT\r\n" },
		{ "mail", BANNER "250 sink.test\r\n", "HELO c.test\r\nMAIL FROM:<>\r\n",
		  "QUIT\r\n" },
		{ "body", BANNER "250 sink.test\r\n" MAIL_OK RCPT_OK GO,
		  "HELO c.test\r\n" ENVELOPE "DATA\r\n.\r\n", "QUIT\r\n" },
		{ "quit", BANNER, "QUIT\r\n", "" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		char options[64], count[32];
		int fd;

		snprintf(options, sizeof(options), "{\"faults\": [\"%s:garbage\"]}",
			 cases[i].fault);
		snprintf(count, sizeof(count), "faults/%s:garbage", cases[i].fault);
		sink_start(options);
		fd = dial();
		say(fd, cases[i].say);
		hear(fd, cases[i].before);
		hear(fd, GARBAGE);
		assert_int_equal(count_of(count), 1);
		assert_int_equal(count_of("messages"), 0);
		say(fd, cases[i].then);
		close(fd);
		sink_stop();
	}
}

/* 2 KiB at 4 KiB a second, in tenths of a second; at least, since the kernel has taken it all. */
static void test_slow_text(void **state)
{
	char text[2049];
	int64_t begin;
	int fd;

	(void)state;
	memset(text, 'x', sizeof(text) - 1);
	text[sizeof(text) - 1] = '\0';
	sink_start("{\"faults\": [\"data:slow:4KiB:50%\"]}");
	fd = dial_ready();
	for (int i = 0; i < 2; i++) {
		ask(fd, ENVELOPE "DATA\r\n", MAIL_OK RCPT_OK GO);
		begin = sq_now_ns();
		say(fd, text);
		ask(fd, "\r\n.\r\n", TAKEN);
		if (i == 1)
			assert_in_range(sq_now_ns() - begin, 400 * SQ_MS, 3 * SQ_SEC);
		else
			assert_in_range(sq_now_ns() - begin, 0, 400 * SQ_MS);
	}
	ask(fd, "QUIT\r\n", BYE);
	close(fd);
	count_await("quits", 1);
	assert_int_equal(count_of("faults/data:slow"), 1);
	assert_int_equal(count_of("messages"), 2);
	sink_stop();
}

static void test_gone_while_slow(void **state)
{
	int fd;

	(void)state;
	sink_start("{\"faults\": [\"data:slow:10B\"]}");
	fd = dial_ready();
	ask(fd, ENVELOPE "DATA\r\n", MAIL_OK RCPT_OK GO);
	say(fd, "some text that takes longer than anybody waits\r\n");
	hang_up_by_reset(fd);
	count_await("resets", 1);
	sink_stop();
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_teardown(test_exactly_137_of_10000, sink_end),
		cmocka_unit_test_teardown(test_faults_of_the_body, sink_end),
		cmocka_unit_test_teardown(test_421_closes, sink_end),
		cmocka_unit_test_teardown(test_refusing_banner, sink_end),
		cmocka_unit_test_teardown(test_pipelined_behind_refusal, sink_end),
		cmocka_unit_test_teardown(test_drop_in_a_group, sink_end),
		cmocka_unit_test_teardown(test_connect_faults, sink_end),
		cmocka_unit_test_teardown(test_lingerer, sink_end),
		cmocka_unit_test_teardown(test_stall, sink_end),
		cmocka_unit_test_teardown(test_delay, sink_end),
		cmocka_unit_test_teardown(test_reset_during_delay, sink_end),
		cmocka_unit_test_teardown(test_some_recipients, sink_end),
		cmocka_unit_test_teardown(test_garbage, sink_end),
		cmocka_unit_test_teardown(test_slow_text, sink_end),
		cmocka_unit_test_teardown(test_gone_while_slow, sink_end),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
