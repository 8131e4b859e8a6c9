/* What is asked by files other than lists of names: updates to the byte, captures of every kind of
 * link, and what is wrong with either. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "loadgen/dns/ask.h"
#include "loadgen/dns/pcap.h"
#include "loadgen/dns/reply.h"
#include "loadgen/dns/wire.h"

static char path[] = "/tmp/sq-dns-files-XXXXXX";

static void write_file(const void *bytes, size_t len)
{
	FILE *f = fopen(path, "w");

	assert_non_null(f);
	assert_int_equal(fwrite(bytes, 1, len, f), len);
	assert_int_equal(fclose(f), 0);
}

/* ---- updates ---- */

static struct sq_dns_ask *ask_updates(const char *text, uint16_t edns, struct sq_err *err)
{
	struct sq_strings none = { 0 };
	struct sq_dns_ask_spec spec = { .updates = path, .names = &none, .edns = edns };

	write_file(text, strlen(text));
	return sq_dns_ask_new(&spec, err);
}

/* Header, zone SOA IN; then what follows. */
#define ZONE(required, changed, more) \
	"\0\0\x28\0\0\1\0" required "\0" changed "\0" more "\1z\0\0\6\0\1"
#define UPDATE(text)                   \
	{                              \
		text, sizeof(text) - 1 \
	}

static void updates_to_the_byte(void **state)
{
	static const struct {
		const char *bytes;
		size_t len;
	} want[] = {
		UPDATE(ZONE("\5", "\4", "\0") /**/
		       "\1a\1z\0\0\xff\0\xff\0\0\0\0\0\0"
		       "\1a\1z\0\0\1\0\xff\0\0\0\0\0\0"
		       "\1a\1z\0\0\1\0\1\0\0\0\0\0\4\1\2\3\4"
		       "\1x\1z\0\0\xff\0\xfe\0\0\0\0\0\0"
		       "\1x\1z\0\0\1\0\xfe\0\0\0\0\0\0"
		       "\1x\1z\0\0\1\0\1\0\0\x0e\x10\0\4\x0a\1\2\3"
		       "\1y\1z\0\0\1\0\xfe\0\0\0\0\0\4\x0a\1\2\3"
		       "\1z\1z\0\0\1\0\xff\0\0\0\0\0\0"
		       "\1w\0\0\xff\0\xff\0\0\0\0\0\0"),
		UPDATE(ZONE("\0", "\4", "\0") /**/
		       "\1z\0\0\x0f\0\1\0\0\0\x3c\0\7\0\x0a\1m\1z\0"
		       "\1t\1z\0\0\x10\0\1\0\0\0\1\0\7\3a b\2\"c"
		       "\1s\1z\0\0\x21\0\1\0\0\0\1\0\x0b\0\1\0\2\0\x35\1m\1q\0"
		       "\1u\1z\0\0\x41\0\1\0\0\0\1\0\2\xc0\xff"),
	};
	struct sq_err err = { 0 };
	struct sq_dns_ask *ask = ask_updates("; the man page's\nz\nrequire a\nrequire a A\n"
					     "require a A 1.2.3.4\nprohibit x\nprohibit x A\n"
					     "add x 3600 A 10.1.2.3\ndelete y A 10.1.2.3\n"
					     "delete z A\ndelete w.\nsend\n"
					     "z.\nadd @ 60 MX 10 m\nadd t 1 TXT \"a \\098\" \\\"c\n"
					     "add s 1 SRV 1 2 53 m.q.\n"
					     "add u 1 TYPE65 \\# 2 c0 ff\nsend\n",
					     0, &err);

	(void)state;
	if (!ask)
		fail_msg("%s: %s", err.where, err.text);
	assert_int_equal(sq_dns_ask_count(ask), 2);
	for (uint32_t i = 0; i < 2; i++) {
		struct sq_dns_asked asked = sq_dns_ask_get(ask, i, i, NULL);
		uint8_t reply[] = "\0\0\xa8\0\0\1\0\0\0\0\0\0\1z\0\0\6\0\1";

		assert_int_equal(asked.len, want[i].len);
		assert_memory_equal(asked.query, want[i].bytes, want[i].len);
		assert_int_equal(sq_dns_reply_judge(reply, sizeof(reply) - 1, &asked),
				 SQ_DNS_REPLY_ANSWER);
		reply[13] = 'y';
		assert_int_equal(sq_dns_reply_judge(reply, sizeof(reply) - 1, &asked),
				 SQ_DNS_REPLY_MISMATCH);
		reply[2] = 0x80; /* QUERY */
		assert_int_equal(sq_dns_reply_judge(reply, sizeof(reply) - 1, &asked),
				 SQ_DNS_REPLY_GARBLED);
		reply[2] = 0xa8;
		reply[5] = 0; /* all sections left out */
		assert_int_equal(sq_dns_reply_judge(reply, 12, &asked), SQ_DNS_REPLY_ANSWER);
	}
	sq_dns_ask_free(ask);
}

