/* What the loads' deliveries come to together, and whether it is known where the rest of them is.
 *
 * What a reader would get wrong: undelivered is not lost.  What stands in the relay's queue at the end is
 * late; without its log the two can't be told apart, and then nothing is said of either.  One relay's log
 * does not stand for another's. */
#include <math.h>
#include <string.h>

#include "analyzers/delivery/delivery.h"
#include "analyzers/delivery/private.h"
#include "base/clock.h"
#include "base/mem.h"
#include "results/hist.h"

static void add_recipients(struct sq_delivery_recipients *to,
			   const struct sq_delivery_recipients *from)
{
	to->accepted += from->accepted;
	to->delivered += from->delivered;
	to->undelivered += from->undelivered;
	to->queued += from->queued;
	to->deferred += from->deferred;
	to->bounced += from->bounced;
	to->lost += from->lost;
	to->copies += from->copies;
}

static void add_sum(struct sq_delivery_sum *to, const struct sq_delivery_sum *from)
{
	to->accepted += from->accepted;
	to->delivered += from->delivered;
	to->undelivered += from->undelivered;
	to->queued += from->queued;
	to->deferred += from->deferred;
	to->bounced += from->bounced;
	to->lost += from->lost;
	to->duplicated += from->duplicated;
	to->corrupted += from->corrupted;
	to->unchecked += from->unchecked;
	to->unaccepted += from->unaccepted;
	add_recipients(&to->recipients, &from->recipients);
	sq_hist_merge(to->latency, from->latency);
	if (from->last_ns > to->last_ns)
		to->last_ns = from->last_ns;
}

static bool all_whole(const struct sq_delivery *d)
{
	for (size_t i = 0; i < d->n_files; i++)
		if (!d->files[i].whole)
			return false;
	return true;
}

/* Why a relay's word is not to be had, or not to be relied on; NULL. */
static char *relays_because(const json_t *relays)
{
	const json_t *relay;
	size_t i;

	json_array_foreach(relays, i, relay) {
		const char *host = json_string_value(json_object_get(relay, "host"));
		const json_t *lost = json_object_get(relay, "lost_lines");

		if (!json_is_integer(lost))
			return sq_printf_dup("the log of the relay on %s was not read to its end",
					     host);
		if (json_integer_value(lost) > 0)
			return sq_printf_dup("%lld lines of the log of the relay on %s could not "
					     "be read",
					     json_integer_value(lost), host);
	}
	if (json_array_size(relays) == 0)
		return sq_strdup("no relay's log was captured that would tell what is lost from "
				 "what is only late");
	return NULL;
}

static bool is_of_host(const json_t *record, const char *host)
{
	const char *at = json_string_value(json_object_get(record, "host"));

	return at && strcmp(at, host) == 0;
}

/* Whether a host says what became of the mail that it took: by a relay's log, or as a sink. */
static bool gives_account(const struct sq_run *run, const char *host)
{
	const json_t *each;
	size_t i;

	json_array_foreach(run->relays, i, each)
		if (is_of_host(each, host))
			return true;
	json_array_foreach(run->servers, i, each)
		if (is_of_host(each, host) && json_is_string(json_object_get(each, "receipts")))
			return true;
	return false;
}

/* Its mail went where the name service said; its targets are resolvers. */
static bool is_led_by_names(const struct sq_load_rec *l)
{
	for (size_t i = 0; i < l->n_counts; i++)
		if (strcmp(l->counts[i].name, "lookups") == 0)
			return l->counts[i].n > 0;
	return false;
}

/* A host that had mail of the load's and gives no account of it; NULL.  A target that stands on none of
 * the scenario's hosts may be any of them by another name. */
static const char *mute_host(const struct sq_run *run, const struct sq_load_rec *l)
{
	for (size_t i = 0; !is_led_by_names(l) && i < l->n_targets; i++)
		if (l->targets[i].server && !gives_account(run, l->targets[i].server))
			return l->targets[i].server;
	return NULL;
}

static char *targets_because(const struct sq_run *run, const struct sq_delivery *d)
{
	const char *host = NULL;

	for (size_t i = 0; i < d->n_loads; i++)
		for (size_t k = 0; !host && d->loads[i].sum.undelivered && k < run->n_loads; k++)
			if (strcmp(run->loads[k].name, d->loads[i].name) == 0)
				host = mute_host(run, &run->loads[k]);
	return host ? sq_printf_dup("%s had mail too, and no relay's log was captured there", host)
		    : NULL;
}

/* Why it is not known where the undelivered are; NULL: it is. */
static char *undelivered_because(const struct sq_run *run, const struct sq_delivery *d)
{
	char *because;

	if (d->n_files == 0)
		return sq_strdup("no sink recorded what arrived; use squall's, and if it is not "
				 "in the run, squall analyze --sink");
	if (d->sum.undelivered == 0)
		return NULL;
	if (!all_whole(d))
		return sq_strdup("a sink's receipts stop short: it was killed, or serves on");
	because = relays_because(run->relays);
	return because ? because : targets_because(run, d);
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

void sq_join_settle(const struct sq_run *run, struct sq_delivery *d)
{
	d->sum.latency = sq_hist_new(SQ_HIST_FINE);
	for (size_t i = 0; i < d->n_loads; i++)
		add_sum(&d->sum, &d->loads[i].sum);
	d->because = undelivered_because(run, d);
	d->drain_s = drain_seconds(run, d);
}
