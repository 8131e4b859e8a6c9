/* What the tests of the DNS sink share: its process (sink_bench.h), how its counts go together, and a
 * client.  Included by one test program each, so all of it is static. */
#ifndef SQ_TESTS_UNIT_LOADGEN_SINK_DNS_H
#define SQ_TESTS_UNIT_LOADGEN_SINK_DNS_H

#include <poll.h>

#include "loadgen/dns/wire.h"
#include "tests/unit/loadgen/sink_bench.h"

#define LISTEN "\"listen\": \"127.0.0.1:5300\""

enum { PORT = 5300, BATCH = 100 };

extern const struct sq_sink sq_sink_dns;

static inline struct running sink_start(const char *text)
{
	return sink_fork(&sq_sink_dns.kind, text, 0);
}

struct count_case {
	const char *name;
	json_int_t want;
};

/* Stops it; its last counts must be these.  The list ends with a NULL name. */
static inline void sink_stop_with(struct running *r, const struct count_case *want)
{
	json_t *counts = sink_stop(r), *n;
	const char *name;
	json_int_t failed = 0;

	json_object_foreach(json_object_get(counts, "send_errors"), name, n)
		failed += json_integer_value(n);
	assert_int_equal(count_of(counts, "queries"), count_of(counts, "answered") +
							      count_of(counts, "dropped") +
							      count_of(counts, "waiting") + failed);
	for (; want->name; want++)
		if (count_of(counts, want->name) != want->want) {
			char *text = json_dumps(counts, 0);

			fail_msg("%s: got %lld, want %lld in %s", want->name,
				 (long long)count_of(counts, want->name), (long long)want->want,
				 text);
		}
	json_decref(counts);
}

/* A sink without work sleeps. */
static inline void assert_sleeps(const struct running *r)
{
	int64_t before = cpu_ns(r->pid);

	sq_sleep_until(sq_now_ns() + 300 * SQ_MS);
	assert_in_range(cpu_ns(r->pid) - before, 0, 10 * SQ_MS);
}

/* ---- a client ---- */

static inline int dial(uint32_t address)
{
	struct sockaddr_in to = {
		.sin_family = AF_INET,
		.sin_port = htons(PORT),
		.sin_addr.s_addr = htonl(address),
	};
	struct timeval limit = { .tv_sec = 5 };
	int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);

	assert_int_not_equal(fd, -1);
	setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof(limit));
	assert_int_equal(connect(fd, (struct sockaddr *)&to, sizeof(to)), 0);
	return fd;
}

static inline size_t query_make(const char *name, uint16_t type, uint16_t id, uint8_t *out)
{
	struct sq_dns_question question = { .type = type, .class = SQ_DNS_CLASS_IN };
	size_t len;

	assert_int_equal(sq_dns_name_parse(name, strlen(name), &question.name, NULL), 0);
	len = sq_dns_query_write(&question, SQ_DNS_RD, NULL, out);
	sq_dns_put16(out, id);
	return len;
}

static inline void ask(int fd, uint16_t id)
{
	uint8_t query[SQ_DNS_QUERY_MAX];
	size_t len = query_make("www.example.test", SQ_DNS_TYPE_A, id, query);

	assert_int_equal(send(fd, query, len, 0), len);
}

/* Waits for one reply; its ID. */
static inline uint16_t reply_await(int fd)
{
	uint8_t reply[512];

	assert_true(recv(fd, reply, sizeof(reply), 0) > SQ_DNS_HEADER);
	return sq_dns_get16(reply);
}

/* What is here at once; how many. */
static inline int replies_drain(int fd)
{
	uint8_t reply[512];
	int n = 0;

	while (recv(fd, reply, sizeof(reply), MSG_DONTWAIT) > 0)
		n++;
	return n;
}

#endif
