/* Processes: descriptors against their limit ("process.fds" of "named:123"), processor time, memory,
 * threads, context switches, and whether it is stopped.  Those that are named, or what the scenario
 * started on this host: the processes in the host's network namespace that descend from the keeper.
 *
 * What a reader would get wrong:
 * - squall's own workers and captures are left out.  A sink has a name of its own ("sink tcp").
 * - Who is there is looked up each second, with the limit and the context switches; the rest is read
 *   at each tick.  A process that comes and goes in between is not seen.
 * - How busy threads are is read ten times a second, or as often as its cost allows; where that is less than
 *   four times, it is not counted: a rise of several ticks at one would look like a busy second.  Nothing is
 *   put then, for a 0 would be taken for an idle server.
 * - A process that has ended stands at 0, of all that it held; when it was the last, that is an event. */
#include "analyzers/kernel/process.h"

#include <sys/prctl.h>

#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "analyzers/catalogue.h"
#include "analyzers/kernel/threads.h"
#include "analyzers/thrift.h"
#include "base/clock.h"
#include "base/mem.h"

enum {
	MOST = 256, /* watched at a time; three descriptors each */
	NAME_MAX_BYTES = 15,
};

enum row { FDS, FDS_LIMIT, RSS, THREADS, STOPPED, CPU, BUSIEST, VOLUNTARY, FORCED, ROWS };

static const char *const rows[ROWS] = {
	[FDS] = "process.fds",
	[FDS_LIMIT] = "process.fds_limit",
	[RSS] = "process.rss",
	[THREADS] = "process.threads",
	[STOPPED] = "process.stopped",
	[CPU] = "process.cpu",
	[BUSIEST] = "process.busiest",
	[VOLUNTARY] = "process.switches_voluntary",
	[FORCED] = "process.switches_forced",
};

/* What a process that has ended has none of. */
static const enum row held[] = { FDS, RSS, THREADS, STOPPED };

struct process_conf {
	struct sq_strings name;
	char *pidfile;
	int64_t pid;
};

struct watched {
	struct sq_process process;
	char name[SQ_PROCESS_NAME];
	unsigned row[ROWS];
	uint64_t voluntary, forced;           /* as reported */
	uint64_t live_voluntary, live_forced; /* of the threads that there were last */
	struct sq_threads threads;
	bool accountable; /* the kernel says what its threads wanted */
};

struct processes {
	const struct process_conf *conf; /* NULL: what the scenario started */
	struct sq_sample *sample;
	struct sq_process_stat self;
	struct watched v[MOST];
	size_t n;
	unsigned unwatched_row;
	uint64_t unwatched; /* of the last look: beyond MOST */
	struct sq_thrift look;
	int64_t look_ns;             /* not before */
	char ended[SQ_PROCESS_NAME]; /* the last that did; "" none */
	bool nobody;                 /* that is told */
	struct sq_thrift busy;
	int64_t busy_ns; /* when it was last read */
};

/* ---- one process ---- */

static void watch(struct processes *p, const struct sq_process *process, const char *name)
{
	struct watched *w = &p->v[p->n++];
	char instance[SQ_PROCESS_NAME + 16];

	*w = (struct watched){ .process = *process };
	w->accountable = sq_threads_read(&w->threads, process, false) == 0;
	snprintf(w->name, sizeof(w->name), "%s", name);
	snprintf(instance, sizeof(instance), "%s:%d", name, (int)process->pid);
	for (size_t i = 0; i < ROWS; i++)
		w->row[i] = i == BUSIEST && !w->accountable
				    ? 0
				    : sq_catalogue_metric(p->sample, rows[i], instance);
}

/* A sum over the threads that there are falls when one ends: what it had is kept. */
static void add_rise(uint64_t *sum, uint64_t *live, uint64_t now)
{
	if (now > *live)
		*sum += now - *live;
	*live = now;
}

/* What needs no reading at each tick. */
static void put_slow(struct processes *p, struct watched *w)
{
	uint64_t limit, voluntary, forced;

	if (sq_process_descriptor_limit(&w->process, &limit) == 0)
		sq_sample_put(p->sample, w->row[FDS_LIMIT], limit);
	if (sq_process_switches(&w->process, &voluntary, &forced) < 0)
		return;
	add_rise(&w->voluntary, &w->live_voluntary, voluntary);
	add_rise(&w->forced, &w->live_forced, forced);
	sq_sample_put(p->sample, w->row[VOLUNTARY], w->voluntary);
	sq_sample_put(p->sample, w->row[FORCED], w->forced);
}

