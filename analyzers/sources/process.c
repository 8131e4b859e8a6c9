/* Processes: descriptors against their limit ("process.fds" of "named:123"), processor time, memory,
 * threads, context switches, and whether it is stopped.  Those that are named, or what the scenario
 * started on this host: the processes in the host's network namespace that descend from the keeper.
 *
 * What a reader would get wrong:
 * - squall's own workers and captures are left out.  A sink has a name of its own ("sink tcp").
 * - A run stands in a PID namespace: what it started has a number there, and another one outside.  Named
 *   processes are looked for among those first, and then on the whole machine, which is where a server
 *   is that the run did not start; such a one goes by the machine's number, as ps has it.
 * - Who is there is looked up each second, with the limit and the context switches; the rest is read
 *   at each tick.  A process that comes and goes in between is not seen.
 * - How busy threads are is read ten times a second, or as often as its cost allows; where that is less than
 *   four times, it is not counted: a rise of several ticks at one would look like a busy second.  Nothing is
 *   put then, for a 0 would be taken for an idle server.
 * - What is found late, under a new name or in a file that was written at last, counts from then on.
 * - That the last one has ended is an event. */
#include "analyzers/kernel/process.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "analyzers/catalogue.h"
#include "analyzers/kernel/process_rows.h"
#include "analyzers/thrift.h"
#include "base/clock.h"
#include "base/mem.h"
#include "scenarios/world.h"

#define BLUR (10 * SQ_MS) /* of a process's age */

enum {
	MOST = 256, /* watched at a time; three descriptors each */
	NAME_MAX_BYTES = 15,
};

/* By which /proc a process is known: that of the capture's PID namespace, or the machine's where that is
 * another one. */
enum whose { RUN, MACHINE, PROCS };

struct process_conf {
	struct sq_strings name;
	char *pidfile;
	int64_t pid;
};

struct watched {
	struct sq_process process;
	enum whose whose;
	bool given; /* by number, whatever its name */
	struct sq_process_rows rows;
};

struct processes {
	const struct process_conf *conf; /* NULL: what the scenario started */
	struct sq_sample *sample;
	int proc[PROCS]; /* MACHINE: borrowed, -1 where there is but one */
	bool has_run;    /* some of the run's were watched */
	struct sq_process_stat self;
	struct watched v[MOST];
	size_t n;
	unsigned unwatched_row;
	uint64_t unwatched; /* of the last look: beyond MOST */
	struct sq_thrift look;
	int64_t look_ns;             /* not before */
	int64_t looked_ns;           /* when the last look began; 0: there was none */
	char ended[SQ_PROCESS_NAME]; /* the last that did; "" none */
	bool nobody;                 /* that is told */
	struct sq_thrift busy;
	int64_t busy_ns; /* when it was last read */
};

/* ---- what is watched ---- */

static void watch(struct processes *p, const struct watched *who, const char *name)
{
	struct watched *w = &p->v[p->n++];

	*w = *who;
	sq_process_rows_init(&w->rows, p->sample, &w->process, name);
	p->has_run |= w->whose == RUN;
}

/* All of them, while that is cheap. */
static void put_all_busiest(struct processes *p, int64_t now_ns)
{
	bool counts = now_ns - p->busy_ns <= SQ_SEC / 4;

	if (!sq_thrift_begin(&p->busy))
		return;
	for (size_t i = 0; i < p->n; i++)
		sq_process_rows_put_busiest(&p->v[i].rows, &p->v[i].process, counts);
	p->busy_ns = now_ns;
	sq_thrift_end(&p->busy);
}

/* The process stays open, and is the caller's. */
static struct watched take_out(struct processes *p, size_t at)
{
	struct watched w = p->v[at];

	sq_process_rows_put_none(&w.rows);
	sq_process_rows_fini(&w.rows);
	snprintf(p->ended, sizeof(p->ended), "%s", w.rows.name);
	p->v[at] = p->v[--p->n];
	return w;
}

/* ---- who is there ---- */

