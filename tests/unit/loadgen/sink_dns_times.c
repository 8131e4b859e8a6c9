/* The DNS sink's times: delay, capacity and pause, as a client sees them.
 *
 * Lower bounds are exact, since nothing may come early.  Upper bounds leave room for a machine that
 * does other things meanwhile; the figures are printed. */
#include "sink_dns.h"

static int by_size(const void *a, const void *b)
{
	int64_t x = *(const int64_t *)a, y = *(const int64_t *)b;

	return x < y ? -1 : x > y;
}

static void test_delay(void **state)
{
	struct running r = sink_start("{" LISTEN ", \"delay\": \"50ms\"}");
	int fd = dial(INADDR_LOOPBACK);
	int64_t sent[200] = { 0 }, took[200] = { 0 }, begin = sq_now_ns();
	struct pollfd p = { .fd = fd, .events = POLLIN };
	int asked = 0, got = 0;

	(void)state;
	while (got < 200) {
		int64_t now = sq_now_ns();

		if (asked < 200 && now >= begin + asked * SQ_MS) {
			sent[asked] = sq_now_ns();
			ask(fd, (uint16_t)asked++);
		}
		if (poll(&p, 1, 0) == 1) {
			assert_int_equal(reply_await(fd), got); /* in order */
			took[got] = sq_now_ns() - sent[got];
			got++;
		}
		assert_true(now < begin + 5 * SQ_SEC);
	}
	qsort(took, 200, sizeof(*took), by_size);
	printf("  after 50 ms: min %.3f p50 %.3f p99 %.3f max %.3f ms\n", (double)took[0] / 1e6,
	       (double)took[99] / 1e6, (double)took[197] / 1e6, (double)took[199] / 1e6);
	assert_in_range(took[0], 50 * SQ_MS, 51 * SQ_MS);
	assert_in_range(took[99], 50 * SQ_MS, 55 * SQ_MS);
	assert_sleeps(&r);
	close(fd);
	sink_stop_with(&r, (struct count_case[]){ { "delayed", 200 }, { NULL, 0 } });
}

/* What is not delayed overtakes what is. */
static void test_delay_of_some(void **state)
{
	struct running r = sink_start("{" LISTEN ", \"delay\": \"100ms\", \"delay_percent\": 50}");
	int fd = dial(INADDR_LOOPBACK), late = 0;
	int64_t begin = sq_now_ns();

	(void)state;
	for (uint16_t i = 0; i < 20; i++)
		ask(fd, i);
	for (int i = 0; i < 20; i++) {
		reply_await(fd);
		late += sq_now_ns() - begin >= 100 * SQ_MS;
	}
	assert_int_equal(late, 10);
	close(fd);
	sink_stop_with(&r, (struct count_case[]){ { "delayed", 10 }, { NULL, 0 } });
}

static void test_stop_while_waiting(void **state)
{
	struct running r = sink_start("{" LISTEN ", \"delay\": \"30s\"}");
	int fd = dial(INADDR_LOOPBACK);

	(void)state;
	for (int i = 0; i < 3 * BATCH; i++) { /* more than the queue holds at first */
		ask(fd, (uint16_t)i);
		if ((i + 1) % BATCH == 0)
			counts_wait(&r, "waiting", i + 1);
	}
	assert_sleeps(&r);
	close(fd);
	sink_stop_with(&r, (struct count_case[]){ { "queries", 300 },
						  { "waiting", 300 },
						  { "answered", 0 },
						  { NULL, 0 } });
}

/* 200 that wait together, at 1000/s: never early, and the rate is kept however late a timer is. */
static void test_capacity(void **state)
{
	struct running r = sink_start("{" LISTEN ", \"capacity\": 1000}");
	int fd = dial(INADDR_LOOPBACK);
	int64_t begin = sq_now_ns(), half = 0, all;

	(void)state;
	for (uint16_t i = 0; i < 200; i++)
		ask(fd, i);
	for (int i = 0; i < 200; i++) {
		assert_int_equal(reply_await(fd), i);
		if (i == 100)
			half = sq_now_ns() - begin;
	}
	all = sq_now_ns() - begin;
	printf("  200 at 1000/s: %.3f ms\n", (double)all / 1e6);
	assert_in_range(half, 100 * SQ_MS, 130 * SQ_MS);
	assert_in_range(all, 199 * SQ_MS, 230 * SQ_MS);
	assert_sleeps(&r);

	/* Idle time is not saved up: a second batch is no faster. */
	begin = sq_now_ns();
	for (uint16_t i = 0; i < 50; i++)
		ask(fd, i);
	for (int i = 0; i < 50; i++)
		reply_await(fd);
	assert_in_range(sq_now_ns() - begin, 49 * SQ_MS, 80 * SQ_MS);
	close(fd);
	json_decref(sink_stop(&r));
}

