/* The source "udp" against the protocol's counters and the sockets' own settings. */
#include <net/if.h>

#include "source_bench.h"

static int server(int port, int rcvbuf, bool share)
{
	struct sockaddr_in a = loopback(port);
	int fd = socket(AF_INET, SOCK_DGRAM, 0), on = 1;

	if (rcvbuf)
		setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &rcvbuf, sizeof(rcvbuf));
	if (share)
		setsockopt(fd, SOL_SOCKET, SO_REUSEPORT, &on, sizeof(on));
	assert_int_equal(bind(fd, (struct sockaddr *)&a, sizeof(a)), 0);
	return fd;
}

static int option(int fd, int name)
{
	int value = -1;
	socklen_t size = sizeof(value);

	assert_int_equal(getsockopt(fd, SOL_SOCKET, name, &value, &size), 0);
	return value;
}

/* A socket's rx_queue in /proc/net/udp, which has it in hexadecimal behind the tx_queue. */
static long rx_queue(int port)
{
	FILE *f = fopen("/proc/thread-self/net/udp", "r");
	char line[512], address[32];
	long found = -1;

	assert_non_null(f);
	snprintf(address, sizeof(address), ":%04X ", (unsigned)port);
	while (found < 0 && fgets(line, sizeof(line), f)) {
		char *tx = strstr(line, " 07 ");

		if (strstr(line, address) && tx)
			found = strtol(strchr(tx, ':') + 1, NULL, 16);
	}
	fclose(f);
	return found;
}

static void test_drops_of_a_small_buffer(void **state)
{
	struct probe p;
	json_t *records;
	long long errors = udp_counter(UDP_RCVBUF_ERRORS), queue, rcvbuf, sndbuf;
	int fd = socket(AF_INET, SOCK_DGRAM, 0), s = server(9100, 4096, false);

	(void)state;
	send_datagrams(fd, 9100, 40); /* some drops before the first reading are not counted */
	assert_true(udp_counter(UDP_RCVBUF_ERRORS) > errors);
	errors = udp_counter(UDP_RCVBUF_ERRORS);
	probe_open(&p, "udp");
	probe_tick(&p);
	send_datagrams(fd, 9100, 1000);
	probe_tick(&p);
	errors = udp_counter(UDP_RCVBUF_ERRORS) - errors;
	queue = rx_queue(9100);
	rcvbuf = option(s, SO_RCVBUF);
	sndbuf = option(s, SO_SNDBUF);
	close(s);
	close(fd);
	records = probe_close(&p);
	assert_int_equal(errors, 1000);
	assert_int_equal(last_value(records, "udp.drops", "127.0.0.1:9100"), errors);
	assert_true(queue > 0);
	assert_int_equal(last_value(records, "udp.rx_queue", "127.0.0.1:9100"), queue);
	assert_int_equal(last_value(records, "udp.rcvbuf", "127.0.0.1:9100"), rcvbuf);
	assert_int_equal(last_value(records, "udp.tx_queue", "127.0.0.1:9100"), 0);
	assert_int_equal(last_value(records, "udp.sndbuf", "127.0.0.1:9100"), sndbuf);
	json_decref(records);
}

/* Their sum, also when one of them goes and another comes: it never falls. */
static void test_sockets_that_share_an_address(void **state)
{
	struct probe p;
	json_t *records;
	long long errors;
	int a = server(9101, 8192, true), b = server(9101, 4096, true);

	(void)state;
	probe_open(&p, "udp");
	probe_tick(&p);
	errors = udp_counter(UDP_RCVBUF_ERRORS);
	for (int i = 0; i < 300; i++) { /* a port each, so that both get some */
		int fd = socket(AF_INET, SOCK_DGRAM, 0);

		send_datagrams(fd, 9101, 1);
		close(fd);
	}
	probe_tick(&p);
	close(b);
	probe_tick(&p);
	b = server(9101, 16384, true);
	for (int i = 0; i < 300; i++) {
		int fd = socket(AF_INET, SOCK_DGRAM, 0);

		send_datagrams(fd, 9101, 1);
		close(fd);
	}
	probe_tick(&p);
	errors = udp_counter(UDP_RCVBUF_ERRORS) - errors;
	close(a);
	close(b);
	probe_tick(&p);
	records = probe_close(&p);
	assert_true(errors > 500);
	assert_int_equal(last_value(records, "udp.drops", "127.0.0.1:9101"), errors);
	assert_int_equal(count_records(records, "restart"), 0);
	/* The smallest: first of both, then of the one that stayed, whose limit it keeps. */
	for (size_t i = 0; i < 3; i++) {
		static const int64_t want[] = { 8192, NOT_THERE, 16384 };

		assert_int_equal(
			tick_value(nth_record(records, "tick", i),
				   record_int(find_metric(records, "udp.rcvbuf", "127.0.0.1:9101"),
					      "i")),
			want[i]);
	}
	assert_int_equal(last_value(records, "udp.rcvbuf", "127.0.0.1:9101"), 16384);
	assert_int_equal(last_value(records, "udp.rx_queue", "127.0.0.1:9101"), 0);
	json_decref(records);
}

