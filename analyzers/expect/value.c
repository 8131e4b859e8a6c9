/* What a name came to in a run.  What was not measured is NAN with a reason, never 0: an
 * expectation about it does not hold, but does not fail either. */
#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "analyzers/expect/private.h"
#include "analyzers/ledger/frame.h"
#include "base/clock.h"

struct reason {
	char *text;
	size_t size;
};

static double unmeasured(struct reason *because, const char *fmt, ...)
	__attribute__((format(printf, 2, 3)));

static double unmeasured(struct reason *because, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(because->text, because->size, fmt, ap);
	va_end(ap);
	return NAN;
}

static double count_of(const struct sq_load_rec *load, const char *word)
{
	if (strcmp(word, "scheduled") == 0)
		return (double)load->scheduled;
	if (strcmp(word, "ok") == 0)
		return (double)sq_load_count_class(load, SQ_CLASS_OK);
	if (strcmp(word, "missed") == 0)
		return (double)sq_load_count_class(load, SQ_CLASS_MISSED);
	if (strcmp(word, "canceled") == 0)
		return (double)sq_load_count_class(load, SQ_CLASS_CANCELED);
	return (double)sq_load_failures(load);
}

static uint64_t detail_count(const struct sq_details *d, const char *text)
{
	for (size_t i = 0; i < d->n; i++)
		if (strcmp(d->v[i].text, text) == 0)
			return d->v[i].n;
	return 0;
}

static double code_count(const struct sq_load_rec *load, const struct sq_expect_name *name,
			 struct reason *because)
{
	uint64_t sum = 0;

	for (size_t i = 0; i < load->n_outcomes; i++) {
		const struct sq_outcome_rec *o = &load->outcomes[i];

		if (strcmp(o->code, name->word) != 0 ||
		    (name->phase[0] && strcmp(o->phase, name->phase) != 0))
			continue;
		if (name->detail[0] && o->details.other)
			return unmeasured(because, "%s came with more kinds of detail than %d",
					  o->code, SQ_DETAILS_MAX);
		sum += name->detail[0] ? detail_count(&o->details, name->detail) : o->count;
	}
	return (double)sum;
}

static double effort_of(const struct sq_load_rec *load, const char *name, struct reason *because)
{
	uint64_t sum = 0;

	for (size_t i = 0; i < load->n_efforts; i++) {
		if (strcmp(load->efforts[i], name) != 0)
			continue;
		for (size_t j = 0; j < load->n_outcomes; j++)
			sum += load->outcomes[j].effort[i];
		return (double)sum;
	}
	return unmeasured(because, "%s did not record %s", load->name, name);
}

static double seen_of(const struct sq_load_rec *load, const char *name, struct reason *because)
{
	for (size_t i = 0; i < load->n_counts; i++) {
		if (strcmp(load->counts[i].name, name) == 0)
			return (double)load->counts[i].n;
	}
	return unmeasured(because, "%s did not count %s", load->name, name);
}

static double time_of(const struct sq_hist *h, const struct sq_expect_name *name,
		      const char *nothing, struct reason *because)
{
	double ns = -1;

	if (!h || sq_hist_count(h) == 0)
		return unmeasured(because, "%s: %s", name->subject, nothing);
	switch (name->stat) {
	case SQ_STAT_MEAN:
		ns = sq_hist_mean(h);
		break;
	case SQ_STAT_MIN:
		ns = (double)sq_hist_min(h);
		break;
	case SQ_STAT_MAX:
		ns = (double)sq_hist_max(h);
		break;
	case SQ_STAT_PERCENTILE:
		ns = (double)sq_hist_percentile(h, name->percentile);
		break;
	}
	return ns / 1e9;
}

static double phase_time(const struct sq_load_rec *load, const struct sq_expect_name *name,
			 struct reason *because)
{
	for (size_t i = 0; i < load->n_phases; i++) {
		if (strcmp(load->phases[i].name, name->phase) == 0)
			return time_of(load->phases[i].latency, name, "the phase never ended",
				       because);
	}
	return unmeasured(because, "%s never came to %s", load->name, name->phase);
}

static double rate_of(const struct sq_load_rec *load, const char *word, struct reason *because)
{
	double seconds = sq_load_seconds(load);
	uint64_t n = load->scheduled - load->warmup_scheduled;

	if (!(seconds > 0))
		return unmeasured(because, "%s has no time after its warm-up", load->name);
	if (strcmp(word, "sent") == 0)
		n = load->sent;
	else if (strcmp(word, "ok") == 0)
		n = load->from_due ? sq_hist_count(load->from_due) : 0;
	return (double)n / seconds;
}

static double load_value(const struct sq_run *run, const struct sq_expect_name *name,
			 struct reason *because)
{
	const struct sq_load_rec *load = sq_run_find_load(run, name->subject);

	if (!load)
		return unmeasured(because, "there is no load %s in this run", name->subject);
	switch (name->kind) {
	case SQ_EXPECT_COUNT:
		return count_of(load, name->word);
	case SQ_EXPECT_CODE:
		return code_count(load, name, because);
	case SQ_EXPECT_CLASS:
		return (double)sq_load_count_class(load,
						   (enum sq_class)sq_class_by_name(name->word));
	case SQ_EXPECT_EFFORT:
		return effort_of(load, name->word, because);
	case SQ_EXPECT_SEEN:
		return seen_of(load, name->word, because);
	case SQ_EXPECT_RATE:
		return rate_of(load, name->word, because);
	case SQ_EXPECT_PHASE:
		return phase_time(load, name, because);
	case SQ_EXPECT_SERVICE:
		return time_of(load->from_send, name, "nothing succeeded", because);
	case SQ_EXPECT_LAG:
		return time_of(load->lag, name, "nothing was started", because);
	case SQ_EXPECT_EMISSION:
		return time_of(load->emission, name, "no burst was timed", because);
	default:
		return time_of(load->from_due, name, "nothing succeeded", because);
	}
}

