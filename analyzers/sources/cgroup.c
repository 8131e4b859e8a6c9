/* What a control group's limits cost those in it: "cgroup.cpu.nr_throttled" and "cgroup.cpu.throttled_us",
 * "cgroup.memory.max" and "cgroup.memory.oom_kill", "cgroup.pids.max", beside what is used and allowed.
 *
 * What a reader would get wrong:
 * - The group is that of the capture, in which the servers of a scenario stand too, but for the processor's
 *   time of a host with "cpu_percent"; a server that is started elsewhere (systemd) has one of its own, to
 *   be given as "group".
 * - Names are those of version 2.  Version 1 counts cgroup.memory.max as memory.failcnt, and
 *   throttled_us as throttled_time (in ns).
 * - No limit is no row. */
#include "analyzers/kernel/cgroup.h"

#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "analyzers/catalogue.h"
#include "analyzers/formats/procfile.h"

enum form {
	KEYED, /* lines of a name and a number */
	ONE,   /* one number, or "max" */
};

struct file {
	const char *name;
	enum sq_cgroup_controller controller;
	bool v2;
	enum form form;
	const char *metric; /* ONE: its row; KEYED: the one key that is wanted, NULL all */
};

static const struct file files[] = {
	{ "cpu.stat", SQ_CGROUP_CPU, true, KEYED, NULL },
	{ "memory.events", SQ_CGROUP_MEMORY, true, KEYED, NULL },
	{ "memory.current", SQ_CGROUP_MEMORY, true, ONE, "memory.current" },
	{ "memory.max", SQ_CGROUP_MEMORY, true, ONE, "memory.limit" },
	{ "pids.events", SQ_CGROUP_PIDS, true, KEYED, NULL },
	{ "pids.current", SQ_CGROUP_PIDS, true, ONE, "pids.current" },
	{ "pids.max", SQ_CGROUP_PIDS, true, ONE, "pids.limit" },
	{ "cpu.stat", SQ_CGROUP_CPU, false, KEYED, NULL },
	{ "memory.failcnt", SQ_CGROUP_MEMORY, false, ONE, "memory.max" },
	{ "memory.oom_control", SQ_CGROUP_MEMORY, false, KEYED, "oom_kill" },
	{ "memory.usage_in_bytes", SQ_CGROUP_MEMORY, false, ONE, "memory.current" },
	{ "memory.limit_in_bytes", SQ_CGROUP_MEMORY, false, ONE, "memory.limit" },
	{ "pids.events", SQ_CGROUP_PIDS, false, KEYED, NULL },
	{ "pids.current", SQ_CGROUP_PIDS, false, ONE, "pids.current" },
	{ "pids.max", SQ_CGROUP_PIDS, false, ONE, "pids.limit" },
};

enum { FILES = sizeof(files) / sizeof(files[0]) };

static const char *const prefixes[SQ_CGROUPS] = {
	[SQ_CGROUP_CPU] = "cpu",
	[SQ_CGROUP_MEMORY] = "memory",
	[SQ_CGROUP_PIDS] = "pids",
};

struct cgroup_conf {
	char *group;
};

/* A row that was looked up; a line of the file is the same one at each reading. */
struct line {
	char key[40];
	unsigned row;
	bool in_ns; /* told in us */
};

enum { LINES = 16 }; /* cpu.stat has 11; of more, some are looked up each time */

struct open_file {
	struct sq_procfile file; /* text NULL: not there */
	struct line lines[LINES];
};

struct cgroup {
	struct sq_sample *sample;
	struct sq_cgroup group;
	struct open_file open[FILES];
};

static unsigned row_of(struct cgroup *c, const struct file *f, const char *metric)
{
	return sq_catalogue_metric(c->sample, metric, c->group.at[f->controller].group);
}

/* "usage_usec" is cgroup.cpu.usage_us; version 1 has "throttled_time", in ns. */
static void look_up(struct cgroup *c, const struct file *f, struct line *line, const char *key)
{
	char metric[128];
	size_t len = strlen(key);
	bool in_us = len > 5 && strcmp(key + len - 5, "_usec") == 0;
	bool in_ns = len > 5 && strcmp(key + len - 5, "_time") == 0;

	if (in_us || in_ns)
		len -= 4;
	snprintf(metric, sizeof(metric), "cgroup.%s.%.*s%s", prefixes[f->controller], (int)len, key,
		 in_us || in_ns ? "us" : "");
	snprintf(line->key, sizeof(line->key), "%s", key);
	line->row = row_of(c, f, metric);
	line->in_ns = in_ns;
}

