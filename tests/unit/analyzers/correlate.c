/* What moves with failures that nothing explains: a companion is told with its lag, and by its own
 * name alone; effects, what the load itself drives, and chance are not. */
#include "analyzers/ledger/correlate.h"

#include "ledger_bench.h"

enum { BINS = 3010 }; /* five minutes, half a second before and after */

static struct sq_rng rng;

/* A run with a load of five minutes, ten operations a bin. */
static struct sq_run *long_run(size_t bins)
{
	struct sq_run *run = new_run(bins);
	struct sq_load_rec *load = add_load(run, "storm", "server:9000", SQ_SEC);

	load->duration_ns = (int64_t)(bins - 10) * 100 * SQ_MS;
	for (size_t i = 5; i + 5 < bins; i++)
		load->scheduled_series[i] = 10;
	usual_sysctls(run);
	return run;
}

/* Resets that no mechanism explains, in some bins by chance: more where more is due. */
static struct sq_outcome_rec *add_resets(struct sq_run *run, double chance)
{
	struct sq_load_rec *load = &run->loads[0];
	struct sq_outcome_rec *o = outcome_of(run, load, "ECONNRESET", "answer", SQ_CLASS_RESET);

	for (size_t i = 5; i + 5 < run->axis.n; i++) {
		uint64_t n = sq_rng_double(&rng) < chance ? 1 + sq_rng_below(&rng, 5) : 0;

		o->series[i] = n;
		o->count += n;
	}
	o->first_ns = 0;
	o->last_ns = load->duration_ns - 1;
	return o;
}

/* A counter that rises by rise(i) in bin i. */
static struct sq_metric_rec *add_rises(struct sq_run *run, const char *metric,
				       double (*rise_in)(const struct sq_run *run, size_t bin))
{
	struct sq_metric_rec *m = add_metric(run, "server", metric, NULL, SQ_COUNTER);
	double sum = 0;

	for (size_t i = 0; i < run->axis.n; i++) {
		sum += i ? rise_in(run, i) : 0;
		m->samples[i] = sum;
	}
	m->first = 0;
	m->last = m->max = m->delta = sum;
	return m;
}

static double noise(const struct sq_run *run, size_t bin)
{
	(void)run;
	(void)bin;
	return (double)sq_rng_below(&rng, 20);
}

/* Each failure, 0.3 s later. */
static double later(const struct sq_run *run, size_t bin)
{
	return bin < 3 ? 0 : (double)run->loads[0].outcomes[0].series[bin - 3];
}

static double due(const struct sq_run *run, size_t bin)
{
	return 3 * (double)run->loads[0].scheduled_series[bin];
}

static double slow_wave(const struct sq_run *run, size_t bin)
{
	static double level;

	(void)run;
	level = bin == 1 ? 0 : 0.97 * level + sq_rng_double(&rng) - 0.5;
	return level > 0 ? floor(10 * level) : 0;
}

static void test_companion(void **state)
{
	struct sq_run *run = long_run(BINS);
	const struct sq_mover *m;

	(void)state;
	sq_rng_init(&rng, 1, 0);
	add_resets(run, 0.1);
	add_rises(run, "TcpExt.PruneCalled", later);
	add_rises(run, "Tcp.OutRsts", later);
	add_rises(run, "TcpExt.TCPAbortOnTimeout", later);
	add_rises(run, "TcpExt.DelayedACKs", noise);
	add_rises(run, "Tcp.InSegs", due);
	analyze(run);
	assert_int_equal(run->findings.n, 0);
	assert_int_equal(run->findings.n_movers, 1);
	m = &run->findings.movers[0];
	assert_string_equal(m->metric, "TcpExt.PruneCalled");
	assert_string_equal(m->failure, "ECONNRESET@answer");
	assert_string_equal(m->load, "storm");
	assert_string_equal(m->host, "server");
	assert_true(fabs(m->lag_s - 0.3) < 1e-9);
	assert_true(m->r > 0.99);
	assert_true(m->p >= 6.0 / BINS && m->q <= 0.05 && m->q >= m->p);
	assert_int_equal(account(run, "storm", "ECONNRESET@answer")->explained, 0);
	assert_null(not_examined(run, "moves_with"));
	sq_run_free(run);
}

/* Where failures follow the load's ups and downs, so does every counter: none is told. */
static void test_load_drives(void **state)
{
	struct sq_run *run = long_run(BINS);
	struct sq_load_rec *load = &run->loads[0];
	struct sq_outcome_rec *o;

	(void)state;
	sq_rng_init(&rng, 2, 0);
	for (size_t i = 5; i + 5 < run->axis.n; i++)
		load->scheduled_series[i] = sq_rng_below(&rng, 40);
	o = outcome_of(run, load, "ECONNRESET", "answer", SQ_CLASS_RESET);
	for (size_t i = 5; i + 5 < run->axis.n; i++)
		o->count += o->series[i] = load->scheduled_series[i] / 4;
	o->first_ns = 0;
	o->last_ns = load->duration_ns - 1;
	add_rises(run, "Tcp.InSegs", due);
	add_rises(run, "TcpExt.DelayedACKs", noise);
	analyze(run);
	assert_int_equal(run->findings.n_movers, 0);
	sq_run_free(run);
}

