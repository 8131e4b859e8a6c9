/* squall lab shell: a lab to look around in.  `load` makes its load from inside; the name of a host
 * is a command that runs another one there.
 *
 * What a reader would get wrong: seen from inside there is no world to make, only addresses that
 * are there.  So each host that makes load gets a scenario of its own, with numbers for names. */
#include <sys/stat.h>

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/interrupt.h"
#include "base/json.h"
#include "base/mem.h"
#include "cli/args.h"
#include "cli/command.h"
#include "cli/globals.h"
#include "cli/lab.h"
#include "cli/rundir.h"
#include "loadgen/campaign/visit.h"

static json_t *load_inside(const struct sq_plan *plan, size_t i)
{
	const struct sq_load_plan *l = &plan->loads[i];
	json_t *load = json_deep_copy(json_array_get(json_object_get(plan->echo, "load"), i));
	json_t *targets = json_array();
	char text[SQ_TARGET_TEXT];

	for (size_t t = 0; t < l->n_targets; t++) {
		sq_target_format(&l->targets[t], text);
		json_array_append_new(targets, json_string(text));
	}
	json_object_set_new(load, "target", targets);
	if (l->spec->resolver) {
		sq_target_format(&l->resolver, text);
		json_object_set_new(load, "resolver", json_string(text));
	}
	json_object_del(load, "from");
	return load;
}

/* The loads of one host; NULL when it makes none. */
static json_t *scenario_inside(const struct sq_plan *plan, size_t host)
{
	json_t *loads = json_array(), *open = json_array();

	for (size_t i = 0; i < plan->n_loads; i++)
		if (plan->loads[i].host == host)
			json_array_append_new(loads, load_inside(plan, i));
	for (size_t i = 0; i < plan->n_links; i++)
		json_array_append_new(open, json_string(plan->links[i].subnet));
	if (json_array_size(loads))
		return json_pack(
			"{s:o, s:o, s:o}", "name",
			json_sprintf("%s-%s", plan->scenario->name, plan->hosts[host].name), "load",
			loads, "authorized_targets", open);
	json_decref(loads);
	json_decref(open);
	return NULL;
}

static int write_loads(const struct sq_plan *plan, const char *dir, FILE *command,
		       struct sq_err *err)
{
	char self[PATH_MAX] = "squall";
	int rc = 0;

	if (readlink("/proc/self/exe", self, sizeof(self) - 1) == -1)
		return sq_err_set(err, -errno, "/proc/self/exe", "%s", strerror(errno));
	fprintf(command,
		"#!/bin/sh\n# The lab's load, from inside; takes options of squall run.\n");
	for (size_t h = 0; rc == 0 && h < plan->n_hosts; h++) {
		json_t *doc = scenario_inside(plan, h);
		char *path = sq_printf_dup("%s/load-%s.json", dir, plan->hosts[h].name);

		if (doc)
			rc = sq_json_save(doc, path, err);
		if (doc)
			fprintf(command, "%s '%s' run '%s' \"$@\" &\n", plan->hosts[h].name, self,
				path);
		json_decref(doc);
		free(path);
	}
	fprintf(command, "wait\n");
	return rc;
}

static int write_load(const struct sq_plan *plan, const char *dir, struct sq_err *err)
{
	char *bin = sq_printf_dup("%s/bin", dir), *path = sq_printf_dup("%s/load", bin);
	FILE *f = mkdir(bin, 0755) == 0 ? fopen(path, "we") : NULL;
	int rc = 0;

	if (!f || fchmod(fileno(f), 0755) == -1)
		rc = sq_err_set(err, -errno, path, "%s", strerror(errno));
	else
		rc = write_loads(plan, dir, f, err);
	if (f && fclose(f) != 0 && rc == 0)
		rc = sq_err_set(err, -errno, path, "%s", strerror(errno));
	free(bin);
	free(path);
	return rc;
}

static void print_welcome(const struct sq_plan *plan, size_t from)
{
	fprintf(stderr, "squall: you are on %s, in the world of %s; exit ends all of it\n",
		plan->hosts[from].name, plan->scenario->name);
	fprintf(stderr, "  load           makes the lab's load (options of squall run)\n");
	for (size_t h = 0; h < plan->n_hosts; h++)
		fprintf(stderr, "  %-14s %s; alone a shell there, else a command: %s ss -ltn\n",
			plan->hosts[h].name, plan->hosts[h].address, plan->hosts[h].name);
}

/* The folder by its whole name: the shell may go anywhere. */
static int visit_in(const struct sq_plan *plan, const char *folder, struct sq_err *err)
{
	struct sq_journal *journal = NULL;
	sigset_t before;
	size_t from = plan->n_loads ? plan->loads[0].host : 0;
	char *dir = realpath(folder, NULL);
	int rc = dir ? write_load(plan, dir, err)
		     : sq_err_set(err, -errno, folder, "%s", strerror(errno));

	sq_interrupt_hold_for(&before);
	if (rc == 0)
		rc = sq_globals_set(plan, &journal, err);
	if (rc == 0 && sq_interrupted())
		rc = sq_err_set(err, -EINTR, "", "ended by a signal before the shell began");
	if (rc == 0) {
		print_welcome(plan, from);
		rc = sq_visit(plan, from, dir, err);
	}
	sq_globals_set_back(journal);
	sq_interrupt_let(&before);
	free(dir);
	return rc;
}

int sq_lab_shell(const struct sq_lab *lab, const struct sq_lab_args *args)
{
	struct sq_buf because = { 0 };
	struct sq_err err = { 0 };
	struct sq_plan *plan = NULL;
	char *dir = NULL;
	char id[128];
	int status = SQ_EXIT_USAGE;

	if (!sq_lab_possible(lab->doc, args->run.allow_global, &because))
		sq_err_set(&err, -EPERM, lab->name, "%s", because.data);
	else
		plan = sq_execute_plan(lab->doc, lab->name, &args->run, lab->shipped, &err);
	if (plan && !plan->world)
		sq_err_set(&err, -EINVAL, lab->name, "it has no world here to stand in");
	else if (plan && sq_rundir_make(args->run.out, plan->scenario->name, &dir, id, sizeof(id),
					&err) == 0)
		status = visit_in(plan, dir, &err);
	if (err.code)
		sq_complain(&err);
	if (plan)
		sq_execute_plan_free(plan);
	sq_buf_fini(&because);
	free(dir);
	if (status == -EINTR)
		return SQ_EXIT_STOPPED;
	return status < 0 ? SQ_EXIT_UNMEASURED : status;
}
