/* From a scenario to an exit status.  What was measured comes back from the spool only: `run` ends
 * with exactly what `analyze` does. */
#include "cli/execute.h"

#include <sys/ioctl.h>

#include <assert.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "analyzers/analyze.h"
#include "analyzers/delivery/delivery.h"
#include "analyzers/expect/expect.h"
#include "analyzers/ledger/rules_own.h"
#include "analyzers/source.h"
#include "base/clock.h"
#include "base/interrupt.h"
#include "base/json.h"
#include "base/mem.h"
#include "cli/args.h"
#include "cli/command.h"
#include "cli/globals.h"
#include "cli/rundir.h"
#include "loadgen/campaign/campaign.h"
#include "loadgen/engine/driver.h"
#include "loadgen/engine/sink.h"
#include "results/section.h"
#include "scenarios/plan.h"
#include "scenarios/world.h"

#define ARG(member) offsetof(struct sq_run_args, member)

const struct sq_opt sq_run_args_opts[] = {
	{ .name = "set",
	  .type = SQ_OPT_STRINGS,
	  .offset = ARG(set),
	  .help = "change the scenario before it is parsed, POINTER=VALUE as in "
		  "/load/0/threads=4; may be repeated" },
	{ .name = "out",
	  .type = SQ_OPT_STRING,
	  .offset = ARG(out),
	  .help = "the run's folder, new or empty (default runs/NAME/STAMP)" },
	{ .name = "authorize",
	  .type = SQ_OPT_STRINGS,
	  .offset = ARG(authorize),
	  .help = "a CIDR that this run may send to beside loopback and its own world; may be "
		  "repeated" },
	{ .name = "rules",
	  .type = SQ_OPT_STRING,
	  .offset = ARG(rules),
	  .help = "a folder of rules of your own (ID.json) beside the shipped ones; one of a shipped "
		  "rule's id replaces it" },
	{ .name = "loopback",
	  .type = SQ_OPT_BOOL,
	  .offset = ARG(loopback),
	  .help = "run a world's scenario without its world, and say what that loses" },
	{ .name = "allow_exec",
	  .type = SQ_OPT_BOOL,
	  .offset = ARG(allow_exec),
	  .help = "let the scenario start programs" },
	{ .name = "allow_global",
	  .type = SQ_OPT_BOOL,
	  .offset = ARG(allow_global),
	  .help = "let the scenario change settings of the whole machine (world.sysctl) while it "
		  "runs; they are set back whatever happens (squall restore)" },
	{ .name = "quiet",
	  .type = SQ_OPT_BOOL,
	  .offset = ARG(quiet),
	  .help = "no progress line and no summary" },
	{ 0 },
};

const struct sq_opt *sq_run_args_extend(const struct sq_opt *own, struct sq_opt *all)
{
	size_t n = 0;

	for (; own->name; own++)
		all[n++] = *own;
	for (const struct sq_opt *o = sq_run_args_opts; o->name; o++)
		all[n++] = *o;
	assert(n < SQ_RUN_ARGS_ROWS);
	all[n] = (struct sq_opt){ 0 };
	return all;
}

const struct sq_family *sq_families(void)
{
	static struct sq_family families[4];

	families[0] = (struct sq_family){ "driver", sq_driver_kinds() };
	families[1] = (struct sq_family){ "sink", sq_sink_kinds() };
	families[2] = (struct sq_family){ "source", sq_source_kinds() };
	return families;
}

int sq_terminal_width(void)
{
	struct winsize size;

	if (ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_col >= 40)
		return size.ws_col;
	return 100;
}

static void print_summary(const json_t *report, const char *path)
{
	struct sq_buf text = { 0 };

	sq_report_text(report, &text, sq_terminal_width());
	if (text.len)
		fputs(text.data, stdout);
	printf("report: %s\n", path);
	sq_buf_fini(&text);
}

static bool anything(const struct sq_run *run, enum sq_class class)
{
	for (size_t i = 0; i < run->n_loads; i++)
		if (sq_load_count_class(&run->loads[i], class))
			return true;
	return false;
}

/* The exit codes of docs/design.md.  A run that a person ended early was not judged whole, so that
 * is said first; a failed expectation beats "could not measure". */
