/* The SMTP sink: sessions as clients hold them, good and bad, and how they end.  Its programmed
 * faults are in sink_smtp_faults.c, its parts in sink_smtp_parts.c. */
#include "smtp_sink.h"

static void test_octet_by_octet(void **state)
{
	static const char *const dialogue[][2] = {
		{ "EHLO c.test\r\n", EXTENSIONS },
		{ "MAIL FROM:<a@b.test> SIZE=100 BODY=8BITMIME\r\n", MAIL_OK },
		{ "RCPT TO:<c@d.test>\r\n", RCPT_OK },
		{ "RCPT TO:<e@d.test>\r\n", RCPT_OK },
		{ "DATA\r\n", GO },
		{ "Subject: x\r\n\r\n..stuffed\r\n.\r\n", TAKEN },
		{ "QUIT\r\n", BYE },
	};
	int fd;

	(void)state;
	sink_start("{}");
	fd = dial();
	hear(fd, BANNER);
	for (size_t i = 0; i < sizeof(dialogue) / sizeof(*dialogue); i++) {
		for (const char *c = dialogue[i][0]; *c; c++) {
			assert_int_equal(send(fd, c, 1, MSG_NOSIGNAL), 1);
			sq_sleep_until(sq_now_ns() + 100 * SQ_US);
		}
		hear(fd, dialogue[i][1]);
	}
	hear_fin(fd);
	close(fd);
	count_await("quits", 1);
	assert_int_equal(count_of("messages"), 1);
	assert_int_equal(count_of("recipients"), 2);
	assert_int_equal(count_of("bytes"), strlen("Subject: x\r\n\r\n.stuffed\r\n"));
	assert_int_equal(count_of("protocol_errors"), 0);
	sink_stop();
}

/* Two messages and QUIT, groups in one segment each; the FIN comes with QUIT. */
static void test_pipelined(void **state)
{
	int fd;

	(void)state;
	sink_start("{\"banner\": \"mx.example\"}");
	fd = dial();
	hear(fd, "220 mx.example ESMTP squall sink\r\n");
	ask(fd, "HELO c.test\r\n" ENVELOPE "RCPT TO:<e@d.test>\r\nDATA\r\n",
	    "250 mx.example\r\n" MAIL_OK RCPT_OK RCPT_OK GO);
	ask(fd, "one\r\n.\r\n" ENVELOPE "DATA\r\n", TAKEN MAIL_OK RCPT_OK GO);
	say(fd, "two\r\n.\r\nQUIT\r\n");
	shutdown(fd, SHUT_WR);
	hear(fd, TAKEN BYE);
	hear_fin(fd);
	close(fd);
	count_await("quits", 1);
	assert_int_equal(count_of("messages"), 2);
	assert_int_equal(count_of("recipients"), 3);
	assert_int_equal(count_of("bytes"), 10);
	assert_int_equal(count_of("closed_without_quit"), 0);
	sink_stop();
}

/* No SMTP at all, but what a careless generator does: everything at once, and gone. */
static void test_blasted(void **state)
{
	int fd;

	(void)state;
	sink_start("{}");
	fd = dial();
	say(fd, "HELO c.test\r\n" ENVELOPE "DATA\r\none\r\n.\r\n" ENVELOPE
		"DATA\r\ntwo\r\n.\r\nNOOP\r\nQUIT\r\n");
	shutdown(fd, SHUT_WR);
	hear(fd,
	     BANNER "250 sink.test\r\n" MAIL_OK RCPT_OK GO TAKEN MAIL_OK RCPT_OK GO TAKEN OK BYE);
	hear_fin(fd);
	close(fd);
	count_await("quits", 1);
	assert_int_equal(count_of("messages"), 2);
	sink_stop();
}

/* Sends a text over and over, of which `sent` octets went already, while there is room. */
static size_t send_over(int fd, const char *text, size_t sent, size_t limit)
{
	size_t unit = strlen(text);
	ssize_t n = 1;

	while (n > 0 && sent < limit) {
		size_t at = sent % unit, len = unit - at;

		n = send(fd, text + at, len, MSG_DONTWAIT | MSG_NOSIGNAL);
		sent += n > 0 ? (size_t)n : 0;
	}
	return sent;
}