static void update_with_edns(void **state)
{
	static const char want[] = ZONE("\0", "\1", "\1") /**/
		"\1w\1z\0\0\xff\0\xff\0\0\0\0\0\0"
		"\0\0\x29\x10\0\0\0\0\0\0\0";
	struct sq_dns_ask *ask = ask_updates("z\ndelete w\nsend", 4096, NULL);
	struct sq_dns_asked asked;

	(void)state;
	assert_non_null(ask);
	asked = sq_dns_ask_get(ask, 0, 0, NULL);
	assert_int_equal(asked.len, sizeof(want) - 1);
	assert_memory_equal(asked.query, want, asked.len);
	sq_dns_ask_free(ask);
}

static void wrong_updates(void **state)
{
	char long_one[3000] = "z\n";
	const struct {
		const char *text, *place, *part;
	} cases[] = {
		{ "", "", "holds no update" },
		{ "z\nadd a 1 A 192.0.2.1\n", "", "close it with \"send\"" },
		{ "z a\n", ": line 1", "alone on its line" },
		{ "z\nput a\n", ": line 2", "expected require" },
		{ "z\nadd\n", ": line 2", "no name" },
		{ "z\nadd a\n", ": line 2", "TTL" },
		{ "z\nadd a 1\n", ": line 2", "needs a name, a TTL" },
		{ "z\nadd a 1 A\n", ": line 2", "needs a name, a TTL" },
		{ "z\nadd a 4294967296 A 1.2.3.4\n", ": line 2", "TTL" },
		{ "z\nadd a 1 A 1.2.3\n", ": line 2", "IPv4 address" },
		{ "z\nadd a 1 A 1.2.3.4 5\n", ": line 2", "more than the record" },
		{ "z\nadd a 1 AAAA 1.2.3.4\n", ": line 2", "IPv6 address" },
		{ "z\nadd a 1 MX 65536 m\n", ": line 2", "too large" },
		{ "z\nadd a 1 MX 1\n", ": line 2", "expected a name" },
		{ "z\nadd a 1 TXT \"a\n", ": line 2", "second quotation mark" },
		{ "z\nadd a 1 TXT a\\256\n", ": line 2", "up to 255" },
		{ "z\nadd a 1 TXT a\\\n", ": line 2", "backslash" },
		{ "z\nadd a 1 TLSA 1\n", ": line 2", "\\# LENGTH HEX" },
		{ "z\nadd a 1 A \\# 4 00\n", ": line 2", "not as long" },
		{ "z\nadd a 1 A \\# 4 0x\n", ": line 2", "expected hex" },
		{ "z\nprohibit a A 1.2.3.4\n", ": line 2", "no data" },
		{ "z\ndelete a\nrequire b\n", ": line 3", "must stand before" },
		{ long_one, ": line 82", "longer than the 1232 bytes" },
	};

	(void)state;
	for (int i = 0; i < 200; i++)
		strcat(long_one, "delete a\n");
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		struct sq_err err = { 0 };
		char where[128];

		assert_null(ask_updates(cases[i].text, 0, &err));
		printf("  %s: %s\n", err.where, err.text);
		snprintf(where, sizeof(where), "%s%s", path, cases[i].place);
		assert_string_equal(err.where, where);
		assert_non_null(strstr(err.text, cases[i].part));
		assert_int_equal(err.code, -EINVAL);
	}
}

/* ---- captures ---- */

static const char query[] = "\x12\x34\1\0\0\1\0\0\0\0\0\0\1a\4test\0\0\1\0\1";
enum { QUERY_SIZE = sizeof(query) - 1, LINK_ETHERNET = 1, LINK_RAW = 101, LINK_SLL = 113 };

