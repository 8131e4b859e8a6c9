/* The safety gate: what is open, what is refused, and that no spelling of an address slips by. */
#include "scenarios/target.h"

#include <arpa/inet.h>
#include <netinet/in.h>

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

struct want {
	const char *text;
	int rc;
	const char *address; /* of what rc 0 gives */
	bool by_authority;
};

static struct sq_gate *gate_of_world(void)
{
	struct sq_gate *g = sq_gate_new();
	struct sq_err err = { 0 };

	assert_int_equal(sq_gate_open_link(g, "198.18.0.0/16", &err), 0);
	assert_int_equal(sq_gate_open_link(g, "fd00:18::/64", &err), 0);
	assert_int_equal(sq_gate_authorize(g, "198.51.100.0/25", &err), 0);
	assert_int_equal(sq_gate_authorize(g, "203.0.113.9", &err), 0);
	assert_int_equal(sq_gate_authorize(g, "2001:db8:5::/48", &err), 0);
	sq_gate_name(g, "server", "198.18.0.2");
	return g;
}

static void check(const struct sq_gate *g, const struct want *want)
{
	struct sq_target t = { 0 };
	struct sq_err err = { 0 };
	int rc = sq_gate_target(g, want->text, "here", &t, &err);
	char got[INET6_ADDRSTRLEN] = "";

	if (rc != want->rc)
		fail_msg("%s: got %d (%s), want %d", want->text, rc, err.text, want->rc);
	if (rc < 0) {
		assert_string_equal(err.where, "here");
		assert_int_equal(err.code, rc);
		return;
	}
	if (t.addr.ss_family == AF_INET)
		inet_ntop(AF_INET, &((struct sockaddr_in *)(void *)&t.addr)->sin_addr, got,
			  sizeof(got));
	else
		inet_ntop(AF_INET6, &((struct sockaddr_in6 *)(void *)&t.addr)->sin6_addr, got,
			  sizeof(got));
	if (strcmp(got, want->address) != 0 || t.by_authority != want->by_authority)
		fail_msg("%s: got %s by_authority %d, want %s by_authority %d", want->text, got,
			 t.by_authority, want->address, want->by_authority);
	assert_string_equal(t.text, want->text);
}

static void test_loopback_alone(void **state)
{
	static const struct want wants[] = {
		{ "127.0.0.1:9000", 0, "127.0.0.1", false },
		{ "127.9.9.9:1", 0, "127.9.9.9", false },
		{ "localhost:65535", 0, "127.0.0.1", false },
		{ "[::1]:25", 0, "::1", false },
		{ "[::ffff:127.0.0.1]:25", 0, "127.0.0.1", false },
		{ "198.18.0.2:9000", -EACCES, NULL, false },
		{ "198.51.100.7:53", -EACCES, NULL, false },
		{ "[::ffff:198.51.100.7]:53", -EACCES, NULL, false },
		{ "[fe80::1]:53", -EACCES, NULL, false },
		{ "server:9000", -EINVAL, NULL, false },
		{ "0.0.0.0:9000", -EINVAL, NULL, false },
		{ "0.0.0.1:9000", -EINVAL, NULL, false },
		{ "[::]:9000", -EINVAL, NULL, false },
		{ "[::ffff:0.0.0.0]:9000", -EINVAL, NULL, false },
		{ "255.255.255.255:9000", -EINVAL, NULL, false },
		{ "239.1.2.3:9000", -EINVAL, NULL, false },
		{ "[ff02::1]:9000", -EINVAL, NULL, false },
		{ "127.1:9000", -EINVAL, NULL, false },
		{ "0x7f000001:9000", -EINVAL, NULL, false },
		{ "127.0.0.1", -EINVAL, NULL, false },
		{ "127.0.0.1:", -EINVAL, NULL, false },
		{ "127.0.0.1:0", -EINVAL, NULL, false },
		{ "127.0.0.1:65536", -EINVAL, NULL, false },
		{ "127.0.0.1:-1", -EINVAL, NULL, false },
		{ "127.0.0.1: 80", -EINVAL, NULL, false },
		{ "127.0.0.1:80x", -EINVAL, NULL, false },
		{ "::1:25", -EINVAL, NULL, false },
		{ "[::1]", -EINVAL, NULL, false },
		{ "[::1:25", -EINVAL, NULL, false },
		{ "[::1%lo]:25", -EINVAL, NULL, false },
		{ ":9000", -EINVAL, NULL, false },
		{ "[]:9000", -EINVAL, NULL, false },
		{ "", -EINVAL, NULL, false },
	};
	struct sq_gate *g = sq_gate_new();

	(void)state;
	for (size_t i = 0; i < sizeof(wants) / sizeof(wants[0]); i++)
		check(g, &wants[i]);
	sq_gate_free(g);
}

