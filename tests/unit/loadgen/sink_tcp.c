/* What the TCP sink does with its connections: how it reads, what it sends, how it ends them. */
#include "sink_tcp.h"

/* ---- a client ---- */

static void say(int fd, const void *data, size_t len)
{
	assert_int_equal(send(fd, data, len, MSG_NOSIGNAL), len);
}

static void say_zeros(int fd, size_t len)
{
	char *zeros = sq_alloc(len);

	say(fd, zeros, len);
	free(zeros);
}

static void hear(int fd, const char *want)
{
	char got[256] = { 0 };

	assert_int_equal(recv(fd, got, strlen(want), MSG_WAITALL), strlen(want));
	assert_string_equal(got, want);
}

/* Nothing more comes, and it stays open. */
static void hear_nothing(int fd)
{
	char byte;

	sq_sleep_until(sq_now_ns() + 30 * SQ_MS);
	assert_int_equal(recv(fd, &byte, 1, MSG_DONTWAIT), -1);
	assert_int_equal(errno, EAGAIN);
}

static void hear_fin(int fd)
{
	char byte;

	assert_int_equal(recv(fd, &byte, 1, 0), 0);
	close(fd);
}

static void hear_reset(int fd)
{
	char byte;

	assert_int_equal(recv(fd, &byte, 1, 0), -1);
	assert_int_equal(errno, ECONNRESET);
	close(fd);
}

/* Sends until the sink's buffer and ours are full; how many bytes. */
static size_t stuff(int fd)
{
	static const char data[1 << 16];
	size_t sent = 0;
	int idle = 0;

	while (idle < 20) {
		ssize_t n = send(fd, data, sizeof(data), MSG_DONTWAIT | MSG_NOSIGNAL);

		if (n > 0) {
			sent += (size_t)n;
			idle = 0;
			continue;
		}
		assert_int_equal(errno, EAGAIN);
		sq_sleep_until(sq_now_ns() + 10 * SQ_MS);
		idle++;
	}
	return sent;
}

/* Stops it; every connection is accounted for. */
static void sink_stop_with(struct running *r, const char *name, json_int_t want)
{
	json_t *counts = sink_stop(r);
	json_int_t ends = count_of(counts, "closed_by_peer") + count_of(counts, "closed_by_sink") +
			  count_of(counts, "resets") + count_of(counts, "resets_by_sink") +
			  count_of(counts, "lost");

	assert_int_equal(count_of(counts, "accepted"), ends + count_of(counts, "open"));
	if (count_of(counts, name) != want) {
		char *text = json_dumps(counts, 0);

		fail_msg("%s: want %lld in %s", name, (long long)want, text);
	}
	json_decref(counts);
}

/* ---- echo ---- */

enum { ECHOED = 24 << 20 };

/* In a process of its own: the sink reads no more than it can send. */
static pid_t pattern_send(int fd)
{
	pid_t pid = fork();
	char *data;

	assert_int_not_equal(pid, -1);
	if (pid != 0)
		return pid;
	data = malloc(ECHOED);
	for (size_t i = 0; i < ECHOED; i++)
		data[i] = (char)(i * 2654435761u >> 13);
	for (size_t sent = 0; sent < ECHOED;) {
		ssize_t n = send(fd, data + sent, ECHOED - sent, MSG_NOSIGNAL);

		if (n <= 0)
			_exit(1);
		sent += (size_t)n;
	}
	shutdown(fd, SHUT_WR);
	_exit(0);
}

/* More than all buffers hold, with a reader that comes late, and after our FIN. */
static void test_echo(void **state)
{
	struct running r = sink_start("{" LISTEN ", \"echo\": true, \"greeting\": \"hi \"}", 0);
	char *got = sq_alloc(ECHOED);
	int status, fd = dial();
	pid_t sender = pattern_send(fd);

	(void)state;
	sq_sleep_until(sq_now_ns() + 100 * SQ_MS);
	hear(fd, "hi ");
	assert_int_equal(recv(fd, got, ECHOED, MSG_WAITALL), ECHOED);
	for (size_t i = 0; i < ECHOED; i++)
		if (got[i] != (char)(i * 2654435761u >> 13))
			fail_msg("byte %zu is another", i);
	hear_fin(fd);
	free(got);
	assert_int_equal(waitpid(sender, &status, 0), sender);
	assert_int_equal(status, 0);
	counts_wait(&r, "bytes_received", ECHOED);
	counts_wait(&r, "bytes_sent", ECHOED + 3);
	sink_stop_with(&r, "closed_by_peer", 1);
}

/* ---- requests and replies ---- */

