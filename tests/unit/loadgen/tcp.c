/* The TCP driver against the kernel itself, in a network namespace of the test's own: each way
 * that a connection can fail has its own name, and what failures cost is what the server's kernel
 * counted. */
#include <linux/filter.h>

#include "tests/unit/loadgen/bench.h"

extern const struct sq_driver sq_driver_tcp;

/* A server that takes 50 ms shows as 50 ms. */
static void greeting_in_time(void **state)
{
	struct server s = server_listen(4096);
	struct bench b;

	(void)state;
	server_start(&s, 50 * SQ_MS, false);
	bench_init(&b, &s, "{\"until\": \"greeting\"}");
	b.spec.arrivals.rate_per_s = 200;
	bench_run_done(&b);
	assert_int_equal(bench_n(&b, "ok@"), 200);
	assert_in_range(sq_hist_percentile(b.from_due, 50), 50 * SQ_MS, 53 * SQ_MS);
	bench_fini(&b);
	server_stop(&s);
}

/* A server that closes where a greeting was due has said so; one that only has to be there did. */
static void server_closes_first(void **state)
{
	struct server s = server_listen(4096);
	struct bench b;

	(void)state;
	server_start(&s, 0, true);
	bench_init(&b, &s, "{\"until\": \"greeting\"}");
	b.spec.arrivals.rate_per_s = 200;
	bench_run_done(&b);
	assert_int_equal(bench_n(&b, "eof@greeting") + bench_n(&b, "ECONNRESET@greeting") +
				 bench_n(&b, "EPIPE@greeting"),
			 200);
	bench_fini(&b);

	bench_init(&b, &s, "{}");
	b.spec.arrivals.rate_per_s = 200;
	bench_run_done(&b);
	assert_int_equal(bench_n(&b, "ok@"), 200);
	bench_fini(&b);
	server_stop(&s);
}

/* What the server does to a connection that is held changes no outcome. */
static void held_ones_stay_ok(void **state)
{
	struct server s = server_listen(4096);
	struct bench b;

	(void)state;
	server_start(&s, 100 * SQ_MS, true);
	bench_init(&b, &s, "{\"hold\": \"500ms\"}");
	b.spec.arrivals.rate_per_s = 500;
	b.spec.duration_ns = 2 * SQ_SEC;
	b.spec.max_in_flight = 100; /* held ones are not in flight */
	bench_run_done(&b);
	assert_int_equal(bench_n(&b, "ok@"), 1000);
	bench_fini(&b);
	server_stop(&s);
}

/* A load whose keys are prepared, as requests, answers and pauses need it. */
static void talk_init(struct bench *b, const struct server *s, const char *conf)
{
	struct sq_err err = { 0 };

	bench_init(b, s, conf);
	if (sq_driver_tcp.prepare(b->spec.driver.conf, &b->load, &err) < 0)
		fail_msg("%s: %s", err.where, err.text);
}

static void talk_fini(struct bench *b)
{
	sq_driver_tcp.release(b->spec.driver.conf);
	sq_opt_fini(sq_driver_tcp.kind.opts, b->spec.driver.conf);
	bench_fini(b);
}

/* The ACK, what the server said behind it, and its FIN are all there before a worker that was stopped
 * looks: what is read of a held connection is all of that, and that it was closed. */
