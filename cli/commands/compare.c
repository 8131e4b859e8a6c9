/* squall compare A B: two runs, or two folders of runs, side by side. */
#include "results/compare.h"

#include <sys/stat.h>

#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/json.h"
#include "base/mem.h"
#include "cli/args.h"
#include "cli/command.h"
#include "results/stats.h"

enum { TEXT, JSON, MARKDOWN, JUNIT };

static const char *const formats[] = { "text", "json", "markdown", "junit", NULL };

struct compare_args {
	int format;
	char *out;
	double margin;
};

static const struct sq_opt compare_opts[] = {
	{ .name = "format",
	  .type = SQ_OPT_ENUM,
	  .offset = offsetof(struct compare_args, format),
	  .choices = formats,
	  .def = "text",
	  .help = "how it is printed" },
	{ .name = "out",
	  .type = SQ_OPT_STRING,
	  .offset = offsetof(struct compare_args, out),
	  .help = "a file that it is written to as JSON as well" },
	{ .name = "margin",
	  .type = SQ_OPT_REAL,
	  .offset = offsetof(struct compare_args, margin),
	  .min = 0.01,
	  .max = 50,
	  .def = "2",
	  .help = "the difference, in percent, that does not matter" },
	{ 0 },
};

struct reports {
	json_t **v;
	size_t n, cap;
};

static void reports_fini(struct reports *r)
{
	for (size_t i = 0; i < r->n; i++)
		json_decref(r->v[i]);
	free(r->v);
}

static const char *run_text(const json_t *report, const char *pointer)
{
	return json_string_value(sq_json_pointer_get(report, pointer));
}

/* Those of one second by their names, in which numbers count up. */
static int by_start(const void *a, const void *b)
{
	const json_t *x = *(json_t *const *)a, *y = *(json_t *const *)b;
	int order = strcmp(run_text(x, "/run/started"), run_text(y, "/run/started"));

	return order ? order : strverscmp(run_text(x, "/run/id"), run_text(y, "/run/id"));
}

/* -ENOENT without err: the folder holds no report. */
static int add_report(struct reports *r, const char *dir, struct sq_err *err)
{
	char *path = sq_printf_dup("%s/run.json", dir);
	struct stat st;
	json_t *doc;
	int rc = stat(path, &st) < 0 ? -ENOENT : 0;

	if (rc == 0) {
		doc = sq_json_load_file(path, err);
		if (!doc) {
			rc = err->code;
		} else if (!run_text(doc, "/run/started") || !run_text(doc, "/run/id")) {
			rc = sq_err_set(err, -EINVAL, path, "is no run's report");
			json_decref(doc);
		} else {
			r->v = sq_grow(r->v, r->n, &r->cap, sizeof(json_t *));
			r->v[r->n++] = doc;
		}
	}
	free(path);
	return rc;
}

static int add_folder(struct reports *r, const char *dir, struct sq_err *err)
{
	DIR *d = opendir(dir);
	struct dirent *e;
	int rc = 0;

	if (!d)
		return sq_err_set(err, -errno, dir, "%s", strerror(errno));
	while (rc == 0 && (e = readdir(d))) {
		struct stat st;
		char *path = sq_printf_dup("%s/%s", dir, e->d_name);

		/* The link "latest" is one of the others. */
		if (e->d_name[0] != '.' && lstat(path, &st) == 0 && S_ISDIR(st.st_mode)) {
			rc = add_report(r, path, err);
			if (rc == -ENOENT && !err->code)
				rc = 0;
		}
		free(path);
	}
	closedir(d);
	return rc;
}

static int load_side(struct reports *r, const char *dir, struct sq_err *err)
{
	int rc = add_report(r, dir, err);

	if (rc == -ENOENT && !err->code)
		rc = add_folder(r, dir, err);
	if (rc == 0 && r->n == 0)
		rc = sq_err_set(err, -ENOENT, dir,
				"holds no run.json, nor do its folders; name a run's folder, or "
				"one of runs, as runs/NAME");
	if (rc == 0 && r->n > SQ_PAIRS_MAX)
		rc = sq_err_set(err, -E2BIG, dir, "holds %zu runs; %d is the most", r->n,
				SQ_PAIRS_MAX);
	if (rc == 0 && r->v)
		qsort(r->v, r->n, sizeof(json_t *), by_start);
	return rc;
}

static void print(const json_t *comparison, int format, double seconds)
{
	struct sq_buf out = { 0 };

	if (format == JSON) {
		json_dumpf(comparison, stdout, JSON_INDENT(2));
		putchar('\n');
		return;
	}
	if (format == TEXT)
		sq_compare_text(comparison, &out);
	else if (format == MARKDOWN)
		sq_compare_markdown(comparison, &out);
	else
		sq_compare_junit(json_object_get(comparison, "verdicts"),
				 json_object_get(comparison, "notes"), NULL, "squall", seconds,
				 &out);
	if (out.len)
		fputs(out.data, stdout);
	sq_buf_fini(&out);
}

static int compare_dirs(const char *a, const char *b, const struct compare_args *args)
{
	struct reports of_a = { 0 }, of_b = { 0 };
	struct sq_judging how = { .alpha = 0.05, .margin = args->margin / 100 };
	struct sq_err err = { 0 };
	json_t *comparison = NULL;

	if (load_side(&of_a, a, &err) == 0 && load_side(&of_b, b, &err) == 0) {
		struct sq_side_reports x = { a, (const json_t *const *)of_a.v, of_a.n };
		struct sq_side_reports y = { b, (const json_t *const *)of_b.v, of_b.n };

		comparison = sq_compare(&x, &y, NULL, &how);
		print(comparison, args->format,
		      sq_reports_seconds(x.v, x.n) + sq_reports_seconds(y.v, y.n));
		if (args->out)
			sq_json_save(comparison, args->out, &err);
	}
	if (err.code)
		sq_complain(&err);
	json_decref(comparison);
	reports_fini(&of_a);
	reports_fini(&of_b);
	return err.code ? SQ_EXIT_USAGE : SQ_EXIT_OK;
}

static int compare(int argc, char **argv)
{
	struct compare_args args;
	struct sq_strings rest;
	int status = SQ_EXIT_USAGE;

	if (sq_args_parse(argc, argv, compare_opts, &args, &rest) < 0)
		return SQ_EXIT_USAGE;
	if (rest.n == 2)
		status = compare_dirs(rest.v[0], rest.v[1], &args);
	else
		fprintf(stderr,
			"squall: compare: name two runs' folders, or two folders of runs\n");
	sq_args_rest_free(&rest);
	sq_opt_fini(compare_opts, &args);
	return status;
}

static void options(struct sq_buf *out)
{
	sq_opt_help(compare_opts, out);
}

const struct sq_command sq_command_compare = {
	.name = "compare",
	.args = "A B [options]",
	.summary = "two runs, or two folders of runs, side by side, with a verdict on each measure",
	.options = options,
	.run = compare,
};
