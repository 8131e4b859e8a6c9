/* What Postfix's log says became of messages, and how many stand in its queues: "postfix.received",
 * "postfix.sent", "postfix.deferred" and "postfix.bounced" by kind of reason, "postfix.queue" by
 * queue.  And, not as counters, what became of each message of a load that was not sent to all of its
 * recipients (analyzers/postfix/book.h).
 *
 * What a reader would get wrong:
 * - "postfix.untried" is a part of "postfix.deferred": deliveries put off without an attempt.
 * - sent, deferred and bounced count deliveries: one recipient, one attempt.  A message to three
 *   recipients that is tried twice may be deferred six times.  What stands in a queue is messages.
 * - Counting a queue's files costs 0.3 us each and more; so it may take 0.2 % of a processor.  Between
 *   two counts the gauge stays where it was.
 * - What stands in the queue at the end is known by its name, so that other mail there is not taken for
 *   a load's.
 * - Delays are summed by part, in ms: a part's sum divided by the number of deliveries is its mean.
 *   Deliveries that were deferred or bounced are in them. */
#include <stddef.h>
#include <string.h>

#include "analyzers/catalogue.h"
#include "analyzers/kernel/follow.h"
#include "analyzers/postfix/log.h"
#include "analyzers/postfix/mail.h"
#include "analyzers/postfix/queue.h"
#include "analyzers/source.h"
#include "analyzers/thrift.h"
#include "base/mem.h"

enum {
	DSNS = 64, /* rows of dsn; what comes beyond is in the last one */
	LOOKS = 5, /* walks through the queue at the end, for what is not found in it */
};

enum row {
	RECEIVED,
	REJECTED,
	ACTIVATED,
	REMOVED,
	EXPIRED,
	SENT,
	DELAY, /* and one for each further part */
	LINES = DELAY + SQ_POSTFIX_DELAYS,
	SKIPPED,
	ROWS
};

static const struct {
	const char *name, *instance;
} rows[ROWS] = {
	[RECEIVED] = { "postfix.received", NULL },
	[REJECTED] = { "postfix.rejected", NULL },
	[ACTIVATED] = { "postfix.activated", NULL },
	[REMOVED] = { "postfix.removed", NULL },
	[EXPIRED] = { "postfix.expired", NULL },
	[SENT] = { "postfix.sent", NULL },
	[DELAY] = { "postfix.delay", "before the queue manager" },
	[DELAY + 1] = { "postfix.delay", "in the queue manager" },
	[DELAY + 2] = { "postfix.delay", "look-up and connect" },
	[DELAY + 3] = { "postfix.delay", "transmission" },
	[LINES] = { "postfix.lines", NULL },
	[SKIPPED] = { "postfix.skipped", NULL },
};

/* Of deliveries that did not come to their end, each by reason. */
enum fate { DEFERRED, UNTRIED, BOUNCED, FATES };
static const char *const fates[FATES] = {
	[DEFERRED] = "postfix.deferred",
	[UNTRIED] = "postfix.untried",
	[BOUNCED] = "postfix.bounced",
};

enum { BY_REASON = FATES * SQ_POSTFIX_REASONS };

struct count {
	unsigned row;
	uint64_t n;
};

struct dsn {
	char text[SQ_POSTFIX_DSN];
	struct count count;
};

struct postfix_conf {
	char *log, *queue;
};

struct postfix {
	struct sq_sample *sample;
	struct sq_follow log;
	struct count counts[ROWS];
	struct count by_reason[BY_REASON];
	struct dsn dsns[DSNS];
	size_t n_dsns;
	struct sq_postfix_queue queue; /* not open: not asked for */
	unsigned queue_rows[SQ_POSTFIX_QUEUES];
	struct sq_thrift counting; /* its files */
	struct sq_postfix_mail mail;
};

static struct count *reason_count(struct postfix *p, enum fate fate, enum sq_postfix_reason reason)
{
	return &p->by_reason[(size_t)fate * SQ_POSTFIX_REASONS + reason];
}

