/* squall's own statistics over what tune-truth measured, or over what is made here and therefore known.
 *
 *   truth_judge windows FILE WINDOWS PAIRS MARGIN   trials of one setting, a report's loads a line
 *   truth_judge sessions FILE FILE MARGIN           lines of a baseline; those that are judged, each by itself
 *   truth_judge more                                how many pairs decide, where "about N more" was said
 *
 * What a reader would get wrong: windows overlap, but given the trials their labels are drawn anew for each, so alarms
 * are as independent as if they did not. */
#include <math.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <jansson.h>

#include "base/mem.h"
#include "base/rng.h"
#include "results/stats.h"
#include "results/verdict.h"

static json_t *lines_of(const char *path)
{
	json_t *all = json_array(), *one;
	FILE *f = fopen(path, "re");

	while (f && (one = json_loadf(f, JSON_DISABLE_EOF_CHECK, NULL)))
		json_array_append_new(all, one);
	if (!f || json_array_size(all) == 0) {
		fprintf(stderr, "truth_judge: %s: no lines of JSON\n", path);
		exit(2);
	}
	fclose(f);
	return all;
}

/* What is counted, and printed as one object. */
static json_t *sums;

static void count(const char *key)
{
	json_t *sum = json_object_get(sums, key);

	json_object_set_new(sums, key, json_integer(json_integer_value(sum) + 1));
}

/* Takes the verdicts of one judgement: each by its name, and the whole by the worst that is in it. */
static void count_all(json_t *verdicts)
{
	bool alarm = false, worse = false, undecided = false;
	const json_t *v;
	size_t i;

	json_array_foreach(verdicts, i, v) {
		const char *metric = json_string_value(json_object_get(v, "metric"));
		const char *verdict = json_string_value(json_object_get(v, "verdict"));
		char key[128];

		snprintf(key, sizeof(key), "%s %s", metric, verdict);
		count(key);
		worse |= strcmp(verdict, "worse") == 0;
		alarm |= worse || strcmp(verdict, "better") == 0;
		undecided |= strcmp(verdict, "undecided") == 0;
	}
	count("judged");
	if (alarm)
		count("alarms");
	if (worse)
		count("worse");
	else if (undecided)
		count("undecided");
	json_decref(verdicts);
}

/* ---- trials of one setting ---- */

static json_t *window(const json_t *trials, size_t at, size_t pairs, struct sq_rng *rng,
		      const json_t *names, const struct sq_judging *how)
{
	const json_t *sides[2][SQ_PAIRS_MAX];
	size_t order[2];

	for (size_t i = 0; i < pairs; i++) {
		sq_rng_order(rng, order, 2);
		for (size_t k = 0; k < 2; k++)
			sides[order[k]][i] = json_array_get(trials, at + 2 * i + k);
	}
	return sq_verdicts(sides[0], sides[1], pairs, names, how);
}

static void windows(const char *path, size_t n, size_t pairs, double margin)
{
	json_t *trials = lines_of(path), *names = sq_report_measures(json_array_get(trials, 0));
	struct sq_judging how = { .alpha = 0.05, .margin = margin };
	size_t places = json_array_size(trials) + 1;
	struct sq_rng rng;

	if (pairs > SQ_PAIRS_MAX || places <= 2 * pairs) {
		fprintf(stderr, "truth_judge: %s: %zu trials make no window\n", path, places - 1);
		exit(2);
	}
	sq_rng_init(&rng, 10, 0);
	for (size_t i = 0; i < n; i++)
		count_all(window(trials, i % (places - 2 * pairs), pairs, &rng, names, &how));
	json_decref(names);
	json_decref(trials);
}

/* ---- sessions of one setting, each against the six before it; and others against any six ---- */

static void session(const json_t *stored, size_t from, const json_t *now, double margin)
{
	struct sq_judging how = { .alpha = 0.05, .margin = margin };
	const json_t *earlier[SQ_SESSIONS_LEAST];
	json_t *names = json_array(), *measures = json_object_get(now, "measures"), *value;
	const char *name;

	for (size_t i = 0; i < SQ_SESSIONS_LEAST; i++)
		earlier[i] = json_object_get(json_array_get(stored, from + i), "measures");
	json_object_foreach(measures, name, value)
		json_array_append_new(names, json_string(name));
	count_all(sq_session_verdicts(earlier, SQ_SESSIONS_LEAST, measures, names, &how));
	json_decref(names);
}

