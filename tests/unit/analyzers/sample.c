/* Readings fed straight into a sample, against the records that docs/spool.md promises. */
#include <errno.h>
#include <stdlib.h>
#include <unistd.h>

#include "analyzers/formats/nettext.h"
#include "spool_bench.h"

static void feed(struct bench *b, unsigned row, uint64_t value)
{
	static int64_t now;

	now += 100 * SQ_MS;
	sq_sample_begin(b->sample, now);
	sq_sample_enter(b->sample, b->source);
	sq_sample_put(b->sample, row, value);
	sq_sample_leave(b->sample, 0);
	assert_int_equal(sq_sample_end(b->sample, now + SQ_MS, NULL), 0);
}

static unsigned row_of(struct bench *b, const char *name, enum sq_metric_kind kind, unsigned width)
{
	struct sq_metric m = { .name = name, .unit = "events", .kind = kind, .width = width };

	return sq_sample_metric(b->sample, &m);
}

/* readings and what the ticks say, ended by NOT_THERE; restarts as counted. */
struct series {
	const char *name;
	enum sq_metric_kind kind;
	unsigned width;
	uint64_t in[6];
	int64_t out[6]; /* NOT_THERE: unchanged, so not named */
	size_t n, restarts;
};

static const struct series all_series[] = {
	{ "rise", SQ_COUNTER, 64, { 100, 103, 103, 110 }, { 0, 3, NOT_THERE, 10 }, 4, 0 },
	{ "wrap", SQ_COUNTER, 32, { 4294967290u, 4, 4, 9 }, { 0, 10, NOT_THERE, 15 }, 4, 0 },
	{ "twice",
	  SQ_COUNTER,
	  32,
	  { 3000000000u, 500000000, 3000000000u, 500000000 },
	  { 0, 1794967296, 4294967296, 6089934592 },
	  4,
	  0 },
	{ "reset32", SQ_COUNTER, 32, { 500, 20, 25 }, { 0, 0, 5 }, 3, 1 },
	{ "reset64", SQ_COUNTER, 64, { 4294967290u, 4, 5 }, { 0, 0, 1 }, 3, 1 },
	{ "risen reset", SQ_COUNTER, 64, { 10, 30, 5, 7 }, { 0, 20, 0, 2 }, 4, 1 },
	{ "gauge", SQ_GAUGE, 64, { 7, 3, 3, (uint64_t)-1 }, { 7, 3, NOT_THERE, -1 }, 4, 0 },
	{ "zero gauge", SQ_GAUGE, 64, { 0, 0, 1 }, { 0, NOT_THERE, 1 }, 3, 0 },
	{ "huge", SQ_COUNTER, 64, { 0, UINT64_MAX }, { 0, INT64_MAX }, 2, 0 },
};

static void test_series(void **state)
{
	(void)state;
	for (size_t k = 0; k < sizeof(all_series) / sizeof(all_series[0]); k++) {
		const struct series *c = &all_series[k];
		struct bench b;
		unsigned row;
		json_t *records;

		bench_open(&b);
		row = row_of(&b, c->name, c->kind, c->width);
		for (size_t i = 0; i < c->n; i++)
			feed(&b, row, c->in[i]);
		records = bench_close(&b);
		assert_int_equal(count_records(records, "tick"), c->n);
		for (size_t i = 0; i < c->n; i++) {
			int64_t got = tick_value(nth_record(records, "tick", i), row);

			if (got != c->out[i])
				fail_msg("%s, tick %zu: got %lld, want %lld", c->name, i,
					 (long long)got, (long long)c->out[i]);
		}
		if (count_records(records, "restart") != c->restarts)
			fail_msg("%s: got %zu restarts, want %zu", c->name,
				 count_records(records, "restart"), c->restarts);
		json_decref(records);
	}
}

static void test_metric_record(void **state)
{
	struct sq_metric m = { .name = "softnet.dropped",
			       .instance = "cpu1",
			       .unit = "packets",
			       .kind = SQ_COUNTER,
			       .width = 32 };
	struct bench b;
	json_t *records, *r;
	unsigned row;

	(void)state;
	bench_open(&b);
	row = sq_sample_metric(b.sample, &m);
	assert_int_equal(sq_sample_metric(b.sample, &m), row);
	m.instance = NULL;
	assert_int_not_equal(sq_sample_metric(b.sample, &m), row);
	feed(&b, row, 1);
	records = bench_close(&b);
	assert_int_equal(count_records(records, "metric"), 2);
	r = nth_record(records, "metric", 0);
	assert_int_equal(record_int(r, "i"), row);
	assert_string_equal(record_text(r, "source"), "test");
	assert_string_equal(record_text(r, "metric"), "softnet.dropped");
	assert_string_equal(record_text(r, "instance"), "cpu1");
	assert_string_equal(record_text(r, "unit"), "packets");
	assert_string_equal(record_text(r, "kind"), "counter");
	assert_int_equal(record_int(r, "width"), 32);
	r = nth_record(records, "metric", 1);
	assert_true(json_is_null(json_object_get(r, "instance")));
	json_decref(records);
}

