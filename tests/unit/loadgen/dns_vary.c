/* What differs from query to query of one question: shares of types are exact, random labels never
 * the same, popular questions as popular as Zipf says, EDNS options to the byte. */
#include <errno.h>
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "loadgen/dns/ask.h"
#include "loadgen/dns/reply.h"
#include "loadgen/dns/wire.h"

static struct sq_dns_ask *ask_new(const char *const *names, struct sq_dns_ask_spec spec)
{
	struct sq_strings list = { .v = (char **)names };
	struct sq_err err = { 0 };
	struct sq_dns_ask *ask;

	while (names[list.n])
		list.n++;
	spec.names = &list;
	spec.type = spec.type ? spec.type : "A";
	ask = sq_dns_ask_new(&spec, &err);
	if (!ask)
		fail_msg("%s: %s", err.where, err.text);
	return ask;
}

static struct sq_dns_question asked_by(const struct sq_dns_ask *ask, uint64_t number)
{
	uint8_t scratch[SQ_DNS_QUERY_MAX];
	struct sq_dns_asked asked =
		sq_dns_ask_get(ask, sq_dns_ask_turn(ask, number), number, scratch);
	struct sq_dns_question question;
	size_t end;

	assert_true(sq_dns_question_read(asked.query, asked.len, &question, &end));
	return question;
}

/* In each 20 queries 14 A, 5 AAAA and 1 MX; and each name meets each type. */
static void exact_shares(void **state)
{
	const char *names[] = { "n{0-9}.test", NULL };
	struct sq_dns_ask *ask =
		ask_new(names, (struct sq_dns_ask_spec){ .type = "A:70,AAAA:25,MX:5" });
	unsigned met[10][3] = { 0 }, n[3] = { 0 };

	(void)state;
	for (uint64_t i = 0; i < 2000; i++) {
		struct sq_dns_question q = asked_by(ask, i);
		int type = q.type == 1 ? 0 : q.type == 28 ? 1 : q.type == 15 ? 2 : -1;

		assert_in_range(type, 0, 2);
		n[type]++;
		met[q.name.wire[2] - '0'][type]++;
		if (i % 20 < 19)
			continue;
		assert_int_equal(n[0], 14);
		assert_int_equal(n[1], 5);
		assert_int_equal(n[2], 1);
		memset(n, 0, sizeof(n));
	}
	for (int i = 0; i < 10; i++) {
		assert_int_equal(met[i][0], 140);
		assert_int_equal(met[i][1], 50);
		assert_int_equal(met[i][2], 10);
	}
	sq_dns_ask_free(ask);
}

static int by_bytes(const void *a, const void *b)
{
	return memcmp(a, b, 8);
}

static void random_labels(void **state)
{
	enum { N = 100000 };
	const char *names[] = { "x-{random:8}.a.test", NULL };
	struct sq_dns_ask *ask = ask_new(names, (struct sq_dns_ask_spec){ .salt = 99 });
	char(*labels)[8] = test_malloc(sizeof(*labels) * N);

	(void)state;
	for (uint64_t i = 0; i < N; i++) {
		struct sq_dns_question q = asked_by(ask, i);

		assert_memory_equal(q.name.wire, "\nx-", 3);
		assert_memory_equal(q.name.wire + 11, "\1a\4test", 8);
		memcpy(labels[i], q.name.wire + 3, 8);
		for (int c = 0; c < 8; c++)
			assert_non_null(
				strchr("abcdefghijklmnopqrstuvwxyz0123456789", labels[i][c]));
	}
	printf("  %.8s %.8s %.8s %.8s\n", labels[0], labels[1], labels[2], labels[99999]);
	qsort(labels, N, sizeof(*labels), by_bytes);
	for (int i = 1; i < N; i++)
		assert_memory_not_equal(labels[i - 1], labels[i], 8);
	test_free(labels);
	sq_dns_ask_free(ask);
}

