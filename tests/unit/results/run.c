/* The run record, out of spools that tests write. */
#include "results/run.h"

#include <errno.h>
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/clock.h"
#include "results/tally.h"
#include "spool_dir.h"

static struct sq_run *load(const struct spool_dir *d)
{
	struct sq_err err = { 0 };
	struct sq_run *run = sq_run_load(d->path, &err);

	if (!run)
		fail_msg("%s: %s", err.where, err.text);
	return run;
}

static void expect_error(const struct spool_dir *d, int code, const char *text)
{
	struct sq_err err = { 0 };

	assert_null(sq_run_load(d->path, &err));
	assert_int_equal(err.code, code);
	if (!strstr(err.text, text))
		fail_msg("got \"%s\", want \"%s\"", err.text, text);
}

/* Puts a tally's flush into the spool as a worker does. */
static void put_tally(const struct spool_dir *d, struct sq_tally *t, int lane)
{
	json_t *j = sq_tally_flush(t);
	char *text, *line;

	json_object_set_new(j, "load", json_string("storm"));
	json_object_set_new(j, "lane", json_integer(lane));
	json_object_set_new(j, "t", json_integer(4 * SQ_SEC));
	text = json_dumps(j, JSON_COMPACT);
	line = sq_printf_dup("%s\n", text);
	spool_dir_put(d, "load-client.jsonl", line);
	free(line);
	free(text);
	json_decref(j);
}

static struct sq_tally *storm_tally(void)
{
	static const char *const phases[] = { "connect", NULL };
	static const char *const efforts[] = { "syn_retrans", NULL };
	struct sq_tally_shape shape = { .words = { NULL, phases, efforts },
					.bin_ns = 100 * SQ_MS,
					.span_ns = SQ_SEC,
					.warmup_ns = SQ_SEC };

	return sq_tally_new(&shape);
}

/* One operation each 100 ms from lane's own offset: one in four times out, the last has no end. */
static void put_lane(const struct spool_dir *d, int lane, int n)
{
	struct sq_tally *t = storm_tally();

	for (int i = 0; i < n; i++) {
		int64_t due = i * 100 * SQ_MS + lane;
		struct sq_tally_op op = { .due_ns = due, .sent_ns = due, .done_ns = due + SQ_MS };

		sq_tally_scheduled(t, due);
		sq_tally_lag(t, due, (lane + 1) * SQ_US);
		if (i % 4 == 3) {
			op.outcome.code = SQ_CODE_TIMEOUT;
			op.done_ns = due + 800 * SQ_MS;
			op.effort[0] = 3;
		}
		if (i < n - 1)
			sq_tally_done(t, &op);
		if (i == n / 2)
			put_tally(d, t, lane);
	}
	put_tally(d, t, lane);
	sq_tally_free(t);
}

static void check_sums(const struct sq_run *run)
{
	for (size_t l = 0; l < run->n_loads; l++) {
		const struct sq_load_rec *load = &run->loads[l];
		uint64_t scheduled = 0;

		for (size_t i = 0; i < run->axis.n; i++) {
			uint64_t ended = 0;

			for (size_t k = 0; k < load->n_outcomes; k++)
				ended += load->outcomes[k].series[i];
			assert_int_equal(ended, load->scheduled_series[i]);
			scheduled += ended;
		}
		assert_int_equal(scheduled, load->scheduled);
		for (size_t k = 0; k < load->n_outcomes; k++)
			scheduled -= load->outcomes[k].count;
		assert_int_equal(scheduled, 0);
	}
}

