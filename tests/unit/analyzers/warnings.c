/* What a run's own host ran short of, by runs made in memory. */
#include "ledger_bench.h"

static void add_time_wait(struct sq_run *run, double per_bin)
{
	struct sq_metric_rec *m;

	run->metrics = sq_alloc(sizeof(*run->metrics));
	m = &run->metrics[run->n_metrics++];
	m->host = sq_strdup("client");
	m->source = sq_strdup("sockstat");
	m->metric = sq_strdup("sockstat.TCP.tw");
	m->unit = sq_strdup("sockets");
	m->kind = SQ_GAUGE;
	m->samples = sq_alloc_n(run->axis.n, sizeof(*m->samples));
	for (size_t i = 0; i < run->axis.n; i++)
		m->samples[i] = i % 2 ? NAN : per_bin * (double)i;
	m->max = per_bin * (double)run->axis.n;
}

static struct sq_run *fin_run(bool time_wait, double per_bin)
{
	struct sq_run *run = new_run(100);

	set_sysctl(run, "client", "net.ipv4.ip_local_port_range", "32768 60999");
	add_load(run, "a", "server:9000", SQ_SEC)->time_wait = time_wait;
	add_time_wait(run, per_bin);
	return run;
}

static void test_time_wait(void **state)
{
	struct sq_run *run = fin_run(true, 400);
	const json_t *w;

	(void)state;
	assert_int_equal(sq_analyze(run, NULL), 0);
	assert_int_equal(json_array_size(run->warnings), 1);
	w = json_array_get(run->warnings, 0);
	/* 14,116 are passed in bin 36, which is 3.1 s after t0. */
	assert_true(fabs(json_number_value(json_object_get(w, "t_s")) - 3.1) < 1e-9);
	assert_non_null(strstr(json_string_value(json_object_get(w, "text")),
			       "client has 14400 sockets in TIME_WAIT, about half of the ports "
			       "that its sources have (14116), and later up to 40000"));
	sq_run_free(run);
}

/* Of two loads to one target the ports are the same, to another they are not. */
static void test_two_loads(void **state)
{
	struct sq_run *run = fin_run(true, 400);

	(void)state;
	add_load(run, "b", "server:9000", SQ_SEC)->time_wait = true;
	assert_int_equal(sq_analyze(run, NULL), 0);
	assert_int_equal(json_array_size(run->warnings), 1);
	sq_run_free(run);
	run = fin_run(true, 200);
	assert_int_equal(sq_analyze(run, NULL), 0);
	assert_int_equal(json_array_size(run->warnings), 1);
	sq_run_free(run);
	run = fin_run(true, 200);
	add_load(run, "b", "server:9001", SQ_SEC)->time_wait = true;
	assert_int_equal(sq_analyze(run, NULL), 0);
	assert_null(run->warnings);
	sq_run_free(run);
}

static void test_none(void **state)
{
	struct sq_run *run = fin_run(false, 400);

	(void)state;
	assert_int_equal(sq_analyze(run, NULL), 0);
	assert_null(run->warnings);
	sq_run_free(run);
	run = fin_run(true, 100);
	assert_int_equal(sq_analyze(run, NULL), 0);
	assert_null(run->warnings);
	sq_run_free(run);
	run = fin_run(true, 400);
	run->loads[0].sources = 3;
	assert_int_equal(sq_analyze(run, NULL), 0);
	assert_null(run->warnings);
	sq_run_free(run);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_time_wait),
		cmocka_unit_test(test_two_loads),
		cmocka_unit_test(test_none),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
