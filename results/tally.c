/* What one lane saw since it was last flushed.
 *
 * Counts by time, which is the due time but for what was sent, stand in rings of bins: bin b is at slot b modulo the ring's size, a power of two, and the
 * bins in use (lo..hi) never span more than that, so no slot is shared.  A flush empties the tally
 * and so lets the window begin anew where the next operation is due.
 *
 * Rings are allocated by sq_tally_new, and histograms keep the storage they once had: after a
 * warm-up nothing is allocated but for a rare kind of outcome beyond the first few, or a due time
 * further back than the shape promised, which makes the rings grow rather than lose a count. */
#include "results/tally.h"

#include <assert.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "results/accepted.h"
#include "results/hist.h"

/* Room in a ring beyond the shape's span, for due times in the future and late flushes. */
enum { RING_SLACK = 16, ROWS_READY = 8 };

/* Beyond this many bins between two due times, one of them is garbage. */
#define BINS_MAX ((size_t)1 << 26)

struct row { /* one way of ending */
	struct sq_outcome outcome;
	uint64_t n;
	int64_t first_ns, last_ns;
	uint64_t effort[SQ_EFFORTS_MAX];
	uint64_t *bins;
	uint64_t *effort_bins[SQ_EFFORTS_MAX];
	struct sq_details details;
	size_t n_exemplars;
	struct sq_tally_op exemplars[SQ_EXEMPLARS_MAX];
};

struct burst { /* what this lane sent of it */
	int64_t due_ns, first_ns, last_ns;
};

struct sq_tally {
	struct sq_tally_shape shape;
	size_t n_efforts, n_phases, n_counts;
	size_t ring;     /* slots, a power of two */
	int64_t lo, hi;  /* bins in use; lo > hi: none */
	int64_t near_ns; /* the begin of the bin that was booked in last, and its slot */
	size_t near;
	uint64_t *scheduled;
	uint64_t *sent_bins;      /* by the time at which it was sent */
	uint64_t *lag_max;        /* in ns and one more, so that 0 is "nothing was started" */
	struct sq_hist **latency; /* of successes, by bin */
	uint64_t warmup_scheduled, sent;
	int64_t done_ns;  /* when the last of all ended */
	struct row *rows; /* n_rows in use, then some that are ready */
	size_t n_rows, n_ready, cap_rows;
	struct sq_hist *from_due, *from_send, *lag;
	struct sq_hist *phases[SQ_PHASES_MAX];
	uint64_t counts[SQ_COUNTS_MAX];
	struct burst *bursts;
	size_t n_bursts, cap_bursts;
	struct sq_accepted_op *accepted;
	size_t n_accepted, cap_accepted;
};

static size_t count_words(const char *const *words, size_t max)
{
	size_t n = 0;

	while (words && n < max && words[n])
		n++;
	return n;
}

static size_t slot(const struct sq_tally *t, int64_t bin)
{
	return (size_t)bin & (t->ring - 1);
}

static size_t ring_for(size_t bins)
{
	size_t ring = 1;

	while (ring < bins)
		ring *= 2;
	return ring;
}

static void row_alloc(const struct sq_tally *t, struct row *row)
{
	memset(row, 0, sizeof(*row));
	row->bins = sq_alloc_n(t->ring, sizeof(uint64_t));
	for (size_t i = 0; i < t->n_efforts; i++)
		row->effort_bins[i] = sq_alloc_n(t->ring, sizeof(uint64_t));
}

static void row_add_ready(struct sq_tally *t)
{
	t->rows = sq_grow(t->rows, t->n_ready, &t->cap_rows, sizeof(*t->rows));
	row_alloc(t, &t->rows[t->n_ready++]);
}

struct sq_tally *sq_tally_new(const struct sq_tally_shape *shape)
{
	struct sq_tally *t = sq_alloc(sizeof(*t));