/* Until the sink stops reading, because nobody reads its answers. */
static size_t send_until_stuck(int fd, const char *text)
{
	size_t sent = 0, before;

	do {
		before = sent;
		sent = send_over(fd, text, sent, SIZE_MAX);
		sq_sleep_until(sq_now_ns() + 200 * SQ_MS);
	} while (sent > before);
	return sent;
}

/* Answers that nobody reads do not pile up in the sink.  They are all there once somebody reads,
 * and a message counts with its answer. */
static void test_deaf_client(void **state)
{
	static const char *const cases[][2] = {
		{ "NOOP\r\n", OK },
		{ ENVELOPE "DATA\r\ntext\r\n.\r\n", MAIL_OK RCPT_OK GO TAKEN },
	};
	char got[10000];

	(void)state;
	for (size_t i = 0; i < 2; i++) {
		size_t unit = strlen(cases[i][0]), answer = strlen(cases[i][1]), heard = 0, sent;
		size_t units;
		int fd;

		sink_start("{}");
		fd = dial_ready();
		sent = send_until_stuck(fd, cases[i][0]);
		units = (sent + unit - 1) / unit;
		assert_true((size_t)count_of("messages") < (i ? units : 1));
		while (heard < units * answer) {
			ssize_t n = recv(fd, got, sizeof(got), 0);

			assert_true(n > 0);
			heard += (size_t)n;
			sent = send_over(fd, cases[i][0], sent, units * unit);
		}
		count_await("messages", i ? (json_int_t)units : 0);
		ask(fd, "QUIT\r\n", BYE);
		close(fd);
		count_await("quits", 1);
		assert_int_equal(count_of("protocol_errors"), 0);
		sink_stop();
	}
}

/* The RST meets a sink that waits to write. */
static void test_deaf_client_resets(void **state)
{
	int fd;

	(void)state;
	sink_start("{}");
	fd = dial_ready();
	send_until_stuck(fd, "NOOP\r\n");
	hang_up_by_reset(fd);
	count_await("resets", 1);
	sink_stop();
}

static void test_bare_lf_and_long_lines(void **state)
{
	char line[1200];
	int fd;

	(void)state;
	memset(line, 'x', sizeof(line));
	memcpy(line + sizeof(line) - 3, "\r\n", 3);
	sink_start("{}");
	fd = dial_ready();
	ask(fd, ENVELOPE "DATA\r\n", MAIL_OK RCPT_OK GO);
	say(fd, "smuggled\n.\r\nMAIL FROM:<x@y.test>\r\n");
	say(fd, line);
	hear_nothing(fd, 20 * SQ_MS);
	ask(fd, ".\r\n", TAKEN);
	count_await("messages", 1);
	assert_int_equal(count_of("bare_lf"), 1);
	assert_int_equal(count_of("long_lines"), 1);
	close(fd);
	sink_stop();
}

static void test_sequence_errors(void **state)
{
	int fd;

	(void)state;
	sink_start("{}");
	fd = dial();
	hear(fd, BANNER);
	ask(fd, ENVELOPE,
	    "503 5.5.1 Bad sequence of commands\r\n"
	    "503 5.5.1 Bad sequence of commands\r\n");
	ask(fd, "EHLO c.test\r\nMAIL FROM:<>\r\nDATA\r\n",
	    EXTENSIONS MAIL_OK "503 5.5.1 No recipients yet\r\n");
	ask(fd, "RCPT TO:<c@d.test>\r\nRSET\r\nDATA\r\n",
	    RCPT_OK OK "503 5.5.1 Bad sequence of commands\r\n");
	ask(fd, "bdat 1\r\nFOO\r\nVRFY x\nNOOP\n",
	    "502 5.5.1 Command not implemented\r\n500 5.5.1 Command unknown\r\n"
	    "252 2.0.0 Cannot verify, but will take mail for it\r\n" OK);
	close(fd);
	count_await("closed_without_quit", 1);
	assert_int_equal(count_of("protocol_errors"), 6);
	assert_int_equal(count_of("bare_lf"), 2);
	sink_stop();
}

