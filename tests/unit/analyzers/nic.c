/* What drivers count for themselves, in a namespace of the test's own. */
#include "source_bench.h"

static void test_none(void **state)
{
	const struct sq_source *source = source_named("nic");
	void *memory = calloc(1, source->state_size);
	struct sq_err err = { 0 };
	struct bench b;

	(void)state;
	bench_open(&b);
	assert_int_equal(source->open(memory, NULL, b.sample, &err), -ENOENT);
	assert_non_null(strstr(err.text, "no network device"));
	free(memory);
	json_decref(bench_close(&b));
}

/* A veth's statistics: a queue's, and the number of its peer. */
static void test_veth(void **state)
{
	struct probe p;
	json_t *records, *tick, *peer;

	(void)state;
	must("ip link add v0 type veth peer name v1");
	probe_open(&p, "nic");
	bench_tick_empty(&p.bench);
	probe_tick(&p);
	must("ip link del v0");
	/* Gone: its rows are passed over, and nothing fails. */
	sq_sleep_until(sq_now_ns() + 200 * SQ_MS);
	probe_tick(&p);
	records = probe_close(&p);
	tick = nth_record(records, "tick", 1);
	peer = find_metric(records, "nic.peer_ifindex", "v0");
	assert_non_null(peer);
	assert_true(tick_value(tick, record_int(peer, "i")) > 1);
	assert_non_null(find_metric(records, "nic.rx_queue_0_drops", "v1"));
	assert_string_equal(record_text(peer, "kind"), "counter");
	assert_int_equal(count_records(records, "restart"), 0);
	json_decref(records);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_none),
		cmocka_unit_test(test_veth),
	};

	if (!enter_namespace())
		return 1;
	return cmocka_run_group_tests(tests, NULL, NULL);
}