/* With two characters all 1296 come before one comes again; a reply is known by its number. */
static void random_labels_come_round(void **state)
{
	const char *names[] = { "{random:2}.test", NULL };
	struct sq_dns_ask *ask = ask_new(names, (struct sq_dns_ask_spec){ .salt = 7 });
	uint8_t reply[SQ_DNS_QUERY_MAX], scratch[SQ_DNS_QUERY_MAX];
	bool seen[128][128] = { { false } };
	struct sq_dns_asked asked;

	(void)state;
	for (uint64_t i = 5000; i < 5000 + 1296; i++) {
		struct sq_dns_question q = asked_by(ask, i);
		bool *was = &seen[q.name.wire[1]][q.name.wire[2]];

		assert_false(*was);
		*was = true;
	}
	asked = sq_dns_ask_get(ask, 0, 17, scratch);
	memcpy(reply, asked.query, asked.len);
	reply[2] |= 0x80;
	asked = sq_dns_ask_get(ask, 0, 17, scratch);
	assert_int_equal(sq_dns_reply_judge(reply, asked.len, &asked), SQ_DNS_REPLY_ANSWER);
	asked = sq_dns_ask_get(ask, 0, 18, scratch);
	assert_int_equal(sq_dns_reply_judge(reply, asked.len, &asked), SQ_DNS_REPLY_MISMATCH);
	sq_dns_ask_free(ask);
}

/* Chi-square of 100 ranks: 99 degrees of freedom, and 149 is met by chance once in a thousand. */
static void zipf(void **state)
{
	enum { N = 100, DRAWS = 1000000 };
	const double exponents[] = { 0.5, 1, 2 };
	const char *names[] = { "n{1-100}.test", NULL };

	(void)state;
	for (size_t e = 0; e < 3; e++) {
		struct sq_dns_ask *ask =
			ask_new(names, (struct sq_dns_ask_spec){ .zipf = exponents[e] });
		double sum = 0, chi = 0;
		unsigned n[N] = { 0 };
		struct sq_rng rng;

		sq_rng_init(&rng, 1, e);
		for (int i = 0; i < DRAWS; i++)
			n[sq_dns_ask_popular(ask, &rng)]++;
		for (int i = 1; i <= N; i++)
			sum += pow(i, -exponents[e]);
		for (int i = 1; i <= N; i++) {
			double want = DRAWS * pow(i, -exponents[e]) / sum;

			chi += (n[i - 1] - want) * (n[i - 1] - want) / want;
		}
		printf("  exponent %g: chi-square %.1f of 99\n", exponents[e], chi);
		assert_true(chi < 149);
		sq_dns_ask_free(ask);
	}
}

/* ---- EDNS ---- */

static void options_to_the_byte(void **state)
{
	const char *names[] = { "a.test", NULL };
	const char *custom[] = { "65001:c0FFee", "5:" };
	struct sq_strings list = { (char **)custom, 2 };
	struct sq_dns_ask *ask =
		ask_new(names, (struct sq_dns_ask_spec){ .options = { .nsid = true,
								      .cookie = true,
								      .ecs = "198.51.100.0/22",
								      .ecs_bits = SQ_OPT_UNSET,
								      .options = &list } });
	static const uint8_t head[] = "\0\0\0\0\0\1\0\0\0\0\0\1\1a\4test\0\0\1\0\1"
				      "\0\0\x29\x04\xd0\0\0\0\0\0\x26" /* 38 bytes of options */
				      "\0\3\0\0"                       /* NSID */
				      "\0\x0a\0\x8";
	static const uint8_t tail[] = "\xfd\xe9\0\3\xc0\xff\xee"
				      "\0\5\0\0"
				      "\0\x8\0\7\0\1\x18\0\xc6\x33"; /* 24 bits of 198.51.x */
	bool seen[4] = { false };
	uint8_t scratch[SQ_DNS_QUERY_MAX];

	(void)state;
	for (uint64_t i = 0; i < 100; i++) {
		struct sq_dns_asked asked = sq_dns_ask_get(ask, 0, i, scratch);
		size_t at = sizeof(head) - 1;

		assert_memory_equal(asked.query, head, at);
		at += 8; /* the cookie */
		assert_memory_equal(asked.query + at, tail, sizeof(tail) - 1);
		at += sizeof(tail) - 1;
		assert_int_equal(asked.len, at + 1);
		assert_in_range(asked.query[at], 100, 103);
		seen[asked.query[at] - 100] = true;
	}
	assert_true(seen[0] && seen[1] && seen[2] && seen[3]);
	sq_dns_ask_free(ask);
}