/* A record is text put together by hand: what JSON escapes must be escaped. */
static void test_any_name(void **state)
{
	static const char name[] = "a\"b\\c\td \xc3\xa9";
	struct sq_metric m = { .name = "x", .instance = name, .unit = "events" };
	struct bench b;
	json_t *records;
	unsigned row;

	(void)state;
	bench_open(&b);
	row = sq_sample_metric(b.sample, &m);
	feed(&b, row, 1);
	m.instance = "\xff";
	sq_sample_metric(b.sample, &m);
	sq_sample_begin(b.sample, 0);
	assert_int_equal(sq_sample_end(b.sample, 0, NULL), -EINVAL);
	records = bench_close(&b);
	assert_string_equal(
		json_string_value(json_object_get(nth_record(records, "metric", 0), "instance")),
		name);
	json_decref(records);
}

static unsigned put_by(struct bench *b, struct sq_nettext_file *f, int rc)
{
	static int64_t now;
	unsigned row;

	sq_sample_begin(b->sample, now += SQ_MS);
	sq_sample_enter(b->sample, b->source);
	assert_int_equal(sq_nettext_file_sample(f, sq_nettext_lines, b->sample), 0);
	row = row_of(b, "name", SQ_COUNTER, 64);
	sq_sample_leave(b->sample, rc);
	assert_int_equal(sq_sample_end(b->sample, now, NULL), 0);
	return row;
}

/* A text that is the same is not parsed, unless what it said last was forgotten. */
static void test_text_that_stands_still(void **state)
{
	char path[] = "/tmp/sample.XXXXXX";
	int fd = mkstemp(path);
	struct sq_nettext_file f = { 0 };
	struct bench b;
	json_t *records;
	unsigned row;

	(void)state;
	bench_open(&b);
	assert_int_equal(write(fd, "name 5\n", 7), 7);
	assert_int_equal(sq_nettext_file_open(&f, sq_place_here(), path, NULL), 0);
	row = put_by(&b, &f, 0);
	put_by(&b, &f, 0);
	assert_int_equal(pwrite(fd, "name 9\n", 7, 0), 7);
	put_by(&b, &f, -EIO);
	put_by(&b, &f, 0);
	sq_nettext_file_close(&f);
	records = bench_close(&b);
	assert_int_equal(count_records(records, "tick"), 3);
	assert_int_equal(tick_value(nth_record(records, "tick", 0), row), 0);
	assert_int_equal(tick_value(nth_record(records, "tick", 1), row), NOT_THERE);
	assert_int_equal(tick_value(nth_record(records, "tick", 2), row), 4);
	json_decref(records);
	close(fd);
	unlink(path);
}

static void test_row_of_mid_run_counts_from_zero(void **state)
{
	struct bench b;
	json_t *records;

	(void)state;
	bench_open(&b);
	feed(&b, row_of(&b, "old", SQ_COUNTER, 64), 1000);
	feed(&b, row_of(&b, "new", SQ_COUNTER, 64), 12);
	records = bench_close(&b);
	assert_int_equal(last_value(records, "old", NULL), 0);
	assert_int_equal(last_value(records, "new", NULL), 12);
	json_decref(records);
}

/* The same name of two sources is two rows. */
static void test_sources_are_apart(void **state)
{
	struct bench b;
	unsigned other, mine;

	(void)state;
	bench_open(&b);
	mine = row_of(&b, "x", SQ_COUNTER, 64);
	other = sq_sample_source(b.sample, "other");
	sq_sample_enter(b.sample, other);
	assert_int_not_equal(row_of(&b, "x", SQ_COUNTER, 64), mine);
	json_decref(bench_close(&b));
}

