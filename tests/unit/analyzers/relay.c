/* Records of a far capture into a sample: what comes out is what that machine's counters did. */
#include "analyzers/capture/relay.h"

#include <errno.h>

#include "spool_bench.h"

struct far {
	struct bench bench;
	struct sq_far_clock clock;
	struct sq_relay *relay;
	int64_t now_ns; /* there: 300 ms ahead */
};

static void far_open(struct far *f)
{
	int64_t now_ns = sq_now_ns();

	*f = (struct far){ .now_ns = now_ns + 300 * SQ_MS };
	bench_open(&f->bench);
	sq_far_clock_add(&f->clock, now_ns, now_ns, f->now_ns);
	f->relay = sq_relay_new("far", f->bench.sample, &f->clock);
}

static int say(struct far *f, const char *line)
{
	int64_t number, far_ns;

	return sq_relay_line(f->relay, line, strlen(line), &number, &far_ns, NULL);
}

static void metric(struct far *f, int number, const char *source, const char *name)
{
	char line[256];

	snprintf(line, sizeof(line),
		 "{\"k\":\"metric\",\"i\":%d,\"source\":\"%s\",\"metric\":\"%s\",\"instance\":null,"
		 "\"unit\":\"packets\",\"kind\":\"counter\",\"width\":64}",
		 number, source, name);
	assert_int_equal(say(f, line), SQ_RELAYED);
}

static void tick(struct far *f, const char *values, const char *raw)
{
	char line[256];

	f->now_ns += SQ_MS;
	snprintf(line, sizeof(line), "{\"k\":\"tick\",\"b\":%lld,\"e\":%lld,\"v\":[%s]%s%s%s}",
		 (long long)f->now_ns, (long long)f->now_ns + 1000, values,
		 *raw ? ",\"raw\":[" : "", raw, *raw ? "]" : "");
	assert_int_equal(say(f, line), SQ_RELAYED);
}

static json_t *far_close(struct far *f)
{
	sq_relay_free(f->relay);
	return bench_close(&f->bench);
}

static void test_times_are_moved(void **state)
{
	struct far f;
	json_t *records;
	int64_t there_ns;

	(void)state;
	far_open(&f);
	metric(&f, 0, "snmp", "Udp.InErrors");
	tick(&f, "0,0", "0,1000");
	there_ns = f.now_ns;
	tick(&f, "0,5", "");
	records = far_close(&f);
	assert_int_equal(record_int(nth_record(records, "tick", 0), "b"), there_ns - 300 * SQ_MS);
	assert_string_equal(record_text(nth_record(records, "metric", 0), "source"), "snmp");
	assert_int_equal(last_value(records, "Udp.InErrors", NULL), 5);
	json_decref(records);
}

/* A far end that was started anew goes on where its counters are; what appeared meanwhile has risen from 0. */
static void test_started_anew(void **state)
{
	struct far f;
	json_t *records;

	(void)state;
	far_open(&f);
	metric(&f, 0, "snmp", "a");
	tick(&f, "0,0", "0,1000");
	tick(&f, "0,7", "");
	sq_relay_reset(f.relay);
	metric(&f, 0, "snmp", "b");
	metric(&f, 1, "snmp", "a");
	tick(&f, "0,0,1,0", "0,3,1,1020");
	tick(&f, "1,1", "");
	records = far_close(&f);
	assert_int_equal(last_value(records, "a", NULL), 21);
	assert_int_equal(last_value(records, "b", NULL), 3);
	assert_int_equal(count_records(records, "restart"), 0);
	assert_int_equal(count_records(records, "metric"), 2);
	json_decref(records);
}

/* And one whose machine was: a restart, and no fall. */
static void test_counters_began_anew(void **state)
{
	struct far f;
	json_t *records;

	(void)state;
	far_open(&f);
	metric(&f, 0, "snmp", "a");
	tick(&f, "0,0", "0,1000");
	tick(&f, "0,7", "");
	sq_relay_reset(f.relay);
	metric(&f, 0, "snmp", "a");
	tick(&f, "0,0", "0,4");
	tick(&f, "0,2", "");
	records = far_close(&f);
	assert_int_equal(count_records(records, "restart"), 1);
	assert_int_equal(last_value(records, "a", NULL), 2);
	json_decref(records);
}