/* Bits beyond the prefix are 0, of a prefix that ends within a byte too. */
static void client_subnets(void **state)
{
	const struct {
		const char *range;
		int64_t bits;
		uint8_t want_bits, bytes, last_mask;
	} cases[] = {
		{ "198.51.100.77/24", SQ_OPT_UNSET, 24, 3, 0xff },
		{ "198.51.100.77/32", SQ_OPT_UNSET, 32, 4, 0xff },
		{ "10.0.0.0/8", 21, 21, 3, 0xf8 },
		{ "0.0.0.0/0", 0, 0, 0, 0 },
		{ "2001:db8::/32", SQ_OPT_UNSET, 56, 7, 0xff },
		{ "2001:db8::/32", 61, 61, 8, 0xf8 },
		{ "::/0", 128, 128, 16, 0xff },
	};
	const char *names[] = { "a.test", NULL };

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		struct sq_dns_ask *ask = ask_new(
			names,
			(struct sq_dns_ask_spec){
				.options = { .ecs = cases[i].range, .ecs_bits = cases[i].bits } });

		for (uint64_t n = 0; n < 50; n++) {
			uint8_t scratch[SQ_DNS_QUERY_MAX];
			struct sq_dns_asked asked = sq_dns_ask_get(ask, 0, n, scratch);
			size_t option = SQ_DNS_HEADER + asked.question_len + SQ_DNS_EDNS_SIZE;

			assert_int_equal(asked.len, option + 8 + cases[i].bytes);
			assert_int_equal(asked.query[option + 6], cases[i].want_bits);
			if (cases[i].bytes)
				assert_int_equal(
					asked.query[asked.len - 1] & ~cases[i].last_mask & 0xff, 0);
		}
		sq_dns_ask_free(ask);
	}
}

static void wrong_ones(void **state)
{
	char option[1200] = "1:";
	const struct {
		const char *name, *type, *ecs, *option;
		int64_t bits;
		const char *where, *part;
	} cases[] = {
		{ "a.test", "A:0", NULL, NULL, 0, "dns: type", "has no share" },
		{ "a.test", "A:", NULL, NULL, 0, "dns: type", "has no share" },
		{ "a.test", "A:1x", NULL, NULL, 0, "dns: type", "has no share" },
		{ "a.test", "A,", NULL, NULL, 0, "dns: type", "\"\" is no type" },
		{ "a.test", "A:70000,MX:1", NULL, NULL, 0, "dns: type", "rounder" },
		{ "{random:0}.test", "A", NULL, NULL, 0, "dns: names", "{random:8}" },
		{ "{random:64}.test", "A", NULL, NULL, 0, "dns: names", "{random:8}" },
		{ "a{random:63}.test", "A", NULL, NULL, 0, "dns: names", "63 octets" },
		{ "a.test", "A", "x", NULL, 0, "dns: ecs", "no range" },
		{ "a.test", "A", "10.0.0.0/16", NULL, 15, "dns: ecs_bits", "16 to 32" },
		{ "a.test", "A", "10.0.0.0/16", NULL, 33, "dns: ecs_bits", "16 to 32" },
		{ "a.test", "A", NULL, "x:00", 0, "dns: edns_options", "no option" },
		{ "a.test", "A", NULL, "65536:00", 0, "dns: edns_options", "no option" },
		{ "a.test", "A", NULL, "1:000", 0, "dns: edns_options", "not hex" },
		{ "a.test", "A", NULL, "1:zz", 0, "dns: edns_options", "not hex" },
		{ "a.test", "A", NULL, option, 0, "dns: edns_options", "longer than 512" },
	};

	(void)state;
	memset(option + 2, '0', sizeof(option) - 3);
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		char *names[] = { (char *)cases[i].name }, *options[] = { (char *)cases[i].option };
		struct sq_strings list = { names, 1 },
				  custom = { options, cases[i].option != NULL };
		struct sq_dns_ask_spec spec = { .names = &list,
						.type = cases[i].type,
						.options = { .ecs = cases[i].ecs,
							     .ecs_bits = cases[i].bits,
							     .options = &custom } };
		struct sq_err err = { 0 };

		assert_null(sq_dns_ask_new(&spec, &err));
		printf("  %s: %.100s\n", err.where, err.text);
		assert_string_equal(err.where, cases[i].where);
		assert_non_null(strstr(err.text, cases[i].part));
		assert_int_equal(err.code, -EINVAL);
	}
}

