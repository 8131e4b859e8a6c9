/* Look-ups without the internet: the machine's own /etc/hosts, and a name server of the test's on
 * loopback that behaves as the first label of a name says. */
#include "scenarios/resolve.h"

#include <arpa/inet.h>
#include <sys/socket.h>

#include <errno.h>
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/clock.h"

enum { TYPE_A = 1, TYPE_CNAME = 5, TYPE_AAAA = 28, HEADER = 12, PACKET_MAX = 512 };

struct server {
	int fd;
	pthread_t thread;
	char text[64];
	unsigned asked; /* of the server's thread until it ended */
};

/* How a name is answered: the records, or a code of RFC 1035 section 4.1.1. */
struct zone {
	const char *label;
	const char *v4, *v6;
	int rcode;
	bool silent, first_lost, alias;
};

static const struct zone zones[] = {
	{ .label = "four", .v4 = "198.51.100.4" },
	{ .label = "six", .v6 = "2001:db8::6" },
	{ .label = "both", .v4 = "198.51.100.10", .v6 = "2001:db8::10" },
	{ .label = "mapped", .v6 = "::ffff:198.51.100.9" },
	{ .label = "alias", .v4 = "198.51.100.5", .alias = true },
	{ .label = "empty" },
	{ .label = "fails", .rcode = 2 },
	{ .label = "gone", .rcode = 3 },
	{ .label = "refused", .rcode = 5 },
	{ .label = "silent", .silent = true },
	{ .label = "lossy", .v4 = "198.51.100.6", .first_lost = true },
};

static const struct zone *find_zone(const uint8_t *query)
{
	for (size_t i = 0; i < sizeof(zones) / sizeof(zones[0]); i++) {
		size_t len = strlen(zones[i].label);

		if (query[HEADER] == len &&
		    strncasecmp((const char *)query + HEADER + 1, zones[i].label, len) == 0)
			return &zones[i];
	}
	return NULL;
}

static size_t add_record(uint8_t *at, uint8_t name_at, int type, const void *data, size_t len)
{
	uint8_t head[12] = { 0xc0, name_at, 0, (uint8_t)type, 0, 1, 0, 0, 0, 60, 0, (uint8_t)len };

	memcpy(at, head, sizeof(head));
	memcpy(at + sizeof(head), data, len);
	return sizeof(head) + len;
}

/* Turns the query into its answer; the new length, or 0 for silence. */
static size_t answer(uint8_t *packet, size_t len)
{
	static const uint8_t target[] = { 1, 'x', 0xc0, HEADER };
	const struct zone *z = find_zone(packet);
	int type;
	uint8_t data[16], name_at = HEADER;
	const char *text;
	size_t end = HEADER;

	if (!z || z->silent)
		return 0;
	while (end < len && packet[end])
		end += packet[end] + 1u;
	type = packet[end + 2];
	end += 5;
	packet[2] = 0x84;
	packet[3] = (uint8_t)(0x80 | z->rcode);
	memset(packet + 6, 0, 6);
	if (z->alias) {
		name_at = (uint8_t)(end + 12);
		end += add_record(packet + end, HEADER, TYPE_CNAME, target, sizeof(target));
		packet[7]++;
	}
	text = type == TYPE_A ? z->v4 : type == TYPE_AAAA ? z->v6 : NULL;
	if (text && inet_pton(type == TYPE_A ? AF_INET : AF_INET6, text, data) == 1) {
		end += add_record(packet + end, name_at, type, data, type == TYPE_A ? 4 : 16);
		packet[7]++;
	}
	return end;
}

/* A datagram of one byte ends it. */
static void *serve(void *arg)
{
	struct server *s = arg;
	uint8_t packet[PACKET_MAX + 64] = { 0 };
	struct sockaddr_in from;
	socklen_t from_len = sizeof(from);
	ssize_t n;

	while ((n = recvfrom(s->fd, packet, PACKET_MAX, 0, (struct sockaddr *)&from, &from_len)) >
	       HEADER) {
		const struct zone *z = find_zone(packet);
		size_t len = 0;

		s->asked++;
		if (!z || !z->first_lost || s->asked > 2) /* its A and its AAAA */
			len = answer(packet, (size_t)n);
		if (len)
			sendto(s->fd, packet, len, 0, (struct sockaddr *)&from, from_len);
		from_len = sizeof(from);
	}
	return NULL;
}

