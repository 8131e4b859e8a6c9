/* The life of a sink's process, and how the TCP sink accepts. */
#include "loadgen/engine/listen.h"
#include "sink_tcp.h"

static void test_listen_parse(void **state)
{
	static const struct {
		const char *text;
		int family; /* 0: refused */
	} cases[] = {
		{ "127.0.0.1:9000", AF_INET },
		{ "0.0.0.0:0", AF_INET },
		{ "[::1]:53", AF_INET6 },
		{ "[::]:65535", AF_INET6 },
		{ "127.0.0.1", 0 },
		{ "127.0.0.1:", 0 },
		{ "127.0.0.1:65536", 0 },
		{ "127.0.0.1:-1", 0 },
		{ "127.0.0.1:9000x", 0 },
		{ ":9000", 0 },
		{ "9000", 0 },
		{ "localhost:9000", 0 },
		{ "::1:9000", 0 },
		{ "[::1]", 0 },
		{ "[::1:9000", 0 },
		{ "[]:9000", 0 },
		{ "[127.0.0.1]:9000", 0 },
		{ "", 0 },
		{ "[:9000", 0 },
		{ "1.2.3.4:000000080", 0 },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		struct sockaddr_storage addr;
		socklen_t len;
		struct sq_err err = { 0 };
		int rc = sq_listen_parse(cases[i].text, &addr, &len, &err);
		int got = rc == 0 ? addr.ss_family : 0;

		if (got != cases[i].family)
			fail_msg("%s: got %d, want %d", cases[i].text, got, cases[i].family);
		if (rc < 0)
			assert_non_null(strstr(err.text, "ADDR:PORT"));
	}
}

static void test_counts(void **state)
{
	struct running r = sink_start("{\"listen\": \"127.0.0.1:9000\", \"backlog\": 7}", 0);
	char data[1000] = { 0 };
	int fds[5];
	json_t *counts;

	(void)state;
	for (int i = 0; i < 5; i++) {
		fds[i] = dial();
		assert_int_equal(send(fds[i], data, sizeof(data), 0), sizeof(data));
	}
	counts = counts_when(&r, "bytes_received", 5000);
	assert_string_equal(json_string_value(json_object_get(counts, "sink")), "tcp");
	assert_string_equal(json_string_value(json_object_get(counts, "listen")), "127.0.0.1:9000");
	assert_int_equal(count_of(counts, "accepted"), 5);
	assert_int_equal(count_of(counts, "open"), 5);
	assert_int_equal(count_of(counts, "listen_queue_limit"), 7);
	json_decref(counts);

	hang_up_by_reset(fds[0]);
	for (int i = 1; i < 4; i++)
		close(fds[i]);
	counts_wait(&r, "open", 1);
	counts = sink_stop(&r);
	assert_int_equal(count_of(counts, "resets"), 1);
	assert_int_equal(count_of(counts, "open"), 1);
	assert_int_equal(count_of(counts, "peak_open"), 5);
	assert_int_equal(json_object_size(json_object_get(counts, "accept_errors")), 0);
	json_decref(counts);
	close(fds[4]);
}

static void test_greeting(void **state)
{
	struct running r = sink_start(
		"{\"listen\": \"127.0.0.1:9000\", \"greeting\": \"220 hello\\r\\n\"}", 0);
	int fd = dial();
	char got[64] = { 0 };

	(void)state;
	assert_int_equal(recv(fd, got, 11, MSG_WAITALL), 11);
	assert_string_equal(got, "220 hello\r\n");
	assert_int_equal(recv(fd, got, 1, MSG_DONTWAIT), -1); /* and it stays open */
	assert_int_equal(errno, EAGAIN);
	close(fd);
	counts_wait(&r, "open", 0);
	json_decref(sink_stop(&r));
}