/* A source that fails half-way gives nothing; the other's values of the same tick stand. */
static void test_gap(void **state)
{
	struct bench b;
	unsigned good, bad, good_row, bad_row;
	json_t *records, *gap;

	(void)state;
	bench_open(&b);
	good = b.source;
	good_row = row_of(&b, "good", SQ_GAUGE, 64);
	bad = sq_sample_source(b.sample, "flaky");
	sq_sample_enter(b.sample, bad);
	bad_row = row_of(&b, "bad", SQ_COUNTER, 64);
	for (int i = 0; i < 3; i++) {
		sq_sample_begin(b.sample, 1000 * i);
		sq_sample_enter(b.sample, good);
		sq_sample_put(b.sample, good_row, 5 + (uint64_t)i);
		sq_sample_leave(b.sample, 0);
		sq_sample_enter(b.sample, bad);
		sq_sample_put(b.sample, bad_row, 50 + (uint64_t)i);
		sq_sample_leave(b.sample, i == 1 ? -EIO : 0);
		assert_int_equal(sq_sample_end(b.sample, 1000 * i + 10, NULL), 0);
	}
	records = bench_close(&b);
	assert_int_equal(count_records(records, "tick"), 3);
	assert_int_equal(count_records(records, "gap"), 1);
	gap = nth_record(records, "gap", 0);
	assert_string_equal(record_text(gap, "source"), "flaky");
	assert_string_equal(record_text(gap, "because"), strerror(EIO));
	assert_int_equal(record_int(gap, "b"), 1000);
	assert_int_equal(record_int(gap, "e"), 1010);
	assert_int_equal(tick_value(nth_record(records, "tick", 1), bad_row), NOT_THERE);
	assert_int_equal(tick_value(nth_record(records, "tick", 1), good_row), 6);
	assert_int_equal(tick_value(nth_record(records, "tick", 2), bad_row), 2);
	json_decref(records);
}

static void read_of(struct bench *b, unsigned source, unsigned row, uint64_t value)
{
	sq_sample_enter(b->sample, source);
	sq_sample_put(b->sample, row, value);
	sq_sample_leave(b->sample, 0);
}

/* A tick names what it did not read, once it has values that could be taken for read; two of one name are
 * told apart by nobody. */
static void test_read_more_rarely(void **state)
{
	struct bench b;
	unsigned often, seldom, twins[2], rows[4];
	json_t *records, *unread;

	(void)state;
	bench_open(&b);
	often = b.source;
	rows[0] = row_of(&b, "often", SQ_COUNTER, 64);
	seldom = sq_sample_source(b.sample, "seldom");
	for (unsigned i = 0; i < 2; i++)
		twins[i] = sq_sample_source(b.sample, "twin");
	for (unsigned i = 0; i < 4; i++) {
		sq_sample_begin(b.sample, 1000 * i);
		read_of(&b, often, rows[0], i);
		for (unsigned k = 0; k < 2; k++) {
			sq_sample_enter(b.sample, twins[k]);
			rows[2 + k] = row_of(&b, k ? "y" : "x", SQ_GAUGE, 64);
			if (i == 1 || (i == 2 && k == 0))
				read_of(&b, twins[k], rows[2 + k], i);
		}
		sq_sample_enter(b.sample, seldom);
		rows[1] = row_of(&b, "seldom", SQ_COUNTER, 64);
		if (i % 2)
			read_of(&b, seldom, rows[1], i);
		assert_int_equal(sq_sample_end(b.sample, 1000 * i + 10, NULL), 0);
	}
	records = bench_close(&b);
	for (size_t i = 0; i < 2; i++)
		assert_null(json_object_get(nth_record(records, "tick", i), "unread"));
	unread = json_object_get(nth_record(records, "tick", 2), "unread");
	assert_int_equal(json_array_size(unread), 1);
	assert_string_equal(json_string_value(json_array_get(unread, 0)), "seldom");
	unread = json_object_get(nth_record(records, "tick", 3), "unread");
	assert_int_equal(json_array_size(unread), 1);
	assert_string_equal(json_string_value(json_array_get(unread, 0)), "twin");
	json_decref(records);
}

/* A source whose first readings fail has its beginning at the first that succeeds. */
static void test_late_first_reading(void **state)
{
	struct bench b;
	unsigned row;
	json_t *records;

	(void)state;
	bench_open(&b);
	row = row_of(&b, "late", SQ_COUNTER, 64);
	sq_sample_begin(b.sample, 1);
	sq_sample_enter(b.sample, b.source);
	sq_sample_leave(b.sample, -EIO);
	assert_int_equal(sq_sample_end(b.sample, 2, NULL), 0);
	feed(&b, row, 700);
	feed(&b, row, 701);
	records = bench_close(&b);
	/* Nobody gave anything in the first: no tick, since an empty one would be silence. */
	assert_int_equal(count_records(records, "tick"), 2);
	assert_int_equal(last_value(records, "late", NULL), 1);
	json_decref(records);
}

