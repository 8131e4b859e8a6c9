/* squall capture: counters by themselves, to a file, to standard output, or as a table.
 *
 * A child reads, exactly as a run's capture does, at the end of the same channel (base/ctl.h); what stands
 * here is what the supervisor is to a run: when it begins, when it ends, what is said to it.
 *
 * What a reader would get wrong: with --stdout the lines of that channel come on standard input, "ping N"
 * among them, whose answer is in the records.  So a squall at another machine asks for the time here,
 * says when a run begins, and ends it; the end of a pipe ends it too, a terminal's or /dev/null's does not. */
#include "analyzers/capture/capture.h"

#include <sys/signalfd.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/ctl.h"
#include "base/interrupt.h"
#include "base/json.h"
#include "base/mem.h"
#include "cli/args.h"
#include "cli/capture_table.h"
#include "cli/command.h"
#include "cli/execute.h"

struct capture_args {
	struct sq_strings source;
	char *where, *host, *out;
	int64_t interval_ns, duration_ns;
	bool to_stdout, table, all;
};

#define ARG(member) offsetof(struct capture_args, member)

static const struct sq_opt capture_opts[] = {
	{ .name = "source",
	  .type = SQ_OPT_STRINGS,
	  .offset = ARG(source),
	  .help = "counters to read: a source's name, or an object as in a scenario's \"capture\"; may "
		  "be repeated (default linux)" },
	{ .name = "where",
	  .type = SQ_OPT_STRING,
	  .offset = ARG(where),
	  .help = "another machine: ssh:HOST, or exec:COMMAND for any command that gives a shell on its "
		  "pipes (default this machine)" },
	{ .name = "interval",
	  .type = SQ_OPT_DURATION,
	  .offset = ARG(interval_ns),
	  .min = 10 * SQ_MS,
	  .max = 3600.0 * SQ_SEC,
	  .help = "the time from reading to reading (default 100ms, 1s for a table alone)" },
	{ .name = "duration",
	  .type = SQ_OPT_DURATION,
	  .offset = ARG(duration_ns),
	  .min = SQ_MS,
	  .help = "how long (default until Ctrl-C)" },
	{ .name = "out",
	  .type = SQ_OPT_STRING,
	  .offset = ARG(out),
	  .help = "a file for squall analyze DIR --counters FILE" },
	{ .name = "stdout",
	  .type = SQ_OPT_BOOL,
	  .offset = ARG(to_stdout),
	  .help = "the same records to standard output; \"stop\" on standard input ends it" },
	{ .name = "table",
	  .type = SQ_OPT_BOOL,
	  .offset = ARG(table),
	  .help = "what rose and how fast, each interval, and the gauges that moved by a twentieth; also "
		  "when neither file nor stdout is given" },
	{ .name = "all",
	  .type = SQ_OPT_BOOL,
	  .offset = ARG(all),
	  .help = "in the table: every gauge that changed, each processor beside the sum of all, and what "
		  "each source's readings took" },
	{ .name = "host",
	  .type = SQ_OPT_STRING,
	  .offset = ARG(host),
	  .help = "what the machine is called in the records (default its own name)" },
	{ 0 },
};

#define TOGETHER (SQ_SEC / 20)

/* The plan of one host that nothing else is done on. */
struct watch {
	struct sq_capture_spec *specs;
	struct sq_plan plan;
	struct sq_host_plan host;
	char name[256];
};

/* What the command is while its child reads. */
struct relay {
	int ctl, signals, records; /* records: -1, or a pipe that the table is drawn from */
	int out;                   /* and copied to; -1: nowhere */
	bool input, ending, done;
	int64_t until_ns;
	struct sq_buf line, input_line;
	struct sq_capture_table *table;
	int status;
};

/* ---- what is read ---- */

static json_t *spec_of(const char *text, const struct capture_args *args, struct sq_err *err)
{
	json_t *doc = *text == '{' ? sq_json_load_text(text, strlen(text), "--source", err)
				   : json_pack("{s:s}", "source", text);
	char interval[32];

	if (doc && args->interval_ns != SQ_OPT_UNSET && !json_object_get(doc, "interval")) {
		snprintf(interval, sizeof(interval), "%lldns", (long long)args->interval_ns);
		json_object_set_new(doc, "interval", json_string(interval));
	}
	return doc;
}

