/* The plan: all that a run will do, worked out before anything is started.  Const once made; it
 * is inherited by every process of the run through fork. */
#ifndef SQ_SCENARIOS_PLAN_H
#define SQ_SCENARIOS_PLAN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <jansson.h>

#include "scenarios/cidr.h"
#include "scenarios/scenario.h"
#include "scenarios/sources.h"
#include "scenarios/target.h"
#include "scenarios/where.h"

struct sq_host_plan {
	const char *name;
	const struct sq_host_spec *spec; /* NULL: this machine ("localhost") */
	char address[64];                /* its first address; "127.0.0.1" without a world */
	bool loads, captured;            /* makes load; is watched */
	const char *far; /* where it is read, when it is no host of the run's own; else NULL */
	char far_name[SQ_WHERE_NAME];
};

/* A link of two hosts is a cable.  One of more is a switch: as many legs with the same spec and subnet,
 * each of which has a host at its first end and SQ_SWITCH at the other, which has no address. */
#define SQ_SWITCH SIZE_MAX

struct sq_link_plan {
	const struct sq_link_spec *spec;
	size_t host[2];
	char subnet[64];
	char address[2][64]; /* with prefix length, "198.18.0.1/16" */
	char device[2][16];  /* interface names, one at each end */
};

enum { SQ_PHASE_RANDOM = -1, SQ_PHASE_STAGGER = -2 };

/* All addresses of a prefix are the host's, which has the end of that link. */
struct sq_any_ip_plan {
	const char *text;
	struct sq_cidr prefix;
	size_t host, link, end;
};

struct sq_plan;

/* What an operation takes of the host that makes it, as its driver knows. */
struct sq_op_cost {
	bool socket;     /* one of its own, for as long as it is open */
	bool time_wait;  /* and it is the end that closes first, by a FIN */
	int64_t hold_ns; /* how long it stays open after its outcome, on average */
};

struct sq_load_plan {
	const struct sq_load_spec *spec;
	struct sq_target target;   /* the first of its targets */
	struct sq_target *targets; /* all of them, of one family */
	size_t n_targets;
	struct sq_target resolver;  /* the name server that its driver asks; len 0: none given */
	struct sq_sources sources;  /* the addresses that it comes from */
	const struct sq_plan *plan; /* that it is part of */
	const struct sq_gate *gate; /* for addresses that the driver learns; the plan's */
	size_t host;                /* which host makes it */
	uint64_t seed;              /* the run's */
	unsigned index;    /* its place among the loads: also its stream of random numbers */
	int64_t phase_ns;  /* arrivals.phase as a duration, or SQ_PHASE_RANDOM, _STAGGER */
	int64_t tick_ns;   /* due times are rounded up to its multiples; 0: they are not */
	int64_t span_ns;   /* the time that its operations are spread over */
	int64_t *trace_ns; /* a trace's due times from the load's start, before its duration */
	size_t n_trace;
	struct sq_op_cost cost;
	bool soon_reused; /* its ports in TIME_WAIT: after 1 s already */
};

struct sq_capture_plan {
	const struct sq_kind *kind; /* of family "source": a source, or the group "linux" */
	const void *conf;
	const char *where; /* NULL: in the host's namespaces */
	size_t host;
	int64_t interval_ns;
};

struct sq_plan {
	struct sq_scenario *scenario;
	json_t *echo; /* the effective scenario, the seed included */
	uint64_t seed;
	bool world;    /* hosts are namespaces of their own */
	bool loopback; /* the scenario has a world, but runs without (see lost) */
	struct sq_host_plan *hosts;
	size_t n_hosts;
	struct sq_link_plan *links;
	size_t n_links;
	struct sq_any_ip_plan *any_ip;
	size_t n_any_ip;
	struct sq_load_plan *loads;
	size_t n_loads;
	struct sq_capture_plan *captures;
	size_t n_captures;
	struct sq_gate *gate;   /* what is open to this run */
	struct sq_strings lost; /* what loopback can't do of this scenario, for people and report */
	struct sq_strings authorized; /* ranges that were authorized, for the report */
	struct sq_strings warnings;   /* what its hosts have too little of */
	int64_t end_ns;   /* from t0: when the last load has stopped starting operations */
	int64_t drain_ns; /* and the longest time that its operations may still take */
};

struct sq_plan_opts {
	bool loopback;     /* run a world's scenario without its world */
	bool allow_exec;   /* argv processes are allowed (shipped labs, --allow-exec) */
	bool allow_global; /* settings of the whole machine are allowed (--allow-global) */
	struct sq_strings authorize;          /* --authorize */
	const struct sq_kind *default_source; /* the group "linux" */

	/* What only drivers know; NULL: none of them batches, reads a recording of its own, or has
	 * operations that take anything. */
	bool (*batches)(const struct sq_kind *driver); /* see loadgen/engine/driver.h */
	/* The times of a recording, as sq_trace_read. */
	int (*trace)(const struct sq_kind *driver, const char *path, int64_t **ret_at_ns,
		     size_t *ret_n, struct sq_err *err);
	void (*cost)(const struct sq_plug *driver, struct sq_op_cost *ret);
};

/* Takes the scenario over, also on failure.  -EINVAL, -errno of a file; -EACCES for a refused target, -EPERM for a
 * program without --allow-exec, or a setting of the machine without --allow-global (exit 2 all of
 * them). */
int sq_plan_make(struct sq_scenario *scenario, const struct sq_plan_opts *opts,
		 struct sq_plan **ret_plan, struct sq_err *err);
struct sq_plan *sq_plan_free(struct sq_plan *plan);

/* How many processes make the host's loads: as many as the load with the most asks for. */
size_t sq_plan_workers(const struct sq_plan *plan, size_t host);

/* Which of them has a thread of the load. */
static inline size_t sq_load_worker(const struct sq_load_plan *load, int64_t thread)
{
	return (size_t)(thread % load->spec->workers);
}

/* The host's index, or -1. */
int sq_plan_host(const struct sq_plan *plan, const char *name);

/* The host that a load's target stands on; -1: none of the scenario's. */
int sq_plan_server(const struct sq_plan *plan, const struct sq_load_plan *load,
		   const struct sq_target *target);

/* How many local ports a net.ipv4.ip_local_port_range has; 0 for a text that is none. */
double sq_port_range_size(const char *range);

/* Whether an address is a host's by a prefix. */
bool sq_plan_has_any_ip(const struct sq_plan *plan, size_t host, const struct sq_ip *ip);

/* The target of a load's socket number i, which comes from source number i: targets take turns,
 * and are shifted by one with each round of the sources, so that each source meets each target. */
const struct sq_target *sq_load_target(const struct sq_load_plan *load, uint64_t i);

#endif