static void told_at_once(void **state)
{
	static const struct {
		const char *conf;
		bool closes;
		int64_t bytes, closed;
	} cases[] = {
		{ "{\"hold\": \"300ms\"}", false, 400, 0 },
		{ "{\"hold\": \"300ms\"}", true, 0, 100 },
		{ "{\"hold\": \"300ms\", \"read\": \"never\"}", true, 0, 100 },
		{ "{\"hold\": \"300ms\", \"bulk\": true}", false, 400, 0 },
	};

	(void)state;
	for (size_t i = 0; i < 4; i++) {
		struct server s = server_listen(4096);
		struct bench b;

		net_narrow("2mbit", 400000);
		server_start(&s, 60 * SQ_MS, cases[i].closes);
		talk_init(&b, &s, cases[i].conf);
		b.spec.threads = 1;
		b.spec.arrivals.burst = 100;
		b.spec.arrivals.every_ns = SQ_SEC;
		b.asleep_ns = 20 * SQ_MS;
		b.awake_ns = 500 * SQ_MS;
		bench_run_done(&b);
		assert_int_equal(bench_n(&b, "ok@"), 100);
		assert_int_equal(bench_count(&b, "bytes_received"), cases[i].bytes);
		assert_int_equal(bench_count(&b, "held_closed"), cases[i].closed);
		talk_fini(&b);
		server_stop(&s);
		net_wide();
	}
}

/* What a server does to each connection, one after the other, before it closes it. */
struct turn {
	const char *greeting; /* NULL: none, as the others */
	size_t reads;         /* bytes of a request */
	const char *reply;
	bool resets;
};

static void serve_turns(int listener, void *arg)
{
	const struct linger reset = { .l_onoff = true };
	const struct turn *t = arg;
	static char bytes[65536];

	for (;;) {
		int fd = accept4(listener, NULL, NULL, SOCK_CLOEXEC);
		ssize_t n = 1;

		if (t->greeting)
			send(fd, t->greeting, strlen(t->greeting), MSG_NOSIGNAL);
		for (size_t had = 0; had < t->reads && n > 0; had += (size_t)n)
			n = recv(fd, bytes, sizeof(bytes), 0);
		if (t->reply)
			send(fd, t->reply, strlen(t->reply), MSG_NOSIGNAL);
		if (t->resets)
			setsockopt(fd, SOL_SOCKET, SO_LINGER, &reset, sizeof(reset));
		close(fd);
	}
}

/* Sockets that are used again carry nothing over: bulk has no ACK stamps left, a paced one's clock is
 * ahead, so that its kernel would take the next SYN-ACK for an old one. */
static void kept_as_new(void **state)
{
	static const char *const confs[] = {
		"{\"hold\": \"50ms\", \"bulk\": true}",
		"{\"until\": \"answer\", \"send_size\": \"1MiB\", \"rate_limit\": \"80mbit\"}",
	};
	struct turn turns[] = { { .reads = SIZE_MAX }, { .reads = 1 << 20, .reply = "y" } };

	(void)state;
	for (size_t i = 0; i < 2; i++) {
		struct server s = server_listen(4096);
		struct bench b;

		server_block(&s);
		server_fork(&s, serve_turns, &turns[i]);
		talk_init(&b, &s, confs[i]);
		b.spec.arrivals.closed = 2;
		b.spec.duration_ns = 200 * SQ_MS;
		b.spec.timeout_ns = 400 * SQ_MS;
		bench_run_done(&b);
		assert_true(b.scheduled > 2);
		assert_int_equal(bench_n(&b, "ok@"), b.scheduled);
		talk_fini(&b);
		server_stop(&s);
	}
}

/* A mean of centuries, of which some draws are more than time can be. */
static void held_for_ever(void **state)
{
	struct server s = server_listen(4096);
	struct bench b;

	(void)state;
	server_start(&s, -1, false);
	talk_init(&b, &s, "{\"hold\": \"2500000h\", \"hold_as\": \"exponential\"}");
	b.spec.arrivals.closed = 20;
	b.spec.duration_ns = 200 * SQ_MS;
	bench_run_done(&b);
	assert_int_equal(b.scheduled, 20);
	assert_int_equal(bench_n(&b, "ok@"), 20);
	talk_fini(&b);
	server_stop(&s);
}

/* Pauses longer than the time there is: slow are answers alone, not a greeting, a reset or the end.
 * An answer that is there before its request is out is read though the server is gone. */