static int add_source(struct watch *w, const char *text, const struct capture_args *args,
		      struct sq_err *err)
{
	const struct sq_opt_ctx ctx = { .file = "--source", .families = sq_families() };
	struct sq_capture_spec *spec = &w->specs[w->plan.n_captures];
	json_t *doc = spec_of(text, args, err);
	int rc = doc ? sq_opt_parse(&ctx, sq_capture_opts, doc, "", spec, err) : err->code;

	json_decref(doc);
	if (rc < 0)
		return rc;
	if (spec->where || spec->host) {
		sq_opt_fini(sq_capture_opts, spec);
		return sq_err_set(
			err, -EINVAL, "--source",
			"all sources are of one place here; give it with --where and --host");
	}
	w->plan.captures[w->plan.n_captures++] = (struct sq_capture_plan){
		.kind = spec->source.kind,
		.conf = spec->source.conf,
		.where = args->where,
		.interval_ns = spec->interval_ns,
	};
	return 0;
}

static void name_host(struct watch *w, const struct capture_args *args)
{
	char place[SQ_WHERE_NAME];

	w->host = (struct sq_host_plan){ .name = w->name, .captured = true, .far = args->where };
	if (args->host)
		snprintf(w->name, sizeof(w->name), "%s", args->host);
	else if (args->where && sq_where_name(args->where, place))
		snprintf(w->name, sizeof(w->name), "%s", place);
	else if (args->where || gethostname(w->name, sizeof(w->name) - 1) == -1)
		snprintf(w->name, sizeof(w->name), "%s", args->where ? "far" : "here");
}

static int watch_init(struct watch *w, const struct capture_args *args, struct sq_err *err)
{
	char **argv = NULL;
	int rc = args->where ? sq_where_argv(args->where, &argv, err) : 0;

	sq_where_free(argv);
	if (rc < 0)
		snprintf(err->where, sizeof(err->where), "--where");
	w->specs = sq_alloc_n(args->source.n + 1, sizeof(*w->specs));
	w->plan = (struct sq_plan){ .hosts = &w->host, .n_hosts = 1 };
	w->plan.captures = sq_alloc_n(args->source.n + 1, sizeof(*w->plan.captures));
	name_host(w, args);
	for (size_t i = 0; rc == 0 && i < args->source.n; i++)
		rc = add_source(w, args->source.v[i], args, err);
	if (rc == 0 && args->source.n == 0)
		rc = add_source(w, "linux", args, err);
	return rc;
}

static void watch_fini(struct watch *w)
{
	for (size_t i = 0; i < w->plan.n_captures; i++)
		sq_opt_fini(sq_capture_opts, &w->specs[i]);
	free(w->specs);
	free(w->plan.captures);
}

/* ---- the child ---- */

static pid_t start_child(const struct watch *w, struct relay *r, int to, const char *where,
			 struct sq_err *err)
{
	int ctl[2];
	int rc = sq_ctl_pair(ctl);
	pid_t pid = rc == 0 ? fork() : -1;

	if (pid == -1)
		return sq_err_set(err, rc ? rc : -errno, "", "cannot start the reading process");
	if (pid == 0) {
		close(ctl[0]);
		if (r->records != -1)
			close(r->records);
		exit(sq_capture_to(&w->plan, 0, ctl[1], sq_spool_on(to, where)));
	}
	close(ctl[1]);
	if (to != STDOUT_FILENO)
		close(to);
	r->ctl = ctl[0];
	return pid;
}

