/* The DNS sink: what it answers byte by byte, what its socket is set to, and what becomes of answers
 * that cannot be sent. */
#include "sink_dns.h"

#include <limits.h>

/* ---- answers ---- */

struct wire_case {
	const char *what;
	const char *query;
	size_t query_len;
	const char *reply;
	size_t reply_len; /* 0: none */
};

#define WIRE(query, reply) query, sizeof(query) - 1, reply, sizeof(reply) - 1

static const struct wire_case wire_cases[] = {
	{ "A, its case kept and RD copied",
	  WIRE("\x12\x34\1\0\0\1\0\0\0\0\0\0\3wWw\4Test\0\0\1\0\1",
	       "\x12\x34\x85\0\0\1\0\1\0\0\0\0\3wWw\4Test\0\0\1\0\1"
	       "\xc0\x0c\0\1\0\1\0\0\0\x3c\0\4\xc0\0\2\1") },
	{ "AAAA, without RD",
	  WIRE("\0\1\0\0\0\1\0\0\0\0\0\0\4test\0\0\x1c\0\1",
	       "\0\1\x84\0\0\1\0\1\0\0\0\0\4test\0\0\x1c\0\1"
	       "\xc0\x0c\0\x1c\0\1\0\0\0\x3c\0\x10\x20\1\xd\xb8\0\0\0\0\0\0\0\0\xc0\0\2\1") },
	{ "MX: no data", WIRE("\0\2\0\0\0\1\0\0\0\0\0\0\4test\0\0\xf\0\1",
			      "\0\2\x84\0\0\1\0\0\0\0\0\0\4test\0\0\xf\0\1") },
	{ "EDNS with DO and an option, CD copied",
	  WIRE("\0\3\0\x10\0\1\0\0\0\0\0\1\4test\0\0\xf\0\1\0\0\x29\x10\0\0\0\x80\0\0\4\0\xa\0\0",
	       "\0\3\x84\x10\0\1\0\0\0\0\0\1\4test\0\0\xf\0\1\0\0\x29\4\xd0\0\0\x80\0\0\0") },
	{ "below a name that does not exist",
	  WIRE("\0\5\0\0\0\1\0\0\0\0\0\0\1a\4GoNe\4test\0\0\1\0\1",
	       "\0\5\x84\3\0\1\0\0\0\0\0\0\1a\4GoNe\4test\0\0\1\0\1") },
	{ "out of the zone", WIRE("\0\6\0\0\0\1\0\0\0\0\0\0\5atest\0\0\1\0\1",
				  "\0\6\x80\5\0\1\0\0\0\0\0\0\5atest\0\0\1\0\1") },
	{ "class CH", WIRE("\0\7\0\0\0\1\0\0\0\0\0\0\4test\0\0\x10\0\3",
			   "\0\7\x80\5\0\1\0\0\0\0\0\0\4test\0\0\x10\0\3") },
	{ "an update", WIRE("\0\x8\x28\0\0\1\0\0\0\0\0\0\4test\0\0\6\0\1",
			    "\0\x8\xa8\4\0\1\0\0\0\0\0\0\4test\0\0\6\0\1") },
	{ "nothing", WIRE("", "") },
	{ "a short header", WIRE("\0\x9\0\0\0\1\0\0\0\0\0", "") },
	{ "a reply", WIRE("\0\xa\x80\0\0\1\0\0\0\0\0\0\4test\0\0\1\0\1", "") },
	{ "no question", WIRE("\0\xb\0\0\0\0\0\0\0\0\0\0\4test\0\0\1\0\1", "") },
	{ "two questions", WIRE("\0\xc\0\0\0\2\0\0\0\0\0\0\4test\0\0\1\0\1\4test\0\0\1\0\1", "") },
	{ "a question that is cut", WIRE("\0\xd\0\0\0\1\0\0\0\0\0\0\4test\0\0\1\0", "") },
	{ "a pointer for a name", WIRE("\0\xe\0\0\0\1\0\0\0\0\0\0\xc0\xc\0\1\0\1", "") },
	{ "an OPT record that is cut",
	  WIRE("\0\xf\0\0\0\1\0\0\0\0\0\1\4test\0\0\1\0\1\0\0\x29", "") },
};