static void server_open(struct server *s)
{
	struct sockaddr_in addr = { .sin_family = AF_INET,
				    .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	socklen_t len = sizeof(addr);

	memset(s, 0, sizeof(*s));
	s->fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	assert_true(s->fd >= 0);
	assert_int_equal(bind(s->fd, (struct sockaddr *)&addr, sizeof(addr)), 0);
	assert_int_equal(getsockname(s->fd, (struct sockaddr *)&addr, &len), 0);
	snprintf(s->text, sizeof(s->text), "127.0.0.1:%d", ntohs(addr.sin_port));
	assert_int_equal(pthread_create(&s->thread, NULL, serve, s), 0);
}

static void server_close(struct server *s)
{
	struct sockaddr_in addr = { 0 };
	socklen_t len = sizeof(addr);

	assert_int_equal(getsockname(s->fd, (struct sockaddr *)&addr, &len), 0);
	assert_int_equal(sendto(s->fd, "", 1, 0, (struct sockaddr *)&addr, len), 1);
	assert_int_equal(pthread_join(s->thread, NULL), 0);
	close(s->fd);
}

static void expect_address(const char *name, const char *servers, const char *want)
{
	struct sq_err err = { 0 };
	struct sq_ip ip;
	char got[INET6_ADDRSTRLEN];

	if (sq_resolve_by(name, servers, "here", &ip, &err) < 0)
		fail_msg("%s: %s", name, err.text);
	sq_ip_format(&ip, got);
	if (strcmp(got, want) != 0)
		fail_msg("%s: got %s, want %s", name, got, want);
}

static void expect_failure(const char *name, const char *servers, int want, const char *word)
{
	struct sq_err err = { 0 };
	struct sq_ip ip = { .family = -1 };
	int rc = sq_resolve_by(name, servers, "here", &ip, &err);

	if (rc != want)
		fail_msg("%s: got %d (%s), want %d", name, rc, err.text, want);
	assert_string_equal(err.where, "here");
	assert_int_equal(err.code, want);
	assert_int_equal(ip.family, -1);
	if (!strstr(err.text, word) || !strstr(err.text, name))
		fail_msg("%s: \"%s\" or the name is not in: %s", name, word, err.text);
}

/* Nothing is asked for what /etc/hosts knows: the server named here does not exist. */
static void test_files(void **state)
{
	(void)state;
	expect_address("localhost", "127.0.0.1:1", "127.0.0.1");
}

static void test_answers(void **state)
{
	struct server s;

	(void)state;
	server_open(&s);
	expect_address("four.sq.test", s.text, "198.51.100.4");
	expect_address("FOUR.sq.test.", s.text, "198.51.100.4");
	expect_address("six.sq.test", s.text, "2001:db8::6");
	expect_address("both.sq.test", s.text, "198.51.100.10");
	expect_address("alias.sq.test", s.text, "198.51.100.5");
	/* An IPv4 address in IPv6's clothes is the former, so that the gate sees what it is. */
	expect_address("mapped.sq.test", s.text, "198.51.100.9");
	server_close(&s);
}

static void test_failures(void **state)
{
	struct server s;

	(void)state;
	server_open(&s);
	expect_failure("gone.sq.test", s.text, -ENOENT, "NXDOMAIN");
	expect_failure("empty.sq.test", s.text, -ENOENT, "no address");
	expect_failure("fails.sq.test", s.text, -EIO, "failed");
	expect_failure("refused.sq.test", s.text, -EIO, "refused");
	expect_failure("a..b", s.text, -EINVAL, "no host's name");
	server_close(&s);
}

static void test_lost_datagram(void **state)
{
	struct server s;

	(void)state;
	server_open(&s);
	expect_address("lossy.sq.test", s.text, "198.51.100.6");
	server_close(&s);
	assert_true(s.asked > 2);
}

static void test_no_server(void **state)
{
	(void)state;
	expect_failure("four.sq.test", "127.0.0.1:1", -ECONNREFUSED, "127.0.0.1:1");
}

static void test_silence(void **state)
{
	struct server s;
	int64_t began_ns = sq_now_ns(), took_ns;

	(void)state;
	server_open(&s);
	expect_failure("silent.sq.test", s.text, -ETIMEDOUT, s.text);
	took_ns = sq_now_ns() - began_ns;
	server_close(&s);
	if (took_ns < 2 * SQ_SEC || took_ns > 7 * SQ_SEC)
		fail_msg("silence took %.1f s", sq_seconds(took_ns));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_files),     cmocka_unit_test(test_answers),
		cmocka_unit_test(test_failures),  cmocka_unit_test(test_lost_datagram),
		cmocka_unit_test(test_no_server), cmocka_unit_test(test_silence),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