static void test_replies(void **state)
{
	struct running r = sink_start("{" LISTEN
				      ", \"request_bytes\": \"10B\", \"reply\": \"yes\\n\","
				      " \"greeting\": \"?\\n\"}",
				      0);
	int fd = dial();

	(void)state;
	hear(fd, "?\n");
	say(fd, "0123456789", 9);
	hear_nothing(fd);
	say(fd, "9", 1);
	hear(fd, "yes\n");
	say(fd, "0123456789012345678901234", 25); /* two and a half */
	hear(fd, "yes\nyes\n");
	hear_nothing(fd);
	say(fd, "56789", 5);
	hear(fd, "yes\n");
	shutdown(fd, SHUT_WR);
	hear_fin(fd);
	sink_stop_with(&r, "replies", 4);
}

/* Replies that no buffer holds: nothing is read until they are out. */
static void test_long_replies(void **state)
{
	const size_t len = (size_t)27 << 20;
	struct running r = sink_start(
		"{" LISTEN ", \"request_bytes\": \"100B\", \"reply_bytes\": \"9MiB\"}", 0);
	char *got = sq_alloc(len);
	int fd = dial();
	json_t *counts;

	(void)state;
	say_zeros(fd, 300);
	sq_sleep_until(sq_now_ns() + 50 * SQ_MS);
	counts = counts_ask(&r);
	assert_in_range(count_of(counts, "replies"), 0, 1);
	json_decref(counts);
	assert_int_equal(recv(fd, got, len, MSG_WAITALL), len);
	for (size_t i = 0; i < len; i++)
		if (got[i] != 'x')
			fail_msg("byte %zu is '%c'", i, got[i]);
	free(got);
	hear_nothing(fd);
	close(fd);
	counts_wait(&r, "closed_by_peer", 1);
	sink_stop_with(&r, "replies", 3);
}

/* Five requests at once: two replies, a FIN, and no RST that would destroy them. */
static void test_close_after(void **state)
{
	struct running r = sink_start("{" LISTEN ", \"request_bytes\": \"4B\", \"reply\": \"ok\","
				      " \"close_after\": 2}",
				      0);
	int fd, slow;

	(void)state;
	for (int i = 0; i < 50; i++) {
		fd = dial();
		say(fd, "abcdefghijklmnopqrst", 20);
		hear(fd, "okok");
		hear_fin(fd);
	}
	slow = dial();
	say(slow, "abcd", 4);
	hear(slow, "ok");
	hear_nothing(slow);
	say(slow, "abcd", 4);
	hear(slow, "ok");
	hear_fin(slow);
	counts_wait(&r, "replies", 102);
	sink_stop_with(&r, "closed_by_sink", 51);
}

/* ---- ends ---- */

static void test_ends_of_the_peer(void **state)
{
	struct running r = sink_start("{" LISTEN "}", 0);
	int fd;

	(void)state;
	for (int i = 0; i < 40; i++) {
		fd = dial();
		if (i % 2)
			say(fd, "data", 4);
		if (i % 4 < 2)
			close(fd);
		else
			hang_up_by_reset(fd);
	}
	counts_wait(&r, "closed_by_peer", 20);
	counts_wait(&r, "resets", 20);
	sink_stop_with(&r, "bytes_received", 80);
}

static void test_reset_after(void **state)
{
	struct running r = sink_start("{" LISTEN ", \"reset_after\": \"1000B\"}", 0);
	int fd = dial();

	(void)state;
	say_zeros(fd, 999);
	hear_nothing(fd);
	say(fd, "!", 1);
	hear_reset(fd);
	fd = dial();
	say_zeros(fd, 5000);
	hear_reset(fd);
	counts_wait(&r, "resets_by_sink", 2);
	sink_stop_with(&r, "bytes_received", 2000); /* exactly */
}

static void test_lose(void **state)
{
	struct running r = sink_start("{" LISTEN ", \"lose_at\": \"300ms\", \"echo\": true}", 0);
	int64_t begin = sq_now_ns();
	int fds[40], after;

	(void)state;
	for (int i = 0; i < 40; i++) {
		fds[i] = dial();
		say(fds[i], "x", 1);
		hear(fds[i], "x");
	}
	for (int i = 0; i < 40; i++)
		hear_reset(fds[i]);
	assert_in_range(sq_now_ns() - begin, 300 * SQ_MS, 500 * SQ_MS);
	after = dial(); /* the listener stayed */
	say(after, "y", 1);
	hear(after, "y");
	sq_sleep_until(sq_now_ns() + 400 * SQ_MS);
	hear_nothing(after);
	close(after);
	counts_wait(&r, "closed_by_peer", 1);
	sink_stop_with(&r, "resets_by_sink", 40);
}

/* ---- reading slowly, or not ---- */

