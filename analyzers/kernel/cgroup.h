/* Where the files of a control group stand, of version 1 and 2. */
#ifndef SQ_ANALYZERS_KERNEL_CGROUP_H
#define SQ_ANALYZERS_KERNEL_CGROUP_H

#include <stdbool.h>
#include <stdint.h>

#include "analyzers/places/place.h"
#include "base/err.h"

enum sq_cgroup_controller { SQ_CGROUP_CPU, SQ_CGROUP_MEMORY, SQ_CGROUP_PIDS, SQ_CGROUPS };

struct sq_cgroup {
	struct {
		char folder[512]; /* "": this machine has no such controller */
		char group[256];  /* "/system.slice/named.service" */
		bool v2;
	} at[SQ_CGROUPS];
};

/* Where the servers of this host have a group of their own for the processor, "/squall-run-1-server": it then stands for
 * that of whoever reads here.  Set before anything is read; NULL: they have none. */
extern const char *sq_cgroup_servers;

/* group: NULL is the one of whoever reads there.  -ENOENT with err when no controller knows it. */
int sq_cgroup_find(struct sq_place *place, const char *group, struct sq_cgroup *ret,
		   struct sq_err *err);

/* The tightest of the group and of those that it stands in; NAN and 0: none. */
struct sq_cgroup_limits {
	double cpus;
	uint64_t memory_bytes, pids;
};

/* Whether a number that stands for a limit is one. */
bool sq_cgroup_is_limit(uint64_t value);
void sq_cgroup_limits_read(const struct sq_cgroup *group, struct sq_cgroup_limits *ret);

/* What sq_cgroup_find finds, out of the texts of /proc/self/cgroup and /proc/self/mountinfo; whether the folders are
 * there is not looked at. */
void sq_cgroup_parse(const char *memberships, const char *mounts, const char *group,
		     struct sq_cgroup *ret);

#endif
