/* The SMTP sink's receipts: of which messages, of which recipients, and what it says of their text. */
#include <stdbool.h>

#include "results/receipt.h"
#include "smtp_sink.h"

static char path[64];

struct seen {
	uint64_t number;
	enum sq_receipt_text text;
	size_t recipients;
	uint32_t first;
	int64_t sent_ns, arrived_ns;
};

static struct seen seen[16];
static size_t n_seen;

static void see(const struct sq_receipt *r, void *arg)
{
	(void)arg;
	assert_in_range(n_seen, 0, 15);
	assert_int_equal(r->name.id, 0x5eed);
	assert_int_equal(r->name.lane, 3);
	seen[n_seen++] = (struct seen){ r->name.number,   r->text,    r->n_recipients,
					r->recipients[0], r->sent_ns, r->arrived_ns };
}

static void start(const char *faults)
{
	char options[256];

	snprintf(path, sizeof(path), "/tmp/sq-sink-receipts-%ld", (long)getpid());
	unlink(path);
	snprintf(options, sizeof(options), "{\"record\": \"%s\", \"faults\": [%s]}", path, faults);
	sink_start(options);
}

/* Stops the sink and reads what it left, which must be whole. */
static void stop_and_read(size_t want)
{
	struct sq_receipts_file file;
	struct sq_err err = { 0 };

	sink_stop();
	n_seen = 0;
	if (sq_receipts_read(path, see, NULL, &file, &err) < 0)
		fail_msg("%s", err.text);
	unlink(path);
	assert_true(file.whole);
	assert_int_equal(n_seen, want);
}

/* FNV-1a of its 64 bits, as a generator has it. */
static uint64_t digest(const char *text)
{
	uint64_t h = UINT64_C(0xcbf29ce484222325);

	for (; *text; text++)
		h = (h ^ (unsigned char)*text) * UINT64_C(0x100000001b3);
	return h;
}

/* A message as it goes over the wire; body: as it was before dots were stuffed. */
static char *message(int number, const char *body, const char *wire)
{
	return sq_printf_dup("Received: from a relay\r\n\tby another\r\nX-Squall-Id: "
			     "000000000000%04x.3.%d\r\nX-Squall-Sent: 1764234304.000000123\r\n"
			     "X-Squall-Digest: %016llx %zu\r\nSubject: x\r\n\r\n%s.\r\n",
			     0x5eed, number, (unsigned long long)digest(body), strlen(body), wire);
}

static void deliver(int fd, int number, const char *body, const char *wire, bool in_pieces)
{
	char *text = message(number, body, wire);

	ask(fd, ENVELOPE "DATA\r\n", MAIL_OK RCPT_OK GO);
	for (const char *c = text; *c && in_pieces; c++) {
		assert_int_equal(send(fd, c, 1, MSG_NOSIGNAL), 1);
		sq_sleep_until(sq_now_ns() + 20 * SQ_US);
	}
	if (!in_pieces)
		say(fd, text);
	free(text);
}

static void test_texts(void **state)
{
	static const struct {
		const char *body, *wire;
		enum sq_receipt_text want;
	} cases[] = {
		{ "hello\r\n", "hello\r\n", SQ_RECEIPT_SOUND },
		{ "", "", SQ_RECEIPT_SOUND },
		{ ".\r\n.a\r\n", "..\r\n..a\r\n", SQ_RECEIPT_SOUND },
		{ "\r\n\r\n", "\r\n\r\n", SQ_RECEIPT_SOUND },
		{ "hello\r\n", "hellO\r\n", SQ_RECEIPT_CORRUPT },
		{ "hello\r\n", "hello\r\n\r\n", SQ_RECEIPT_CORRUPT },
		{ "hello\r\n", "", SQ_RECEIPT_CORRUPT },
	};
	const size_t n = sizeof(cases) / sizeof(*cases);
	int fd;

	(void)state;
	start("");
	fd = dial_ready();
	for (size_t i = 0; i < 2 * n; i++) {
		deliver(fd, (int)i, cases[i / 2].body, cases[i / 2].wire, i % 2);
		hear(fd, TAKEN);
	}
	ask(fd, "QUIT\r\n", BYE);
	close(fd);
	count_await("quits", 1);
	assert_int_equal(count_of("receipts"), 2 * n);
	assert_int_equal(count_of("corrupt"), 6);
	stop_and_read(2 * n);
	for (size_t i = 0; i < 2 * n; i++) {
		assert_int_equal(seen[i].number, i);
		assert_int_equal(seen[i].text, cases[i / 2].want);
		assert_int_equal(seen[i].sent_ns, 1764234304000000123);
		assert_in_range(sq_wall_ns() - seen[i].arrived_ns, 0, 60 * SQ_SEC);
		assert_int_equal(seen[i].first, sq_receipt_recipient("c@d.test", 8));
	}
}