static void test_which_sockets_have_rows(void **state)
{
	struct sockaddr_in6 six = { .sin6_family = AF_INET6, .sin6_port = htons(9102) };
	struct sockaddr_in peer = loopback(9103);
	struct probe p;
	json_t *records;
	int v6 = socket(AF_INET6, SOCK_DGRAM, 0), unbound = socket(AF_INET, SOCK_DGRAM, 0);
	int any = server(9103, 0, false), here = server(9104, 0, false);
	int connected = server(9105, 0, false);

	(void)state;
	assert_int_equal(bind(v6, (struct sockaddr *)&six, sizeof(six)), 0);
	assert_int_equal(setsockopt(here, SOL_SOCKET, SO_BINDTODEVICE, "lo", 3), 0);
	assert_int_equal(connect(connected, (struct sockaddr *)&peer, sizeof(peer)), 0);
	probe_open(&p, "udp");
	probe_tick(&p);
	close(v6);
	close(unbound);
	close(any);
	close(here);
	close(connected);
	records = probe_close(&p);
	assert_int_equal(last_value(records, "udp.drops", "[::]:9102"), 0);
	assert_int_equal(last_value(records, "udp.drops", "127.0.0.1:9103"), 0);
	assert_int_equal(last_value(records, "udp.drops", "127.0.0.1%lo:9104"), 0);
	assert_int_equal(count_records(records, "metric"), 1 + 3 * 5);
	json_decref(records);
}

static long long tick_of(const json_t *records, size_t tick, const char *metric,
			 const char *instance)
{
	return tick_value(nth_record(records, "tick", tick),
			  record_int(find_metric(records, metric, instance), "i"));
}

/* A namespace without sockets is not asked for them; those that come are seen at the next reading, of either
 * family, with all that they dropped before it. */
static void test_sockets_that_come_and_go(void **state)
{
	struct sockaddr_in6 six = { .sin6_family = AF_INET6, .sin6_port = htons(9106) };
	int fd = socket(AF_INET, SOCK_DGRAM, 0), size = 4096;
	long long errors = udp_counter(UDP_RCVBUF_ERRORS), dropped;
	struct probe p;
	json_t *records;

	(void)state;
	probe_open(&p, "udp");
	probe_tick(&p);
	for (int round = 0; round < 2; round++) {
		int v6 = socket(AF_INET6, SOCK_DGRAM, 0);

		setsockopt(v6, SOL_SOCKET, SO_RCVBUF, &size, sizeof(size));
		assert_int_equal(bind(v6, (struct sockaddr *)&six, sizeof(six)), 0);
		send_datagrams(fd, 9106, 50);
		probe_tick(&p);
		close(v6);
		probe_tick(&p);
		probe_tick(&p);
	}
	close(fd);
	dropped = udp_counter(UDP_RCVBUF_ERRORS) - errors;
	records = probe_close(&p);
	assert_true(dropped > 20);
	assert_int_equal(last_value(records, "udp.drops", "[::]:9106"), dropped);
	for (size_t tick = 0; tick < 6; tick++) { /* fd has a port from its first datagram on */
		static const int64_t want[] = { 0, 2, 1, NOT_THERE, 2, 1 };

		assert_int_equal(tick_of(records, tick, "udp.sockets", NULL), want[tick]);
	}
	json_decref(records);
}

/* So many addresses that the last are one row; none of their drops is lost. */
static void test_more_addresses_than_rows(void **state)
{
	enum { MAX_ADDRESSES = 4096, AT_ONCE = 500, ROUNDS = 9 };
	struct probe p;
	json_t *records;
	long long errors = udp_counter(UDP_RCVBUF_ERRORS);
	int fd = socket(AF_INET, SOCK_DGRAM, 0), fds[AT_ONCE];

	(void)state;
	probe_open(&p, "udp");
	probe_tick(&p);
	for (int round = 0; round < ROUNDS; round++) {
		for (int i = 0; i < AT_ONCE; i++)
			fds[i] = server(10000 + round * AT_ONCE + i, 0, false);
		probe_tick(&p);
		close(fds[0]);
		fds[0] = server(20000 + round, 2048, false);
		send_datagrams(fd, 20000 + round, 20);
		probe_tick(&p);
		for (int i = 0; i < AT_ONCE; i++)
			close(fds[i]);
	}
	probe_tick(&p);
	close(fd);
	errors = udp_counter(UDP_RCVBUF_ERRORS) - errors;
	records = probe_close(&p);
	assert_int_equal(count_records(records, "metric"), 1 + (MAX_ADDRESSES + 1) * 5);
	assert_in_range(errors, ROUNDS * 10, ROUNDS * 20);
	for (int round = 0; round < ROUNDS - 1; round++) {
		char address[32];

		snprintf(address, sizeof(address), "127.0.0.1:%d", 20000 + round);
		errors -= last_value(records, "udp.drops", address);
	}
	assert_true(errors > 10);
	assert_int_equal(last_value(records, "udp.drops", "others"), errors);
	assert_int_equal(last_value(records, "udp.rx_queue", "others"), 0);
	json_decref(records);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_drops_of_a_small_buffer),
		cmocka_unit_test(test_sockets_that_share_an_address),
		cmocka_unit_test(test_which_sockets_have_rows),
		cmocka_unit_test(test_sockets_that_come_and_go),
		cmocka_unit_test(test_more_addresses_than_rows),
	};

	if (!enter_namespace())
		return 1;
	return cmocka_run_group_tests(tests, NULL, NULL);
}
