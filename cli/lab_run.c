/* squall lab run: the failure, then the same with its cure, and a table of what came of it.
 *
 * What a reader would get wrong: a lab is green when it failed as its file says and its cure took the
 * failure away; one that could not run here is not green, but no failure of the lab's either. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "cli/args.h"
#include "cli/command.h"
#include "cli/lab.h"
#include "cli/rundir.h"
#include "cli/trial.h"
#include "results/draw.h"
#include "scenarios/scenario.h"

struct row {
	const char *lab;
	int status;
	char *failure, *share, *mechanism;
	const char *cured;
};

static void row_free(struct row *r)
{
	free(r->failure);
	free(r->share);
	free(r->mechanism);
}

/* A lab that was changed by hand, or lost its world, is not the one that its file speaks of. */
static bool was_changed(const struct sq_trial *t, const struct sq_trial_way *way)
{
	return way->args->set.n || json_array_size(json_object_get(t->report, "lost"));
}

/* What its file claims must be in the report. */
static int judge_finding(const json_t *doc, const struct sq_trial *t,
			 const struct sq_trial_way *way, struct row *row)
{
	const char *wanted = json_string_value(json_object_get(doc, "finding"));
	struct sq_trial_finding f = sq_trial_finding(t->report, wanted);

	row->mechanism = sq_strdup(f.first ? sq_draw_text(f.first, "mechanism") : "none");
	row->failure = sq_printf_dup("%s%s", f.first ? sq_draw_text(f.first, "failure") : "none",
				     f.several ? " ..." : "");
	row->share = sq_printf_dup("%lld of %lld", (long long)f.explained, (long long)f.count);
	if (!wanted || f.first || t->status != SQ_EXIT_OK || was_changed(t, way))
		return t->status;
	fprintf(stderr, "squall: %s: its report names no %s\n", row->lab, wanted);
	return SQ_EXIT_FAILED;
}

static int run_cure(const json_t *doc, const struct sq_trial_way *way, const char *dir,
		    struct row *row)
{
	const char *text = sq_draw_text(json_object_get(doc, "cure"), "text");
	struct sq_err err = { 0 };
	json_t *cured = sq_cure_document(doc, &err);
	char *out = sq_printf_dup("%s/cure", dir);
	struct sq_trial t = { .status = SQ_EXIT_USAGE };
	int status;

	if (cured)
		sq_trial_run(cured, way, out, true, &t);
	else
		sq_complain(&err);
	status = t.status;
	row->cured = status == SQ_EXIT_OK ? "yes" : status == SQ_EXIT_FAILED ? "NO" : "?";
	if (!way->args->quiet)
		printf("cure: %s: %s (%s/run.json)\n\n", text,
		       status == SQ_EXIT_OK       ? "the failure is gone"
		       : status == SQ_EXIT_FAILED ? "NOT as the lab says"
						  : "not known",
		       out);
	sq_trial_fini(&t);
	json_decref(cured);
	free(out);
	return status;
}

static void run_one(const json_t *doc, const struct sq_trial_way *way, const char *out,
		    bool with_cure, struct row *row)
{
	struct sq_trial t;

	sq_trial_run(doc, way, out, false, &t);
	row->status = judge_finding(doc, &t, way, row);
	row->cured = json_object_get(doc, "cure") ? "not tried" : "no cure";
	if (with_cure && json_object_get(doc, "cure") && t.report && !was_changed(&t, way) &&
	    (t.status == SQ_EXIT_OK || t.status == SQ_EXIT_FAILED)) {
		int status = run_cure(doc, way, t.dir, row);

		/* A red lab stays red whatever its cure did, but who is asked to stop stops. */
		if (row->status == SQ_EXIT_OK || status == SQ_EXIT_STOPPED)
			row->status = status;
	}
	sq_trial_fini(&t);
}

/* Of a lab of one's own, which is called by its path. */
static const char *base_name(const char *name)
{
	const char *slash = strrchr(name, '/');

	return slash ? slash + 1 : name;
}

static void lab_row(const struct sq_lab *lab, const struct sq_lab_args *args, bool several,
		    int argc, char **argv, struct row *row)
{
	const struct sq_trial_way way = { lab->name, &args->run, lab->shipped, argc, argv };
	struct sq_buf because = { 0 };
	char *out = several && args->run.out
			    ? sq_printf_dup("%s/%s", args->run.out, base_name(lab->name))
			    : sq_strdup(args->run.out);

	*row = (struct row){ .lab = lab->name, .status = SQ_EXIT_UNMEASURED, .cured = "not run" };
	if (!args->run.loopback && !sq_lab_possible(lab->doc, args->run.allow_global, &because)) {
		fprintf(stderr, "squall: %s: %s\n", lab->name, because.data);
		/* Leave that was not given is a refusal, and nothing that is missing here. */
		if (strstr(because.data, "--allow-global"))
			row->status = SQ_EXIT_USAGE;
	} else {
		if (several && !args->run.quiet)
			printf("== %s\n", lab->name);
		run_one(lab->doc, &way, out, !args->no_cure, row);
	}
	sq_buf_fini(&because);
	free(out);
}

static void print_row(const char *lab, const char *failure, const char *share,
		      const char *mechanism, const char *cured, const char *verdict)
{
	printf("%-26s %-26s %-16s %-24s %-10s %s\n", lab, failure, share, mechanism, cured,
	       verdict);
}

static void print_table(const struct row *rows, size_t n)
{
	static const char *const verdicts[] = { "green", "RED", "refused", "not measured",
						"stopped" };

	print_row("lab", "failure", "explained", "mechanism", "cured", "");
	for (size_t i = 0; i < n; i++)
		print_row(rows[i].lab, rows[i].failure ? rows[i].failure : "-",
			  rows[i].share ? rows[i].share : "-",
			  rows[i].mechanism ? rows[i].mechanism : "-", rows[i].cured,
			  verdicts[rows[i].status]);
}

/* One that is red says more than one that could not run. */
static int worse(int a, int b)
{
	static const int weight[] = { [SQ_EXIT_OK] = 0,
				      [SQ_EXIT_UNMEASURED] = 1,
				      [SQ_EXIT_USAGE] = 2,
				      [SQ_EXIT_FAILED] = 3,
				      [SQ_EXIT_STOPPED] = 4 };

	return weight[a] >= weight[b] ? a : b;
}

int sq_lab_run(const struct sq_lab *labs, size_t n, const struct sq_lab_args *args, int argc,
	       char **argv)
{
	struct row *rows = sq_alloc_n(n, sizeof(*rows));
	int status = SQ_EXIT_OK;
	struct sq_err err = { 0 };
	size_t done = 0;

	if (n > 1 && args->run.out && sq_rundir_folder(args->run.out, &err) < 0) {
		sq_complain(&err);
		status = SQ_EXIT_USAGE;
	}
	while (done < n && status != SQ_EXIT_STOPPED && !err.code) {
		lab_row(&labs[done], args, n > 1, argc, argv, &rows[done]);
		status = worse(status, rows[done++].status);
	}
	if (!args->run.quiet && !err.code)
		print_table(rows, done);
	for (size_t i = 0; i < done; i++)
		row_free(&rows[i]);
	free(rows);
	return status;
}