static void test_loads(void **state)
{
	struct spool_dir d = spool_dir_make();
	const struct sq_outcome_rec *o;
	const struct sq_load_rec *l;
	struct sq_run *run;

	(void)state;
	spool_dir_put(&d, "run.jsonl", HEAD START END);
	put_lane(&d, 0, 40);
	put_lane(&d, 1, 40);
	spool_dir_put(&d, "load-client.jsonl",
		      "{\"k\":\"usage\",\"t\":1,\"cpu_s\":{\"storm\":0.5},\"peak_rss_bytes\":1}\n"
		      "{\"k\":\"usage\",\"t\":2,\"cpu_s\":{\"storm\":1.5},\"peak_rss_bytes\":77}\n"
		      "{\"k\":\"something new\"}\n{\"k\":\"done\",\"t\":3}\n");
	run = load(&d);
	check_sums(run);
	assert_string_equal(run->outcome, "completed");
	assert_true(run->duration_s == 4.5);
	assert_int_equal(run->n_events, 0);
	l = sq_run_find_load(run, "storm");
	assert_int_equal(l->scheduled, 80);
	assert_int_equal(l->warmup_scheduled, 20);
	assert_true(sq_load_seconds(l) == 3);
	assert_int_equal(sq_load_failures(l), 18);
	assert_int_equal(sq_load_count_class(l, SQ_CLASS_OK), 60);
	assert_int_equal(sq_hist_count(l->from_due), 44);
	assert_int_equal(sq_hist_count(l->lag), 80);
	for (size_t i = 0; i < run->axis.n; i++)
		assert_true(fabs(l->lag_max_s[i] - 2e-6) < 1e-12);
	assert_true(l->cpu_s == 1.5);
	assert_int_equal(l->start_rss_bytes, -1);
	assert_int_equal(l->peak_rss_bytes, 77);
	assert_null(l->emission);
	assert_int_equal(l->n_outcomes, 3);
	o = &l->outcomes[1];
	assert_string_equal(o->code, "timeout");
	assert_string_equal(o->phase, "connect");
	assert_int_equal(o->effort[0], 54);
	assert_true(o->effort_series[0][3] == 6);
	assert_int_equal(o->first_ns, 300 * SQ_MS);
	assert_int_equal(o->last_ns, 3500 * SQ_MS + 1);
	assert_int_equal(json_array_size(o->exemplars), 18);
	o = &l->outcomes[2];
	assert_string_equal(o->code, "unfinished");
	assert_int_equal(o->class, SQ_CLASS_CANCELED);
	assert_int_equal(o->count, 2);
	assert_int_equal(o->series[39], 2);
	assert_null(sq_run_find_load(run, "no"));
	sq_run_free(run);
	spool_dir_remove(&d);
}

#define NONE "{\"bits\":11,\"count\":0,\"min\":-1,\"max\":-1,\"sum\":0,\"c\":[]}"

/* Two workers share a load: what they used is added up, and a burst is that of all their lanes. */
static void test_workers(void **state)
{
	static const char record[] =
		"{\"k\":\"usage\",\"t\":-1,\"cpu_s\":{\"storm\":0},\"rss_bytes\":%d,\"peak_rss_bytes\":%d}\n"
		"{\"k\":\"tally\",\"load\":\"storm\",\"lane\":%d,\"scheduled\":[],\"outcomes\":[],"
		" \"sent_bins\":[0,%d],\"bursts\":[%s],\"lag_max\":[],\"bin_latency\":[],\"hist\":"
		" {\"from_due\":" NONE ",\"from_send\":" NONE ",\"lag\":" NONE "}}\n"
		"{\"k\":\"usage\",\"t\":1,\"cpu_s\":{\"storm\":1.5},\"rss_bytes\":9,\"peak_rss_bytes\":%d}\n"
		"{\"k\":\"done\",\"t\":3}\n";
	struct spool_dir d = spool_dir_make();
	char *first = sq_printf_dup(record, 10, 10, 0, 5, "100,101,120,300,301,302", 50);
	char *second = sq_printf_dup(record, 20, 20, 1, 6, "100,110,190,200,200,200", 60);
	const struct sq_load_rec *l;
	struct sq_run *run;

	(void)state;
	spool_dir_put(&d, "run.jsonl", HEAD START END);
	spool_dir_put(&d, "load-client.jsonl", first);
	spool_dir_put(&d, "load-client.1.jsonl", second);
	run = load(&d);
	assert_int_equal(run->n_events, 0);
	l = sq_run_find_load(run, "storm");
	assert_true(l->cpu_s == 3);
	assert_int_equal(l->start_rss_bytes, 30);
	assert_int_equal(l->peak_rss_bytes, 110);
	assert_int_equal(l->sent_series[-run->axis.first_bin], 11);
	assert_int_equal(sq_hist_count(l->emission), 3);
	assert_int_equal(sq_hist_max(l->emission), 89);
	assert_int_equal(sq_hist_min(l->emission), 0);
	sq_run_free(run);
	free(first);
	free(second);
	spool_dir_remove(&d);
}