static void read_when_due(void **state)
{
#define SLOW "\"read\": \"slow\", \"pause\": \"900ms\""
	static const struct {
		const char *conf;
		struct turn turn;
		const char *outcome;
	} cases[] = {
		{ "{\"until\": \"greeting\", \"hold\": \"1ms\", " SLOW "}",
		  { .greeting = "hello" },
		  "ok@" },
		{ "{\"until\": \"closed\", \"rounds\": 0, " SLOW "}", { 0 }, "ok@" },
		{ "{\"until\": \"answer\", \"send\": \"x\", " SLOW "}",
		  { .reads = 1, .resets = true },
		  "ECONNRESET@answer" },
		{ "{\"until\": \"answer\", \"send\": \"x\", \"answer\": \"yes\", " SLOW "}",
		  { .reads = 1, .reply = "no" },
		  "timeout@answer" },
		{ "{\"until\": \"answer\", \"greeted\": true, \"send\": \"x\", \"answer\": \"yes\", "
		  "\"read\": \"slow\", \"read_piece\": \"2B\", \"pause\": \"10ms\"}",
		  { .greeting = "hello", .reads = 1, .reply = "yes" },
		  "ok@" },
		{ "{\"until\": \"closed\", \"send\": \"x\", \"read\": \"slow\", \"pause\": \"200ms\"}",
		  { .reads = 1, .reply = "yes" },
		  "ok@" },
		{ "{\"until\": \"answer\", \"send_size\": \"1MiB\", \"answer\": \"200\"}",
		  { .reads = 1, .reply = "413" },
		  "mismatch@request" },
	};

	(void)state;
	net_sysctl("tcp_wmem", "4096 16384 65536");
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		struct server s = server_listen(4096);
		struct turn turn = cases[i].turn;
		struct bench b;

		server_block(&s);
		server_fork(&s, serve_turns, &turn);
		talk_init(&b, &s, cases[i].conf);
		b.spec.arrivals.burst = 10;
		b.spec.arrivals.every_ns = SQ_SEC;
		b.spec.duration_ns = 100 * SQ_MS;
		b.spec.timeout_ns = 300 * SQ_MS;
		bench_run_done(&b);
		assert_int_equal(bench_n(&b, cases[i].outcome), 10);
		talk_fini(&b);
		server_stop(&s);
	}
	net_sysctl("tcp_wmem", "4096 16384 4194304");
#undef SLOW
}

/* Whether segments with data are dropped before they are acknowledged, of a socket and of those that a
 * listener makes from now on. */
static void drop_data(int fd, bool drop)
{
	static struct sock_filter code[] = {
		BPF_STMT(BPF_LD | BPF_B | BPF_ABS, 12), /* the header's length */
		BPF_STMT(BPF_ALU | BPF_RSH | BPF_K, 4),
		BPF_STMT(BPF_ALU | BPF_LSH | BPF_K, 2),
		BPF_STMT(BPF_MISC | BPF_TAX, 0),
		BPF_STMT(BPF_LD | BPF_W | BPF_LEN, 0),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_X, 0, 1, 0),
		BPF_STMT(BPF_RET | BPF_K, 0),
		BPF_STMT(BPF_RET | BPF_K, UINT32_MAX),
	};
	const struct sock_fprog filter = { sizeof(code) / sizeof(*code), code };

	setsockopt(fd, SOL_SOCKET, drop ? SO_ATTACH_FILTER : SO_DETACH_FILTER, &filter,
		   sizeof(filter));
}

enum { GREETED = 400 };

/* Greets all, though it drops their bytes; those of the first burst are acknowledged when they are sent
 * again. */
static void serve_late_acks(int listener, void *arg)
{
	int64_t begin_ns = sq_now_ns();
	int fds[GREETED];
	char byte;

	(void)arg;
	drop_data(listener, true);
	for (int i = 0; i < GREETED; i++) {
		fds[i] = accept4(listener, NULL, NULL, SOCK_CLOEXEC);
		send(fds[i], "220\n", 4, MSG_NOSIGNAL);
	}
	for (int i = 0; i < GREETED; i++)
		drop_data(fds[i], false);
	sq_sleep_until(begin_ns + 450 * SQ_MS);
	for (int i = 0; i < GREETED; i++) {
		recv(fds[i], &byte, 1, MSG_DONTWAIT);
		close(fds[i]);
	}
	for (;;)
		send(accept4(listener, NULL, NULL, SOCK_CLOEXEC), "220\n", 4, MSG_NOSIGNAL);
}