	assert(shape->bin_ns > 0);
	t->shape = *shape;
	t->n_efforts = count_words(shape->words.efforts, SQ_EFFORTS_MAX);
	t->n_phases = count_words(shape->words.phases, SQ_PHASES_MAX);
	t->n_counts = count_words(shape->words.counts, SQ_COUNTS_MAX);
	t->ring = ring_for((size_t)(shape->span_ns / shape->bin_ns) + RING_SLACK);
	t->lo = 0;
	t->hi = -1;
	t->scheduled = sq_alloc_n(t->ring, sizeof(*t->scheduled));
	t->sent_bins = sq_alloc_n(t->ring, sizeof(*t->sent_bins));
	t->lag_max = sq_alloc_n(t->ring, sizeof(*t->lag_max));
	t->latency = sq_alloc_n(t->ring, sizeof(*t->latency));
	for (size_t i = 0; i < t->ring; i++)
		t->latency[i] = sq_hist_new(SQ_HIST_COARSE);
	for (int i = 0; i < ROWS_READY; i++)
		row_add_ready(t);
	t->cap_bursts = shape->bursts;
	t->bursts = sq_alloc_n(t->cap_bursts, sizeof(*t->bursts));
	t->from_due = sq_hist_new(SQ_HIST_FINE);
	t->from_send = sq_hist_new(SQ_HIST_FINE);
	t->lag = sq_hist_new(SQ_HIST_FINE);
	for (size_t i = 0; i < t->n_phases; i++)
		t->phases[i] = sq_hist_new(SQ_HIST_FINE);
	return t;
}

struct sq_tally *sq_tally_free(struct sq_tally *t)
{
	if (!t)
		return NULL;
	for (size_t i = 0; i < t->ring; i++)
		sq_hist_free(t->latency[i]);
	for (size_t i = 0; i < t->n_ready; i++) {
		free(t->rows[i].bins);
		for (size_t j = 0; j < t->n_efforts; j++)
			free(t->rows[i].effort_bins[j]);
		sq_details_fini(&t->rows[i].details);
	}
	for (size_t i = 0; i < t->n_phases; i++)
		sq_hist_free(t->phases[i]);
	sq_hist_free(t->from_due);
	sq_hist_free(t->from_send);
	sq_hist_free(t->lag);
	free(t->rows);
	free(t->accepted);
	free(t->latency);
	free(t->scheduled);
	free(t->sent_bins);
	free(t->lag_max);
	free(t->bursts);
	free(t);
	return NULL;
}

/* The same counts in a larger ring. */
static uint64_t *regrow_counts(const struct sq_tally *t, uint64_t *old, size_t ring)
{
	uint64_t *counts = sq_alloc_n(ring, sizeof(*counts));
	struct sq_tally larger = { .ring = ring };

	for (int64_t bin = t->lo; bin <= t->hi; bin++)
		counts[slot(&larger, bin)] = old[slot(t, bin)];
	free(old);
	return counts;
}

static void regrow_latency(struct sq_tally *t, size_t ring)
{
	struct sq_hist **latency = sq_alloc_n(ring, sizeof(*latency));
	struct sq_tally larger = { .ring = ring };

	for (int64_t bin = t->lo; bin <= t->hi; bin++) {
		latency[slot(&larger, bin)] = t->latency[slot(t, bin)];
		t->latency[slot(t, bin)] = NULL;
	}
	/* The rest go where there is room, and new ones where none is left. */
	for (size_t i = 0, from = 0; i < ring; i++) {
		if (latency[i])
			continue;
		while (from < t->ring && !t->latency[from])
			from++;
		latency[i] = from < t->ring ? t->latency[from++] : sq_hist_new(SQ_HIST_COARSE);
	}
	free(t->latency);
	t->latency = latency;
}

static void regrow(struct sq_tally *t, size_t width)
{
	size_t ring = ring_for(width + RING_SLACK);

	assert(width <= BINS_MAX);
	t->scheduled = regrow_counts(t, t->scheduled, ring);
	t->sent_bins = regrow_counts(t, t->sent_bins, ring);
	t->lag_max = regrow_counts(t, t->lag_max, ring);
	for (size_t i = 0; i < t->n_ready; i++) {
		struct row *row = &t->rows[i];

		row->bins = regrow_counts(t, row->bins, ring);
		for (size_t j = 0; j < t->n_efforts; j++)
			row->effort_bins[j] = regrow_counts(t, row->effort_bins[j], ring);
	}
	regrow_latency(t, ring);
	t->ring = ring;
}

/* What is booked together nearly always falls into one bin: a compare, and no division.  It may move
 * the ring: slots that were had before it are good no more. */
static size_t slot_of(struct sq_tally *t, int64_t at_ns)
{
	int64_t lo = t->lo, hi = t->hi, bin;

	if (lo <= hi && at_ns >= t->near_ns && at_ns - t->near_ns < t->shape.bin_ns)
		return t->near;
	bin = at_ns / t->shape.bin_ns - (at_ns % t->shape.bin_ns < 0);
	if (lo > hi)
		lo = hi = bin;
	else if (bin < lo)
		lo = bin;
	else if (bin > hi)
		hi = bin;
	if ((size_t)(hi - lo) >= t->ring)
		regrow(t, (size_t)(hi - lo) + 1);
	t->lo = lo;
	t->hi = hi;
	t->near_ns = bin * t->shape.bin_ns;
	t->near = slot(t, bin);
	return t->near;
}