static void test_answers(void **state)
{
	struct running r = sink_start("{" LISTEN ", \"zone\": \"TEST\","
				      " \"nxdomain\": [\"other.test\", \"gone.test.\"]}");
	int fd = dial(INADDR_LOOPBACK);
	uint8_t got[512];

	(void)state;
	for (size_t i = 0; i < sizeof(wire_cases) / sizeof(*wire_cases); i++) {
		const struct wire_case *c = &wire_cases[i];

		assert_int_equal(send(fd, c->query, c->query_len, 0), c->query_len);
		if (c->reply_len == 0)
			continue; /* the next reply would be this one's */
		if (recv(fd, got, sizeof(got), 0) != (ssize_t)c->reply_len ||
		    memcmp(got, c->reply, c->reply_len) != 0)
			fail_msg("%s: got another reply", c->what);
	}
	counts_wait(&r, "malformed", 8);
	assert_int_equal(replies_drain(fd), 0);
	close(fd);
	sink_stop_with(&r, (struct count_case[]){ { "queries", 8 },
						  { "answered", 8 },
						  { "rcodes.NOERROR", 4 },
						  { "rcodes.NXDOMAIN", 1 },
						  { "rcodes.REFUSED", 2 },
						  { "rcodes.NOTIMP", 1 },
						  { "qtypes.A", 3 },
						  { "qtypes.AAAA", 1 },
						  { "qtypes.MX", 2 },
						  { "receive_drops", 0 },
						  { NULL, 0 } });
}

static void test_identity_and_bytes(void **state)
{
	struct running r = sink_start("{" LISTEN "}");
	int fd = dial(INADDR_LOOPBACK);
	json_t *counts;

	(void)state;
	ask(fd, 7);
	assert_int_equal(reply_await(fd), 7);
	counts = sink_stop(&r);
	assert_string_equal(json_string_value(json_object_get(counts, "sink")), "dns");
	assert_string_equal(json_string_value(json_object_get(counts, "listen")), "127.0.0.1:5300");
	assert_int_equal(count_of(counts, "bytes_received"), 34);
	assert_int_equal(count_of(counts, "bytes_sent"), 50);
	json_decref(counts);
	close(fd);
}

/* ---- the socket ---- */

/* Without CAP_NET_ADMIN, and so within net.core.rmem_max. */
static void test_buffer_refused(void **state)
{
	static const char *const cases[] = { "receive_buffer", "rmem_max", "send_buffer",
					     "wmem_max" };

	(void)state;
	for (size_t i = 0; i < 4; i += 2) {
		char *text = sq_printf_dup("{" LISTEN ", \"%s\": %d}", cases[i], INT_MAX / 2);
		void *conf = conf_new(&sq_sink_dns.kind, text);
		struct sq_err err = { 0 };
		uid_t me = geteuid();

		assert_int_equal(me == 0 ? seteuid(65534) : 0, 0);
		assert_int_equal(sq_sink_run(&sq_sink_dns.kind, conf, -1, -1, NULL, NULL, &err),
				 -ENOBUFS);
		assert_int_equal(me == 0 ? seteuid(0) : 0, 0);
		assert_non_null(strstr(err.where, cases[i]));
		assert_non_null(strstr(err.text, cases[i + 1]));
		conf_free(&sq_sink_dns.kind, conf);
		free(text);
	}
}

/* A connected client takes a reply from the address that it asked, and from no other. */
static void test_all_addresses(void **state)
{
	static const char *const listens[] = { "0.0.0.0:5300", "[::]:5300" };

	(void)state;
	for (size_t i = 0; i < 2; i++) {
		char *text = sq_printf_dup("{\"listen\": \"%s\"}", listens[i]);
		struct running r = sink_start(text);

		for (uint16_t last = 1; last < 9; last++) {
			int fd = dial(0x7f000000 + last);

			ask(fd, last);
			assert_int_equal(reply_await(fd), last);
			close(fd);
		}
		free(text);
		sink_stop_with(&r, (struct count_case[]){ { "answered", 8 }, { NULL, 0 } });
	}
}

