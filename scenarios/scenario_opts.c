/* The grammar of a scenario file: nothing else knows its keys.  Ranges that one value can break
 * are here; what follows from several values together is checked in scenario_check.c. */
#include <stddef.h>

#include "base/clock.h"
#include "scenarios/scenario.h"
#include "scenarios/variant.h"

/* Seeds are kept to the integers that every reader of JSON keeps whole. */
#define SEED_MAX   0x1p53
#define DAY_NS     (24.0 * 3600 * SQ_SEC)
#define HOUR_NS    (3600.0 * SQ_SEC)
#define MINUTE_NS  (60.0 * SQ_SEC)
#define SIZE_LIMIT 0x1p31 /* tc(8) keeps sizes in 32 bits */

/* clang-format off */
static const struct sq_opt shape_opts[] = {
	{ .name = "rate", .type = SQ_OPT_BITRATE,
	  .offset = offsetof(struct sq_shape_spec, rate_bit_per_s), .required = true,
	  .min = 1000, .max = 1e12, .help = "bits a second, headers included" },
	{ .name = "burst", .type = SQ_OPT_SIZE,
	  .offset = offsetof(struct sq_shape_spec, burst_bytes), .def = "1600",
	  .min = 64, .max = SIZE_LIMIT,
	  .help = "bytes that may go at once; a packet longer than this is dropped" },
	{ .name = "limit", .type = SQ_OPT_SIZE,
	  .offset = offsetof(struct sq_shape_spec, limit_bytes), .required = true,
	  .min = 64, .max = SIZE_LIMIT, .help = "bytes that may wait; what exceeds them is dropped" },
	{ .name = "host", .type = SQ_OPT_STRING, .offset = offsetof(struct sq_shape_spec, host),
	  .help = "the end whose sending is shaped; both when not given" },
	{ 0 },
};

static const struct sq_opt link_opts[] = {
	{ .name = "between", .type = SQ_OPT_STRINGS,
	  .offset = offsetof(struct sq_link_spec, between), .required = true,
	  .help = "the hosts that it joins: two by a cable, more by a switch" },
	{ .name = "subnet", .type = SQ_OPT_STRING, .offset = offsetof(struct sq_link_spec, subnet),
	  .help = "its addresses: the first host has .1, the second .2 and so on; by default 198.18.0.0/16 "
		  "for one link and 198.19.0.0/16 for another" },
	{ .name = "shape", .type = SQ_OPT_TABLE, .offset = offsetof(struct sq_link_spec, shape),
	  .sub = shape_opts, .help = "a token-bucket shaper, tc-tbf(8)" },
	{ .name = "delay", .type = SQ_OPT_DURATION, .offset = offsetof(struct sq_link_spec, delay_ns),
	  .min = SQ_US, .max = MINUTE_NS,
	  .help = "added to each packet, both ways, by tc-netem(8), which not every kernel has" },
	{ .name = "loss_percent", .type = SQ_OPT_REAL,
	  .offset = offsetof(struct sq_link_spec, loss_percent), .min = 0.0001, .max = 100,
	  .help = "packets lost at random, both ways, by tc-netem(8), which not every kernel has" },
	{ 0 },
};

static const struct sq_opt process_opts[] = {
	{ .name = "sink", .type = SQ_OPT_PLUG, .offset = offsetof(struct sq_process_spec, sink),
	  .plug = "sink", .help = "a built-in target with programmed faults" },
	{ .name = "argv", .type = SQ_OPT_STRINGS, .offset = offsetof(struct sq_process_spec, argv),
	  .help = "a program and its arguments, never through a shell; needs --allow-exec" },
	{ .name = "wait_port", .type = SQ_OPT_INT,
	  .offset = offsetof(struct sq_process_spec, wait_port), .min = 1, .max = 65535,
	  .help = "a TCP port that must be listened on before the load starts" },
	{ .name = "wait", .type = SQ_OPT_DURATION,
	  .offset = offsetof(struct sq_process_spec, wait_ns), .def = "10s",
	  .min = SQ_MS, .max = HOUR_NS, .help = "how long it may take to start" },
	{ .name = "once", .type = SQ_OPT_BOOL, .offset = offsetof(struct sq_process_spec, once),
	  .help = "a program that must end well, within \"wait\", before what comes after it starts" },
	{ 0 },
};