/* Other people's messages, and a bounce that has a marked message in its body. */
static void test_unmarked(void **state)
{
	int fd;

	(void)state;
	start("");
	fd = dial_ready();
	ask(fd, ENVELOPE "DATA\r\n", MAIL_OK RCPT_OK GO);
	ask(fd, "Subject: x\r\n\r\nX-Squall-Id: 5eed.3.1\r\n.\r\n", TAKEN);
	ask(fd, ENVELOPE "DATA\r\n", MAIL_OK RCPT_OK GO);
	ask(fd, "X-Squall-Id: 5eed.3.1 or so\r\n\r\n.\r\n", TAKEN);
	ask(fd, ENVELOPE "DATA\r\n", MAIL_OK RCPT_OK GO);
	ask(fd, "X-Squall-Id: 5eed.3.1\r\n\r\nnobody promised a digest\r\n.\r\n", TAKEN);
	ask(fd, "QUIT\r\n", BYE);
	close(fd);
	count_await("quits", 1);
	assert_int_equal(count_of("unmarked"), 2);
	stop_and_read(1);
	assert_int_equal(seen[0].text, SQ_RECEIPT_UNCHECKED);
	assert_int_equal(seen[0].sent_ns, -1);
}

/* Of the accepted recipients only; none of a message that was refused. */
static void test_accepted_only(void **state)
{
	int fd;

	(void)state;
	start("\"rcpt:452:50%\", \"body:451:50%\"");
	fd = dial_ready();
	ask(fd, "MAIL FROM:<>\r\nRCPT TO:<a@d.test>\r\nRCPT TO:<b@d.test>\r\nDATA\r\n",
	    MAIL_OK RCPT_OK "452 4.0.0 Programmed fault\r\n" GO);
	ask(fd, "X-Squall-Id: 5eed.3.1\r\n\r\n.\r\n", TAKEN);
	ask(fd,
	    "MAIL FROM:<>\r\nRCPT TO:<a@d.test>\r\nRCPT TO:<b@d.test>\r\n"
	    "RCPT TO:<e@d.test>\r\nDATA\r\n",
	    MAIL_OK RCPT_OK "452 4.0.0 Programmed fault\r\n" RCPT_OK GO);
	ask(fd, "X-Squall-Id: 5eed.3.2\r\n\r\n.\r\n", "451 4.0.0 Programmed fault\r\n");
	ask(fd, "QUIT\r\n", BYE);
	close(fd);
	count_await("quits", 1);
	stop_and_read(1);
	assert_int_equal(seen[0].number, 1);
	assert_int_equal(seen[0].recipients, 1);
	assert_int_equal(seen[0].first, sq_receipt_recipient("a@d.test", 8));
}

/* Taken, and its sender is not told: he will send it again, and there is a receipt of each. */
static void test_taken_unanswered(void **state)
{
	static const char *const faults[] = { "\"body:drop\"", "\"body:close\"" };

	(void)state;
	for (size_t i = 0; i < sizeof(faults) / sizeof(*faults); i++) {
		char byte;
		int fd;

		start(faults[i]);
		fd = dial_ready();
		deliver(fd, 7, "x\r\n", "x\r\n", false);
		assert_true(recv(fd, &byte, 1, 0) <= 0);
		close(fd);
		count_await("closed_by_sink", 1);
		assert_int_equal(count_of("messages"), 0);
		stop_and_read(1);
		assert_int_equal(seen[0].number, 7);
		assert_int_equal(seen[0].text, SQ_RECEIPT_SOUND);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_teardown(test_texts, sink_end),
		cmocka_unit_test_teardown(test_unmarked, sink_end),
		cmocka_unit_test_teardown(test_accepted_only, sink_end),
		cmocka_unit_test_teardown(test_taken_unanswered, sink_end),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