/* "nr_throttled 17": its key, cut to the size, and what follows it. */
static const char *split(const char *text, char key[], size_t size)
{
	size_t len = strcspn(text, " \n");

	snprintf(key, size, "%.*s", (int)len, text);
	return text + len;
}

static void read_keyed(struct cgroup *c, const struct file *f, struct open_file *o)
{
	const char *text = o->file.text;
	char key[sizeof(o->lines[0].key)], *end;

	for (size_t at = 0; *text; at++, text = *end ? end + 1 : end) {
		struct line *line = &o->lines[at % LINES];
		const char *number = split(text, key, sizeof(key));
		uint64_t value = strtoull(number, &end, 10);

		if (end == number || (f->metric && strcmp(f->metric, key) != 0))
			continue;
		if (strcmp(line->key, key) != 0)
			look_up(c, f, line, key);
		sq_sample_put(c->sample, line->row, line->in_ns ? value / 1000 : value);
	}
}

static void read_one(struct cgroup *c, const struct file *f, struct open_file *o)
{
	struct line *line = &o->lines[0];
	uint64_t value = strtoull(o->file.text, NULL, 10);

	if (!isdigit((unsigned char)*o->file.text) || !sq_cgroup_is_limit(value))
		return;
	if (!line->key[0]) {
		char metric[64];

		snprintf(metric, sizeof(metric), "cgroup.%s", f->metric);
		snprintf(line->key, sizeof(line->key), "%s", f->metric);
		line->row = row_of(c, f, metric);
	}
	sq_sample_put(c->sample, line->row, value);
}

/* Where it is not there, what was open stays so. */
static int open_file(struct cgroup *c, size_t i)
{
	const struct file *f = &files[i];
	struct sq_procfile file;
	char path[600];
	int rc;

	snprintf(path, sizeof(path), "%s/%s", c->group.at[f->controller].folder, f->name);
	rc = sq_procfile_open(&file, sq_sample_place(c->sample), path, NULL);
	if (rc < 0)
		return rc;
	sq_procfile_close(&c->open[i].file);
	c->open[i].file = file;
	return 0;
}

/* A group that was removed and made again, as systemd does at a restart, has new files under the old names. */
static int read_file(struct cgroup *c, size_t i)
{
	int rc = sq_procfile_read(&c->open[i].file);

	if (rc == -ENODEV && open_file(c, i) == 0)
		rc = sq_procfile_read(&c->open[i].file);
	return rc;
}

static int cgroup_sample(void *state, struct sq_sample *s)
{
	struct cgroup *c = state;
	bool kept = sq_sample_kept(s);

	for (size_t i = 0; i < FILES; i++) {
		int rc;

		if (!c->open[i].file.text)
			continue;
		rc = read_file(c, i);
		if (rc < 0)
			return rc;
		if (kept && c->open[i].file.same)
			continue;
		if (files[i].form == KEYED)
			read_keyed(c, &files[i], &c->open[i]);
		else
			read_one(c, &files[i], &c->open[i]);
	}
	return 0;
}

static void cgroup_close(void *state)
{
	struct cgroup *c = state;

	for (size_t i = 0; i < FILES; i++)
		sq_procfile_close(&c->open[i].file);
}

static int cgroup_open(void *state, const void *conf, struct sq_sample *s, struct sq_err *err)
{
	const struct cgroup_conf *given = conf;
	struct cgroup *c = state;
	int rc;

	*c = (struct cgroup){ .sample = s };
	rc = sq_cgroup_find(sq_sample_place(s), given ? given->group : NULL, &c->group, err);
	for (size_t i = 0; rc == 0 && i < FILES; i++)
		if (c->group.at[files[i].controller].folder[0] &&
		    c->group.at[files[i].controller].v2 == files[i].v2)
			open_file(c, i);
	return rc;
}

static const struct sq_opt cgroup_opts[] = {
	{ .name = "group",
	  .type = SQ_OPT_STRING,
	  .offset = offsetof(struct cgroup_conf, group),
	  .help = "its path, \"/system.slice/named.service\"; by default the capture's own, which is "
		  "that of the servers that the scenario started" },
	{ 0 },
};

const struct sq_source sq_source_cgroup = {
	.kind = {
		.name = "cgroup",
		.summary = "how often a control group's limits held its processes up (cgroup v1 and v2)",
		.opts = cgroup_opts,
		.conf_size = sizeof(struct cgroup_conf),
	},
	.group = "linux",
	.remote = true,
	.state_size = sizeof(struct cgroup),
	.open = cgroup_open,
	.sample = cgroup_sample,
	.close = cgroup_close,
};
