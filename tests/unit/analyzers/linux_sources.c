/* The sources of the group "linux" against the kernel itself, in a network namespace of the test's
 * own: what they say is what an independent little reader finds in the same files. */
#include <arpa/inet.h>
#include <net/if.h>
#include <netinet/in.h>
#include <sys/ioctl.h>
#include <sys/socket.h>

#include <errno.h>
#include <sched.h>

#include "analyzers/source.h"
#include "spool_bench.h"

enum { MAX_SOURCES = 64 };

struct reader { /* all sources of the group, as the capture has them */
	struct bench bench;
	void *states[MAX_SOURCES];
	unsigned numbers[MAX_SOURCES];
};

/* What a namespace that is just made, a user that is not root, or a kernel as it is often built or
 * booted may do without. */
static bool may_be_absent(const char *name)
{
	return strcmp(name, "process") == 0 || strcmp(name, "nic") == 0 ||
	       strcmp(name, "pressure") == 0 || strcmp(name, "conntrack") == 0 ||
	       (strcmp(name, "kernel_log") == 0 && geteuid() != 0);
}

static void reader_open(struct reader *r)
{
	bench_open(&r->bench);
	for (size_t i = 0; sq_sources[i]; i++) {
		struct sq_err err = { 0 };

		r->states[i] = NULL;
		if (!sq_sources[i]->group || strcmp(sq_sources[i]->group, "linux") != 0)
			continue;
		assert_in_range(i, 0, MAX_SOURCES - 1);
		r->numbers[i] = sq_sample_source(r->bench.sample, sq_sources[i]->kind.name);
		sq_sample_enter(r->bench.sample, r->numbers[i]);
		r->states[i] = malloc(sq_sources[i]->state_size);
		memset(r->states[i], 0, sq_sources[i]->state_size);
		if (sq_sources[i]->open(r->states[i], NULL, r->bench.sample, &err) == 0)
			continue;
		if (!may_be_absent(sq_sources[i]->kind.name))
			fail_msg("%s: %s: %s", sq_sources[i]->kind.name, err.where, err.text);
		print_message("%s is not here: %s: %s\n", sq_sources[i]->kind.name, err.where,
			      err.text);
		free(r->states[i]);
		r->states[i] = NULL;
	}
}

static void reader_tick(struct reader *r)
{
	sq_sample_begin(r->bench.sample, sq_now_ns());
	for (size_t i = 0; sq_sources[i]; i++) {
		if (!r->states[i])
			continue;
		sq_sample_enter(r->bench.sample, r->numbers[i]);
		sq_sample_leave(r->bench.sample,
				sq_sources[i]->sample(r->states[i], r->bench.sample));
	}
	assert_int_equal(sq_sample_end(r->bench.sample, sq_now_ns(), NULL), 0);
}

static json_t *reader_close(struct reader *r)
{
	for (size_t i = 0; sq_sources[i]; i++) {
		if (r->states[i] && sq_sources[i]->close)
			sq_sources[i]->close(r->states[i]);
		free(r->states[i]);
	}
	return bench_close(&r->bench);
}

/* "TcpExt", "ListenOverflows" out of a file of names and values; written apart from the code that
 * is tested. */
static long long read_table(const char *path, const char *table, const char *name)
{
	FILE *f = fopen(path, "r");
	char names[16384], values[16384];
	long long found = -1;

	assert_non_null(f);
	while (found < 0 && fgets(names, sizeof(names), f) && fgets(values, sizeof(values), f)) {
		char *at_n, *at_v, *n = strtok_r(names, " \n", &at_n),
				   *v = strtok_r(values, " \n", &at_v);

		if (strncmp(n, table, strlen(table)) != 0 || strcmp(n + strlen(table), ":") != 0)
			continue;
		while (n && v && found < 0) {
			if (strcmp(n, name) == 0)
				found = atoll(v);
			n = strtok_r(NULL, " \n", &at_n);
			v = strtok_r(NULL, " \n", &at_v);
		}
	}
	fclose(f);
	return found;
}

