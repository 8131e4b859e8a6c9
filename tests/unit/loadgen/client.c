/* A client's sockets: which source each number gets, and what a source that is not there is called. */
#include "loadgen/engine/client.h"

#include <netinet/in.h>
#include <sys/socket.h>

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <unistd.h>

#include <cmocka.h>

static struct sq_load_plan load_from(const char *source)
{
	struct sq_load_plan load = { 0 };
	struct sq_ip to;

	assert_int_equal(sq_sources_add(&load.sources, source, "source", NULL), 0);
	assert_int_equal(
		sq_ip_parse(load.sources.v[0].first.family == AF_INET ? "127.0.0.1" : "::1", &to),
		0);
	sq_target_make(&load.target, &to, 53);
	return load;
}

static void assert_source(const struct sq_load_plan *load, int type, uint64_t i, const char *want)
{
	int fd = sq_client_socket(load, &load->target, type, i);
	struct sq_target got = { .len = sizeof(got.addr) };
	char address[INET6_ADDRSTRLEN];
	struct sq_ip ip;

	assert_true(fd >= 0);
	assert_int_equal(getsockname(fd, (struct sockaddr *)&got.addr, &got.len), 0);
	assert_int_equal(sq_ip_from_sockaddr((const struct sockaddr *)&got.addr, &ip), 0);
	sq_ip_format(&ip, address);
	assert_string_equal(address, want);
	/* A stream's port is chosen by connect(2). */
	assert_int_equal(sq_client_port(fd) == 0, type == SOCK_STREAM);
	close(fd);
}

static void test_turns(void **state)
{
	static const int types[] = { SOCK_DGRAM, SOCK_STREAM };
	struct sq_load_plan load = load_from("127.1.0.254-127.1.1.1");

	(void)state;
	for (size_t i = 0; i < 2; i++) {
		assert_source(&load, types[i], 0, "127.1.0.254");
		assert_source(&load, types[i], 2, "127.1.1.0");
		assert_source(&load, types[i], 7, "127.1.1.1");
	}
	sq_sources_fini(&load.sources);
}

static void test_not_here(void **state)
{
	static const char *const sources[] = { "198.51.100.7", "2001:db8::7" };

	(void)state;
	for (size_t i = 0; i < 2; i++) {
		struct sq_load_plan load = load_from(sources[i]);

		assert_int_equal(sq_client_socket(&load, &load.target, SOCK_DGRAM, 0),
				 -EADDRNOTAVAIL);
		assert_int_equal(sq_client_socket(&load, &load.target, SOCK_STREAM, 0),
				 -EADDRNOTAVAIL);
		sq_sources_fini(&load.sources);
	}
}

/* Lanes share the turns: none is taken twice. */
static void test_numbers(void **state)
{
	const struct sq_load_spec spec = { .threads = 3 };
	const struct sq_load_plan load = { .spec = &spec };
	bool taken[30] = { false };

	(void)state;
	for (unsigned lane = 0; lane < 3; lane++)
		for (uint64_t i = 0; i < 10; i++) {
			uint64_t number = sq_client_number(&load, lane, i);

			assert_true(number < 30 && !taken[number]);
			taken[number] = true;
		}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_turns),
		cmocka_unit_test(test_not_here),
		cmocka_unit_test(test_numbers),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
