#include "cli/trial.h"

#include <sys/stat.h>

#include <stdlib.h>
#include <string.h>

#include "base/interrupt.h"
#include "base/json.h"
#include "base/mem.h"
#include "cli/command.h"
#include "results/draw.h"

void sq_trial_run(const json_t *doc, const struct sq_trial_way *way, const char *out, bool quiet,
		  struct sq_trial *ret)
{
	struct sq_run_args args = *way->args;
	json_t *own = json_deep_copy(doc);
	struct sq_err err = { 0 };
	char *path;

	*ret = (struct sq_trial){ 0 };
	if (out)
		args.out = (char *)out; /* read only */
	args.quiet = args.quiet || quiet;
	sq_interrupt_hold();
	ret->status = sq_execute(own, way->file, &args, way->shipped, NULL, way->argc, way->argv,
				 &ret->dir);
	json_decref(own);
	if (sq_interrupted())
		ret->status = SQ_EXIT_STOPPED;
	if (!ret->dir)
		return;
	path = sq_printf_dup("%s/run.json", ret->dir);
	ret->report = sq_json_load_file(path, &err);
	free(path);
}

int sq_trial_load(const char *path, struct sq_trial *ret, struct sq_err *err)
{
	char *file = sq_printf_dup("%s/run.json", path);
	struct stat st;

	*ret = (struct sq_trial){ 0 };
	if (stat(path, &st) == 0 && S_ISDIR(st.st_mode)) {
		ret->dir = sq_strdup(path);
		ret->report = sq_json_load_file(file, err);
	} else {
		ret->report = sq_json_load_file(path, err);
	}
	free(file);
	if (ret->report)
		return 0;
	sq_trial_fini(ret);
	return err->code;
}

void sq_trial_fini(struct sq_trial *t)
{
	json_decref(t->report);
	free(t->dir);
	*t = (struct sq_trial){ 0 };
}

static json_int_t number_of(const json_t *object, const char *key)
{
	return json_integer_value(json_object_get(object, key));
}

struct sq_trial_finding sq_trial_finding(const json_t *report, const char *mechanism)
{
	const json_t *all = json_object_get(report, "findings"), *f;
	struct sq_trial_finding sum = { 0 };
	size_t i;

	json_array_foreach((json_t *)all, i, f) {
		if (mechanism && strcmp(sq_draw_text(f, "mechanism"), mechanism) != 0)
			continue;
		sum.several = sum.first != NULL;
		sum.count += number_of(f, "count");
		sum.explained += number_of(f, "explained");
		if (!sum.first || number_of(f, "explained") > number_of(sum.first, "explained"))
			sum.first = f;
	}
	return sum;
}
