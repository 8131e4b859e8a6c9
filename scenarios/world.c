/* Building a world in the keeper, and entering its hosts.  A host is a network namespace that has
 * no name: a descriptor in the keeper holds it, so nothing is left when the keeper is gone.
 *
 * The order of the steps matters: devices copy the "default" sysctls when they are made; packet
 * filters may load the module that brings net.netfilter.*; carriers come up by themselves
 * meanwhile and are waited for last. */
#include "scenarios/world.h"

#include <sys/resource.h>

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/mem.h"
#include "scenarios/world_private.h"

/* Not /proc/self, which is the main thread's. */
int sq_netns_here(void)
{
	int fd = open("/proc/thread-self/ns/net", O_RDONLY | O_CLOEXEC);

	return fd == -1 ? -errno : fd;
}

int sq_netns_enter(int netns, struct sq_err *err)
{
	if (setns(netns, CLONE_NEWNET) == -1)
		return sq_err_set(err, -errno, "world", "cannot enter a network namespace: %s",
				  strerror(errno));
	return 0;
}

/* Leaves the keeper in the new namespace. */
static int host_make(struct sq_world *w, size_t host, struct sq_err *err)
{
	char where[128];
	int rc;

	snprintf(where, sizeof(where), "host %s", w->plan->hosts[host].name);
	if (unshare(CLONE_NEWNET) == -1)
		return sq_err_set(err, -errno, where,
				  "cannot make a network namespace: %s; raise "
				  "/proc/sys/user/max_net_namespaces, or use --loopback",
				  strerror(errno));
	rc = sq_netns_here();
	if (rc < 0)
		return sq_err_set(err, rc, where, "/proc/thread-self/ns/net: %s; is /proc mounted?",
				  strerror(-rc));
	w->netns[host] = rc;
	w->n = host + 1;
	sq_sysctl_quiet_ipv6();
	rc = sq_netns_lo_up();
	return rc < 0 ? sq_err_set(err, rc, where, "cannot bring lo up: %s", strerror(-rc)) : 0;
}

static int hosts_make(struct sq_world *w, struct sq_err *err)
{
	int rc = 0;

	for (size_t h = 0; rc == 0 && h < w->plan->n_hosts; h++)
		rc = host_make(w, h, err);
	if (rc < 0) {
		/* The first complaint is the one to hear. */
		sq_netns_enter(w->own, NULL);
		return rc;
	}
	return sq_netns_enter(w->own, err);
}

static int build(struct sq_world *w, struct sq_err *err)
{
	size_t n = w->plan->n_hosts;
	int rc = sq_netns_here();

	if (rc < 0)
		return sq_err_set(err, rc, "world", "/proc/thread-self/ns/net: %s", strerror(-rc));
	w->own = rc;
	w->netns = sq_alloc_n(n, sizeof(*w->netns));
	w->mntns = sq_alloc_n(n, sizeof(*w->mntns));
	for (size_t h = 0; h < n; h++)
		w->mntns[h] = -1;
	rc = hosts_make(w, err);
	for (size_t h = 0; rc == 0 && h < n; h++)
		rc = sq_world_sysctls(w, h, SQ_SYSCTL_DEFAULTS, err);
	if (rc == 0)
		rc = sq_world_links(w, err);
	for (size_t h = 0; rc == 0 && h < n; h++)
		rc = sq_world_addresses(w, h, err);
	for (size_t h = 0; rc == 0 && h < n; h++)
		rc = sq_world_shapers(w, h, err);
	for (size_t h = 0; rc == 0 && h < n; h++)
		rc = sq_world_nft(w, h, err);
	for (size_t h = 0; rc == 0 && h < n; h++)
		rc = sq_world_sysctls(w, h, SQ_SYSCTL_OTHERS, err);
	for (size_t h = 0; rc == 0 && h < n; h++)
		rc = sq_world_files(w, h, err);
	return rc < 0 ? rc : sq_world_carriers(w, err);
}

struct sq_world *sq_world_build(const struct sq_plan *plan, struct sq_err *err)
{
	struct sq_world *w = sq_alloc(sizeof(*w));

	w->plan = plan;
	w->own = -1;
	if (plan->world && build(w, err) < 0)
		return sq_world_free(w);
	return w;
}

struct sq_world *sq_world_free(struct sq_world *w)
{
	if (!w)
		return NULL;
	for (size_t i = 0; i < w->n; i++) {
		close(w->netns[i]);
		if (w->mntns[i] != -1)
			close(w->mntns[i]);
	}
	if (w->own != -1)
		close(w->own);
	free(w->netns);
	free(w->mntns);
	free(w);
	return NULL;
}

int sq_world_enter(const struct sq_world *w, size_t host, struct sq_err *err)
{
	int rc;

	if (!w->plan->world)
		return 0;
	rc = sq_netns_enter(w->netns[host], err);
	if (rc == 0 && w->mntns[host] != -1)
		rc = sq_mntns_enter(w->mntns[host], err);
	return rc;
}

static int limit_files(const struct sq_host_spec *spec, struct sq_err *err)
{
	struct rlimit limit;

	if (spec->nofile <= 0) /* SQ_OPT_UNSET too */
		return 0;
	limit.rlim_cur = limit.rlim_max = (rlim_t)spec->nofile;
	if (setrlimit(RLIMIT_NOFILE, &limit) == -1)
		return sq_err_set(err, -errno, spec->name,
				  "cannot allow it %lld open files: %s; raise the limit (ulimit "
				  "-Hn), or run as root",
				  (long long)spec->nofile, strerror(errno));
	return 0;
}

int sq_world_limit(const struct sq_world *w, size_t host, struct sq_err *err)
{
	const struct sq_host_spec *spec = w->plan->hosts[host].spec;
	int rc;

	if (!w->plan->world || !spec)
		return 0;
	rc = limit_files(spec, err);
	return rc < 0 ? rc : sq_world_cpus(spec, err);
}