static void sessions(const char *path, const char *others, double margin)
{
	json_t *stored = lines_of(path), *judged = lines_of(others);
	bool same = strcmp(path, others) == 0;

	for (size_t from = 0; from + SQ_SESSIONS_LEAST < json_array_size(stored); from++)
		for (size_t i = 0; i < json_array_size(judged); i++)
			if (!same || i == from + SQ_SESSIONS_LEAST)
				session(stored, from, json_array_get(judged, i), margin);
	json_decref(judged);
	json_decref(stored);
}

/* ---- how many pairs decide ---- */

enum { SERIES = 200, TRIES = 4000, PAIRS = 10, LONGEST = 200 };

static double normal(struct sq_rng *rng)
{
	double u = sq_rng_double(rng), v = sq_rng_double(rng);

	return sqrt(-2 * log1p(-u)) * cos(2 * M_PI * v);
}

static bool is_decided(const double *d, size_t n, double margin, size_t *ret_more)
{
	struct sq_shift s = sq_hodges_lehmann(d, n, 0.05);
	double p = sq_signed_rank_p(d, n);

	*ret_more = sq_more_pairs(&s, n, 1, 0.05, margin);
	return sq_judge(&s, p, 0.05, margin, true) != SQ_UNDECIDED;
}

/* Of the series that ten pairs leave open: the number of pairs that decides two thirds of them. */
static size_t enough_pairs(double (*series)[LONGEST], size_t n_series, double margin)
{
	for (size_t n = PAIRS + 1; n <= LONGEST; n += 1 + n / 12) {
		size_t decided = 0, unused;

		for (size_t i = 0; i < n_series; i++)
			decided += is_decided(series[i], n, margin, &unused);
		if (3 * decided >= 2 * n_series)
			return n;
	}
	return SIZE_MAX;
}

/* What was said, its median and how much of it is right within a factor of 1.5, beside that. */
static void more(double shift, double noise, double margin)
{
	double(*series)[LONGEST] = sq_alloc_n(SERIES, sizeof(*series)), said[SERIES];
	size_t open = 0, tried = 0, more_pairs, enough, near = 0;
	struct sq_rng rng;
	char key[64];

	sq_rng_init(&rng, 10, 0);
	while (open < SERIES && tried++ < TRIES) {
		for (size_t i = 0; i < LONGEST; i++)
			series[open][i] = shift + noise * normal(&rng);
		if (!is_decided(series[open], PAIRS, margin, &more_pairs))
			said[open++] = more_pairs < LONGEST ? (double)(PAIRS + more_pairs)
							    : LONGEST;
	}
	enough = enough_pairs(series, open, margin);
	for (size_t i = 0; i < open; i++)
		near += said[i] <= 1.5 * (double)enough && said[i] >= (double)enough / 1.5;
	snprintf(key, sizeof(key), "shift %g noise %g", shift, noise);
	json_object_set_new(sums, key,
			    json_pack("{s:f, s:I, s:I, s:I, s:I}", "said", sq_median(said, open),
				      "enough", (json_int_t)enough, "near", (json_int_t)near,
				      "open", (json_int_t)open, "of", (json_int_t)tried));
	free(series);
}

static void more_all(void)
{
	static const double cases[][2] = { { 0, 0.03 },    { 0, 0.05 },    { 0.005, 0.03 },
					   { 0.03, 0.05 }, { 0.05, 0.08 }, { 0.05, 0.12 },
					   { 0.1, 0.2 } };

	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++)
		more(cases[i][0], cases[i][1], 0.02);
}

int main(int argc, char **argv)
{
	sums = json_object();
	if (argc == 6 && strcmp(argv[1], "windows") == 0)
		windows(argv[2], strtoul(argv[3], NULL, 10), strtoul(argv[4], NULL, 10),
			strtod(argv[5], NULL));
	else if (argc == 5 && strcmp(argv[1], "sessions") == 0)
		sessions(argv[2], argv[3], strtod(argv[4], NULL));
	else if (argc == 2 && strcmp(argv[1], "more") == 0)
		more_all();
	else
		return 2;
	json_dumpf(sums, stdout, JSON_SORT_KEYS);
	putchar('\n');
	json_decref(sums);
	return 0;
}
