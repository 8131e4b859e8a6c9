/* What a report must know of the plan without having it: the effective scenario, and of each load where
 * it goes, from where, for how long, and the words of its driver.
 *
 * What a reader would get wrong: a load's first target stands in its own keys, the others in
 * "more_targets". */
#include "loadgen/campaign/head.h"

#include "analyzers/capture/environment.h"
#include "base/buf.h"
#include "loadgen/engine/driver.h"

static json_t *text_array(const struct sq_strings *s)
{
	json_t *a = json_array();

	for (size_t i = 0; i < s->n; i++)
		json_array_append_new(a, json_string(s->v[i]));
	return a;
}

static json_t *words_array(const char *const *words)
{
	json_t *a = json_array();

	for (size_t i = 0; words && words[i]; i++)
		json_array_append_new(a, json_string(words[i]));
	return a;
}

static json_t *target_record(const struct sq_plan *plan, const struct sq_load_plan *load, size_t i)
{
	const struct sq_target *t = &load->targets[i];
	int server = sq_plan_server(plan, load, t);
	char address[SQ_TARGET_TEXT];

	sq_target_format(t, address);
	return json_pack("{s:s, s:s, s:s?}", "target", t->text, "address", address, "server",
			 server < 0 ? NULL : plan->hosts[server].name);
}

/* "198.18.0.1, 198.18.64.0/18"; NULL when the kernel chooses. */
static json_t *source_record(const struct sq_strings *source)
{
	struct sq_buf text = { 0 };
	json_t *record;

	for (size_t i = 0; i < source->n; i++)
		sq_buf_printf(&text, "%s%s", i ? ", " : "", source->v[i]);
	record = source->n ? json_string(text.data) : json_null();
	sq_buf_fini(&text);
	return record;
}

/* What ends it before its duration at a time that only running it can tell; NULL: nothing. */
static json_t *end_record(const struct sq_load_spec *spec)
{
	bool closed = spec->arrivals.closed > 0;

	if (spec->count == SQ_OPT_UNSET || !(closed || spec->arrivals.poisson_per_s > 0))
		return NULL;
	return json_pack("{s:I, s:s}", "count", (json_int_t)spec->count, "at",
			 closed ? "done" : "due");
}

/* The first target's keys are the load's own. */
static json_t *load_record(const struct sq_plan *plan, const struct sq_load_plan *l)
{
	const struct sq_vocabulary *words = sq_driver_words(l->spec->driver.kind);
	json_t *more = json_array(), *record = target_record(plan, l, 0);

	for (size_t i = 1; i < l->n_targets; i++)
		json_array_append_new(more, target_record(plan, l, i));
	json_object_update_new(
		record,
		json_pack(
			"{s:s, s:s, s:o, s:s, s:o, s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:b, s:o, s:o, s:o*}",
			"name", l->spec->name, "driver", l->spec->driver.kind->name, "more_targets",
			more, "from", plan->hosts[l->host].name, "source",
			source_record(&l->spec->source), "sources", (json_int_t)l->sources.count,
			"threads", (json_int_t)l->spec->threads, "workers",
			(json_int_t)l->spec->workers, "at_ns", (json_int_t)l->spec->at_ns,
			"duration_ns", (json_int_t)l->span_ns, "warmup_ns",
			(json_int_t)l->spec->warmup_ns, "timeout_ns",
			(json_int_t)l->spec->timeout_ns, "tick_ns", (json_int_t)l->tick_ns,
			"time_wait", l->cost.time_wait && !l->soon_reused, "efforts",
			words_array(words->efforts), "counts", words_array(words->counts), "ends",
			end_record(l->spec)));
	return record;
}

static json_t *loads_record(const struct sq_plan *plan)
{
	json_t *loads = json_array();

	for (size_t i = 0; i < plan->n_loads; i++)
		json_array_append_new(loads, load_record(plan, &plan->loads[i]));
	return loads;
}

static json_t *pair_record(const struct sq_plan *plan, const struct sq_link_plan *a, size_t a_end,
			   const struct sq_link_plan *b, size_t b_end)
{
	return json_pack("{s:[s, s], s:[s, s]}", "hosts", plan->hosts[a->host[a_end]].name,
			 plan->hosts[b->host[b_end]].name, "devices", a->device[a_end],
			 b->device[b_end]);
}

/* Which device of a host leads to which other host: of a switch, from each to each. */
static json_t *links_record(const struct sq_plan *plan)
{
	json_t *links = json_array();

	for (size_t i = 0; i < plan->n_links; i++) {
		const struct sq_link_plan *l = &plan->links[i];

		if (l->host[1] != SQ_SWITCH)
			json_array_append_new(links, pair_record(plan, l, 0, l, 1));
		for (size_t k = i + 1; l->host[1] == SQ_SWITCH && k < plan->n_links; k++)
			if (plan->links[k].spec == l->spec)
				json_array_append_new(links,
						      pair_record(plan, l, 0, &plan->links[k], 0));
	}
	return links;
}

json_t *sq_campaign_head(const struct sq_plan *plan, const json_t *meta)
{
	json_t *own = json_copy((json_t *)meta);

	json_object_set_new(own, "authorized", text_array(&plan->authorized));
	return json_pack("{s:s, s:s, s:o, s:O, s:I, s:o, s:o, s:o, s:o, s:o}", "k", "head",
			 "schema", "squall-spool/1", "meta", own, "scenario", plan->echo, "bin_ns",
			 (json_int_t)plan->scenario->bin_ns, "lost", text_array(&plan->lost),
			 "warnings", text_array(&plan->warnings), "links", links_record(plan),
			 "loads", loads_record(plan), "globals",
			 plan->world ? sq_environment_globals() : json_object());
}
