/* A sample with a spool in a scratch folder, and what came out of it. */
#ifndef SQ_TESTS_SPOOL_BENCH_H
#define SQ_TESTS_SPOOL_BENCH_H

#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>
#include <jansson.h>

#include "analyzers/sample.h"
#include "base/clock.h"
#include "results/spool.h"

struct bench {
	char dir[64];
	int dirfd;
	struct sq_spool *spool;
	struct sq_sample *sample;
	unsigned source; /* "test", entered */
};

static inline void bench_folder(struct bench *b)
{
	snprintf(b->dir, sizeof(b->dir), "/tmp/squall-unit-XXXXXX");
	assert_non_null(mkdtemp(b->dir));
	b->dirfd = open(b->dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	assert_int_not_equal(b->dirfd, -1);
}

static inline void bench_open(struct bench *b)
{
	struct sq_err err = { 0 };

	bench_folder(b);
	b->spool = sq_spool_open(b->dirfd, "capture-test", &err);
	assert_non_null(b->spool);
	b->sample = sq_sample_new(b->spool);
	b->source = sq_sample_source(b->sample, "test");
	sq_sample_enter(b->sample, b->source);
}

/* An empty good reading: rows that show up later then count from 0, so that rises are values. */
static inline void bench_tick_empty(struct bench *b)
{
	sq_sample_begin(b->sample, sq_now_ns());
	sq_sample_enter(b->sample, b->source);
	sq_sample_leave(b->sample, 0);
	assert_int_equal(sq_sample_end(b->sample, sq_now_ns(), NULL), 0);
}

static inline int bench_add_record(json_t *record, void *arg, struct sq_err *err)
{
	(void)err;
	return json_array_append(arg, record);
}

/* The folder's records, which are removed with it. */
static inline json_t *bench_take_records(struct bench *b, const char *name)
{
	char path[128];
	json_t *records = json_array();
	struct sq_err err = { 0 };
	int torn = 0;

	snprintf(path, sizeof(path), "%s/spool/%s.jsonl", b->dir, name);
	if (sq_spool_read(path, bench_add_record, records, &torn, &err) < 0)
		fail_msg("%s: %s", err.where, err.text);
	unlink(path);
	snprintf(path, sizeof(path), "%s/spool", b->dir);
	rmdir(path);
	rmdir(b->dir);
	close(b->dirfd);
	return records;
}

static inline json_t *bench_close(struct bench *b)
{
	b->sample = sq_sample_free(b->sample);
	assert_int_equal(sq_spool_close(b->spool, NULL), 0);
	return bench_take_records(b, "capture-test");
}

static inline const char *record_text(const json_t *record, const char *key)
{
	const char *text = json_string_value(json_object_get(record, key));

	return text ? text : "";
}

static inline int64_t record_int(const json_t *record, const char *key)
{
	return json_integer_value(json_object_get(record, key));
}

static inline bool record_is(const json_t *record, const char *kind)
{
	return strcmp(record_text(record, "k"), kind) == 0;
}

static inline size_t count_records(const json_t *records, const char *kind)
{
	size_t i, n = 0;
	json_t *r;

	json_array_foreach(records, i, r)
		n += record_is(r, kind);
	return n;
}

/* The nth record of a kind, NULL when there are fewer. */
static inline json_t *nth_record(const json_t *records, const char *kind, size_t nth)
{
	size_t i;
	json_t *r;

	json_array_foreach(records, i, r)
		if (record_is(r, kind) && nth-- == 0)
			return r;
	return NULL;
}

/* A "metric" record; instance NULL: the one without. */
static inline json_t *find_metric(const json_t *records, const char *metric, const char *instance)
{
	size_t i;
	json_t *r;

	json_array_foreach(records, i, r)
		if (record_is(r, "metric") && strcmp(record_text(r, "metric"), metric) == 0 &&
		    strcmp(record_text(r, "instance"), instance ? instance : "") == 0)
			return r;
	return NULL;
}

enum { NOT_THERE = -99999 };

/* The metric's value in one tick record, NOT_THERE when it isn't named. */
static inline int64_t tick_value(const json_t *tick, int64_t metric)
{
	json_t *v = json_object_get(tick, "v");

	for (size_t i = 0; i + 1 < json_array_size(v); i += 2)
		if (json_integer_value(json_array_get(v, i)) == metric)
			return json_integer_value(json_array_get(v, i + 1));
	return NOT_THERE;
}

/* The last value that any tick gave. */
static inline int64_t last_value(const json_t *records, const char *metric, const char *instance)
{
	json_t *m = find_metric(records, metric, instance), *r;
	int64_t value = NOT_THERE;
	size_t i;

	if (!m)
		return NOT_THERE;
	json_array_foreach(records, i, r)
		if (record_is(r, "tick") && tick_value(r, record_int(m, "i")) != NOT_THERE)
			value = tick_value(r, record_int(m, "i"));
	return value;
}

#endif
