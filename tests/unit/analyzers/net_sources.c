/* Sources that ask the kernel over netlink, or read what only a namespace of their own makes certain,
 * against what was done there. */
#include <unistd.h>

#include "source_bench.h"

static int tcp_listen(int port)
{
	struct sockaddr_in a = loopback(port);
	int fd = socket(AF_INET, SOCK_STREAM, 0);

	assert_int_equal(bind(fd, (struct sockaddr *)&a, sizeof(a)), 0);
	assert_int_equal(listen(fd, 64), 0);
	return fd;
}

static int tcp_connect(int port)
{
	struct sockaddr_in a = loopback(port);
	int fd = socket(AF_INET, SOCK_STREAM, 0);

	assert_int_equal(connect(fd, (struct sockaddr *)&a, sizeof(a)), 0);
	return fd;
}

/* What a shell command prints, a number. */
static long long number_by(const char *command)
{
	FILE *f = popen(command, "r"); /* NOLINT(cert-env33-c) */
	long long v = -1;

	assert_non_null(f);
	if (fscanf(f, "%lld", &v) != 1) /* NOLINT(cert-err34-c) */
		v = -1;
	pclose(f);
	return v;
}

static void test_queues(void **state)
{
	char bytes[1000] = { 0 };
	int server = tcp_listen(9000), a, b, c;
	struct probe p;
	json_t *records;

	(void)state;
	probe_open(&p, "queues");
	a = tcp_connect(9000);
	b = accept(server, NULL, NULL);
	c = tcp_connect(
		9000); /* nobody accepts it: it is established all the same, at its own end */
	assert_int_equal(write(a, bytes, sizeof(bytes)), sizeof(bytes));
	usleep(50000);
	probe_tick(&p);
	records = probe_close(&p);
	assert_int_equal(last_value(records, "tcp.recv_q", NULL), 1000);
	assert_int_equal(last_value(records, "tcp.send_q", NULL), 0);
	assert_in_range(last_value(records, "tcp.established", NULL), 3, 4);
	json_decref(records);
	close(a);
	close(b);
	close(c);
	close(server);
}

/* Its interval follows its cost, so of many ticks at once only the first reads. */
static void test_queues_are_thrifty(void **state)
{
	struct probe p;
	int server = tcp_listen(9000), a;
	json_t *records;

	(void)state;
	probe_open(&p, "queues");
	probe_tick(&p);
	a = tcp_connect(9000);
	for (int i = 0; i < 3; i++)
		probe_tick(&p);
	usleep(500000); /* more than 500 times what an empty list costs */
	probe_tick(&p);
	records = probe_close(&p);
	assert_int_equal(tick_value(nth_record(records, "tick", 0),
				    record_int(find_metric(records, "tcp.established", NULL), "i")),
			 0);
	assert_true(last_value(records, "tcp.established", NULL) >= 1);
	json_decref(records);
	close(a);
	close(server);
}

static void test_link(void **state)
{
	int fd = socket(AF_INET, SOCK_DGRAM, 0);
	long long packets, bytes;
	struct probe p;
	json_t *records, *m;

	(void)state;
	must("ip link add v0 type veth peer name v1 && ip link set v0 up");
	probe_open(&p, "link");
	probe_tick(&p);
	packets = number_by("awk '/lo:/ {print $3}' /proc/net/dev");
	bytes = number_by("awk '/lo:/ {print $2}' /proc/net/dev");
	send_datagrams(fd, 9, 50);
	packets = number_by("awk '/lo:/ {print $3}' /proc/net/dev") - packets;
	bytes = number_by("awk '/lo:/ {print $2}' /proc/net/dev") - bytes;
	probe_tick(&p);
	must("ip link add v2 type veth peer name v3");
	probe_tick(&p);
	must("ip link del v0 && ip link del v2");
	probe_tick(&p);
	records = probe_close(&p);
	assert_true(packets >= 50);
	assert_int_equal(last_value(records, "link.rx_packets", "lo"), packets);
	assert_int_equal(last_value(records, "link.tx_packets", "lo"), packets);
	assert_int_equal(last_value(records, "link.rx_bytes", "lo"), bytes);
	assert_int_equal(last_value(records, "link.rx_dropped", "v0"), 0);
	m = find_metric(records, "link.tx_errors", "v3");
	assert_non_null(m);
	assert_string_equal(record_text(m, "unit"), "packets");
	assert_string_equal(record_text(m, "kind"), "counter");
	json_decref(records);
	close(fd);
}