static void test_long_command_lines(void **state)
{
	static const size_t lengths[] = { 4094, 4095, 70000 };
	char *line = sq_alloc(70003);
	int fd;

	(void)state;
	sink_start("{}");
	fd = dial_ready();
	for (size_t i = 0; i < sizeof(lengths) / sizeof(*lengths); i++) {
		memset(line, 'x', lengths[i]);
		memcpy(line, "NOOP ", 5);
		memcpy(line + lengths[i], "\r\n", 3);
		say(fd, line);
		hear(fd, i == 0 ? OK : "500 5.5.2 Line too long\r\n");
		ask(fd, "NOOP\r\n", OK);
	}
	free(line);
	ask(fd, "QUIT\r\n", BYE);
	close(fd);
	count_await("quits", 1);
	assert_int_equal(count_of("protocol_errors"), 2);
	sink_stop();
}

/* A text that is larger than any buffer, its dots and ends cut wherever the segments end. */
static void test_large_message(void **state)
{
	enum { LINES = 200000 };
	struct sq_buf text = { 0 };
	int fd;

	(void)state;
	for (int i = 0; i < LINES; i++)
		sq_buf_puts(&text, i % 3 ? "..dotted line\r\n" : "plain\r\n");
	sq_buf_puts(&text, ".\r\n");
	sink_start("{}");
	fd = dial_ready();
	ask(fd, ENVELOPE "DATA\r\n", MAIL_OK RCPT_OK GO);
	for (size_t done = 0; done < text.len;) {
		size_t n = text.len - done < 9973 ? text.len - done : 9973;

		assert_int_equal(send(fd, text.data + done, n, 0), n);
		done += n;
	}
	hear(fd, TAKEN);
	count_await("bytes", (LINES / 3 + 1) * 7 + (LINES - LINES / 3 - 1) * 14);
	ask(fd, "QUIT\r\n", BYE);
	close(fd);
	sq_buf_fini(&text);
	sink_stop();
}

static void test_limits(void **state)
{
	int fd;

	(void)state;
	sink_start("{\"max_recipients\": 2, \"max_messages_per_connection\": 1}");
	fd = dial_ready();
	ask(fd, ENVELOPE "RCPT TO:<e@d.test>\r\nRCPT TO:<f@d.test>\r\nDATA\r\n",
	    MAIL_OK RCPT_OK RCPT_OK "452 4.5.3 Too many recipients\r\n" GO);
	ask(fd, ".\r\n" ENVELOPE, TAKEN "421 4.7.0 Too many messages in this connection\r\n");
	hear_fin(fd);
	close(fd);
	count_await("closed_by_sink", 1);
	assert_int_equal(count_of("messages"), 1);
	assert_int_equal(count_of("recipients"), 2);
	assert_int_equal(count_of("rejected/rcpt:452"), 1);
	assert_int_equal(count_of("rejected/mail:421"), 1);
	sink_stop();
}

static void test_ends(void **state)
{
	int fds[4];

	(void)state;
	sink_start("{}");
	for (int i = 0; i < 4; i++)
		fds[i] = dial_ready();
	ask(fds[0], ENVELOPE "DATA\r\n", MAIL_OK RCPT_OK GO);
	say(fds[0], "cut off\r\n");
	close(fds[0]);       /* in mid-message */
	say(fds[1], "QUIT"); /* no line */
	shutdown(fds[1], SHUT_WR);
	hear_fin(fds[1]);
	close(fds[1]);
	hang_up_by_reset(fds[2]);
	ask(fds[3], "QUIT\r\n", BYE);
	close(fds[3]);
	count_await("open", 0);
	assert_int_equal(count_of("closed_without_quit"), 2);
	assert_int_equal(count_of("resets"), 1);
	assert_int_equal(count_of("quits"), 1);
	assert_int_equal(count_of("messages"), 0);
	sink_stop();
}

static void test_many_sessions(void **state)
{
	enum { SESSIONS = 1500 };
	int *fds = sq_alloc_n(SESSIONS, sizeof(*fds));

	(void)state;
	sink_start("{}");
	for (int i = 0; i < SESSIONS; i++)
		fds[i] = dial_ready();
	assert_int_equal(count_of("open"), SESSIONS);
	for (int i = 0; i < SESSIONS; i++)
		say(fds[i], ENVELOPE "DATA\r\n");
	for (int i = 0; i < SESSIONS; i++) {
		hear(fds[i], MAIL_OK RCPT_OK GO);
		say(fds[i], "text\r\n.\r\nQUIT\r\n");
	}
	for (int i = 0; i < SESSIONS; i++) {
		hear(fds[i], TAKEN BYE);
		close(fds[i]);
	}
	count_await("quits", SESSIONS);
	assert_int_equal(count_of("messages"), SESSIONS);
	assert_int_equal(count_of("peak_open"), SESSIONS);
	free(fds);
	sink_stop();
}