static const struct sq_opt host_opts[] = {
	{ .name = "addresses", .type = SQ_OPT_STRINGS,
	  .offset = offsetof(struct sq_host_spec, addresses),
	  .help = "more addresses on its first link, as in 198.18.7.1/16, or all of a range, as in "
		  "198.18.64.1-198.18.73.254/16" },
	{ .name = "any_ip", .type = SQ_OPT_STRINGS, .offset = offsetof(struct sq_host_spec, any_ip),
	  .help = "prefixes in its links' subnets of which it has every address, as in 198.18.64.0/18" },
	{ .name = "sysctl", .type = SQ_OPT_PAIRS, .offset = offsetof(struct sq_host_spec, sysctl),
	  .help = "kernel settings of this host, as in net.core.somaxconn" },
	{ .name = "nft", .type = SQ_OPT_STRINGS, .offset = offsetof(struct sq_host_spec, nft),
	  .help = "rule sets in the words of nft(8)" },
	{ .name = "files", .type = SQ_OPT_PAIRS, .offset = offsetof(struct sq_host_spec, files),
	  .help = "what stands in files of this host instead of what is there: a path, as in "
		  "/etc/resolv.conf, and the text" },
	{ .name = "nofile", .type = SQ_OPT_INT, .offset = offsetof(struct sq_host_spec, nofile),
	  .min = 16, .max = 0x1p30,
	  .help = "open files that each process of its servers and loads may have (RLIMIT_NOFILE)" },
	{ .name = "cpus", .type = SQ_OPT_STRING, .offset = offsetof(struct sq_host_spec, cpus),
	  .help = "the processors that its servers and loads run on, as in \"0\" or \"0-3,8\" (CPU affinity)" },
	{ .name = "cpu_percent", .type = SQ_OPT_REAL,
	  .offset = offsetof(struct sq_host_spec, cpu_percent), .min = 1, .max = 1e6,
	  .help = "processor time that its servers may use together, of one processor's: a control "
		  "group of their own, as CPUQuota= of systemd has; needs root" },
	{ .name = "run", .type = SQ_OPT_LIST, .offset = offsetof(struct sq_host_spec, run),
	  .sub = process_opts, .elem_size = sizeof(struct sq_process_spec),
	  .help = "a server that runs here, started in this order" },
	{ 0 },
};

static const struct sq_opt world_opts[] = {
	{ .name = "hosts", .type = SQ_OPT_MAP, .offset = offsetof(struct sq_world_spec, hosts),
	  .sub = host_opts, .elem_size = sizeof(struct sq_host_spec), .required = true,
	  .help = "a host: a network of its own, with its own counters" },
	{ .name = "links", .type = SQ_OPT_LIST, .offset = offsetof(struct sq_world_spec, links),
	  .sub = link_opts, .elem_size = sizeof(struct sq_link_spec),
	  .help = "a cable between two hosts, or a switch with more" },
	{ .name = "sysctl", .type = SQ_OPT_PAIRS, .offset = offsetof(struct sq_world_spec, sysctl),
	  .help = "kernel settings that no host has for itself, as in net.ipv4.tcp_max_orphans: "
		  "changed on this machine for the length of the run; needs --allow-global" },
	{ 0 },
};

static const struct sq_opt cure_opts[] = {
	{ .name = "text", .type = SQ_OPT_STRING, .offset = offsetof(struct sq_cure_spec, text),
	  .required = true, .help = "what to change, in words" },
	{ .name = "set", .type = SQ_OPT_PAIRS, .offset = offsetof(struct sq_cure_spec, set),
	  .required = true,
	  .help = "the change: JSON pointers into this file, each with its value in the words of --set" },
	{ .name = "expect", .type = SQ_OPT_STRINGS, .offset = offsetof(struct sq_cure_spec, expect),
	  .help = "what must hold with it; when not given, that nothing of the finding is left" },
	{ 0 },
};

