/* What is searched for: which load's rate, and what must hold.
 *
 * A reader would get wrong: the expectations of all goals together take the place of the scenario's own, so that each
 * trial's report judges all of them; a goal knows which are its own. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/json.h"
#include "base/mem.h"
#include "cli/search.h"
#include "results/draw.h"

static char *trimmed(const char *text, size_t len)
{
	while (len > 0 && text[0] == ' ') {
		text++;
		len--;
	}
	while (len > 0 && text[len - 1] == ' ')
		len--;
	return sq_printf_dup("%.*s", (int)len, text);
}

static void add_goal(struct sq_search *s, json_t *expect, const char *text)
{
	struct sq_search_goal *g = &s->goals[s->n_goals++];

	g->text = sq_strdup(text);
	g->first = json_array_size(expect);
	while (*text) {
		size_t len = strcspn(text, ";");
		char *one = trimmed(text, len);

		if (*one)
			json_array_append_new(expect, json_string(one));
		free(one);
		text += len + (text[len] == ';');
	}
	g->n = json_array_size(expect) - g->first;
}

static int make_goals(struct sq_search *s, struct sq_err *err)
{
	const struct sq_strings *asked = &s->args->goal;
	json_t *expect = json_object_get(s->scenario, "expect"), *all = json_array();
	struct sq_buf text = { 0 };
	json_t *one;
	size_t i;

	if (asked->n > SQ_MLR_GOALS_MAX)
		return sq_err_set(err, -E2BIG, "--goal", "%zu goals; %d is the most", asked->n,
				  SQ_MLR_GOALS_MAX);
	for (i = 0; i < asked->n; i++)
		add_goal(s, all, asked->v[i]);
	if (asked->n == 0) {
		json_array_foreach(expect, i, one)
			sq_buf_printf(&text, "%s%s", i ? "; " : "", json_string_value(one));
		if (text.len)
			add_goal(s, all, text.data);
	}
	sq_buf_fini(&text);
	json_object_set_new(s->scenario, "expect", all);
	for (i = 0; i < s->n_goals; i++)
		if (s->goals[i].n == 0)
			return sq_err_set(err, -EINVAL, "--goal", "\"%s\" says nothing",
					  s->goals[i].text);
	if (s->n_goals == 0)
		return sq_err_set(
			err, -EINVAL, "",
			"the scenario expects nothing, so any rate holds; give --goal, as "
			"in --goal \"NAME.failures == 0; NAME.latency.p99 < 20ms\"");
	return 0;
}

static int find_load(struct sq_search *s, struct sq_err *err)
{
	const json_t *loads = json_object_get(s->scenario, "load"), *load;
	const char *asked = s->args->load;

	for (s->at = 0; s->at < json_array_size(loads); s->at++) {
		load = json_array_get(loads, s->at);
		if (asked && strcmp(sq_draw_text(load, "name"), asked) != 0)
			continue;
		if (!json_object_get(json_object_get(load, "arrivals"), "rate") &&
		    !json_object_get(json_object_get(load, "arrivals"), "poisson"))
			return sq_err_set(err, -EINVAL, "/load",
					  "the arrivals of \"%s\" have no rate to search; give it "
					  "\"rate\" or \"poisson\"",
					  sq_draw_text(load, "name"));
		s->load = sq_strdup(sq_draw_text(load, "name"));
		return 0;
	}
	return sq_err_set(err, -EINVAL, "--load", "no load is called \"%s\"", asked ? asked : "");
}

int sq_search_goals(struct sq_search *s, struct sq_err *err)
{
	int rc = find_load(s, err);

	return rc < 0 ? rc : make_goals(s, err);
}
