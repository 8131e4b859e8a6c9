/* What the files of the expectations share: parse.c knows the arithmetic, name.c what names
 * there can be, value.c what they came to in a run, expect.c the two jobs. */
#ifndef SQ_ANALYZERS_EXPECT_PRIVATE_H
#define SQ_ANALYZERS_EXPECT_PRIVATE_H

#include <stdbool.h>
#include <stddef.h>

#include "base/err.h"
#include "results/run.h"
#include "results/tally.h"

enum { SQ_EXPECT_WORD = 192 };

/* The meaning of a name.  NAN stands for "not measured", then said in because. */
struct sq_expect_reader {
	int (*value)(void *arg, const char *name, double *ret, struct sq_err *err);
	void *arg;
};

struct sq_expect_result {
	double left, right; /* NAN: not measured */
	bool held;          /* when both were */
	const char *op;     /* "<", "within": static */
	double within;      /* 0.02 for 2 % */
};

/* Reads and reckons "A < B".  -EINVAL with err->text for what is no expectation; the reader's own
 * errors pass through.  err->where is left as the caller set it. */
int sq_expect_reckon(const char *text, const struct sq_expect_reader *reader,
		     struct sq_expect_result *ret, struct sq_err *err);

enum sq_expect_kind {
	SQ_EXPECT_COUNT, /* scheduled, ok, failures, missed, canceled */
	SQ_EXPECT_CODE,  /* word, and detail and phase when not "" */
	SQ_EXPECT_CLASS,
	SQ_EXPECT_LATENCY, /* from the due time */
	SQ_EXPECT_SERVICE,
	SQ_EXPECT_LAG,
	SQ_EXPECT_EMISSION,
	SQ_EXPECT_PHASE,
	SQ_EXPECT_RATE, /* scheduled, sent, ok */
	SQ_EXPECT_EFFORT,
	SQ_EXPECT_SEEN,    /* a count of its driver's */
	SQ_EXPECT_METRIC,  /* of the host `subject` */
	SQ_EXPECT_FINDING, /* of the mechanism `subject` */
	SQ_EXPECT_ACCOUNT,
	SQ_EXPECT_DELIVERY, /* word: a number of it */
	SQ_EXPECT_DELIVERY_LATENCY,
};

enum sq_expect_stat { SQ_STAT_MEAN, SQ_STAT_MIN, SQ_STAT_MAX, SQ_STAT_PERCENTILE };

struct sq_expect_name {
	enum sq_expect_kind kind;
	char subject[SQ_EXPECT_WORD]; /* load, host or mechanism */
	char word[SQ_EXPECT_WORD];
	char phase[SQ_EXPECT_WORD];
	char detail[SQ_DETAIL_MAX];
	enum sq_expect_stat stat;
	double percentile;
};

struct sq_expect_load {
	const char *name;
	const struct sq_vocabulary *words; /* NULL: not known here, any word may be one */
};

struct sq_expect_scope {
	struct sq_expect_load *loads;
	size_t n_loads;
	const char **hosts;
	size_t n_hosts;
	bool any_host; /* after the run: a name that is nothing else is a host's */
};

/* -EINVAL for a name that can't be: what is wrong, the nearest that can. */
int sq_expect_classify(const struct sq_expect_scope *scope, const char *text,
		       struct sq_expect_name *ret, struct sq_err *err);

/* NAN and because (not "") for what was not measured. */
double sq_expect_value(const struct sq_run *run, const struct sq_expect_name *name, char *because,
		       size_t size);

#endif
