/* What a parser makes of a text: one reading that follows an empty one, so that counters' rises are
 * their values. */
#ifndef SQ_TESTS_STATS_BENCH_H
#define SQ_TESTS_STATS_BENCH_H

#include "analyzers/formats/server_stats.h"
#include "spool_bench.h"

static inline json_t *records_of(sq_stats_parser *parse, const char *text)
{
	struct sq_stats_memory memory = { 0 };
	struct bench b;
	struct sq_stats t;

	bench_open(&b);
	bench_tick_empty(&b);
	t = (struct sq_stats){ .sample = b.sample, .memory = &memory };
	sq_sample_begin(b.sample, sq_now_ns());
	sq_sample_enter(b.sample, b.source);
	parse((struct sq_span){ text, text + strlen(text) }, &t);
	sq_sample_leave(b.sample, 0);
	assert_int_equal(sq_sample_end(b.sample, sq_now_ns(), NULL), 0);
	assert_int_equal(t.passed, 0);
	sq_stats_memory_fini(&memory);
	return bench_close(&b);
}

static inline char *text_of(const char *name)
{
	char path[512], *text = calloc(1, 65536);
	FILE *f;

	snprintf(path, sizeof(path), SQ_SOURCE_DIR "/tests/texts/%s", name);
	f = fopen(path, "r");
	if (!f)
		fail_msg("%s is missing", path);
	text[fread(text, 1, 65535, f)] = '\0';
	fclose(f);
	return text;
}

struct want {
	const char *metric, *instance;
	int64_t value;
};

/* Every row that is wanted, each with its value; n_rows: how many there must be in all, 0 any. */
static inline void check_rows(const json_t *records, const struct want *want, size_t n_rows)
{
	size_t wrong = 0;

	for (; want->metric; want++) {
		int64_t got = last_value(records, want->metric, want->instance);

		if (got == want->value)
			continue;
		print_error("%s %s: got %lld, want %lld\n", want->metric,
			    want->instance ? want->instance : "", (long long)got,
			    (long long)want->value);
		wrong++;
	}
	if (n_rows && count_records(records, "metric") != n_rows) {
		print_error("rows: got %zu, want %zu\n", count_records(records, "metric"), n_rows);
		wrong++;
	}
	if (wrong)
		for (size_t i = 0; i < count_records(records, "metric"); i++) {
			const json_t *m = nth_record(records, "metric", i);

			print_error("  there is %s %s\n", record_text(m, "metric"),
				    record_text(m, "instance"));
		}
	assert_int_equal(wrong, 0);
}

static inline void check_text(sq_stats_parser *parse, const char *text, const struct want *want,
			      size_t n_rows)
{
	json_t *records = records_of(parse, text);

	check_rows(records, want, n_rows);
	json_decref(records);
}

static inline void check_file(sq_stats_parser *parse, const char *name, const struct want *want,
			      size_t n_rows)
{
	char *text = text_of(name);

	check_text(parse, text, want, n_rows);
	free(text);
}

#endif
