/* A worker's main thread: it waits for the supervisor's lines, the lanes' wake-ups and the next
 * second, and does nothing else, so that it costs the lanes no CPU.
 *
 * A tally goes round: the worker leaves an empty one as `spare` and asks for a swap; the lane puts
 * its full one into `full`; the worker writes that out and keeps it, now empty, for the next round.
 * At the very end the threads are joined and what is left is written.
 *
 * What a reader would get wrong: a lane that has finished goes on holding its connections until
 * all lanes of the worker have finished, since they are part of the world that the others load. */
#include "loadgen/engine/worker.h"

#include <sys/eventfd.h>
#include <sys/resource.h>

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/ctl.h"
#include "base/mem.h"
#include "loadgen/engine/lane_private.h"
#include "results/spool.h"

#define FLUSH_NS    SQ_SEC
#define FILES_READY 65536

struct worker_lane {
	struct sq_lane_run *run;
	struct sq_tally *empty; /* ready to be its next spare; NULL while a swap is under way */
	int64_t cpu_ns;
};

struct worker {
	const struct sq_worker_job *job;
	struct sq_spool *spool;
	struct worker_lane *lanes;
	size_t n_lanes, cap_lanes;
	int wake_fd;
	int64_t t0_ns, flush_at_ns; /* SQ_NEVER before "go" */
	bool failed;
	struct sq_err err; /* the first that went wrong */
};

static void spool(struct worker *w, json_t *record)
{
	struct sq_err err = { 0 };

	if (sq_spool_write(w->spool, record, &err) == 0 || w->failed)
		return;
	w->failed = true;
	w->err = err;
}

static int64_t since_start(const struct worker *w)
{
	return sq_now_ns() - w->t0_ns;
}

/* ---- what the lanes saw ---- */

static void write_tally(struct worker *w, const struct worker_lane *lane, struct sq_tally *tally)
{
	json_t *record = sq_tally_flush(tally);

	if (!record)
		return;
	json_object_set_new(record, "load", json_string(lane->run->pub.load->spec->name));
	json_object_set_new(record, "lane", json_integer(lane->run->pub.index));
	json_object_set_new(record, "t", json_integer(since_start(w)));
	if (lane->run->pub.id)
		json_object_set_new(record, "id", json_sprintf("%016" PRIx64, lane->run->pub.id));
	spool(w, record);
}

/* -1: not to be had. */
static json_int_t rss_bytes(void)
{
	FILE *f = fopen("/proc/self/statm", "re");
	char line[128] = "";
	const char *resident;

	if (!f)
		return -1;
	resident = fgets(line, sizeof(line), f) ? strchr(line, ' ') : NULL;
	fclose(f);
	return resident ? strtoll(resident, NULL, 10) * sysconf(_SC_PAGESIZE) : -1;
}

static void write_usage(struct worker *w)
{
	json_t *cpu = json_object();
	json_int_t rss = rss_bytes(), peak;
	struct rusage usage;

	for (size_t i = 0; i < w->n_lanes; i++) {
		struct worker_lane *lane = &w->lanes[i];
		const char *load = lane->run->pub.load->spec->name;
		double sum = json_number_value(json_object_get(cpu, load));

		lane->cpu_ns = sq_lane_cpu_ns(lane->run, lane->cpu_ns);
		json_object_set_new(cpu, load, json_real(sum + sq_seconds(lane->cpu_ns)));
	}
	getrusage(RUSAGE_SELF, &usage);
	/* The kernel notes its peak a little late. */
	peak = (json_int_t)usage.ru_maxrss * 1024 > rss ? (json_int_t)usage.ru_maxrss * 1024 : rss;
	spool(w, json_pack("{s:s, s:I, s:o, s:o, s:I}", "k", "usage", "t",
			   (json_int_t)since_start(w), "cpu_s", cpu, "rss_bytes",
			   rss < 0 ? json_null() : json_integer(rss), "peak_rss_bytes", peak));
}

static void ask_for_tallies(struct worker *w)
{
	for (size_t i = 0; i < w->n_lanes; i++) {
		struct worker_lane *lane = &w->lanes[i];

		/* One that has not answered yet is busy: what it has will come with the next. */
		if (!lane->empty)
			continue;
		atomic_store(&lane->run->spare, lane->empty);
		lane->empty = NULL;
		sq_lane_command(lane->run, SQ_LANE_SWAP);
	}
	write_usage(w);
}

static void take_tallies(struct worker *w)
{
	for (size_t i = 0; i < w->n_lanes; i++) {
		struct worker_lane *lane = &w->lanes[i];
		struct sq_tally *full = atomic_exchange(&lane->run->full, NULL);

		if (!full)
			continue;
		write_tally(w, lane, full);
		lane->empty = full;
	}
}