/* More than the socket buffers hold: the rest must follow once the peer reads. */
static void test_long_greeting_then_close(void **state)
{
	const size_t len = 24 << 20;
	char *text = sq_alloc(len + 200);
	char *chunk = sq_alloc(1 << 16);
	int at = sprintf(text, "{\"listen\": \"127.0.0.1:9000\", \"close\": \"now\", "
			       "\"greeting\": \"");
	struct running r;
	size_t got = 0;
	ssize_t n;
	int fd;

	(void)state;
	memset(text + at, 'x', len);
	memcpy(text + (size_t)at + len, "\"}", 3);
	r = sink_start(text, 0);
	fd = dial();
	sq_sleep_until(sq_now_ns() + 50 * SQ_MS);
	while ((n = recv(fd, chunk, 1 << 16, 0)) > 0)
		got += (size_t)n;
	assert_int_equal(n, 0); /* FIN, not RST */
	assert_int_equal(got, len);
	counts_wait(&r, "open", 0);
	json_decref(sink_stop(&r));
	close(fd);
	free(chunk);
	free(text);
}

static void test_close_now(void **state)
{
	struct running r = sink_start("{\"listen\": \"127.0.0.1:9000\", \"close\": \"now\"}", 0);
	char byte;
	json_t *counts;

	(void)state;
	for (int i = 0; i < 20; i++) {
		int fd = dial();

		assert_int_equal(recv(fd, &byte, 1, 0), 0);
		close(fd);
	}
	counts = sink_stop(&r);
	assert_int_equal(count_of(counts, "accepted"), 20);
	assert_int_equal(count_of(counts, "open"), 0);
	json_decref(counts);
}

/* 10 ms an accept: 50 that wait together are served in 500 ms, each in its turn. */
static void test_accept_delay(void **state)
{
	struct running r = sink_start("{\"listen\": \"127.0.0.1:9000\", \"accept_delay\": \"10ms\","
				      " \"greeting\": \"x\"}",
				      0);
	int64_t begin = sq_now_ns(), half = 0, all;
	int fds[50];
	char byte;

	(void)state;
	for (int i = 0; i < 50; i++)
		fds[i] = dial();
	for (int i = 0; i < 50; i++) {
		assert_int_equal(recv(fds[i], &byte, 1, 0), 1);
		if (i == 24)
			half = sq_now_ns() - begin;
		close(fds[i]);
	}
	all = sq_now_ns() - begin;
	assert_in_range(half, 249 * SQ_MS, 400 * SQ_MS);
	assert_in_range(all, 499 * SQ_MS, 650 * SQ_MS);

	sq_sleep_until(sq_now_ns() + 20 * SQ_MS);
	begin = sq_now_ns(); /* a lone connection waits its whole delay */
	fds[0] = dial();
	assert_int_equal(recv(fds[0], &byte, 1, 0), 1);
	assert_in_range(sq_now_ns() - begin, 10 * SQ_MS, 100 * SQ_MS);
	close(fds[0]);
	json_decref(sink_stop(&r));
}

static void test_never_accept(void **state)
{
	struct running r = sink_start("{\"listen\": \"127.0.0.1:9000\", \"never_accept\": true,"
				      " \"backlog\": 4}",
				      0);
	int fds[5];
	json_t *counts;

	(void)state;
	for (int i = 0; i < 5; i++) /* the queue holds one more than the backlog */
		fds[i] = dial();
	sq_sleep_until(sq_now_ns() + 50 * SQ_MS);
	counts = sink_stop(&r);
	assert_int_equal(count_of(counts, "accepted"), 0);
	assert_int_equal(count_of(counts, "listen_queue"), 5);
	assert_int_equal(count_of(counts, "listen_queue_limit"), 4);
	json_decref(counts);
	for (int i = 0; i < 5; i++)
		close(fds[i]);
}

