/* A scenario: what a person asked for, parsed strictly from JSON by option tables, and checked.
 * These structs are exactly the file's shape; what follows from them (addresses, targets, bounds)
 * is the plan's. */
#ifndef SQ_SCENARIOS_SCENARIO_H
#define SQ_SCENARIOS_SCENARIO_H

#include <stdbool.h>
#include <stdint.h>

#include <jansson.h>

#include "base/err.h"
#include "base/opt.h"

struct sq_shape_spec {          /* a token-bucket shaper, tc-tbf(8) */
	int64_t rate_bit_per_s; /* SQ_OPT_UNSET: no shaper */
	int64_t burst_bytes, limit_bytes;
	char *host; /* whose sending side; NULL: both ends of the link */
};

struct sq_link_spec {
	struct sq_strings between; /* two names of hosts */
	char *subnet;              /* "198.18.0.0/16"; NULL: the next /16 of 198.18.0.0/15 */
	struct sq_shape_spec shape;
	int64_t delay_ns;    /* UNSET: none, tc-netem(8) */
	double loss_percent; /* NAN: none */
};

struct sq_process_spec {
	struct sq_plug sink;    /* a built-in sink, or */
	struct sq_strings argv; /* a program */
	int64_t wait_port;      /* a TCP port to wait for before the load starts; UNSET: none */
	int64_t wait_ns;        /* how long to wait at most */
	bool once;              /* it must end well before what comes after it is started */
};

struct sq_host_spec {
	char *name;                  /* the key */
	struct sq_strings addresses; /* more addresses on its first link, "198.18.7.1/16" */
	struct sq_strings any_ip;    /* prefixes all of whose addresses are its own */
	struct sq_pairs sysctl;
	struct sq_strings nft; /* rule-set texts */
	struct sq_pairs files; /* paths, each with the text that stands there instead */
	int64_t nofile;        /* RLIMIT_NOFILE of its servers and loads; UNSET: the machine's */
	char *cpus;            /* "0", "0-3,8": where its servers and loads run; NULL: anywhere */
	double cpu_percent;    /* of one processor's time, for its servers together; NAN: all */
	struct sq_list run;    /* struct sq_process_spec */
};

struct sq_world_spec {
	struct sq_list hosts;   /* struct sq_host_spec */
	struct sq_list links;   /* struct sq_link_spec */
	struct sq_pairs sysctl; /* the machine's, beyond any world: --allow-global */
};

/* What makes the failure vanish: `lab run` and `prove` run the scenario once more with it. */
struct sq_cure_spec {
	char *text;               /* in words; NULL: the scenario has no cure */
	struct sq_pairs set;      /* JSON pointers, each with its value in the words of --set */
	struct sq_strings expect; /* what must hold then; none: see sq_cure_document */
};

struct sq_arrivals_spec {  /* exactly one of rate, ramp, steps, poisson, burst, trace, closed */
	double rate_per_s; /* NAN: not given, as below */
	struct sq_strings ramp, steps; /* texts of rates */
	double poisson_per_s;
	int64_t burst, every_ns, streams;
	char *phase; /* "random", "stagger" or a duration */
	char *trace; /* a file */
	double speed;
	int64_t closed;
};

struct sq_load_spec {
	char *name;
	struct sq_plug driver;
	char *from;               /* NULL: the default host */
	struct sq_strings target; /* none: the scenario's */
	struct sq_strings source; /* addresses of that host; none: the kernel's choice */
	char *resolver;           /* "server:53"; NULL: none */
	int64_t threads, workers; /* workers: processes that share the threads */
	int64_t at_ns, duration_ns, warmup_ns, timeout_ns;
	int64_t count; /* UNSET: bounded by duration alone */
	int64_t max_in_flight;
	int64_t max_open; /* UNSET: no limit */
	int64_t tick_ns;  /* UNSET: the plan's choice */
	struct sq_arrivals_spec arrivals;
};

struct sq_capture_spec {
	struct sq_plug source;
	char *host, *where; /* NULL: every host; where that host is */
	int64_t interval_ns;
};

struct sq_scenario {
	char *name, *description;
	int64_t seed; /* UNSET: the plan draws one */
	struct sq_world_spec world;
	bool has_world;
	char *target;
	struct sq_list load;    /* struct sq_load_spec, at least one */
	struct sq_list capture; /* struct sq_capture_spec; none given: "linux" on every host */
	bool has_capture;
	struct sq_strings expect;
	char *reported_in;     /* where the failure was reported; NULL */
	struct sq_pairs needs; /* a program and the package that has it; "root" and why */
	char *finding;         /* the mechanism that its report must name; NULL */
	struct sq_cure_spec cure;
	struct sq_list variants; /* struct sq_variant_spec (scenarios/variant.h) */
	struct sq_pairs labels;  /* what its runs are called, in reports and comparisons */
	struct sq_strings authorized_targets; /* CIDRs */
	int64_t bin_ns, idle_ns;
	char *file; /* what errors call it */
};

/* The table of the whole grammar, for `squall help scenario` and docs. */
extern const struct sq_opt sq_scenario_opts[];

/* The part of it that an element of "capture" is, struct sq_capture_spec. */
extern const struct sq_opt sq_capture_opts[];

/* A "POINTER=VALUE" of --set; VALUE is JSON when it parses as JSON, else a string. */
int sq_scenario_apply_set(json_t *doc, const char *set, struct sq_err *err);

/* The scenario with its cure: a copy of the document in which the cure's values are set and its
 * expectations stand.  A cure without any must leave nothing of the finding.  NULL with err
 * (-ENOENT: there is no cure). */
json_t *sq_cure_document(const json_t *doc, struct sq_err *err);

/* Parses and checks a document that sq_json_load_* gave.  A run report stands for the scenario
 * that it holds ("running the echo").  ctx->file names it in errors.  NULL with err (-EINVAL) on
 * failure. */
struct sq_scenario *sq_scenario_parse(const struct sq_opt_ctx *ctx, const json_t *doc,
				      struct sq_err *err);
struct sq_scenario *sq_scenario_free(struct sq_scenario *s);

/* The effective scenario: parses back to the same.  New reference. */
json_t *sq_scenario_echo(const struct sq_scenario *s);

#endif
