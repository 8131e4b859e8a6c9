/* squall search: what its files share. */
#ifndef SQ_CLI_SEARCH_H
#define SQ_CLI_SEARCH_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <jansson.h>

#include "base/buf.h"
#include "base/err.h"
#include "base/opt.h"
#include "cli/trial.h"
#include "results/mlr.h"

struct sq_search_args {
	struct sq_run_args run; /* the first member */
	struct sq_strings goal;
	char *load;
	double min, max, width, exceed;
	int64_t initial, final, sum, settle, rest;
};

/* What a load must hold: some expectations, all of them in each trial that counts as good. */
struct sq_search_goal {
	char *text;      /* as it was asked for */
	size_t first, n; /* of the scenario's expectations in a trial */
};

/* The quiet time before a trial. */
struct sq_search_rest {
	int64_t took_ns;
	bool at_rest;
	char because[96]; /* what was not at rest when the time was over */
};

struct sq_search_trial {
	double load;
	int64_t duration_ns;
	bool good[SQ_MLR_GOALS_MAX];
	bool ours
		[SQ_MLR_GOALS_MAX]; /* bad, and for the most part because the generator could not make the load */
	double p99_s, lost; /* NAN; a share */
	struct sq_search_rest rest;
	char *dir;
};

struct sq_quiet;

struct sq_search {
	const struct sq_search_args *args;
	struct sq_trial_way way;
	json_t *scenario; /* its expectations are those of all goals */
	size_t at;        /* of the load that is searched */
	char *load;       /* its name */
	char *dir;
	struct sq_search_goal goals[SQ_MLR_GOALS_MAX];
	size_t n_goals;
	struct sq_mlr *mlr;
	struct sq_quiet *quiet; /* NULL: each trial has a world of its own, which is made anew */
	struct sq_search_trial *trials;
	size_t n, cap;
};

/* cli/search_goals.c: the scenario's load and goals.  -errno with err. */
int sq_search_goals(struct sq_search *s, struct sq_err *err);

/* cli/search_trial.c: one trial, recorded.  The exit status of one that ends the search; else 0. */
int sq_search_try(struct sq_search *s, double load, int64_t duration_ns);

/* cli/search_rest.c: waits until this machine is as quiet as before the search.  load: operations a second of the trial
 * before. */
struct sq_quiet *sq_quiet_new(void);
struct sq_quiet *sq_quiet_free(struct sq_quiet *q);
void sq_quiet_await(struct sq_quiet *q, double load, int64_t least_ns, int64_t most_ns,
		    struct sq_search_rest *ret);

/* cli/search_limits.c: what stood in the way, [{what, text}] by the last trial that failed at the goal's upper bound. */
json_t *sq_search_limits(const struct sq_search *s, size_t goal);

/* Whose limit the goal's upper bound is; unknown where the search ended before it had one. */
enum sq_search_bound { SQ_BOUND_TARGET, SQ_BOUND_GENERATOR, SQ_BOUND_RANGE, SQ_BOUND_UNKNOWN };
enum sq_search_bound sq_search_bound(const struct sq_search *s, size_t goal);

/* cli/search_json.c: search.json, and its JSON Schema (draft-07). */
json_t *sq_search_json(const struct sq_search *s);
json_t *sq_search_schema(void);

/* cli/search_text.c: the same for people. */
void sq_search_text(const json_t *search, struct sq_buf *out);

#endif
