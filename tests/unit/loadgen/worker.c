/* The worker and its lanes, by TCP connections to a server in the test's own network namespace:
 * whatever happens, each operation that came due has one outcome, and ends in time. */
#include "tests/unit/loadgen/bench.h"

static void all_is_well(void **state)
{
	struct server s = server_listen(4096);
	struct bench b;

	(void)state;
	server_start(&s, -1, false);
	bench_init(&b, &s, "{}");
	b.spec.arrivals.rate_per_s = 1000;
	b.spec.duration_ns = 2 * SQ_SEC;
	b.spec.warmup_ns = 500 * SQ_MS;
	bench_run_done(&b);
	assert_int_equal(b.scheduled, 2000);
	assert_int_equal(bench_n(&b, "ok@"), 2000);
	assert_int_equal(sq_hist_count(b.from_due), 1500);
	assert_int_equal(sq_hist_count(b.lag), 2000);
	assert_true(sq_hist_percentile(b.lag, 50) < 2 * SQ_MS);
	assert_true(b.cpu_s > 0 && b.cpu_s < 2);
	assert_in_range(b.took_ns, 1999 * SQ_MS, 2800 * SQ_MS);
	bench_fini(&b);
	server_stop(&s);
}

static void bursts_of_four_lanes(void **state)
{
	struct server s = server_listen(4096);
	struct bench b;

	(void)state;
	server_start(&s, -1, false);
	bench_init(&b, &s, "{\"close\": \"fin\", \"until\": \"connected\"}");
	b.spec.threads = 4;
	b.spec.arrivals.burst = 128;
	b.spec.arrivals.every_ns = 500 * SQ_MS;
	b.spec.arrivals.streams = 3;
	b.spec.duration_ns = SQ_SEC;
	b.spec.at_ns = 100 * SQ_MS;
	bench_run_done(&b);
	assert_int_equal(b.scheduled, 768);
	assert_int_equal(bench_n(&b, "ok@"), 768);
	bench_fini(&b);
	server_stop(&s);
}

/* Nobody listens: every operation ends at once, and a closed loop over it must not starve. */
static void refused(void **state)
{
	struct server s = server_listen(-1);
	struct bench b;

	(void)state;
	bench_init(&b, &s, "{}");
	b.spec.arrivals.rate_per_s = 500;
	bench_run_done(&b);
	assert_int_equal(bench_n(&b, "ECONNREFUSED@connect"), 500);
	bench_fini(&b);

	bench_init(&b, &s, "{}");
	b.spec.arrivals.closed = 100;
	b.spec.duration_ns = 500 * SQ_MS;
	bench_run_done(&b);
	assert_int_equal(bench_n(&b, "ECONNREFUSED@connect"), b.scheduled);
	assert_true(b.scheduled > 500);
	assert_true(b.took_ns < 1200 * SQ_MS);
	bench_fini(&b);
	server_stop(&s);
}

static void closed_loop(void **state)
{
	struct server s = server_listen(4096);
	struct bench b;

	(void)state;
	server_start(&s, 20 * SQ_MS, false);
	bench_init(&b, &s, "{\"until\": \"greeting\"}");
	b.spec.arrivals.closed = 10;
	bench_run_done(&b);
	/* Each takes 20 ms and a little: 10 at once for 1 s are at most 500 + those in flight. */
	assert_in_range(b.scheduled, 300, 510);
	assert_int_equal(bench_n(&b, "ok@"), b.scheduled);
	assert_true(sq_hist_min(b.from_due) >= 20 * SQ_MS);
	bench_fini(&b);

	bench_init(&b, &s, "{\"until\": \"greeting\"}");
	b.spec.arrivals.closed = 3;
	b.spec.threads = 4;
	b.spec.count = 20;
	b.spec.duration_ns = 10 * SQ_SEC;
	bench_run_done(&b);
	assert_int_equal(b.scheduled, 20);
	assert_true(b.took_ns < SQ_SEC);
	bench_fini(&b);
	server_stop(&s);
}

/* 20 places, each taken for 100 ms: at 1000/s most find none. */
static void too_few_places(void **state)
{
	struct server s = server_listen(4096);
	struct bench b;

	(void)state;
	server_start(&s, 100 * SQ_MS, false);
	bench_init(&b, &s, "{\"until\": \"greeting\"}");
	b.spec.arrivals.rate_per_s = 1000;
	b.spec.max_in_flight = 20;
	bench_run_done(&b);
	assert_int_equal(b.scheduled, 1000);
	assert_in_range(bench_n(&b, "ok@"), 100, 220);
	assert_int_equal(bench_n(&b, "missed@"), 1000 - bench_n(&b, "ok@"));
	assert_int_equal(b.live.other, bench_n(&b, "missed@"));
	bench_fini(&b);
	server_stop(&s);
}