static void test_neighbour(void **state)
{
	long long entries;
	struct probe p;
	json_t *records, *m;

	(void)state;
	must("ip link add v0 type veth peer name v1 && ip link set v0 up && ip link set v1 up");
	must("ip address add 198.18.0.1/16 dev v0");
	probe_open(&p, "neighbour");
	probe_tick(&p);
	must("for i in 1 2 3 4 5 6 7 8; do ip neigh add 198.18.1.$i lladdr 02:00:00:00:00:01 dev v0; done");
	entries = number_by("ip neigh show nud permanent | wc -l");
	probe_tick(&p);
	must("ip link del v0");
	records = probe_close(&p);
	assert_int_equal(entries, 8);
	/* The table is the whole machine's. */
	assert_true(last_value(records, "neighbour.entries", "arp_cache") >= 8);
	assert_true(last_value(records, "neighbour.allocs", "arp_cache") >= 8);
	assert_true(last_value(records, "neighbour.gc_thresh3", "arp_cache") > 0);
	assert_true(last_value(records, "neighbour.table_fulls", "arp_cache") >= 0);
	assert_int_not_equal(last_value(records, "neighbour.table_fulls", "ndisc_cache"),
			     NOT_THERE);
	m = find_metric(records, "neighbour.entries", "arp_cache");
	assert_string_equal(record_text(m, "kind"), "gauge");
	json_decref(records);
}

static void test_conntrack(void **state)
{
	int server = tcp_listen(9000), fds[10];
	struct probe p;
	json_t *records;

	(void)state;
	probe_open(&p, "conntrack");
	must("nft add table inet t '{ chain c { type filter hook output priority 0; ct state new counter; }; }'");
	probe_tick(&p);
	for (size_t i = 0; i < 10; i++)
		fds[i] = tcp_connect(9000);
	probe_tick(&p);
	records = probe_close(&p);
	assert_int_equal(last_value(records, "conntrack.entries", NULL), 10);
	assert_true(last_value(records, "conntrack.max", NULL) > 0);
	assert_int_equal(last_value(records, "conntrack.drop", NULL), 0);
	json_decref(records);
	for (size_t i = 0; i < 10; i++)
		close(fds[i]);
	close(server);
	must("nft delete table inet t");
}

static void test_sockstat6(void **state)
{
	struct probe p;
	json_t *records;
	int a, b;

	(void)state;
	probe_open(&p, "sockstat6");
	probe_tick(&p);
	a = socket(AF_INET6, SOCK_STREAM, 0);
	b = socket(AF_INET6, SOCK_STREAM, 0);
	assert_int_equal(listen(a, 1), 0); /* what has no port is in no table */
	assert_int_equal(listen(b, 1), 0);
	probe_tick(&p);
	records = probe_close(&p);
	assert_int_equal(last_value(records, "sockstat.TCP6.inuse", NULL), 2);
	json_decref(records);
	close(a);
	close(b);
}

/* Multipath TCP between two sockets of it; what the kernel itself says is the same. */
static void test_mptcp(void **state)
{
	struct sockaddr_in a = loopback(9010);
	int server = socket(AF_INET, SOCK_STREAM, IPPROTO_MPTCP), client, served;
	struct probe p;
	json_t *records;

	(void)state;
	if (server == -1)
		fail_msg("no multipath TCP here: %s", strerror(errno));
	assert_int_equal(bind(server, (struct sockaddr *)&a, sizeof(a)), 0);
	assert_int_equal(listen(server, 8), 0);
	probe_open(&p, "netstat");
	probe_tick(&p);
	client = socket(AF_INET, SOCK_STREAM, IPPROTO_MPTCP);
	assert_int_equal(connect(client, (struct sockaddr *)&a, sizeof(a)), 0);
	served = accept(server, NULL, NULL);
	assert_int_equal(write(client, "x", 1), 1);
	assert_int_equal(read(served, &a, 1), 1);
	probe_tick(&p);
	records = probe_close(&p);
	assert_int_equal(last_value(records, "MPTcpExt.MPCapableSYNRX", NULL), 1);
	assert_int_equal(last_value(records, "MPTcpExt.MPCapableACKRX", NULL), 1);
	assert_int_equal(last_value(records, "MPTcpExt.MPCapableFallbackACK", NULL), 0);
	assert_int_equal(last_value(records, "MPTcpExt.MPCurrEstab", NULL), 2);
	json_decref(records);
	close(client);
	close(served);
	close(server);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_queues),    cmocka_unit_test(test_queues_are_thrifty),
		cmocka_unit_test(test_link),      cmocka_unit_test(test_neighbour),
		cmocka_unit_test(test_conntrack), cmocka_unit_test(test_sockstat6),
		cmocka_unit_test(test_mptcp),
	};

	if (!enter_namespace())
		return 1;
	return cmocka_run_group_tests(tests, NULL, NULL);
}
