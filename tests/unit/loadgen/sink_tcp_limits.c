/* The TCP sink's threads, its limits, its pause, and the options that it refuses. */
#include "sink_tcp.h"

/* ---- threads ---- */

enum { MANY = 400 };

static void dial_greeted(int fds[MANY])
{
	char byte;

	for (int i = 0; i < MANY; i++)
		fds[i] = dial();
	for (int i = 0; i < MANY; i++)
		assert_int_equal(recv(fds[i], &byte, 1, 0), 1);
}

static void test_threads(void **state)
{
	struct running r = sink_start("{" LISTEN ", \"threads\": 4, \"backlog\": 500,"
				      " \"greeting\": \"x\"}",
				      0);
	int fds[MANY];
	json_t *counts, *accepted, *n;
	json_int_t sum = 0;
	size_t i;

	(void)state;
	dial_greeted(fds);
	counts = counts_when(&r, "open", MANY);
	assert_int_equal(count_of(counts, "listen_queue_limit"), 4 * 500);
	json_decref(counts);
	for (i = 0; i < MANY; i++) {
		assert_int_equal(send(fds[i], "data", 4, 0), 4);
		close(fds[i]);
	}
	counts_wait(&r, "closed_by_peer", MANY);
	counts = sink_stop(&r);
	accepted = json_object_get(counts, "accepted_by_thread");
	assert_int_equal(json_array_size(accepted), 4);
	json_array_foreach(accepted, i, n) {
		assert_in_range(json_integer_value(n), 1, MANY - 3);
		sum += json_integer_value(n);
	}
	assert_int_equal(sum, MANY);
	assert_int_equal(count_of(counts, "accepted"), MANY);
	assert_int_equal(count_of(counts, "bytes_received"), 4 * MANY);
	assert_int_equal(count_of(counts, "peak_open"), MANY);
	assert_int_equal(count_of(counts, "open"), 0);
	json_decref(counts);
}

/* All threads count from the first connection of any. */
static void test_threads_lose(void **state)
{
	struct running r = sink_start("{" LISTEN ", \"threads\": 3, \"greeting\": \"x\","
				      " \"lose_at\": \"400ms\"}",
				      0);
	int fds[MANY];
	char byte;

	(void)state;
	dial_greeted(fds);
	for (int i = 0; i < MANY; i++) {
		assert_int_equal(recv(fds[i], &byte, 1, 0), -1);
		assert_int_equal(errno, ECONNRESET);
		close(fds[i]);
	}
	counts_wait(&r, "resets_by_sink", MANY);
	json_decref(sink_stop(&r));
}

/* SO_REUSEPORT would let them share it. */
static void test_threads_port_in_use(void **state)
{
	void *conf = conf_new(&sq_sink_tcp.kind, "{" LISTEN ", \"threads\": 2}");
	struct running r = sink_start("{" LISTEN ", \"threads\": 2}", 0);
	struct sq_err err = { 0 };

	(void)state;
	assert_int_equal(sq_sink_run(&sq_sink_tcp.kind, conf, -1, -1, NULL, NULL, &err),
			 -EADDRINUSE);
	assert_non_null(strstr(err.text, "TCP port 9000 is in use"));
	json_decref(sink_stop(&r));
	conf_free(&sq_sink_tcp.kind, conf);
}

/* Port 0: all listen where the first does. */
static void test_threads_free_port(void **state)
{
	struct running r =
		sink_start("{\"listen\": \"[::1]:0\", \"threads\": 2, \"backlog\": 9}", 0);
	json_t *counts = sink_stop(&r);

	(void)state;
	assert_int_equal(count_of(counts, "listen_queue_limit"), 18);
	json_decref(counts);
}

/* ---- the pause ---- */

static void test_pause(void **state)
{
	struct running r = sink_start("{" LISTEN
				      ", \"pause_at\": \"150ms\", \"pause_for\": \"300ms\","
				      " \"greeting\": \"x\", \"echo\": true}",
				      0);
	int64_t before = sq_now_ns(), first;
	int open = dial(), late[5];
	char byte;
	json_t *counts;

	(void)state;
	assert_int_equal(recv(open, &byte, 1, 0), 1);
	first = sq_now_ns(); /* the sink's is between the two */
	sq_sleep_until(first + 160 * SQ_MS);
	for (int i = 0; i < 5; i++)
		late[i] = dial();
	assert_int_equal(send(open, "y", 1, 0), 1); /* what is open is served */
	assert_int_equal(recv(open, &byte, 1, 0), 1);
	counts = counts_ask(&r);
	assert_int_equal(count_of(counts, "accepted"), 1);
	assert_int_equal(count_of(counts, "listen_queue"), 5);
	json_decref(counts);
	for (int i = 0; i < 5; i++) {
		assert_int_equal(recv(late[i], &byte, 1, 0), 1);
		close(late[i]);
	}
	assert_in_range(sq_now_ns(), before + 450 * SQ_MS, first + 650 * SQ_MS);
	close(open);
	open = dial(); /* it was the only one */
	assert_int_equal(recv(open, &byte, 1, 0), 1);
	close(open);
	json_decref(sink_stop(&r));
}