/* ---- replies ---- */

static void replies(void **state)
{
	static const struct {
		const char *bytes;
		size_t len;
		enum sq_dns_verdict want;
	} cases[] = {
#define REPLY(text, want) { text, sizeof(text) - 1, want }
		REPLY("", SQ_DNS_REPLY_GARBLED),
		REPLY("\0\0\x80\0\0\1\0\0\0\0\0", SQ_DNS_REPLY_GARBLED),
		REPLY("\0\0\x80\0\0\1\0\0\0\0\0\0\1a\4test\0\0\1\0\1", SQ_DNS_REPLY_ANSWER),
		REPLY("\0\0\x80\0\0\1\0\0\0\0\0\0\1A\4tEst\0\0\1\0\1", SQ_DNS_REPLY_ANSWER),
		REPLY("\0\0\x80\0\0\1\0\0\0\0\0\0\1a\4test\0\0\1\0", SQ_DNS_REPLY_GARBLED),
		REPLY("\0\0\x80\0\0\1\0\0\0\0\0\0\1b\4test\0\0\1\0\1", SQ_DNS_REPLY_MISMATCH),
		REPLY("\0\0\x80\0\0\1\0\0\0\0\0\0\1a\4test\0\0\x1c\0\1", SQ_DNS_REPLY_MISMATCH),
		/* not a reply, and one to an update */
		REPLY("\0\0\0\0\0\1\0\0\0\0\0\0\1a\4test\0\0\1\0\1", SQ_DNS_REPLY_GARBLED),
		REPLY("\0\0\xa8\0\0\1\0\0\0\0\0\0\1a\4test\0\0\1\0\1", SQ_DNS_REPLY_GARBLED),
		/* a pointer to itself, two questions */
		REPLY("\0\0\x80\0\0\1\0\0\0\0\0\0\xc0\x0c\0\1\0\1", SQ_DNS_REPLY_GARBLED),
		REPLY("\0\0\x80\0\0\2\0\0\0\0\0\0\1a\4test\0\0\1\0\1\1a\4test\0\0\1\0\1",
		      SQ_DNS_REPLY_GARBLED),
		/* bare headers: NOERROR, FORMERR */
		REPLY("\0\0\x80\0\0\0\0\0\0\0\0\0", SQ_DNS_REPLY_GARBLED),
		REPLY("\0\0\x80\1\0\0\0\0\0\0\0\0", SQ_DNS_REPLY_ANSWER),
#undef REPLY
	};
	const char *names[] = { "a.test", NULL };
	struct sq_dns_ask *ask = ask_new(names, (struct sq_dns_ask_spec){ 0 });
	struct sq_dns_asked asked = sq_dns_ask_get(ask, 0, 0, NULL);

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		uint8_t *exact = test_malloc(cases[i].len ? cases[i].len : 1);

		memcpy(exact, cases[i].bytes, cases[i].len);
		if (sq_dns_reply_judge(exact, cases[i].len, &asked) != cases[i].want)
			fail_msg("reply %zu: not %d", i, cases[i].want);
		test_free(exact);
	}
	sq_dns_ask_free(ask);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(exact_shares),
		cmocka_unit_test(random_labels),
		cmocka_unit_test(random_labels_come_round),
		cmocka_unit_test(zipf),
		cmocka_unit_test(options_to_the_byte),
		cmocka_unit_test(client_subnets),
		cmocka_unit_test(wrong_ones),
		cmocka_unit_test(replies),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