/* The threads have ended: all of a lane's is the worker's. */
static void write_rest(struct worker *w)
{
	take_tallies(w);
	for (size_t i = 0; i < w->n_lanes; i++)
		write_tally(w, &w->lanes[i], w->lanes[i].run->tally);
	write_usage(w);
}

/* ---- lanes ---- */

static void command_all(struct worker *w, unsigned commands)
{
	for (size_t i = 0; i < w->n_lanes; i++)
		sq_lane_command(w->lanes[i].run, commands);
}

static bool all_reached(const struct worker *w, enum sq_lane_state state)
{
	for (size_t i = 0; i < w->n_lanes; i++)
		if (sq_lane_state(w->lanes[i].run) < state)
			return false;
	return true;
}

static int lane_make(struct worker *w, const struct sq_load_plan *load, unsigned index)
{
	struct sq_live_lane *live = &w->job->live->lane[w->job->first_lane + w->n_lanes];
	struct worker_lane *lane;

	w->lanes = sq_grow(w->lanes, w->n_lanes, &w->cap_lanes, sizeof(*w->lanes));
	lane = &w->lanes[w->n_lanes];
	memset(lane, 0, sizeof(*lane));
	lane->run = sq_lane_new(w->job->plan, load, index, live, w->wake_fd, &w->err);
	if (!lane->run)
		return w->err.code;
	lane->empty = atomic_exchange(&lane->run->spare, NULL);
	w->n_lanes++;
	return 0;
}

static int lanes_make(struct worker *w)
{
	const struct sq_plan *plan = w->job->plan;
	int rc = 0;

	for (size_t i = 0; i < plan->n_loads; i++) {
		const struct sq_load_plan *load = &plan->loads[i];

		if (load->host != w->job->host)
			continue;
		for (int64_t t = 0; rc == 0 && t < load->spec->threads; t++)
			if (sq_load_worker(load, t) == w->job->worker)
				rc = lane_make(w, load, (unsigned)t);
	}
	return rc;
}

static int lanes_start(struct worker *w)
{
	for (size_t i = 0; i < w->n_lanes; i++) {
		int rc = sq_lane_start(w->lanes[i].run, &w->err);

		if (rc < 0)
			return rc;
	}
	return 0;
}

/* After SQ_LANE_STOP and END, or a lane_init that failed, every thread ends by itself. */
static void lanes_join(struct worker *w)
{
	for (size_t i = 0; i < w->n_lanes; i++)
		sq_lane_join(w->lanes[i].run);
}

/* ---- the loop ---- */

static void on_line(struct worker *w, const char *line)
{
	if (strncmp(line, "go ", 3) == 0 && w->flush_at_ns == SQ_NEVER) {
		w->t0_ns = strtoll(line + 3, NULL, 10);
		w->flush_at_ns = w->t0_ns + FLUSH_NS;
		for (size_t i = 0; i < w->n_lanes; i++)
			atomic_store(&w->lanes[i].run->go_ns, w->t0_ns);
		command_all(w, SQ_LANE_GO);
		write_usage(w); /* what it takes before it has done anything */
	} else if (strcmp(line, "drain") == 0) {
		command_all(w, SQ_LANE_DRAIN);
	} else if (strcmp(line, "stop") == 0) {
		command_all(w, SQ_LANE_STOP);
	}
}

static void wait_until(struct worker *w, int64_t until_ns)
{
	struct pollfd fds[2] = {
		{ .fd = w->job->ctl, .events = POLLIN },
		{ .fd = w->wake_fd, .events = POLLIN },
	};
	int64_t left = until_ns == SQ_NEVER ? SQ_NEVER : until_ns - sq_now_ns();
	struct timespec ts = { .tv_sec = left / SQ_SEC, .tv_nsec = left % SQ_SEC };
	char line[SQ_CTL_LINE];
	uint64_t wakes;

	if (left <= 0)
		ts = (struct timespec){ 0 };
	if (ppoll(fds, 2, until_ns == SQ_NEVER ? NULL : &ts, NULL) == -1)
		return;
	if (fds[0].revents) {
		/* Without a supervisor nobody bounds this run or reads it: it ends with it, at
		 * once, and whatever its threads are doing. */
		if (sq_ctl_recv(w->job->ctl, line, 0) <= 0)
			_exit(1);
		on_line(w, line);
	}
	if (fds[1].revents && read(w->wake_fd, &wakes, sizeof(wakes)) == sizeof(wakes))
		take_tallies(w);
}

