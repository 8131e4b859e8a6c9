/* The loads' part of the spool: the tallies of all lanes summed up. */
#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "results/reader.h"

enum { LANES_MAX = 65536 };

static json_int_t integer_of(const json_t *object, const char *key)
{
	return json_integer_value(json_object_get(object, key));
}

static const char *text_of(const json_t *object, const char *key)
{
	const char *s = json_string_value(json_object_get(object, key));

	return s ? s : "";
}

static struct sq_target_rec target_of(const json_t *record)
{
	return (struct sq_target_rec){
		.target = sq_strdup(text_of(record, "target")),
		.address = sq_strdup(json_string_value(json_object_get(record, "address"))),
		.server = sq_strdup(json_string_value(json_object_get(record, "server"))),
	};
}

/* The first target's keys are the load's own. */
static void targets_init(struct sq_load_rec *l, const json_t *head)
{
	const json_t *more = json_object_get(head, "more_targets"), *record;
	size_t i;

	l->targets = sq_alloc_n(1 + json_array_size(more), sizeof(*l->targets));
	l->targets[l->n_targets++] = target_of(head);
	json_array_foreach(more, i, record)
		l->targets[l->n_targets++] = target_of(record);
}

static void load_init(struct sq_load_draft *d, const json_t *head)
{
	struct sq_load_rec *l = &d->rec;
	const json_t *efforts = json_object_get(head, "efforts"), *name;
	const json_t *counts = json_object_get(head, "counts");
	const json_t *ends = json_object_get(head, "ends");
	size_t i;

	l->name = sq_strdup(text_of(head, "name"));
	l->driver = sq_strdup(text_of(head, "driver"));
	targets_init(l, head);
	l->from = sq_strdup(text_of(head, "from"));
	l->source = sq_strdup(json_string_value(json_object_get(head, "source")));
	l->sources = (uint64_t)integer_of(head, "sources");
	l->threads = (unsigned)integer_of(head, "threads");
	l->workers = json_object_get(head, "workers") ? (unsigned)integer_of(head, "workers") : 1;
	l->time_wait = json_is_true(json_object_get(head, "time_wait"));
	l->at_ns = integer_of(head, "at_ns");
	l->duration_ns = integer_of(head, "duration_ns");
	l->warmup_ns = integer_of(head, "warmup_ns");
	l->timeout_ns = integer_of(head, "timeout_ns");
	l->tick_ns = integer_of(head, "tick_ns");
	d->end_count = (uint64_t)integer_of(ends, "count");
	d->end_done = strcmp(text_of(ends, "at"), "done") == 0;
	l->from_due = sq_hist_new(SQ_HIST_FINE);
	l->from_send = sq_hist_new(SQ_HIST_FINE);
	l->lag = sq_hist_new(SQ_HIST_FINE);
	d->lag_max.fill.value = NAN;
	l->cpu_s = NAN;
	l->start_rss_bytes = l->peak_rss_bytes = -1;
	l->efforts = sq_alloc_n(SQ_READER_EFFORTS, sizeof(*l->efforts));
	json_array_foreach(efforts, i, name)
		if (i < SQ_READER_EFFORTS)
			l->efforts[l->n_efforts++] = sq_strdup(json_string_value(name));
	l->counts = sq_alloc_n(json_array_size(counts), sizeof(*l->counts));
	json_array_foreach(counts, i, name)
		l->counts[l->n_counts++].name = sq_strdup(json_string_value(name));
}

int sq_reader_loads(struct sq_reader *r, const json_t *loads, struct sq_err *err)
{
	const json_t *head;
	size_t i;

	if (!json_is_array(loads))
		return sq_reader_bad(r, "head", err);
	r->loads = sq_alloc_n(json_array_size(loads), sizeof(*r->loads));
	json_array_foreach(loads, i, head)
		load_init(&r->loads[r->n_loads++], head);
	return 0;
}