struct capture {
	uint8_t bytes[4096];
	size_t len;
};

static void add_bytes(struct capture *c, const void *bytes, size_t len)
{
	assert_true(c->len + len <= sizeof(c->bytes));
	memcpy(c->bytes + c->len, bytes, len);
	c->len += len;
}

static void add_words(struct capture *c, const uint32_t *words, size_t n)
{
	add_bytes(c, words, n * 4);
}

static void begin(struct capture *c, uint32_t link)
{
	const uint32_t head[] = { 0xa1b2c3d4, 4 << 16 | 2, 0, 0, 65535, link };

	c->len = 0;
	add_words(c, head, 6);
}

/* A query to a port behind `before`, over IPv4 or IPv6; frag: of IPv4's field. */
static void add_frame(struct capture *c, uint32_t at_us, const char *before, size_t before_len,
		      bool v6, uint16_t port, uint16_t frag)
{
	uint8_t ip[40] = { 0 }, udp[8] = { 0x10, 0 };
	size_t ip_len = v6 ? 40 : 20;
	uint32_t len = (uint32_t)(before_len + ip_len + 8 + QUERY_SIZE);
	const uint32_t head[] = { 1700000000 + at_us / 1000000, at_us % 1000000, len, len };

	add_words(c, head, 4);
	add_bytes(c, before, before_len);
	ip[0] = v6 ? 0x60 : 0x45;
	ip[v6 ? 6 : 9] = 17;
	sq_dns_put16(ip + (v6 ? 4 : 2), (uint16_t)(v6 ? 8 + QUERY_SIZE : len - before_len));
	if (!v6)
		sq_dns_put16(ip + 6, frag);
	add_bytes(c, ip, ip_len);
	sq_dns_put16(udp + 2, port);
	sq_dns_put16(udp + 4, 8 + QUERY_SIZE);
	add_bytes(c, udp, 8);
	add_bytes(c, query, QUERY_SIZE);
}

static struct sq_dns_ask *ask_capture(const struct capture *c, uint16_t port, struct sq_err *err)
{
	struct sq_strings none = { 0 };
	struct sq_dns_ask_spec spec = { .file = path, .pcap_port = port, .names = &none };

	write_file(c->bytes, c->len);
	return sq_dns_ask_new(&spec, err);
}

static void expect_queries(const struct capture *c, uint32_t n)
{
	struct sq_err err = { 0 };
	struct sq_dns_ask *ask = ask_capture(c, 53, &err);

	if (!ask)
		fail_msg("%s: %s", err.where, err.text);
	assert_int_equal(sq_dns_ask_count(ask), n);
	for (uint32_t i = 0; i < n; i++) {
		struct sq_dns_asked asked = sq_dns_ask_get(ask, i, i, NULL);

		assert_int_equal(asked.len, QUERY_SIZE);
		assert_int_equal(sq_dns_get16(asked.query), 0);
		assert_memory_equal(asked.query + 2, query + 2, QUERY_SIZE - 2);
		assert_int_equal(asked.question_len, QUERY_SIZE - SQ_DNS_HEADER);
	}
	sq_dns_ask_free(ask);
}

#define ETHER "\0\0\0\0\0\0\0\0\0\0\0\0"

static void links(void **state)
{
	struct capture c;

	(void)state;
	begin(&c, LINK_ETHERNET);
	add_frame(&c, 0, ETHER "\x08", 14, false, 53, 0);
	add_frame(&c, 1, ETHER "\x86\xdd", 14, true, 53, 0);
	add_frame(&c, 2, ETHER "\x81\0\0\7\x08", 18, false, 53, 0);
	add_frame(&c, 3, ETHER "\x88\xa8\0\1\x81\0\0\7\x86\xdd", 22, true, 53, 0);
	add_frame(&c, 4, ETHER "\x08", 14, false, 54, 0);      /* another port */
	add_frame(&c, 5, ETHER "\x08", 14, false, 53, 0x2000); /* fragments */
	add_frame(&c, 6, ETHER "\x08", 14, false, 53, 1);
	add_frame(&c, 7, ETHER "\x08\6", 14, false, 53, 0); /* ARP */
	expect_queries(&c, 4);
	begin(&c, LINK_SLL);
	add_frame(&c, 0, ETHER "\0\0\x08", 16, false, 53, 0);
	add_frame(&c, 0, ETHER "\0\0\x86\xdd", 16, true, 53, 0);
	expect_queries(&c, 2);
	begin(&c, LINK_RAW);
	add_frame(&c, 0, "", 0, false, 53, 0);
	add_frame(&c, 0, "", 0, true, 53, 0);
	expect_queries(&c, 2);
	begin(&c, 0); /* loopback of the BSDs */
	add_frame(&c, 0, "\2\0\0\0", 4, false, 53, 0);
	expect_queries(&c, 1);
}