static size_t stuff_never_reading(const char *text)
{
	struct running r = sink_start(text, 0);
	int small = 4096, fd = dial();
	size_t sent;
	json_t *counts;

	setsockopt(fd, SOL_SOCKET, SO_SNDBUF, &small, sizeof(small));
	sent = stuff(fd);
	counts = counts_ask(&r);
	assert_int_equal(count_of(counts, "open"), 1);
	json_decref(counts);
	hang_up_by_reset(fd); /* that it notices, though it does not read */
	counts_wait(&r, "resets", 1);
	sink_stop_with(&r, "bytes_received", 0);
	return sent;
}

static void test_read_never(void **state)
{
	size_t small = stuff_never_reading("{" LISTEN ", \"read\": \"never\","
					   " \"receive_buffer\": \"4KiB\"}");
	size_t ordinary = stuff_never_reading("{" LISTEN ", \"read\": \"never\"}");

	(void)state;
	assert_in_range(small, 1, 40000);
	assert_in_range(ordinary, 2 * small, 64 << 20);
}

/* A FIN that nobody reads: the connection is held open, and the sink sleeps. */
static void test_read_never_fin(void **state)
{
	struct running r = sink_start("{" LISTEN ", \"read\": \"never\", \"greeting\": \"x\"}", 0);
	int fd = dial();
	int64_t before;

	(void)state;
	hear(fd, "x");
	shutdown(fd, SHUT_WR);
	before = cpu_ns(r.pid);
	sq_sleep_until(sq_now_ns() + 300 * SQ_MS);
	assert_in_range(cpu_ns(r.pid) - before, 0, 30 * SQ_MS);
	sink_stop_with(&r, "open", 1);
	close(fd);
}

/* 1 KiB each 20 ms, for each of three that began at other times; then the FIN is read too. */
static void test_read_slow(void **state)
{
	struct running r = sink_start("{" LISTEN ", \"read\": \"slow\", \"read_bytes\": \"1KiB\","
				      " \"read_every\": \"20ms\"}",
				      0);
	int64_t begin = sq_now_ns(), got, turns;
	json_t *counts;

	(void)state;
	for (int i = 0; i < 3; i++) {
		int fd = dial();

		say_zeros(fd, 40 << 10);
		close(fd);
		sq_sleep_until(begin + 7 * SQ_MS * (i + 1));
	}
	sq_sleep_until(begin + 400 * SQ_MS);
	counts = counts_ask(&r);
	turns = (sq_now_ns() - begin) / (20 * SQ_MS);
	got = count_of(counts, "bytes_received");
	assert_in_range(got, 3072 * (turns - 3), 3072 * turns);
	assert_int_equal(count_of(counts, "open"), 3);
	json_decref(counts);
	counts_wait(&r, "closed_by_peer", 3);
	assert_in_range(sq_now_ns() - begin, 800 * SQ_MS, 1200 * SQ_MS);
	sink_stop_with(&r, "bytes_received", 120 << 10);
}

static void test_read_slow_reset(void **state)
{
	struct running r = sink_start("{" LISTEN ", \"read\": \"slow\", \"read_bytes\": \"1B\","
				      " \"read_every\": \"10s\"}",
				      0);
	int fd = dial();

	(void)state;
	say_zeros(fd, 100);
	counts_wait(&r, "open", 1);
	hang_up_by_reset(fd);
	counts_wait(&r, "resets", 1);
	sink_stop_with(&r, "bytes_received", 0);
}

/* Replies at the pace of its reading. */
static void test_read_slow_replies(void **state)
{
	struct running r = sink_start("{" LISTEN ", \"read\": \"slow\", \"read_bytes\": \"10B\","
				      " \"read_every\": \"50ms\", \"request_bytes\": \"20B\","
				      " \"reply\": \"k\"}",
				      0);
	int64_t begin = sq_now_ns();
	int fd = dial();

	(void)state;
	say_zeros(fd, 80);
	hear(fd, "kkkk");
	assert_in_range(sq_now_ns() - begin, 399 * SQ_MS, 600 * SQ_MS);
	close(fd);
	counts_wait(&r, "closed_by_peer", 1);
	sink_stop_with(&r, "replies", 4);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_teardown(test_echo, leftover_end),
		cmocka_unit_test_teardown(test_replies, leftover_end),
		cmocka_unit_test_teardown(test_long_replies, leftover_end),
		cmocka_unit_test_teardown(test_close_after, leftover_end),
		cmocka_unit_test_teardown(test_ends_of_the_peer, leftover_end),
		cmocka_unit_test_teardown(test_reset_after, leftover_end),
		cmocka_unit_test_teardown(test_lose, leftover_end),
		cmocka_unit_test_teardown(test_read_never, leftover_end),
		cmocka_unit_test_teardown(test_read_never_fin, leftover_end),
		cmocka_unit_test_teardown(test_read_slow, leftover_end),
		cmocka_unit_test_teardown(test_read_slow_reset, leftover_end),
		cmocka_unit_test_teardown(test_read_slow_replies, leftover_end),
	};

	return cmocka_run_group_tests(tests, world_make, NULL);
}