static void test_out_of_descriptors(void **state)
{
	struct running r = sink_start("{\"listen\": \"127.0.0.1:9000\"}", 40);
	int64_t before;
	json_int_t tries;
	json_t *counts;
	int fds[60];

	(void)state;
	for (int i = 0; i < 60; i++)
		fds[i] = dial();
	sq_sleep_until(sq_now_ns() + 50 * SQ_MS);
	before = cpu_ns(r.pid);
	sq_sleep_until(sq_now_ns() + SQ_SEC);
	assert_in_range(cpu_ns(r.pid) - before, 0, 100 * SQ_MS);
	counts = counts_ask(&r);
	tries = count_of(json_object_get(counts, "accept_errors"), "EMFILE");
	assert_in_range(tries, 20, 150);
	assert_in_range(count_of(counts, "accepted"), 10, 40);
	json_decref(counts);

	for (int i = 0; i < 60; i++) /* and it serves the rest once it can */
		close(fds[i]);
	counts_wait(&r, "accepted", 60);
	json_decref(sink_stop(&r));
}

static void test_signals_stop(void **state)
{
	static const int signals[] = { SIGTERM, SIGINT };

	(void)state;
	for (size_t i = 0; i < 2; i++) {
		struct running r = sink_start("{\"listen\": \"127.0.0.1:9000\"}", 0);

		counts_wait(&r, "open", 0);
		for (int again = 0; again < 5; again++)
			kill(r.pid, signals[i]);
		json_decref(sink_ended(&r));
	}
}

static void test_port_in_use(void **state)
{
	void *conf = conf_new(&sq_sink_tcp.kind, "{\"listen\": \"127.0.0.1:9000\"}");
	struct running r = sink_start("{\"listen\": \"127.0.0.1:9000\"}", 0);
	struct sq_err err = { 0 };
	sigset_t before, after;
	int rc;

	(void)state;
	pthread_sigmask(SIG_BLOCK, NULL, &before);
	rc = sq_sink_run(&sq_sink_tcp.kind, conf, -1, -1, NULL, NULL, &err);
	assert_int_equal(rc, -EADDRINUSE);
	assert_int_equal(err.code, -EADDRINUSE);
	assert_non_null(strstr(err.text, "TCP port 9000 is in use"));
	assert_non_null(strstr(err.text, "ss -tlnp 'sport = 9000'"));
	pthread_sigmask(SIG_BLOCK, NULL, &after);
	assert_int_equal(sigismember(&before, SIGTERM), sigismember(&after, SIGTERM));
	json_decref(sink_stop(&r));
	conf_free(&sq_sink_tcp.kind, conf);
}

static void test_no_such_address(void **state)
{
	void *conf = conf_new(&sq_sink_tcp.kind, "{\"listen\": \"198.18.77.77:9000\"}");
	struct sq_err err = { 0 };

	(void)state;
	assert_int_equal(sq_sink_run(&sq_sink_tcp.kind, conf, -1, -1, NULL, NULL, &err),
			 -EADDRNOTAVAIL);
	assert_non_null(strstr(err.text, "no address 198.18.77.77;"));
	conf_free(&sq_sink_tcp.kind, conf);
}

static void test_ipv6(void **state)
{
	struct running r = sink_start("{\"listen\": \"[::1]:0\"}", 0);
	json_t *counts = sink_stop(&r);
	const char *listen = json_string_value(json_object_get(counts, "listen"));

	(void)state;
	assert_int_equal(strncmp(listen, "[::1]:", 6), 0);
	assert_string_not_equal(listen + 6, "0");
	json_decref(counts);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_listen_parse),
		cmocka_unit_test_teardown(test_counts, leftover_end),
		cmocka_unit_test_teardown(test_greeting, leftover_end),
		cmocka_unit_test_teardown(test_long_greeting_then_close, leftover_end),
		cmocka_unit_test_teardown(test_close_now, leftover_end),
		cmocka_unit_test_teardown(test_accept_delay, leftover_end),
		cmocka_unit_test_teardown(test_never_accept, leftover_end),
		cmocka_unit_test_teardown(test_out_of_descriptors, leftover_end),
		cmocka_unit_test_teardown(test_signals_stop, leftover_end),
		cmocka_unit_test_teardown(test_port_in_use, leftover_end),
		cmocka_unit_test_teardown(test_no_such_address, leftover_end),
		cmocka_unit_test_teardown(test_ipv6, leftover_end),
	};

	return cmocka_run_group_tests(tests, world_make, NULL);
}