static void pcapng(void **state)
{
	const uint32_t section[] = { 0x0a0d0d0a, 28, 0x1a2b3c4d, 1, 0xffffffff, 0xffffffff, 28 };
	const uint32_t interface[] = { 1, 20, LINK_RAW, 65535, 20 };
	struct capture c = { .len = 0 }, frame = { .len = 0 };
	uint32_t packet[] = { 6, 0, 0, 0, 1000, 0, 0 };
	size_t padded;

	(void)state;
	add_frame(&frame, 0, "", 0, false, 53, 0);
	padded = (frame.len - 16 + 3) / 4 * 4;
	packet[1] = (uint32_t)(32 + padded);
	packet[5] = packet[6] = (uint32_t)(frame.len - 16);
	add_words(&c, section, 7);
	add_words(&c, interface, 5);
	add_words(&c, packet, 7);
	add_bytes(&c, frame.bytes + 16, padded);
	add_words(&c, packet + 1, 1);
	expect_queries(&c, 1);
}

static void wrong_captures(void **state)
{
	struct sq_err err = { 0 };
	struct capture c;

	(void)state;
	begin(&c, LINK_RAW);
	add_frame(&c, 0, "", 0, false, 53, 0x2000);
	assert_null(ask_capture(&c, 53, &err));
	printf("  %s: %s\n", err.where, err.text);
	assert_non_null(strstr(err.text, "none of the capture's 1 frames"));
	begin(&c, LINK_RAW);
	add_frame(&c, 0, "", 0, false, 5353, 0);
	assert_null(ask_capture(&c, 53, &err));
	assert_non_null(strstr(err.text, "to port 53"));
	sq_dns_ask_free(ask_capture(&c, 5353, &err));
	/* Cut within a frame: what was whole before is no excuse. */
	add_frame(&c, 0, "", 0, false, 5353, 0);
	c.len -= 5;
	assert_null(ask_capture(&c, 5353, &err));
	printf("  %s: %s\n", err.where, err.text);
	assert_non_null(strstr(err.text, "cannot be read"));
}

static void times(void **state)
{
	const uint32_t at_us[] = { 500, 700, 600, 2000500 };
	const int64_t want_ns[] = { 0, 200000, 200000, 2000000000 };
	struct sq_err err = { 0 };
	struct capture c;
	int64_t *at_ns;
	size_t n;

	(void)state;
	begin(&c, LINK_RAW);
	for (size_t i = 0; i < 4; i++) {
		add_frame(&c, at_us[i], "", 0, false, 54, 0);
		add_frame(&c, at_us[i], "", 0, false, 53, 0);
	}
	write_file(c.bytes, c.len);
	assert_int_equal(sq_dns_pcap_times(path, &at_ns, &n, &err), 0);
	assert_int_equal(n, 4);
	for (size_t i = 0; i < 4; i++)
		assert_int_equal(at_ns[i], want_ns[i]);
	free(at_ns);
	write_file("a.test A\n", 9);
	assert_int_equal(sq_dns_pcap_times(path, &at_ns, &n, &err), -ENOENT);
}

static int make_file(void **state)
{
	int fd = mkstemp(path);

	(void)state;
	return fd == -1 ? -1 : close(fd);
}

static int remove_file(void **state)
{
	(void)state;
	return unlink(path);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(updates_to_the_byte),
		cmocka_unit_test(update_with_edns),
		cmocka_unit_test(wrong_updates),
		cmocka_unit_test(links),
		cmocka_unit_test(pcapng),
		cmocka_unit_test(wrong_captures),
		cmocka_unit_test(times),
	};

	return cmocka_run_group_tests(tests, make_file, remove_file);
}
