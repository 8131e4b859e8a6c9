/* Receipts meet accepted messages, in the order of their names.
 *
 * Every receipt of these loads becomes one arrival for each recipient; sorted, they are merged with the
 * runs of accepted numbers, lane by lane.  So the arithmetic is exact by construction: each accepted
 * message is judged once, and each arrival belongs to one message.
 *
 * What a reader would get wrong:
 * - A message that arrived need not be an accepted one: its acceptance may have been lost on the way
 *   back, or said too late.  It is counted apart, and makes up for no other.
 * - Two runs from one seed have messages of the same names.  What was sent before this run began or
 *   after it ended is not its own, whatever it is called. */
#include "analyzers/delivery.h"

#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/mem.h"
#include "results/hist.h"
#include "results/receipt.h"

enum { EXAMPLES = 20 };

struct lane {
	const struct sq_accepted *accepted;
	struct sq_delivery_load *load;
};

/* One recipient's. */
struct arrival {
	uint64_t number;
	int64_t arrived_ns, sent_ns;
	uint32_t lane, recipient;
	enum sq_receipt_text text;
};

struct join {
	struct sq_run *run;
	struct sq_delivery *d;
	struct lane *lanes; /* by id and number */
	size_t n_lanes;
	struct arrival *arrivals;
	size_t n, cap, at;
	struct sq_delivery_file *file; /* being read */
};

/* What arrived of one message. */
struct found {
	uint64_t recipients, copies;
	bool corrupt, unchecked;
};

/* ---- lanes ---- */

static int by_name(const void *a, const void *b)
{
	const struct sq_accepted *x = ((const struct lane *)a)->accepted,
				 *y = ((const struct lane *)b)->accepted;

	if (x->id != y->id)
		return x->id < y->id ? -1 : 1;
	return (x->lane > y->lane) - (x->lane < y->lane);
}

static void add_load(struct join *j, const struct sq_load_rec *l)
{
	struct sq_delivery_load *load = &j->d->loads[j->d->n_loads++];

	*load = (struct sq_delivery_load){ .name = l->name,
					   .sum.latency = sq_hist_new(SQ_HIST_FINE),
					   .undelivered = json_array(),
					   .duplicated = json_array(),
					   .corrupted = json_array() };
	j->lanes = sq_realloc_n(j->lanes, j->n_lanes + l->n_accepted, sizeof(*j->lanes));
	for (size_t i = 0; i < l->n_accepted; i++)
		j->lanes[j->n_lanes++] = (struct lane){ &l->accepted[i], load };
}

static void find_lanes(struct join *j)
{
	j->d->loads = sq_alloc_n(j->run->n_loads, sizeof(*j->d->loads));
	for (size_t i = 0; i < j->run->n_loads; i++)
		if (j->run->loads[i].n_accepted)
			add_load(j, &j->run->loads[i]);
	if (j->n_lanes)
		qsort(j->lanes, j->n_lanes, sizeof(*j->lanes), by_name);
}

/* ---- arrivals ---- */

/* One that does not say when it was sent is taken for it. */
static bool is_of_run(const struct sq_run *run, const struct sq_receipt *r)
{
	int64_t at_ns = r->sent_ns - run->t0_wall_ns;

	return r->sent_ns < 0 || (at_ns >= 0 && sq_seconds(at_ns) <= run->duration_s);
}

static void take_receipt(const struct sq_receipt *r, void *arg)
{
	struct join *j = arg;
	const struct sq_accepted named = { .id = r->name.id, .lane = r->name.lane };
	const struct lane key = { .accepted = &named }, *lane;

	lane = bsearch(&key, j->lanes, j->n_lanes, sizeof(*j->lanes), by_name);
	if (!lane || !is_of_run(j->run, r)) {
		j->file->others++;
		return;
	}
	j->file->receipts++;
	for (size_t i = 0; i < r->n_recipients; i++) {
		j->arrivals = sq_grow(j->arrivals, j->n, &j->cap, sizeof(*j->arrivals));
		j->arrivals[j->n++] = (struct arrival){ .number = r->name.number,
							.arrived_ns = r->arrived_ns,
							.sent_ns = r->sent_ns,
							.lane = (uint32_t)(lane - j->lanes),
							.recipient = r->recipients[i],
							.text = r->text };
	}
}