static int exit_status(const struct sq_run *run, enum sq_verdict verdict)
{
	bool expects = json_array_size(run->expectations) > 0;

	if (strcmp(run->outcome, "stopped") == 0)
		return SQ_EXIT_STOPPED;
	if (verdict == SQ_FAILED)
		return SQ_EXIT_FAILED;
	if (strcmp(run->outcome, "failed") == 0)
		return SQ_EXIT_UNMEASURED;
	if (!expects && !anything(run, SQ_CLASS_OK) && !anything(run, SQ_CLASS_MISSED))
		return SQ_EXIT_FAILED;
	if (verdict == SQ_UNMEASURED || anything(run, SQ_CLASS_MISSED))
		return SQ_EXIT_UNMEASURED;
	return SQ_EXIT_OK;
}

int sq_finish(const char *dir, const struct sq_strings *sinks, const struct sq_strings *counters,
	      bool quiet)
{
	struct sq_err err = { 0 };
	struct sq_run *run = sq_run_load_with(dir, counters, &err);
	char *path = sq_printf_dup("%s/run.json", dir);
	json_t *report = NULL;
	int status = SQ_EXIT_UNMEASURED;
	enum sq_verdict verdict;

	if (!run || sq_delivery_join(run, dir, sinks, &err) < 0 || sq_analyze(run, &err) < 0)
		goto out;
	verdict = sq_expect_judge(run);
	status = exit_status(run, verdict);
	report = sq_report_json(run);
	if (!quiet)
		print_summary(report, path);
	if (sq_json_save(report, path, &err) < 0)
		status = SQ_EXIT_UNMEASURED;
out:
	if (err.code)
		sq_complain(&err);
	json_decref(report);
	sq_run_free(run);
	free(path);
	return status;
}

static json_t *make_meta(const struct sq_plan *plan, const char *id, int argc, char **argv)
{
	json_t *words = json_array();
	char started[64];
	struct tm tm;
	time_t now = (time_t)(sq_wall_ns() / SQ_SEC);

	for (int i = 0; i < argc; i++)
		json_array_append_new(words, json_string(argv[i]));
	gmtime_r(&now, &tm);
	strftime(started, sizeof(started), "%Y-%m-%dT%H:%M:%SZ", &tm);
	return json_pack("{s:s, s:s, s:s, s:o, s:I, s:{s:s, s:s}}", "id", id, "name",
			 plan->scenario->name, "started", started, "argv", words, "seed",
			 (json_int_t)plan->seed, "squall", "version", SQ_VERSION, "commit",
			 SQ_COMMIT);
}

static int prepare_drivers(const struct sq_plan *plan, struct sq_err *err)
{
	for (size_t i = 0; i < plan->n_loads; i++) {
		const struct sq_plug *plug = &plan->loads[i].spec->driver;
		const struct sq_driver *driver = sq_driver_of(plug->kind);
		int rc = driver->prepare ? driver->prepare(plug->conf, &plan->loads[i], err) : 0;

		if (rc < 0)
			return rc;
	}
	return 0;
}

static void release_drivers(const struct sq_plan *plan)
{
	for (size_t i = 0; i < plan->n_loads; i++) {
		const struct sq_plug *plug = &plan->loads[i].spec->driver;

		if (sq_driver_of(plug->kind)->release)
			sq_driver_of(plug->kind)->release(plug->conf);
	}
}

/* A scenario with a world on a machine that forbids one runs on loopback, and says so. */
static bool must_loop_back(const struct sq_scenario *s, const struct sq_run_args *args)
{
	struct sq_err err = { 0 };

	if (!s->has_world || args->loopback)
		return args->loopback && s->has_world;
	if (sq_world_possible(&err) == 0)
		return false;
	sq_complain(&err);
	fprintf(stderr, "squall: running on loopback instead, without the scenario's world\n");
	return true;
}

/* A shipped lab whose world, or what is captured of it, was changed is not the shipped one: its programs
 * need leave again. */
static bool sets_programs(const struct sq_run_args *args)
{
	for (size_t i = 0; i < args->set.n; i++)
		if (strncmp(args->set.v[i], "/world", 6) == 0 ||
		    strncmp(args->set.v[i], "/capture", 8) == 0)
			return true;
	return false;
}

