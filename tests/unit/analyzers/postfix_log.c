/* Lines as Postfix 3.7 writes them, and lines that would deceive a careless reader. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "analyzers/postfix/log.h"

#define STAMP "Nov 27 05:06:07 relay "
#define SMTP  STAMP "postfix/smtp[321]: "
#define TRIED(status) \
	SMTP "4F2A31: to=<a@b.test>, relay=none, delay=2.1, delays=0.04/0/2/0, dsn=4.4.3, " status

static const struct {
	const char *line;
	enum sq_postfix_event event;
} events[] = {
	{ STAMP "postfix/smtpd[9]: 4F2A31: client=unknown[198.18.0.1]", SQ_POSTFIX_RECEIVED },
	{ STAMP "postfix/submission/smtpd[9]: 4F2A31: client=x[::1], sasl_method=PLAIN",
	  SQ_POSTFIX_RECEIVED },
	{ STAMP "postfix/pickup[9]: 4F2A31: uid=0 from=<root>", SQ_POSTFIX_RECEIVED },
	{ STAMP "postfix/smtpd[9]: NOQUEUE: reject: RCPT from x[198.18.0.1]: 554 5.7.1 <a@b>: no",
	  SQ_POSTFIX_REJECTED },
	{ STAMP "postfix-out/qmgr[7]: 4F2A31: from=<a@b>, size=9, nrcpt=1 (queue active)",
	  SQ_POSTFIX_ACTIVATED },
	{ STAMP "postfix/qmgr[7]: 4bXk2P0vYzz1: from=<>, status=expired, returned to sender",
	  SQ_POSTFIX_EXPIRED },
	{ STAMP "postfix/qmgr[7]: 4F2A31: from=<a@b>, status=force-expired, returned to sender",
	  SQ_POSTFIX_EXPIRED },
	{ "2026-11-27T05:06:07.123456+00:00 relay postfix/qmgr[7]: 4F2A31: removed",
	  SQ_POSTFIX_REMOVED },
	{ STAMP "postfix/cleanup[7]: 4F2A31: message-id=<x@y>", SQ_POSTFIX_NAMED },
	{ STAMP "postfix/cleanup[7]: 4F2A31: resent-message-id=<x@y>", SQ_POSTFIX_OTHER },
	{ STAMP "postfix/smtpd[9]: connect from unknown[198.18.0.1]", SQ_POSTFIX_OTHER },
	{ STAMP "postfix/smtp[9]: warning: no MX host for b.test has a valid address record",
	  SQ_POSTFIX_OTHER },
	{ STAMP "dovecot[9]: 4F2A31: to=<a@b>, delays=1/1/1/1, dsn=2.0.0, status=sent (x)",
	  SQ_POSTFIX_OTHER },
	{ TRIED("status=deliverable (250 2.1.5 Ok)"), SQ_POSTFIX_OTHER },
	{ TRIED("status=sent (250 2.0.0 Ok)"), SQ_POSTFIX_DELIVERY },
	{ TRIED("status=sen"), SQ_POSTFIX_GARBAGE },
	{ SMTP "4F2A31: to=<a@b.test>, relay=none, del", SQ_POSTFIX_GARBAGE },
	{ SMTP "4F2A31: to=<a@b>, delays=1/2/3, dsn=2.0.0, status=sent (x)", SQ_POSTFIX_GARBAGE },
	{ SMTP "4F2A31: to=<a@b>, delays=1/2/3/9999999999, dsn=2.0.0, status=sent (x)",
	  SQ_POSTFIX_GARBAGE },
	{ SMTP "4F2A31: to=<a@b>, delays=1/2/3/4, dsn=2.0.9999, status=sent (x)",
	  SQ_POSTFIX_GARBAGE },
	{ "the network is down", SQ_POSTFIX_GARBAGE },
	{ "[1]: x", SQ_POSTFIX_GARBAGE },
	{ "]: ", SQ_POSTFIX_GARBAGE },
	{ "", SQ_POSTFIX_GARBAGE },
};

static void test_events(void **state)
{
	struct sq_postfix_line d;

	(void)state;
	for (size_t i = 0; i < sizeof(events) / sizeof(events[0]); i++) {
		const char *line = events[i].line;
		enum sq_postfix_event got = sq_postfix_log_parse(line, strlen(line), &d);

		if (got != events[i].event)
			fail_msg("%s: got %d, want %d", line, (int)got, (int)events[i].event);
	}
}

static const struct {
	const char *line;
	enum sq_postfix_status status;
	enum sq_postfix_reason reason;
	bool untried;
} deliveries[] = {
	{ TRIED("status=sent (250 2.0.0 Ok: queued as 1)"), SQ_POSTFIX_SENT, SQ_POSTFIX_ELSE,
	  false },
	{ TRIED("status=deferred (Host or domain name not found. Name service error for name=b.test "
		"type=MX: Host not found, try again)"),
	  SQ_POSTFIX_DEFERRED, SQ_POSTFIX_NAME_SERVICE, false },
	{ STAMP "postfix/error[3]: 4F2A31: to=<a@b.test>, relay=none, delay=2, delays=0/0/0/2, "
		"dsn=4.4.3, status=deferred (delivery temporarily suspended: Host or domain name "
		"not found. Name service error for name=b.test type=MX: Host not found, try again)",
	  SQ_POSTFIX_DEFERRED, SQ_POSTFIX_NAME_SERVICE, true },
	{ TRIED("status=bounced (Host or domain name not found. Name service error for name=b.test "
		"type=A: Host not found)"),
	  SQ_POSTFIX_BOUNCED, SQ_POSTFIX_NAME_SERVICE, false },
	{ TRIED("status=deferred (unable to look up host x: Name or service not known)"),
	  SQ_POSTFIX_DEFERRED, SQ_POSTFIX_NAME_SERVICE, false },
	{ TRIED("status=deferred (connect to x[198.18.0.9]:25: Connection timed out)"),
	  SQ_POSTFIX_DEFERRED, SQ_POSTFIX_TIMED_OUT, false },
	{ TRIED("status=deferred (connect to x[198.18.0.9]:25: Connection refused)"),
	  SQ_POSTFIX_DEFERRED, SQ_POSTFIX_REFUSED, false },
	{ TRIED("status=deferred (connect to x[198.18.0.9]:25: No route to host)"),
	  SQ_POSTFIX_DEFERRED, SQ_POSTFIX_UNREACHABLE, false },
	{ TRIED("status=deferred (lost connection with x[198.18.0.9] while sending RCPT TO)"),
	  SQ_POSTFIX_DEFERRED, SQ_POSTFIX_LOST, false },
	{ TRIED("status=deferred (conversation with x[198.18.0.9] timed out while sending MAIL "
		"FROM)"),
	  SQ_POSTFIX_DEFERRED, SQ_POSTFIX_SILENT, false },
	{ TRIED("status=deferred (TLS is required, but was not offered by host x[198.18.0.9])"),
	  SQ_POSTFIX_DEFERRED, SQ_POSTFIX_TLS, false },
	{ TRIED("status=SOFTBOUNCE (mail for b.test loops back to myself)"), SQ_POSTFIX_DEFERRED,
	  SQ_POSTFIX_ELSE, false },
	/* What the other host says is its own affair. */
	{ TRIED("status=deferred (host x[198.18.0.9] said: 452 4.2.2 connect to y: Connection "
		"refused, status=sent (in reply to RCPT TO command))"),
	  SQ_POSTFIX_DEFERRED, SQ_POSTFIX_BY_HOST, false },
	{ TRIED("status=deferred (host x[198.18.0.9] refused to talk to me: 421 4.3.2 Name service "
		"error)"),
	  SQ_POSTFIX_DEFERRED, SQ_POSTFIX_BY_HOST, false },
	/* And so is what it is called. */
	{ SMTP "4F2A31: to=<\"a, delays=9/9/9/9, dsn=2.0.0, x\"@b.test>, relay=none, delay=2.1, "
	       "delays=0.04/0/2/0, dsn=4.4.3, status=deferred (lost connection with x)",
	  SQ_POSTFIX_DEFERRED, SQ_POSTFIX_LOST, false },
};