static void put_busiest(struct processes *p, struct watched *w, bool counts)
{
	int rc = w->accountable ? sq_threads_read(&w->threads, &w->process, counts) : -ENODATA;

	if (rc == 0 && counts)
		sq_sample_put(p->sample, w->row[BUSIEST], w->threads.busiest_ns / (uint64_t)SQ_MS);
}

/* All of them, while that is cheap. */
static void put_all_busiest(struct processes *p, int64_t now_ns)
{
	bool counts = now_ns - p->busy_ns <= SQ_SEC / 4;

	if (!sq_thrift_begin(&p->busy))
		return;
	for (size_t i = 0; i < p->n; i++)
		put_busiest(p, &p->v[i], counts);
	p->busy_ns = now_ns;
	sq_thrift_end(&p->busy);
}

/* 0, or -ESRCH: it has ended, or became another program, which is watched under its own name. */
static int put_fast(struct processes *p, struct watched *w)
{
	struct sq_process_stat now;
	uint64_t fds;
	int rc = sq_process_read(&w->process, &now);

	if (rc < 0)
		return rc;
	if (strcmp(now.name, w->name) != 0) {
		p->look_ns = 0;
		return -ESRCH;
	}
	if (sq_process_descriptors(&w->process, &fds) == 0)
		sq_sample_put(p->sample, w->row[FDS], fds);
	sq_sample_put(p->sample, w->row[RSS], now.rss_bytes);
	sq_sample_put(p->sample, w->row[THREADS], now.threads);
	sq_sample_put(p->sample, w->row[STOPPED], now.state == 'T' || now.state == 't');
	sq_sample_put(p->sample, w->row[CPU], now.cpu_ms);
	return 0;
}

static void forget(struct processes *p, size_t at)
{
	struct watched *w = &p->v[at];

	for (size_t i = 0; i < sizeof(held) / sizeof(held[0]); i++)
		sq_sample_put(p->sample, w->row[held[i]], 0);
	sq_process_close(&w->process);
	snprintf(p->ended, sizeof(p->ended), "%s", w->name);
	sq_threads_fini(&w->threads);
	*w = p->v[--p->n];
}

/* ---- who is there ---- */

static bool is_watched(const struct processes *p, pid_t pid)
{
	for (size_t i = 0; i < p->n; i++)
		if (p->v[i].process.pid == pid)
			return true;
	return false;
}

static bool is_named(const struct process_conf *conf, const struct sq_process_stat *s)
{
	for (size_t i = 0; i < conf->name.n; i++)
		if (strncmp(conf->name.v[i], s->name, NAME_MAX_BYTES) == 0)
			return true;
	return false;
}

/* The keeper begins a session of its own; in a PID namespace that it is the init of, all are its. */
static bool is_of_run(const struct processes *p, const struct sq_process *process,
		      const struct sq_process_stat *s)
{
	return (p->self.parent == 1 || s->session == p->self.session) &&
	       sq_process_same_network(process) &&
	       !(strcmp(s->name, p->self.name) == 0 && sq_process_same_program(process));
}

static void consider(struct processes *p, pid_t pid, bool given)
{
	struct sq_process process;
	struct sq_process_stat s;
	bool wanted;

	if (is_watched(p, pid) || sq_process_open(&process, pid) < 0)
		return;
	wanted = sq_process_read(&process, &s) == 0 &&
		 (given || (p->conf ? is_named(p->conf, &s) : is_of_run(p, &process, &s)));
	if (wanted && p->n < MOST)
		watch(p, &process, s.name);
	else
		sq_process_close(&process);
	p->unwatched += wanted && p->n == MOST;
}

static int64_t read_pidfile(const char *path)
{
	FILE *f = fopen(path, "re");
	char text[32] = "";

	if (f && !fgets(text, sizeof(text), f))
		text[0] = '\0';
	if (f)
		fclose(f);
	return strtoll(text, NULL, 10);
}

static int consider_all(struct processes *p)
{
	DIR *proc = opendir("/proc");
	const struct dirent *entry;

	if (!proc)
		return -errno;
	while ((entry = readdir(proc))) {
		long pid = strtol(entry->d_name, NULL, 10);

		if (pid > 0)
			consider(p, (pid_t)pid, false);
	}
	closedir(proc);
	return 0;
}

static int look(struct processes *p)
{
	int64_t pid;

	p->unwatched = 0;
	if (p->conf && p->conf->pid != SQ_OPT_UNSET)
		consider(p, (pid_t)p->conf->pid, true);
	if (p->conf && p->conf->pidfile) {
		pid = read_pidfile(p->conf->pidfile);
		if (pid > 0)
			consider(p, (pid_t)pid, true);
	}
	return !p->conf || p->conf->name.n ? consider_all(p) : 0;
}

/* One of many may come and go; that none is left is a server's end.  Of what the scenario started its
 * supervisor tells. */