/* A source that gives nothing at first has its beginning at its first reading. */
static void test_a_late_source(void **state)
{
	struct far f;
	json_t *records;

	(void)state;
	far_open(&f);
	metric(&f, 0, "snmp", "a");
	metric(&f, 1, "late", "b");
	tick(&f, "0,0", "0,1000");
	tick(&f, "1,0", "1,5000");
	tick(&f, "1,2", "");
	/* A row of mid-run there is one here. */
	metric(&f, 2, "late", "c");
	tick(&f, "2,12", "2,12");
	records = far_close(&f);
	assert_int_equal(last_value(records, "b", NULL), 2);
	assert_int_equal(last_value(records, "c", NULL), 12);
	json_decref(records);
}

/* What was not read there was not read here, and what stood still was. */
static void test_what_was_not_read(void **state)
{
	struct far f;
	char line[256];
	json_t *records, *unread;

	(void)state;
	far_open(&f);
	metric(&f, 0, "often", "a");
	metric(&f, 1, "still", "b");
	metric(&f, 2, "seldom", "c");
	tick(&f, "0,0,1,0,2,0", "0,10,1,20,2,30");
	tick(&f, "0,1", "");
	snprintf(line, sizeof(line),
		 "{\"k\":\"tick\",\"b\":%lld,\"e\":%lld,\"v\":[0,2],\"unread\":[\"seldom\"]}",
		 (long long)f.now_ns + 1000, (long long)f.now_ns + 2000);
	assert_int_equal(say(&f, line), SQ_RELAYED);
	records = far_close(&f);
	assert_null(json_object_get(nth_record(records, "tick", 1), "unread"));
	unread = json_object_get(nth_record(records, "tick", 2), "unread");
	assert_int_equal(json_array_size(unread), 1);
	assert_string_equal(json_string_value(json_array_get(unread, 0)), "seldom");
	json_decref(records);
}

static void test_parts_are_apart(void **state)
{
	struct far f;
	char line[256];
	json_t *records;

	(void)state;
	far_open(&f);
	metric(&f, 0, "snmp", "a");
	assert_int_equal(
		say(&f, "{\"k\":\"metric\",\"i\":0,\"part\":1,\"source\":\"bind\",\"metric\":\"q\","
			"\"instance\":\"x\",\"unit\":\"\",\"kind\":\"gauge\",\"width\":64}"),
		SQ_RELAYED);
	tick(&f, "0,0", "0,1000");
	snprintf(line, sizeof(line),
		 "{\"k\":\"tick\",\"b\":%lld,\"e\":%lld,\"v\":[0,9],\"part\":1}",
		 (long long)f.now_ns, (long long)f.now_ns + 5);
	assert_int_equal(say(&f, line), SQ_RELAYED);
	records = far_close(&f);
	assert_int_equal(last_value(records, "a", NULL), 0);
	assert_int_equal(last_value(records, "q", "x"), 9);
	json_decref(records);
}

static void test_what_can_not_be(void **state)
{
	static const char *const lines[] = {
		"",
		"{}",
		"[1]",
		"{\"k\":1}",
		"{\"k\":\"tick\",\"b\":1,\"e\":2,\"v\":[]}", /* of another day */
		"{\"k\":\"tick\",\"b\":9223372036854775807,\"e\":9223372036854775807,\"v\":[]}",
		"{\"k\":\"metric\",\"i\":1,\"source\":\"s\",\"metric\":\"m\",\"unit\":\"\",\"kind\":\"gauge\"}",
		"{\"k\":\"metric\",\"i\":0,\"source\":\"s\",\"unit\":\"\",\"kind\":\"gauge\"}",
		"{\"k\":\"metric\",\"i\":0,\"part\":100000,\"source\":\"s\",\"metric\":\"m\",\"unit\":\"\"}",
		"{\"k\":\"pong\",\"n\":1,\"t\":-5}",
		"{\"k\":\"env\",\"environment\":[]}",
		"{\"k\":\"absent\",\"source\":\"s\",\"because\":\"\\u001b[2J\"}",
		"{\"k\":\"event\",\"t\":1,\"source\":\"s\",\"text\":\"t\"}",
	};
	struct far f;

	(void)state;
	far_open(&f);
	for (size_t i = 0; i < sizeof(lines) / sizeof(lines[0]); i++)
		if (say(&f, lines[i]) != -EBADMSG)
			fail_msg("taken: %s", lines[i]);
	assert_int_equal(say(&f, "{\"k\":\"a later version's\"}"), SQ_RELAYED);
	json_decref(far_close(&f));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_times_are_moved),     cmocka_unit_test(test_started_anew),
		cmocka_unit_test(test_counters_began_anew), cmocka_unit_test(test_a_late_source),
		cmocka_unit_test(test_what_was_not_read),   cmocka_unit_test(test_parts_are_apart),
		cmocka_unit_test(test_what_can_not_be),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
