/* What Postfix's log says became of messages, and how many stand in its queues: "postfix.received",
 * "postfix.sent", "postfix.deferred" and "postfix.bounced" by kind of reason, "postfix.queue" by
 * queue.
 *
 * What a reader would get wrong:
 * - "postfix.untried" is a part of "postfix.deferred": deliveries put off without an attempt.
 * - sent, deferred and bounced count deliveries: one recipient, one attempt.  A message to three
 *   recipients that is tried twice may be deferred six times.  What stands in a queue is messages.
 * - Counting a queue's files costs 0.3 us each and more; so it may take 0.2 % of a processor.  Between
 *   two counts the gauge stays where it was.
 * - A file in the queue incoming may be one that is still being received.
 * - Delays are summed by part, in ms: a part's sum divided by the number of deliveries is its mean.
 *   Deliveries that were deferred or bounced are in them. */
#include <sys/stat.h>

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "analyzers/catalogue.h"
#include "analyzers/follow.h"
#include "analyzers/postfix_log.h"
#include "analyzers/thrift.h"
#include "base/mem.h"

enum {
	DSNS = 64, /* rows of dsn; what comes beyond is in the last one */
	DEPTH = 4, /* of hashed queue folders, below the queue's own: hash_queue_depth and some */
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

static const char *const queues[] = { "incoming", "active", "deferred" };
enum { QUEUES = sizeof(queues) / sizeof(queues[0]) };

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
	int queue; /* its folder; -1: not asked for */
	unsigned queue_rows[QUEUES];
	struct sq_thrift counting; /* its files */
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

static void count_delivery(struct postfix *p, const struct sq_postfix_delivery *d)
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
	struct sq_postfix_delivery delivery;
	enum sq_postfix_event event = sq_postfix_log_parse(text, len, &delivery);

	p->counts[LINES].n++;
	if (event == SQ_POSTFIX_DELIVERY)
		count_delivery(p, &delivery);
	else if (event != SQ_POSTFIX_OTHER)
		p->counts[row_of[event]].n++;
}

/* ---- the queues ---- */

/* Not every file system says it in the folder itself. */
static unsigned char type_of(int folder, const struct dirent *entry)
{
	struct stat st;

	if (entry->d_type != DT_UNKNOWN)
		return entry->d_type;
	if (fstatat(folder, entry->d_name, &st, AT_SYMLINK_NOFOLLOW) == -1)
		return DT_UNKNOWN;
	return (unsigned char)IFTODT(st.st_mode);
}

/* Adds how many files stand below a folder.  0 or -errno. */
static int count_files(int folder, const char *name, int depth, uint64_t *n)
{
	int fd = openat(folder, name, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	DIR *dir = fd == -1 ? NULL : fdopendir(fd);
	const struct dirent *entry;
	int rc = 0;

	if (!dir) {
		rc = -errno;
		if (fd != -1)
			close(fd);
		return rc;
	}
	while (rc == 0 && (entry = readdir(dir))) {
		unsigned char type = type_of(fd, entry);

		*n += type == DT_REG;
		if (type == DT_DIR && entry->d_name[0] != '.' && depth > 0)
			rc = count_files(fd, entry->d_name, depth - 1, n);
		if (rc == -ENOENT) /* gone meanwhile */
			rc = 0;
	}
	closedir(dir);
	return rc;
}

static int sample_queues(struct postfix *p)
{
	int rc = 0;

	if (p->queue == -1 || !sq_thrift_begin(&p->counting))
		return 0;
	for (size_t i = 0; rc == 0 && i < QUEUES; i++) {
		uint64_t n = 0;

		rc = count_files(p->queue, queues[i], DEPTH, &n);
		sq_sample_put(p->sample, p->queue_rows[i], n);
	}
	sq_thrift_end(&p->counting);
	return rc;
}

static int open_queue(struct postfix *p, const char *path, struct sq_sample *s, struct sq_err *err)
{
	p->queue = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (p->queue == -1)
		return sq_err_set(err, -errno, path, "%s; give Postfix's queue_directory",
				  strerror(errno));
	for (size_t i = 0; i < QUEUES; i++) {
		if (faccessat(p->queue, queues[i], R_OK | X_OK, AT_EACCESS) == -1)
			return sq_err_set(
				err, -errno, path,
				"%s: %s; counting its files takes root, or the user postfix",
				queues[i], strerror(errno));
		p->queue_rows[i] = sq_catalogue_metric(s, "postfix.queue", queues[i]);
	}
	return 0;
}

/* ---- the source ---- */

static void postfix_close(void *state)
{
	struct postfix *p = state;

	sq_follow_close(&p->log);
	if (p->queue != -1)
		close(p->queue);
}

static int postfix_open(void *state, const void *conf, struct sq_sample *s, struct sq_err *err)
{
	const struct postfix_conf *c = conf;
	struct postfix *p = state;
	int rc;

	*p = (struct postfix){ .sample = s, .queue = -1 };
	rc = sq_follow_open(&p->log, c->log, err);
	if (rc == 0 && c->queue)
		rc = open_queue(p, c->queue, s, err);
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
	return 0;
}

static void put(struct postfix *p, const struct count *c)
{
	sq_sample_put(p->sample, c->row, c->n);
}

static int postfix_sample(void *state, struct sq_sample *s)
{
	struct postfix *p = state;
	int rc = sq_follow_read(&p->log, on_line, p);

	(void)s;
	if (rc < 0)
		return rc;
	p->counts[SKIPPED].n += p->log.lost;
	p->counts[LINES].n += p->log.lost;
	p->log.lost = 0;
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
	  .help = "its queue_directory, whose files are counted; not counted when not given" },
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
	.close = postfix_close,
};