/* One round, at most until the next second. */
static void pump(struct worker *w)
{
	wait_until(w, w->flush_at_ns);
	if (sq_now_ns() < w->flush_at_ns)
		return;
	ask_for_tallies(w);
	/* Absolute, so that flushes don't drift; seconds that were slept through are not made up. */
	while (w->flush_at_ns <= sq_now_ns())
		w->flush_at_ns += FLUSH_NS;
}

static int await_ready(struct worker *w)
{
	for (;;) {
		bool ready = true;

		for (size_t i = 0; i < w->n_lanes; i++) {
			enum sq_lane_state state = sq_lane_state(w->lanes[i].run);

			if (state == SQ_LANE_FAILED) {
				w->err = w->lanes[i].run->err;
				return w->err.code ? w->err.code : -EIO;
			}
			ready = ready && state >= SQ_LANE_READY;
		}
		if (ready)
			return 0;
		pump(w);
	}
}

static void run(struct worker *w)
{
	while (!w->failed && !all_reached(w, SQ_LANE_FINISHED))
		pump(w);
	command_all(w, w->failed ? SQ_LANE_STOP | SQ_LANE_END : SQ_LANE_END);
	while (!all_reached(w, SQ_LANE_ENDED))
		pump(w);
	lanes_join(w);
	write_rest(w);
	spool(w, json_pack("{s:s, s:I}", "k", "done", "t", (json_int_t)since_start(w)));
}

/* ---- set-up ---- */

/* Ctrl-C is the supervisor's to act on, which then says "drain"; a limit of file sizes is a write
 * error of the spool's. */
static void ignore_signals(void)
{
	const int ignored[] = { SIGINT, SIGTERM, SIGHUP, SIGPIPE, SIGXFSZ };

	for (size_t i = 0; i < sizeof(ignored) / sizeof(*ignored); i++)
		signal(ignored[i], SIG_IGN);
}

/* As many descriptors as may be, and their table at its size before there are threads: with threads
 * the kernel waits for an RCU grace period each time that the table grows, which is milliseconds in
 * the middle of a burst. */
static void raise_nofile(int any_fd)
{
	struct rlimit limit;
	rlim_t ready;
	int fd;

	if (getrlimit(RLIMIT_NOFILE, &limit) == -1)
		return;
	limit.rlim_cur = limit.rlim_max;
	setrlimit(RLIMIT_NOFILE, &limit);
	ready = limit.rlim_max < FILES_READY ? limit.rlim_max : FILES_READY;
	fd = fcntl(any_fd, F_DUPFD_CLOEXEC, (int)ready - 1);
	if (fd >= 0)
		close(fd);
}

/* A host's name has no dot, so that nobody takes the worker's number for a part of it. */
static struct sq_spool *spool_open(const struct sq_worker_job *job, struct sq_err *err)
{
	const char *host = job->plan->hosts[job->host].name;
	char *name = job->worker ? sq_printf_dup("load-%s.%zu", host, job->worker)
				 : sq_printf_dup("load-%s", host);
	struct sq_spool *spool = sq_spool_open(job->dirfd, name, err);

	free(name);
	return spool;
}

static int worker_open(struct worker *w)
{
	int rc;

	w->spool = spool_open(w->job, &w->err);
	if (!w->spool)
		return w->err.code;
	w->wake_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	if (w->wake_fd == -1)
		return sq_err_set(&w->err, -errno, "", "eventfd: %s", strerror(errno));
	rc = lanes_make(w);
	if (rc == 0)
		rc = lanes_start(w);
	return rc < 0 ? rc : await_ready(w);
}

static void worker_close(struct worker *w)
{
	for (size_t i = 0; i < w->n_lanes; i++) {
		sq_tally_free(w->lanes[i].empty);
		sq_lane_free(w->lanes[i].run);
	}
	free(w->lanes);
	if (w->wake_fd >= 0)
		close(w->wake_fd);
}

static int say_error(struct worker *w)
{
	sq_ctl_send(w->job->ctl, "error %s%s%s", w->err.where, w->err.where[0] ? ": " : "",
		    w->err.text);
	return 1;
}

int sq_worker_main(const struct sq_worker_job *job)
{
	struct worker w = { .job = job, .wake_fd = -1, .flush_at_ns = SQ_NEVER };

	ignore_signals();
	raise_nofile(job->ctl);
	if (worker_open(&w) < 0) {
		command_all(&w, SQ_LANE_STOP | SQ_LANE_END);
		lanes_join(&w);
		w.failed = true;
	} else {
		sq_ctl_send(job->ctl, "ready");
		run(&w);
	}
	worker_close(&w);
	if (w.spool && sq_spool_close(w.spool, w.failed ? NULL : &w.err) < 0)
		w.failed = true;
	if (w.failed)
		return say_error(&w);
	sq_ctl_send(job->ctl, "done");
	return 0;
}