/* ---- the log ---- */

static struct count *dsn_count(struct postfix *p, const char *text)
{
	struct dsn *d;

	for (size_t i = 0; i < p->n_dsns; i++)
		if (i == DSNS - 1 || strcmp(p->dsns[i].text, text) == 0)
			return &p->dsns[i].count;
	if (p->n_dsns == DSNS - 1)
		text = "others";
	d = &p->dsns[p->n_dsns++];
	memcpy(d->text, text, strlen(text) + 1);
	d->count.row = sq_catalogue_metric(p->sample, "postfix.dsn", text);
	return &d->count;
}

static void count_delivery(struct postfix *p, const struct sq_postfix_line *d)
{
	switch (d->status) {
	case SQ_POSTFIX_SENT:
		p->counts[SENT].n++;
		break;
	case SQ_POSTFIX_DEFERRED:
		reason_count(p, DEFERRED, d->reason)->n++;
		break;
	case SQ_POSTFIX_BOUNCED:
		reason_count(p, BOUNCED, d->reason)->n++;
		break;
	}
	reason_count(p, UNTRIED, d->reason)->n += d->untried;
	for (size_t i = 0; i < SQ_POSTFIX_DELAYS; i++)
		p->counts[DELAY + i].n += d->delays_ms[i];
	dsn_count(p, d->dsn)->n++;
}

static void on_line(void *arg, const char *text, size_t len)
{
	static const enum row row_of[] = {
		[SQ_POSTFIX_GARBAGE] = SKIPPED,   [SQ_POSTFIX_RECEIVED] = RECEIVED,
		[SQ_POSTFIX_REJECTED] = REJECTED, [SQ_POSTFIX_ACTIVATED] = ACTIVATED,
		[SQ_POSTFIX_REMOVED] = REMOVED,   [SQ_POSTFIX_EXPIRED] = EXPIRED,
	};
	struct postfix *p = arg;
	struct sq_postfix_line line;
	enum sq_postfix_event event = sq_postfix_log_parse(text, len, &line);

	p->counts[LINES].n++;
	sq_postfix_book_line(p->mail.book, event, &line);
	if (event == SQ_POSTFIX_DELIVERY)
		count_delivery(p, &line);
	else if (event != SQ_POSTFIX_OTHER && event != SQ_POSTFIX_NAMED)
		p->counts[row_of[event]].n++;
}

/* ---- the queues ---- */

static int sample_queues(struct postfix *p)
{
	int rc = 0;

	if (p->queue.folder == -1 || !sq_thrift_begin(&p->counting))
		return 0;
	for (unsigned i = 0; rc == 0 && i < SQ_POSTFIX_QUEUES; i++) {
		uint64_t n;

		rc = sq_postfix_queue_count(&p->queue, i, &n);
		sq_sample_put(p->sample, p->queue_rows[i], n);
	}
	sq_thrift_end(&p->counting);
	return rc;
}

static int open_queue(struct postfix *p, const char *path, struct sq_err *err)
{
	int rc = sq_postfix_queue_open(&p->queue, path, err);

	for (unsigned i = 0; rc == 0 && i < SQ_POSTFIX_QUEUES; i++)
		p->queue_rows[i] =
			sq_catalogue_metric(p->sample, "postfix.queue", sq_postfix_queue_name(i));
	return rc;
}

/* ---- the end ---- */

static int read_log(struct postfix *p)
{
	int rc = sq_follow_read(&p->log, on_line, p);

	p->counts[SKIPPED].n += p->log.lost;
	p->counts[LINES].n += p->log.lost;
	p->mail.lost_lines += p->log.lost;
	p->log.lost = 0;
	return rc;
}

static int read_log_to_its_end(struct postfix *p)
{
	uint64_t before;
	int rc;

	do {
		before = p->counts[LINES].n;
		rc = read_log(p);
	} while (rc == 0 && p->counts[LINES].n != before);
	return rc;
}

