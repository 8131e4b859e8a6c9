/* What the loads' deliveries come to together, and where the rest of them is.
 *
 * What a reader would get wrong:
 * - Undelivered is not lost.  What stands in the relay's queue at the end is late; without a look into
 *   the queue the two can't be told apart, and then nothing is said of either.
 * - A queue holds messages, but what bounces is a recipient. */
#include <math.h>
#include <string.h>

#include "analyzers/delivery.h"
#include "analyzers/frame.h"
#include "base/clock.h"
#include "base/mem.h"
#include "results/hist.h"

static void add_sum(struct sq_delivery_sum *to, const struct sq_delivery_sum *from)
{
	to->accepted += from->accepted;
	to->delivered += from->delivered;
	to->undelivered += from->undelivered;
	to->duplicated += from->duplicated;
	to->corrupted += from->corrupted;
	to->unchecked += from->unchecked;
	to->unaccepted += from->unaccepted;
	to->recipients.accepted += from->recipients.accepted;
	to->recipients.delivered += from->recipients.delivered;
	to->recipients.undelivered += from->recipients.undelivered;
	to->recipients.copies += from->recipients.copies;
	sq_hist_merge(to->latency, from->latency);
	if (from->last_ns > to->last_ns)
		to->last_ns = from->last_ns;
}

/* What stood in the queues of all relays at the end; NAN when none was looked into. */
static double queued_messages(const struct sq_run *run)
{
	double sum = NAN;

	for (size_t i = 0; i < run->n_metrics; i++) {
		const struct sq_metric_rec *m = &run->metrics[i];

		if (strcmp(m->metric, "postfix.queue") == 0 && !isnan(m->last))
			sum = isnan(sum) ? m->last : sum + m->last;
	}
	return sum;
}

/* How many of the undelivered messages bounced: a relay logs it of each recipient.  NAN when that does
 * not tell. */
static double bounced_messages(const struct sq_run *run, const struct sq_delivery_sum *sum)
{
	double recipients = sq_frame_delta(run, NULL, "postfix.bounced");
	double left = (double)sum->undelivered, missing = (double)sum->recipients.undelivered;

	if (isnan(recipients))
		return 0;
	if (recipients >= missing)
		return left;
	return missing == left || recipients <= 1 ? recipients : NAN;
}

static bool all_whole(const struct sq_delivery *d)
{
	for (size_t i = 0; i < d->n_files; i++)
		if (!d->files[i].whole)
			return false;
	return true;
}

/* Where the undelivered are. */
static void find_undelivered(const struct sq_run *run, struct sq_delivery *d)
{
	double left = (double)d->sum.undelivered, queued = queued_messages(run);
	double bounced = bounced_messages(run, &d->sum);

	d->lost = d->queued = d->bounced = NAN;
	if (d->n_files == 0) {
		d->because =
			sq_strdup("no sink recorded what arrived; use squall's, and if it is not "
				  "in the run, squall analyze --sink");
		return;
	}
	if (left > 0 && !all_whole(d)) {
		d->because = sq_strdup("a sink's receipts stop short: it was killed, or serves on");
		return;
	}
	if (left > 0 && isnan(queued)) {
		d->because =
			sq_strdup("no queue was captured that would tell what is lost from what "
				  "is only late");
		return;
	}
	if (isnan(bounced)) {
		d->because = sq_strdup("some of their recipients bounced, and how many messages "
				       "that makes is not known: others of the same are missing");
		return;
	}
	/* A queue may hold other mail, such as what the bounces are told by. */
	d->bounced = bounced;
	d->queued = left > 0 ? fmin(queued, left - d->bounced) : 0;
	d->lost = left - d->queued - d->bounced;
}

/* From when the last of the accepted messages was due until the last of them had arrived; NAN when not
 * all have. */
static double drain_seconds(const struct sq_run *run, const struct sq_delivery *d)
{
	int64_t due_ns = INT64_MIN;

	if (d->sum.undelivered || !d->sum.delivered)
		return NAN;
	for (size_t i = 0; i < run->n_loads; i++) {
		const struct sq_load_rec *l = &run->loads[i];

		for (size_t k = 0; l->n_accepted && k < l->n_outcomes; k++)
			if (l->outcomes[k].class == SQ_CLASS_OK && l->outcomes[k].last_ns > due_ns)
				due_ns = l->outcomes[k].last_ns;
	}
	return due_ns == INT64_MIN ? NAN : fmax(0, sq_seconds(d->sum.last_ns - due_ns));
}

void sq_delivery_settle(const struct sq_run *run, struct sq_delivery *d)
{
	d->sum.latency = sq_hist_new(SQ_HIST_FINE);
	for (size_t i = 0; i < d->n_loads; i++)
		add_sum(&d->sum, &d->loads[i].sum);
	find_undelivered(run, d);
	d->drain_s = drain_seconds(run, d);
}
