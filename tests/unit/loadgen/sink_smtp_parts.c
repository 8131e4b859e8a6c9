/* The parts of the SMTP sink that are pure functions: its faults' grammar and shares, the scan of a
 * message's text, the command table, the timers.  Whole sessions are in sink_smtp.c and sink_smtp_faults.c. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/clock.h"
#include "base/mem.h"
#include "loadgen/smtp/sink_body.h"
#include "loadgen/smtp/sink_command.h"
#include "loadgen/smtp/sink_fault.h"
#include "loadgen/smtp/sink_timer.h"

static void test_good_faults(void **state)
{
	static const struct {
		const char *text;
		struct sq_smtpd_fault want;
	} cases[] = {
		{ "rcpt:452:10%", { SQ_SMTPD_RCPT, SQ_SMTPD_REPLY, 452, 0, 10000000, 0, 0, "" } },
		{ "body:421", { SQ_SMTPD_BODY, SQ_SMTPD_REPLY, 421, 0, SQ_SMTPD_WHOLE, 0, 0, "" } },
		{ "data:drop:5%", { SQ_SMTPD_DATA, SQ_SMTPD_DROP, 0, 0, 5000000, 0, 0, "" } },
		{ "connect:close:0.000001%",
		  { SQ_SMTPD_CONNECT, SQ_SMTPD_CLOSE, 0, 0, 1, 0, 0, "" } },
		{ "quit:stall:1.37%", { SQ_SMTPD_QUIT, SQ_SMTPD_STALL, 0, 0, 1370000, 0, 0, "" } },
		{ "mail:delay:50ms",
		  { SQ_SMTPD_MAIL, SQ_SMTPD_DELAY, 0, 50 * SQ_MS, SQ_SMTPD_WHOLE, 0, 0, "" } },
		{ "rcpt:garbage",
		  { SQ_SMTPD_RCPT, SQ_SMTPD_GARBAGE, 0, 0, SQ_SMTPD_WHOLE, 0, 0, "" } },
		{ "data:slow:10KiB:5%",
		  { SQ_SMTPD_DATA, SQ_SMTPD_SLOW, 0, 0, 5000000, 0, 10240, "" } },
		{ "rcpt=user1*@*.test:452:10%",
		  { SQ_SMTPD_RCPT, SQ_SMTPD_REPLY, 452, 0, 10000000, 0, 0, "user1*@*.test" } },
		{ "helo:delay:0.5s:100%",
		  { SQ_SMTPD_HELO, SQ_SMTPD_DELAY, 0, 500 * SQ_MS, SQ_SMTPD_WHOLE, 0, 0, "" } },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		struct sq_smtpd_fault got;
		struct sq_err err = { 0 };

		if (sq_smtpd_fault_parse(cases[i].text, &got, &err) < 0)
			fail_msg("%s", err.text);
		if (got.phase != cases[i].want.phase || got.action != cases[i].want.action ||
		    got.code != cases[i].want.code || got.delay_ns != cases[i].want.delay_ns ||
		    got.bytes != cases[i].want.bytes ||
		    strcmp(got.pattern, cases[i].want.pattern) != 0 ||
		    got.share != cases[i].want.share || got.credit != 0)
			fail_msg("%s: read as phase %d action %d code %d share %lld", cases[i].text,
				 (int)got.phase, (int)got.action, got.code, (long long)got.share);
	}
}

static void test_bad_faults(void **state)
{
	static const struct {
		const char *text, *complaint;
	} cases[] = {
		{ "rctp:452", "did you mean \"rcpt\"?" },
		{ "RCPT:452", "known are connect, banner, helo" },
		{ "", "no phase \"\"" },
		{ "rcpt", "no action" },
		{ "rcpt:", "no action" },
		{ "rcpt:dorp", "did you mean \"drop\"?" },
		{ "rcpt:CODE", "known are drop, close" },
		{ "rcpt:399", "from 400 to 599" },
		{ "rcpt:600", "from 400 to 599" },
		{ "rcpt:0452", "from 400 to 599" },
		{ "rcpt:45", "from 400 to 599" },
		{ "rcpt:452:10", "up to 100%" },
		{ "rcpt:452:%", "up to 100%" },
		{ "rcpt:452:0%", "up to 100%" },
		{ "rcpt:452:-1%", "up to 100%" },
		{ "rcpt:452:100.1%", "up to 100%" },
		{ "rcpt:452:1000%", "up to 100%" },
		{ "rcpt:452:1.%", "up to 100%" },
		{ "rcpt:452:0.0000001%", "up to 100%" },
		{ "rcpt:452:1%x", "up to 100%" },
		{ "rcpt:452:1%:", "more behind" },
		{ "mail:delay", "duration" },
		{ "mail:delay:10%", "duration" },
		{ "mail:delay:0s", "duration" },
		{ "mail:slow:1KiB", "data:slow:SIZE" },
		{ "data:slow", "octets a second" },
		{ "data:slow:0", "octets a second" },
		{ "mail=a*:452", "rcpt=PATTERN" },
		{ "rcpt=:452", "a pattern" },
		{ "rcpt=a*", "no action" },
		{ "connect:421", "drop or close" },
		{ "connect:delay:1s", "drop or close" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		struct sq_smtpd_fault got;
		struct sq_err err = { 0 };
		int rc = sq_smtpd_fault_parse(cases[i].text, &got, &err);

		if (rc != -EINVAL || !strstr(err.text, cases[i].complaint))
			fail_msg("%s: got %d \"%s\", want %s", cases[i].text, rc, err.text,
				 cases[i].complaint);
	}
}

static void faults_of(struct sq_smtpd_faults *faults, int n, const char *const *texts)
{
	struct sq_strings strings = { .v = (char **)texts, .n = (size_t)n };
	struct sq_err err = { 0 };

	*faults = (struct sq_smtpd_faults){ 0 };
	if (sq_smtpd_faults_init(faults, &strings, &err) < 0)
		fail_msg("%s", err.text);
}

/* After every n the count is within one of n * share, and at 10,000 exactly that. */
static void test_shares_are_exact(void **state)
{
	static const char *const sets[][3] = {
		{ "rcpt:452:1.37%" },
		{ "rcpt:452:10%", "rcpt:550:1.37%" },
		{ "rcpt:452:50%", "rcpt:drop:50%" },
		{ "rcpt:452:33.33%", "rcpt:stall:33.34%", "rcpt:close:33.33%" },
		{ "rcpt:452:99.99%" },
		{ "rcpt:421" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(sets) / sizeof(*sets); i++) {
		int n = 1 + (sets[i][1] != NULL) + (sets[i][2] != NULL);
		struct sq_smtpd_faults faults;
		struct sq_smtpd_draw *draw = &faults.of[SQ_SMTPD_RCPT].fate;
		int64_t got[3] = { 0 };

		faults_of(&faults, n, sets[i]);
		for (int64_t turn = 1; turn <= 10000; turn++) {
			const struct sq_smtpd_fault *f = sq_smtpd_draw(draw);

			if (f)
				got[f - draw->v]++;
			for (int k = 0; k < n; k++) {
				int64_t off = got[k] * SQ_SMTPD_WHOLE - turn * draw->v[k].share;

				assert_in_range(off + SQ_SMTPD_WHOLE, 0, 2 * SQ_SMTPD_WHOLE);
				assert_true(turn < 10000 || off == 0);
			}
		}
		assert_null(sq_smtpd_draw(&faults.of[SQ_SMTPD_MAIL].fate));
		assert_null(sq_smtpd_draw(&faults.of[SQ_SMTPD_RCPT].delay));
		sq_smtpd_faults_fini(&faults);
	}
}

static void test_shares_beyond_all(void **state)
{
	static const char *const texts[] = { "rcpt:452:60%", "mail:452:60%", "rcpt:delay:1s",
					     "rcpt:drop:40.000001%" };
	struct sq_strings strings = { .v = (char **)texts, .n = 4 };
	struct sq_smtpd_faults faults = { 0 };
	struct sq_err err = { 0 };

	(void)state;
	assert_int_equal(sq_smtpd_faults_init(&faults, &strings, &err), -EINVAL);
	assert_non_null(strstr(err.text, "rcpt:drop:40.000001%"));
	assert_non_null(strstr(err.text, "more than 100 %"));
}

/* A "|" in text marks where the message ends. */
static const struct {
	const char *text;
	int bytes, bare_lf;
} bodies[] = {
	{ ".\r\n|QUIT\r\n", 0, 0 },
	{ "\r\n.\r\n|", 2, 0 },
	{ "a\r\n.\r\n|", 3, 0 },
	{ "a\r\n..\r\n.\r\n|", 6, 0 },
	{ "a\r\n...\r\n.b\r\n.\r\n|.", 10, 0 },
	{ "a\n.\n.\r\n\r\n.\r\n|", 9, 2 },
	{ "a\r\n.\nb\r\n.\r\n|", 7, 1 },
	{ "a\n.\r\nb\r\n.\r\n|", 8, 1 },
	{ "a\r.\r\n\r\n.\r\n|", 7, 0 },
	{ "a\r\n.\rb\r\n.\r\n|", 7, 0 },
	{ "a\r\n.\r\r\n.\r\n|", 6, 0 },
	{ "a\r\r\n.\r\n|", 4, 0 },
	{ "\n.\r\n\r\n.\r\n|", 6, 1 },
	{ "no end\r\n.", 8, 0 },
	{ "no end\r\n.\r", 8, 0 },
	{ "no end\r\n..\r\n", 11, 0 },
};

static void body_check(size_t i, size_t cut, size_t step)
{
	const char *mark = strchr(bodies[i].text, '|');
	size_t len = strlen(bodies[i].text), want = mark ? (size_t)(mark - bodies[i].text) : len;
	struct sq_smtpd_body body = { 0 };
	char text[64];
	size_t done = 0;
	bool end = false;

	memcpy(text, bodies[i].text, want);
	if (mark) {
		memcpy(text + want, mark + 1, len - want);
		len--;
	}
	while (done < len && !end) {
		size_t n = done < cut && cut < len ? cut - done : len - done;

		if (step && n > step)
			n = step;
		done += sq_smtpd_body_scan(&body, text + done, n, &end);
	}
	if (end != (mark != NULL) || done != want || body.bytes != bodies[i].bytes ||
	    body.bare_lf != bodies[i].bare_lf)
		fail_msg("body %zu cut at %zu: end %d at %zu, %lld bytes, %lld bare LF", i, cut,
			 end, done, (long long)body.bytes, (long long)body.bare_lf);
}

static void test_body(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(bodies) / sizeof(*bodies); i++) {
		for (size_t cut = 0; cut < strlen(bodies[i].text); cut++)
			body_check(i, cut, 0);
		body_check(i, 0, 1);
	}
}

