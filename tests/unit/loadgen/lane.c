/* A lane and what it holds, with a driver of the test's own whose operations are connections at once:
 * so that what happens to them later is the test's to say. */
#include "loadgen/engine/lane.h"

#include <sys/epoll.h>

#include "tests/unit/loadgen/bench.h"

enum { PEERS_MAX = 4096 };

struct hold_conf {
	int64_t hold_ns; /* the first of two; the second is held twice as long */
	int64_t lose_ns; /* when the peer closes all connections; 0: never */
};

struct hold_lane {
	uv_timer_t lose;
	int peers[PEERS_MAX];
	int n_peers;
};

struct hold_op {
	int fd;
};

static void on_lose(uv_timer_t *timer)
{
	struct hold_lane *h = timer->data;

	while (h->n_peers > 0)
		close(h->peers[--h->n_peers]);
}

static int hold_lane_init(struct sq_lane *lane, struct sq_err *err)
{
	const struct hold_conf *conf = lane->conf;
	struct hold_lane *h = lane->state;

	(void)err;
	uv_timer_init(lane->loop, &h->lose);
	h->lose.data = h;
	if (conf->lose_ns)
		uv_timer_start(&h->lose, on_lose, (uint64_t)(conf->lose_ns / SQ_MS), 0);
	return 0;
}

static void hold_drop(struct sq_lane *lane, struct sq_op *op)
{
	close(((struct hold_op *)op->priv)->fd);
	sq_op_release(lane, op);
}

static void hold_ready(struct sq_lane *lane, struct sq_op *op, uint32_t events)
{
	if (events & (EPOLLRDHUP | EPOLLHUP))
		hold_drop(lane, op);
}

static unsigned hold_start(struct sq_lane *lane, const int64_t *due_ns, unsigned n)
{
	const struct hold_conf *conf = lane->conf;
	struct hold_lane *h = lane->state;

	for (unsigned i = 0; i < n; i++) {
		struct sq_op *op = sq_op_new(lane, due_ns[i]);
		struct sq_tally_op ok = { .outcome = { .code = SQ_CODE_OK } };
		int pair[2];

		if (!op)
			return i;
		assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair), 0);
		assert_true(h->n_peers < PEERS_MAX);
		h->peers[h->n_peers++] = pair[1];
		((struct hold_op *)op->priv)->fd = pair[0];
		op->sent_ns = ok.done_ns = sq_lane_clock(lane);
		assert_int_equal(sq_op_watch(lane, op, pair[0], EPOLLRDHUP | EPOLLET), 0);
		sq_op_done(lane, op, &ok);
		sq_op_hold(lane, op,
			   conf->hold_ns == SQ_NEVER || op->seq % 2 == 0 ? conf->hold_ns
									 : 2 * conf->hold_ns);
	}
	return n;
}

static void hold_end(struct sq_lane *lane, struct sq_op *op, uint16_t code)
{
	(void)lane;
	(void)op;
	(void)code;
	abort(); /* none is ever in flight */
}

static const struct sq_opt no_opts[] = { { 0 } };

static const struct sq_driver driver = {
	.kind = { .name = "hold",
		  .summary = "",
		  .opts = no_opts,
		  .conf_size = sizeof(struct hold_conf) },
	.lane_size = sizeof(struct hold_lane),
	.op_size = sizeof(struct hold_op),
	.lane_init = hold_lane_init,
	.start = hold_start,
	.ready = hold_ready,
	.end = hold_end,
	.drop = hold_drop,
};

static void hold_init(struct bench *b, struct hold_conf *conf)
{
	const struct server nobody = { .fd = -1 };

	bench_init(b, &nobody, "{}");
	free(b->spec.driver.conf);
	b->spec.driver = (struct sq_plug){ .kind = &driver.kind, .conf = conf };
	b->spec.threads = 1;
}

static void hold_fini(struct bench *b)
{
	b->spec.driver.conf = NULL;
	bench_fini(b);
}

/* What is held is open: no other is started for it, and the lane ends in its time all the same. */
static void closed_counts_what_is_held(void **state)
{
	struct hold_conf conf = { .hold_ns = SQ_NEVER };
	struct bench b;

	(void)state;
	hold_init(&b, &conf);
	b.spec.arrivals.closed = 50;
	b.spec.duration_ns = 300 * SQ_MS;
	bench_run_done(&b);
	assert_int_equal(b.scheduled, 50);
	assert_in_range(b.took_ns, 300 * SQ_MS, 900 * SQ_MS);
	hold_fini(&b);
}

/* The server loses all connections at once, and all come back at once. */
static void reconnect_storm(void **state)
{
	struct hold_conf conf = { .hold_ns = SQ_NEVER, .lose_ns = 400 * SQ_MS };
	struct bench b;

	(void)state;
	hold_init(&b, &conf);
	b.spec.arrivals.closed = 500;
	b.spec.duration_ns = 800 * SQ_MS;
	bench_run_done(&b);
	assert_int_equal(b.scheduled, 1000);
	assert_true(b.cpu_s < 0.3);
	hold_fini(&b);
}

/* 100 and 200 ms by turns: 10 places see about 10 * 1 s / 150 ms of them, not 10 * 1 s / 200 ms. */
static void holds_differ(void **state)
{
	struct hold_conf conf = { .hold_ns = 100 * SQ_MS };
	struct bench b;

	(void)state;
	hold_init(&b, &conf);
	b.spec.arrivals.closed = 10;
	bench_run_done(&b);
	assert_in_range(b.scheduled, 58, 80);
	hold_fini(&b);
}

/* 20 places for what is open: the rest is missed, though nothing is in flight. */
static void max_open(void **state)
{
	struct hold_conf conf = { .hold_ns = SQ_NEVER };
	struct bench b;

	(void)state;
	hold_init(&b, &conf);
	b.spec.threads = 3;
	b.spec.arrivals.rate_per_s = 1000;
	b.spec.max_open = 20;
	bench_run_done(&b);
	assert_int_equal(b.scheduled, 1000);
	assert_int_equal(bench_n(&b, "ok@"), 20);
	assert_int_equal(bench_n(&b, "missed@"), 980);
	hold_fini(&b);
}

/* Of two workers each has its own threads of a load. */
static void two_workers(void **state)
{
	struct hold_conf conf = { .hold_ns = 10 * SQ_MS };
	struct bench b;

	(void)state;
	hold_init(&b, &conf);
	b.spec.threads = 3;
	b.spec.workers = 2;
	b.spec.arrivals.rate_per_s = 900;
	bench_run_done(&b);
	assert_int_equal(b.scheduled, 600);
	hold_fini(&b);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(closed_counts_what_is_held),
		cmocka_unit_test(reconnect_storm),
		cmocka_unit_test(holds_differ),
		cmocka_unit_test(max_open),
		cmocka_unit_test(two_workers),
	};

	net_enter();
	return cmocka_run_group_tests(tests, NULL, NULL);
}
