/* Expectations: the arithmetic, the names, what is refused before a run and judged after it. */
#include "analyzers/expect/expect.h"

#include <errno.h>
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "base/clock.h"
#include "base/json.h"
#include "base/mem.h"

static const struct sq_code codes[] = {
	{ "ok", SQ_CLASS_OK, "" },
	{ "ghost", SQ_CLASS_TIMEOUT, "" },
	{ NULL, SQ_CLASS_OK, NULL },
};
static const char *const phases[] = { "connect", "ack", "greeting", NULL };
static const char *const efforts[] = { "syn_retrans", "lost_segs", NULL };
static const char *const counts[] = { "late", NULL };
static const struct sq_vocabulary words = { codes, phases, efforts, counts };
static const struct sq_kind tcp = { .name = "tcp" };

static const struct sq_vocabulary *words_of(const struct sq_kind *driver)
{
	assert_ptr_equal(driver, &tcp);
	return &words;
}

static int check(const char *text, struct sq_err *err)
{
	static struct sq_load_spec load = { .name = (char *)(uintptr_t) "half-fix",
					    .driver = { .kind = &tcp } };
	static struct sq_load_spec storm = { .name = (char *)(uintptr_t) "storm",
					     .driver = { .kind = &tcp } };
	struct sq_load_plan loads[] = { { .spec = &storm }, { .spec = &load } };
	struct sq_host_plan hosts[] = { { .name = "client" }, { .name = "server" } };
	char *expect[] = { (char *)(uintptr_t) "storm.ok > 0", (char *)(uintptr_t)text };
	struct sq_scenario scenario = { .expect = { expect, 2 },
					.file = (char *)(uintptr_t) "lab.json" };
	struct sq_plan plan = {
		.scenario = &scenario, .hosts = hosts, .n_hosts = 2, .loads = loads, .n_loads = 2
	};

	memset(err, 0, sizeof(*err));
	return sq_expect_check(&plan, words_of, err);
}

static void test_possible(void **state)
{
	static const char *const texts[] = {
		"storm.failures == 0",
		"half-fix.latency.p99 < 20ms",
		"half-fix.ok - storm.ok >= -3 * (2 + 1)",
		"server.TcpExt.ListenOverflows == 3 * storm.timeout",
		"server.listen.queue.max <= 128",
		"storm.timeout@connect == storm.class.timeout",
		"storm.ghost + storm.ECONNRESET == 31",
		"storm.ok within 2% 1536",
		"storm.ok within 2% of 1536",
		"storm.ok == 1536 within 0.5%",
		"storm.rate.ok > 24000/min",
		"storm.rate.ok / storm.rate.scheduled > 99%",
		"finding.accept-queue-overflow.explained == storm.timeout",
		"finding.accept-queue-overflow.counter_excess==0",
		"account.unexplained == 0",
		"delivery.lost == 0",
		"delivery.latency.p99 < 2s",
		"storm.phase.greeting.p999 < 1s",
		"storm.service.mean<storm.latency.p99.9",
		"storm.lag.max <= 1 * 500us",
		"storm.effort.syn_retrans > 1k",
		"0<storm.scheduled",
	};

	(void)state;
	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
		struct sq_err err;

		if (check(texts[i], &err) != 0)
			fail_msg("%s: %s", err.where, err.text);
	}
}