/* Where its records go: a file, standard output, or a pipe to here. */
static int open_records(struct relay *r, const struct capture_args *args, struct sq_err *err)
{
	const int flags = O_WRONLY | O_CREAT | O_TRUNC | O_APPEND | O_CLOEXEC;
	int out = args->out ? open(args->out, flags, 0666) : -1, ends[2];

	if (args->out && out == -1)
		return sq_err_set(err, -errno, args->out, "cannot make it: %s; check the path",
				  strerror(errno));
	if (!args->table)
		return args->out ? out : STDOUT_FILENO;
	if (pipe2(ends, O_CLOEXEC) == -1)
		return sq_err_set(err, -errno, "", "pipe: %s", strerror(errno));
	r->records = ends[0];
	r->out = out;
	r->table = sq_capture_table_new(args->all);
	return ends[1];
}

/* ---- while it reads ---- */

static void end(struct relay *r)
{
	if (!r->ending)
		sq_ctl_send(r->ctl, "stop");
	r->ending = true;
}

static void on_ctl(struct relay *r, const struct capture_args *args)
{
	char line[SQ_CTL_LINE];
	int rc = sq_ctl_recv(r->ctl, line, 0);

	if (rc <= 0 && !r->done) {
		fprintf(stderr, "squall: capture: the reading process ended unexpectedly\n");
		r->status = SQ_EXIT_UNMEASURED;
		r->done = true;
	} else if (rc > 0 && strcmp(line, "ready") == 0 && args->duration_ns != SQ_OPT_UNSET) {
		r->until_ns = sq_now_ns() + args->duration_ns;
	} else if (rc > 0 && strcmp(line, "done") == 0) {
		r->done = true;
	} else if (rc > 0 && strncmp(line, "error ", 6) == 0) {
		fprintf(stderr, "squall: capture: %s\n", line + 6);
		r->status = SQ_EXIT_UNMEASURED;
		r->done = true;
	}
}

/* Reads what is there and hands each whole line to take; false at the end. */
static bool take_lines(struct relay *r, int fd, struct sq_buf *held,
		       void (*take)(struct relay *r, char *line, size_t len))
{
	char text[16 * 1024];
	ssize_t got = read(fd, text, sizeof(text));
	char *begin, *newline;

	if (got <= 0)
		return got == -1 && (errno == EINTR || errno == EAGAIN);
	sq_buf_add(held, text, (size_t)got);
	begin = held->data;
	while ((newline = memchr(begin, '\n', held->len - (size_t)(begin - held->data)))) {
		take(r, begin, (size_t)(newline - begin));
		begin = newline + 1;
	}
	held->len -= (size_t)(begin - held->data);
	memmove(held->data, begin, held->len + 1);
	return true;
}

static void take_record(struct relay *r, char *line, size_t len)
{
	ssize_t wrote = r->out == -1 ? 0 : write(r->out, line, len + 1);

	sq_capture_table_record(r->table, line, len);
	if (r->out == -1 || wrote == (ssize_t)len + 1)
		return;
	/* What a full disk takes in part it did not refuse. */
	fprintf(stderr,
		"squall: capture: cannot write the file: %s; free some space, or use --out elsewhere\n",
		strerror(wrote == -1 ? errno : ENOSPC));
	r->status = SQ_EXIT_UNMEASURED;
	close(r->out);
	r->out = -1;
	end(r);
}

static void take_order(struct relay *r, char *line, size_t len)
{
	line[len] = '\0';
	if (strcmp(line, "stop") == 0)
		end(r);
	else if (len)
		sq_ctl_send(r->ctl, "%s", line);
}

static void on_input(struct relay *r)
{
	struct stat st;

	if (take_lines(r, STDIN_FILENO, &r->input_line, take_order))
		return;
	r->input = false;
	if (fstat(STDIN_FILENO, &st) == -1 || S_ISFIFO(st.st_mode) || S_ISSOCK(st.st_mode))
		end(r);
}

static void on_signal(struct relay *r)
{
	struct signalfd_siginfo info;

	if (read(r->signals, &info, sizeof(info)) == (ssize_t)sizeof(info))
		end(r);
}

/* How long to wait for more: ticks of several threads that come together are one table. */
static int64_t wait_ns(const struct relay *r)
{
	int64_t left_ns = r->ending ? SQ_SEC : r->until_ns - sq_now_ns();

	if (r->table && sq_capture_table_pending(r->table) && left_ns > TOGETHER)
		return TOGETHER;
	return left_ns > 3600 * SQ_SEC ? 3600 * SQ_SEC : left_ns;
}

