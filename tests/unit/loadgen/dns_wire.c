/* DNS messages: names as text and as octets, types and rcodes by name, and messages that are cut,
 * wrong or hostile at every place.  Queries are compared with octets written out by hand. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "loadgen/dns/wire.h"

static struct sq_dns_name name_of(const char *text)
{
	struct sq_dns_name name;
	struct sq_err err = { 0 };

	if (sq_dns_name_parse(text, strlen(text), &name, &err) < 0)
		fail_msg("%s", err.text);
	return name;
}

static void test_names(void **state)
{
	static const struct {
		const char *text, *wire, *back;
		size_t len;
	} cases[] = {
		{ ".", "", ".", 1 },
		{ "test", "\4test", "test.", 6 },
		{ "test.", "\4test", "test.", 6 },
		{ "www.Example.test", "\3www\7Example\4test", "www.Example.test.", 18 },
		{ "a\\.b.test", "\3a.b\4test", "a\\.b.test.", 10 },
		{ "a\\\\b", "\3a\\b", "a\\\\b.", 5 },
		{ "\\097\\098", "\2ab", "ab.", 4 },
		{ "a\\000b", "\3a\0b", "a\\000b.", 5 },
		{ "\\255\\032", "\2\xff ", "\\255\\032.", 4 },
		{ "\\a.x", "\1a\1x", "a.x.", 5 },
		{ "_dmarc.1-2", "\6_dmarc\0031-2", "_dmarc.1-2.", 12 },
		{ "\xc3\xa4", "\2\xc3\xa4", "\\195\\164.", 4 },
		{ "a@b", "\3a@b", "a\\@b.", 5 },
	};
	char back[SQ_DNS_TEXT_MAX];

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		struct sq_dns_name name = name_of(cases[i].text);

		if (name.len != cases[i].len || memcmp(name.wire, cases[i].wire, name.len) != 0)
			fail_msg("%s: got other octets, %u of them", cases[i].text, name.len);
		sq_dns_name_format(&name, back);
		assert_string_equal(back, cases[i].back);
	}
}

static void test_bad_names(void **state)
{
	static const struct {
		const char *text, *says;
	} cases[] = {
		{ "", "is no name" },
		{ "..", "empty label" },
		{ ".a", "empty label" },
		{ "a..b", "empty label" },
		{ "a.b..", "empty label" },
		{ "a b", "blank" },
		{ "a\tb", "blank" },
		{ "a\\", "backslash" },
		{ "a\\.", NULL },
		{ "\\256", "backslash" },
		{ "\\12", "backslash" },
		{ "\\1x3", "backslash" },
		{ "x123456789x123456789x123456789x123456789x123456789x123456789x12.a", NULL },
		{ "x123456789x123456789x123456789x123456789x123456789x123456789x123.a",
		  "63 octets" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		struct sq_dns_name name = { .len = 77 };
		struct sq_err err = { 0 };
		int rc = sq_dns_name_parse(cases[i].text, strlen(cases[i].text), &name, &err);

		if (rc != (cases[i].says ? -EINVAL : 0))
			fail_msg("\"%s\": got %d: %s", cases[i].text, rc, err.text);
		if (cases[i].says) {
			assert_non_null(strstr(err.text, cases[i].says));
			assert_int_equal(name.len, 77);
		}
	}
}

/* Of 127 labels with one octet each the wire holds 255 octets; each octet as \DDD is the longest
 * text there is. */
static void test_longest_name(void **state)
{
	char text[2048], back[SQ_DNS_TEXT_MAX];
	struct sq_dns_name name;
	struct sq_err err = { 0 };
	size_t at = 0;

	(void)state;
	for (int i = 0; i < 127; i++)
		at += (size_t)sprintf(text + at, "x.");
	name = name_of(text);
	assert_int_equal(name.len, SQ_DNS_NAME_MAX);
	memcpy(text + at, "x", 2);
	assert_int_equal(sq_dns_name_parse(text, at + 1, &name, &err), -EINVAL);
	assert_non_null(strstr(err.text, "255 octets"));
	memcpy(text + at - 2, "xx", 3);
	assert_int_equal(sq_dns_name_parse(text, at, &name, &err), -EINVAL);

	at = 0;
	for (int i = 1; i <= 250; i++) /* 63 + 63 + 63 + 61 */
		at += (size_t)sprintf(text + at, "\\001%s", i % 63 == 0 ? "." : "");
	name = name_of(text);
	assert_int_equal(name.len, SQ_DNS_NAME_MAX);
	sq_dns_name_format(&name, back);
	assert_int_equal(strlen(back), 1004);
}

static void test_name_relations(void **state)
{
	static const struct {
		const char *name, *zone;
		bool equal, under;
	} cases[] = {
		{ "a.test", "A.TEST.", true, true },
		{ "www.Example.test", "example.TEST", false, true },
		{ "example.test", "www.example.test", false, false },
		{ "badexample.test", "example.test", false, false },
		{ "a.test", ".", false, true },
		{ ".", ".", true, true },
		{ ".", "a", false, false },
		{ "a.b.test", "a.c.test", false, false },
		{ "[.test", "{.test", false, false }, /* differ in the case bit, but no letters */
		{ "\\192", "\\224", false, false },
		{ "x\\004test", "test", false, false }, /* octets that look like a label */
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		struct sq_dns_name name = name_of(cases[i].name), zone = name_of(cases[i].zone);

		if (sq_dns_name_equal(&name, &zone) != cases[i].equal ||
		    sq_dns_name_under(&name, &zone) != cases[i].under)
			fail_msg("%s and %s", cases[i].name, cases[i].zone);
	}
}