/* The largest value of all instances; NAN when no row has the name. */
static double metric_max(const struct sq_run *run, const char *host, const char *metric)
{
	double v = NAN;

	for (size_t i = 0; i < run->n_metrics; i++) {
		const struct sq_metric_rec *m = &run->metrics[i];

		if (strcmp(m->host, host) == 0 && strcmp(m->metric, metric) == 0 &&
		    (isnan(v) || m->max > v))
			v = m->max;
	}
	return v;
}

static double metric_value(const struct sq_run *run, const struct sq_expect_name *name,
			   struct reason *because)
{
	double v = sq_frame_delta(run, name->subject, name->word);
	size_t len = strlen(name->word);

	if (isnan(v) && len > 4 && strcmp(name->word + len - 4, ".max") == 0) {
		char metric[SQ_EXPECT_WORD];

		snprintf(metric, sizeof(metric), "%.*s", (int)(len - 4), name->word);
		v = metric_max(run, name->subject, metric);
	}
	if (!isnan(v))
		return v;
	if (!sq_frame_captured(run, name->subject))
		return unmeasured(because, "no counters of %s were captured", name->subject);
	return unmeasured(because, "%s was not captured on %s", name->word, name->subject);
}

/* An excess is the mechanism's on a host, and stands in each of its findings there. */
static bool is_first_of_host(const struct sq_findings *f, size_t i)
{
	for (size_t j = 0; j < i; j++) {
		if (strcmp(f->v[j].mechanism, f->v[i].mechanism) == 0 &&
		    strcmp(f->v[j].host, f->v[i].host) == 0)
			return false;
	}
	return true;
}

static double finding_value(const struct sq_run *run, const struct sq_expect_name *name,
			    struct reason *because)
{
	const struct sq_findings *f = &run->findings;
	double sum = 0;
	bool any = false;

	for (size_t i = 0; i < f->n; i++) {
		if (strcmp(f->v[i].mechanism, name->subject) != 0)
			continue;
		any = true;
		if (strcmp(name->word, "count") == 0)
			sum += (double)f->v[i].count;
		else if (strcmp(name->word, "explained") == 0)
			sum += (double)f->v[i].explained;
		else if (strcmp(name->word, "unexplained") == 0)
			sum += (double)f->v[i].unexplained;
		else if (is_first_of_host(f, i))
			sum += f->v[i].counter_excess;
	}
	for (size_t i = 0; !any && i < f->n_not_examined; i++) {
		const struct sq_not_examined *n = &f->not_examined[i];

		if (strcmp(n->mechanism, name->subject) == 0)
			return unmeasured(because, "%s was not examined on %s: %s", n->mechanism,
					  n->host, n->because);
	}
	return sum;
}

static double account_value(const struct sq_run *run, const char *word)
{
	uint64_t sum = 0;

	for (size_t i = 0; i < run->findings.n_accounts; i++) {
		const struct sq_account *a = &run->findings.accounts[i];

		sum += word[0] == 'c' ? a->count : word[0] == 'e' ? a->explained : a->unexplained;
	}
	return (double)sum;
}

static double delivery_count(const struct sq_delivery *d, const char *word)
{
	const struct sq_delivery_sum *s = &d->sum;
	bool arrived = d->n_files > 0, placed = !d->because;
	const struct {
		const char *word;
		bool known;
		uint64_t n;
	} counts[] = {
		{ "accepted", true, s->accepted },
		{ "delivered", arrived, s->delivered },
		{ "undelivered", arrived, s->undelivered },
		{ "duplicated", arrived, s->duplicated },
		{ "corrupted", arrived, s->corrupted },
		{ "unaccepted", arrived, s->unaccepted },
		{ "queued", placed, s->queued },
		{ "deferred", placed, s->deferred },
		{ "bounced", placed, s->bounced },
		{ "lost", placed, s->lost },
	};

	for (size_t i = 0; i < sizeof(counts) / sizeof(*counts); i++)
		if (strcmp(counts[i].word, word) == 0)
			return counts[i].known ? (double)counts[i].n : NAN;
	return NAN;
}

static double delivery_value(const struct sq_run *run, const struct sq_expect_name *name,
			     struct reason *because)
{
	const struct sq_delivery *d = run->delivery;
	double n;

	if (!d)
		return unmeasured(because, "no load sends what must arrive elsewhere");
	if (name->kind == SQ_EXPECT_DELIVERY_LATENCY)
		return time_of(d->sum.latency, name, "nothing arrived that says when it was sent",
			       because);
	n = delivery_count(d, name->word);
	if (strcmp(name->word, "corrupted") == 0 && d->sum.unchecked > 0 && n == 0)
		return unmeasured(because, "%llu messages arrived without a digest",
				  (unsigned long long)d->sum.unchecked);
	return isnan(n) ? unmeasured(because, "%s", d->because) : n;
}

/* because is written through reason. NOLINTNEXTLINE(readability-non-const-parameter) */
double sq_expect_value(const struct sq_run *run, const struct sq_expect_name *name, char *because,
		       size_t size)
{
	struct reason reason = { .text = because, .size = size };

	switch (name->kind) {
	case SQ_EXPECT_METRIC:
		return metric_value(run, name, &reason);
	case SQ_EXPECT_FINDING:
		return finding_value(run, name, &reason);
	case SQ_EXPECT_ACCOUNT:
		return account_value(run, name->word);
	case SQ_EXPECT_DELIVERY:
	case SQ_EXPECT_DELIVERY_LATENCY:
		return delivery_value(run, name, &reason);
	default:
		return load_value(run, name, &reason);
	}
}