/* Of a kind with many exemplars, those shown are of both lanes and in the order of time. */
static void test_exemplars(void **state)
{
	struct spool_dir d = spool_dir_make();
	const json_t *list, *e;
	struct sq_run *run;
	double last = -1;
	int of_lane[2] = { 0 };
	size_t i;

	(void)state;
	spool_dir_put(&d, "run.jsonl", HEAD START END);
	put_lane(&d, 0, 200);
	put_lane(&d, 1, 200);
	run = load(&d);
	list = run->loads[0].outcomes[1].exemplars;
	assert_int_equal(json_array_size(list), 20);
	json_array_foreach(list, i, e) {
		assert_true(json_real_value(json_object_get(e, "t_s")) >= last);
		last = json_real_value(json_object_get(e, "t_s"));
		of_lane[json_integer_value(json_object_get(e, "lane"))]++;
	}
	assert_int_equal(of_lane[0], 10);
	assert_int_equal(of_lane[1], 10);
	sq_run_free(run);
	spool_dir_remove(&d);
}

/* Killed: no end, a torn line; and a file that lacks what was scheduled. */
static void test_killed(void **state)
{
	struct spool_dir d = spool_dir_make();
	struct sq_tally *t = storm_tally();
	struct sq_tally_op op = { .due_ns = 1500 * SQ_MS, .sent_ns = -1, .done_ns = SQ_SEC };
	struct sq_run *run;

	(void)state;
	spool_dir_put(&d, "run.jsonl", HEAD START);
	sq_tally_done(t, &op);
	put_tally(&d, t, 0);
	spool_dir_put(&d, "load-client.jsonl", "{\"k\":\"tally\",\"load\":\"sto");
	run = load(&d);
	check_sums(run);
	assert_string_equal(run->outcome, "stopped");
	assert_non_null(run->because);
	assert_true(run->duration_s == 4);
	assert_int_equal(run->loads[0].scheduled, 1);
	assert_int_equal(run->loads[0].sent, 0);
	assert_int_equal(run->loads[0].duration_ns, 1600 * SQ_MS);
	assert_true(isnan(run->loads[0].cpu_s));
	assert_int_equal(run->n_events, 1);
	assert_non_null(
		strstr(run->events[0].text, "last line of spool/load-client.jsonl was cut"));
	sq_run_free(run);
	sq_tally_free(t);
	spool_dir_remove(&d);
}

/* The duration of a load that ends by its count is what it took, to the ns, when it came to that. */
static void test_count(void **state)
{
	static const struct {
		const char *head;
		int64_t want_ns;
	} wants[] = {
		{ HEAD, 4 * SQ_SEC },
		{ HEAD_WITH("\"ends\":{\"count\":3,\"at\":\"done\"},"), 1350 * SQ_MS },
		{ HEAD_WITH("\"ends\":{\"count\":3,\"at\":\"due\"},"), 1300 * SQ_MS },
		{ HEAD_WITH("\"ends\":{\"count\":4,\"at\":\"done\"},"), 4 * SQ_SEC },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(wants) / sizeof(*wants); i++) {
		struct spool_dir d = spool_dir_make();
		struct sq_tally *t = storm_tally();
		struct sq_run *run;

		spool_dir_put(&d, "run.jsonl", wants[i].head);
		spool_dir_put(&d, "run.jsonl", START END);
		for (int64_t due_ns = 1100 * SQ_MS; due_ns <= 1300 * SQ_MS; due_ns += 100 * SQ_MS) {
			struct sq_tally_op op = { .due_ns = due_ns,
						  .sent_ns = due_ns,
						  .done_ns = due_ns + 50 * SQ_MS };

			sq_tally_scheduled(t, due_ns);
			sq_tally_done(t, &op);
			put_tally(&d, t, 0);
		}
		run = load(&d);
		assert_int_equal(run->loads[0].duration_ns, wants[i].want_ns);
		sq_run_free(run);
		sq_tally_free(t);
		spool_dir_remove(&d);
	}
}