void sq_tally_scheduled(struct sq_tally *t, int64_t due_ns)
{
	size_t at = slot_of(t, due_ns);

	t->scheduled[at]++;
	t->warmup_scheduled += due_ns < t->shape.warmup_ns;
}

/* A success failed in no phase, and a missed slot reached none. */
static struct sq_outcome normal(struct sq_outcome outcome, enum sq_class class)
{
	if (class == SQ_CLASS_OK || class == SQ_CLASS_MISSED)
		outcome.phase = UINT8_MAX;
	return outcome;
}

static struct row *row_of(struct sq_tally *t, struct sq_outcome outcome, int64_t due_ns)
{
	struct row *row;

	for (size_t i = 0; i < t->n_rows; i++)
		if (t->rows[i].outcome.code == outcome.code &&
		    t->rows[i].outcome.phase == outcome.phase)
			return &t->rows[i];
	if (t->n_rows == t->n_ready)
		row_add_ready(t);
	row = &t->rows[t->n_rows++];
	row->outcome = outcome;
	row->first_ns = row->last_ns = due_ns;
	return row;
}

static void row_book(const struct sq_tally *t, struct row *row, const struct sq_tally_op *op,
		     size_t at)
{
	row->n++;
	row->bins[at]++;
	if (op->due_ns < row->first_ns)
		row->first_ns = op->due_ns;
	if (op->due_ns > row->last_ns)
		row->last_ns = op->due_ns;
	for (size_t i = 0; i < t->n_efforts; i++) {
		row->effort[i] += op->effort[i];
		row->effort_bins[i][at] += op->effort[i];
	}
}

/* It is nearly always the latest. */
static struct burst *burst_of(struct sq_tally *t, int64_t due_ns)
{
	struct burst *b;

	for (size_t i = t->n_bursts; i-- > 0;)
		if (t->bursts[i].due_ns == due_ns)
			return &t->bursts[i];
	t->bursts = sq_grow(t->bursts, t->n_bursts, &t->cap_bursts, sizeof(*t->bursts));
	b = &t->bursts[t->n_bursts++];
	*b = (struct burst){ due_ns, INT64_MAX, INT64_MIN };
	return b;
}

static void book_burst(struct sq_tally *t, const struct sq_tally_op *op)
{
	struct burst *b = burst_of(t, op->due_ns);

	if (op->sent_ns < b->first_ns)
		b->first_ns = op->sent_ns;
	if (op->sent_ns > b->last_ns)
		b->last_ns = op->sent_ns;
}

static void book_sent(struct sq_tally *t, const struct sq_tally_op *op, bool warm)
{
	size_t at = slot_of(t, op->sent_ns);

	t->sent_bins[at]++;
	t->sent += warm;
	if (t->shape.bursts)
		book_burst(t, op);
}

static void accept(struct sq_tally *t, const struct sq_tally_op *op)
{
	t->accepted = sq_grow(t->accepted, t->n_accepted, &t->cap_accepted, sizeof(*t->accepted));
	t->accepted[t->n_accepted++] = (struct sq_accepted_op){ op->id, op->accepted };
}

static void book_failure(struct row *row, const struct sq_tally_op *op)
{
	if (op->detail[0])
		sq_details_add(&row->details, op->detail, 1);
	if (row->n_exemplars < SQ_EXEMPLARS_MAX)
		row->exemplars[row->n_exemplars++] = *op;
}

void sq_tally_done(struct sq_tally *t, const struct sq_tally_op *op)
{
	enum sq_class class = sq_code_class(t->shape.words.codes, op->outcome.code);
	bool warm = op->due_ns >= t->shape.warmup_ns;
	struct row *row;
	size_t at;

	if (op->done_ns > t->done_ns)
		t->done_ns = op->done_ns;
	if (op->sent_ns >= 0)
		book_sent(t, op, warm);
	at = slot_of(t, op->due_ns);
	row = row_of(t, normal(op->outcome, class), op->due_ns);
	row_book(t, row, op, at);
	if (op->accepted)
		accept(t, op);
	if (sq_class_is_failure(class))
		book_failure(row, op);
	if (class != SQ_CLASS_OK)
		return;
	sq_hist_record(t->latency[at], op->done_ns - op->due_ns);
	if (!warm)
		return;
	sq_hist_record(t->from_due, op->done_ns - op->due_ns);
	if (op->sent_ns >= 0)
		sq_hist_record(t->from_send, op->done_ns - op->sent_ns);
}

