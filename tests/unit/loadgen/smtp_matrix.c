/* The smtp driver before servers that fail: each fault, in each phase, with and without PIPELINING,
 * fails one message by its true name and no other, the run goes on, and what was accepted is the
 * same number on both sides. */
#include "tests/unit/loadgen/smtp_bench.h"

struct fault {
	const char *say, *code;
	bool refusal; /* an orderly one: the session goes on, or says QUIT */
};

static const struct fault faults[] = {
	{ SAY_FIN, "eof", false },
	{ SAY_RST, "ECONNRESET", false },
	{ SAY_STALL, "timeout", false },
	{ "421 4.3.2 Going down\r\n", "421", false },
	{ "451-4.3.0 Not\r\n451 now\r\n", "451", true },
	{ "550 5.7.1 No\r\n", "550", true },
	{ "Hello there\r\n", "bad-reply", false },
	{ "654 x\r\n", "bad-reply", false },
	{ "450-one\r\n451 two\r\n", "bad-reply", false },
	{ SAY_PART, "timeout", false },
	{ SAY_FLOOD, "bad-reply", false },
};

static const char *const places[] = { "banner", "helo", "mail", "rcpt", "data", "body" };

/* The one that a child process of this test plays. */
static const char *fault_say;
static int fault_place;

static const char *fail_first(struct smtpd *d, struct smtpd_conn *c, int place, int nth,
			      const char *line)
{
	(void)nth;
	/* The message, not EHLO and HELO each. */
	if (place != fault_place || c->n % 3 != 1 || c->mails > 0 || c->failed)
		return NULL;
	if (place == AT_HELO && line[0] == 'E' && fault_say[0] == '5')
		return fault_say;
	d->seen->faults++;
	c->failed = true;
	return fault_say;
}

static int64_t failures(const struct smtp_bench *s, const struct fault *f, int place)
{
	char key[64];
	int64_t n;

	snprintf(key, sizeof(key), "%s@%s", f->code, places[place]);
	n = smtp_n(s, key);
	/* A reset that meets the end of the handshake. */
	if (place == AT_BANNER && strcmp(f->code, "ECONNRESET") == 0)
		n += smtp_n(s, "ECONNRESET@connect");
	/* Written before it was read. */
	if (strcmp(f->code, "ECONNRESET") == 0) {
		snprintf(key, sizeof(key), "EPIPE@%s", places[place]);
		n += smtp_n(s, key);
	}
	return n;
}

static void play(const struct fault *f, int place, bool pipelining)
{
	struct smtpd d = { .answer = fail_first, .pipelining = pipelining };
	bool stall = strcmp(f->code, "timeout") == 0;
	struct smtp_bench s;
	int64_t n;

	fault_say = f->say;
	fault_place = place;
	smtpd_start(&d);
	assert_int_equal(smtp_bench_init(&s, &d,
					 stall ? "{\"messages_per_connection\": 3,"
						 " \"connections\": 5}"
					       : "{\"messages_per_connection\": 3,"
						 " \"connections\": 2}"),
			 0);
	smtp_closed(&s, 30, 4);
	s.b.spec.timeout_ns = stall ? 150 * SQ_MS : 5 * SQ_SEC;
	printf("%s: %.*s%s\n", places[place], (int)strcspn(f->say, "\r"), f->say,
	       pipelining ? ", PIPELINING" : "");
	smtp_run_done(&s);
	smtpd_stop(&d);
	n = failures(&s, f, place);
	assert_true(d.seen->faults > 0);
	assert_int_equal(n, d.seen->faults);
	assert_int_equal(smtp_n(&s, "ok@") + n, 30);
	assert_int_equal(d.seen->accepted, smtp_n(&s, "ok@"));
	assert_true(s.b.took_ns < 3 * SQ_SEC);
	assert_true(s.b.cpu_s < 0.5);
	if (f->refusal)
		assert_int_equal(d.seen->quits, d.seen->connections);
	else
		assert_int_equal(d.seen->quits, d.seen->connections - d.seen->faults);
	if (stall)
		assert_int_equal(d.seen->resets, d.seen->faults);
	smtp_bench_fini(&s);
}

static void every_fault_in_every_phase(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(faults) / sizeof(*faults); i++)
		for (int place = AT_BANNER; place <= AT_BODY; place++)
			for (int pipelining = 0; pipelining < 2; pipelining++)
				play(&faults[i], place, pipelining);
}

/* A success of the wrong kind. */
static void wrong_success(void **state)
{
	const struct fault ok = { "250 Ok\r\n", "bad-reply", false },
			   more = { "354 Go on\r\n", "bad-reply", false };

	(void)state;
	for (int place = AT_BANNER; place <= AT_BODY; place++)
		play(place == AT_DATA ? &ok : &more, place, false);
	play(&ok, AT_DATA, true);
	play(&more, AT_BODY, true);
}

/* An answer in pieces is one all the same. */
static void slow_answers(void **state)
{
	(void)state;
	fault_say = SAY_SLOW;
	for (int i = 0; i < 2 * (AT_BODY + 1); i++) {
		struct smtpd d = { .answer = fail_first, .pipelining = i % 2 };
		struct smtp_bench s;

		fault_place = i / 2;
		smtp_meet(&s, &d,
			  "{\"messages_per_connection\": 3,"
			  " \"connections\": 2}",
			  12, 4);
		assert_true(d.seen->faults > 0);
		assert_int_equal(smtp_n(&s, "ok@"), 12);
		assert_int_equal(d.seen->accepted, 12);
		assert_int_equal(d.seen->quits, d.seen->connections);
		assert_true(s.b.took_ns > 50 * SQ_MS && s.b.took_ns < 5 * SQ_SEC);
		smtp_bench_fini(&s);
	}
}

static const char *at_quit(struct smtpd *d, struct smtpd_conn *c, int place, int nth,
			   const char *line)
{
	(void)d;
	(void)c;
	(void)nth;
	(void)line;
	return place == AT_QUIT ? fault_say : NULL;
}

/* Whatever is said to QUIT, all was accepted before it. */
static void no_fault_of_quit_is_a_message_s(void **state)
{
	(void)state;
	for (size_t i = 0; i < 2 * sizeof(faults) / sizeof(*faults); i++) {
		struct smtpd d = { .answer = at_quit, .pipelining = i % 2 };
		struct smtp_bench s;

		fault_say = faults[i / 2].say;
		smtpd_start(&d);
		assert_int_equal(smtp_bench_init(&s, &d,
						 "{\"messages_per_connection\": 3,"
						 " \"connections\": 12}"),
				 0);
		smtp_closed(&s, 30, 4);
		s.b.spec.timeout_ns = SQ_SEC;
		smtp_run_done(&s);
		smtpd_stop(&d);
		assert_int_equal(smtp_n(&s, "ok@"), 30);
		assert_int_equal(d.seen->accepted, 30);
		assert_int_equal(d.seen->quits, d.seen->connections);
		assert_true(s.b.took_ns < 3 * SQ_SEC);
		assert_true(s.b.cpu_s < 0.5);
		smtp_bench_fini(&s);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_fault_in_every_phase),
		cmocka_unit_test(wrong_success),
		cmocka_unit_test(slow_answers),
		cmocka_unit_test(no_fault_of_quit_is_a_message_s),
	};

	net_enter();
	return cmocka_run_group_tests(tests, NULL, NULL);
}