/* path is the file's, name what the report calls it. */
static int read_file(struct join *j, const char *path, const char *name, struct sq_err *err)
{
	struct sq_delivery *d = j->d;
	struct sq_receipts_file file;
	int rc;

	d->files = sq_realloc_n(d->files, d->n_files + 1, sizeof(*d->files));
	j->file = &d->files[d->n_files++];
	*j->file = (struct sq_delivery_file){ .path = sq_strdup(name) };
	rc = sq_receipts_read(path, take_receipt, j, &file, err);
	j->file->whole = file.whole;
	return rc;
}

static int read_files(struct join *j, const char *dir, const struct sq_strings *files,
		      struct sq_err *err)
{
	const json_t *server;
	size_t i;
	int rc = 0;

	json_array_foreach(j->run->servers, i, server) {
		const char *name = json_string_value(json_object_get(server, "receipts"));
		char *path = name ? sq_printf_dup("%s/%s", dir, name) : NULL;

		if (path && rc == 0)
			rc = read_file(j, path, name, err);
		free(path);
	}
	for (i = 0; files && i < files->n && rc == 0; i++)
		rc = read_file(j, files->v[i], files->v[i], err);
	return rc;
}

static int by_message(const void *a, const void *b)
{
	const struct arrival *x = a, *y = b;

	if (x->lane != y->lane)
		return x->lane < y->lane ? -1 : 1;
	if (x->number != y->number)
		return x->number < y->number ? -1 : 1;
	if (x->recipient != y->recipient)
		return x->recipient < y->recipient ? -1 : 1;
	return (x->arrived_ns > y->arrived_ns) - (x->arrived_ns < y->arrived_ns);
}

/* ---- the merge ---- */

/* The name of a message, where its header has it. */
static void add_example(json_t *list, const struct lane *lane, uint64_t number)
{
	const struct sq_message_name name = { lane->accepted->id, lane->accepted->lane, number };
	char text[SQ_MESSAGE_NAME_TEXT];

	if (json_array_size(list) == EXAMPLES)
		return;
	sq_message_name_text(&name, text);
	json_array_append_new(list, json_string(text));
}

static void first_delivery(const struct join *j, struct sq_delivery_sum *sum,
			   const struct arrival *a)
{
	int64_t at_ns = a->arrived_ns - j->run->t0_wall_ns;

	if (a->sent_ns >= 0)
		sq_hist_record(sum->latency, a->arrived_ns - a->sent_ns);
	if (at_ns > sum->last_ns)
		sum->last_ns = at_ns;
}

static bool is_next(const struct join *j, size_t lane)
{
	return j->at < j->n && j->arrivals[j->at].lane == lane;
}

/* All arrivals of the message that is next. */
static struct found take_message(struct join *j, const struct lane *lane)
{
	const struct arrival *first = &j->arrivals[j->at];
	struct found f = { 0 };

	for (; is_next(j, first->lane) && j->arrivals[j->at].number == first->number; j->at++) {
		const struct arrival *a = &j->arrivals[j->at];

		f.corrupt |= a->text == SQ_RECEIPT_CORRUPT;
		f.unchecked |= a->text == SQ_RECEIPT_UNCHECKED;
		if (a > first && a[-1].recipient == a->recipient) {
			f.copies++;
			continue;
		}
		f.recipients++;
		first_delivery(j, &lane->load->sum, a);
	}
	return f;
}