static void keep(struct relay *r, const struct capture_args *args)
{
	while (!r->done) {
		struct pollfd p[4] = {
			{ .fd = r->ctl, .events = POLLIN },
			{ .fd = r->signals, .events = POLLIN },
			{ .fd = r->records, .events = POLLIN },
			{ .fd = r->input ? STDIN_FILENO : -1, .events = POLLIN },
		};
		int64_t left_ns = wait_ns(r);
		int n;

		if (left_ns <= 0)
			end(r);
		n = poll(p, 4, (int)(left_ns / SQ_MS) + 1);
		if (n == 0 && r->table)
			sq_capture_table_print(r->table);
		if (n <= 0)
			continue;
		if (p[3].revents)
			on_input(r);
		if (p[1].revents)
			on_signal(r);
		if (p[2].revents)
			take_lines(r, r->records, &r->line, take_record);
		if (p[0].revents)
			on_ctl(r, args);
	}
	while (r->records != -1 && take_lines(r, r->records, &r->line, take_record))
		;
	if (r->table)
		sq_capture_table_print(r->table);
}

static int open_signals(void)
{
	sigset_t set;

	sq_interrupt_signals(&set);
	sigprocmask(SIG_BLOCK, &set, NULL);
	return signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
}

static void relay_fini(struct relay *r)
{
	if (r->ctl != -1)
		close(r->ctl);
	if (r->records != -1)
		close(r->records);
	if (r->out != -1)
		close(r->out);
	close(r->signals);
	sq_capture_table_free(r->table);
	sq_buf_fini(&r->line);
	sq_buf_fini(&r->input_line);
}

static int run_watch(const struct watch *w, const struct capture_args *args)
{
	struct relay r = {
		.ctl = -1, .records = -1, .out = -1, .input = args->to_stdout, .until_ns = SQ_NEVER
	};
	struct sq_err err = { 0 };
	int to = open_records(&r, args, &err);
	pid_t pid = -1;

	r.signals = open_signals();
	if (to >= 0)
		pid = start_child(w, &r, to, args->out ? args->out : "standard output", &err);
	if (pid > 0) {
		keep(&r, args);
		close(r.ctl);
		r.ctl = -1;
		waitpid(pid, NULL, 0);
	} else {
		sq_complain(&err);
		r.status = SQ_EXIT_USAGE;
	}
	relay_fini(&r);
	return r.status;
}

static int capture(int argc, char **argv)
{
	struct capture_args args;
	struct sq_err err = { 0 };
	struct sq_strings rest;
	struct watch w = { 0 };
	int status = SQ_EXIT_USAGE;

	if (sq_args_parse(argc, argv, capture_opts, &args, &rest) < 0)
		return SQ_EXIT_USAGE;
	args.table |= !args.out && !args.to_stdout;
	if (args.interval_ns == SQ_OPT_UNSET && args.table && !args.out)
		args.interval_ns = SQ_SEC;
	if (rest.n)
		fprintf(stderr, "squall: capture: what is \"%s\"? options begin with --\n",
			rest.v[0]);
	else if (args.to_stdout && (args.out || args.table))
		fprintf(stderr,
			"squall: capture: --stdout stands alone; without it --out writes a file "
			"and --table shows rates\n");
	else if (args.all && !args.table)
		fprintf(stderr, "squall: capture: --all is for the table; add --table\n");
	else if (watch_init(&w, &args, &err) < 0)
		sq_complain(&err);
	else
		status = run_watch(&w, &args);
	watch_fini(&w);
	sq_args_rest_free(&rest);
	sq_opt_fini(capture_opts, &args);
	return status;
}

static void options(struct sq_buf *out)
{
	sq_opt_help(capture_opts, out);
}

const struct sq_command sq_command_capture = {
	.name = "capture",
	.args = "[options]",
	.summary = "read counters by themselves, here or on another machine",
	.options = options,
	.run = capture,
};