static void test_ipv6(void **state)
{
	static const char *const listens[] = { "[::1]:5300", "[::]:5300" };
	struct sockaddr_in6 to = {
		.sin6_family = AF_INET6,
		.sin6_port = htons(PORT),
		.sin6_addr = IN6ADDR_LOOPBACK_INIT,
	};
	struct timeval limit = { .tv_sec = 5 };

	(void)state;
	for (size_t i = 0; i < 2; i++) {
		char *text = sq_printf_dup("{\"listen\": \"%s\", \"recverr\": true}", listens[i]);
		struct running r = sink_start(text);
		int fd = socket(AF_INET6, SOCK_DGRAM | SOCK_CLOEXEC, 0);

		setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof(limit));
		assert_int_equal(connect(fd, (struct sockaddr *)&to, sizeof(to)), 0);
		ask(fd, 5);
		assert_int_equal(reply_await(fd), 5);
		close(fd);
		free(text);
		sink_stop_with(&r, (struct count_case[]){ { "answered", 1 }, { NULL, 0 } });
	}
}

/* From source port 0, which UDP allows where no reply is wanted, and sendmsg(2) refuses to answer. */
static void ask_from_nowhere(int raw, uint16_t id)
{
	struct sockaddr_in to = {
		.sin_family = AF_INET,
		.sin_addr.s_addr = htonl(INADDR_LOOPBACK),
	};
	uint8_t datagram[8 + SQ_DNS_QUERY_MAX] = { 0 };
	size_t len = 8 + query_make("test", SQ_DNS_TYPE_A, id, datagram + 8);

	sq_dns_put16(datagram + 2, PORT);
	sq_dns_put16(datagram + 4, (uint16_t)len);
	assert_int_equal(sendto(raw, datagram, len, 0, (struct sockaddr *)&to, sizeof(to)), len);
}

/* Each failed answer is counted once, by the kernel's word for it, and takes no other with it. */
static void test_send_errors(void **state)
{
	struct running r = sink_start("{" LISTEN "}");
	int raw = socket(AF_INET, SOCK_RAW | SOCK_CLOEXEC, IPPROTO_UDP);
	int fd = dial(INADDR_LOOPBACK);

	(void)state;
	for (uint16_t i = 0; i < 70; i++)
		ask_from_nowhere(raw, i);
	for (uint16_t i = 0; i < 10; i++) {
		ask(fd, i);
		ask_from_nowhere(raw, i);
	}
	counts_wait(&r, "send_errors.EINVAL", 80);
	for (uint16_t i = 0; i < 10; i++)
		assert_int_equal(reply_await(fd), i);
	close(raw);
	close(fd);
	sink_stop_with(&r,
		       (struct count_case[]){ { "queries", 90 }, { "answered", 10 }, { NULL, 0 } });
}

/* The ICMP errors of clients that went away are theirs: nobody else's answer fails for them. */
static void test_recverr(void **state)
{
	struct running r = sink_start("{" LISTEN ", \"delay\": \"500ms\", \"recverr\": true}");
	int gone = dial(INADDR_LOOPBACK), fd = dial(INADDR_LOOPBACK);

	(void)state;
	for (uint16_t i = 0; i < 20; i++)
		ask(i % 4 == 0 ? gone : fd, i);
	counts_wait(&r, "waiting", 20);
	close(gone);
	for (int i = 0; i < 15; i++)
		reply_await(fd);
	counts_wait(&r, "icmp_errors.ECONNREFUSED", 5);
	assert_sleeps(&r);
	close(fd);
	sink_stop_with(&r, (struct count_case[]){ { "answered", 20 }, { NULL, 0 } });
}

static void test_port_in_use(void **state)
{
	void *conf = conf_new(&sq_sink_dns.kind, "{" LISTEN "}");
	struct running r = sink_start("{" LISTEN "}");
	struct sq_err err = { 0 };

	(void)state;
	assert_int_equal(sq_sink_run(&sq_sink_dns.kind, conf, -1, -1, NULL, NULL, &err),
			 -EADDRINUSE);
	assert_non_null(strstr(err.text, "UDP port 5300 is in use"));
	json_decref(sink_stop(&r));
	conf_free(&sq_sink_dns.kind, conf);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_teardown(test_answers, leftover_end),
		cmocka_unit_test_teardown(test_identity_and_bytes, leftover_end),
		cmocka_unit_test(test_buffer_refused),
		cmocka_unit_test_teardown(test_all_addresses, leftover_end),
		cmocka_unit_test_teardown(test_ipv6, leftover_end),
		cmocka_unit_test_teardown(test_send_errors, leftover_end),
		cmocka_unit_test_teardown(test_recverr, leftover_end),
		cmocka_unit_test_teardown(test_port_in_use, leftover_end),
	};

	return cmocka_run_group_tests(tests, world_make, NULL);
}