static void test_capacity_burst(void **state)
{
	struct running r = sink_start("{" LISTEN ", \"capacity\": 20, \"capacity_burst\": 20}");
	int fd = dial(INADDR_LOOPBACK);

	(void)state;
	for (int round = 0; round < 2; round++) {
		int64_t begin = sq_now_ns();

		for (uint16_t i = 0; i < 25; i++)
			ask(fd, i);
		for (int i = 0; i < 20; i++)
			reply_await(fd);
		assert_in_range(sq_now_ns() - begin, 0, 45 * SQ_MS);
		for (int i = 20; i < 25; i++)
			reply_await(fd);
		assert_in_range(sq_now_ns() - begin, 249 * SQ_MS, 290 * SQ_MS);
		sq_sleep_until(sq_now_ns() + SQ_SEC); /* 20 take as long to come together */
	}
	close(fd);
	json_decref(sink_stop(&r));
}

/* Whatever a slow sink does not read is in its receive buffer, or counted as lost by the kernel. */
static void test_capacity_overflow(void **state)
{
	struct running r = sink_start("{" LISTEN ", \"capacity\": 500, \"receive_buffer\": 8192}");
	int fd = dial(INADDR_LOOPBACK), replies;
	json_t *counts;

	(void)state;
	for (uint16_t i = 0; i < 1000; i++)
		ask(fd, i);
	sq_sleep_until(sq_now_ns() + 200 * SQ_MS);
	counts = sink_stop(&r);
	replies = replies_drain(fd);
	assert_int_equal(count_of(counts, "receive_buffer"), 16384);
	assert_int_equal(count_of(counts, "receive_queue_bytes"), 0);
	assert_int_equal(count_of(counts, "queries"), replies);
	assert_int_equal(count_of(counts, "queries") + count_of(counts, "receive_drops"), 1000);
	assert_in_range(replies, 8, 60);
	json_decref(counts);
	close(fd);
}

/* One query each ms; between 50 and 150 ms nothing is read or answered, then all of it. */
static void test_pause(void **state)
{
	struct running r = sink_start("{" LISTEN ", \"pause_at\": \"50ms\","
				      " \"pause_for\": \"100ms\"}");
	int fd = dial(INADDR_LOOPBACK), asked = 1, got = 1;
	int64_t begin, last, gap = 0, gap_at = 0;
	struct pollfd p = { .fd = fd, .events = POLLIN };

	(void)state;
	ask(fd, 0); /* from here on, however long the sink took to start */
	reply_await(fd);
	begin = last = sq_now_ns();
	while (got < 200) {
		int64_t now = sq_now_ns();

		if (asked < 200 && now >= begin + asked * SQ_MS)
			ask(fd, (uint16_t)asked++);
		if (poll(&p, 1, 0) == 1) {
			assert_int_equal(reply_await(fd), got++);
			if (now - last > gap) {
				gap = now - last;
				gap_at = last - begin;
			}
			last = now;
		}
		assert_true(now < begin + 5 * SQ_SEC);
	}
	printf("  paused at %.3f ms for %.3f ms\n", (double)gap_at / 1e6, (double)gap / 1e6);
	assert_in_range(gap_at, 30 * SQ_MS, 70 * SQ_MS);
	assert_in_range(gap, 80 * SQ_MS, 150 * SQ_MS);
	assert_sleeps(&r);
	close(fd);
	json_decref(sink_stop(&r));
}

/* Delayed answers wait for the end of the pause too, and the sink can be stopped in it. */
static void test_pause_holds_answers(void **state)
{
	struct running r = sink_start("{" LISTEN ", \"delay\": \"10ms\", \"pause_at\": \"5ms\","
				      " \"pause_for\": \"100ms\"}");
	int fd = dial(INADDR_LOOPBACK);
	int64_t begin = sq_now_ns();

	(void)state;
	ask(fd, 1);
	reply_await(fd);
	assert_in_range(sq_now_ns() - begin, 105 * SQ_MS, 140 * SQ_MS);
	json_decref(sink_stop(&r));

	r = sink_start("{" LISTEN ", \"pause_for\": \"1h\", \"delay\": \"10ms\"}");
	ask(fd, 1);
	counts_wait(&r, "waiting", 1);
	assert_sleeps(&r);
	close(fd);
	sink_stop_with(&r, (struct count_case[]){ { "waiting", 1 }, { NULL, 0 } });
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_teardown(test_delay, leftover_end),
		cmocka_unit_test_teardown(test_delay_of_some, leftover_end),
		cmocka_unit_test_teardown(test_stop_while_waiting, leftover_end),
		cmocka_unit_test_teardown(test_capacity, leftover_end),
		cmocka_unit_test_teardown(test_capacity_burst, leftover_end),
		cmocka_unit_test_teardown(test_capacity_overflow, leftover_end),
		cmocka_unit_test_teardown(test_pause, leftover_end),
		cmocka_unit_test_teardown(test_pause_holds_answers, leftover_end),
	};

	return cmocka_run_group_tests(tests, world_make, NULL);
}