static struct sq_load_draft *find_load(const struct sq_reader *r, const char *name)
{
	for (size_t i = 0; i < r->n_loads; i++)
		if (strcmp(r->loads[i].rec.name, name) == 0)
			return &r->loads[i];
	return NULL;
}

struct sq_outcome_draft *sq_reader_outcome(struct sq_load_draft *d, const char *code,
					   const char *phase, enum sq_class class)
{
	struct sq_outcome_draft *o;

	for (size_t i = 0; i < d->n_outcomes; i++)
		if (strcmp(d->outcomes[i].rec.code, code) == 0 &&
		    strcmp(d->outcomes[i].rec.phase, phase) == 0)
			return &d->outcomes[i];
	d->outcomes = sq_grow(d->outcomes, d->n_outcomes, &d->cap_outcomes, sizeof(*d->outcomes));
	o = &d->outcomes[d->n_outcomes++];
	memset(o, 0, sizeof(*o));
	o->rec.code = sq_strdup(code);
	o->rec.phase = sq_strdup(phase);
	o->rec.class = class;
	o->rec.first_ns = INT64_MAX;
	o->rec.last_ns = INT64_MIN;
	return o;
}

/* Keeps the first of each lane; which of them are shown is decided when all lanes are known. */
static void add_exemplar(struct sq_outcome_draft *o, const json_t *e, json_int_t record_lane)
{
	const json_t *own = json_object_get(e, "lane");
	json_int_t number = own ? json_integer_value(own) : record_lane;
	size_t lane = number > 0 && number < LANES_MAX ? (size_t)number : 0, rank = 0;
	int64_t due_ns = integer_of(e, "t");

	for (size_t i = 0; i < o->n_exemplars; i++)
		rank += o->exemplars[i].lane == lane;
	if (rank >= SQ_READER_EXEMPLARS)
		return;
	o->exemplars =
		sq_grow(o->exemplars, o->n_exemplars, &o->cap_exemplars, sizeof(*o->exemplars));
	o->exemplars[o->n_exemplars++] = (struct sq_exemplar_draft){
		.due_ns = due_ns,
		.lane = lane,
		.rank = rank,
		.row = json_pack("{s:f, s:f, s:I, s:I, s:I, s:s*}", "t_s", (double)due_ns / 1e9,
				 "took_s", (double)integer_of(e, "took") / 1e9, "lane",
				 (json_int_t)lane, "local_port", integer_of(e, "local_port"), "id",
				 integer_of(e, "id"), "detail",
				 json_string_value(json_object_get(e, "detail"))),
	};
}

static int add_effort(struct sq_outcome_draft *o, size_t n_efforts, const json_t *row)
{
	const json_t *bins = json_object_get(row, "effort_bins");

	for (size_t i = 0; i < n_efforts && i < json_array_size(bins); i++)
		if (sq_series_add(&o->effort_bins[i], json_array_get(bins, i), &o->rec.effort[i]) <
		    0)
			return -EINVAL;
	return 0;
}

static int add_outcome(struct sq_load_draft *d, const json_t *row, json_int_t lane)
{
	const json_t *exemplars = json_object_get(row, "exemplars"), *e;
	const char *code = text_of(row, "code");
	int class = sq_class_by_name(text_of(row, "class"));
	struct sq_outcome_draft *o;
	size_t i;

	if (!*code || class < 0)
		return -EINVAL;
	o = sq_reader_outcome(d, code, text_of(row, "phase"), (enum sq_class) class);
	if (sq_series_add(&o->bins, json_object_get(row, "bins"), &o->rec.count) < 0 ||
	    add_effort(o, d->rec.n_efforts, row) < 0 ||
	    sq_details_add_json(&o->rec.details, json_object_get(row, "details")) < 0 ||
	    sq_details_sum(&o->rec.details) > o->rec.count)
		return -EINVAL;
	if (integer_of(row, "first") < o->rec.first_ns)
		o->rec.first_ns = integer_of(row, "first");
	if (integer_of(row, "last") > o->rec.last_ns)
		o->rec.last_ns = integer_of(row, "last");
	json_array_foreach(exemplars, i, e)
		add_exemplar(o, e, lane);
	return 0;
}