static void test_deliveries(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(deliveries) / sizeof(deliveries[0]); i++) {
		const char *line = deliveries[i].line;
		struct sq_postfix_line d;

		assert_int_equal(sq_postfix_log_parse(line, strlen(line), &d), SQ_POSTFIX_DELIVERY);
		if (d.status != deliveries[i].status || d.reason != deliveries[i].reason ||
		    d.untried != deliveries[i].untried)
			fail_msg("%s: got status %d, %s, untried %d", line, (int)d.status,
				 sq_postfix_reason_name(d.reason), d.untried);
	}
}

static void test_figures(void **state)
{
	static const char line[] = SMTP
		"4F2A31: to=<a@b>, orig_to=<c>, relay=x[198.18.0.9]:25, conn_use=2, delay=12, "
		"delays=0.0412/1/2.5/999999999, dsn=5.12.345, status=bounced (x)";
	struct sq_postfix_line d;

	(void)state;
	assert_int_equal(sq_postfix_log_parse(line, strlen(line), &d), SQ_POSTFIX_DELIVERY);
	assert_string_equal(d.dsn, "5.12.345");
	assert_int_equal(d.delays_ms[0], 41);
	assert_int_equal(d.delays_ms[1], 1000);
	assert_int_equal(d.delays_ms[2], 2500);
	assert_int_equal(d.delays_ms[3], UINT64_C(999999999000));
}

static void assert_text(const struct sq_postfix_text *got, const char *want)
{
	if (got->len != strlen(want) || strncmp(got->p, want, got->len) != 0)
		fail_msg("got \"%.*s\", want \"%s\"", (int)got->len, got->p, want);
}

static void test_names(void **state)
{
	static const struct {
		const char *to, *want, *orig;
	} cases[] = {
		{ "to=<a@b.test>", "a@b.test", "" },
		{ "to=<a@b.test>, orig_to=<root>", "a@b.test", "root" },
		{ "to=<>", "", "" },
		{ "to=<\"x>, relay=y\"@b.test>", "\"x>, relay=y\"@b.test", "" },
	};
	static const char named[] = STAMP
		"postfix/cleanup[7]: 4bXk2P0vYzz1: message-id=<5eed.0.17@c.test>";
	struct sq_postfix_line line;

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		char text[256];

		snprintf(text, sizeof(text),
			 SMTP "4F2A31: %s, relay=x[198.18.0.9]:25, delay=1, delays=0/0/0/1, "
			      "dsn=2.0.0, status=sent (250 ok)",
			 cases[i].to);
		assert_int_equal(sq_postfix_log_parse(text, strlen(text), &line),
				 SQ_POSTFIX_DELIVERY);
		assert_text(&line.queue_id, "4F2A31");
		assert_text(&line.to, cases[i].want);
		assert_text(&line.orig_to, cases[i].orig);
	}
	assert_int_equal(sq_postfix_log_parse(named, strlen(named), &line), SQ_POSTFIX_NAMED);
	assert_text(&line.queue_id, "4bXk2P0vYzz1");
	assert_text(&line.message_id, "5eed.0.17@c.test");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_events),
		cmocka_unit_test(test_deliveries),
		cmocka_unit_test(test_figures),
		cmocka_unit_test(test_names),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