/* One that broke before t0 lasted no time. */
static void test_before_start(void **state)
{
	struct spool_dir d = spool_dir_make();
	struct sq_run *run;

	(void)state;
	spool_dir_put(&d, "run.jsonl",
		      HEAD START "{\"k\":\"end\",\"t\":-430000000,\"outcome\":\"failed\","
				 "\"because\":\"why\"}\n");
	run = load(&d);
	assert_true(run->duration_s == 0);
	sq_run_free(run);
	spool_dir_remove(&d);
}

static void test_no_run(void **state)
{
	struct spool_dir d = spool_dir_make();
	struct spool_dir none = { "/nonexistent/at/all" };
	struct sq_run *run;

	(void)state;
	expect_error(&none, -ENOENT, "no run stands here");
	expect_error(&d, -ENOENT, "no run stands here");
	spool_dir_put(&d, "run.jsonl", "");
	expect_error(&d, -EINVAL, "its spool is empty");
	spool_dir_put(&d, "run.jsonl", HEAD);
	run = load(&d);
	assert_string_equal(run->outcome, "stopped");
	assert_int_equal(run->loads[0].scheduled, 0);
	sq_run_free(run);
	spool_dir_put(&d, "load-client.jsonl", "{\"k\":\"tally\",\"load\":\"another\"}\n");
	expect_error(&d, -EINVAL, "\"tally\" record");
	spool_dir_put(&d, "load-client.jsonl",
		      "{\"k\":\"tally\",\"load\":\"storm\",\"lane\":0,\"scheduled\":[],"
		      "\"hist\":{\"from_due\":" NONE ",\"from_send\":" NONE ",\"lag\":" NONE "},"
		      "\"bursts\":[0,2,1]}\n");
	expect_error(&d, -EINVAL, "\"tally\" record");
	spool_dir_put(&d, "run.jsonl", "x\n" START);
	expect_error(&d, -EINVAL, "line 2 is no record");
	spool_dir_remove(&d);
}

static void expect_samples(const struct sq_metric_rec *m, const double *want, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (!(m->samples[i] == want[i] || (isnan(m->samples[i]) && isnan(want[i]))))
			fail_msg("%s[%zu]: got %g, want %g", m->metric, i, m->samples[i], want[i]);
}

#define METRIC(i, source, name, kind)                                                       \
	"{\"k\":\"metric\",\"i\":" #i ",\"source\":\"" source "\",\"metric\":\"" name "\"," \
	"\"instance\":null,\"unit\":\"x\",\"kind\":\"" kind "\",\"width\":64}\n"
#define TICK(e, v) "{\"k\":\"tick\",\"b\":" #e ",\"e\":" #e ",\"v\":" v "}\n"