static struct sq_hist *phase_of(struct sq_load_rec *l, const char *name)
{
	struct sq_phase_rec *p;

	for (size_t i = 0; i < l->n_phases; i++)
		if (strcmp(l->phases[i].name, name) == 0)
			return l->phases[i].latency;
	l->phases = sq_realloc_n(l->phases, l->n_phases + 1, sizeof(*l->phases));
	p = &l->phases[l->n_phases++];
	p->name = sq_strdup(name);
	p->latency = sq_hist_new(SQ_HIST_FINE);
	return p->latency;
}

static int add_hists(struct sq_load_rec *l, const json_t *hist)
{
	json_t *phases = json_object_get(hist, "phases"), *h;
	const char *name;

	if (sq_hist_merge_json(l->from_due, json_object_get(hist, "from_due")) < 0 ||
	    sq_hist_merge_json(l->from_send, json_object_get(hist, "from_send")) < 0 ||
	    sq_hist_merge_json(l->lag, json_object_get(hist, "lag")) < 0)
		return -EINVAL;
	json_object_foreach(phases, name, h)
		if (sq_hist_merge_json(phase_of(l, name), h) < 0)
			return -EINVAL;
	return 0;
}

static int add_bin_latency(struct sq_load_draft *d, const json_t *list)
{
	if (json_array_size(list) % 2)
		return -EINVAL;
	for (size_t i = 0; i < json_array_size(list); i += 2) {
		const json_t *bin = json_array_get(list, i);
		union sq_cell *cell = NULL;

		if (json_is_integer(bin))
			cell = sq_series_at(&d->latency, json_integer_value(bin));
		if (!cell)
			return -EINVAL;
		if (!cell->hist)
			cell->hist = sq_hist_new(SQ_HIST_COARSE);
		if (sq_hist_merge_json(cell->hist, json_array_get(list, i + 1)) < 0)
			return -EINVAL;
	}
	return 0;
}

/* [bin, ns, bin, ns ...]: of lanes and flushes the worst. */
static int add_lag_max(struct sq_load_draft *d, const json_t *list)
{
	if (json_array_size(list) % 2)
		return -EINVAL;
	for (size_t i = 0; i < json_array_size(list); i += 2) {
		const json_t *bin = json_array_get(list, i), *ns = json_array_get(list, i + 1);
		union sq_cell *cell = NULL;

		if (json_is_integer(bin) && json_is_integer(ns))
			cell = sq_series_at(&d->lag_max, json_integer_value(bin));
		if (!cell)
			return -EINVAL;
		cell->value = fmax(cell->value, (double)json_integer_value(ns) / 1e9);
	}
	return 0;
}

/* The place of the burst that came due then, or of the first that did later. */
static size_t burst_place(const struct sq_load_draft *d, int64_t due_ns)
{
	size_t lo = 0, hi = d->n_bursts;

	while (lo < hi) {
		size_t mid = lo + (hi - lo) / 2;

		if (d->bursts[mid].due_ns < due_ns)
			lo = mid + 1;
		else
			hi = mid;
	}
	return lo;
}

static void add_burst(struct sq_load_draft *d, const struct sq_burst_draft *b)
{
	size_t at = burst_place(d, b->due_ns);
	struct sq_burst_draft *known;

	if (at == d->n_bursts || d->bursts[at].due_ns != b->due_ns) {
		d->bursts = sq_grow(d->bursts, d->n_bursts, &d->cap_bursts, sizeof(*d->bursts));
		memmove(d->bursts + at + 1, d->bursts + at,
			(d->n_bursts++ - at) * sizeof(*d->bursts));
		d->bursts[at] = *b;
	}
	known = &d->bursts[at];
	if (b->first_ns < known->first_ns)
		known->first_ns = b->first_ns;
	if (b->last_ns > known->last_ns)
		known->last_ns = b->last_ns;
}