static bool is_watched(const struct processes *p, enum whose whose, pid_t pid)
{
	for (size_t i = 0; i < p->n; i++)
		if (p->v[i].process.pid == pid && p->v[i].whose == whose)
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

/* What the run started stands in the machine's /proc too, under its other number. */
static bool is_wanted(const struct processes *p, const struct watched *w,
		      const struct sq_process_stat *s)
{
	if (w->given)
		return true;
	if (!p->conf)
		return is_of_run(p, &w->process, s);
	return is_named(p->conf, s) && (w->whose == RUN || !sq_process_same_numbers(&w->process));
}

/* It was there at the last look, and was not watched: its rows would rise by its whole life at once. */
static bool is_late(const struct processes *p, const struct sq_process_stat *s)
{
	return sq_now_ns() - sq_process_age_ns(s) + BLUR < p->looked_ns;
}

/* Watches it, or closes it and says false. */
static bool consider_open(struct processes *p, struct watched *w, const struct sq_process_stat *s)
{
	bool wanted = is_wanted(p, w, s), room = p->n < MOST;

	if (wanted && room) {
		watch(p, w, s->name);
		if (is_late(p, s))
			sq_process_rows_skip(&p->v[p->n - 1].rows, &p->v[p->n - 1].process, s);
	} else {
		sq_process_close(&w->process);
	}
	p->unwatched += wanted && !room;
	return wanted && room;
}

static void consider(struct processes *p, enum whose whose, pid_t pid, bool given)
{
	struct watched w = { .whose = whose, .given = given };
	struct sq_process_stat s;

	if (is_watched(p, whose, pid) || sq_process_open(&w.process, p->proc[whose], pid) < 0)
		return;
	if (sq_process_read(&w.process, &s) < 0)
		sq_process_close(&w.process);
	else
		consider_open(p, &w, &s);
}

/* What the run started has written the number that it has there, any other server the machine's.  One that
 * was the run's does not become the machine's when its process has ended. */
static void consider_pidfile(struct processes *p, const char *path)
{
	int64_t wall_ns;
	pid_t pid = sq_process_pidfile(path, &wall_ns);

	if (pid == 0)
		return;
	if (p->proc[MACHINE] == -1 || sq_process_began_by(p->proc[RUN], pid, wall_ns))
		consider(p, RUN, pid, true);
	else if (!p->has_run)
		consider(p, MACHINE, pid, true);
}

static int consider_all(struct processes *p, enum whose whose)
{
	int fd = openat(p->proc[whose], ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	DIR *proc = fd == -1 ? NULL : fdopendir(fd);
	const struct dirent *entry;

	if (!proc)
		return -errno;
	while ((entry = readdir(proc))) {
		long pid = strtol(entry->d_name, NULL, 10);

		if (pid > 0)
			consider(p, whose, (pid_t)pid, false);
	}
	closedir(proc);
	return 0;
}

/* A name that the run has is not looked for outside. */
static int consider_named(struct processes *p)
{
	int rc = consider_all(p, RUN);

	if (rc == 0 && p->conf && !p->has_run && p->proc[MACHINE] != -1)
		rc = consider_all(p, MACHINE);
	return rc;
}

static int look(struct processes *p)
{
	const struct process_conf *conf = p->conf;

	p->unwatched = 0;
	if (conf && conf->pid != SQ_OPT_UNSET)
		consider(p, p->proc[MACHINE] == -1 ? RUN : MACHINE, (pid_t)conf->pid, true);
	if (conf && conf->pidfile)
		consider_pidfile(p, conf->pidfile);
	return !conf || conf->name.n ? consider_named(p) : 0;
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
			snprintf(text, sizeof(text), "no process that is to be watched is there");
		sq_sample_event(p->sample, sq_now_ns(), text);
	}
	p->nobody = nobody;
}

/* ---- the source ---- */

/* Another program since the last reading is watched under its new name, if it is to be. */
static void rename_watched(struct processes *p, size_t at, const struct sq_process_stat *now)
{
	struct watched w = take_out(p, at);

	if (consider_open(p, &w, now))
		sq_process_rows_put(&p->v[p->n - 1].rows, &p->v[p->n - 1].process, now);
	p->look_ns = 0;
}

static void put_one(struct processes *p, size_t at, bool looks)
{
	struct watched *w = &p->v[at];
	struct sq_process_stat now;

	if (sq_process_read(&w->process, &now) < 0) {
		struct watched gone = take_out(p, at);

		sq_process_close(&gone.process);
		return;
	}
	if (strcmp(now.name, w->rows.name) != 0) {
		rename_watched(p, at, &now);
		return;
	}
	sq_process_rows_put(&w->rows, &w->process, &now);
	if (looks)
		sq_process_rows_put_slow(&w->rows, &w->process);
}

static int process_sample(void *state, struct sq_sample *s)
{
	struct processes *p = state;
	int64_t now_ns = sq_now_ns();
	bool looks = now_ns >= p->look_ns && sq_thrift_begin(&p->look);
	int rc = 0;

	if (looks) {
		p->look_ns = now_ns + SQ_SEC;
		rc = look(p);
		p->looked_ns = now_ns;
	}
	for (size_t i = p->n; rc == 0 && i-- > 0;)
		put_one(p, i, looks);
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
		sq_process_rows_fini(&p->v[p->n].rows);
	}
	close(p->proc[RUN]);
}