static const struct sq_opt arrivals_opts[] = {
	{ .name = "rate", .type = SQ_OPT_RATE,
	  .offset = offsetof(struct sq_arrivals_spec, rate_per_s), .min = 0.001, .max = 1e7,
	  .help = "open loop: so many a second, evenly spaced, for all threads together" },
	{ .name = "ramp", .type = SQ_OPT_STRINGS, .offset = offsetof(struct sq_arrivals_spec, ramp),
	  .help = "open loop: from the first to the second of two rates, linearly over the duration" },
	{ .name = "steps", .type = SQ_OPT_STRINGS,
	  .offset = offsetof(struct sq_arrivals_spec, steps),
	  .help = "open loop: one rate after the other, for an equal part of the duration each; a "
		  "part has its rate times its length, rounded up, evenly spaced from its begin" },
	{ .name = "poisson", .type = SQ_OPT_RATE,
	  .offset = offsetof(struct sq_arrivals_spec, poisson_per_s), .min = 0.001, .max = 1e7,
	  .help = "open loop: so many a second on average, independent of each other" },
	{ .name = "burst", .type = SQ_OPT_INT, .offset = offsetof(struct sq_arrivals_spec, burst),
	  .min = 1, .max = 1e6, .help = "open loop: so many at once, again after each \"every\"" },
	{ .name = "every", .type = SQ_OPT_DURATION,
	  .offset = offsetof(struct sq_arrivals_spec, every_ns), .min = SQ_US, .max = DAY_NS,
	  .help = "the time from burst to burst" },
	{ .name = "streams", .type = SQ_OPT_INT,
	  .offset = offsetof(struct sq_arrivals_spec, streams), .def = "1",
	  .min = 1, .max = 65536, .help = "so many sources that burst independently" },
	{ .name = "phase", .type = SQ_OPT_STRING, .offset = offsetof(struct sq_arrivals_spec, phase),
	  .def = "random",
	  .help = "when in \"every\" a stream bursts: \"random\" (from the seed), \"stagger\" (one "
		  "after the other, evenly), or a duration" },
	{ .name = "trace", .type = SQ_OPT_STRING, .offset = offsetof(struct sq_arrivals_spec, trace),
	  .help = "open loop: the due times of a file, ascending seconds from the load's start, one "
		  "a line, or of a recording that the driver can read; those at or after the "
		  "duration are left out" },
	{ .name = "speed", .type = SQ_OPT_REAL, .offset = offsetof(struct sq_arrivals_spec, speed),
	  .def = "1", .min = 1e-6, .max = 1e6, .help = "a trace at so many times its own speed" },
	{ .name = "closed", .type = SQ_OPT_INT, .offset = offsetof(struct sq_arrivals_spec, closed),
	  .min = 1, .max = 1e6, .help = "closed loop: so many open, a new one when one ends; one that is held has not ended" },
	{ 0 },
};