/* Series that remember, as counters do: 30 at a time, none with anything to do with the failures. */
static void test_chance(void **state)
{
	size_t told = 0;

	(void)state;
	for (uint64_t seed = 0; seed < 20; seed++) {
		struct sq_run *run = long_run(BINS);

		sq_rng_init(&rng, seed, 7);
		add_resets(run, 0.05);
		for (size_t i = 0; i < 30; i++) {
			char name[32];

			snprintf(name, sizeof(name), "Made.Up%zu", i);
			add_rises(run, name, slow_wave);
		}
		analyze(run);
		told += run->findings.n_movers > 0;
		sq_run_free(run);
	}
	if (told > 2)
		fail_msg("in %zu of 20 runs a counter of chance was told", told);
}

static void test_too_short(void **state)
{
	struct sq_run *run = long_run(60);
	const char *because;

	(void)state;
	sq_rng_init(&rng, 3, 0);
	add_resets(run, 0.3);
	add_rises(run, "TcpExt.PruneCalled", later);
	for (size_t i = 0; i < 30; i++) {
		char name[32];

		snprintf(name, sizeof(name), "Made.Up%zu", i);
		add_rises(run, name, noise);
	}
	analyze(run);
	because = not_examined(run, "moves_with");
	assert_int_equal(run->findings.n_movers, 0);
	assert_non_null(because);
	assert_non_null(strstr(because, "50 bins of 0.1 s are too few to tell which of 31 "
					"counters"));
	sq_run_free(run);
}

/* A counter that was not read for a while: its rise belongs to all of that time. */
static void test_gap(void **state)
{
	struct sq_run *run = long_run(BINS);
	struct sq_metric_rec *m;

	(void)state;
	sq_rng_init(&rng, 4, 0);
	add_resets(run, 0.1);
	m = add_rises(run, "TcpExt.PruneCalled", later);
	for (size_t i = 100; i < 200; i++)
		m->samples[i] = NAN;
	analyze(run);
	assert_int_equal(run->findings.n_movers, 1);
	assert_true(run->findings.movers[0].r > 0.9 && run->findings.movers[0].r < 0.99);
	sq_run_free(run);
}

/* What the ledger has used for a failure is not offered for what it left of it. */
static void test_used(void **state)
{
	struct sq_run *run = long_run(BINS);
	struct sq_load_rec *load = &run->loads[0];
	struct sq_outcome_rec *o = outcome_of(run, load, "timeout", "connect", SQ_CLASS_TIMEOUT);

	(void)state;
	sq_rng_init(&rng, 5, 0);
	load->timeout_ns = 800 * SQ_MS;
	for (size_t i = 5; i + 5 < run->axis.n; i++)
		o->count += o->series[i] = sq_rng_below(&rng, 10) == 0 ? 4 : 0;
	o->first_ns = 0;
	o->last_ns = load->duration_ns - 1;
	add_rises(run, "TcpExt.ListenOverflows", later);
	add_listener(run, "0.0.0.0:9000", 128, 129, 0, load->duration_ns);
	/* Half of the failures, so that the other half stays unexplained. */
	for (size_t i = 0; i < run->axis.n; i++)
		run->metrics[0].samples[i] = floor(run->metrics[0].samples[i] / 2);
	run->metrics[0].delta = run->metrics[0].samples[run->axis.n - 1];
	analyze(run);
	assert_int_equal(run->findings.n, 1);
	assert_true(account(run, "storm", "timeout@connect")->unexplained > 100);
	assert_int_equal(run->findings.n_movers, 0);
	sq_run_free(run);
}

static void test_effects(void **state)
{
	static const char *const effects[] = { "Tcp.OutRsts",     "TcpExt.TCPAbortOnData",
					       "Tcp.EstabResets", "TcpExt.TCPWinProbe",
					       "Tcp.RetransSegs", "TcpExt.TCPTimeouts",
					       "IcmpMsg.InType3", "TcpExt.TCPSynRetrans" };
	static const char *const others[] = { "TcpExt.TCPAbortOnMemory", "TcpExt.ListenOverflows",
					      "qdisc.drops", "Udp.RcvbufErrors" };

	(void)state;
	for (size_t i = 0; i < sizeof(effects) / sizeof(effects[0]); i++)
		assert_true(sq_is_effect(effects[i]));
	for (size_t i = 0; i < sizeof(others) / sizeof(others[0]); i++)
		assert_false(sq_is_effect(others[i]));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_companion), cmocka_unit_test(test_load_drives),
		cmocka_unit_test(test_chance),    cmocka_unit_test(test_too_short),
		cmocka_unit_test(test_gap),       cmocka_unit_test(test_used),
		cmocka_unit_test(test_effects),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