static void judge_text(const struct lane *lane, uint64_t number, const struct found *f)
{
	struct sq_delivery_load *load = lane->load;

	load->sum.duplicated += f->copies > 0;
	load->sum.recipients.copies += f->copies;
	load->sum.corrupted += f->corrupt;
	load->sum.unchecked += f->unchecked;
	if (f->copies)
		add_example(load->duplicated, lane, number);
	if (f->corrupt)
		add_example(load->corrupted, lane, number);
}

static void judge_accepted(const struct lane *lane, uint64_t number, uint64_t recipients,
			   const struct found *f)
{
	struct sq_delivery_sum *sum = &lane->load->sum;
	uint64_t reached = f->recipients < recipients ? f->recipients : recipients;

	sum->accepted++;
	sum->delivered += reached == recipients;
	sum->undelivered += reached < recipients;
	sum->recipients.accepted += recipients;
	sum->recipients.delivered += reached;
	sum->recipients.undelivered += recipients - reached;
	if (reached < recipients)
		add_example(lane->load->undelivered, lane, number);
}

/* So many messages from that number on, of which nothing arrived: at once, however many they are. */
static void judge_missing(const struct lane *lane, uint64_t number, uint64_t n, uint64_t recipients)
{
	struct sq_delivery_sum *sum = &lane->load->sum;

	sum->accepted += n;
	sum->undelivered += n;
	sum->recipients.accepted += n * recipients;
	sum->recipients.undelivered += n * recipients;
	for (uint64_t i = 0; i < n && i < EXAMPLES; i++)
		add_example(lane->load->undelivered, lane, number + i);
}

/* Those that arrived up to a number, and are none of the accepted. */
static void pass_unaccepted(struct join *j, const struct lane *lane, uint64_t up_to)
{
	size_t index = (size_t)(lane - j->lanes);

	while (is_next(j, index) && j->arrivals[j->at].number < up_to) {
		uint64_t number = j->arrivals[j->at].number;
		struct found f = take_message(j, lane);

		lane->load->sum.unaccepted++;
		judge_text(lane, number, &f);
	}
}

static void judge_run(struct join *j, const struct lane *lane, const struct sq_accepted_run *run)
{
	size_t index = (size_t)(lane - j->lanes);
	uint64_t number = run->first, end = run->first + run->n;

	pass_unaccepted(j, lane, number);
	for (; is_next(j, index) && j->arrivals[j->at].number < end; number++) {
		uint64_t next = j->arrivals[j->at].number;
		struct found f = take_message(j, lane);

		judge_missing(lane, number, next - number, run->recipients);
		number = next;
		judge_accepted(lane, number, run->recipients, &f);
		judge_text(lane, number, &f);
	}
	judge_missing(lane, number, end - number, run->recipients);
}

static void merge(struct join *j)
{
	if (j->n)
		qsort(j->arrivals, j->n, sizeof(*j->arrivals), by_message);
	for (size_t i = 0; i < j->n_lanes; i++) {
		const struct sq_accepted *a = j->lanes[i].accepted;

		for (size_t k = 0; k < a->n; k++)
			judge_run(j, &j->lanes[i], &a->runs[k]);
		pass_unaccepted(j, &j->lanes[i], UINT64_MAX);
	}
}

int sq_delivery_join(struct sq_run *run, const char *dir, const struct sq_strings *files,
		     struct sq_err *err)
{
	struct join j = { .run = run, .d = sq_alloc(sizeof(*j.d)) };
	int rc = 0;

	run->delivery = sq_delivery_free(run->delivery);
	find_lanes(&j);
	if (j.d->n_loads)
		rc = read_files(&j, dir, files, err);
	if (j.d->n_loads && rc == 0) {
		merge(&j);
		sq_delivery_settle(run, j.d);
		run->delivery = j.d;
	} else {
		sq_delivery_free(j.d);
	}
	free(j.lanes);
	free(j.arrivals);
	return rc;
}
