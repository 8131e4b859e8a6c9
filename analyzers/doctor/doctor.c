/* Looking a machine over: each source is opened for real, and closed again, and says its own "because".
 *
 * What a reader would get wrong: a source that must be told of what to read (the log of Postfix, the name
 * of a process) is neither there nor missing: it works when it is asked for, or says then why not. */
#include "analyzers/doctor/doctor.h"

#include <errno.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "analyzers/capture/environment.h"
#include "analyzers/doctor/private.h"
#include "analyzers/sample.h"
#include "analyzers/source.h"
#include "base/mem.h"
#include "scenarios/world.h"

/* ---- sources ---- */

static const struct sq_opt *first_required(const struct sq_opt *opts)
{
	for (; opts && opts->name; opts++)
		if (opts->required)
			return opts;
	return NULL;
}

static int try_open(const struct sq_source *source, const void *conf, struct sq_place *place,
		    struct sq_err *err)
{
	struct sq_sample *sample = sq_sample_new(NULL);
	void *state = sq_alloc(source->state_size);
	int rc;

	sq_sample_stand(sample, place);
	sq_sample_enter(sample, sq_sample_source(sample, source->kind.name));
	rc = source->open(state, conf, sample, err);
	if (rc == 0 && source->close)
		source->close(state);
	free(state);
	sq_sample_free(sample);
	return rc;
}

/* With the defaults of its keys. */
static int try_source(const struct sq_source *source, struct sq_place *place, struct sq_err *err)
{
	const struct sq_opt_ctx ctx = { .file = "doctor" };
	void *conf = source->kind.conf_size ? sq_alloc(source->kind.conf_size) : NULL;
	int rc;

	if (!source->remote && !sq_place_is_here(place)) {
		free(conf);
		return sq_err_set(err, -ENOTSUP, "",
				  "not available through a shell: install squall at the far end");
	}
	rc = conf ? sq_opt_defaults(&ctx, source->kind.opts, conf, err) : 0;

	if (rc == 0) {
		rc = try_open(source, conf, place, err);
		if (conf)
			sq_opt_fini(source->kind.opts, conf);
	}
	free(conf);
	return rc;
}

/* Steals because. */
static void add_row(json_t *rows, const char *key, const char *name, json_t *available,
		    json_t *because)
{
	json_array_append_new(rows, json_pack("{s:s, s:o, s:o}", key, name, "available", available,
					      "because", because));
}

static json_t *reason_of(const struct sq_err *err, int rc)
{
	const char *text = err->text[0] ? err->text : strerror(-rc);

	return json_sprintf("%s%s%s", err->where, err->where[0] ? ": " : "", text);
}

static void examine(json_t *rows, const struct sq_source *s, const struct sq_doctor_look *look)
{
	const struct sq_opt *required = first_required(s->kind.opts);
	struct sq_err err = { 0 };
	int rc;

	if (required) {
		add_row(rows, "source", s->kind.name, json_null(),
			json_sprintf("it must be told of \"%s\"", required->name));
		return;
	}
	if (s->kind.programs && !look->allow_exec) {
		add_row(rows, "source", s->kind.name, json_null(),
			json_string("it starts a program; --allow-exec tries it"));
		return;
	}
	rc = try_source(s, look->place, &err);
	add_row(rows, "source", s->kind.name, rc == -ENODATA ? json_null() : json_boolean(rc == 0),
		rc == 0 ? json_null() : reason_of(&err, rc));
}

/* A BSD's tools have namesakes elsewhere that say something else, or (top -b) never end. */
static bool is_of_system(const struct sq_source *s, const struct sq_doctor_look *look)
{
	return look->bsd || strncmp(s->kind.name, "bsd_", 4) != 0;
}

/* Those that may hang last: a far shell that does not answer is closed. */
json_t *sq_doctor_sources(const struct sq_doctor_look *look)
{
	json_t *rows = json_array();

	for (int blocking = 0; blocking <= 1; blocking++)
		for (size_t i = 0; sq_sources[i]; i++)
			if (sq_sources[i]->blocking == (blocking == 1) &&
			    is_of_system(sq_sources[i], look))
				examine(rows, sq_sources[i], look);
	return rows;
}

/* ---- what a run does beside capturing ---- */

static void add_world(json_t *rows)
{
	struct sq_err err = { 0 };
	int rc = sq_world_possible(&err);

	add_row(rows, "ability", "networks of namespaces (\"world\")", json_boolean(rc == 0),
		rc == 0 ? json_null() : reason_of(&err, rc));
}

/* The capture's way to be on time on a busy machine; tried, and undone. */
static void add_punctuality(json_t *rows)
{
	struct sched_param was = { 0 }, lowest = { .sched_priority = 1 };
	int policy = sched_getscheduler(0), rc = 0;

	sched_getparam(0, &was);
	if (sched_setscheduler(0, SCHED_FIFO, &lowest) == -1)
		rc = -errno;
	else
		sched_setscheduler(0, policy, &was);
	add_row(rows, "ability", "readings on time on a busy machine", json_boolean(rc == 0),
		rc == 0 ? json_null()
			: json_sprintf("real-time priority: %s; run as root, or with an "
				       "RLIMIT_RTPRIO; late readings are gaps",
				       strerror(-rc)));
}

static bool is_program(const char *folders, const char *name)
{
	char *list = sq_strdup(folders), *rest = list, *folder;
	bool found = false;

	while (!found && (folder = strsep(&rest, ":"))) {
		char *path = sq_printf_dup("%s/%s", folder, name);

		found = access(path, X_OK) == 0;
		free(path);
	}
	free(list);
	return found;
}

static void add_tools(json_t *rows)
{
	static const char *const tools[][3] = {
		{ "ip", "iproute2", "make the links of a world" },
		{ "tc", "iproute2", "shape them" },
		{ "nft", "nftables", "load the packet filters of a world's hosts" },
	};
	const char *path = getenv("PATH");
	char *folders = sq_printf_dup("%s:/usr/sbin:/sbin", path ? path : "/usr/bin:/bin");

	for (size_t i = 0; i < sizeof(tools) / sizeof(tools[0]); i++) {
		bool there = is_program(folders, tools[i][0]);

		add_row(rows, "ability", tools[i][0], json_boolean(there),
			there ? json_null()
			      : json_sprintf("the program is missing; install %s, to %s",
					     tools[i][1], tools[i][2]));
	}
	free(folders);
}

static json_t *examine_abilities(void)
{
	json_t *rows = json_array();

	add_world(rows);
	add_punctuality(rows);
	add_tools(rows);
	return rows;
}

/* ---- all of it ---- */

static int count_bites(const json_t *limits)
{
	int n = 0;
	size_t i;
	json_t *row;

	json_array_foreach(limits, i, row)
		n += json_is_true(json_object_get(row, "bites"));
	return n;
}

json_t *sq_doctor_put(json_t *environment, json_t *sources, json_t *abilities)
{
	json_t *limits = sq_doctor_limits(environment);
	int bites = count_bites(limits);

	return json_pack("{s:o, s:o, s:o, s:o, s:i}", "environment", environment, "sources",
			 sources, "abilities", abilities, "limits", limits, "bites", bites);
}

json_t *sq_doctor_examine(bool allow_exec)
{
	const struct sq_doctor_look look = { .place = sq_place_here(), .allow_exec = allow_exec };

	return sq_doctor_put(sq_environment_read(), sq_doctor_sources(&look), examine_abilities());
}
