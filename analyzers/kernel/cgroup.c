/* Which folder is a process's control group: /proc/self/cgroup says its name in each hierarchy,
 * /proc/self/mountinfo where that hierarchy is mounted, and from which group on.
 *
 * What a reader would get wrong:
 * - Both versions may be mounted at once; a controller belongs to one of them, and version 1 has it
 *   when it is in the options of a mount.
 * - A container sees the mount begin at its own group, and its own name as the outside has it or as
 *   "/" (a cgroup namespace): what is not below the mount's beginning stands at the mount itself. */
#include "analyzers/kernel/cgroup.h"

#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/buf.h"

static const char *const controllers[SQ_CGROUPS] = {
	[SQ_CGROUP_CPU] = "cpu",
	[SQ_CGROUP_MEMORY] = "memory",
	[SQ_CGROUP_PIDS] = "pids",
};

/* Whether a word stands in a list with commas, of `len` bytes. */
static bool lists(const char *list, size_t len, const char *word)
{
	const char *end = list + len;

	while (list < end) {
		size_t n = strcspn(list, ",\n ");

		if (list + n > end)
			n = (size_t)(end - list);
		if (n == strlen(word) && strncmp(list, word, n) == 0)
			return true;
		list += n + 1;
	}
	return false;
}

static const char *next_line(const char *line)
{
	const char *end = strchr(line, '\n');

	return end ? end + 1 : line + strlen(line);
}

/* "4:memory:/group" of version 1, "0::/group" of version 2.  False: it is in none. */
static bool own_group(const char *memberships, const char *controller, bool v2, char *ret,
		      size_t size)
{
	for (const char *line = memberships; *line; line = next_line(line)) {
		const char *list = strchr(line, ':'), *group;
		size_t len;

		group = list ? strchr(list + 1, ':') : NULL;
		if (!group || group > next_line(line))
			continue;
		len = (size_t)(group - list) - 1;
		if (v2 ? len > 0 : !lists(list + 1, len, controller))
			continue;
		snprintf(ret, size, "%.*s", (int)strcspn(group + 1, "\n"), group + 1);
		return true;
	}
	return false;
}

/* One line of mountinfo: "31 23 0:28 ROOT POINT options - TYPE SOURCE SUPER". */
struct mount {
	char root[256], point[256], type[32];
	const char *super;
	size_t super_len;
};

static bool parse_mount(const char *line, struct mount *ret)
{
	const char *dash = strstr(line, " - ");
	int at = 0;

	if (!dash || dash > next_line(line) ||
	    sscanf(line, "%*s %*s %*s %255s %255s", ret->root, ret->point) != 2 ||
	    sscanf(dash, " - %31s %*s %n", ret->type, &at) != 1 || at == 0)
		return false;
	ret->super = dash + at;
	ret->super_len = strcspn(ret->super, "\n");
	return true;
}

static bool find_mount(const char *mounts, const char *controller, bool v2, struct mount *ret)
{
	for (const char *line = mounts; *line; line = next_line(line))
		if (parse_mount(line, ret) &&
		    (v2 ? strcmp(ret->type, "cgroup2") == 0
			: strcmp(ret->type, "cgroup") == 0 &&
				     lists(ret->super, ret->super_len, controller)))
			return true;
	return false;
}

/* The group's name below the mount's beginning. */
static const char *below(const char *group, const char *root)
{
	size_t len = strcmp(root, "/") == 0 ? 0 : strlen(root);

	if (strncmp(group, root, len) != 0 || (group[len] && group[len] != '/'))
		return "";
	return strcmp(group + len, "/") == 0 ? "" : group + len;
}

static void find_controller(const char *memberships, const char *mounts, const char *group,
			    enum sq_cgroup_controller which, struct sq_cgroup *ret)
{
	const char *controller = controllers[which];
	struct mount m = { .root = "" };
	bool v2 = !find_mount(mounts, controller, false, &m);
	char own[256];

	if (v2 && !find_mount(mounts, controller, true, &m))
		return;
	if (!group && !own_group(memberships, controller, v2, own, sizeof(own)))
		return;
	ret->at[which].v2 = v2;
	snprintf(ret->at[which].group, sizeof(ret->at[which].group), "%s", group ? group : own);
	snprintf(ret->at[which].folder, sizeof(ret->at[which].folder), "%s%s", m.point,
		 group ? group : below(own, m.root));
}

void sq_cgroup_parse(const char *memberships, const char *mounts, const char *group,
		     struct sq_cgroup *ret)
{
	memset(ret, 0, sizeof(*ret));
	for (size_t i = 0; i < SQ_CGROUPS; i++)
		find_controller(memberships, mounts, group, (enum sq_cgroup_controller)i, ret);
}