static const struct sq_opt load_opts[] = {
	{ .name = "name", .type = SQ_OPT_STRING, .offset = offsetof(struct sq_load_spec, name),
	  .help = "what expectations and the report call it; its driver's name when not given" },
	{ .name = "driver", .type = SQ_OPT_PLUG, .offset = offsetof(struct sq_load_spec, driver),
	  .plug = "driver", .required = true, .help = "the protocol that it speaks" },
	{ .name = "from", .type = SQ_OPT_STRING, .offset = offsetof(struct sq_load_spec, from),
	  .help = "the host that makes it; by default the one named client, or else the first" },
	{ .name = "target", .type = SQ_OPT_STRINGS, .offset = offsetof(struct sq_load_spec, target),
	  .lone = true,
	  .help = "host or address, and port; several take turns; the scenario's when not given" },
	{ .name = "source", .type = SQ_OPT_STRINGS, .offset = offsetof(struct sq_load_spec, source),
	  .lone = true,
	  .help = "the addresses that it comes from, in turn: one, a range \"FIRST-LAST\", a prefix, "
		  "or several of these; the kernel's choice when not given" },
	{ .name = "resolver", .type = SQ_OPT_STRING,
	  .offset = offsetof(struct sq_load_spec, resolver),
	  .help = "the name server that its driver asks, as in \"server:53\"" },
	{ .name = "threads", .type = SQ_OPT_INT, .offset = offsetof(struct sq_load_spec, threads),
	  .def = "1", .min = 1, .max = 256, .help = "threads that share the load" },
	{ .name = "workers", .type = SQ_OPT_INT, .offset = offsetof(struct sq_load_spec, workers),
	  .def = "1", .min = 1, .max = 64,
	  .help = "processes that share its threads, each with descriptors of its own: so many times "
		  "the limit of open files can be open" },
	{ .name = "at", .type = SQ_OPT_DURATION, .offset = offsetof(struct sq_load_spec, at_ns),
	  .def = "0s", .max = DAY_NS, .help = "when it starts, from the start of the run" },
	{ .name = "duration", .type = SQ_OPT_DURATION,
	  .offset = offsetof(struct sq_load_spec, duration_ns), .def = "10s",
	  .min = SQ_MS, .max = DAY_NS, .help = "how long it starts operations" },
	{ .name = "warmup", .type = SQ_OPT_DURATION,
	  .offset = offsetof(struct sq_load_spec, warmup_ns), .def = "0s", .max = DAY_NS,
	  .help = "so much of the duration counts for neither rates nor latencies" },
	{ .name = "timeout", .type = SQ_OPT_DURATION,
	  .offset = offsetof(struct sq_load_spec, timeout_ns), .def = "5s",
	  .min = SQ_US, .max = HOUR_NS, .help = "how long an operation may take, from its due time" },
	{ .name = "count", .type = SQ_OPT_INT, .offset = offsetof(struct sq_load_spec, count),
	  .min = 1, .max = 1e9, .help = "so many operations at most; the duration ends it too" },
	{ .name = "max_in_flight", .type = SQ_OPT_INT,
	  .offset = offsetof(struct sq_load_spec, max_in_flight), .def = "100000",
	  .min = 1, .max = 1e7,
	  .help = "operations under way at once, those without an outcome yet; what exceeds them is "
		  "missed" },
	{ .name = "max_open", .type = SQ_OPT_INT, .offset = offsetof(struct sq_load_spec, max_open),
	  .min = 1, .max = 1e7,
	  .help = "operations open at once: those under way and those that have succeeded and are held; "
		  "what exceeds them is missed; when not given only descriptors limit what is held" },
	{ .name = "tick", .type = SQ_OPT_DURATION, .offset = offsetof(struct sq_load_spec, tick_ns),
	  .max = SQ_SEC,
	  .help = "due times are rounded up to multiples of it, so that one wake-up starts several "
		  "operations, and latency counts from the rounded time; a closed loop starts at them "
		  "only; when not given 500us for rates from 8000/s on with drivers whose operations are cheap (dns), else 0s: "
		  "not rounded" },
	{ .name = "arrivals", .type = SQ_OPT_TABLE,
	  .offset = offsetof(struct sq_load_spec, arrivals), .required = true, .sub = arrivals_opts,
	  .help = "when operations start: exactly one of rate, ramp, steps, poisson, "
		  "burst, trace, closed" },
	{ 0 },
};

const struct sq_opt sq_capture_opts[] = {
	{ .name = "source", .type = SQ_OPT_PLUG, .offset = offsetof(struct sq_capture_spec, source),
	  .plug = "source", .required = true, .help = "the counters that are read" },
	{ .name = "host", .type = SQ_OPT_STRING, .offset = offsetof(struct sq_capture_spec, host),
	  .help = "where; on every host when not given; with \"where\" what that place is called" },
	{ .name = "where", .type = SQ_OPT_STRING, .offset = offsetof(struct sq_capture_spec, where),
	  .help = "a machine that this one reaches: \"ssh:HOST\", or \"exec:COMMAND\" for any command "
		  "that gives a shell on its pipes; squall reads there where it is installed, else sh "
		  "and cat do; needs --allow-exec; the host itself when not given" },
	{ .name = "interval", .type = SQ_OPT_DURATION,
	  .offset = offsetof(struct sq_capture_spec, interval_ns), .def = "100ms",
	  .min = 10 * SQ_MS, .max = MINUTE_NS, .help = "the time from reading to reading" },
	{ 0 },
};