static void test_silence_is_written(void **state)
{
	struct bench b;
	unsigned row;
	json_t *records, *tick;

	(void)state;
	bench_open(&b);
	row = row_of(&b, "still", SQ_COUNTER, 64);
	feed(&b, row, 5);
	feed(&b, row, 5);
	records = bench_close(&b);
	tick = nth_record(records, "tick", 1);
	assert_non_null(tick);
	assert_int_equal(json_array_size(json_object_get(tick, "v")), 0);
	assert_int_equal(record_int(tick, "e") - record_int(tick, "b"), SQ_MS);
	json_decref(records);
}

static void test_absent(void **state)
{
	struct bench b;
	json_t *records, *r;

	(void)state;
	bench_open(&b);
	assert_int_equal(sq_sample_absent(b.sample, b.source, "No such file", NULL), 0);
	records = bench_close(&b);
	r = nth_record(records, "absent", 0);
	assert_string_equal(record_text(r, "source"), "test");
	assert_string_equal(record_text(r, "because"), "No such file");
	json_decref(records);
}

static void test_event(void **state)
{
	struct bench b;
	json_t *records, *r;

	(void)state;
	bench_open(&b);
	sq_sample_event(b.sample, 1234567890123, "neighbor table overflow!");
	records = bench_close(&b);
	r = nth_record(records, "event", 0);
	assert_string_equal(record_text(r, "source"), "test");
	assert_string_equal(record_text(r, "text"), "neighbor table overflow!");
	assert_int_equal(record_int(r, "t"), 1234567890123);
	json_decref(records);
}

/* Many rows: the table of names grows, and still finds each. */
static void test_many_rows(void **state)
{
	enum { ROWS = 20000 };
	struct bench b;
	unsigned first[ROWS];

	(void)state;
	bench_open(&b);
	for (int round = 0; round < 2; round++) {
		for (unsigned i = 0; i < ROWS; i++) {
			char name[32], instance[32];
			struct sq_metric m = { .name = name, .instance = instance };
			unsigned row;

			snprintf(name, sizeof(name), "m%u", i / 100);
			snprintf(instance, sizeof(instance), "i%u", i % 100);
			row = sq_sample_metric(b.sample, &m);
			if (round == 0)
				first[i] = row;
			assert_int_equal(row, first[i]);
			assert_int_equal(row, i);
		}
	}
	json_decref(bench_close(&b));
}

/* A source that takes 2 ms, and one that is read once only. */
static void test_what_readings_take(void **state)
{
	struct bench b;
	unsigned seldom, row;
	json_t *records;

	(void)state;
	bench_open(&b);
	sq_sample_time(b.sample);
	seldom = sq_sample_source(b.sample, "seldom");
	row = row_of(&b, "x", SQ_GAUGE, 64);
	for (int i = 0; i < 3; i++) {
		sq_sample_begin(b.sample, sq_now_ns());
		sq_sample_enter(b.sample, b.source);
		usleep(2000);
		sq_sample_put(b.sample, row, 1);
		sq_sample_leave(b.sample, 0);
		if (i == 0) {
			sq_sample_enter(b.sample, seldom);
			sq_sample_leave(b.sample, 0);
		}
		assert_int_equal(sq_sample_end(b.sample, sq_now_ns(), NULL), 0);
	}
	records = bench_close(&b);
	/* From the first reading on, which is not in it, as with any counter. */
	assert_in_range(last_value(records, "capture.took", "test"), 4000, 400000);
	assert_int_equal(last_value(records, "capture.took", "seldom"), 0);
	assert_string_equal(record_text(find_metric(records, "capture.took", "test"), "unit"),
			    "us");
	assert_int_equal(last_value(records, "x", NULL), 1);
	json_decref(records);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_series),
		cmocka_unit_test(test_metric_record),
		cmocka_unit_test(test_any_name),
		cmocka_unit_test(test_text_that_stands_still),
		cmocka_unit_test(test_row_of_mid_run_counts_from_zero),
		cmocka_unit_test(test_sources_are_apart),
		cmocka_unit_test(test_gap),
		cmocka_unit_test(test_read_more_rarely),
		cmocka_unit_test(test_late_first_reading),
		cmocka_unit_test(test_silence_is_written),
		cmocka_unit_test(test_absent),
		cmocka_unit_test(test_event),
		cmocka_unit_test(test_many_rows),
		cmocka_unit_test(test_what_readings_take),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
