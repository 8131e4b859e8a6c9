/* SMTP replies: in any pieces the same, and what is none is told. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "loadgen/smtp/reply.h"

struct good {
	const char *text;
	unsigned codes[4]; /* 0 ends */
	bool pipelining;
};

static const struct good goods[] = {
	{ "220 mail.test ESMTP\r\n", { 220 }, false },
	{ "250\r\n", { 250 }, false },
	{ "250\n", { 250 }, false },
	{ "250 \r\n", { 250 }, false },
	{ "221 bye\n", { 221 }, false },
	{ "250-mail.test\r\n250-PIPELINING\r\n250-SIZE 1000\r\n250 8BITMIME\r\n", { 250 }, true },
	{ "250-mail.test\r\n250 pipelining\r\n", { 250 }, true },
	{ "250-mail.test\r\n250-PIPELINING \r\n250 X\r\n", { 250 }, true },
	{ "250-mail.test\r\n250 PIPELINING\r\n250 again\r\n", { 250, 250 }, true },
	{ "250-PIPELININGS\r\n250 XPIPELINING\r\n", { 250 }, false },
	{ "250-PIPE LINING\r\n250 PIPELININ\r\n", { 250 }, false },
	{ "250 2.1.0 Ok\r\n250 2.1.5 Ok\r\n354 Go\r\n", { 250, 250, 354 }, false },
	{ "421-too\r\n421-many\r\n421 of you\r\n", { 421 }, false },
	{ "250-\r\n250 \r\n", { 250 }, false },
	{ "250-\n250\n", { 250 }, false },
	{ "599 x\r\n", { 599 }, false },
	{ "200 x\r\n", { 200 }, false },
};

/* The codes read, in order; piece by piece.  -1 after what is garbled, and how many codes. */
static int parse_all(const char *text, size_t len, size_t piece, unsigned *codes, bool *pipelining)
{
	struct sq_smtp_reply r = { 0 };
	int n = 0;

	*pipelining = false;
	for (size_t at = 0; at < len; at += piece) {
		const char *p = text + at, *end = text + (len - at < piece ? len : at + piece);

		while (p < end) {
			switch (sq_smtp_reply_parse(&r, &p, end)) {
			case SQ_SMTP_GARBLED:
				return -1;
			case SQ_SMTP_REPLY:
				assert_true(n < 3);
				codes[n++] = r.code;
				*pipelining |= (r.extensions & SQ_SMTP_EXT_PIPELINING) != 0;
				break;
			case SQ_SMTP_MORE:
				assert_ptr_equal(p, end);
			}
		}
	}
	return n;
}

static void good_ones(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(goods) / sizeof(*goods); i++)
		for (size_t piece = 1; piece <= strlen(goods[i].text); piece++) {
			const struct good *g = &goods[i];
			unsigned codes[4] = { 0 };
			bool pipelining;
			int n = parse_all(g->text, strlen(g->text), piece, codes, &pipelining);

			if (n < 0 || memcmp(codes, g->codes, sizeof(codes)) != 0 ||
			    pipelining != g->pipelining)
				fail_msg("%s in pieces of %zu: %d replies, %u %u", g->text, piece,
					 n, codes[0], codes[1]);
		}
}

static void bad_ones(void **state)
{
	static const char *const bads[] = {
		"\r\n",
		"Hello\r\n",
		"25\r\n",
		"2500 x\r\n",
		"250x\r\n",
		"199 x\r\n",
		"600 x\r\n",
		"-250 x\r\n",
		" 250\r\n",
		"250\rx\r\n",
		"250-a\r\n251 b\r\n",
		"250-a\r\nb\r\n",
		"HTTP/1.1 400 Bad Request\r\n",
		"SSH-2.0-x\r\n",
		"999 x\r\n",
	};

	(void)state;
	for (size_t i = 0; i < sizeof(bads) / sizeof(*bads); i++)
		for (size_t piece = 1; piece < 4; piece++) {
			unsigned codes[4];
			bool pipelining;

			if (parse_all(bads[i], strlen(bads[i]), piece, codes, &pipelining) != -1)
				fail_msg("%s was taken", bads[i]);
		}
}

/* A server that never ends its line, or its reply, is none. */
static void endless_ones(void **state)
{
	static char line[20000], reply[80000];
	unsigned codes[4];
	bool pipelining;

	(void)state;
	memset(line, 'x', sizeof(line));
	memcpy(line, "250 ", 4);
	for (size_t i = 0; i < sizeof(reply); i++)
		reply[i] = "250-x\r\n"[i % 7];
	for (size_t piece = 1; piece <= 10000; piece *= 10) {
		assert_int_equal(parse_all(line, sizeof(line), piece, codes, &pipelining), -1);
		assert_int_equal(parse_all(reply, sizeof(reply), piece, codes, &pipelining), -1);
	}
	assert_int_equal(parse_all(line, 1000, 7, codes, &pipelining), 0);
	assert_int_equal(parse_all(reply, 7000, 7, codes, &pipelining), 0);
}

/* The first enhanced status of a refusal, however it is cut, and of nothing else. */
static void statuses(void **state)
{
	static const struct {
		const char *text, *status;
	} cases[] = {
		{ "550 5.1.1 Nobody\r\n", "5.1.1" },
		{ "450-4.7.1 Wait\r\n450 4.7.2 a while\r\n", "4.7.1" },
		{ "450-So\r\n450 4.123.456\r\n", "4.123.456" },
		{ "450 4.1234567.1 x\r\n", "" },
		{ "554 10.0.0.1 is listed\r\n", "" },
		{ "550 Nobody\r\n", "" },
		{ "250 2.1.0 Ok\r\n", "" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++)
		for (size_t step = 1; step < 64; step++) {
			const char *data = cases[i].text, *end = data + strlen(data);
			struct sq_smtp_reply r = { 0 };
			enum sq_smtp_parse rc = SQ_SMTP_MORE;

			while (rc == SQ_SMTP_MORE && data < end) {
				const char *to = (size_t)(end - data) < step ? end : data + step;

				rc = sq_smtp_reply_parse(&r, &data, to);
			}
			assert_int_equal(rc, SQ_SMTP_REPLY);
			assert_string_equal(r.status, cases[i].status);
		}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(statuses),
		cmocka_unit_test(good_ones),
		cmocka_unit_test(bad_ones),
		cmocka_unit_test(endless_ones),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
