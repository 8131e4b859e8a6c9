/* The run record's plain questions, and its end.  reader.c makes it. */
#include "results/run.h"

#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/json.h"
#include "base/mem.h"
#include "results/reader.h"

void sq_outcome_rec_fini(struct sq_outcome_rec *o)
{
	free(o->code);
	free(o->phase);
	free(o->series);
	for (size_t i = 0; i < sizeof(o->effort_series) / sizeof(o->effort_series[0]); i++)
		free(o->effort_series[i]);
	sq_details_fini(&o->details);
	json_decref(o->exemplars);
}

void sq_load_rec_fini(struct sq_load_rec *l, size_t bins)
{
	free(l->name);
	free(l->driver);
	free(l->from);
	for (size_t i = 0; i < l->n_targets; i++) {
		free(l->targets[i].target);
		free(l->targets[i].address);
		free(l->targets[i].server);
	}
	free(l->targets);
	free(l->source);
	for (size_t i = 0; i < l->n_outcomes; i++)
		sq_outcome_rec_fini(&l->outcomes[i]);
	free(l->outcomes);
	for (size_t i = 0; i < l->n_phases; i++) {
		free(l->phases[i].name);
		sq_hist_free(l->phases[i].latency);
	}
	free(l->phases);
	for (size_t i = 0; i < l->n_efforts; i++)
		free(l->efforts[i]);
	free(l->efforts);
	for (size_t i = 0; i < l->n_counts; i++)
		free(l->counts[i].name);
	free(l->counts);
	for (size_t i = 0; l->bin_latency && i < bins; i++)
		sq_hist_free(l->bin_latency[i]);
	free(l->bin_latency);
	for (size_t i = 0; i < l->n_accepted; i++)
		sq_accepted_fini(&l->accepted[i]);
	free(l->accepted);
	free(l->scheduled_series);
	free(l->sent_series);
	free(l->lag_max_s);
	sq_hist_free(l->from_due);
	sq_hist_free(l->from_send);
	sq_hist_free(l->lag);
	sq_hist_free(l->emission);
}

void sq_metric_rec_fini(struct sq_metric_rec *m)
{
	free(m->host);
	free(m->source);
	free(m->metric);
	free(m->instance);
	free(m->unit);
	if (!m->shared)
		free(m->samples);
}

struct sq_run *sq_run_free(struct sq_run *run)
{
	if (!run)
		return NULL;
	for (size_t i = 0; i < run->n_loads; i++)
		sq_load_rec_fini(&run->loads[i], run->axis.n);
	for (size_t i = 0; i < run->n_metrics; i++)
		sq_metric_rec_fini(&run->metrics[i]);
	for (size_t i = 0; i < run->n_events; i++) {
		free(run->events[i].host);
		free(run->events[i].source);
		free(run->events[i].text);
	}
	free(run->loads);
	free(run->metrics);
	free(run->events);
	free(run->outcome);
	free(run->because);
	json_decref(run->meta);
	json_decref(run->scenario);
	json_decref(run->environment);
	json_decref(run->links);
	json_decref(run->relays);
	json_decref(run->mail);
	json_decref(run->servers);
	json_decref(run->lost);
	json_decref(run->warnings);
	json_decref(run->clocks);
	json_decref(run->absent);
	json_decref(run->expectations);
	json_decref(run->rules);
	sq_findings_fini(&run->findings);
	sq_delivery_free(run->delivery);
	free(run);
	return NULL;
}

const struct sq_load_rec *sq_run_find_load(const struct sq_run *run, const char *name)
{
	for (size_t i = 0; i < run->n_loads; i++)
		if (strcmp(run->loads[i].name, name) == 0)
			return &run->loads[i];
	return NULL;
}

const struct sq_metric_rec *sq_run_find_metric(const struct sq_run *run, const char *host,
					       const char *metric, const char *instance)
{
	for (size_t i = 0; i < run->n_metrics; i++) {
		const struct sq_metric_rec *m = &run->metrics[i];

		if (strcmp(m->metric, metric) == 0 && strcmp(m->host, host) == 0 &&
		    sq_same_text(m->instance, instance))
			return m;
	}
	return NULL;
}

const char *sq_run_sysctl(const struct sq_run *run, const char *host, const char *name)
{
	const json_t *sysctls = json_object_get(json_object_get(run->environment, host), "sysctls");

	return json_string_value(json_object_get(sysctls, name));
}

void sq_run_warn(struct sq_run *run, double t_s, const char *text)
{
	if (!run->warnings)
		run->warnings = json_array();
	json_array_append_new(run->warnings,
			      json_pack("{s:o, s:s}", "t_s", sq_json_real(t_s), "text", text));
}

uint64_t sq_load_count_class(const struct sq_load_rec *load, enum sq_class c)
{
	uint64_t n = 0;

	for (size_t i = 0; i < load->n_outcomes; i++)
		if (load->outcomes[i].class == c)
			n += load->outcomes[i].count;
	return n;
}

uint64_t sq_load_failures(const struct sq_load_rec *load)
{
	uint64_t n = 0;

	for (size_t i = 0; i < load->n_outcomes; i++)
		if (sq_class_is_failure(load->outcomes[i].class))
			n += load->outcomes[i].count;
	return n;
}

double sq_load_seconds(const struct sq_load_rec *load)
{
	return load->duration_ns > load->warmup_ns ? sq_seconds(load->duration_ns - load->warmup_ns)
						   : 0;
}
