/* Where a message is that did not arrive, by what relays said of it (docs/spool.md, "mail").
 *
 * Each recipient that it did not reach is in one of three places: bounced, when a relay says so; queued,
 * when a relay has the message still and does not say that it sent it to that one; else lost.  The message
 * is lost when one of them is, else queued when one is, else bounced.  So the sums are exact, in recipients
 * and in messages.
 *
 * What a reader would get wrong:
 * - What a relay says of a recipient counts only where the sink has no receipt: it may put off, and bounce
 *   in the end, what the sink took without an answer.
 * - A relay speaks of the addresses that it made of those it was given, and need not have spoken of each.
 *   So places are counted up to what is missing. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "analyzers/delivery/private.h"
#include "base/digits.h"
#include "base/mem.h"

enum { REASONS_MAX = 64 };

/* A recipient, as a relay speaks of it. */
struct said {
	uint32_t to;
	const char *status, *dsn, *reason;
};

static bool said_parse(const json_t *recipient, struct said *ret)
{
	const char *to;
	uint64_t hash;

	if (json_unpack((json_t *)recipient, "[s, s, s, s]", &to, &ret->status, &ret->dsn,
			&ret->reason) != 0 ||
	    !sq_digits_next(&to, 16, '\0', &hash) || hash > UINT32_MAX)
		return false;
	ret->to = (uint32_t)hash;
	return true;
}

/* ---- what was said ---- */

static bool is_whole(const json_t *message, struct sq_message_name *ret)
{
	const json_t *recipients = json_object_get(message, "recipients"), *recipient;
	const char *name = json_string_value(json_object_get(message, "name"));
	struct said said;
	size_t i;

	json_array_foreach(recipients, i, recipient)
		if (!said_parse(recipient, &said))
			return false;
	return name && json_is_array(recipients) && sq_message_name_next(&name, '\0', ret);
}

static int by_message(const void *a, const void *b)
{
	const struct sq_fate *x = a, *y = b;

	if (x->lane != y->lane)
		return x->lane < y->lane ? -1 : 1;
	return (x->number > y->number) - (x->number < y->number);
}

int sq_join_fates(struct sq_join *j)
{
	const json_t *message;
	size_t i;

	j->fates = sq_alloc_n(json_array_size(j->run->mail), sizeof(*j->fates));
	json_array_foreach(j->run->mail, i, message) {
		struct sq_message_name name;
		size_t lane;

		if (!is_whole(message, &name))
			return -EINVAL;
		lane = sq_join_lane_of(j, &name);
		if (lane < j->n_lanes)
			j->fates[j->n_fates++] =
				(struct sq_fate){ name.number, (uint32_t)lane, message };
	}
	if (j->n_fates)
		qsort(j->fates, j->n_fates, sizeof(*j->fates), by_message);
	return 0;
}

/* ---- why ---- */

/* n recipients more of a place, for one reason; beyond so many reasons without it. */
static void add_reason(struct sq_delivery *d, const char *place, const struct said *said,
		       uint64_t n)
{
	struct sq_delivery_reason *r = d->reasons;
	const char *dsn = d->n_reasons < REASONS_MAX ? said->dsn : "";
	const char *reason = d->n_reasons < REASONS_MAX ? said->reason : "others";

	if (n == 0)
		return;
	for (size_t i = 0; i < d->n_reasons; i++, r++)
		if (strcmp(r->place, place) == 0 &&
		    ((strcmp(r->dsn, said->dsn) == 0 && strcmp(r->reason, said->reason) == 0) ||
		     (strcmp(r->dsn, dsn) == 0 && strcmp(r->reason, reason) == 0))) {
			r->recipients += n;
			return;
		}
	d->reasons = sq_realloc_n(d->reasons, d->n_reasons + 1, sizeof(*d->reasons));
	d->reasons[d->n_reasons++] = (struct sq_delivery_reason){
		.place = place, .dsn = sq_strdup(dsn), .reason = sq_strdup(reason), .recipients = n
	};
}

/* ---- one message ---- */

struct message {
	const struct sq_arrival *arrivals;
	size_t n_arrivals;
	const struct sq_fate *fates;
	size_t n_fates;
};

static bool arrived(const struct message *m, uint32_t to)
{
	for (size_t i = 0; i < m->n_arrivals; i++)
		if (m->arrivals[i].recipient == to)
			return true;
	return false;
}

static bool is_queued(const json_t *said)
{
	return json_is_true(json_object_get(said, "queued"));
}

/* How many recipients that were not reached have a status, `most` at most, by relays that have the
 * message still, or by any.  place: where they are by that, whose reasons are told; NULL: they are not. */
static uint64_t count_said(struct sq_delivery *d, const struct message *m, const char *status,
			   bool queued, uint64_t most, const char *place)
{
	uint64_t n = 0;

	for (size_t i = 0; i < m->n_fates; i++) {
		const json_t *recipients = json_object_get(m->fates[i].said, "recipients"), *each;
		size_t k;

		if (queued && !is_queued(m->fates[i].said))
			continue;
		json_array_foreach(recipients, k, each) {
			struct said said;

			if (n == most || !said_parse(each, &said) ||
			    strcmp(said.status, status) != 0 || arrived(m, said.to))
				continue;
			n++;
			if (place)
				add_reason(d, place, &said, 1);
		}
	}
	return n;
}

static bool any_queued(const struct message *m)
{
	for (size_t i = 0; i < m->n_fates; i++)
		if (is_queued(m->fates[i].said))
			return true;
	return false;
}

static void place_message(const struct sq_join_lane *lane, uint64_t number, uint64_t queued,
			  uint64_t deferred, uint64_t lost)
{
	struct sq_delivery_load *load = lane->load;
	json_t *examples = lost ? load->lost : queued ? load->queued : load->bounced;

	load->sum.undelivered++;
	load->sum.lost += lost > 0;
	load->sum.queued += !lost && queued;
	load->sum.deferred += !lost && queued && deferred;
	load->sum.bounced += !lost && !queued;
	sq_join_example(load->undelivered, lane, number);
	sq_join_example(examples, lane, number);
}

void sq_join_place(struct sq_join *j, const struct sq_join_lane *lane, uint64_t number,
		   uint64_t missing, const struct sq_arrival *arrivals, size_t n_arrivals,
		   const struct sq_fate *fates, size_t n_fates)
{
	static const struct said untried = { .dsn = "", .reason = "not tried yet" };
	const struct message m = { arrivals, n_arrivals, fates, n_fates };
	struct sq_delivery_sum *sum = &lane->load->sum;
	uint64_t bounced, lost, queued = 0, deferred = 0;

	bounced = count_said(j->d, &m, "bounced", false, missing, "bounced");
	lost = missing - bounced;
	if (any_queued(&m)) {
		lost = count_said(j->d, &m, "sent", true, missing - bounced, NULL);
		queued = missing - bounced - lost;
		deferred = count_said(j->d, &m, "deferred", true, queued, "queued");
		add_reason(j->d, "queued", &untried, queued - deferred);
	}
	sum->recipients.undelivered += missing;
	sum->recipients.bounced += bounced;
	sum->recipients.queued += queued;
	sum->recipients.deferred += deferred;
	sum->recipients.lost += lost;
	place_message(lane, number, queued, deferred, lost);
}