/* Sink and test share a descriptor table here, which makes it easy to fill. */
static void test_out_of_descriptors(void **state)
{
	struct rlimit limit, low;
	int fds[30], fill[400], filled = 0;

	(void)state;
	sink_start("{}");
	getrlimit(RLIMIT_NOFILE, &limit);
	low = (struct rlimit){ .rlim_cur = 300, .rlim_max = limit.rlim_max };
	setrlimit(RLIMIT_NOFILE, &low);
	for (int i = 0; i < 30; i++)
		fds[i] = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	while ((fill[filled] = dup(0)) != -1)
		filled++;
	for (int i = 0; i < 10; i++)
		close(fill[--filled]);
	for (int i = 0; i < 30; i++)
		assert_int_equal(connect(fds[i], (struct sockaddr *)&sink.addr, sizeof(sink.addr)),
				 0);
	sq_sleep_until(sq_now_ns() + 300 * SQ_MS);
	assert_int_equal(count_of("connections"), 10);
	assert_in_range(count_of("accept_errors/EMFILE"), 10, 40);
	while (filled)
		close(fill[--filled]);
	setrlimit(RLIMIT_NOFILE, &limit);
	for (int i = 0; i < 30; i++) {
		hear(fds[i], BANNER);
		close(fds[i]);
	}
	count_await("closed_without_quit", 30);
	sink_stop();
}

static void test_bad_options(void **state)
{
	static const char *const faults[] = { "rcpt:452:10" };
	const struct sq_kind *kind = &sq_sink_smtp.kind;
	struct sq_opt_ctx ctx = { .file = "test" };
	struct sq_err err = { 0 };
	void *conf = sq_alloc(kind->conf_size), *st = sq_alloc(sq_sink_smtp.state_size);

	(void)state;
	assert_int_equal(sq_opt_defaults(&ctx, kind->opts, conf, &err), 0);
	sq_opt_set_text(&ctx, kind->opts, "listen", "127.0.0.1:0", conf, &err);
	sq_opt_set_text(&ctx, kind->opts, "faults", faults[0], conf, &err);
	assert_int_equal(sq_sink_smtp.open(st, conf, &err), -EINVAL);
	assert_non_null(strstr(err.text, "rcpt:452:10"));
	sq_opt_fini(kind->opts, conf);
	assert_int_equal(sq_opt_defaults(&ctx, kind->opts, conf, &err), 0);
	sq_opt_set_text(&ctx, kind->opts, "listen", "127.0.0.1:0", conf, &err);
	sq_opt_set_text(&ctx, kind->opts, "banner", "a\r\n250 b", conf, &err);
	assert_int_equal(sq_sink_smtp.open(st, conf, &err), -EINVAL);
	assert_non_null(strstr(err.text, "banner"));
	sq_opt_fini(kind->opts, conf);
	free(conf);
	free(st);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_teardown(test_octet_by_octet, sink_end),
		cmocka_unit_test_teardown(test_pipelined, sink_end),
		cmocka_unit_test_teardown(test_blasted, sink_end),
		cmocka_unit_test_teardown(test_deaf_client, sink_end),
		cmocka_unit_test_teardown(test_deaf_client_resets, sink_end),
		cmocka_unit_test_teardown(test_bare_lf_and_long_lines, sink_end),
		cmocka_unit_test_teardown(test_sequence_errors, sink_end),
		cmocka_unit_test_teardown(test_long_command_lines, sink_end),
		cmocka_unit_test_teardown(test_large_message, sink_end),
		cmocka_unit_test_teardown(test_limits, sink_end),
		cmocka_unit_test_teardown(test_ends, sink_end),
		cmocka_unit_test_teardown(test_many_sessions, sink_end),
		cmocka_unit_test_teardown(test_out_of_descriptors, sink_end),
		cmocka_unit_test_teardown(test_bad_options, sink_end),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