static void test_world_and_authority(void **state)
{
	static const struct want wants[] = {
		{ "server:9000", 0, "198.18.0.2", false },
		{ "198.18.255.254:9000", 0, "198.18.255.254", false },
		{ "198.18.255.255:9000", -EINVAL, NULL, false },
		{ "198.19.0.1:9000", -EACCES, NULL, false },
		{ "[fd00:18::2]:9000", 0, "fd00:18::2", false },
		{ "[fd00:18:0:1::2]:9000", -EACCES, NULL, false },
		{ "198.51.100.127:53", 0, "198.51.100.127", true },
		{ "198.51.100.128:53", -EACCES, NULL, false },
		{ "[::ffff:198.51.100.7]:53", 0, "198.51.100.7", true },
		{ "[::ffff:198.51.100.128]:53", -EACCES, NULL, false },
		{ "203.0.113.9:53", 0, "203.0.113.9", true },
		{ "203.0.113.8:53", -EACCES, NULL, false },
		{ "[2001:db8:5:ffff::1]:53", 0, "2001:db8:5:ffff::1", true },
		{ "[2001:db8:6::1]:53", -EACCES, NULL, false },
	};
	struct sq_gate *g = gate_of_world();

	(void)state;
	for (size_t i = 0; i < sizeof(wants) / sizeof(wants[0]); i++)
		check(g, &wants[i]);
	sq_gate_free(g);
}

/* An open range is asked for as a whole, but multicast in it stays refused. */
static void test_everything_authorized(void **state)
{
	static const struct want wants[] = {
		{ "9.9.9.9:53", 0, "9.9.9.9", true },
		{ "127.0.0.1:53", 0, "127.0.0.1", false },
		{ "224.0.0.1:53", -EINVAL, NULL, false },
		{ "0.0.0.0:53", -EINVAL, NULL, false },
		{ "[2001:db8::1]:53", -EACCES, NULL, false },
	};
	struct sq_gate *g = sq_gate_new();

	(void)state;
	assert_int_equal(sq_gate_authorize(g, "0.0.0.0/0", NULL), 0);
	for (size_t i = 0; i < sizeof(wants) / sizeof(wants[0]); i++)
		check(g, &wants[i]);
	sq_gate_free(g);
}

static void test_bad_ranges(void **state)
{
	static const char *const bad[] = {
		"",     "10.0.0.0/", "10.0.0.0/33", "10.0.0.0/08",   "10.0.0.5/8", "10.0.0.0/-1",
		"10/8", "::/129",    "fd00::1/64",  "::ffff:0:0/95", "server",     "::/0x0"
	};
	struct sq_gate *g = sq_gate_new();
	struct sq_err err = { 0 };

	(void)state;
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		if (sq_gate_authorize(g, bad[i], &err) != -EINVAL)
			fail_msg("\"%s\" was taken as a range", bad[i]);
	assert_int_equal(sq_gate_authorize(g, "::ffff:10.0.0.0/104", &err), 0);
	check(g, &(struct want){ "10.200.0.1:1", 0, "10.200.0.1", true });
	sq_gate_free(g);
}

static int check_sockaddr(const struct sq_gate *g, int family, const char *text, bool *by_authority)
{
	struct sockaddr_in v4 = { .sin_family = AF_INET };
	struct sockaddr_in6 v6 = { .sin6_family = AF_INET6 };
	struct sockaddr *addr = family == AF_INET ? (struct sockaddr *)&v4 : (struct sockaddr *)&v6;

	if (family == AF_INET)
		assert_int_equal(inet_pton(AF_INET, text, &v4.sin_addr), 1);
	else
		assert_int_equal(inet_pton(AF_INET6, text, &v6.sin6_addr), 1);
	return sq_gate_check(g, addr, by_authority, NULL);
}

static void test_check(void **state)
{
	struct sockaddr local = { .sa_family = AF_UNIX };
	struct sq_gate *g = gate_of_world();
	bool by_authority = true;

	(void)state;
	assert_int_equal(check_sockaddr(g, AF_INET, "198.18.0.9", &by_authority), 0);
	assert_false(by_authority);
	assert_int_equal(check_sockaddr(g, AF_INET6, "::ffff:198.51.100.7", &by_authority), 0);
	assert_true(by_authority);
	assert_int_equal(check_sockaddr(g, AF_INET, "192.0.2.1", &by_authority), -EACCES);
	assert_int_equal(check_sockaddr(g, AF_INET, "0.0.0.0", &by_authority), -EACCES);
	assert_int_equal(check_sockaddr(g, AF_INET6, "::ffff:192.0.2.1", NULL), -EACCES);
	assert_int_equal(sq_gate_check(g, &local, NULL, NULL), -EACCES);
	sq_gate_free(g);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_loopback_alone),
		cmocka_unit_test(test_world_and_authority),
		cmocka_unit_test(test_everything_authorized),
		cmocka_unit_test(test_bad_ranges),
		cmocka_unit_test(test_check),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