static void test_types(void **state)
{
	static const struct {
		const char *text;
		int want;
		const char *name;
	} cases[] = {
		{ "A", 1, "A" },
		{ "aaaa", 28, "AAAA" },
		{ "Mx", 15, "MX" },
		{ "HTTPS", 65, "HTTPS" },
		{ "TYPE65", 65, "HTTPS" },
		{ "type1234", 1234, "TYPE1234" },
		{ "TYPE0", 0, "TYPE0" },
		{ "TYPE65535", 65535, "TYPE65535" },
		{ "TYPE65536", -EINVAL, NULL },
		{ "TYPE", -EINVAL, NULL },
		{ "TYPE-1", -EINVAL, NULL },
		{ "TYPE1x", -EINVAL, NULL },
		{ "TYPE000001", -EINVAL, NULL },
		{ "AA", -EINVAL, NULL },
		{ "", -EINVAL, NULL },
	};
	char name[16];

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		int got = sq_dns_type_parse(cases[i].text, strlen(cases[i].text));

		if (got != cases[i].want)
			fail_msg("\"%s\": got %d, want %d", cases[i].text, got, cases[i].want);
		if (got >= 0)
			assert_string_equal(sq_dns_type_name((uint16_t)got, name), cases[i].name);
	}
	assert_int_equal(sq_dns_type_parse("AXYZ", 1), 1); /* the length counts */
	for (int type = 0; type <= UINT16_MAX; type++) {
		const char *text = sq_dns_type_name((uint16_t)type, name);

		if (sq_dns_type_parse(text, strlen(text)) != type)
			fail_msg("%s does not lead back to %d", text, type);
	}
}

static void test_rcodes(void **state)
{
	(void)state;
	for (unsigned i = 0; i < SQ_DNS_RCODES; i++)
		assert_int_equal(sq_dns_rcode_parse(sq_dns_rcode_name(i)), i);
	assert_string_equal(sq_dns_rcode_name(SQ_DNS_SERVFAIL), "SERVFAIL");
	assert_string_equal(sq_dns_rcode_name(SQ_DNS_NOTZONE), "NOTZONE");
	assert_string_equal(sq_dns_rcode_name(11), "RCODE11");
	assert_int_equal(sq_dns_rcode_parse("nxdomain"), SQ_DNS_NXDOMAIN);
	assert_int_equal(sq_dns_rcode_parse("NX"), -1);
	assert_int_equal(sq_dns_rcode_parse(""), -1);
}

static const uint8_t asked[] = "\0\0\1\0\0\1\0\0\0\0\0\1"
			       "\3www\4TEST\0\0\x1c\0\1"
			       "\0\0\x29\x04\xd0\0\0\x80\0\0";

static void test_query(void **state)
{
	struct sq_dns_question question = { .name = name_of("www.TEST"), .type = 28, .class = 1 };
	struct sq_dns_edns edns = { .present = true, .do_bit = true, .udp_size = 1232 }, got;
	struct sq_dns_question back;
	struct sq_dns_header header;
	uint8_t out[SQ_DNS_QUERY_MAX];
	size_t len = sq_dns_query_write(&question, SQ_DNS_RD, &edns, out), end;

	(void)state;
	assert_int_equal(len, sizeof(asked)); /* the string's own NUL is the last octet */
	assert_memory_equal(out, asked, len);
	assert_true(sq_dns_header_read(out, len, &header));
	assert_int_equal(header.flags, SQ_DNS_RD);
	assert_int_equal(header.qdcount, 1);
	assert_int_equal(header.arcount, 1);
	assert_true(sq_dns_question_read(out, len, &back, &end));
	assert_true(sq_dns_name_equal(&back.name, &question.name));
	assert_int_equal(back.type, 28);
	assert_int_equal(back.class, 1);
	assert_int_equal(end, len - SQ_DNS_EDNS_SIZE);
	assert_true(sq_dns_edns_read(out, len, end, &got));
	assert_true(got.present && got.do_bit);
	assert_int_equal(got.udp_size, 1232);

	edns.present = false;
	assert_int_equal(sq_dns_query_write(&question, 0, &edns, out), end);
	assert_int_equal(sq_dns_query_write(&question, 0, NULL, out), end);
	assert_int_equal(out[11], 0);
	assert_true(sq_dns_edns_read(out, end, end, &got));
	assert_false(got.present);
}