/* The schedule of slow accepts goes on behind the pause. */
static void test_pause_and_delay(void **state)
{
	struct running r = sink_start("{" LISTEN
				      ", \"pause_at\": \"50ms\", \"pause_for\": \"200ms\","
				      " \"accept_delay\": \"20ms\", \"greeting\": \"x\"}",
				      0);
	int64_t begin = sq_now_ns();
	int fds[8];
	char byte;

	(void)state;
	for (int i = 0; i < 8; i++)
		fds[i] = dial();
	for (int i = 0; i < 8; i++) {
		assert_int_equal(recv(fds[i], &byte, 1, 0), 1);
		close(fds[i]);
	}
	/* Accepts at 20, 40, 60, then five from 270 on: the first pays the pause's end. */
	assert_in_range(sq_now_ns() - begin, 350 * SQ_MS, 500 * SQ_MS);
	json_decref(sink_stop(&r));
}

/* ---- open files ---- */

static void test_files(void **state)
{
	struct running r = sink_start("{" LISTEN ", \"files\": 40, \"threads\": 2}", 0);
	int64_t before;
	json_t *counts;
	int fds[60];

	(void)state;
	for (int i = 0; i < 60; i++)
		fds[i] = dial();
	sq_sleep_until(sq_now_ns() + 50 * SQ_MS);
	before = cpu_ns(r.pid);
	sq_sleep_until(sq_now_ns() + 500 * SQ_MS);
	assert_in_range(cpu_ns(r.pid) - before, 0, 100 * SQ_MS);
	counts = counts_ask(&r);
	assert_in_range(count_of(json_object_get(counts, "accept_errors"), "EMFILE"), 20, 200);
	assert_in_range(count_of(counts, "accepted"), 10, 40);
	json_decref(counts);
	for (int i = 0; i < 60; i++)
		close(fds[i]);
	counts_wait(&r, "accepted", 60);
	json_decref(sink_stop(&r));
}

/* ---- what is refused ---- */

struct refusal {
	const char *options, *text;
};

static const struct refusal refusals[] = {
	{ "\"read\": \"slow\"", "read: slow, but not how slow" },
	{ "\"read\": \"slow\", \"read_bytes\": 1", "read: slow, but not how slow" },
	{ "\"read_every\": \"1s\"", "read: read_bytes and read_every are a slow reader's" },
	{ "\"read\": \"never\", \"reset_after\": 1", "read: with read never" },
	{ "\"close\": \"now\", \"echo\": true", "read: with read never or close now" },
	{ "\"reply\": \"\", \"request_bytes\": 1", "reply: it is empty" },
	{ "\"reply\": \"x\", \"reply_bytes\": 1, \"request_bytes\": 1",
	  "reply: it is given twice" },
	{ "\"reply\": \"x\"", "request_bytes: a reply follows" },
	{ "\"request_bytes\": 1", "request_bytes: a reply follows" },
	{ "\"reply\": \"x\", \"request_bytes\": 1, \"echo\": true", "echo: what is read" },
	{ "\"close_after\": 1", "close_after: it counts replies" },
	{ "\"pause_at\": \"1s\"", "pause_at: a pause without a length" },
	{ "\"accept_noise\": 5", "accept_noise: it varies accept_delay" },
	{ "\"files\": 12, \"threads\": 4", "files: the sink itself has " },
	{ "\"files\": 2000000000", "files: this process may open" },
};

static int refused(const struct refusal *c)
{
	char text[256];
	struct sq_err err = { 0 };
	void *conf;
	int rc;

	snprintf(text, sizeof(text), "{\"listen\": \"127.0.0.1:0\", %s}", c->options);
	conf = conf_new(&sq_sink_tcp.kind, text);
	rc = sq_sink_run(&sq_sink_tcp.kind, conf, -1, -1, NULL, NULL, &err);
	conf_free(&sq_sink_tcp.kind, conf);
	if (rc == -EINVAL && strncmp(err.text, c->text, strlen(c->text)) == 0)
		return 0;
	fprintf(stderr, "%s: got %d, %s: %s\n", c->options, rc, err.where, err.text);
	return 1;
}

/* In a process of its own: the limits that it sets are its own. */
static void test_refused(void **state)
{
	int status;
	pid_t pid = fork();

	(void)state;
	assert_int_not_equal(pid, -1);
	if (pid == 0) {
		int wrong = 0;

		for (size_t i = 0; i < sizeof(refusals) / sizeof(*refusals); i++)
			wrong += refused(&refusals[i]);
		exit(wrong); /* not _exit: leak checks run at exit */
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_int_equal(status, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_teardown(test_threads, leftover_end),
		cmocka_unit_test_teardown(test_threads_lose, leftover_end),
		cmocka_unit_test_teardown(test_threads_port_in_use, leftover_end),
		cmocka_unit_test_teardown(test_threads_free_port, leftover_end),
		cmocka_unit_test_teardown(test_pause, leftover_end),
		cmocka_unit_test_teardown(test_pause_and_delay, leftover_end),
		cmocka_unit_test_teardown(test_files, leftover_end),
		cmocka_unit_test_teardown(test_refused, leftover_end),
	};

	return cmocka_run_group_tests(tests, world_make, NULL);
}
