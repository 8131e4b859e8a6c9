/* What the files of the world share.  All of it runs in the keeper, which is single-threaded: it
 * steps into a host's network namespace, does one thing there and steps back, so nothing else of
 * the keeper may run between sq_netns_enter and the step back. */
#ifndef SQ_SCENARIOS_WORLD_PRIVATE_H
#define SQ_SCENARIOS_WORLD_PRIVATE_H

#include <stddef.h>

#include "base/err.h"
#include "scenarios/plan.h"

struct sq_world {
	const struct sq_plan *plan;
	int own;    /* the keeper's own network namespace; -1 without a world */
	int *netns; /* of each host; NULL without a world */
	int *mntns; /* of each host, -1 for one without files of its own; NULL without a world */
	size_t n;   /* hosts made so far */
};

/* Descriptors of network namespaces, close-on-exec; or -errno. */
int sq_netns_here(void);
int sq_netns_enter(int netns, struct sq_err *err);

/* Brings lo up in the namespace of the calling thread. 0 or -errno. */
int sq_netns_lo_up(void);

/* Runs one of iproute2's or nftables' programs with a text on its standard input, in a host's
 * namespace (SIZE_MAX: the keeper's own); the namespaces are open in it under the same descriptor
 * numbers.  A failure carries what the program said. */
int sq_world_tool(const struct sq_world *w, size_t host, const char *const *argv, const char *input,
		  struct sq_err *err);

/* The steps of sq_world_build, after the namespaces are there. */
int sq_world_links(const struct sq_world *w, struct sq_err *err);
int sq_world_addresses(const struct sq_world *w, size_t host, struct sq_err *err);
int sq_world_shapers(const struct sq_world *w, size_t host, struct sq_err *err);
int sq_world_nft(const struct sq_world *w, size_t host, struct sq_err *err);
int sq_world_carriers(const struct sq_world *w, struct sq_err *err);
int sq_world_files(struct sq_world *w, size_t host, struct sq_err *err);
/* In a child that has entered the host: keeps it to the host's processors. */
int sq_world_cpus(const struct sq_host_spec *host, struct sq_err *err);
int sq_mntns_enter(int mntns, struct sq_err *err);

/* Which of a host's sysctls: those that devices copy when they are made, or all others. */
enum sq_sysctl_pass { SQ_SYSCTL_DEFAULTS, SQ_SYSCTL_OTHERS };
int sq_world_sysctls(const struct sq_world *w, size_t host, enum sq_sysctl_pass pass,
		     struct sq_err *err);

/* One sysctl, written in `netns`, read back, and seen not to have changed `own`, where the caller
 * stands.  host names the place in errors. */
int sq_sysctl_set(int own, int netns, const char *host, const char *key, const char *value,
		  struct sq_err *err);

/* Fresh namespaces send nothing by themselves: no duplicate address detection, no router
 * solicitations, no link-local addresses.  Where the kernel has no IPv6 there is nothing to do. */
void sq_sysctl_quiet_ipv6(void);

#endif
