/* A world of two hosts on the real kernel, as root and as an ordinary user: what was asked for is
 * there when seen from inside, and nothing has been sent before the run. */
#include <arpa/inet.h>
#include <sys/mount.h>
#include <sys/socket.h>

#include <sched.h>

#include "base/clock.h"
#include "tests/unit/scenarios/world_lab.h"

enum { PORT = 9000 };

static struct sq_world *build(struct lab *lab)
{
	struct sq_err err = { 0 };
	struct sq_world *w = sq_world_build(&lab->plan, &err);

	CHECK(w, "%s: %s", err.where, err.text);
	return w;
}

/* In a child, as every process of a run enters its host. */
static pid_t child_in(const struct sq_world *w, size_t host, void (*fn)(const void *),
		      const void *arg)
{
	struct sq_err err = { 0 };
	pid_t pid = fork();

	if (pid)
		return pid;
	CHECK(sq_world_enter(w, host, &err) == 0, "%s", err.text);
	fn(arg);
	exit(0);
}

static socklen_t address(const char *text, struct sockaddr_storage *ret)
{
	struct sockaddr_in *v4 = (struct sockaddr_in *)ret;
	struct sockaddr_in6 *v6 = (struct sockaddr_in6 *)ret;

	*ret = (struct sockaddr_storage){ 0 };
	if (inet_pton(AF_INET, text, &v4->sin_addr) == 1) {
		v4->sin_family = AF_INET;
		v4->sin_port = htons(PORT);
		return sizeof(*v4);
	}
	CHECK(inet_pton(AF_INET6, text, &v6->sin6_addr) == 1);
	v6->sin6_family = AF_INET6;
	v6->sin6_port = htons(PORT);
	return sizeof(*v6);
}

/* A server takes one connection after a while, so that its port has to be waited for. */
static void serve(const void *text)
{
	struct sockaddr_storage sa;
	socklen_t len = address(text, &sa);
	int fd = socket(sa.ss_family, SOCK_STREAM, 0);

	sq_sleep_until(sq_now_ns() + 50 * SQ_MS);
	CHECK(bind(fd, (struct sockaddr *)&sa, len) == 0, "%s", strerror(errno));
	CHECK(listen(fd, 8) == 0);
	CHECK(accept(fd, NULL, NULL) >= 0, "%s", strerror(errno));
	close(fd);
}

static void connect_to(const void *text)
{
	struct sockaddr_storage sa;
	socklen_t len = address(text, &sa);
	int fd = socket(sa.ss_family, SOCK_STREAM, 0);
	struct timeval limit = { .tv_sec = 2 };

	setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &limit, sizeof(limit));
	CHECK(connect(fd, (struct sockaddr *)&sa, len) == 0, "%s: %s", (const char *)text,
	      strerror(errno));
	close(fd);
}

static void check_connection(const struct sq_world *w, const char *text)
{
	struct sq_err err = { 0 };
	pid_t server = child_in(w, SERVER, serve, text);

	CHECK(sq_world_wait_port(w, SERVER, PORT, server, 5 * SQ_SEC, &err) == 0, "%s", err.text);
	CHECK(status_of(child_in(w, CLIENT, connect_to, text)) == 0);
	CHECK(status_of(server) == 0);
}

struct words {
	const char *command;
	const char *word[4];
};

static void check_words(const void *arg)
{
	const struct words *words = arg;
	FILE *f = popen(words->command, "r");
	char text[4096];
	size_t len;

	CHECK(f);
	len = fread(text, 1, sizeof(text) - 1, f);
	text[len] = '\0';
	pclose(f);
	for (size_t i = 0; i < 4 && words->word[i]; i++)
		CHECK(strstr(text, words->word[i]), "no %s in: %s", words->word[i], text);
}