/* The number behind a word at a line's beginning. */
static int64_t read_single(const char *path, const char *word)
{
	FILE *f = fopen(path, "r");
	char line[65536];
	int64_t found = -1;

	assert_non_null(f);
	while (found < 0 && fgets(line, sizeof(line), f))
		if (strncmp(line, word, strlen(word)) == 0)
			found = atoll(line + strlen(word));
	fclose(f);
	return found;
}

static long long read_netstat(const char *name)
{
	return read_table("/proc/thread-self/net/netstat", "TcpExt", name);
}

static void loopback_up(void)
{
	struct ifreq req = { .ifr_name = "lo", .ifr_flags = IFF_UP };
	int fd = socket(AF_INET, SOCK_DGRAM, 0);

	assert_int_equal(ioctl(fd, SIOCSIFFLAGS, &req), 0);
	close(fd);
}

static int listener(int port, int backlog)
{
	struct sockaddr_in a = { .sin_family = AF_INET,
				 .sin_port = htons((uint16_t)port),
				 .sin_addr.s_addr = htonl(INADDR_ANY) };
	int fd = socket(AF_INET, SOCK_STREAM, 0), on = 1;

	setsockopt(fd, SOL_SOCKET, SO_REUSEPORT, &on, sizeof(on));
	assert_int_equal(bind(fd, (struct sockaddr *)&a, sizeof(a)), 0);
	assert_int_equal(listen(fd, backlog), 0);
	return fd;
}

static int listener6(int port, int backlog)
{
	struct sockaddr_in6 a = { .sin6_family = AF_INET6, .sin6_port = htons((uint16_t)port) };
	int fd = socket(AF_INET6, SOCK_STREAM, 0);

	assert_int_equal(bind(fd, (struct sockaddr *)&a, sizeof(a)), 0);
	assert_int_equal(listen(fd, backlog), 0);
	return fd;
}