const struct sq_opt sq_scenario_opts[] = {
	{ .name = "name", .type = SQ_OPT_STRING, .offset = offsetof(struct sq_scenario, name),
	  .required = true, .help = "what its runs are called, also on disk" },
	{ .name = "description", .type = SQ_OPT_STRING,
	  .offset = offsetof(struct sq_scenario, description), .help = "one line for people" },
	{ .name = "seed", .type = SQ_OPT_INT, .offset = offsetof(struct sq_scenario, seed),
	  .max = SEED_MAX, .help = "of all random numbers; drawn, and told, when not given" },
	{ .name = "world", .type = SQ_OPT_TABLE, .offset = offsetof(struct sq_scenario, world),
	  .sub = world_opts, .help = "a throw-away network; this machine's own when not given" },
	{ .name = "target", .type = SQ_OPT_STRING, .offset = offsetof(struct sq_scenario, target),
	  .help = "where loads go that name no target: \"server:9000\", \"127.0.0.1:53\", \"[::1]:25\"" },
	{ .name = "load", .type = SQ_OPT_LIST, .offset = offsetof(struct sq_scenario, load),
	  .sub = load_opts, .elem_size = sizeof(struct sq_load_spec), .required = true,
	  .help = "a load: operations of one protocol on one target" },
	{ .name = "capture", .type = SQ_OPT_LIST, .offset = offsetof(struct sq_scenario, capture),
	  .sub = sq_capture_opts, .elem_size = sizeof(struct sq_capture_spec),
	  .help = "counters to read; \"linux\" on every host when not given" },
	{ .name = "expect", .type = SQ_OPT_STRINGS, .offset = offsetof(struct sq_scenario, expect),
	  .help = "what must hold, as in \"storm.failures == 0\"" },
	{ .name = "reported_in", .type = SQ_OPT_STRING,
	  .offset = offsetof(struct sq_scenario, reported_in),
	  .help = "where the failure was reported first" },
	{ .name = "needs", .type = SQ_OPT_PAIRS, .offset = offsetof(struct sq_scenario, needs),
	  .help = "programs that must be there, each with the package that has it; \"root\", and what for" },
	{ .name = "finding", .type = SQ_OPT_STRING, .offset = offsetof(struct sq_scenario, finding),
	  .help = "the mechanism that its report must name" },
	{ .name = "cure", .type = SQ_OPT_TABLE, .offset = offsetof(struct sq_scenario, cure),
	  .sub = cure_opts, .help = "a change that makes the failure vanish: lab run and prove try it" },
	{ .name = "variants", .type = SQ_OPT_MAP, .offset = offsetof(struct sq_scenario, variants),
	  .sub = sq_variant_opts, .elem_size = sizeof(struct sq_variant_spec),
	  .help = "a side that tune and gate put beside others: what it changes" },
	{ .name = "labels", .type = SQ_OPT_PAIRS, .offset = offsetof(struct sq_scenario, labels),
	  .help = "what its runs are called, as in \"kernel\": \"6.1\": stands in reports and comparisons" },
	{ .name = "authorized_targets", .type = SQ_OPT_STRINGS,
	  .offset = offsetof(struct sq_scenario, authorized_targets),
	  .help = "address ranges of your own that it may send to, as in 198.51.100.7/32" },
	{ .name = "bin", .type = SQ_OPT_DURATION, .offset = offsetof(struct sq_scenario, bin_ns),
	  .def = "100ms", .min = 10 * SQ_MS, .max = 10 * SQ_SEC,
	  .help = "the width of one point of every series" },
	{ .name = "idle", .type = SQ_OPT_DURATION, .offset = offsetof(struct sq_scenario, idle_ns),
	  .def = "500ms", .max = MINUTE_NS,
	  .help = "quiet time before and after the load, for comparison" },
	{ 0 },
};
/* clang-format on */