struct sq_plan *sq_execute_plan(json_t *doc, const char *file, const struct sq_run_args *args,
				bool shipped, struct sq_err *err)
{
	struct sq_opt_ctx ctx = { .file = file, .families = sq_families() };
	struct sq_plan_opts opts = { .allow_exec = args->allow_exec ||
						   (shipped && !sets_programs(args)),
				     .allow_global = args->allow_global,
				     .authorize = args->authorize,
				     .default_source = &sq_source_group_linux,
				     .batches = sq_driver_batches,
				     .trace = sq_driver_trace,
				     .cost = sq_driver_cost };
	struct sq_scenario *scenario;
	struct sq_plan *plan = NULL;

	if (args->rules && sq_rules_own(args->rules, err) < 0)
		return NULL;
	for (size_t i = 0; i < args->set.n; i++)
		if (sq_scenario_apply_set(doc, args->set.v[i], err) < 0)
			return NULL;
	scenario = sq_scenario_parse(&ctx, doc, err);
	if (!scenario)
		return NULL;
	opts.loopback = must_loop_back(scenario, args);
	if (sq_plan_make(scenario, &opts, &plan, err) < 0)
		return NULL;
	if (sq_expect_check(plan, sq_driver_words, err) < 0 || prepare_drivers(plan, err) < 0)
		return sq_plan_free(plan);
	return plan;
}

void sq_execute_plan_free(struct sq_plan *plan)
{
	release_drivers(plan);
	sq_plan_free(plan);
}

static int run_plan(const struct sq_plan *plan, const struct sq_run_args *args,
		    const struct sq_telling *telling, int argc, char **argv, char **ret_dir)
{
	struct sq_campaign_opts opts = { .progress = !args->quiet && isatty(STDERR_FILENO),
					 .telling = telling };
	enum sq_ending ending = SQ_ENDED_FAILED;
	struct sq_err err = { 0 };
	char *dir = NULL;
	char id[128];
	struct sq_journal *journal = NULL;
	sigset_t before;
	int status = SQ_EXIT_UNMEASURED;
	int rc, restored;

	for (size_t i = 0; i < plan->lost.n; i++)
		fprintf(stderr, "squall: lost: %s\n", plan->lost.v[i]);
	for (size_t i = 0; i < plan->warnings.n; i++)
		fprintf(stderr, "squall: warning: %s\n", plan->warnings.v[i]);
	if (sq_rundir_make(args->out, plan->scenario->name, &dir, id, sizeof(id), &err) < 0) {
		sq_complain(&err);
		return err.code == -EINVAL ? SQ_EXIT_USAGE : SQ_EXIT_UNMEASURED;
	}
	opts.dir = dir;
	/* A signal is the campaign's, which ends in order, and never comes between a setting and its setting back. */
	sq_interrupt_hold_for(&before);
	rc = sq_globals_set(plan, &journal, &err);
	/* Now it begins: another run may have had the machine until here. */
	opts.meta = make_meta(plan, id, argc, argv);
	if (rc == 0)
		rc = sq_campaign_run(plan, &opts, &ending, &err);
	if (err.code)
		sq_complain(&err);
	restored = sq_globals_set_back(journal);
	sq_interrupt_let(&before);
	if (rc == 0)
		status = sq_finish(dir, NULL, NULL, args->quiet);
	else if (rc == -EINTR)
		status = SQ_EXIT_STOPPED;
	if (restored < 0 && status == SQ_EXIT_OK)
		status = SQ_EXIT_UNMEASURED;
	json_decref(opts.meta);
	if (ret_dir)
		*ret_dir = dir;
	else
		free(dir);
	return status;
}

int sq_execute(json_t *doc, const char *file, const struct sq_run_args *args, bool shipped,
	       const struct sq_telling *telling, int argc, char **argv, char **ret_dir)
{
	struct sq_err err = { 0 };
	struct sq_plan *plan = sq_execute_plan(doc, file, args, shipped, &err);
	int status;

	if (ret_dir)
		*ret_dir = NULL;
	if (!plan) {
		sq_complain(&err);
		return SQ_EXIT_USAGE;
	}
	status = run_plan(plan, args, telling, argc, argv, ret_dir);
	sq_execute_plan_free(plan);
	return status;
}