static void test_impossible(void **state)
{
	static const struct {
		const char *text, *says;
	} cases[] = {
		{ "storm.falures == 0", "did you mean \"storm.failures\"?" },
		{ "strom.failures == 0", "did you mean \"storm.failures\"?" },
		{ "sever.TcpExt.ListenOverflows == 0", "\"server.TcpExt.ListenOverflows\"?" },
		{ "server.ListenOverflows == 0", "write HOST.GROUP.NAME" },
		{ "finding.accept-queue-overflov.explained == 0",
		  "\"finding.accept-queue-overflow.explained\"?" },
		{ "finding.bad-luck.explained == 0", "is no finding's number" },
		{ "account.unexplaned == 0", "\"account.unexplained\"?" },
		{ "delivery.lots == 0", "\"delivery.lost\"?" },
		{ "delivery.latency == 0", "latency.p99" },
		{ "storm.timeout@conect == 0", "\"storm.timeout@connect\"?" },
		{ "storm.timeout: == 0", "\"storm.timeout\"?" },
		{ "storm.timeout:4.2.2.2.2.2.2 == 0", "CODE:DETAIL" },
		{ "storm.phase.acks.p99 < 1s", "\"storm.phase.ack.p99\"?" },
		{ "storm.latency.q99 < 1s", "storm.latency.p" },
		{ "storm.latency.p99 < 1sec", "expected a unit" },
		{ "storm.class.timeot == 0", "\"storm.class.timeout\"?" },
		{ "storm.ok-storm.failures == 0", "spaces" },
		{ "storm.ok", "expected ==" },
		{ "storm.ok = 5", "expected ==" },
		{ "storm.ok == ", "at its end" },
		{ "storm.ok == 5 5", "nothing more" },
		{ "(storm.ok == 5", "expected )" },
		{ "storm.ok within 5 storm.ok", "percentage" },
		{ "storm.ok within storm.ok", "percentage" },
		{ "", "expected a number" },
		{ "storm == 5", "begins with no load" },
		{ "((((((((((((((((((((((((((((((((((((((((((((((((((((((((((((((((((1))) == 1",
		  "too deeply" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct sq_err err;

		assert_int_equal(check(cases[i].text, &err), -EINVAL);
		assert_string_equal(err.where, "lab.json: /expect/1");
		if (!strstr(err.text, cases[i].says))
			fail_msg("got: %s; want: %s", err.text, cases[i].says);
	}
}

static void add_outcome(struct sq_load_rec *load, const char *code, const char *phase,
			enum sq_class class, uint64_t count, uint64_t syns)
{
	struct sq_outcome_rec *o = &load->outcomes[load->n_outcomes++];

	o->code = sq_strdup(code);
	o->phase = sq_strdup(phase);
	o->class = class;
	o->count = count;
	o->effort[0] = syns;
	if (strcmp(phase, "ack") == 0)
		sq_details_add(&o->details, "4.2.2", 9);
	load->scheduled += count;
}

static void add_metric(struct sq_run *run, const char *metric, const char *instance, double delta,
		       double max)
{
	struct sq_metric_rec *m = &run->metrics[run->n_metrics++];

	m->host = sq_strdup("server");
	m->source = sq_strdup("netstat");
	m->metric = sq_strdup(metric);
	m->instance = sq_strdup(instance);
	m->unit = sq_strdup("");
	m->delta = delta;
	m->max = max;
}

static struct sq_run *new_run(void)
{
	struct sq_run *run = sq_alloc(sizeof(*run));
	struct sq_load_rec *load = sq_alloc_n(2, sizeof(*load));
	struct sq_finding *f;

	run->outcome = sq_strdup("completed");
	run->environment = json_pack("{s:{},s:{}}", "client", "server");
	run->loads = load;
	run->n_loads = 2;
	load->name = sq_strdup("storm");
	load->duration_ns = 3 * SQ_SEC;
	load->warmup_ns = SQ_SEC;
	load->outcomes = sq_alloc_n(4, sizeof(*load->outcomes));
	load->efforts = sq_alloc_n(1, sizeof(*load->efforts));
	load->efforts[0] = sq_strdup("syn_retrans");
	load->n_efforts = 1;
	add_outcome(load, "ok", "done", SQ_CLASS_OK, 129, 4);
	add_outcome(load, "timeout", "connect", SQ_CLASS_TIMEOUT, 383, 766);
	add_outcome(load, "timeout", "ack", SQ_CLASS_TIMEOUT, 17, 0);
	add_outcome(load, "missed", "connect", SQ_CLASS_MISSED, 5, 0);
	load->from_due = sq_hist_new(SQ_HIST_FINE);
	for (int i = 0; i < 100; i++)
		sq_hist_record(load->from_due, 10 * SQ_MS);
	load[1].name = sq_strdup("idle");
	load[1].from_due = sq_hist_new(SQ_HIST_FINE);
	run->metrics = sq_alloc_n(4, sizeof(*run->metrics));
	add_metric(run, "TcpExt.ListenOverflows", NULL, 1149, 1149);
	add_metric(run, "softnet.dropped", "cpu0", 3, 3);
	add_metric(run, "softnet.dropped", "cpu1", 4, 5);
	f = sq_findings_add(&run->findings);
	f->load = sq_strdup("storm");
	f->failure = sq_strdup("timeout@connect");
	f->mechanism = sq_strdup("accept-queue-overflow");
	f->host = sq_strdup("server");
	f->count = f->explained = 383;
	f->counter_excess = 2;
	sq_findings_account(&run->findings, "storm", "timeout@connect", 383)->unexplained = 0;
	sq_findings_account(&run->findings, "storm", "timeout@ack", 17);
	return run;
}

/* Judges one expectation of a run; the row is borrowed from it. */
static enum sq_verdict judge(struct sq_run *run, const char *text, const json_t **ret_row)
{
	enum sq_verdict v;

	json_decref(run->scenario);
	run->scenario = json_pack("{s:[s]}", "expect", text);
	v = sq_expect_judge(run);
	assert_int_equal(json_array_size(run->expectations), 1);
	*ret_row = json_array_get(run->expectations, 0);
	assert_string_equal(json_string_value(json_object_get(*ret_row, "text")), text);
	return v;
}

static void test_values(void **state)
{
	static const struct {
		const char *text;
		enum sq_verdict verdict;
		double value;
	} cases[] = {
		{ "storm.scheduled == 534", SQ_HELD, 534 },
		{ "storm.failures == 400", SQ_HELD, 400 },
		{ "storm.failures < 400", SQ_FAILED, 400 },
		{ "storm.failures <= 400", SQ_HELD, 400 },
		{ "storm.failures != 400", SQ_FAILED, 400 },
		{ "storm.missed > 4", SQ_HELD, 5 },
		{ "storm.timeout == 383 + 17", SQ_HELD, 400 },
		{ "storm.timeout@connect == 383", SQ_HELD, 383 },
		{ "storm.timeout:4.2.2 == 9", SQ_HELD, 9 },
		{ "storm.timeout:4.2.2@ack == 9", SQ_HELD, 9 },
		{ "storm.timeout:4.2.2@connect == 0", SQ_HELD, 0 },
		{ "storm.timeout:4.2.1 == 0", SQ_HELD, 0 },
		{ "storm.ECONNRESET == 0", SQ_HELD, 0 },
		{ "storm.class.timeout == 400", SQ_HELD, 400 },
		{ "storm.effort.syn_retrans == 770", SQ_HELD, 770 },
		{ "server.TcpExt.ListenOverflows == 3 * storm.timeout@connect", SQ_HELD, 1149 },
		{ "server.softnet.dropped == 7", SQ_HELD, 7 },
		{ "server.softnet.dropped.max == 5", SQ_HELD, 5 },
		{ "storm.latency.p99 <= 10ms", SQ_HELD, 0.010 },
		{ "storm.latency.max == 0.01s", SQ_HELD, 0.010 },
		{ "storm.rate.ok == 50", SQ_HELD, 50 },
		{ "storm.rate.ok == 3000/min", SQ_HELD, 50 },
		{ "finding.accept-queue-overflow.explained == 383", SQ_HELD, 383 },
		{ "finding.accept-queue-overflow.counter_excess == 2", SQ_HELD, 2 },
		{ "account.unexplained == 17", SQ_HELD, 17 },
		{ "account.count == account.explained + 17", SQ_FAILED, 400 },
		{ "storm.ok within 2% 130", SQ_HELD, 129 },
		{ "storm.ok == 130 within 1%", SQ_HELD, 129 },
		{ "storm.ok == 140 within 1%", SQ_FAILED, 129 },
		{ "2 + 3 * 4 - 10 / 5 == 12", SQ_HELD, 12 },
		{ "-(2 - 3) - -1 == 2", SQ_HELD, 2 },
		{ "10 - 3 - 2 == 5", SQ_HELD, 5 },
		{ "storm.ok / storm.scheduled < 25%", SQ_HELD, 129.0 / 534 },
		{ "1.5min == 90s", SQ_HELD, 90 },
		{ "0.1M == 100k", SQ_HELD, 100000 },
	};
	struct sq_run *run = new_run();

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		const json_t *row;
		enum sq_verdict v = judge(run, cases[i].text, &row);
		double value = json_number_value(json_object_get(row, "value"));

		if (v != cases[i].verdict || fabs(value - cases[i].value) > 1e-9)
			fail_msg("%s: got verdict %d, value %g", cases[i].text, (int)v, value);
		assert_int_equal(json_is_true(json_object_get(row, "held")), v == SQ_HELD);
		assert_int_equal(json_is_null(json_object_get(row, "because")), v == SQ_HELD);
	}
	sq_run_free(run);
}