/* A greeting ends the wait for an ACK, whose stamp comes to a connection that is held.  It is none of
 * the next one's on that socket, where it would hide the greeting that came with the handshake. */
static void stamps_stay_behind(void **state)
{
	struct server s = server_listen(4096);
	struct bench b;

	(void)state;
	server_block(&s);
	server_fork(&s, serve_late_acks, NULL);
	bench_init(&b, &s, "{\"hold\": \"10s\"}");
	b.spec.threads = 1;
	b.spec.arrivals.burst = GREETED;
	b.spec.arrivals.every_ns = 600 * SQ_MS;
	b.spec.duration_ns = 700 * SQ_MS;
	b.spec.timeout_ns = 300 * SQ_MS;
	bench_run_done(&b);
	assert_int_equal(bench_n(&b, "ok@"), 2 * GREETED);
	bench_fini(&b);
	server_stop(&s);
}

static void descriptors_run_out(void **state)
{
	struct server s = server_listen(4096);
	struct bench b;

	(void)state;
	server_start(&s, -1, false);
	bench_init(&b, &s, "{\"hold\": \"10s\"}");
	b.spec.arrivals.rate_per_s = 200;
	b.spec.threads = 1;
	b.nofile = 64;
	bench_run_done(&b);
	assert_int_equal(b.scheduled, 200);
	assert_in_range(bench_n(&b, "ok@"), 40, 60);
	assert_int_equal(bench_n(&b, "EMFILE@connect"), 200 - bench_n(&b, "ok@"));
	assert_true(b.cpu_s < 0.2);
	bench_fini(&b);
	server_stop(&s);
}

static void ports_run_out(void **state)
{
	struct server s = server_listen(4096);
	struct bench b;

	(void)state;
	net_sysctl("ip_local_port_range", "41000 41099");
	server_start(&s, -1, false);
	bench_init(&b, &s, "{\"hold\": \"10s\"}");
	b.spec.arrivals.rate_per_s = 200;
	bench_run_done(&b);
	net_sysctl("ip_local_port_range", "32768 60999");
	assert_int_equal(bench_n(&b, "ok@"), 100);
	assert_int_equal(bench_n(&b, "EADDRNOTAVAIL@connect"), 100);
	bench_fini(&b);
	server_stop(&s);
}

/* Every segment that the server's kernel dropped at its full accept queue, by the client's own
 * account: SYNs of those that timed out and of those that came in late, and all that a ghost sent
 * after its answered SYN. */
static int64_t paid(const struct bench *b)
{
	return bench_n(b, "timeout@connect") + bench_n(b, "timeout@connect/0") +
	       bench_n(b, "timeout@ack/0") + bench_n(b, "ghost@ack/0") + bench_n(b, "ghost@ack/1") +
	       bench_n(b, "ok@/0") + bench_n(b, "ok@/1");
}

/* backlog + 1 connections find a place; the SYNs of the others are dropped, and counted. */
static void nobody_accepts(void **state)
{
	struct server s = server_listen(128);
	int64_t before = net_counter("ListenOverflows"), delta;
	struct bench b;

	(void)state;
	bench_init(&b, &s, "{}");
	b.spec.arrivals.burst = 512;
	b.spec.arrivals.every_ns = SQ_SEC;
	b.spec.timeout_ns = 2500 * SQ_MS;
	bench_run_done(&b);
	delta = net_counter("ListenOverflows") - before;
	printf("  paid %lld, ListenOverflows %lld\n", (long long)paid(&b), (long long)delta);
	assert_int_equal(bench_n(&b, "ok@"), 129);
	/* With two lanes the queue may fill between a SYN and its final ACK. */
	assert_int_equal(bench_n(&b, "timeout@connect") + bench_n(&b, "ghost@ack"), 383);
	assert_true(bench_n(&b, "ghost@ack") < 5);
	assert_int_equal(paid(&b), delta);
	bench_fini(&b);
	server_stop(&s);
}

