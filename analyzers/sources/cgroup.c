/* What a control group's limits cost those in it: "cgroup.cpu.nr_throttled" and "cgroup.cpu.throttled_us",
 * "cgroup.memory.max" and "cgroup.memory.oom_kill", "cgroup.pids.max", beside what is used and allowed.
 *
 * What a reader would get wrong:
 * - The group is that of the capture, in which the servers of a scenario stand too; a server that is
 *   started elsewhere (systemd) has one of its own, to be given as "group".
 * - Names are those of version 2.  Version 1 counts cgroup.memory.max as memory.failcnt, and
 *   throttled_us as throttled_time (in ns).
 * - No limit is no row. */
#include "analyzers/cgroup.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "analyzers/procfile.h"
#include "analyzers/source.h"

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
	const char *unit;
	enum sq_metric_kind kind;
};

static const struct file files[] = {
	{ "cpu.stat", SQ_CGROUP_CPU, true, KEYED, NULL, "events", SQ_COUNTER },
	{ "memory.events", SQ_CGROUP_MEMORY, true, KEYED, NULL, "events", SQ_COUNTER },
	{ "memory.current", SQ_CGROUP_MEMORY, true, ONE, "memory.current", "bytes", SQ_GAUGE },
	{ "memory.max", SQ_CGROUP_MEMORY, true, ONE, "memory.limit", "bytes", SQ_GAUGE },
	{ "pids.events", SQ_CGROUP_PIDS, true, KEYED, NULL, "events", SQ_COUNTER },
	{ "pids.current", SQ_CGROUP_PIDS, true, ONE, "pids.current", "processes", SQ_GAUGE },
	{ "pids.max", SQ_CGROUP_PIDS, true, ONE, "pids.limit", "processes", SQ_GAUGE },
	{ "cpu.stat", SQ_CGROUP_CPU, false, KEYED, NULL, "events", SQ_COUNTER },
	{ "memory.failcnt", SQ_CGROUP_MEMORY, false, ONE, "memory.max", "events", SQ_COUNTER },
	{ "memory.oom_control", SQ_CGROUP_MEMORY, false, KEYED, "oom_kill", "events", SQ_COUNTER },
	{ "memory.usage_in_bytes", SQ_CGROUP_MEMORY, false, ONE, "memory.current", "bytes",
	  SQ_GAUGE },
	{ "memory.limit_in_bytes", SQ_CGROUP_MEMORY, false, ONE, "memory.limit", "bytes",
	  SQ_GAUGE },
	{ "pids.events", SQ_CGROUP_PIDS, false, KEYED, NULL, "events", SQ_COUNTER },
	{ "pids.current", SQ_CGROUP_PIDS, false, ONE, "pids.current", "processes", SQ_GAUGE },
	{ "pids.max", SQ_CGROUP_PIDS, false, ONE, "pids.limit", "processes", SQ_GAUGE },
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

struct cgroup {
	struct sq_sample *sample;
	struct sq_cgroup group;
	struct sq_procfile open[FILES]; /* text NULL: not there */
};

static void put(struct cgroup *c, const struct file *f, const char *metric, const char *unit,
		uint64_t value)
{
	unsigned row = sq_sample_metric(
		c->sample, &(struct sq_metric){ .name = metric,
						.instance = c->group.at[f->controller].group,
						.unit = unit,
						.kind = f->kind,
						.width = 64 });

	sq_sample_put(c->sample, row, value);
}

/* "usage_usec" is cgroup.cpu.usage_us; version 1 has "throttled_time", in ns. */
static void put_keyed(struct cgroup *c, const struct file *f, const char *key, uint64_t value)
{
	char metric[128];
	size_t len = strlen(key);
	const char *ending = "", *unit = f->unit;
	bool is_time = len > 5 &&
		       (strcmp(key + len - 5, "_usec") == 0 || strcmp(key + len - 5, "_time") == 0);

	if (is_time) {
		value /= key[len - 1] == 'e' ? 1000 : 1;
		len -= 4;
		ending = unit = "us";
	}
	snprintf(metric, sizeof(metric), "cgroup.%s.%.*s%s", prefixes[f->controller], (int)len, key,
		 ending);
	put(c, f, metric, unit, value);
}

static void read_keyed(struct cgroup *c, const struct file *f, const char *text)
{
	char key[64];
	unsigned long long value;
	int len;

	while (sscanf(text, "%63s %llu%n", key, &value, &len) == 2) {
		if (!f->metric || strcmp(f->metric, key) == 0)
			put_keyed(c, f, key, value);
		text += len;
	}
}

static void read_one(struct cgroup *c, const struct file *f, const char *text)
{
	char metric[64];
	uint64_t value = strtoull(text, NULL, 10);

	if (!isdigit((unsigned char)*text) || (f->kind == SQ_GAUGE && !sq_cgroup_is_limit(value)))
		return;
	snprintf(metric, sizeof(metric), "cgroup.%s", f->metric);
	put(c, f, metric, f->unit, value);
}

static int cgroup_sample(void *state, struct sq_sample *s)
{
	struct cgroup *c = state;

	(void)s;
	for (size_t i = 0; i < FILES; i++) {
		int rc;

		if (!c->open[i].text)
			continue;
		rc = sq_procfile_read(&c->open[i]);
		if (rc < 0)
			return rc;
		if (files[i].form == KEYED)
			read_keyed(c, &files[i], c->open[i].text);
		else
			read_one(c, &files[i], c->open[i].text);
	}
	return 0;
}

static void cgroup_close(void *state)
{
	struct cgroup *c = state;

	for (size_t i = 0; i < FILES; i++)
		sq_procfile_close(&c->open[i]);
}

static void open_file(struct cgroup *c, size_t i)
{
	const struct file *f = &files[i];
	char path[600];

	if (!c->group.at[f->controller].folder[0] || c->group.at[f->controller].v2 != f->v2)
		return;
	snprintf(path, sizeof(path), "%s/%s", c->group.at[f->controller].folder, f->name);
	sq_procfile_open(&c->open[i], sq_place_here(), path, NULL);
}

static int cgroup_open(void *state, const void *conf, struct sq_sample *s, struct sq_err *err)
{
	const struct cgroup_conf *given = conf;
	struct cgroup *c = state;
	int rc;

	*c = (struct cgroup){ .sample = s };
	rc = sq_cgroup_find(given ? given->group : NULL, &c->group, err);
	for (size_t i = 0; rc == 0 && i < FILES; i++)
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
	.state_size = sizeof(struct cgroup),
	.open = cgroup_open,
	.sample = cgroup_sample,
	.close = cgroup_close,
};