/* Silence never passes. */
static void test_unmeasured(void **state)
{
	static const struct {
		const char *text, *because;
	} cases[] = {
		{ "idle.latency.p99 < 1s", "nothing succeeded" },
		{ "server.TcpExt.ListenDrops == 0",
		  "TcpExt.ListenDrops was not captured on server" },
		{ "client.TcpExt.ListenDrops == 0", "no counters of client were captured" },
		{ "other.TcpExt.ListenDrops == 0", "no counters of other were captured" },
		{ "storm.lag.p99 < 1s", "nothing was started" },
		{ "storm.effort.lost_segs == 0", "did not record lost_segs" },
		{ "storm.phase.ack.p99 < 1s", "never came to ack" },
		{ "idle.ok / idle.scheduled > 0", "divides by nothing" },
		{ "idle.rate.ok > 0", "no time" },
		{ "delivery.lost == 0", "no load sends what must arrive" },
		{ "delivery.latency.p99 < 1s", "no load sends what must arrive" },
		{ "nonsense", "begins with no load" },
	};
	struct sq_run *run = new_run();

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		const json_t *row;

		assert_int_equal(judge(run, cases[i].text, &row), SQ_UNMEASURED);
		assert_true(json_is_null(json_object_get(row, "held")));
		if (!strstr(json_string_value(json_object_get(row, "because")), cases[i].because))
			fail_msg("%s: got: %s", cases[i].text,
				 json_string_value(json_object_get(row, "because")));
	}
	sq_run_free(run);
}