/* Of a message that is cut anywhere nothing is read that is not there. */
static void test_cut(void **state)
{
	struct sq_dns_question question;
	struct sq_dns_header header;
	struct sq_dns_edns edns;
	size_t end = 0;

	(void)state;
	for (size_t len = 0; len <= sizeof(asked); len++) {
		uint8_t *copy = test_malloc(len ? len : 1); /* so that a sanitizer sees it */

		memcpy(copy, asked, len);
		assert_int_equal(sq_dns_header_read(copy, len, &header), len >= 12);
		assert_int_equal(sq_dns_question_read(copy, len, &question, &end), len >= 26);
		if (len >= 26)
			assert_int_equal(sq_dns_edns_read(copy, len, end, &edns), len == 37);
		test_free(copy);
	}
}

static void test_bad_questions(void **state)
{
	static const struct {
		const char *what, *tail;
		size_t len;
	} cases[] = {
		{ "a pointer to itself", "\xc0\x0c\0\1\0\1", 6 },
		{ "a pointer into the header", "\xc0\x04\0\1\0\1", 6 },
		{ "a pointer in a name", "\1a\xc0\x0c\0\1\0\1", 8 },
		{ "an extended label", "\x41x\0\0\1\0\1", 7 },
		{ "a label of type 10", "\x81x\0\0\1\0\1", 7 },
		{ "no end", "\1a\1b\1c\1d", 8 },
	};
	uint8_t msg[600] = { [5] = 1 };
	struct sq_dns_question question;
	size_t end;

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		memcpy(msg + 12, cases[i].tail, cases[i].len);
		if (sq_dns_question_read(msg, 12 + cases[i].len, &question, &end))
			fail_msg("%s: was taken", cases[i].what);
	}
	for (size_t at = 12; at < sizeof(msg); at += 2) /* 1x1x1x...: a name without an end */
		memcpy(msg + at, "\1x", 2);
	assert_false(sq_dns_question_read(msg, sizeof(msg), &question, &end));
	msg[12 + 254] = 0; /* the longest that is one */
	assert_true(sq_dns_question_read(msg, sizeof(msg), &question, &end));
	assert_int_equal(question.name.len, 255);
	msg[12 + 254] = 1;
	msg[12 + 256] = 0;
	assert_false(sq_dns_question_read(msg, sizeof(msg), &question, &end));
	memcpy(msg + 12, "\0\0\1\0\1", 5);
	msg[5] = 0; /* no question, whatever follows */
	assert_false(sq_dns_question_read(msg, sizeof(msg), &question, &end));
}

static void test_question_same(void **state)
{
	const uint8_t *question = asked + 12;
	const size_t len = sizeof(asked) - 12 - SQ_DNS_EDNS_SIZE;
	uint8_t reply[sizeof(asked)];

	(void)state;
	memcpy(reply, asked, sizeof(asked));
	assert_true(sq_dns_question_same(reply, sizeof(reply), question, len));
	assert_true(sq_dns_question_same(reply, 12 + len, question, len));
	assert_false(sq_dns_question_same(reply, 12 + len - 1, question, len));
	assert_false(sq_dns_question_same(reply, 0, question, len));
	reply[13] ^= 0x20; /* WWW and www */
	assert_true(sq_dns_question_same(reply, sizeof(reply), question, len));
	reply[13] ^= 0x01;
	assert_false(sq_dns_question_same(reply, sizeof(reply), question, len));
	reply[13] ^= 0x21;
	reply[12 + len - 3] ^= 0x20; /* the type has no case */
	assert_false(sq_dns_question_same(reply, sizeof(reply), question, len));
	reply[12 + len - 3] ^= 0x20;
	reply[5] = 0;
	assert_false(sq_dns_question_same(reply, sizeof(reply), question, len));
}

/* An OPT record behind others, whose names are pointers, and hostile counts. */
static void test_edns_read(void **state)
{
	static const uint8_t msg[] = "\0\0\x81\x80\0\1\0\1\0\0\0\1"
				     "\1a\0\0\1\0\1"
				     "\xc0\x0c\0\1\0\1\0\0\0\x3c\0\4\x7f\0\0\1"
				     "\0\0\x29\x10\0\0\0\0\0\0\0";
	const size_t len = sizeof(msg) - 1;
	struct sq_dns_edns edns;
	uint8_t copy[sizeof(msg)];

	(void)state;
	assert_true(sq_dns_edns_read(msg, len, 19, &edns));
	assert_true(edns.present && !edns.do_bit);
	assert_int_equal(edns.udp_size, 4096);
	memcpy(copy, msg, sizeof(msg));
	memset(copy + 6, 0xff, 6);
	assert_false(sq_dns_edns_read(copy, len, 19, &edns));
	memcpy(copy, msg, sizeof(msg));
	copy[29] = 0xff; /* the data's length leads out of the message */
	assert_false(sq_dns_edns_read(copy, len, 19, &edns));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_names),         cmocka_unit_test(test_bad_names),
		cmocka_unit_test(test_longest_name),  cmocka_unit_test(test_name_relations),
		cmocka_unit_test(test_types),         cmocka_unit_test(test_rcodes),
		cmocka_unit_test(test_query),         cmocka_unit_test(test_cut),
		cmocka_unit_test(test_bad_questions), cmocka_unit_test(test_question_same),
		cmocka_unit_test(test_edns_read),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