static void full_world(void *arg)
{
	static char *extra[] = { TEXT("198.18.7.1/16"), TEXT("fd00:198::2/64") };
	static char *extra_client[] = { TEXT("fd00:198::1/64") };
	static char *rules[] = { TEXT(
		"table inet lab { chain in { type filter hook input priority 0; "
		"tcp dport 9999 counter drop; }\n}") };
	static struct sq_pair sysctls[] = {
		{ TEXT("net.core.somaxconn"), TEXT("77") },
		{ TEXT("net/ipv4/tcp_rmem"), TEXT("4096 8192 16384") },
		{ TEXT("net.ipv4.conf.default.log_martians"), TEXT("1") },
		{ TEXT("net.ipv4.conf.server/0.tag"), TEXT("5") },
	};
	static const struct words qdisc = { "tc -s qdisc show dev server.0",
					    { "tbf", "rate 400Kbit", "burst 1600b", "Sent" } };
	static const struct words rule = { "nft list ruleset", { "tcp dport 9999 counter" } };
	static const struct words values = {
		"cat /proc/sys/net/core/somaxconn /proc/sys/net/ipv4/tcp_rmem "
		"/proc/sys/net/ipv4/conf/server.0/log_martians "
		"/proc/sys/net/ipv4/conf/server.0/tag",
		{ "77\n4096\t8192\t16384\n1\n5\n" },
	};
	static const struct words addresses = { "ip addr show dev server.0; ip link show dev lo",
						{ "198.18.0.2/16", "198.18.7.1/16",
						  "fd00:198::2/64", "LOOPBACK,UP" } };
	static const struct words unshaped = { "tc qdisc show dev client.0", { "noqueue" } };
	struct lab lab;
	struct sq_world *w;

	(void)arg;
	lab_init(&lab);
	lab.specs[SERVER].addresses = (struct sq_strings){ extra, 2 };
	lab.specs[CLIENT].addresses = (struct sq_strings){ extra_client, 1 };
	lab.specs[SERVER].nft = (struct sq_strings){ rules, 1 };
	lab.specs[SERVER].sysctl = (struct sq_pairs){ sysctls, 4 };
	lab.link_spec.shape = (struct sq_shape_spec){ 400000, 1600, 200000, TEXT("server") };
	w = build(&lab);
	CHECK(status_of(child_in(w, SERVER, check_words, &qdisc)) == 0);
	CHECK(status_of(child_in(w, CLIENT, check_words, &unshaped)) == 0);
	CHECK(status_of(child_in(w, SERVER, check_words, &rule)) == 0);
	CHECK(status_of(child_in(w, SERVER, check_words, &values)) == 0);
	CHECK(status_of(child_in(w, SERVER, check_words, &addresses)) == 0);
	check_connection(w, "198.18.0.2");
	check_connection(w, "198.18.7.1");
	check_connection(w, "fd00:198::2");
	sq_world_free(w);
}

static void test_full_world(void **state)
{
	(void)state;
	assert_int_equal(in_keeper(0, full_world, NULL), 0);
	assert_int_equal(in_keeper(NOBODY, full_world, NULL), 0);
}

/* Both hosts' counters start at nothing: what a report shows is the run's. */
static void check_silence(const void *arg)
{
	char text[16384];
	unsigned long long sent = 1;

	(void)arg;
	sq_sleep_until(sq_now_ns() + 1500 * SQ_MS);
	read_file("/proc/thread-self/net/snmp6", text, sizeof(text));
	CHECK(sscanf(strstr(text, "Ip6OutRequests"), "%*s %llu", &sent) == 1);
	CHECK(sent == 0, "IPv6 sent %llu", sent);
	read_file("/proc/thread-self/net/dev", text, sizeof(text));
	CHECK(sscanf(strchr(strstr(text, "client.0"), ':') + 1, "%llu", &sent) == 1);
	CHECK(sent == 0, "received %llu bytes", sent);
}

static void quiet_world(void *arg)
{
	int64_t began_ns = sq_now_ns();
	struct lab lab;
	struct sq_world *w;

	(void)arg;
	lab_init(&lab);
	w = build(&lab);
	fprintf(stderr, "two hosts in %.1f ms\n", (double)(sq_now_ns() - began_ns) / 1e6);
	CHECK(status_of(child_in(w, CLIENT, check_silence, NULL)) == 0);
	sq_world_free(w);
}

static void test_world_is_silent(void **state)
{
	(void)state;
	assert_int_equal(in_keeper(0, quiet_world, NULL), 0);
}

/* The keeper itself has not moved: it sees none of the hosts' devices. */
static void wait_failures(void *arg)
{
	struct sq_err err = { 0 };
	struct lab lab;
	struct sq_world *w;
	char text[4096];
	pid_t pid;

	(void)arg;
	lab_init(&lab);
	w = build(&lab);
	read_file("/proc/thread-self/net/dev", text, sizeof(text));
	CHECK(!strstr(text, "client.0") && !strstr(text, "server.0"), "%s", text);
	CHECK(sq_world_wait_port(w, SERVER, PORT, 0, 60 * SQ_MS, &err) == -ETIMEDOUT);
	CHECK(strstr(err.where, "server") && strstr(err.text, "60ms"), "%s", err.text);
	pid = fork();
	if (pid == 0)
		_exit(3);
	CHECK(sq_world_wait_port(w, SERVER, PORT, pid, 5 * SQ_SEC, &err) == -ECHILD);
	CHECK(status_of(pid) == 3, "the wait must leave it to be waited for");
	sq_world_free(w);
}

static void test_wait_port_failures(void **state)
{
	(void)state;
	assert_int_equal(in_keeper(0, wait_failures, NULL), 0);
	assert_int_equal(in_keeper(NOBODY, wait_failures, NULL), 0);
}