static void on_queued(void *arg, const char *queue_id)
{
	struct postfix *p = arg;

	sq_postfix_book_stands(p->mail.book, queue_id);
}

/* The queue first: what left it meanwhile the log says.  What is moved within it may be missed. */
static int look_for_all(struct postfix *p)
{
	int rc = 0;

	for (int i = 0; rc == 0 && i < LOOKS; i++) {
		rc = p->queue.folder == -1 ? 0 : sq_postfix_queue_each(&p->queue, on_queued, p);
		if (rc == 0)
			rc = read_log_to_its_end(p);
		if (p->queue.folder == -1 || sq_postfix_book_missing(p->mail.book) == 0)
			break;
	}
	return rc;
}

static void postfix_last(void *state)
{
	struct postfix *p = state;

	if (look_for_all(p) == 0)
		sq_postfix_mail_last(&p->mail, p->queue.folder != -1);
}

/* ---- the source ---- */

static void postfix_close(void *state)
{
	struct postfix *p = state;

	sq_follow_close(&p->log);
	sq_postfix_queue_close(&p->queue);
	sq_postfix_mail_close(&p->mail);
}

static int postfix_open(void *state, const void *conf, struct sq_sample *s, struct sq_err *err)
{
	const struct postfix_conf *c = conf;
	struct postfix *p = state;
	int rc;

	*p = (struct postfix){ .sample = s, .queue.folder = -1 };
	rc = sq_follow_open(&p->log, c->log, err);
	if (rc == 0 && c->queue)
		rc = open_queue(p, c->queue, err);
	if (rc < 0) {
		postfix_close(p);
		return rc;
	}
	for (size_t i = 0; i < ROWS; i++)
		p->counts[i].row = sq_catalogue_metric(s, rows[i].name, rows[i].instance);
	for (size_t i = 0; i < BY_REASON; i++)
		p->by_reason[i].row = sq_catalogue_metric(
			s, fates[i / SQ_POSTFIX_REASONS],
			sq_postfix_reason_name((enum sq_postfix_reason)(i % SQ_POSTFIX_REASONS)));
	sq_postfix_mail_open(&p->mail, s, c->log);
	return 0;
}

static void put(struct postfix *p, const struct count *c)
{
	sq_sample_put(p->sample, c->row, c->n);
}

static int postfix_sample(void *state, struct sq_sample *s)
{
	struct postfix *p = state;
	int rc = read_log(p);

	(void)s;
	if (rc < 0)
		return rc;
	sq_postfix_mail_write(&p->mail);
	for (size_t i = 0; i < ROWS; i++)
		put(p, &p->counts[i]);
	for (size_t i = 0; i < BY_REASON; i++)
		put(p, &p->by_reason[i]);
	for (size_t i = 0; i < p->n_dsns; i++)
		put(p, &p->dsns[i].count);
	return sample_queues(p);
}

static const struct sq_opt postfix_opts[] = {
	{ .name = "log",
	  .type = SQ_OPT_STRING,
	  .offset = offsetof(struct postfix_conf, log),
	  .required = true,
	  .help = "the file that Postfix logs to (maillog_file, or syslog's mail.log)" },
	{ .name = "queue",
	  .type = SQ_OPT_STRING,
	  .offset = offsetof(struct postfix_conf, queue),
	  .help = "its queue_directory, whose files are counted, and known by name at the end; when not "
		  "given the log alone says what it still has" },
	{ 0 },
};

const struct sq_source sq_source_postfix = {
	.kind = {
		.name = "postfix",
		.summary = "what Postfix's log says of deliveries and delays, and the length of its queues",
		.opts = postfix_opts,
		.conf_size = sizeof(struct postfix_conf),
	},
	.state_size = sizeof(struct postfix),
	.open = postfix_open,
	.sample = postfix_sample,
	.last = postfix_last,
	.close = postfix_close,
};
