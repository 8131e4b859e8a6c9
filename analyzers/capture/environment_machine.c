/* The part of the environment that is no kernel setting: what limits processes (setrlimit(2), the control
 * group, the processors that they may use), the clock source, the governors of the processors' speed. */
#include <sys/resource.h>

#include <glob.h>
#include <math.h>
#include <sched.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include "analyzers/capture/environment.h"
#include "analyzers/kernel/cgroup.h"
#include "base/value.h"

/* The first line of a file; false when there is none. */
static bool first_line(const char *path, char *out, size_t size)
{
	FILE *f = fopen(path, "re");
	bool any = f && fgets(out, (int)size, f);

	if (f)
		fclose(f);
	if (any)
		sq_text_squeeze(out);
	return any;
}

/* How the processors' speed is chosen, each way once; a virtual machine mostly has no say in it. */
static void add_governors(json_t *to)
{
	json_t *all = json_array();
	glob_t cpus;

	if (glob("/sys/devices/system/cpu/cpu[0-9]*/cpufreq/scaling_governor", 0, NULL, &cpus) ==
	    0) {
		for (size_t i = 0; i < cpus.gl_pathc; i++) {
			char word[64];
			size_t k = 0;

			if (!first_line(cpus.gl_pathv[i], word, sizeof(word)))
				continue;
			while (k < json_array_size(all) &&
			       strcmp(json_string_value(json_array_get(all, k)), word) != 0)
				k++;
			if (k == json_array_size(all))
				json_array_append_new(all, json_string(word));
		}
		globfree(&cpus);
	}
	if (json_array_size(all))
		json_object_set(to, "governors", all);
	json_decref(all);
}

static const struct {
	const char *name;
	int resource;
} limits[] = {
	{ "nofile", RLIMIT_NOFILE },         { "nproc", RLIMIT_NPROC },
	{ "memlock", RLIMIT_MEMLOCK },       { "as", RLIMIT_AS },
	{ "sigpending", RLIMIT_SIGPENDING }, { "rtprio", RLIMIT_RTPRIO },
};

static json_t *limit_json(rlim_t value)
{
	return value > INT64_MAX ? json_null() : json_integer((json_int_t)value);
}

static json_t *read_limits(void)
{
	json_t *all = json_object();
	struct rlimit limit;

	for (size_t i = 0; i < sizeof(limits) / sizeof(limits[0]); i++)
		if (getrlimit(limits[i].resource, &limit) == 0)
			json_object_set_new(all, limits[i].name,
					    json_pack("{s:o, s:o}", "soft",
						      limit_json(limit.rlim_cur), "hard",
						      limit_json(limit.rlim_max)));
	return all;
}

static void add_limit(json_t *to, const char *key, uint64_t value)
{
	if (value > 0 && value <= INT64_MAX)
		json_object_set_new(to, key, json_integer((json_int_t)value));
}

static void add_cgroup(json_t *to)
{
	struct sq_cgroup_limits limit;
	struct sq_cgroup group;
	json_t *entry;

	if (sq_cgroup_find(sq_place_here(), NULL, &group, NULL) < 0)
		return;
	sq_cgroup_limits_read(&group, &limit);
	entry = json_object();
	if (!isnan(limit.cpus))
		json_object_set_new(entry, "cpus", json_real(limit.cpus));
	add_limit(entry, "memory_bytes", limit.memory_bytes);
	add_limit(entry, "pids", limit.pids);
	if (json_object_size(entry))
		json_object_set(to, "cgroup", entry);
	json_decref(entry);
}

/* taskset's doing, or a cpuset's. */
static uint64_t count_allowed(void)
{
	cpu_set_t set;

	return sched_getaffinity(0, sizeof(set), &set) == 0 ? (uint64_t)CPU_COUNT(&set) : 0;
}

static void add_clock_source(json_t *to)
{
	char word[64];

	if (first_line("/sys/devices/system/clocksource/clocksource0/current_clocksource", word,
		       sizeof(word)))
		json_object_set_new(to, "clock_source", json_string(word));
}

void sq_environment_machine(json_t *env)
{
	json_object_set_new(env, "limits", read_limits());
	add_limit(env, "cpus_allowed", count_allowed());
	add_clock_source(env);
	add_governors(env);
	add_cgroup(env);
}