static const struct bad_world {
	char *address, *rule;
	const char *where, *text[2];
} bad_worlds[] = {
	{ .address = TEXT("198.18.0.2/16"),
	  .where = "host server",
	  .text = { "ip failed", "(`addr add 198.18.0.2/16 dev server.0`)" } },
	{ .rule = TEXT("table inet lab { nonsense }"),
	  .where = "host server",
	  .text = { "nft failed", "syntax error" } },
};

static void build_bad(void *arg)
{
	struct bad_world *bad = arg;
	struct sq_err err = { 0 };
	struct lab lab;

	lab_init(&lab);
	lab.specs[SERVER].addresses = (struct sq_strings){ &bad->address, !!bad->address };
	lab.specs[SERVER].nft = (struct sq_strings){ &bad->rule, !!bad->rule };
	CHECK(!sq_world_build(&lab.plan, &err));
	CHECK(strcmp(err.where, bad->where) == 0, "%s", err.where);
	for (size_t i = 0; i < 2; i++)
		CHECK(strstr(err.text, bad->text[i]), "%s", err.text);
}

static void test_bad_worlds(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(bad_worlds) / sizeof(*bad_worlds); i++)
		assert_int_equal(in_keeper(0, build_bad, (void *)&bad_worlds[i]), 0);
}

/* Only the mounts of its own keeper are changed. */
static void hide_nft(void *arg)
{
	static char *rule = TEXT("table inet lab { }");
	struct sq_err err = { 0 };
	struct lab lab;

	(void)arg;
	lab_init(&lab);
	lab.specs[SERVER].nft = (struct sq_strings){ &rule, 1 };
	CHECK(mount("none", "/usr/sbin", "tmpfs", 0, NULL) == 0, "%s", strerror(errno));
	lab.plan.n_links = 0;
	CHECK(!sq_world_build(&lab.plan, &err));
	CHECK(strstr(err.text, "install the package nftables"), "%s", err.text);
}

static void test_missing_tool(void **state)
{
	(void)state;
	assert_int_equal(in_keeper(0, hide_nft, NULL), 0);
}

static void leave(int status, void *arg)
{
	(void)arg;
	_exit(status);
}

/* Where part of /proc is covered, as containers do, a user namespace gets no new /proc. */
static void test_covered_proc(void **state)
{
	pid_t pid;

	(void)state;
	if (!is_root())
		skip(); /* covering is root's */
	pid = fork();
	if (pid == 0) {
		CHECK(unshare(CLONE_NEWNS) == 0);
		CHECK(mount("none", "/", NULL, MS_REC | MS_PRIVATE, NULL) == 0);
		CHECK(mount("none", "/proc/fs", "tmpfs", 0, NULL) == 0, "%s", strerror(errno));
		/* Before the leak checker, which needs the /proc that is refused here. */
		on_exit(leave, NULL);
		exit(in_keeper(NOBODY, full_world, NULL));
	}
	assert_int_equal(status_of(pid), 0);
}

/* Without a world all hosts are where the process stands. */
static void test_plain(void **state)
{
	struct sq_err err = { 0 };
	struct lab lab;
	struct sq_world *w;
	int fd = socket(AF_INET, SOCK_STREAM, 0);
	struct sockaddr_in sa = { .sin_family = AF_INET, .sin_addr = { htonl(INADDR_LOOPBACK) } };
	socklen_t len = sizeof(sa);

	(void)state;
	lab_init(&lab);
	lab.plan.world = false;
	w = sq_world_build(&lab.plan, &err);
	assert_non_null(w);
	assert_int_equal(sq_world_enter(w, SERVER, &err), 0);
	assert_int_equal(bind(fd, (struct sockaddr *)&sa, sizeof(sa)), 0);
	assert_int_equal(getsockname(fd, (struct sockaddr *)&sa, &len), 0);
	assert_int_equal(sq_world_wait_port(w, SERVER, ntohs(sa.sin_port), 0, 0, &err), -ETIMEDOUT);
	assert_int_equal(listen(fd, 1), 0);
	assert_int_equal(sq_world_wait_port(w, SERVER, ntohs(sa.sin_port), 0, 0, &err), 0);
	close(fd);
	sq_world_free(w);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_full_world),   cmocka_unit_test(test_world_is_silent),
		cmocka_unit_test(test_bad_worlds),   cmocka_unit_test(test_wait_port_failures),
		cmocka_unit_test(test_missing_tool), cmocka_unit_test(test_covered_proc),
		cmocka_unit_test(test_plain),
	};

	setenv("PATH", "/usr/bin:/bin:/usr/sbin:/sbin", 1);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