/* [due, first, last, due ...]: lanes have parts of one burst each, and a flush may cut it. */
static int add_bursts(struct sq_load_draft *d, const json_t *list)
{
	if (json_array_size(list) % 3)
		return -EINVAL;
	for (size_t i = 0; i < json_array_size(list); i += 3) {
		int64_t times[3];

		for (size_t k = 0; k < 3; k++) {
			const json_t *t = json_array_get(list, i + k);

			if (!json_is_integer(t))
				return -EINVAL;
			times[k] = json_integer_value(t);
		}
		if (times[1] < 0 || times[2] < times[1])
			return -EINVAL;
		add_burst(d, &(struct sq_burst_draft){ times[0], times[1], times[2] });
	}
	return 0;
}

static void add_counts(struct sq_load_rec *l, const json_t *counts)
{
	for (size_t i = 0; i < l->n_counts; i++)
		l->counts[i].n += (uint64_t)integer_of(counts, l->counts[i].name);
}

static struct sq_accepted *accepted_of(struct sq_load_rec *l, uint64_t id, uint64_t lane)
{
	for (size_t i = 0; i < l->n_accepted; i++)
		if (l->accepted[i].id == id && l->accepted[i].lane == lane)
			return &l->accepted[i];
	l->accepted = sq_realloc_n(l->accepted, l->n_accepted + 1, sizeof(*l->accepted));
	l->accepted[l->n_accepted] = (struct sq_accepted){ .id = id, .lane = lane };
	return &l->accepted[l->n_accepted++];
}

/* A lane has an id when what it makes must arrive elsewhere, though nothing was accepted. */
static int add_accepted(struct sq_load_rec *l, const json_t *record)
{
	const char *id = text_of(record, "id");
	uint64_t lane = (uint64_t)integer_of(record, "lane");
	char *end;
	struct sq_accepted *a;

	if (!*id)
		return 0;
	a = accepted_of(l, strtoull(id, &end, 16), lane);
	return *end ? -EINVAL : sq_accepted_add_json(a, json_object_get(record, "accepted"));
}

static int add_tally(struct sq_load_draft *d, const json_t *record)
{
	const json_t *rows = json_object_get(record, "outcomes"), *row;
	const json_t *sent = json_object_get(record, "sent_bins");
	uint64_t total = 0; /* worked out from the bins when all are known */
	size_t i;

	if (sq_series_add(&d->scheduled, json_object_get(record, "scheduled"), &total) < 0 ||
	    (sent && sq_series_add(&d->sent, sent, &total) < 0))
		return -EINVAL;
	d->rec.warmup_scheduled += (uint64_t)integer_of(record, "warmup_scheduled");
	d->rec.sent += (uint64_t)integer_of(record, "sent");
	if (integer_of(record, "done_ns") > d->done_ns)
		d->done_ns = integer_of(record, "done_ns");
	add_counts(&d->rec, json_object_get(record, "counts"));
	json_array_foreach(rows, i, row)
		if (add_outcome(d, row, integer_of(record, "lane")) < 0)
			return -EINVAL;
	if (add_accepted(&d->rec, record) < 0 ||
	    add_hists(&d->rec, json_object_get(record, "hist")) < 0 ||
	    add_lag_max(d, json_object_get(record, "lag_max")) < 0 ||
	    add_bursts(d, json_object_get(record, "bursts")) < 0)
		return -EINVAL;
	return add_bin_latency(d, json_object_get(record, "bin_latency"));
}

static int64_t bytes_of(const json_t *record, const char *key)
{
	const json_t *bytes = json_object_get(record, key);

	return json_is_integer(bytes) ? json_integer_value(bytes) : -1;
}

