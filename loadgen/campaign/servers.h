/* The servers of a world: built-in sinks and programs, started in their hosts by the keeper. */
#ifndef SQ_LOADGEN_CAMPAIGN_SERVERS_H
#define SQ_LOADGEN_CAMPAIGN_SERVERS_H

#include <sys/types.h>

#include <stdbool.h>
#include <stdint.h>

#include "base/err.h"
#include "results/spool.h"
#include "scenarios/plan.h"
#include "scenarios/world.h"

struct sq_servers;

/* Starts every server of the plan, in order, each one serving before the next is started.  Their
 * output goes to servers/HOST-N-WHAT.log under dirfd.  prepare_child(arg) is called in each forked
 * child before anything else (it closes the descriptors that are not the child's).  NULL with err
 * when one would not serve; those already started are then ended. */
struct sq_servers *sq_servers_start(const struct sq_plan *plan, const struct sq_world *world,
				    int dirfd, void (*prepare_child)(void *arg), void *arg,
				    struct sq_err *err);

/* A process was reaped: true when it was one of the servers; *ret_host and *ret_text then say, for
 * an event, which one ended and how. */
bool sq_servers_reaped(struct sq_servers *s, pid_t pid, int status, const char **ret_host,
		       char *ret_text, size_t size);

/* The control group that a host's servers have for themselves; NULL: none. */
const char *sq_servers_group(const struct sq_servers *s, size_t host);

/* SIGTERM to all, SIGKILL to what is left after grace_ns; a "server" record of each to the spool. */
void sq_servers_stop(struct sq_servers *s, struct sq_spool *spool, int64_t grace_ns);

#endif