static void test_long_text_lines(void **state)
{
	static const int lengths[] = { 998, 999, 0, 5000 };
	struct sq_smtpd_body body = { 0 };
	char line[8192];
	bool end;

	(void)state;
	memset(line, 'x', sizeof(line));
	for (size_t i = 0; i < sizeof(lengths) / sizeof(*lengths); i++) {
		size_t len = (size_t)lengths[i];

		assert_int_equal(sq_smtpd_body_scan(&body, line, len, &end), len);
		assert_int_equal(sq_smtpd_body_scan(&body, "\r", 1, &end), 1);
		assert_int_equal(sq_smtpd_body_scan(&body, "\n", 1, &end), 1);
	}
	assert_int_equal(body.long_lines, 2);
	assert_int_equal(body.bytes, 998 + 999 + 5000 + 8);
}

static void test_commands(void **state)
{
	static const struct {
		const char *line;
		enum sq_smtpd_state state;
		const char *reply; /* its start; NULL: obeyed */
	} cases[] = {
		{ "EHLO a.test", SQ_SMTPD_START, NULL },
		{ "ehlo [127.0.0.1]  ", SQ_SMTPD_RCPTS, NULL },
		{ "EHLO", SQ_SMTPD_START, "501 5.5.4" },
		{ "HELO ", SQ_SMTPD_START, "501 5.5.4" },
		{ "MAIL FROM:<>", SQ_SMTPD_READY, NULL },
		{ "mail from:<a@b.test> size=1000 BODY=8bitMIME SMTPUTF8", SQ_SMTPD_READY, NULL },
		{ "MAIL FROM: <a@b.test>", SQ_SMTPD_READY, NULL },
		{ "MAIL FROM:<\"a b>\\\"\"@b.test>", SQ_SMTPD_READY, NULL },
		{ "MAIL FROM:<@x,@y:a@b.test>", SQ_SMTPD_READY, NULL },
		{ "MAIL FROM:<a@b.test>", SQ_SMTPD_START, "503 5.5.1" },
		{ "MAIL FROM:<a@b.test>", SQ_SMTPD_SENDER, "503 5.5.1" },
		{ "MAIL", SQ_SMTPD_READY, "501 5.5.4" },
		{ "MAIL TO:<a@b.test>", SQ_SMTPD_READY, "501 5.5.4" },
		{ "MAIL FROM <a@b.test>", SQ_SMTPD_READY, "501 5.5.4" },
		{ "MAIL FROM:a@b.test", SQ_SMTPD_READY, "501 5.1.7" },
		{ "MAIL FROM:<a@b.test", SQ_SMTPD_READY, "501 5.1.7" },
		{ "MAIL FROM:<a b@b.test>", SQ_SMTPD_READY, "501 5.1.7" },
		{ "MAIL FROM:<\"a", SQ_SMTPD_READY, "501 5.1.7" },
		{ "MAIL FROM:<\"a\\", SQ_SMTPD_READY, "501 5.1.7" },
		{ "MAIL FROM:<a@b.test>SIZE=1", SQ_SMTPD_READY, "501 5.1.7" },
		{ "MAIL FROM:<a@b.test> SIZE=", SQ_SMTPD_READY, "501 5.5.4" },
		{ "MAIL FROM:<a@b.test> SIZE=1k", SQ_SMTPD_READY, "501 5.5.4" },
		{ "MAIL FROM:<a@b.test> BODY=BINARYMIME", SQ_SMTPD_READY, "501 5.5.4" },
		{ "MAIL FROM:<a@b.test> RET=HDRS", SQ_SMTPD_READY, "555 5.5.4" },
		{ "RCPT TO:<a@b.test>", SQ_SMTPD_SENDER, NULL },
		{ "RCPT TO:<a@b.test>", SQ_SMTPD_RCPTS, NULL },
		{ "RCPT TO:<a@b.test>", SQ_SMTPD_READY, "503 5.5.1" },
		{ "RCPT TO:<>", SQ_SMTPD_SENDER, "501 5.1.3" },
		{ "RCPT TO:<a@b.test> NOTIFY=NEVER", SQ_SMTPD_SENDER, "555 5.5.4" },
		{ "DATA", SQ_SMTPD_RCPTS, NULL },
		{ "DATA now", SQ_SMTPD_RCPTS, "501 5.5.4" },
		{ "DATA", SQ_SMTPD_READY, "503 5.5.1" },
		{ "RSET", SQ_SMTPD_START, NULL },
		{ "NOOP whatever", SQ_SMTPD_START, NULL },
		{ "VRFY postmaster", SQ_SMTPD_SENDER, NULL },
		{ "VRFY", SQ_SMTPD_SENDER, "501 5.5.4" },
		{ "QUIT", SQ_SMTPD_START, NULL },
		{ "QUIT", SQ_SMTPD_REFUSED, NULL },
		{ "EHLO a.test", SQ_SMTPD_REFUSED, "503 5.5.1" },
		{ "BDAT 10", SQ_SMTPD_RCPTS, "502 5.5.1" },
		{ "STARTTLS", SQ_SMTPD_READY, NULL },
		{ "STARTTLS", SQ_SMTPD_SENDER, "503 5.5.1" },
		{ "STARTTLS now", SQ_SMTPD_READY, "501 5.5.4" },
		{ "AUTH PLAIN", SQ_SMTPD_READY, NULL },
		{ "AUTH", SQ_SMTPD_READY, "501 5.5.4" },
		{ "LHLO a.test", SQ_SMTPD_START, NULL },
		{ "QUITE", SQ_SMTPD_READY, "500 5.5.1" },
		{ "", SQ_SMTPD_READY, "500 5.5.1" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		/* Without its NUL, so that reading beyond the line is seen. */
		size_t len = strlen(cases[i].line);
		char *line = memcpy(sq_alloc(len + 1), cases[i].line, len);
		struct sq_smtpd_command command;
		const char *got;

		line = sq_realloc_n(line, len ? len : 1, 1);
		got = sq_smtpd_command_parse(line, len, cases[i].state, &command);
		free(line);
		if (!got != !cases[i].reply ||
		    (got && strncmp(got, cases[i].reply, strlen(cases[i].reply)) != 0))
			fail_msg("%s: got %s, want %s", cases[i].line, got ? got : "obeyed",
				 cases[i].reply ? cases[i].reply : "obeyed");
	}
}

static void test_timers(void **state)
{
	struct sq_smtpd_timers timers = { 0 };
	struct sq_smtpd_timer all[500] = { 0 }, *t;
	uint64_t seed = 1;
	int64_t last = -1;
	int set = 0;

	(void)state;
	assert_int_equal(sq_smtpd_timers_next(&timers), SQ_NEVER);
	for (int i = 0; i < 5000; i++) {
		seed = seed * 6364136223846793005U + 1442695040888963407U;
		t = &all[(seed >> 33) % 500];
		if ((seed >> 60) < 4)
			sq_smtpd_timer_clear(&timers, t);
		else
			sq_smtpd_timer_set(&timers, t, (int64_t)(seed >> 44));
	}
	for (int i = 0; i < 500; i++)
		set += all[i].place != 0;
	assert_int_equal(timers.n, set);
	for (; (t = sq_smtpd_timers_take(&timers, SQ_NEVER - 1)); set--) {
		assert_true(t->due_ns >= last);
		assert_int_equal(t->place, 0);
		last = t->due_ns;
	}
	assert_int_equal(set, 0);
	sq_smtpd_timer_set(&timers, &all[0], 100);
	assert_null(sq_smtpd_timers_take(&timers, 99));
	assert_ptr_equal(sq_smtpd_timers_take(&timers, 100), &all[0]);
	sq_smtpd_timers_fini(&timers);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_good_faults),
		cmocka_unit_test(test_bad_faults),
		cmocka_unit_test(test_shares_are_exact),
		cmocka_unit_test(test_shares_beyond_all),
		cmocka_unit_test(test_body),
		cmocka_unit_test(test_long_text_lines),
		cmocka_unit_test(test_commands),
		cmocka_unit_test(test_timers),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