/* The first of a file says what its worker took before the load, the last what it came to. */
static void take_usage(struct sq_reader *r, const json_t *record)
{
	const json_t *cpu = json_object_get(record, "cpu_s");

	for (size_t i = 0; i < r->n_loads; i++) {
		struct sq_usage_draft *u = &r->loads[i].usage;
		const json_t *seconds = json_object_get(cpu, r->loads[i].rec.name);

		if (!json_is_number(seconds))
			continue;
		if (!u->seen)
			u->start_rss_bytes = bytes_of(record, "rss_bytes");
		u->seen = true;
		u->cpu_s = json_number_value(seconds);
		u->peak_rss_bytes = bytes_of(record, "peak_rss_bytes");
	}
}

/* Of workers that share a load the sum, where each of them has told. */
static void add_bytes(int64_t *sum, bool first, int64_t bytes)
{
	if (first)
		*sum = bytes;
	else if (*sum >= 0)
		*sum = bytes < 0 ? -1 : *sum + bytes;
}

void sq_reader_load_end(struct sq_reader *r)
{
	for (size_t i = 0; i < r->n_loads; i++) {
		struct sq_usage_draft *u = &r->loads[i].usage;
		struct sq_load_rec *l = &r->loads[i].rec;
		bool first = isnan(l->cpu_s);

		if (!u->seen)
			continue;
		l->cpu_s = first ? u->cpu_s : l->cpu_s + u->cpu_s;
		add_bytes(&l->start_rss_bytes, first, u->start_rss_bytes);
		add_bytes(&l->peak_rss_bytes, first, u->peak_rss_bytes);
		*u = (struct sq_usage_draft){ 0 };
	}
}

int sq_reader_load_record(json_t *record, void *reader, struct sq_err *err)
{
	struct sq_reader *r = reader;
	const char *kind = sq_reader_kind(record);

	sq_reader_saw(r, integer_of(record, "t"));
	if (strcmp(kind, "tally") == 0) {
		struct sq_load_draft *d = find_load(r, text_of(record, "load"));

		if (!d || add_tally(d, record) < 0)
			return sq_reader_bad(r, kind, err);
	} else if (strcmp(kind, "usage") == 0) {
		take_usage(r, record);
	} else if (strcmp(kind, "done") == 0) {
		r->done = true;
	}
	return 0;
}

void sq_reader_loads_extent(const struct sq_reader *r, int64_t *lo, int64_t *hi)
{
	for (size_t i = 0; i < r->n_loads; i++) {
		const struct sq_load_draft *d = &r->loads[i];

		sq_series_extent(&d->scheduled, lo, hi);
		sq_series_extent(&d->sent, lo, hi);
		sq_series_extent(&d->latency, lo, hi);
		sq_series_extent(&d->lag_max, lo, hi);
		for (size_t k = 0; k < d->n_outcomes; k++) {
			sq_series_extent(&d->outcomes[k].bins, lo, hi);
			for (size_t e = 0; e < SQ_READER_EFFORTS; e++)
				sq_series_extent(&d->outcomes[k].effort_bins[e], lo, hi);
		}
	}
}

static void free_outcome(struct sq_outcome_draft *o)
{
	for (size_t i = 0; i < o->n_exemplars; i++)
		json_decref(o->exemplars[i].row);
	free(o->exemplars);
	free(o->bins.v);
	for (size_t i = 0; i < SQ_READER_EFFORTS; i++)
		free(o->effort_bins[i].v);
	sq_outcome_rec_fini(&o->rec);
}

void sq_reader_loads_free(struct sq_reader *r)
{
	for (size_t i = 0; i < r->n_loads; i++) {
		struct sq_load_draft *d = &r->loads[i];

		for (size_t k = 0; k < d->n_outcomes; k++)
			free_outcome(&d->outcomes[k]);
		for (size_t k = 0; k < d->latency.n; k++)
			sq_hist_free(d->latency.v[k].hist);
		free(d->outcomes);
		free(d->latency.v);
		free(d->scheduled.v);
		free(d->sent.v);
		free(d->bursts);
		free(d->lag_max.v);
		sq_load_rec_fini(&d->rec, 0);
	}
	free(r->loads);
}