void sq_tally_phase(struct sq_tally *t, unsigned phase, int64_t due_ns, int64_t took_ns)
{
	assert(phase < t->n_phases);
	if (due_ns >= t->shape.warmup_ns)
		sq_hist_record(t->phases[phase], took_ns);
}

void sq_tally_count(struct sq_tally *t, unsigned which, uint64_t n)
{
	assert(which < t->n_counts);
	t->counts[which] += n;
}

void sq_tally_lag(struct sq_tally *t, int64_t due_ns, int64_t lag_ns)
{
	size_t at = slot_of(t, due_ns);
	uint64_t lag = lag_ns > 0 ? (uint64_t)lag_ns : 0;

	/* The warm-up counts too: a generator that is late is late. */
	sq_hist_record(t->lag, lag_ns);
	if (t->lag_max[at] <= lag)
		t->lag_max[at] = lag + 1;
}

/* [bin, n, bin, n ...] of what is not 0. */
static json_t *counts_to_json(const struct sq_tally *t, const uint64_t *counts)
{
	json_t *list = json_array();

	for (int64_t bin = t->lo; bin <= t->hi; bin++) {
		uint64_t n = counts[slot(t, bin)];

		if (!n)
			continue;
		json_array_append_new(list, json_integer((json_int_t)bin));
		json_array_append_new(list, json_integer((json_int_t)n));
	}
	return list;
}

static json_t *lag_max_to_json(const struct sq_tally *t)
{
	json_t *list = json_array();

	for (int64_t bin = t->lo; bin <= t->hi; bin++) {
		uint64_t more = t->lag_max[slot(t, bin)];

		if (!more)
			continue;
		json_array_append_new(list, json_integer((json_int_t)bin));
		json_array_append_new(list, json_integer((json_int_t)(more - 1)));
	}
	return list;
}

/* [due, first, last, due ...] */
static json_t *bursts_to_json(const struct sq_tally *t)
{
	json_t *list = json_array();

	for (size_t i = 0; i < t->n_bursts; i++) {
		json_array_append_new(list, json_integer(t->bursts[i].due_ns));
		json_array_append_new(list, json_integer(t->bursts[i].first_ns));
		json_array_append_new(list, json_integer(t->bursts[i].last_ns));
	}
	return list;
}

static json_t *latency_to_json(const struct sq_tally *t)
{
	json_t *list = json_array();

	for (int64_t bin = t->lo; bin <= t->hi; bin++) {
		const struct sq_hist *h = t->latency[slot(t, bin)];

		if (sq_hist_count(h) == 0)
			continue;
		json_array_append_new(list, json_integer((json_int_t)bin));
		json_array_append_new(list, sq_hist_to_json(h));
	}
	return list;
}

static json_t *exemplars_to_json(const struct row *row)
{
	json_t *list = json_array();

	for (size_t i = 0; i < row->n_exemplars; i++) {
		const struct sq_tally_op *op = &row->exemplars[i];

		/* A JSON integer has 63 bits. */
		json_array_append_new(list, json_pack("{s:I, s:I, s:i, s:I, s:s*}", "t",
						      (json_int_t)op->due_ns, "took",
						      (json_int_t)(op->done_ns - op->due_ns),
						      "local_port", (int)op->local_port, "id",
						      (json_int_t)(op->id & INT64_MAX), "detail",
						      op->detail[0] ? op->detail : NULL));
	}
	return list;
}

static json_t *row_to_json(const struct sq_tally *t, const struct row *row)
{
	const struct sq_vocabulary *words = &t->shape.words;
	uint16_t code = row->outcome.code;
	json_t *effort = json_array(), *effort_bins = json_array(), *record;

	for (size_t i = 0; i < t->n_efforts; i++) {
		json_array_append_new(effort, json_integer((json_int_t)row->effort[i]));
		json_array_append_new(effort_bins, counts_to_json(t, row->effort_bins[i]));
	}
	record = json_pack(
		"{s:s, s:s, s:s, s:I, s:I, s:I, s:o, s:o, s:o, s:o}", "code",
		sq_code_name(words->codes, code), "phase",
		row->outcome.phase < t->n_phases ? words->phases[row->outcome.phase] : "", "class",
		sq_class_name(sq_code_class(words->codes, code)), "n", (json_int_t)row->n, "first",
		(json_int_t)row->first_ns, "last", (json_int_t)row->last_ns, "effort", effort,
		"bins", counts_to_json(t, row->bins), "effort_bins", effort_bins, "exemplars",
		exemplars_to_json(row));
	if (sq_details_sum(&row->details))
		json_object_set_new(record, "details", sq_details_to_json(&row->details));
	return record;
}