static int connect_to(int port, int flags)
{
	struct sockaddr_in a = { .sin_family = AF_INET,
				 .sin_port = htons((uint16_t)port),
				 .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	int fd = socket(AF_INET, SOCK_STREAM | flags, 0);

	if (connect(fd, (struct sockaddr *)&a, sizeof(a)) == -1)
		assert_int_equal(errno, EINPROGRESS);
	return fd;
}

static void test_overflow_is_what_the_kernel_counted(void **state)
{
	struct reader r;
	long long before, rise, opens;
	int fds[40], server = listener(9001, 1);
	json_t *records;

	(void)state;
	reader_open(&r);
	before = read_netstat("ListenOverflows");
	opens = read_table("/proc/thread-self/net/snmp", "Tcp", "ActiveOpens");
	reader_tick(&r);
	for (size_t i = 0; i < 40; i++)
		fds[i] = connect_to(9001, SOCK_NONBLOCK);
	usleep(100000); /* the first retransmission comes after a second */
	reader_tick(&r);
	rise = read_netstat("ListenOverflows") - before;
	opens = read_table("/proc/thread-self/net/snmp", "Tcp", "ActiveOpens") - opens;
	for (size_t i = 0; i < 40; i++)
		close(fds[i]);
	close(server);
	records = reader_close(&r);
	/* The backlog and one more are let in; each other SYN is an overflow. */
	assert_int_equal(rise, 38);
	assert_int_equal(last_value(records, "TcpExt.ListenOverflows", NULL), rise);
	assert_int_equal(last_value(records, "TcpExt.ListenDrops", NULL), rise);
	assert_int_equal(last_value(records, "Tcp.ActiveOpens", NULL), opens);
	assert_int_equal(count_records(records, "gap"), 0);
	assert_int_equal(count_records(records, "restart"), 0);
	json_decref(records);
}

static void test_every_source_gives_its_rows(void **state)
{
	static const struct {
		const char *source, *metric, *instance;
	} want[] = {
		{ "snmp", "Udp.RcvbufErrors", NULL },
		{ "snmp", "Tcp.RetransSegs", NULL },
		{ "snmp", "Ip.InReceives", NULL },
		{ "netstat", "TcpExt.ListenDrops", NULL },
		{ "netstat", "IpExt.InOctets", NULL },
		{ "snmp6", "Ip6InReceives", NULL },
		{ "snmp6", "Udp6RcvbufErrors", NULL },
		{ "sockstat", "sockstat.TCP.orphan", NULL },
		{ "sockstat", "sockstat.TCP.mem", NULL },
		{ "softnet", "softnet.processed", "cpu0" },
		{ "softnet", "softnet.dropped", "cpu0" },
		{ "stat", "cpu.softirq", "cpu0" },
		{ "stat", "stat.ctxt", NULL },
		{ "meminfo", "mem.MemAvailable", NULL },
		{ "softirqs", "softirq.NET_RX", "cpu0" },
		{ "interrupts", "irq", "LOC" },
		{ "files", "file.allocated", NULL },
		{ "link", "link.rx_dropped", "lo" },
		{ "neighbour", "neighbour.table_fulls", "arp_cache" },
		{ "queues", "tcp.established", NULL },
		{ "sockstat6", "sockstat.TCP6.inuse", NULL },
	};
	struct reader r;
	json_t *records;

	(void)state;
	reader_open(&r);
	reader_tick(&r);
	records = reader_close(&r);
	for (size_t i = 0; i < sizeof(want) / sizeof(want[0]); i++) {
		json_t *m = find_metric(records, want[i].metric, want[i].instance);

		if (!m)
			fail_msg("no %s", want[i].metric);
		assert_string_equal(record_text(m, "source"), want[i].source);
		assert_int_not_equal(last_value(records, want[i].metric, want[i].instance),
				     NOT_THERE);
	}
	json_decref(records);
}

static void test_datagrams_and_sockets(void **state)
{
	struct sockaddr_in a = { .sin_family = AF_INET, .sin_port = htons(9009) };
	int fd = socket(AF_INET, SOCK_DGRAM, 0);
	struct reader r;
	json_t *records;

	(void)state;
	a.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	reader_open(&r);
	reader_tick(&r);
	/* Nobody listens: NoPorts, and an ICMP row of the kernel that appears only now. */
	for (int i = 0; i < 25; i++)
		sendto(fd, "x", 1, 0, (struct sockaddr *)&a, sizeof(a));
	reader_tick(&r);
	close(fd);
	records = reader_close(&r);
	assert_int_equal(last_value(records, "Udp.OutDatagrams", NULL), 25);
	assert_int_equal(last_value(records, "Udp.NoPorts", NULL), 25);
	assert_int_equal(last_value(records, "IcmpMsg.OutType3", NULL),
			 last_value(records, "Icmp.OutDestUnreachs", NULL));
	assert_in_range(last_value(records, "IcmpMsg.OutType3", NULL), 1, 25);
	json_decref(records);
}

static void test_accept_queue(void **state)
{
	struct reader r;
	json_t *records, *queue;
	int server = listener(9000, 5), fds[3];

	(void)state;
	reader_open(&r);
	reader_tick(&r);
	for (size_t i = 0; i < 3; i++)
		fds[i] = connect_to(9000, 0);
	reader_tick(&r);
	close(accept(server, NULL, NULL));
	reader_tick(&r);
	close(server);
	reader_tick(&r);
	for (size_t i = 0; i < 3; i++)
		close(fds[i]);
	records = reader_close(&r);
	queue = find_metric(records, "listen.queue", "0.0.0.0:9000");
	assert_non_null(queue);
	assert_string_equal(record_text(queue, "kind"), "gauge");
	assert_string_equal(record_text(queue, "unit"), "connections");
	for (size_t i = 0; i < 4; i++) {
		static const int64_t want[] = { 0, 3, 2, 0 };

		assert_int_equal(tick_value(nth_record(records, "tick", i), record_int(queue, "i")),
				 want[i]);
	}
	queue = find_metric(records, "listen.backlog", "0.0.0.0:9000");
	assert_int_equal(tick_value(nth_record(records, "tick", 0), record_int(queue, "i")), 5);
	json_decref(records);
}

static void test_listeners_that_come_late_or_share(void **state)
{
	struct reader r;
	json_t *records;
	int a, b, six, fds[6];

	(void)state;
	reader_open(&r);
	reader_tick(&r);
	a = listener(9002, 7);
	b = listener(9002, 7);
	six = listener6(9003, 9);
	for (size_t i = 0; i < 6; i++)
		fds[i] = connect_to(9002, 0);
	reader_tick(&r);
	for (size_t i = 0; i < 6; i++)
		close(fds[i]);
	close(a);
	close(b);
	close(six);
	records = reader_close(&r);
	assert_int_equal(last_value(records, "listen.queue", "0.0.0.0:9002"), 6);
	assert_int_equal(last_value(records, "listen.backlog", "0.0.0.0:9002"), 14);
	assert_int_equal(last_value(records, "listen.queue", "[::]:9003"), 0);
	assert_int_equal(last_value(records, "listen.backlog", "[::]:9003"), 9);
	json_decref(records);
}

/* More listeners than fit in one answer of the kernel. */
static void test_many_listeners(void **state)
{
	enum { MANY = 900 };
	int fds[MANY];
	struct reader r;
	json_t *records;

	(void)state;
	reader_open(&r);
	for (int i = 0; i < MANY; i++)
		fds[i] = listener(10000 + i, 1 + i);
	reader_tick(&r);
	for (int i = 0; i < MANY; i++)
		close(fds[i]);
	records = reader_close(&r);
	for (int i = 0; i < MANY; i++) {
		char address[32];

		snprintf(address, sizeof(address), "0.0.0.0:%d", 10000 + i);
		assert_int_equal(last_value(records, "listen.backlog", address), 1 + i);
	}
	json_decref(records);
}

/* What the machine does is counted while it is watched: no more than what an independent reader sees
 * before and after. */
static void test_the_machine(void **state)
{
	int64_t ctxt, processes, files;
	int fds[200];
	struct reader r;
	json_t *records;

	(void)state;
	reader_open(&r);
	reader_tick(&r);
	ctxt = read_single("/proc/stat", "ctxt");
	processes = read_single("/proc/stat", "processes");
	for (size_t i = 0; i < 200; i++)
		fds[i] = socket(AF_INET, SOCK_DGRAM, 0);
	assert_int_equal(system("true"), 0); /* NOLINT(cert-env33-c) */
	ctxt = read_single("/proc/stat", "ctxt") - ctxt;
	processes = read_single("/proc/stat", "processes") - processes;
	reader_tick(&r);
	files = read_single("/proc/sys/fs/file-nr", "");
	for (size_t i = 0; i < 200; i++)
		close(fds[i]);
	records = reader_close(&r);
	assert_true(processes >= 1 && last_value(records, "stat.processes", NULL) >= processes);
	assert_true(last_value(records, "stat.ctxt", NULL) >= ctxt);
	assert_int_equal(last_value(records, "mem.MemTotal", NULL),
			 read_single("/proc/meminfo", "MemTotal:") * 1024);
	assert_in_range(last_value(records, "file.allocated", NULL), files - 200, files + 2000);
	assert_true(last_value(records, "file.allocated", NULL) >= 200);
	assert_int_equal(count_records(records, "gap"), 0);
	assert_int_equal(count_records(records, "restart"), 0);
	json_decref(records);
}

static void test_kinds(void **state)
{
	const struct sq_kind *const *kinds = sq_source_kinds();
	size_t n = 0;

	(void)state;
	assert_ptr_equal(kinds[0], &sq_source_group_linux);
	assert_string_equal(kinds[0]->name, "linux");
	assert_ptr_equal(kinds, sq_source_kinds());
	for (; sq_sources[n]; n++) {
		assert_ptr_equal(kinds[n + 1], &sq_sources[n]->kind);
		assert_non_null(kinds[n + 1]->summary);
	}
	assert_null(kinds[n + 1]);
	assert_true(n >= 6);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_overflow_is_what_the_kernel_counted),
		cmocka_unit_test(test_every_source_gives_its_rows),
		cmocka_unit_test(test_datagrams_and_sockets),
		cmocka_unit_test(test_accept_queue),
		cmocka_unit_test(test_listeners_that_come_late_or_share),
		cmocka_unit_test(test_many_listeners),
		cmocka_unit_test(test_the_machine),
		cmocka_unit_test(test_kinds),
	};

	if (unshare(CLONE_NEWNET) == -1 && unshare(CLONE_NEWUSER | CLONE_NEWNET) == -1) {
		perror("unshare(CLONE_NEWNET), which these tests need");
		return 1;
	}
	loopback_up();
	return cmocka_run_group_tests(tests, NULL, NULL);
}
