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
#include "results/mlr.h"

/* What a load must hold: some expectations, all of them in each trial that counts as good. */
struct sq_search_goal {
	char *text;      /* as it was asked for */
	size_t first, n; /* of the scenario's expectations in a trial */
};

struct sq_search_trial {
	double load;
	int64_t duration_ns;
	bool good[SQ_MLR_GOALS_MAX];
	bool ours;          /* operations were missed: the generator could not make the load */
	double p99_s, lost; /* NAN; a share */
	char *dir;
};

struct sq_search {
	struct sq_search_goal goals[SQ_MLR_GOALS_MAX];
	size_t n_goals;
	char *load; /* the name of the one that is searched */
	struct sq_mlr *mlr;
	struct sq_search_trial *trials;
	size_t n, cap;
};

/* cli/search_words.c: search.json, and the same for people. */
json_t *sq_search_json(const struct sq_search *s, const char *name);
void sq_search_text(const json_t *search, struct sq_buf *out);
json_t *sq_search_schema(void); /* JSON Schema (draft-07) */

/* Is the highest load that holds any goal bounded by the generator, or by nothing within the range? */
bool sq_search_is_ours(const struct sq_search *s);

#endif