static void stop_cancels(void **state)
{
	struct server s = server_listen(4096);
	struct bench b;

	(void)state;
	server_start(&s, -1, false);
	bench_init(&b, &s, "{\"until\": \"greeting\"}");
	b.spec.arrivals.rate_per_s = 100;
	b.spec.duration_ns = 60 * SQ_SEC;
	b.spec.timeout_ns = 30 * SQ_SEC;
	b.command = "stop";
	b.command_ns = 505 * SQ_MS;
	bench_run_done(&b);
	assert_in_range(b.scheduled, 45, 60);
	/* One may have come due with the command. */
	assert_int_equal(bench_n(&b, "canceled@greeting") + bench_n(&b, "canceled@"), b.scheduled);
	assert_true(b.took_ns < SQ_SEC);
	bench_fini(&b);
	server_stop(&s);
}

/* What is under way ends as it would have; what is held does not delay the end. */
static void drain_starts_nothing(void **state)
{
	struct server s = server_listen(4096);
	struct bench b;

	(void)state;
	server_start(&s, 200 * SQ_MS, false);
	bench_init(&b, &s, "{\"until\": \"greeting\", \"hold\": \"1h\"}");
	b.spec.arrivals.rate_per_s = 100;
	b.spec.duration_ns = 60 * SQ_SEC;
	b.command = "drain";
	b.command_ns = 505 * SQ_MS;
	bench_run_done(&b);
	assert_in_range(b.scheduled, 45, 60);
	assert_int_equal(bench_n(&b, "ok@"), b.scheduled);
	assert_true(b.took_ns < 1200 * SQ_MS);
	bench_fini(&b);
	server_stop(&s);
}

/* A process limit that does not even hold the lanes' loops is an error, in words. */
static void no_room_for_lanes(void **state)
{
	struct server s = server_listen(4096);
	struct bench b;

	(void)state;
	bench_init(&b, &s, "{}");
	b.spec.arrivals.rate_per_s = 100;
	b.spec.threads = 16;
	b.nofile = 16;
	bench_run(&b);
	printf("  %s\n", b.said);
	assert_int_equal(WEXITSTATUS(b.status), 1);
	assert_int_equal(strncmp(b.said, "error storm: ", 13), 0);
	bench_fini(&b);
	server_stop(&s);
}

/* A run whose records are lost is worth nothing: it ends, and says why. */
static void spool_full(void **state)
{
	struct server s = server_listen(4096);
	struct bench b;

	(void)state;
	server_start(&s, -1, false);
	bench_init(&b, &s, "{}");
	b.spec.arrivals.rate_per_s = 100;
	b.spec.duration_ns = 60 * SQ_SEC;
	b.fsize = 1024;
	bench_run(&b);
	printf("  %s\n", b.said);
	assert_int_equal(WEXITSTATUS(b.status), 1);
	assert_int_equal(strncmp(b.said, "error ", 6), 0);
	assert_non_null(strstr(b.said, "spool/load-client.jsonl"));
	assert_true(b.took_ns < 3 * SQ_SEC);
	bench_fini(&b);
	server_stop(&s);
}

static void supervisor_gone(void **state)
{
	struct server s = server_listen(4096);
	int64_t begin_ns = sq_now_ns();
	struct bench b;

	(void)state;
	server_start(&s, -1, false);
	bench_init(&b, &s, "{}");
	b.spec.arrivals.rate_per_s = 100;
	b.spec.duration_ns = 60 * SQ_SEC;
	b.command = "";
	b.command_ns = 1200 * SQ_MS;
	bench_run(&b);
	assert_int_equal(WEXITSTATUS(b.status), 1);
	assert_false(b.done);
	assert_in_range(b.scheduled, 90, 120); /* of the one flush */
	assert_true(sq_now_ns() - begin_ns < 3 * SQ_SEC);
	bench_fini(&b);
	server_stop(&s);
}

/* While nothing comes due, waiting costs no CPU. */
static void waiting_is_idle(void **state)
{
	struct server s = server_listen(4096);
	struct bench b;
	double idle_s;

	(void)state;
	server_start(&s, -1, false);
	bench_init(&b, &s, "{\"until\": \"greeting\"}");
	b.spec.arrivals.closed = 100;
	b.spec.count = 100;
	b.spec.duration_ns = 100 * SQ_MS;
	b.spec.timeout_ns = 2500 * SQ_MS;
	bench_run_done(&b);
	assert_int_equal(bench_n(&b, "timeout@greeting"), 100);
	assert_in_range(b.took_ns, 2500 * SQ_MS, 3000 * SQ_MS);
	idle_s = b.cpu_s;
	assert_true(idle_s < 0.1);
	bench_fini(&b);
	server_stop(&s);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(all_is_well),
		cmocka_unit_test(bursts_of_four_lanes),
		cmocka_unit_test(refused),
		cmocka_unit_test(closed_loop),
		cmocka_unit_test(too_few_places),
		cmocka_unit_test(stop_cancels),
		cmocka_unit_test(drain_starts_nothing),
		cmocka_unit_test(no_room_for_lanes),
		cmocka_unit_test(spool_full),
		cmocka_unit_test(supervisor_gone),
		cmocka_unit_test(waiting_is_idle),
	};

	net_enter();
	return cmocka_run_group_tests(tests, NULL, NULL);
}
