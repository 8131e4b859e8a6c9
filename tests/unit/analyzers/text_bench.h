/* For the tests of parsers of the kernel's texts: texts, and what they must put. */
#ifndef SQ_TESTS_TEXT_BENCH_H
#define SQ_TESTS_TEXT_BENCH_H

#include "analyzers/formats/nettext.h"
#include "spool_bench.h"

static size_t parse(struct bench *b, struct sq_nettext *t, sq_nettext_parser *parser,
		    const char *text, size_t len)
{
	/* In a block of its own size, so that the sanitizer sees a step too far. */
	char *copy = malloc(len + 1);
	size_t n;

	memcpy(copy, text, len);
	copy[len] = '\0';
	sq_sample_begin(b->sample, sq_now_ns());
	sq_sample_enter(b->sample, b->source);
	n = parser(t, copy, len, b->sample);
	sq_sample_leave(b->sample, 0);
	assert_int_equal(sq_sample_end(b->sample, sq_now_ns(), NULL), 0);
	free(copy);
	return n;
}

struct expected {
	const char *metric, *instance;
	int64_t value;
};

struct text_case {
	const char *what;
	sq_nettext_parser *parser;
	const char *text[3]; /* one after the other, NULL ends */
	size_t n_puts;       /* of the last */
	struct expected want[6];
};

/* Its texts, one after the other: what the last puts, and that nothing was taken for a restart. */
static void check_case(const struct text_case *c)
{
	struct sq_nettext t = { 0 };
	struct bench b;
	size_t n = 0;
	json_t *records;

	bench_open(&b);
	bench_tick_empty(&b);
	for (size_t i = 0; i < 3 && c->text[i]; i++)
		n = parse(&b, &t, c->parser, c->text[i], strlen(c->text[i]));
	if (n != c->n_puts)
		fail_msg("%s: got %zu puts, want %zu", c->what, n, c->n_puts);
	records = bench_close(&b);
	for (size_t i = 0; i < 6 && c->want[i].metric; i++) {
		const struct expected *e = &c->want[i];
		int64_t got = last_value(records, e->metric, e->instance);

		if (got != e->value)
			fail_msg("%s: %s: got %lld, want %lld", c->what, e->metric, (long long)got,
				 (long long)e->value);
	}
	if (count_records(records, "restart") > 0)
		fail_msg("%s: taken for a restart", c->what);
	json_decref(records);
	sq_nettext_fini(&t);
}

#endif
