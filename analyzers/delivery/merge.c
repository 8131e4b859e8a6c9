/* Arrivals meet accepted messages, in the order of their names.
 *
 * Both are sorted, and merged lane by lane with what relays said of messages.  So the arithmetic is exact
 * by construction: each accepted message is judged once, and each arrival belongs to one message.  It goes
 * from arrival to arrival; of the numbers in between nothing is known one by one.
 *
 * What a reader would get wrong: a message that arrived need not be an accepted one.  Its acceptance may
 * have been lost on the way back, or said too late.  It is counted apart, and makes up for no other. */
#include "analyzers/delivery/private.h"
#include "results/hist.h"

enum { EXAMPLES = 20 };

/* What is known of one message. */
struct found {
	uint64_t number, recipients, copies;
	bool corrupt, unchecked;
	const struct sq_arrival *arrivals;
	size_t n_arrivals;
	const struct sq_fate *fates;
	size_t n_fates;
};

void sq_join_example(json_t *list, const struct sq_join_lane *lane, uint64_t number)
{
	const struct sq_message_name name = { lane->accepted->id, lane->accepted->lane, number };
	char text[SQ_MESSAGE_NAME_TEXT];

	if (json_array_size(list) == EXAMPLES)
		return;
	sq_message_name_text(&name, text);
	json_array_append_new(list, json_string(text));
}

static void first_delivery(const struct sq_join *j, struct sq_delivery_sum *sum,
			   const struct sq_arrival *a)
{
	int64_t at_ns = a->arrived_ns - j->run->t0_wall_ns;

	if (a->sent_ns >= 0)
		sq_hist_record(sum->latency, a->arrived_ns - a->sent_ns);
	if (at_ns > sum->last_ns)
		sum->last_ns = at_ns;
}

/* The first number, below `end`, of which anything is known; `end`: there is none. */
static uint64_t next_number(const struct sq_join *j, size_t lane, uint64_t end)
{
	if (j->at < j->n && j->arrivals[j->at].lane == lane && j->arrivals[j->at].number < end)
		end = j->arrivals[j->at].number;
	if (j->fate_at < j->n_fates && j->fates[j->fate_at].lane == lane &&
	    j->fates[j->fate_at].number < end)
		end = j->fates[j->fate_at].number;
	return end;
}

static void take_arrival(const struct sq_join *j, const struct sq_join_lane *lane, struct found *f)
{
	const struct sq_arrival *a = &f->arrivals[f->n_arrivals++];

	f->corrupt |= a->text == SQ_RECEIPT_CORRUPT;
	f->unchecked |= a->text == SQ_RECEIPT_UNCHECKED;
	if (a > f->arrivals && a[-1].recipient == a->recipient) {
		f->copies++;
		return;
	}
	f->recipients++;
	first_delivery(j, &lane->load->sum, a);
}

/* All that is known of that message, which is the next one. */
static struct found take_message(struct sq_join *j, const struct sq_join_lane *lane,
				 uint64_t number)
{
	size_t index = (size_t)(lane - j->lanes);
	struct found f = { .number = number,
			   .arrivals = j->arrivals + j->at,
			   .fates = j->fates + j->fate_at };

	for (; j->at < j->n && j->arrivals[j->at].lane == index &&
	       j->arrivals[j->at].number == number;
	     j->at++)
		take_arrival(j, lane, &f);
	for (; j->fate_at < j->n_fates && j->fates[j->fate_at].lane == index &&
	       j->fates[j->fate_at].number == number;
	     j->fate_at++)
		f.n_fates++;
	return f;
}

static void judge_text(const struct sq_join_lane *lane, const struct found *f)
{
	struct sq_delivery_load *load = lane->load;

	load->sum.duplicated += f->copies > 0;
	load->sum.recipients.copies += f->copies;
	load->sum.corrupted += f->corrupt;
	load->sum.unchecked += f->unchecked;
	if (f->copies)
		sq_join_example(load->duplicated, lane, f->number);
	if (f->corrupt)
		sq_join_example(load->corrupted, lane, f->number);
}

static void judge_accepted(struct sq_join *j, const struct sq_join_lane *lane, uint64_t recipients,
			   const struct found *f)
{
	struct sq_delivery_sum *sum = &lane->load->sum;
	uint64_t reached = f->recipients < recipients ? f->recipients : recipients;

	sum->accepted++;
	sum->delivered += reached == recipients;
	sum->recipients.accepted += recipients;
	sum->recipients.delivered += reached;
	if (reached < recipients)
		sq_join_place(j, lane, f->number, recipients - reached, f->arrivals, f->n_arrivals,
			      f->fates, f->n_fates);
	judge_text(lane, f);
}

/* So many messages from that number on, of which nothing arrived and nothing is known: at once, however
 * many they are. */
static void judge_unknown(const struct sq_join_lane *lane, uint64_t number, uint64_t n,
			  uint64_t recipients)
{
	struct sq_delivery_sum *sum = &lane->load->sum;

	sum->accepted += n;
	sum->undelivered += n;
	sum->lost += n;
	sum->recipients.accepted += n * recipients;
	sum->recipients.undelivered += n * recipients;
	sum->recipients.lost += n * recipients;
	for (uint64_t i = 0; i < n && i < EXAMPLES; i++) {
		sq_join_example(lane->load->undelivered, lane, number + i);
		sq_join_example(lane->load->lost, lane, number + i);
	}
}

/* What is known of messages up to a number that are none of the accepted. */
static void pass_unaccepted(struct sq_join *j, const struct sq_join_lane *lane, uint64_t up_to)
{
	size_t index = (size_t)(lane - j->lanes);
	uint64_t number;

	while ((number = next_number(j, index, up_to)) < up_to) {
		struct found f = take_message(j, lane, number);

		lane->load->sum.unaccepted += f.n_arrivals > 0;
		judge_text(lane, &f);
	}
}

static void judge_run(struct sq_join *j, const struct sq_join_lane *lane,
		      const struct sq_accepted_run *run)
{
	size_t index = (size_t)(lane - j->lanes);
	uint64_t number = run->first, end = run->first + run->n;

	pass_unaccepted(j, lane, number);
	while (number < end) {
		uint64_t next = next_number(j, index, end);

		judge_unknown(lane, number, next - number, run->recipients);
		number = next;
		if (number < end) {
			struct found f = take_message(j, lane, number++);

			judge_accepted(j, lane, run->recipients, &f);
		}
	}
}

void sq_join_merge(struct sq_join *j)
{
	for (size_t i = 0; i < j->n_lanes; i++) {
		const struct sq_accepted *a = j->lanes[i].accepted;

		for (size_t k = 0; k < a->n; k++)
			judge_run(j, &j->lanes[i], &a->runs[k]);
		pass_unaccepted(j, &j->lanes[i], UINT64_MAX);
	}
}
