/* The kernel's log: lines that name a mechanism of failure become events of the run, from where the log
 * stood when the capture began.  No rows.
 *
 * What a reader would get wrong:
 * - A hint, never a count: the kernel says most of these lines a few times in 5 s, whatever happens,
 *   and some not at all (300 aborts for orphans gave 0 lines once).
 * - The log is the whole machine's, so each captured host of a world reports the same line.
 * - The kernel's stamps are of a clock that drifts from CLOCK_MONOTONIC, so they are trusted only
 *   between one reading and the next.
 * - Others may write to the log too (facility 1 and up), and their lines are read like the kernel's. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "analyzers/source.h"
#include "base/clock.h"

enum {
	RECORD = 8192, /* the longest that the kernel hands out */
	BUDGET = 500,  /* records a tick; the rest waits in the kernel */
	TOLD = 20,     /* events of one kind, a run */
};

/* Parts of the lines, by what they tell of. */
static const char *const texts[] = {
	"neighbor table overflow",
	"neighbour table overflow",
	"too many orphaned sockets",
	"out of memory -- consider tuning tcp_mem",
	"Out of socket memory",
	"ossible SYN flooding",
	"table full, dropping packet", /* nf_conntrack */
	"time wait bucket table overflow",
	"file-max limit",
	"page allocation failure",
	"Out of memory: Kill",
	"Memory cgroup out of memory",
	"transmit queue", /* NETDEV WATCHDOG: timed out */
	" segfault at ",
	"rcu_sched detected stalls",
	"soft lockup",
	"blocked for more than",
};

enum { TEXTS = sizeof(texts) / sizeof(texts[0]) };

struct kernel_log {
	int fd;
	int64_t read_ns; /* until when it was read */
	unsigned told[TEXTS];
};

static int64_t clamp(int64_t value, int64_t least, int64_t most)
{
	return value < least ? least : value > most ? most : value;
}

static void tell(struct kernel_log *k, struct sq_sample *s, size_t kind, int64_t t_ns,
		 const char *line)
{
	char text[1024];
	const char *note = "";

	if (k->told[kind] >= TOLD)
		return;
	if (++k->told[kind] == 1)
		note = " (of the whole machine; the kernel limits how often it says so)";
	if (k->told[kind] == TOLD)
		note = " (further lines like it are left out)";
	snprintf(text, sizeof(text), "%.900s%s", line, note);
	sq_sample_event(s, t_ns, text);
}

/* "PRIORITY,NUMBER,MICROSECONDS,FLAGS;LINE" and lines of further facts. */
static void take_record(struct kernel_log *k, struct sq_sample *s, char *record, int64_t now_ns)
{
	char *line = strchr(record, ';'), *stamp = strchr(record, ',');
	int64_t t_ns;

	stamp = stamp ? strchr(stamp + 1, ',') : NULL;
	if (!line || !stamp || stamp > line)
		return;
	t_ns = clamp(strtoll(stamp + 1, NULL, 10), 0, INT64_MAX / SQ_US) * SQ_US;
	line[strcspn(line, "\n")] = '\0';
	for (size_t i = 0; i < TEXTS; i++) {
		if (!strstr(line + 1, texts[i]))
			continue;
		tell(k, s, i, clamp(t_ns, k->read_ns, now_ns), line + 1);
		return;
	}
}

static int kernel_log_sample(void *state, struct sq_sample *s)
{
	struct kernel_log *k = state;
	int64_t now_ns = sq_now_ns();
	char record[RECORD + 1];

	for (size_t i = 0; i < BUDGET; i++) {
		ssize_t len = read(k->fd, record, RECORD);

		if (len == -1 && errno == EPIPE) {
			sq_sample_event(s, now_ns,
					"lines were written over before they could be read");
			continue;
		}
		if (len == -1 && errno == EAGAIN)
			break;
		if (len == -1)
			return -errno;
		record[len] = '\0';
		take_record(k, s, record, now_ns);
	}
	k->read_ns = now_ns;
	return 0;
}

static void kernel_log_close(void *state)
{
	struct kernel_log *k = state;

	close(k->fd);
}

static int complain(int rc, struct sq_err *err)
{
	if (rc == -EPERM || rc == -EACCES)
		return sq_err_set(err, rc, "/dev/kmsg",
				  "reading the kernel's log takes root (CAP_SYSLOG), or the sysctl "
				  "kernel.dmesg_restrict at 0 and a /dev/kmsg that may be read");
	return sq_err_set(err, rc, "/dev/kmsg", "%s", strerror(-rc));
}

static int kernel_log_open(void *state, const void *conf, struct sq_sample *s, struct sq_err *err)
{
	struct kernel_log *k = state;
	int rc;

	(void)conf;
	(void)s;
	*k = (struct kernel_log){ .fd = open("/dev/kmsg", O_RDONLY | O_NONBLOCK | O_CLOEXEC) };
	if (k->fd == -1)
		return complain(-errno, err);
	if (lseek(k->fd, 0, SEEK_END) == -1) {
		rc = complain(-errno, err);
		close(k->fd);
		return rc;
	}
	k->read_ns = sq_now_ns();
	return 0;
}

const struct sq_source sq_source_kernel_log = {
	.kind = {
		.name = "kernel_log",
		.summary = "lines of the kernel's log that name a mechanism of failure, as events (/dev/kmsg)",
	},
	.group = "linux",
	.state_size = sizeof(struct kernel_log),
	.open = kernel_log_open,
	.sample = kernel_log_sample,
	.close = kernel_log_close,
};