/* t0 is at 5 s, bins are 100 ms. */
static void test_capture(void **state)
{
	struct spool_dir d = spool_dir_make();
	const struct sq_metric_rec *c, *g, *late, *other;
	struct sq_run *run;

	(void)state;
	spool_dir_put(&d, "run.jsonl", HEAD START END);
	spool_dir_put(
		&d, "capture-server.jsonl",
		"{\"k\":\"env\",\"host\":\"server\",\"environment\":{\"kernel\":\"6.18\","
		"\"sysctls\":{\"net.core.somaxconn\":\"128\"}}}\n"
		"{\"k\":\"absent\",\"source\":\"bind\",\"because\":\"no address\"}\n" METRIC(
			0, "a", "C", "counter") METRIC(1, "a", "G", "gauge")
			METRIC(2, "b", "O", "counter")
		/* Bin -2, twice in bin 0, bin 1 with no change. */
		TICK(4850000000, "[0,0,1,7,2,0]") TICK(5010000000, "[0,1]")
			TICK(5090000000, "[0,3,1,9]") TICK(5195000000, "[]")
		/* Bin 2: source a fails; bin 3: nothing at all. */
		TICK(5295000000,
		     "[2,1]") "{\"k\":\"gap\",\"b\":5290000000,\"e\":5295000000,"
			      "\"source\":\"a\",\"because\":\"No such process\"}\n"
			      /* Bin 4: C fell from 3 + x to 2 since; a row appears with a value. */
			      "{\"k\":\"event\",\"t\":5300000000,\"source\":\"kernel_log\","
			      "\"text\":\"SYN flooding\"}\n"
			      "{\"k\":\"restart\",\"t\":5495000000,\"i\":0}\n" METRIC(3, "a", "L",
										      "counter")
				      TICK(5495000000,
					   "[0,2,3,5]") "{\"k\":\"done\",\"t\":6000000000}\n");
	run = load(&d);
	assert_int_equal(run->axis.first_bin, -2);
	assert_int_equal(run->axis.n, 7);
	c = sq_run_find_metric(run, "server", "C", NULL);
	g = sq_run_find_metric(run, "server", "G", NULL);
	other = sq_run_find_metric(run, "server", "O", NULL);
	late = sq_run_find_metric(run, "server", "L", NULL);
	expect_samples(c, (double[]){ 0, NAN, 3, 3, NAN, NAN, 5 }, 7);
	expect_samples(g, (double[]){ 7, NAN, 9, 9, NAN, NAN, 9 }, 7);
	expect_samples(other, (double[]){ 0, NAN, 0, 0, 1, NAN, 1 }, 7);
	expect_samples(late, (double[]){ 0, NAN, 0, 0, NAN, NAN, 5 }, 7);
	assert_true(c->delta == 5 && c->restarted && !g->restarted);
	assert_true(late->delta == 5 && late->min == 0);
	assert_true(g->delta == 2 && g->first == 7 && g->max == 9 && g->min == 7);
	assert_null(sq_run_find_metric(run, "client", "C", NULL));
	assert_null(sq_run_find_metric(run, "server", "C", "cpu0"));
	assert_string_equal(sq_run_sysctl(run, "server", "net.core.somaxconn"), "128");
	assert_null(sq_run_sysctl(run, "server", "net.core.other"));
	assert_null(sq_run_sysctl(run, "client", "net.core.somaxconn"));
	assert_int_equal(json_array_size(run->absent), 1);
	/* The restart and the gap are told; the missing usage of a load's file is not asked for. */
	assert_int_equal(run->n_events, 3);
	assert_non_null(strstr(run->events[0].text, "No such process"));
	assert_string_equal(run->events[1].text, "SYN flooding");
	assert_string_equal(run->events[1].source, "kernel_log");
	assert_string_equal(run->events[1].host, "server");
	assert_int_equal(run->events[1].t_ns, 300000000);
	assert_string_equal(run->events[2].text, "C began anew");
	sq_run_free(run);
	spool_dir_remove(&d);
}

/* All that fell at one reading of one source is one event: its server was started again. */
static void test_server_began_anew(void **state)
{
	struct spool_dir d = spool_dir_make();
	struct sq_run *run;

	(void)state;
	spool_dir_put(&d, "run.jsonl", HEAD START END);
	spool_dir_put(
		&d, "capture-server.jsonl",
		METRIC(0, "a", "C", "counter") METRIC(1, "a", "D", "counter") METRIC(2, "b", "O",
										     "counter")
			TICK(5010000000,
			     "[0,5,1,6,2,7]") "{\"k\":\"restart\",\"t\":5095000000,\"i\":0}\n"
					      "{\"k\":\"restart\",\"t\":5095000000,\"i\":1}\n"
					      "{\"k\":\"restart\",\"t\":5095000000,\"i\":2}\n" TICK(
						      5095000000,
						      "[0,0,1,0,2,0]") "{\"k\":\"done\",\"t\":6000000000}\n");
	run = load(&d);
	assert_int_equal(run->n_events, 2);
	assert_string_equal(run->events[0].text, "2 counters began anew");
	assert_string_equal(run->events[0].source, "a");
	assert_string_equal(run->events[1].text, "O began anew");
	sq_run_free(run);
	spool_dir_remove(&d);
}