/* That there is a keeper is seen by its running the same program. */
static bool has_keeper(int proc, pid_t parent)
{
	struct sq_process keeper;
	bool same;

	if (sq_process_open(&keeper, proc, parent) < 0)
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
static int read_self(int proc, struct sq_process_stat *ret)
{
	struct sq_process self;
	char link[16] = "";
	int rc;

	if (readlinkat(proc, "self", link, sizeof(link) - 1) == -1)
		return -errno;
	rc = sq_process_open(&self, proc, (pid_t)strtol(link, NULL, 10));
	if (rc < 0)
		return rc;
	rc = sq_process_read(&self, ret);
	sq_process_close(&self);
	return rc;
}

static int open_own(struct processes *p, struct sq_err *err)
{
	int rc = p->proc[RUN] == -1 ? -errno : read_self(p->proc[RUN], &p->self);

	if (rc < 0)
		return sq_err_set(err, rc, "/proc/self", "%s; is /proc mounted?", strerror(-rc));
	/* The keeper begins the session; the parent of a capture by itself is the same program too. */
	if (!p->conf &&
	    (p->self.session != p->self.parent || !has_keeper(p->proc[RUN], p->self.parent)))
		return sq_err_set(err, -ENODATA, "",
				  "no process was named, and squall has started none here; give "
				  "\"name\", \"pidfile\" or \"pid\"");
	return 0;
}

static int process_open(void *state, const void *conf, struct sq_sample *s, struct sq_err *err)
{
	struct processes *p = state;
	int rc;

	*p = (struct processes){ .sample = s, .conf = is_given(conf) ? conf : NULL };
	p->proc[RUN] = open("/proc", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	p->proc[MACHINE] = sq_world_machine_proc();
	rc = open_own(p, err);
	if (rc == 0)
		p->unwatched_row = sq_catalogue_metric(s, "process.unwatched", NULL);
	else if (p->proc[RUN] != -1)
		close(p->proc[RUN]);
	return rc;
}

static const struct sq_opt process_opts[] = {
	{ .name = "name",
	  .type = SQ_OPT_STRINGS,
	  .offset = offsetof(struct process_conf, name),
	  .lone = true,
	  .help = "all processes of these names, as ps -o comm shows them: those that the run started, "
		  "else the machine's; without name, pidfile and pid: what the scenario started on "
		  "this host" },
	{ .name = "pidfile",
	  .type = SQ_OPT_STRING,
	  .offset = offsetof(struct process_conf, pidfile),
	  .help = "the process whose number stands in this file" },
	{ .name = "pid",
	  .type = SQ_OPT_INT,
	  .offset = offsetof(struct process_conf, pid),
	  .min = 1,
	  .max = 4194304,
	  .help = "the process of this number, as the machine counts them" },
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