static json_t *hists_to_json(const struct sq_tally *t)
{
	json_t *phases = json_object();

	for (size_t i = 0; i < t->n_phases; i++)
		if (sq_hist_count(t->phases[i]))
			json_object_set_new(phases, t->shape.words.phases[i],
					    sq_hist_to_json(t->phases[i]));
	return json_pack("{s:o, s:o, s:o, s:o}", "from_due", sq_hist_to_json(t->from_due),
			 "from_send", sq_hist_to_json(t->from_send), "lag", sq_hist_to_json(t->lag),
			 "phases", phases);
}

static json_t *seen_to_json(const struct sq_tally *t)
{
	json_t *seen = json_object();

	for (size_t i = 0; i < t->n_counts; i++)
		if (t->counts[i])
			json_object_set_new(seen, t->shape.words.counts[i],
					    json_integer((json_int_t)t->counts[i]));
	return seen;
}

static bool is_empty(const struct sq_tally *t)
{
	for (size_t i = 0; i < t->n_counts; i++)
		if (t->counts[i])
			return false;
	for (size_t i = 0; i < t->n_phases; i++)
		if (sq_hist_count(t->phases[i]))
			return false;
	return t->lo > t->hi && sq_hist_count(t->lag) == 0;
}

static void row_empty(const struct sq_tally *t, struct row *row)
{
	row->n = 0;
	row->n_exemplars = 0;
	sq_details_reset(&row->details);
	memset(row->effort, 0, sizeof(row->effort));
	for (int64_t bin = t->lo; bin <= t->hi; bin++) {
		row->bins[slot(t, bin)] = 0;
		for (size_t i = 0; i < t->n_efforts; i++)
			row->effort_bins[i][slot(t, bin)] = 0;
	}
}

static void empty(struct sq_tally *t)
{
	for (size_t i = 0; i < t->n_rows; i++)
		row_empty(t, &t->rows[i]);
	for (int64_t bin = t->lo; bin <= t->hi; bin++) {
		t->scheduled[slot(t, bin)] = 0;
		t->sent_bins[slot(t, bin)] = 0;
		t->lag_max[slot(t, bin)] = 0;
		sq_hist_reset(t->latency[slot(t, bin)]);
	}
	for (size_t i = 0; i < t->n_phases; i++)
		sq_hist_reset(t->phases[i]);
	sq_hist_reset(t->from_due);
	sq_hist_reset(t->from_send);
	sq_hist_reset(t->lag);
	memset(t->counts, 0, sizeof(t->counts));
	t->n_rows = 0;
	t->n_bursts = 0;
	t->n_accepted = 0;
	t->warmup_scheduled = t->sent = 0;
	t->done_ns = 0;
	t->lo = 0;
	t->hi = -1;
}

json_t *sq_tally_flush(struct sq_tally *t)
{
	json_t *rows, *record;

	if (is_empty(t))
		return NULL;
	rows = json_array();
	for (size_t i = 0; i < t->n_rows; i++)
		json_array_append_new(rows, row_to_json(t, &t->rows[i]));
	record = json_pack("{s:s, s:o, s:I, s:I, s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:I}", "k",
			   "tally", "scheduled", counts_to_json(t, t->scheduled),
			   "warmup_scheduled", (json_int_t)t->warmup_scheduled, "sent",
			   (json_int_t)t->sent, "sent_bins", counts_to_json(t, t->sent_bins),
			   "bursts", bursts_to_json(t), "outcomes", rows, "hist", hists_to_json(t),
			   "bin_latency", latency_to_json(t), "lag_max", lag_max_to_json(t),
			   "counts", seen_to_json(t), "done_ns", (json_int_t)t->done_ns);
	if (t->n_accepted)
		json_object_set_new(record, "accepted",
				    sq_accepted_to_json(t->accepted, t->n_accepted));
	empty(t);
	return record;
}