static void tell_nobody(struct processes *p)
{
	char text[SQ_PROCESS_NAME + 128];
	bool nobody = p->conf && p->n == 0;

	if (nobody && !p->nobody) {
		if (p->ended[0])
			snprintf(text, sizeof(text),
				 "%s has ended, and no process that is watched is left", p->ended);
		else
			snprintf(text, sizeof(text), "no process that is to be watched is there%s",
				 p->self.parent == 1
					 ? "; a run sees what it started, squall capture "
					   "beside it sees all"
					 : "");
		sq_sample_event(p->sample, sq_now_ns(), text);
	}
	p->nobody = nobody;
}

/* ---- the source ---- */

static int process_sample(void *state, struct sq_sample *s)
{
	struct processes *p = state;
	int64_t now_ns = sq_now_ns();
	bool looks = now_ns >= p->look_ns && sq_thrift_begin(&p->look);
	int rc = 0;

	if (looks) {
		p->look_ns = now_ns + SQ_SEC;
		rc = look(p);
	}
	for (size_t i = p->n; rc == 0 && i-- > 0;) {
		if (put_fast(p, &p->v[i]) < 0)
			forget(p, i);
		else if (looks)
			put_slow(p, &p->v[i]);
	}
	if (looks)
		sq_thrift_end(&p->look);
	tell_nobody(p);
	put_all_busiest(p, now_ns);
	sq_sample_put(s, p->unwatched_row, p->unwatched);
	return rc;
}

static void process_close(void *state)
{
	struct processes *p = state;

	while (p->n > 0) {
		sq_process_close(&p->v[--p->n].process);
		sq_threads_fini(&p->v[p->n].threads);
	}
}

/* That there is a keeper is seen by its running the same program. */
static bool has_keeper(pid_t parent)
{
	struct sq_process keeper;
	bool same;

	if (sq_process_open(&keeper, parent) < 0)
		return false;
	same = sq_process_same_program(&keeper);
	sq_process_close(&keeper);
	return same;
}

static bool is_given(const struct process_conf *c)
{
	return c && (c->name.n || c->pidfile || c->pid != SQ_OPT_UNSET);
}

/* /proc may be another PID namespace's than getpid()'s. */
static int read_self(struct sq_process_stat *ret)
{
	struct sq_process self;
	char link[16] = "";
	int rc;

	if (readlink("/proc/self", link, sizeof(link) - 1) == -1)
		return -errno;
	rc = sq_process_open(&self, (pid_t)strtol(link, NULL, 10));
	if (rc < 0)
		return rc;
	rc = sq_process_read(&self, ret);
	sq_process_close(&self);
	return rc;
}

static int process_open(void *state, const void *conf, struct sq_sample *s, struct sq_err *err)
{
	struct processes *p = state;
	int rc;

	*p = (struct processes){ .sample = s, .conf = is_given(conf) ? conf : NULL };
	rc = read_self(&p->self);
	if (rc < 0)
		return sq_err_set(err, rc, "/proc/self", "%s; is /proc mounted?", strerror(-rc));
	/* The keeper begins the session; the parent of a capture by itself is the same program too. */
	if (!p->conf && (p->self.session != p->self.parent || !has_keeper(p->self.parent)))
		return sq_err_set(err, -ENODATA, "",
				  "no process was named, and squall has started none here; give "
				  "\"name\", \"pidfile\" or \"pid\"");
	p->unwatched_row = sq_catalogue_metric(s, "process.unwatched", NULL);
	return 0;
}

static const struct sq_opt process_opts[] = {
	{ .name = "name",
	  .type = SQ_OPT_STRINGS,
	  .offset = offsetof(struct process_conf, name),
	  .lone = true,
	  .help = "all processes of these names, as ps -o comm shows them; without name, pidfile and "
		  "pid: what the scenario started on this host" },
	{ .name = "pidfile",
	  .type = SQ_OPT_STRING,
	  .offset = offsetof(struct process_conf, pidfile),
	  .help = "the process whose number stands in this file" },
	{ .name = "pid",
	  .type = SQ_OPT_INT,
	  .offset = offsetof(struct process_conf, pid),
	  .min = 1,
	  .max = 4194304,
	  .help = "the process of this number" },
	{ 0 },
};

const struct sq_source sq_source_process = {
	.kind = {
		.name = "process",
		.summary = "servers' descriptors, processor time, memory, threads and context switches (/proc)",
		.opts = process_opts,
		.conf_size = sizeof(struct process_conf),
	},
	.group = "linux",
	.state_size = sizeof(struct processes),
	.open = process_open,
	.sample = process_sample,
	.close = process_close,
};