/* Examined and not found is 0; not examined is not measured. */
static void test_findings_that_are_not_there(void **state)
{
	struct sq_run *run = new_run();
	const json_t *row;

	(void)state;
	sq_findings_fini(&run->findings);
	assert_int_equal(judge(run, "finding.accept-queue-overflow.count == 0", &row), SQ_HELD);
	sq_findings_not_examined(&run->findings, "accept-queue-overflow", "server", "no counters");
	assert_int_equal(judge(run, "finding.accept-queue-overflow.count == 0", &row),
			 SQ_UNMEASURED);
	assert_string_equal(json_string_value(json_object_get(row, "because")),
			    "accept-queue-overflow was not examined on server: no counters");
	sq_run_free(run);
}

static void test_worst_verdict(void **state)
{
	struct sq_run *run = new_run();

	(void)state;
	assert_int_equal(sq_expect_judge(run), SQ_HELD); /* none */
	run->scenario = json_pack("{s:[sss]}", "expect", "1 == 1", "idle.latency.p50 < 1s",
				  "storm.ok == 0");
	assert_int_equal(sq_expect_judge(run), SQ_FAILED);
	assert_int_equal(json_array_size(run->expectations), 3);
	json_decref(run->scenario);
	run->scenario = json_pack("{s:[ss]}", "expect", "idle.latency.p50 < 1s", "1 == 1");
	assert_int_equal(sq_expect_judge(run), SQ_UNMEASURED);
	sq_run_free(run);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_possible),
		cmocka_unit_test(test_impossible),
		cmocka_unit_test(test_values),
		cmocka_unit_test(test_unmeasured),
		cmocka_unit_test(test_findings_that_are_not_there),
		cmocka_unit_test(test_worst_verdict),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
