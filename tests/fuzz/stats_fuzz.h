/* One text through several parsers of statistics, into a sample that is thrown away before made-up names
 * fill the memory. */
#ifndef SQ_TESTS_STATS_FUZZ_H
#define SQ_TESTS_STATS_FUZZ_H

#include <assert.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "analyzers/formats/server_stats.h"
#include "analyzers/sample.h"

enum { RUNS = 500 }; /* of one sample */

static struct sq_stats_memory memory;

static inline struct sq_sample *fuzz_sample(void)
{
	static struct sq_sample *sample;
	static unsigned runs;

	if (runs++ % RUNS == 0) {
		sq_stats_memory_fini(&memory);
		sq_sample_free(sample);
		sample = sq_sample_new(NULL);
		sq_sample_enter(sample, sq_sample_source(sample, "fuzz"));
	}
	sq_sample_begin(sample, 0);
	return sample;
}

static inline void fuzz_parse(sq_stats_parser *parse, const char *text, size_t len)
{
	struct sq_stats t = { .sample = fuzz_sample(), .memory = &memory };

	parse((struct sq_span){ text, text + len }, &t);
	assert(t.n <= SQ_STATS_ROWS);
}

#endif