/* A narrow link keeps many handshakes under way at once, so that the accept queue fills between a
 * SYN and its final ACK: those become ghosts. */
static void ghosts(void **state)
{
	struct server s = server_listen(20);
	int64_t before = net_counter("ListenOverflows"), delta;
	struct bench b;

	(void)state;
	net_narrow("2mbit", 400000);
	bench_init(&b, &s, "{}");
	b.spec.arrivals.burst = 128;
	b.spec.arrivals.every_ns = SQ_SEC;
	b.spec.timeout_ns = 2500 * SQ_MS;
	bench_run_done(&b);
	delta = net_counter("ListenOverflows") - before;
	net_wide();
	printf("  paid %lld, ListenOverflows %lld\n", (long long)paid(&b), (long long)delta);
	assert_int_equal(bench_n(&b, "ok@"), 21);
	assert_true(bench_n(&b, "ghost@ack") > 20);
	assert_int_equal(bench_n(&b, "ghost@ack") + bench_n(&b, "timeout@connect"), 107);
	assert_int_equal(paid(&b), delta);
	bench_fini(&b);
	server_stop(&s);
}

/* Lets in who comes 0.8 s after the first. */
static void serve_later(int listener, void *arg)
{
	struct pollfd fd = { .fd = listener, .events = POLLIN };
	struct rlimit nofile = { 20000, 20000 };

	(void)arg;
	setrlimit(RLIMIT_NOFILE, &nofile);
	poll(&fd, 1, -1);
	sq_sleep_until(sq_now_ns() + 800 * SQ_MS);
	listen(listener, 4096);
	server_loop(listener, -1, false);
}

/* A worker that was stopped in the middle of a turn finds connects that timed out and came through
 * meanwhile: one SYN of each was dropped, not two. */
static void connected_meanwhile(void **state)
{
	int64_t seen = 0;

	(void)state;
	for (int i = 0; i < 20 && seen == 0; i++) {
		struct server s = server_listen(0);
		int64_t before = net_counter("ListenOverflows"), delta;
		struct bench b;

		server_fork(&s, serve_later, NULL);
		bench_init(&b, &s, "{}");
		b.spec.threads = 1;
		b.spec.arrivals.burst = 800;
		b.spec.arrivals.every_ns = 850 * SQ_MS;
		b.spec.timeout_ns = 900 * SQ_MS;
		b.asleep_ns = (853 + 2 * i) * SQ_MS;
		b.awake_ns = 1200 * SQ_MS;
		bench_run_done(&b);
		delta = net_counter("ListenOverflows") - before;
		seen = bench_n(&b, "timeout@ack");
		printf("  paid %lld, ListenOverflows %lld\n", (long long)paid(&b),
		       (long long)delta);
		assert_int_equal(bench_n(&b, "timeout@connect"), 0);
		assert_int_equal(paid(&b), delta);
		bench_fini(&b);
		server_stop(&s);
	}
	assert_true(seen > 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(greeting_in_time),    cmocka_unit_test(server_closes_first),
		cmocka_unit_test(held_ones_stay_ok),   cmocka_unit_test(told_at_once),
		cmocka_unit_test(kept_as_new),         cmocka_unit_test(held_for_ever),
		cmocka_unit_test(read_when_due),       cmocka_unit_test(stamps_stay_behind),
		cmocka_unit_test(descriptors_run_out), cmocka_unit_test(ports_run_out),
		cmocka_unit_test(nobody_accepts),      cmocka_unit_test(ghosts),
		cmocka_unit_test(connected_meanwhile),
	};

	net_enter();
	return cmocka_run_group_tests(tests, NULL, NULL);
}