/* A relay has two words, and its messages stand together whatever file they came in. */
static void test_relays(void **state)
{
#define RELAY(log, lost) \
	"{\"k\":\"relay\",\"source\":\"postfix\",\"log\":\"" log "\",\"lost_lines\":" lost "}\n"
#define MAIL(messages) "{\"k\":\"mail\",\"source\":\"postfix\",\"messages\":[" messages "]}\n"
	struct spool_dir d = spool_dir_make();
	const json_t *relays;
	struct sq_run *run;

	(void)state;
	spool_dir_put(&d, "run.jsonl", HEAD START END);
	spool_dir_put(&d, "capture-a.jsonl",
		      RELAY("x", "null") RELAY("y", "null") MAIL("{}") MAIL("{}, {}")
			      RELAY("x", "7") "{\"k\":\"done\",\"t\":1}\n");
	spool_dir_put(&d, "capture-b.jsonl",
		      RELAY("x", "null") MAIL("{}") "{\"k\":\"done\",\"t\":1}\n");
	run = load(&d);
	relays = run->relays;
	assert_int_equal(json_array_size(relays), 3);
	assert_int_equal(
		json_integer_value(json_object_get(json_array_get(relays, 0), "lost_lines")), 7);
	assert_true(json_is_null(json_object_get(json_array_get(relays, 1), "lost_lines")));
	assert_true(json_is_null(json_object_get(json_array_get(relays, 2), "lost_lines")));
	assert_int_equal(json_array_size(run->mail), 4);
	sq_run_free(run);
	spool_dir_remove(&d);
}

/* A damaged file is an error, not a crash. */
static void test_bad_captures(void **state)
{
	static const char *const bad[] = {
		TICK(5000000000, "[0,1]"),
		METRIC(1, "a", "C", "counter"),
		METRIC(0, "a", "C", "counter") TICK(5000000000, "[0]"),
		METRIC(0, "a", "C", "counter") TICK(5000000000, "[0,\"x\"]"),
		METRIC(0, "a", "C", "counter") TICK(9000000000000000000, "[0,1]"),
		"{\"k\":\"restart\",\"t\":1,\"i\":-1}\n",
		"{\"k\":\"event\",\"t\":1,\"source\":\"kernel_log\"}\n",
		"{\"k\":\"metric\"}\n",
		"{\"k\":\"relay\"}\n",
		"{\"k\":\"mail\",\"messages\":7}\n",
	};

	(void)state;
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		struct spool_dir d = spool_dir_make();

		spool_dir_put(&d, "run.jsonl", HEAD START END);
		spool_dir_put(&d, "capture-s.jsonl", bad[i]);
		expect_error(&d, -EINVAL, "the file is damaged");
		spool_dir_remove(&d);
	}
}

static void test_run_records(void **state)
{
	struct spool_dir d = spool_dir_make();
	struct sq_run *run;

	(void)state;
	spool_dir_put(
		&d, "run.jsonl",
		HEAD START
		"{\"k\":\"event\",\"t\":30,\"host\":\"\",\"source\":\"squall\",\"text\":\"b\"}\n"
		"{\"k\":\"event\",\"t\":10,\"host\":\"s\",\"source\":\"server\",\"text\":\"a\"}\n"
		"{\"k\":\"server\",\"host\":\"s\",\"what\":\"tcp\",\"exit\":0,\"signal\":null,"
		"\"counts\":{\"accepted\":3},\"log\":\"servers/s\"}\n"
		"{\"k\":\"end\",\"t\":2000000000,\"outcome\":\"failed\",\"because\":\"why\"}\n");
	run = load(&d);
	assert_string_equal(run->outcome, "failed");
	assert_string_equal(run->because, "why");
	assert_int_equal(run->n_events, 2);
	assert_string_equal(run->events[0].text, "a");
	assert_int_equal(json_array_size(run->servers), 1);
	assert_null(json_object_get(json_array_get(run->servers, 0), "k"));
	assert_int_equal(json_array_size(run->lost), 1);
	sq_run_free(run);
	spool_dir_remove(&d);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_loads),        cmocka_unit_test(test_exemplars),
		cmocka_unit_test(test_killed),       cmocka_unit_test(test_no_run),
		cmocka_unit_test(test_capture),      cmocka_unit_test(test_relays),
		cmocka_unit_test(test_bad_captures), cmocka_unit_test(test_run_records),
		cmocka_unit_test(test_workers),      cmocka_unit_test(test_server_began_anew),
		cmocka_unit_test(test_count),        cmocka_unit_test(test_before_start),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
