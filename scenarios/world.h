/* The network world of a lab: anonymous namespaces, kept by a small init of squall's own, the
 * keeper.  Whatever happens to the supervisor, the keeper reads the end of its channel and ends,
 * and the kernel then ends every process of its PID namespace and every interface with it. */
#ifndef SQ_SCENARIOS_WORLD_H
#define SQ_SCENARIOS_WORLD_H

#include <sys/types.h>

#include "base/err.h"
#include "results/spool.h"
#include "scenarios/plan.h"

enum sq_fork_kind {
	SQ_FORK_PLAIN, /* no world: a PID namespace where that costs no privilege, else none */
	SQ_FORK_WORLD, /* user (when not root), PID, mount and network namespaces */
};

/* Forks the keeper; the caller must be single-threaded.  As fork(2): 0 in the keeper, which is
 * PID 1 of its namespace (its /proc is its own, its loopback is up, its mounts are private); a
 * PID to wait for in the caller.  A world that this machine forbids is -EPERM (or -ENOSPC for a
 * limit), with what to do in err. */
pid_t sq_world_fork(enum sq_fork_kind kind, struct sq_err *err);

struct sq_world;

/* In the keeper: hosts, links, addresses, sysctls (each read back), shapers, nft rules.  Without
 * a world (plan->world false) every host is where the keeper stands, and nothing is made. */
struct sq_world *sq_world_build(const struct sq_plan *plan, struct sq_err *err);
struct sq_world *sq_world_free(struct sq_world *w);

/* In a single-threaded child of the keeper: enters a host, for good. */
int sq_world_enter(const struct sq_world *w, size_t host, struct sq_err *err);
/* And takes its limits (open files, processors): servers and loads do, captures must see it happen. */
int sq_world_limit(const struct sq_world *w, size_t host, struct sq_err *err);

/* In the keeper: waits until something listens on a TCP port of a host, by its socket table and
 * without a packet. -ETIMEDOUT; -ECHILD when pid (0: none) ended first. */
int sq_world_wait_port(const struct sq_world *w, size_t host, int port, pid_t pid,
		       int64_t timeout_ns, struct sq_err *err);

/* Whether this process may make a world here; err says why not. */
int sq_world_possible(struct sq_err *err);

#endif