const char *sq_cgroup_servers;

int sq_cgroup_find(struct sq_place *place, const char *group, struct sq_cgroup *ret,
		   struct sq_err *err)
{
	struct sq_buf memberships = { 0 }, mounts = { 0 };
	bool any = false;
	int rc = sq_place_read(place, "/proc/self/cgroup", &memberships);

	if (rc == 0)
		rc = sq_place_read(place, "/proc/self/mountinfo", &mounts);
	if (rc == 0)
		sq_cgroup_parse(memberships.data, mounts.data, group, ret);
	if (rc == 0 && !group && sq_cgroup_servers && sq_place_is_here(place))
		find_controller(memberships.data, mounts.data, sq_cgroup_servers, SQ_CGROUP_CPU,
				ret);
	sq_buf_fini(&memberships);
	sq_buf_fini(&mounts);
	if (rc < 0)
		return sq_err_set(err, rc, "/proc/self/cgroup", "%s", strerror(-rc));
	for (size_t i = 0; i < SQ_CGROUPS; i++) {
		if (sq_place_is_here(place) && access(ret->at[i].folder, R_OK | X_OK) == -1)
			ret->at[i].folder[0] = '\0';
		any |= ret->at[i].folder[0] != '\0';
	}
	return any ? 0
		   : sq_err_set(err, -ENOENT, group ? group : "/proc/self/cgroup",
				"no control group of the cpu, memory or pids controller is to be "
				"seen there");
}

/* ---- limits ---- */

/* Version 1 writes "no limit" as -1, or as the largest multiple of a page below 2^63. */
bool sq_cgroup_is_limit(uint64_t value)
{
	return value < UINT64_C(1) << 62;
}

/* The numbers at the beginning of a file, two at most; how many there are. */
static unsigned read_numbers(const char *folder, const char *name, uint64_t numbers[2])
{
	char path[700], text[64] = "";
	const char *at = text;
	unsigned n = 0;
	FILE *f;

	snprintf(path, sizeof(path), "%s/%s", folder, name);
	f = fopen(path, "re");
	if (f && !fgets(text, sizeof(text), f))
		text[0] = '\0';
	if (f)
		fclose(f);
	for (char *end; n < 2; n++, at = end) {
		numbers[n] = strtoull(at, &end, 10);
		if (end == at)
			break;
	}
	return n;
}

static double cpus_of(const char *folder, bool v2)
{
	uint64_t quota[2], period[2];

	if (v2) {
		if (read_numbers(folder, "cpu.max", quota) < 2)
			return NAN;
		period[0] = quota[1];
	} else if (read_numbers(folder, "cpu.cfs_quota_us", quota) < 1 ||
		   read_numbers(folder, "cpu.cfs_period_us", period) < 1) {
		return NAN;
	}
	return sq_cgroup_is_limit(quota[0]) && period[0] ? (double)quota[0] / (double)period[0]
							 : NAN;
}

static uint64_t limit_of(const char *folder, const char *name)
{
	uint64_t v[2];

	return read_numbers(folder, name, v) >= 1 && sq_cgroup_is_limit(v[0]) ? v[0] : 0;
}

static void tighten(uint64_t *limit, uint64_t value)
{
	if (value && (!*limit || value < *limit))
		*limit = value;
}

static void tighten_by(const char *folder, enum sq_cgroup_controller which, bool v2,
		       struct sq_cgroup_limits *ret)
{
	double cpus;

	switch (which) {
	case SQ_CGROUP_CPU:
		cpus = cpus_of(folder, v2);
		if (!isnan(cpus) && !(cpus >= ret->cpus))
			ret->cpus = cpus;
		break;
	case SQ_CGROUP_MEMORY:
		tighten(&ret->memory_bytes,
			limit_of(folder, v2 ? "memory.max" : "memory.limit_in_bytes"));
		break;
	case SQ_CGROUP_PIDS:
		tighten(&ret->pids, limit_of(folder, "pids.max"));
		break;
	case SQ_CGROUPS:
		break;
	}
}

void sq_cgroup_limits_read(const struct sq_cgroup *group, struct sq_cgroup_limits *ret)
{
	*ret = (struct sq_cgroup_limits){ .cpus = NAN };
	for (size_t i = 0; i < SQ_CGROUPS; i++) {
		char folder[sizeof(group->at[i].folder)], *slash;

		memcpy(folder, group->at[i].folder, sizeof(folder));
		while (strncmp(folder, "/sys/fs/cgroup", strlen("/sys/fs/cgroup")) == 0) {
			tighten_by(folder, (enum sq_cgroup_controller)i, group->at[i].v2, ret);
			slash = strrchr(folder, '/');
			*slash = '\0';
		}
	}
}
